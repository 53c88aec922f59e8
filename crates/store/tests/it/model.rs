//! Random writes against a plain model in memory: the same answers, and the same documents in the end.

use std::collections::{BTreeMap, BTreeSet};

use privet_store::{DocumentChange, Expected, Page, Store, StoreError};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use crate::support::{Place, count, put, run, thing};

const IDS: [&str; 4] = ["a", "b", "c", "d"];
const CLAIMS: [&str; 3] = ["x.example", "y.example", "z.example"];

/// One change, without what depends on the store's random values.
#[derive(Clone, Debug)]
struct Step {
    id: &'static str,
    expected: Expectation,
    put: Option<u32>,
    references: BTreeSet<&'static str>,
    claims: BTreeSet<&'static str>,
}

#[derive(Clone, Copy, Debug)]
enum Expectation {
    Absent,
    Current,
    Stale,
    Exists,
    Any,
}

#[derive(Clone, Default)]
struct Model {
    documents: BTreeMap<&'static str, Modelled>,
    versions: BTreeMap<&'static str, u64>,
    etags: BTreeMap<&'static str, String>,
    changes: u64,
}

#[derive(Clone)]
struct Modelled {
    number: u32,
    references: BTreeSet<&'static str>,
    claims: BTreeSet<&'static str>,
}

/// Kinds of refusal, in the order in which the store looks for them.
#[derive(Debug, PartialEq, Eq)]
enum Refused {
    Expected,
    Claimed,
    Reference,
    InUse,
}

fn step() -> impl Strategy<Value = Step> {
    let expected = select(vec![
        Expectation::Absent,
        Expectation::Current,
        Expectation::Stale,
        Expectation::Exists,
        Expectation::Any,
        Expectation::Any,
        Expectation::Any,
    ]);
    let references = proptest::collection::btree_set(select(IDS.to_vec()), 0..2);
    let claims = proptest::collection::btree_set(select(CLAIMS.to_vec()), 0..2);
    let put = proptest::option::weighted(0.7, any::<u32>());
    let parts = (select(IDS.to_vec()), expected, put, references, claims);
    parts.prop_map(|(id, expected, put, references, claims)| Step {
        id,
        expected,
        put,
        references,
        claims,
    })
}

fn writes() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let write = proptest::collection::vec(step(), 1..4).prop_map(|mut steps| {
        let mut seen = BTreeSet::new();
        steps.retain(|step| seen.insert(step.id));
        steps
    });
    proptest::collection::vec(write, 1..15)
}

impl Model {
    fn write(&self, steps: &[Step]) -> Result<Self, Refused> {
        let mut after = self.clone();
        for step in steps {
            let exists = self.documents.contains_key(step.id);
            let holds = match step.expected {
                Expectation::Any => true,
                Expectation::Absent => !exists,
                Expectation::Current | Expectation::Exists => exists,
                Expectation::Stale => false,
            };
            if !holds {
                return Err(Refused::Expected);
            }
            let modelled = step.put.map(|number| Modelled {
                number,
                references: step.references.clone(),
                claims: step.claims.clone(),
            });
            if exists || modelled.is_some() {
                *after.versions.entry(step.id).or_default() += 1;
                after.changes += 1;
            }
            match modelled {
                Some(modelled) => after.documents.insert(step.id, modelled),
                None => after.documents.remove(step.id),
            };
        }
        let mut claims = BTreeSet::new();
        let mut claimed = after
            .documents
            .values()
            .flat_map(|document| &document.claims);
        if !claimed.all(|claim| claims.insert(claim)) {
            return Err(Refused::Claimed);
        }
        let written = |id: &str| steps.iter().any(|step| step.id == id && step.put.is_some());
        for (id, document) in &after.documents {
            let missing = document
                .references
                .iter()
                .any(|to| !after.documents.contains_key(to));
            if missing && written(id) {
                return Err(Refused::Reference);
            }
        }
        let mut references = after
            .documents
            .values()
            .flat_map(|document| &document.references);
        if references.any(|to| !after.documents.contains_key(to)) {
            return Err(Refused::InUse);
        }
        Ok(after)
    }
}

