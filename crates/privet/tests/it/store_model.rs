//! Random changes of a service against a plain model: after each, the edge answers for every host as the model says,
//! and what the model refuses leaves everything as it was.
//!
//! `PRIVET_MODEL_CASES` is the number of runs, 3 unless set.

use crate::support::*;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::env;

const KEYS: [By; 2] = [RSA, EC];
const GROUPS: [&str; 2] = ["viewers", "editors"];
const POLICIES: [&str; 2] = ["words", "numbers"];
const DISTRIBUTIONS: [&str; 3] = ["E1", "E2", "E3"];
const HOSTS: [&str; 3] = ["one.example", "two.example", "three.example"];
const COLLECTIONS: [&str; 4] = [
    "/v1/keys",
    "/v1/key-groups",
    "/v1/policies/response-headers",
    "/v1/distributions",
];

/// What an operator does.
#[derive(Clone, Debug)]
enum Step {
    CreateKey(&'static str),
    DeleteKey(&'static str),
    PutGroup(&'static str, BTreeSet<&'static str>),
    DeleteGroup(&'static str),
    PutPolicy(&'static str, u32),
    DeletePolicy(&'static str),
    Put(&'static str, Served),
    Delete(&'static str),
    Enable(&'static str, bool),
}

/// A distribution as far as it is changed here.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Served {
    host: &'static str,
    group: Option<&'static str>,
    policy: Option<&'static str>,
    is_enabled: bool,
}

/// What the model says of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Done,
    Absent,
    Conflict,
    NoReference,
}

#[derive(Clone, Debug, Default)]
struct Model {
    keys: BTreeSet<&'static str>,
    groups: BTreeMap<&'static str, BTreeSet<&'static str>>,
    policies: BTreeMap<&'static str, u32>,
    distributions: BTreeMap<&'static str, Served>,
}

/// What a viewer gets for a host.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    /// Nothing is served there.
    Nothing,
    /// An object, with the number that a policy adds.
    Object(Option<u32>),
    /// Objects are for links of these keys alone.
    Links(BTreeSet<&'static str>, Option<u32>),
}

fn step() -> impl Strategy<Value = Step> {
    let keys: Vec<&str> = KEYS.iter().map(|key| key.id).collect();
    let some_keys = subsequence(keys.clone(), 1..=keys.len());
    let served = (
        select(HOSTS.to_vec()),
        prop::option::of(select(GROUPS.to_vec())),
        prop::option::weighted(0.3, select(POLICIES.to_vec())),
    );
    let served = served.prop_map(|(host, group, policy)| Served {
        host,
        group,
        policy,
        is_enabled: true,
    });
    let id = || select(DISTRIBUTIONS.to_vec());
    prop_oneof![
        2 => select(keys.clone()).prop_map(Step::CreateKey),
        1 => select(keys).prop_map(Step::DeleteKey),
        4 => (select(GROUPS.to_vec()), some_keys)
            .prop_map(|(id, keys)| Step::PutGroup(id, keys.into_iter().collect())),
        1 => select(GROUPS.to_vec()).prop_map(Step::DeleteGroup),
        2 => (select(POLICIES.to_vec()), any::<u32>()).prop_map(|(id, number)| Step::PutPolicy(id, number)),
        1 => select(POLICIES.to_vec()).prop_map(Step::DeletePolicy),
        6 => (id(), served).prop_map(|(id, served)| Step::Put(id, served)),
        2 => id().prop_map(Step::Delete),
        3 => (id(), any::<bool>()).prop_map(|(id, is_enabled)| Step::Enable(id, is_enabled)),
    ]
}

impl Model {
    fn take(&mut self, step: &Step) -> Verdict {
        match step {
            Step::CreateKey(id) => match self.keys.insert(id) {
                true => Verdict::Done,
                false => Verdict::Conflict,
            },
            Step::DeleteKey(id) => {
                let is_used = self.groups.values().any(|keys| keys.contains(id));
                delete(self.keys.contains(id), is_used, || self.keys.remove(id))
            }
            Step::PutGroup(_, keys) if !keys.is_subset(&self.keys) => Verdict::NoReference,
            Step::PutGroup(id, keys) => {
                self.groups.insert(id, keys.clone());
                Verdict::Done
            }
            Step::DeleteGroup(id) => {
                let is_used = self.uses(|served| served.group == Some(id));
                delete(self.groups.contains_key(id), is_used, || {
                    self.groups.remove(id)
                })
            }
            Step::PutPolicy(id, number) => {
                self.policies.insert(id, *number);
                Verdict::Done
            }
            Step::DeletePolicy(id) => {
                let is_used = self.uses(|served| served.policy == Some(id));
                delete(self.policies.contains_key(id), is_used, || {
                    self.policies.remove(id)
                })
            }
            Step::Put(id, served) => self.put(id, served),
            Step::Delete(id) => {
                let known = self.distributions.get(id);
                let is_enabled = known.is_some_and(|served| served.is_enabled);
                delete(known.is_some(), is_enabled, || {
                    self.distributions.remove(id)
                })
            }
            Step::Enable(id, is_enabled) => match self.distributions.get_mut(id) {
                Some(served) => {
                    served.is_enabled = *is_enabled;
                    Verdict::Done
                }
                None => Verdict::Absent,
            },
        }
    }

    fn put(&mut self, id: &'static str, served: &Served) -> Verdict {
        let has_group = served
            .group
            .is_none_or(|group| self.groups.contains_key(group));
        let has_policy = served
            .policy
            .is_none_or(|policy| self.policies.contains_key(policy));
        if !has_group || !has_policy {
            return Verdict::NoReference;
        }
        let mut others = self.distributions.iter().filter(|(other, _)| **other != id);
        if others.any(|(_, other)| other.host == served.host) {
            return Verdict::Conflict;
        }
        self.distributions.insert(id, served.clone());
        Verdict::Done
    }

    fn uses(&self, does: impl Fn(&Served) -> bool) -> bool {
        self.distributions.values().any(does)
    }

    fn sees(&self, host: &str) -> Seen {
        let mut enabled = self
            .distributions
            .values()
            .filter(|served| served.is_enabled);
        let Some(served) = enabled.find(|served| served.host == host) else {
            return Seen::Nothing;
        };
        let number = served.policy.map(|policy| self.policies[policy]);
        match served.group {
            Some(group) => Seen::Links(self.groups[group].clone(), number),
            None => Seen::Object(number),
        }
    }
}

fn delete<T>(is_there: bool, is_used: bool, delete: impl FnOnce() -> T) -> Verdict {
    match (is_there, is_used) {
        (false, _) => Verdict::Absent,
        (true, true) => Verdict::Conflict,
        (true, false) => {
            delete();
            Verdict::Done
        }
    }
}

/// Makes the change at the edge.
fn make(edge: &StoredEdge, step: &Step) -> OperatorAnswer {
    let [keys, groups, policies, distributions] = COLLECTIONS;
    match step {
        Step::CreateKey(id) => {
            let file = if *id == RSA.id {
                "rsa2048.pub.pem"
            } else {
                "p256.pub.pem"
            };
            edge.v1("POST", keys, &stored_key(id, file))
        }
        Step::DeleteKey(id) => edge.act("DELETE", &format!("{keys}/{id}"), ""),
        Step::PutGroup(id, keys) => put(edge, groups, &json!({ "id": id, "public_keys": keys })),
        Step::DeleteGroup(id) => edge.act("DELETE", &format!("{groups}/{id}"), ""),
        Step::PutPolicy(id, number) => {
            let header = json!({ "header": "X-Number", "value": number.to_string() });
            put(edge, policies, &json!({ "id": id, "custom": [header] }))
        }
        Step::DeletePolicy(id) => edge.act("DELETE", &format!("{policies}/{id}"), ""),
        Step::Put(id, served) => {
            let mut document = stored_distribution(id, served.host, &edge.path("bucket"));
            let behavior = &mut document["default_behavior"];
            if let Some(group) = served.group {
                behavior["trusted_key_groups"] = json!([group]);
            }
            if let Some(policy) = served.policy {
                behavior["response_headers_policy"] = json!(policy);
            }
            put(edge, distributions, &document)
        }
        Step::Delete(id) => edge.act("DELETE", &format!("{distributions}/{id}"), ""),
        Step::Enable(id, is_enabled) => {
            let verb = if *is_enabled { "/enable" } else { "/disable" };
            edge.act("POST", &format!("{distributions}/{id}"), verb)
        }
    }
}

/// Creates an item, or replaces the one of its id.
fn put(edge: &StoredEdge, collection: &str, document: &Value) -> OperatorAnswer {
    let item = format!("{collection}/{}", document["id"].as_str().unwrap());
    let read = edge.v1("GET", &item, &Value::Null);
    let request = match read.status {
        404 => V1::new("POST", collection, document),
        _ => V1::new("PUT", &item, document).if_match(&read.json),
    };
    edge.try_v1(&request).unwrap()
}

/// Returns what the edge answers for a host.
fn seen(edge: &StoredEdge, host: &str) -> Seen {
    let url = format!("http://{host}/a");
    let number = |answer: &Answer| answer.field("X-Number").map(|text| text.parse().unwrap());
    let plain = edge.get(&url);
    if plain.status() == 200 {
        return Seen::Object(number(&plain));
    }
    assert_eq!(plain.status(), 403, "{host}");
    if !plain.text().contains("MissingKey") {
        return Seen::Nothing;
    }
    let opened = KEYS
        .iter()
        .map(|key| (key.id, edge.get(&signed_by(*key, &url, LATER))));
    let opened: Vec<(&str, Answer)> = opened
        .filter(|(_, answer)| answer.status() == 200)
        .collect();
    let first = opened.first().and_then(|(_, answer)| number(answer));
    assert!(opened.iter().all(|(_, answer)| number(answer) == first));
    Seen::Links(opened.iter().map(|(id, _)| *id).collect(), first)
}

/// Returns everything that is stored, with its versions.
fn stored(edge: &StoredEdge) -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for collection in COLLECTIONS {
        let listed = edge.v1("GET", collection, &Value::Null);
        for item in listed.json["items"].as_array().unwrap() {
            let part = |name: &str| item[name].as_str().unwrap().to_owned();
            all.push((part("id"), part("etag"), item["document"].clone()));
        }
    }
    all
}

fn check(edge: &StoredEdge, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut model = Model::default();
    let mut before = stored(edge);
    for step in steps {
        let verdict = model.take(step);
        let answer = make(edge, step);
        let statuses: &[u16] = match verdict {
            Verdict::Done => &[200, 201],
            Verdict::Absent => &[404],
            Verdict::Conflict => &[409, 422],
            Verdict::NoReference => &[422],
        };
        prop_assert!(
            statuses.contains(&answer.status),
            "{step:?}, {verdict:?}: {}",
            answer.json
        );
        let after = stored(edge);
        match answer.json["change"].as_u64() {
            Some(change) => edge.until_applied(change, 1),
            None => prop_assert_eq!(&before, &after, "{:?} was refused", step),
        }
        before = after;
        for host in HOSTS {
            prop_assert_eq!(
                seen(edge, host),
                model.sees(host),
                "{} after {:?}",
                host,
                step
            );
        }
    }
    Ok(())
}

#[test]
fn an_edge_answers_as_the_model_says() {
    let cases = env::var("PRIVET_MODEL_CASES").map_or(3, |text| text.parse().unwrap());
    let mut runner = TestRunner::new(Config {
        cases,
        max_shrink_iters: 60,
        failure_persistence: None,
        ..Config::default()
    });
    let steps = prop::collection::vec(step(), 20..40);
    let run = runner.run(&steps, |steps| {
        let edge = StoredEdge::of_file();
        edge.write("bucket/a", "alpha");
        check(&edge, &steps)
    });
    run.unwrap();
}
