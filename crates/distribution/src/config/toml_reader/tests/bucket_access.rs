//! Tests of buckets by their host names, origin access controls and origin access identities.

use super::origins::{check_origins, config, snapshot};
use super::*;
use crate::config::origin::{
    AddressFamilies, CredentialSource, Origin, OriginSource, S3Origin, SigningBehavior,
};
use std::sync::Arc;

#[test]
fn an_origin_names_its_bucket_in_one_way() {
    check_origins(
        "{ id = 'o', bucket_host = 'b' }, { id = 'p', bucket_host = '' }, { id = 'q', bucket_host = 'b.s3-website-us-east-1.amazonaws.com' }",
        "",
        "7:38: distributions[0].origins[0].bucket_host: is not the host name of a bucket; write it like articles.s3.us-east-1.amazonaws.com
         7:71: distributions[0].origins[1].bucket_host: is empty; fill it in
         7:103: distributions[0].origins[2].bucket_host: is the website endpoint of a bucket, which is an HTTP server; write url = \"http://…\" instead",
    );
    check_origins(
        "{ id = 'o', bucket_host = 'b.example.com', folder = 'a' }",
        "",
        "7:38: distributions[0].origins[0].bucket_host: cannot be combined with folder; remove one of them",
    );
    check_origins(
        "{ id = 'o', url = 'http://a', origin_access_control = 'a', http_port = 80 }",
        "",
        "7:66: distributions[0].origins[0].origin_access_control: is only for bucket and bucket_host; remove it
         7:83: distributions[0].origins[0].http_port: is the port of url, without protocol = \"match-viewer\"; write it there",
    );
    check_origins(
        "{ id = 'o', bucket_host = 'b.example.com', origin_access_control = 'a', origin_access_identity = 'b' }, { id = 'p', bucket_host = 'b.example.com', origin_access_control = 'x' }, { id = 'q', bucket_host = 'b.example.com', origin_access_identity = 'x' }",
        "",
        "7:109: distributions[0].origins[0].origin_access_identity: cannot be combined with origin_access_control; remove one of them
         7:183: distributions[0].origins[1].origin_access_control: no origin access control is named \"x\"
         7:258: distributions[0].origins[2].origin_access_identity: no origin access identity is named \"x\"",
    );
}

#[test]
fn buckets_say_one_location() {
    let buckets = "buckets.bucket = [{ name = 'abc' }, { name = 'abc', folder = 'a', endpoint = 'http://h', region = 'x' }, { name = 'A_', endpoint = 'h', addressing = 'p' }, { name = '10.0.0.1', folder = 'a', secret_access_key = 'x' }, { name = 'xyz', endpoint = 'http://h', region = 'a b' }]\n";
    check(
        &format!("{buckets}listeners = [{{ address = '127.0.0.1:80' }}]"),
        "1:19: buckets.bucket[0].endpoint: is missing; add endpoint = \"…\", folder = \"…\" or embedded = true
         1:46: buckets.bucket[1].name: \"abc\" is used twice; rename or remove one
         1:78: buckets.bucket[1].endpoint: cannot be combined with folder; remove one of them
         1:99: buckets.bucket[1].region: is only for endpoint; remove it
         1:115: buckets.bucket[2].name: \"A_\" is not the name of a bucket: 3 to 63 of a-z, 0-9, \".\" and \"-\", with a letter or digit at both ends
         1:132: buckets.bucket[2].endpoint: is not an address of a server; write it like https://app.example.com:8443, with origin_path for a path
         1:157: buckets.bucket[3].access_key_id: is required with the secret access key; add it
         1:166: buckets.bucket[3].name: \"10.0.0.1\" is not the name of a bucket: 3 to 63 of a-z, 0-9, \".\" and \"-\", with a letter or digit at both ends
         1:267: buckets.bucket[4].region: is not the name of a region, such as us-east-1",
    );
}