fn kind_of(error: &StoreError) -> Option<Refused> {
    use StoreError::{Claimed, Exists, InUse, NoSuchReference, NotFound, Stale};
    if matches!(error, Exists(_) | NotFound(_) | Stale { .. }) {
        return Some(Refused::Expected);
    }
    let kinds = [
        (matches!(error, Claimed { .. }), Refused::Claimed),
        (matches!(error, NoSuchReference { .. }), Refused::Reference),
        (matches!(error, InUse { .. }), Refused::InUse),
    ];
    kinds.into_iter().find_map(|(is, kind)| is.then_some(kind))
}

fn change_of(step: &Step, model: &Model) -> DocumentChange {
    DocumentChange {
        kind: "thing".to_owned(),
        id: step.id.to_owned(),
        expected: match step.expected {
            Expectation::Absent => Expected::Absent,
            Expectation::Current => {
                Expected::Etag(model.etags.get(step.id).cloned().unwrap_or_default())
            }
            Expectation::Stale => Expected::Etag("E000000000000".to_owned()),
            Expectation::Exists => Expected::Exists,
            Expectation::Any => Expected::Any,
        },
        body: step.put.map(|number| json!({ "number": number })),
        references: step.references.iter().map(|to| thing(to)).collect(),
        secrets: Vec::new(),
        claims: step.claims.iter().map(ToString::to_string).collect(),
    }
}

async fn check(store: &Store, writes: &[Vec<Step>]) {
    // Whatever an earlier case has left.
    let all: Vec<DocumentChange> = IDS
        .iter()
        .map(|id| crate::support::change(id, None))
        .collect();
    put(store, all).await.unwrap();
    let first = store.last_change().await.unwrap();
    let mut numbers = BTreeMap::new();
    for id in IDS {
        let page = store.versions("thing", id, &Page::first(1)).await.unwrap();
        numbers.insert(id, page.first().map_or(0, |version| version.number));
    }
    let mut model = Model::default();
    for steps in writes {
        let changes = steps.iter().map(|step| change_of(step, &model)).collect();
        let written = put(store, changes).await;
        match model.write(steps) {
            Ok(after) => {
                model = after;
                let written = written.unwrap();
                assert_eq!(written.change, first + model.changes);
                for document in written.documents {
                    let id = IDS.into_iter().find(|id| *id == document.name.id).unwrap();
                    model.etags.insert(id, document.etag);
                    assert_eq!(document.version, numbers[id] + model.versions[id]);
                }
            }
            Err(refused) => assert_eq!(kind_of(&written.unwrap_err()), Some(refused)),
        }
    }
    let documents = store.documents("thing", &Page::first(100)).await.unwrap();
    let stored: Vec<_> = documents
        .iter()
        .map(|document| (document.id.as_str(), document.body.clone()))
        .collect();
    let expected: Vec<_> = model
        .documents
        .iter()
        .map(|(id, document)| (*id, json!({ "number": document.number })))
        .collect();
    assert_eq!(stored, expected);
    for id in IDS {
        let users = store.used_by("thing", id).await.unwrap();
        let expected = model
            .documents
            .iter()
            .filter(|(_, document)| document.references.contains(id));
        assert_eq!(users, expected.map(|(id, _)| thing(id)).collect::<Vec<_>>());
    }
}

fn check_cases(place: &Place, cases: u32) {
    let store = run(place.open());
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let checked = TestRunner::new(config).run(&writes(), |writes| {
        run(check(&store, &writes));
        Ok(())
    });
    checked.unwrap();
}

#[test]
fn random_writes_do_what_the_model_does() {
    check_cases(&Place::file(), count("PRIVET_STORE_TEST_CASES", 100));
    if let Some(place) = Place::postgres() {
        check_cases(&place, count("PRIVET_STORE_TEST_CASES", 30));
    }
}
