//! Objects that an operator invalidates are fetched again from that moment on, however viewers spell them.

use crate::support::*;
use privet_edge::InvalidationItem;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const DISTRIBUTION_ID: &str = "EDFDVBD6EXAMPLE";

/// Starts an origin whose objects consist of the number of the request that fetched them. They vary by language below
/// `/vary/`.
fn origin() -> FakeOrigin {
    let asked = AtomicUsize::new(0);
    FakeOrigin::start(move |ask| {
        let number = asked.fetch_add(1, Ordering::SeqCst).to_string();
        let mut headers = vec![("Cache-Control", "max-age=86400")];
        if ask.path().starts_with("/vary/") {
            headers.push(("Vary", "Accept-Language"));
        }
        if ask.path().starts_with("/tagged/") {
            headers.push(("Surrogate-Key", "spring videos"));
        }
        OriginAnswer::whole(200, &headers, number)
    })
}

/// A policy with the whole query in the cache key.
const POLICY: &str =
    "min_ttl = \"0s\"\ndefault_ttl = \"1d\"\nmax_ttl = \"365d\"\nquery_strings = \"all\"";

fn start(origin: &FakeOrigin) -> TestEdge {
    Remote::new(origin).policy(POLICY).start()
}

#[track_caller]
fn invalidate(edge: &TestEdge, items: &[InvalidationItem]) {
    edge.running().invalidate(DISTRIBUTION_ID, items).unwrap();
}

fn path(text: &str) -> InvalidationItem {
    InvalidationItem::path(text).unwrap()
}

/// Stores all `paths`, invalidates, and checks which are fetched again.
#[track_caller]
fn check(paths: &[&str], items: &[InvalidationItem], expected: &[&str]) {
    let origin = origin();
    let edge = start(&origin);
    for path in paths {
        edge.fetch(path);
    }
    let is_miss = |path: &&&str| edge.fetch(path).outcome() == "Miss";
    let anew: Vec<&str> = paths.iter().filter(is_miss).copied().collect();
    assert_eq!(anew, Vec::<&str>::new(), "all was stored");
    let begun = Instant::now();
    invalidate(&edge, items);
    let anew: Vec<&str> = paths.iter().filter(is_miss).copied().collect();
    assert_eq!(anew, expected, "{items:?}");
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[test]
fn every_spelling_of_a_path_goes() {
    check(&["/%76ideo"], &[path("/video")], &["/%76ideo"]);
    check(&["/video"], &[path("/%76ideo")], &["/video"]);
    check(&["/a%20b", "/a%2520b"], &[path("/a%20b")], &["/a%20b"]);
}

#[test]
fn a_query_is_part_of_the_name() {
    let paths = ["/a", "/a?q=1", "/a?q=12", "/a?r=1"];
    check(&paths, &[path("/a")], &["/a"]);
    check(&paths, &[path("/a?q=1")], &["/a?q=1"]);
    check(&paths, &[path("/a?q=*")], &["/a?q=1", "/a?q=12"]);
    check(&paths, &[path("/a*")], &paths);
}

#[test]
fn a_tag_or_a_path_is_enough() {
    let tag = InvalidationItem::tag("videos").unwrap();
    check(
        &["/tagged/1", "/tagged/2", "/a", "/b"],
        &[tag, path("/a")],
        &["/tagged/1", "/tagged/2", "/a"],
    );
}

#[test]
fn all_variants_of_a_path_go() {
    let origin = origin();
    // The header is sent to the origin, but is not in the cache key: variants are told apart by Vary alone.
    let edge = Remote::new(&origin)
        .tables("[[origin_request_policies]]\nid = \"language\"\nheaders = [\"Accept-Language\"]")
        .behavior("origin_request_policy = \"language\"")
        .start();
    let fetch = |language| edge.fetch_with("/vary/a", &[("Accept-Language", language)]);
    for language in ["de", "en", "ru"] {
        fetch(language);
        assert_eq!(fetch(language).outcome(), "Hit", "{language}");
    }
    invalidate(&edge, &[path("/vary/a")]);
    for language in ["de", "en", "ru"] {
        assert_eq!(fetch(language).outcome(), "Miss", "{language}");
    }
}

#[test]
fn the_default_root_object_has_two_names() {
    let origin = origin();
    for name in ["/", "/index.html", "/*"] {
        let config = Remote::new(&origin).config().replace(
            "domain_name =",
            "default_root_object = \"index.html\"\ndomain_name =",
        );
        let edge = TestEdge::configured(&config);
        edge.fetch("/");
        assert_eq!(edge.fetch("/").outcome(), "Hit");
        invalidate(&edge, &[path(name)]);
        assert_eq!(edge.fetch("/").outcome(), "Miss", "{name}");
    }
}

fn on_disk(origin: &FakeOrigin, folder: &Path) -> TestEdge {
    Remote::new(origin).disk(folder).start()
}

#[test]
fn invalidations_can_be_asked_about_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let origin = origin();
    let edge = on_disk(&origin, folder.path());
    let before = edge.fetch("/a").body;
    edge.fetch("/kept");
    let items = [
        path("/%61"),
        InvalidationItem::tag("spring videos").unwrap(),
    ];
    let made = edge.running().invalidate(DISTRIBUTION_ID, &items).unwrap();
    edge.stop();
    let edge = on_disk(&origin, folder.path());
    assert_eq!(edge.running().invalidation(&made.id).unwrap(), made);
    assert_eq!(edge.running().invalidations(10), [made]);
    // Objects on the disk are loaded gradually; until then they are fetched again.
    let begun = Instant::now();
    while edge.fetch("/kept").outcome() != "Hit" {
        assert!(begun.elapsed() < PATIENCE);
    }
    assert_ne!(edge.fetch("/a").body, before);
}

#[test]
fn the_largest_invalidation_outlasts_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let origin = origin();
    let edge = on_disk(&origin, folder.path());
    let long = |number: usize| path(&format!("/{number:03}{}", "%0A".repeat(1_332)));
    let items: Vec<InvalidationItem> = (0..122).map(long).collect();
    let made = edge.running().invalidate(DISTRIBUTION_ID, &items).unwrap();
    edge.stop();
    let edge = on_disk(&origin, folder.path());
    assert_eq!(edge.running().invalidation(&made.id), Some(made));
}
