//! A snapshot that is changed step by step is the same as one that is built of the final document.

use privet_distribution::config::{
    Document, NodeDocument, Places, ServiceDocument, ServiceKind, Snapshot, read_items,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const KEY: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAzCNIdtFBGcNjQJwsdJKtuwdRyoq\nkKKAGMdlY8kNMlBHGyYG8GjX7dOliy6JxUVkkM5ubl+YQliVr7GASLer8w==\n-----END PUBLIC KEY-----\n";

/// What a model keeps of a distribution.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Model {
    domain_name: usize,
    alias: Option<usize>,
    origins: usize,
    group: usize,
    is_streaming: bool,
    /// Number of the distribution whose videos it plays; only for streaming distributions.
    plays: Option<usize>,
}

impl Model {
    fn kind(&self) -> ServiceKind {
        match self.is_streaming {
            true => ServiceKind::StreamingDistribution,
            false => ServiceKind::Distribution,
        }
    }

    fn json(&self, id: &str, all: &BTreeMap<usize, Model>) -> Value {
        let aliases: Vec<String> = self
            .alias
            .iter()
            .map(|n| format!("*.a{n}.example"))
            .collect();
        let group = format!("g{}", self.group);
        let domain_name = format!("d{}.example", self.domain_name);
        let origin =
            |n: usize| json!({ "id": format!("o{n}"), "url": format!("http://s{n}.example") });
        if self.is_streaming {
            let mut value = json!({
                "id": id, "domain_name": domain_name, "aliases": aliases,
                "trusted_key_groups": [group],
            });
            let played = self
                .plays
                .filter(|n| all.get(n).is_some_and(|one| !one.is_streaming));
            match played {
                Some(n) => value["distribution"] = json!(format!("E{n}")),
                None => value["origin"] = origin(self.origins),
            }
            return value;
        }
        json!({
            "id": id, "domain_name": domain_name, "aliases": aliases,
            "origins": (0..=self.origins).map(origin).collect::<Vec<_>>(),
            "default_behavior": { "origin": "o0", "trusted_key_groups": [group] },
        })
    }
}

/// Number of keys in the two groups, which a change of a group changes.
type Groups = [usize; 2];

/// Reads the distributions `numbers` of the model, with all groups.
fn document(all: &BTreeMap<usize, Model>, numbers: &[usize], groups: Groups) -> ServiceDocument {
    let mut items: Vec<(ServiceKind, String)> = Vec::new();
    for number in 0..4 {
        let key = json!({ "id": format!("K{number}"), "pem": KEY });
        items.push((ServiceKind::PublicKey, key.to_string()));
    }
    for (number, keys) in groups.iter().enumerate() {
        let keys: Vec<String> = (0..=*keys).map(|key| format!("K{key}")).collect();
        let group = json!({ "id": format!("g{number}"), "public_keys": keys });
        items.push((ServiceKind::KeyGroup, group.to_string()));
    }
    for number in numbers {
        let model = &all[number];
        let text = model.json(&format!("E{number}"), all).to_string();
        items.push((model.kind(), text));
    }
    let texts = items.iter().map(|(kind, text)| (*kind, text.as_str()));
    read_items(texts, Path::new("/")).unwrap()
}

fn no_file(_: &Path) -> std::io::Result<Vec<u8>> {
    Err(std::io::ErrorKind::NotFound.into())
}

fn node() -> NodeDocument {
    let text = "[[listeners]]\naddress = '127.0.0.1:1'\n[[listeners]]\naddress = '127.0.0.1:2'\nprotocol = 'rtmp'\n[store]\nfile = 'x'\n";
    let (document, _) = privet_distribution::config::read_toml(text, Path::new("/p.toml")).unwrap();
    document.node
}

/// Returns everything that is found in a snapshot, by names.
fn seen(snapshot: &Snapshot) -> Vec<String> {
    let mut seen = Vec::new();
    for number in 0..12 {
        let host = format!("d{number}.example");
        let wild = format!("x.a{number}.example");
        for host in [&host, &wild] {
            if let Some(found) = snapshot.distribution_for(host) {
                let behavior = &found.behaviors[0];
                let keys = behavior
                    .trusted_keys
                    .as_ref()
                    .map(|keys| keys.iter().count());
                let origin = &behavior.origin.primary;
                assert!(Arc::ptr_eq(
                    origin,
                    snapshot.origins().get(origin.index).unwrap()
                ));
                seen.push(format!("{host} {} {keys:?} {}", found.id, origin.id));
            }
            if let Some(found) = snapshot.streaming_distribution_for(host) {
                let videos = &found.videos;
                let origin = &videos.behaviors[0].origin.primary;
                assert!(Arc::ptr_eq(
                    origin,
                    snapshot.origins().get(origin.index).unwrap()
                ));
                let keys = videos.behaviors[0].trusted_keys.as_ref();
                let keys = keys.map(|keys| keys.iter().count());
                seen.push(format!("rtmp {host} {} {} {keys:?}", found.id, videos.id));
            }
        }
        let id = format!("E{number}");
        let kinds = (
            snapshot.distribution(&id).is_some(),
            snapshot.streaming_distribution(&id).is_some(),
        );
        seen.push(format!("{id} {kinds:?}"));
    }
    let mut ids: Vec<&str> = snapshot
        .distributions()
        .iter()
        .map(|d| d.id.as_str())
        .collect();
    ids.sort_unstable();
    seen.push(format!("{ids:?} {}", snapshot.origins().len()));
    seen
}

