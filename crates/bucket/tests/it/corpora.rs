//! Runs the corpora of the fuzz targets as ordinary tests: no input may cause a panic again.

use std::fs;
use std::path::Path;

#[path = "../../../../fuzz/targets/buckets.rs"]
mod buckets;

#[track_caller]
fn check(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let inputs: Vec<_> = fs::read_dir(folder).unwrap().collect();
    assert!(
        inputs.len() >= 10,
        "the corpus of {target} has at least ten inputs"
    );
    for input in inputs {
        run(&fs::read(input.unwrap().path()).unwrap());
    }
}

#[test]
fn bucket_policy() {
    check("bucket_policy", buckets::bucket_policy);
}

#[test]
fn bucket_bodies() {
    check("bucket_bodies", buckets::bucket_bodies);
}
