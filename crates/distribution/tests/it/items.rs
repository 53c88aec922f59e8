//! A service as separate items: read from TOML, from JSON and from TOML that was written of it, it is the same.

use privet_distribution::config::{
    ItemFacts, ItemFault, ServiceDocument, ServiceItem, ServiceKind, read_items, read_toml_in_part,
    read_toml_items, write_toml,
};
use serde_json::json;
use std::path::Path;

const DEFAULT_CONFIG: &str = include_str!("../../../../docs/default-config.toml");

/// The documented configuration with the unset keys enabled.
fn everything() -> String {
    let lines = DEFAULT_CONFIG
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if !key.starts_with(' ') => key,
            Some(_) | None => line,
        });
    lines.collect::<Vec<_>>().join("\n")
}

fn service(text: &str, file: &str) -> ServiceDocument {
    let (document, _, errors) = read_toml_in_part(text, Path::new(file)).unwrap();
    assert_eq!(errors, []);
    document.service
}

fn of_json(items: &[ServiceItem]) -> Result<ServiceDocument, Vec<ItemFault>> {
    let texts: Vec<(ServiceKind, String)> = items
        .iter()
        .map(|item| (item.kind, item.value.to_string()))
        .collect();
    let texts = texts.iter().map(|(kind, text)| (*kind, text.as_str()));
    read_items(texts, Path::new("/elsewhere"))
}

#[track_caller]
fn check_fault(kind: ServiceKind, text: &str, field: &str, message: &str) {
    let faults = read_items([(kind, text)], Path::new("/")).unwrap_err();
    let found = faults
        .iter()
        .find(|fault| fault.field == field && fault.message.contains(message));
    assert!(found.is_some(), "{faults:?}");
    assert_eq!(found.unwrap().position, Some(0));
}

