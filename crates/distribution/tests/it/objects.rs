//! Results of an authorization: the object's name at the origin, and the grant.

use crate::support::*;

#[track_caller]
fn check(path: &str, expected: &str) {
    let found = get(signed(&format!("{U}{path}"), E))
        .run_with(&snapshot(), |authorized| authorized.origin_path(path));
    assert_eq!(found.as_deref(), Ok(expected));
}

#[test]
fn names_at_the_origin_are_raw() {
    check("/", "/videos/index.html");
    check("/a/", "/videos/a/");
    check("/a%2Fb/../c", "/videos/a%2Fb/../c");
    check("//", "/videos//");
}

#[test]
fn the_grant_is_that_of_the_key() {
    let url = format!("{U}/private/a");
    let granted = get(signed(&url, E)).run_with(&snapshot(), |authorized| {
        let grant = authorized.grant().unwrap();
        (grant.key_pair_id().to_owned(), grant.until().as_secs())
    });
    assert_eq!(granted, Ok(("KRSA".to_owned(), E)));
    let open = get(format!("{U}/public/a"));
    assert_eq!(
        open.run_with(&snapshot(), |a| a.grant().is_none()),
        Ok(true)
    );
}

#[test]
fn the_log_names_the_grant_as_the_proof_does() {
    let url = signed(&format!("{U}/private/a"), E);
    let fingerprint = get(url.clone())
        .run_with(&snapshot(), |authorized| {
            authorized.grant().unwrap().fingerprint()
        })
        .unwrap();
    let (_, query) = url.split_once('?').unwrap();
    let redacted = privet_distribution::logging::redact_query(query);
    assert_eq!(
        redacted,
        format!("Expires={E}&Signature=grant:{fingerprint}&Key-Pair-Id=KRSA")
    );
}

#[test]
fn a_snapshot_tells_its_files_and_origins() {
    let snapshot = snapshot();
    let names: Vec<_> = snapshot
        .files
        .iter()
        .filter_map(|file| file.to_str())
        .collect();
    let expected = [
        "p256.pub.pem",
        "rsa2048.pem",
        "rsa2048.pub.pem",
        "rsa4096.pub.pem",
    ];
    assert_eq!(names, expected);
    let origins = snapshot.distributions().iter();
    let indexes: Vec<_> = origins
        .map(|d| d.behaviors[0].origin.primary.index)
        .collect();
    assert_eq!(indexes, [0, 1]);
}