#[test]
fn controls_and_identities_have_names_of_their_own() {
    check(
        "listeners = [{ address = '127.0.0.1:80' }]
origin_access_controls = [{ id = 'a' }, { id = 'b', name = 'a' }, { id = 'b', origin_type = 'lambda', name = '', signing = 'sometimes' }]
origin_access_identities = [{ id = 'a', comment = \"a\\u0007\" }, { id = 'a', caller_reference = '' }]",
        "2:60: origin_access_controls[1].name: \"a\" is used twice; rename or remove one
         2:74: origin_access_controls[2].id: \"b\" is used twice; rename or remove one
         2:93: origin_access_controls[2].origin_type: \"lambda\" is not served by this edge; write \"s3\"
         2:110: origin_access_controls[2].name: has 0 characters; write 1 to 64
         2:124: origin_access_controls[2].signing: \"sometimes\" is not one of always, never, no-override
         3:51: origin_access_identities[0].comment: has control characters; remove them
         3:71: origin_access_identities[1].id: \"a\" is used twice; rename or remove one
         3:95: origin_access_identities[1].caller_reference: has 0 characters; write 1 to 256",
    );
}

#[test]
fn versions_of_tls_and_families_of_addresses() {
    check_origins(
        "{ id = 'o', url = 'https://a', ssl_protocols = ['TLSv1', 'TLSv9'], ip_address_type = 'ipv5' }, { id = 'p', folder = 'a', ssl_protocols = ['TLSv1.2'] }",
        "",
        "7:59: distributions[0].origins[0].ssl_protocols: has no TLSv1.2, and the edge speaks no older version; add it
         7:69: distributions[0].origins[0].ssl_protocols[1]: \"TLSv9\" is not one of SSLv3, TLSv1, TLSv1.1, TLSv1.2
         7:97: distributions[0].origins[0].ip_address_type: \"ipv5\" is not one of ipv4, ipv6, dualstack; did you mean \"ipv4\"?
         7:149: distributions[0].origins[1].ssl_protocols: is only for url, s3, bucket and bucket_host; remove it",
    );
    let origin = origin(
        "{ id = 'o', url = 'https://a', ssl_protocols = ['SSLv3', 'TLSv1.2'], ip_address_type = 'ipv6', origin_shield = 'us-east-1' }",
        "",
    );
    assert_eq!(origin.patience.addresses, AddressFamilies::Ipv6);
}

/// Returns the origin of a distribution with items beside it.
fn origin(origins: &str, items: &str) -> Arc<Origin> {
    let snapshot = snapshot(&config(origins, items));
    let distribution = snapshot.distributions().get(0).unwrap();
    distribution.behaviors[0].origin.primary.clone()
}

fn bucket(origins: &str, items: &str) -> S3Origin {
    match &origin(origins, items).source {
        OriginSource::S3(bucket) => bucket.clone(),
        other @ (OriginSource::Folder { .. }
        | OriginSource::Embedded(_)
        | OriginSource::Http(_)) => panic!("{other:?}"),
    }
}

const KEYS_OF_CONTROL: &str = "[[origin_access_controls]]
id = 'E1C'
signing = 'no-override'
access_key_id = 'ofcontrol'
secret_access_key_file = 'a.secret'
";
const IDENTITY: &str = "[[origin_access_identities]]\nid = 'E1I'\n";
const ENDPOINT: &str = "[[buckets.bucket]]
name = 'articles'
endpoint = 'http://127.0.0.1:7480'
region = 'elsewhere'
access_key_id = 'ofbucket'
secret_access_key = 'x'
";

#[test]
fn a_host_leads_where_it_says() {
    let plain = bucket(
        "{ id = 'o', bucket_host = 'articles.s3.eu-west-1.amazonaws.com' }",
        "",
    );
    assert_eq!(plain.endpoint.host, "s3.eu-west-1.amazonaws.com");
    assert_eq!(
        (plain.bucket.as_str(), plain.region.as_str()),
        ("articles", "eu-west-1")
    );
    assert_eq!(plain.signing, SigningBehavior::Never);
    assert_eq!(plain.credentials, CredentialSource::Chain { profile: None });
}

#[test]
fn the_item_of_a_bucket_wins() {
    let here = bucket(
        "{ id = 'o', bucket_host = 'Articles.s3.amazonaws.com', origin_access_identity = 'E1I' }",
        &format!("{IDENTITY}{ENDPOINT}"),
    );
    assert_eq!(
        (here.endpoint.host.as_str(), here.endpoint.port),
        ("127.0.0.1", 7480)
    );
    assert_eq!(here.region, "elsewhere");
    assert_eq!(here.signing, SigningBehavior::Always);
    let CredentialSource::Static { access_key_id, .. } = &here.credentials else {
        panic!("{here:?}");
    };
    assert_eq!(access_key_id, "ofbucket");
    // The bucket of another name does not.
    let other = bucket(
        "{ id = 'o', bucket_host = 'articles2.s3.amazonaws.com' }",
        ENDPOINT,
    );
    assert_eq!(other.endpoint.host, "s3.us-east-1.amazonaws.com");
}

#[test]
fn keys_of_a_control_come_before_those_of_the_bucket() {
    let here = bucket(
        "{ id = 'o', bucket_host = 'articles.s3.amazonaws.com', origin_access_control = 'E1C' }",
        &format!("{KEYS_OF_CONTROL}{ENDPOINT}"),
    );
    assert_eq!(here.signing, SigningBehavior::NoOverride);
    let CredentialSource::Static {
        access_key_id,
        secret_access_key,
        ..
    } = &here.credentials
    else {
        panic!("{here:?}");
    };
    assert_eq!(
        (access_key_id.as_str(), secret_access_key.as_str()),
        ("ofcontrol", "secret")
    );
}

#[test]
fn a_bucket_may_be_a_folder() {
    let folder = origin(
        "{ id = 'o', bucket_host = 'articles.s3.amazonaws.com', origin_access_control = 'E1C', headers = { x-a = 'b' } }",
        &format!("{KEYS_OF_CONTROL}[[buckets.bucket]]\nname = 'articles'\nfolder = 'a'\n"),
    );
    assert_eq!(folder.source.folder_root(), Some(Path::new("/etc/a")));
}

#[test]
fn unreadable_secrets_are_told_where_they_stand() {
    check_origins(
        "{ id = 'o', bucket_host = 'articles.s3.amazonaws.com', origin_access_control = 'E1C' }",
        "[[origin_access_controls]]\nid = 'E1C'\naccess_key_id = 'a'\nsecret_access_key_file = 'missing'\n[[buckets.bucket]]\nname = 'abc'\nfolder = 'a'\naccess_key_id = 'a'\nsecret_access_key = 'a b'",
        "12:26: origin_access_controls[0].secret_access_key_file: cannot read /etc/missing: entity not found
         17:21: buckets.bucket[0].secret_access_key: is not a secret access key: one word of printable ASCII characters",
    );
}