#[derive(Clone, Debug)]
enum Change {
    Put(Vec<(usize, Model)>),
    Remove(usize),
    Group(usize, usize),
}

fn model() -> impl Strategy<Value = Model> {
    let alias = proptest::option::of(0..12_usize);
    let plays = proptest::option::of(0..12_usize);
    (
        0..12_usize,
        alias,
        0..3_usize,
        0..2_usize,
        any::<bool>(),
        plays,
    )
        .prop_map(
            |(domain_name, alias, origins, group, is_streaming, plays)| Model {
                domain_name,
                alias,
                origins,
                group,
                is_streaming,
                plays,
            },
        )
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let put = proptest::collection::vec((0..12_usize, model()), 1..4).prop_map(Change::Put);
    let change = prop_oneof![
        4 => put,
        1 => (0..12_usize).prop_map(Change::Remove),
        1 => (0..2_usize, 0..4_usize).prop_map(|(group, keys)| Change::Group(group, keys)),
    ];
    proptest::collection::vec(change, 0..24)
}

/// Applies a change to the model. Returns which distributions are touched, and which are removed.
fn apply(
    all: &mut BTreeMap<usize, Model>,
    groups: &mut Groups,
    change: &Change,
) -> (Vec<usize>, Vec<(ServiceKind, String)>) {
    match change {
        Change::Put(puts) => {
            let mut removed = Vec::new();
            for (number, model) in puts {
                let old = all.insert(*number, model.clone());
                if let Some(old) = old.filter(|old| old.kind() != model.kind()) {
                    removed.push((old.kind(), format!("E{number}")));
                }
            }
            let touched = puts.iter().map(|(number, _)| *number);
            let touched: std::collections::BTreeSet<usize> = touched.collect();
            (touched.into_iter().collect(), removed)
        }
        Change::Remove(number) => match all.remove(number) {
            Some(old) => (Vec::new(), vec![(old.kind(), format!("E{number}"))]),
            None => (Vec::new(), Vec::new()),
        },
        Change::Group(group, keys) => {
            groups[*group] = *keys;
            let touched = all.iter().filter(|(_, model)| model.group == *group);
            (touched.map(|(number, _)| *number).collect(), Vec::new())
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn changes_one_by_one_are_the_whole(changes in changes()) {
        let empty = Document { node: node(), service: ServiceDocument::default() };
        let mut snapshot = Snapshot::build(empty, &Places::default(), &mut no_file).unwrap();
        let (mut all, mut groups) = (BTreeMap::new(), [0, 0]);
        for change in &changes {
            let (mut next, mut next_groups) = (all.clone(), groups);
            let (mut touched, removed) = apply(&mut next, &mut next_groups, change);
            // Those that play the videos of one that changed its kind, or is gone, refer to it, and are touched as
            // well.
            for (number, model) in &next {
                let is_affected = model.plays.is_some_and(|played| {
                    all.get(&played).map(Model::kind) != next.get(&played).map(Model::kind)
                });
                if is_affected && !touched.contains(number) {
                    touched.push(*number);
                }
            }
            let numbers: Vec<usize> = next.keys().copied().collect();
            let whole = Document { node: node(), service: document(&next, &numbers, next_groups) };
            let whole = Snapshot::build(whole, &Places::default(), &mut no_file);
            let changed = document(&next, &touched, next_groups);
            let stepped = snapshot.with_changes(&changed, &removed, &mut no_file);
            match (whole, stepped) {
                (Ok(whole), Ok(stepped)) => {
                    prop_assert_eq!(seen(&whole), seen(&stepped));
                    snapshot = stepped;
                    (all, groups) = (next, next_groups);
                }
                (Err(_), Err(_)) => {}
                (whole, stepped) => prop_assert!(false, "{:?} {:?}", whole.err(), stepped.err()),
            }
        }
    }
}

#[test]
fn what_is_not_touched_is_the_very_same() {
    let model = |n: usize| Model {
        domain_name: n,
        alias: None,
        origins: 0,
        group: 0,
        is_streaming: false,
        plays: None,
    };
    let mut all: BTreeMap<usize, Model> = (0..10).map(|n| (n, model(n))).collect();
    let numbers: Vec<usize> = all.keys().copied().collect();
    let whole = Document {
        node: node(),
        service: document(&all, &numbers, [0, 0]),
    };
    let before = Snapshot::build(whole, &Places::default(), &mut no_file).unwrap();
    all.insert(3, model(11));
    let changed = document(&all, &[3], [0, 0]);
    let after = before.with_changes(&changed, &[], &mut no_file).unwrap();
    for (one, other) in before
        .distributions()
        .iter()
        .zip(after.distributions().iter())
    {
        assert_eq!(Arc::ptr_eq(one, other), one.id != "E3", "{}", one.id);
    }
    assert!(after.distribution_for("d3.example").is_none());
    assert_eq!(after.distribution_for("d11.example").unwrap().id, "E3");
    // The old one is as it was.
    assert_eq!(before.distribution_for("d3.example").unwrap().id, "E3");
}
