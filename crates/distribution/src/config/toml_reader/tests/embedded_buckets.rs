//! Tests of embedded buckets: where they lie, and what origins may do with them.

use super::origins::{config, snapshot};
use super::*;
use crate::config::document::{BucketReader, BucketsLimits};
use crate::config::origin::{BucketAccess, EmbeddedOrigin, OriginSource};

const HERE: &str = "listeners = [{ address = '127.0.0.1:80' }]\n";

#[test]
fn the_older_name_of_buckets_is_told() {
    check(
        &format!("{HERE}[[buckets]]\nname = 'abc'\nfolder = 'a'\n"),
        "2:1: buckets: is an array of buckets, which is called buckets.bucket now; write [[buckets.bucket]] in place of [[buckets]]",
    );
}

#[test]
fn settings_of_the_machine_are_checked() {
    check(
        &format!(
            "{HERE}[buckets]\naddress = 'here'\nregion = 'a b'\ndomain_suffix = 'x'\nsync = 1\nbogus = 2\n"
        ),
        "3:11: buckets.address: \"here\" is not an address; write it like 127.0.0.1:9000 or [::1]:9000
         4:10: buckets.region: is not the name of a region, such as us-east-1
         5:17: buckets.domain_suffix: is not the end of a host name, such as .example.com
         6:8: buckets.sync: is an integer; write true or false
         7:1: buckets.bogus: is not a key of this table",
    );
    check(
        &format!("{HERE}[buckets]\naddress = '192.0.2.1:9000'\n"),
        "3:11: buckets.address: 192.0.2.1:9000 is not a loopback address, and only those are served without TLS; add certificate = { chain = \"…\", key = \"…\" }",
    );
    let text = format!("{HERE}[buckets]\naddress = '127.0.0.1:9000'\n");
    let (document, _) = read_toml(&text, Path::new("/etc/privet.toml")).unwrap();
    let settings = document.node.buckets.unwrap();
    assert_eq!(settings.folder, Path::new("/etc/buckets"));
    assert_eq!(settings.region, "us-east-1");
    assert!(settings.sync && settings.address.is_some());
}

#[test]
fn limits_of_the_endpoint_are_checked() {
    let limits = |text: &str| format!("{HERE}[buckets]\n[buckets.limits]\n{text}\n");
    for wrong in [
        "connections_max = 0",
        "connections_per_network_max = 'a'",
        "requests_max = -1",
        "uploads_max = 1048577",
        "head_size_bytes_max = '1 KiB'",
        "head_timeout = '2h'",
        "body_timeout = 0",
        "body_rate_min = '1 GiB'",
        "write_timeout = '1ms'",
        "upload_age_max = '1s'",
        "bogus = 1",
    ] {
        let errors = read_toml(&limits(wrong), Path::new("/etc/privet.toml")).unwrap_err();
        let said = format!("{errors:?}");
        let key = wrong.split(' ').next().unwrap();
        assert!(said.contains(&format!("buckets.limits.{key}")), "{said}");
    }
    let text = limits("uploads_max = 3\nbody_rate_min = 0\nupload_age_max = '2d'");
    let (document, _) = read_toml(&text, Path::new("/etc/privet.toml")).unwrap();
    let read = document.node.buckets.unwrap().limits;
    let expected = BucketsLimits {
        uploads_max: 3,
        body_rate_min: 0,
        upload_age_max: std::time::Duration::from_secs(2 * 24 * 60 * 60),
        ..BucketsLimits::default()
    };
    assert_eq!(read, expected);
}

#[test]
fn what_is_said_of_an_embedded_bucket_is_checked() {
    check(
        &format!("{HERE}[[buckets.bucket]]\nname = 'abc'\nembedded = true\n"),
        "4:12: buckets.bucket[0].embedded: is true, and this machine has no folder for buckets; add [buckets] with folder = \"buckets\"",
    );
    check(
        &format!(
            "{HERE}[buckets]\nfolder = 'b'\n[[buckets.bucket]]\nname = 'abc'\nembedded = true\nfolder = 'x'\nprofile = 'p'\nreaders = [{{ }}, {{ distribution = 'E1', origin_access_identity = 'E2' }}, {{ distribution = '' }}]\n"
        ),
        "7:10: buckets.bucket[0].folder: cannot be combined with embedded; remove one of them
         8:11: buckets.bucket[0].profile: cannot be combined with embedded; remove one of them
         9:12: buckets.bucket[0].readers[0].origin_access_identity: is missing; add it, or distribution
         9:34: buckets.bucket[0].readers[1].distribution: cannot be combined with origin_access_identity; write two entries
         9:90: buckets.bucket[0].readers[2].distribution: is empty; fill it in",
    );
    check(
        &format!(
            "{HERE}[[buckets.bucket]]\nname = 'abc'\nfolder = 'x'\nreaders = []\nembedded = false\n"
        ),
        "5:11: buckets.bucket[0].readers: is only for an embedded bucket; remove it, or add embedded = true",
    );
}