#[test]
fn bad_items_are_told_with_their_fields() {
    let key = ServiceKind::PublicKey;
    check_fault(key, "", "", "is not JSON");
    check_fault(key, "{", "", "is not JSON");
    check_fault(key, "{} {}", "", "is not JSON");
    check_fault(key, "[]", "", "is an array; write an object");
    check_fault(key, r#"{"id":"K1","id":"K2"}"#, "", "stands twice");
    check_fault(
        key,
        r#"{"id":null,"pem":"x"}"#,
        "id",
        "is null; write a string",
    );
    check_fault(
        key,
        r#"{"id":"K1","pme":"x"}"#,
        "pme",
        "did you mean \"pem\"?",
    );
    check_fault(key, &"[".repeat(100_000), "", "recursion limit");
    let distribution = ServiceKind::Distribution;
    check_fault(
        distribution,
        r#"{"id":"E1","domain_name":"a","default_behavior":{"origin":"o"},"origins":[{"id":"o","url":"http://a","connections_max":1.5}]}"#,
        "origins[0].connections_max",
        "is a float; write an integer",
    );
    check_fault(
        distribution,
        r#"{"id":"E1","domain_name":"a","default_behavior":{"origin":"o"},"origins":[{"id":"o","url":"http://a","connections_max":-1}]}"#,
        "origins[0].connections_max",
        "is out of range",
    );
}

#[test]
fn the_faulty_item_is_named_among_many() {
    let good = r#"{"id":"K1","pem":"x"}"#;
    let items = [
        (ServiceKind::PublicKey, good),
        (ServiceKind::KeyGroup, r#"{"id":"g","public_keys":["K1"]}"#),
        (ServiceKind::PublicKey, r#"{"id":"K2"}"#),
    ];
    let faults = read_items(items, Path::new("/")).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert_eq!(
        (faults[0].position, faults[0].field.as_str()),
        (Some(2), "file")
    );
}

#[test]
fn every_key_of_a_service_survives_json_and_toml() {
    let text = everything();
    let expected = service(&text, "/etc/privet/privet.toml");
    let items = read_toml_items(&text, Path::new("/etc/privet/privet.toml")).unwrap();
    assert_eq!(of_json(&items).unwrap(), expected);
    let written = write_toml(&items);
    assert_eq!(service(&written, "/other/privet.toml"), expected);
    let again = read_toml_items(&written, Path::new("/other/privet.toml")).unwrap();
    assert_eq!(again, items);
}

#[test]
fn strings_survive_toml() {
    let text = "a\"b\\c\td\u{1}\u{7f}\u{e9}\r\n\"\"\"\n\n x ";
    let value = json!({ "id": "g", "public_keys": [text, "", "'"] });
    let item = ServiceItem {
        kind: ServiceKind::KeyGroup,
        id: "g".to_owned(),
        value,
    };
    let written = write_toml(&[item]);
    let root: toml::Table = written.parse().unwrap();
    let keys = root["key_groups"][0]["public_keys"].as_array().unwrap();
    assert_eq!(keys[0].as_str(), Some(text));
}

#[test]
fn facts_name_references_secrets_and_claims() {
    let value = json!({
        "id": "E1",
        "domain_name": "D1.example",
        "aliases": ["*.Example.com"],
        "certificate": "tls",
        "origins": [
            { "id": "a", "url": "http://a", "headers": { "x-key": "s3cret" } },
            { "id": "b", "s3": { "bucket": "b", "access_key_id": "A", "secret_access_key": "s3cret" } },
        ],
        "default_behavior": {
            "origin": "a",
            "cache_policy": "Managed-CachingDisabled",
            "trusted_key_groups": ["g"],
        },
        "behaviors": [{ "path_pattern": "/x", "origin": "b", "cache_policy": "mine", "trusted_signers": ["self"] }],
    });
    let facts = ItemFacts::of(&ServiceItem {
        kind: ServiceKind::Distribution,
        id: "E1".to_owned(),
        value,
    });
    let facts = facts.unwrap();
    let references: Vec<(ServiceKind, &str)> = facts
        .references
        .iter()
        .map(|(kind, id)| (*kind, id.as_str()))
        .collect();
    assert_eq!(
        references,
        [
            (ServiceKind::KeyGroup, "g"),
            (ServiceKind::TrustedSigner, "self"),
            (ServiceKind::CachePolicy, "mine"),
            (ServiceKind::Certificate, "tls"),
        ]
    );
    assert_eq!(
        facts.secrets,
        [
            "/origins/0/headers/x-key",
            "/origins/1/s3/secret_access_key"
        ]
    );
    assert_eq!(
        facts.claims,
        ["host *.example.com", "host d1.example", "id E1"]
    );
}

#[test]
fn facts_of_buckets_by_their_hosts() {
    let value = json!({
        "id": "E1",
        "domain_name": "d1.example",
        "origins": [
            { "id": "a", "bucket_host": "Articles.s3.amazonaws.com", "origin_access_control": "E1C" },
            { "id": "b", "bucket_host": "archive.example.com", "origin_access_identity": "E1I" },
        ],
        "default_behavior": { "origin": "a" },
    });
    let item = ServiceItem {
        kind: ServiceKind::Distribution,
        id: "E1".to_owned(),
        value,
    };
    let facts = ItemFacts::of(&item).unwrap();
    let named = |kind, id: &str| (kind, id.to_owned());
    assert_eq!(
        facts.references.into_iter().collect::<Vec<_>>(),
        [
            named(ServiceKind::OriginAccessIdentity, "E1I"),
            named(ServiceKind::OriginAccessControl, "E1C"),
        ]
    );
    // A bucket need not be an item, and nothing keeps its item from being deleted.
    assert_eq!(
        facts.mentions.into_iter().collect::<Vec<_>>(),
        [
            named(ServiceKind::Bucket, "archive"),
            named(ServiceKind::Bucket, "articles"),
        ]
    );
    let control = ServiceItem {
        kind: ServiceKind::OriginAccessControl,
        id: "E1C".to_owned(),
        value: json!({ "id": "E1C", "name": "n", "access_key_id": "a", "secret_access_key": "b", "session_token": "c" }),
    };
    let facts = ItemFacts::of(&control).unwrap();
    assert_eq!(facts.secrets, ["/secret_access_key", "/session_token"]);
    assert_eq!(facts.claims, ["origin access control name n"]);
}

#[test]
fn tags_are_no_paths() {
    let text = "[[distributions]]\nid = 'E1'\ndomain_name = 'd'\norigins = [{ id = 'o', folder = 'f' }]\ndefault_behavior = { origin = 'o' }\ntags = { folder = 'f', key = 'k' }";
    let items = read_toml_items(text, Path::new("/etc/p.toml")).unwrap();
    assert_eq!(items[0].value["origins"][0]["folder"], "/etc/f");
    assert_eq!(items[0].value["tags"], json!({ "folder": "f", "key": "k" }));
}

/// Every value that the reader wraps as a secret has a pointer, so that a new one cannot be forgotten.
#[test]
fn every_secret_of_the_documented_configuration_is_found() {
    let items = read_toml_items(&everything(), Path::new("/etc/p.toml")).unwrap();
    let secrets: Vec<String> = items
        .iter()
        .flat_map(|item| ItemFacts::of(item).unwrap().secrets)
        .collect();
    let text = everything();
    for key in ["secret_access_key = ", "session_token = ", "key_pem = "] {
        let name = key.trim_end_matches(" = ");
        let written = text
            .lines()
            .filter(|line| line.trim_start().starts_with(key));
        let inline =
            text.matches(&format!("{{ {key}")).count() + text.matches(&format!(", {key}")).count();
        let found = secrets.iter().filter(|pointer| pointer.ends_with(name));
        assert_eq!(found.count(), written.count() + inline, "{name}");
    }
}
