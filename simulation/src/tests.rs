use crate::{Acknowledged, Settings, World};
use std::collections::BTreeMap;

mod model;

/// What has to happen in 200 runs, so that they prove something.
const HAPPENS: [&str; 22] = [
    "HEAD answered",
    "a clock set",
    "a cookie forged",
    "a database killed",
    "a limited link served",
    "a link expired",
    "a page shown",
    "a revocation lifted",
    "a revocation made",
    "a use given back",
    "a use made",
    "a viewer served at the end",
    "an edge cut off",
    "an edge killed",
    "an ordinary link refused",
    "an ordinary link served",
    "an outcome unknown",
    "link-revoked",
    "link-store-silent",
    "link-store-stale",
    "link-used-up",
    "link-viewers-used-up",
];

#[test]
fn links_keep_their_promises_whatever_happens() {
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 1..=200 {
        match World::run(seed, Settings::default()) {
            Ok(checker) => {
                for (what, count) in checker.seen {
                    *seen.entry(what).or_default() += count;
                }
            }
            Err(told) => panic!("seed {seed}:\n{told}"),
        }
    }
    let missing: Vec<&&str> = HAPPENS
        .iter()
        .filter(|what| !seen.contains_key(**what))
        .collect();
    assert!(missing.is_empty(), "{missing:?} never happened: {seen:?}");
}

/// The reason why a fleet needs a synchronous standby; and that the simulation finds what is wrong.
#[test]
fn a_store_that_acknowledges_early_is_found() {
    let settings = Settings {
        acknowledged: Acknowledged::Early,
    };
    let broken = (1..=200).find(|seed| World::run(*seed, settings).is_err());
    assert!(broken.is_some(), "200 runs with lost uses broke no promise");
}

#[test]
fn a_seed_is_one_run() {
    let run = |seed| World::run(seed, Settings::default()).map(|checker| checker.seen);
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}