/// What an origin may do with the bucket `abc`, and where that lies; `None` if it is somewhere else.
fn embedded(origin: &str, items: &str) -> Option<EmbeddedOrigin> {
    let items = format!(
        "{items}\n[buckets]\nfolder = '/b'\naddress = '0.0.0.0:9000'\ncertificate = {{ chain = 'a', key = 'b' }}\n[[buckets.bucket]]\nname = 'abc'\nembedded = true\nreaders = [{{ origin_access_identity = 'EI' }}, {{ distribution = 'E1', list = true }}]\n"
    );
    let text = config(&format!("{{ id = 'o', {origin} }}"), &items);
    let snapshot = snapshot(&text);
    let distribution = snapshot.distributions().get(0).unwrap();
    match &distribution.behaviors[0].origin.primary.source {
        OriginSource::Embedded(embedded) => Some(embedded.clone()),
        OriginSource::S3(_) | OriginSource::Folder { .. } | OriginSource::Http(_) => None,
    }
}

#[track_caller]
fn check_access(origin: &str, items: &str, expected: &BucketAccess) {
    let embedded = embedded(origin, items).unwrap();
    assert_eq!(&embedded.access, expected, "{origin}");
    assert_eq!(embedded.root, Path::new("/b/abc"));
    let endpoint = embedded.endpoint.unwrap();
    assert_eq!((&*endpoint.host, endpoint.port), ("127.0.0.1", 9000));
}

const IDENTITY: &str = "[[origin_access_identities]]\nid = 'EI'\n";
const OTHER_IDENTITY: &str = "[[origin_access_identities]]\nid = 'EX'\n";
const CONTROL: &str = "[[origin_access_controls]]\nid = 'EC'\nsigning = 'no-override'\n";
const NO_CONTROL: &str = "[[origin_access_controls]]\nid = 'EN'\nsigning = 'never'\n";

#[test]
fn an_origin_that_nobody_granted_anything_may_do_nothing() {
    let host = "bucket_host = 'abc.s3.amazonaws.com'";
    check_access(host, "", &BucketAccess::Unsigned);
    let with_identity = format!("{host}, origin_access_identity = 'EX'");
    let other = BucketReader::Identity("EX".to_owned());
    check_access(
        &with_identity,
        OTHER_IDENTITY,
        &BucketAccess::NotGranted(other),
    );
    let unsigned = format!("{host}, origin_access_control = 'EN'");
    check_access(&unsigned, NO_CONTROL, &BucketAccess::Unsigned);
    check_access(
        "s3 = { bucket = 'abc', signing = 'never' }",
        "",
        &BucketAccess::Unsigned,
    );
}

#[test]
fn a_grant_is_to_an_identity_or_to_a_distribution_that_signs() {
    for host in [
        "abc.s3.amazonaws.com",
        "abc.s3.eu-west-1.amazonaws.com",
        "abc.s3.example.com",
    ] {
        let origin = format!("bucket_host = '{host}', origin_access_identity = 'EI'");
        check_access(&origin, IDENTITY, &BucketAccess::Read);
        let origin = format!("bucket_host = '{host}', origin_access_control = 'EC'");
        check_access(&origin, CONTROL, &BucketAccess::ReadAndList);
    }
    check_access("bucket = { name = 'abc' }", "", &BucketAccess::ReadAndList);
    check_access("s3 = { bucket = 'abc' }", "", &BucketAccess::ReadAndList);
    let named = "bucket = { name = 'abc' }, origin_access_identity = 'EI'";
    check_access(named, IDENTITY, &BucketAccess::Read);
}

#[test]
fn other_buckets_are_where_they_were() {
    assert_eq!(embedded("bucket_host = 'xyz.s3.amazonaws.com'", ""), None);
    assert_eq!(embedded("s3 = { bucket = 'xyz' }", ""), None);
    let elsewhere = "s3 = { bucket = 'abc', endpoint = 'http://127.0.0.1:1' }";
    assert_eq!(embedded(elsewhere, ""), None);
}
