//! What texts are made of. That tools understand them is tried with the tools themselves, in the program's tests.

use super::*;

fn target(id: &str) -> Target {
    Target {
        kind: ServiceKind::Distribution,
        id: id.to_owned(),
        etag: Some("E1".to_owned()),
    }
}

fn distribution(headers: &Value, comment: &str) -> Value {
    json!({
        "id": "E1", "domain_name": "d.example", "comment": comment,
        "origins": [{ "id": "web", "url": "http://localhost", "headers": headers }],
        "default_behavior": { "origin": "web" },
    })
}

fn create(document: Value) -> Equivalents {
    let kind = ServiceKind::Distribution;
    equivalents(&Operation::Create { kind, document }).unwrap()
}

#[test]
fn names_that_a_shell_or_a_header_would_break_at_are_refused() {
    for id in ["a\nb", "a\0b", "a\rb", "a\u{9b}b"] {
        assert!(
            equivalents(&Operation::Delete(target(id))).is_err(),
            "{id:?}"
        );
    }
    let mut stale = target("E1");
    stale.etag = Some("x\r\nhost: evil".to_owned());
    assert!(equivalents(&Operation::Delete(stale)).is_err());
}

#[test]
fn a_document_that_cannot_be_read_has_no_text() {
    let kind = ServiceKind::Distribution;
    for document in [json!(null), json!([]), json!({ "id": "E1", "origins": 1 })] {
        let operation = Operation::Create { kind, document };
        assert!(equivalents(&operation).is_err());
    }
}

#[test]
fn a_name_never_becomes_an_option_or_a_file() {
    let texts = equivalents(&Operation::Delete(target("--help"))).unwrap();
    let privet = texts.privet.unwrap();
    assert_eq!(privet, "privet distribution delete --if-match=E1 -- --help");
    let aws = texts.aws.unwrap();
    assert!(aws.contains(" --id=--help "), "{aws}");
    let texts = equivalents(&Operation::Delete(target("file:///etc/passwd"))).unwrap();
    assert!(texts.aws.unwrap_err().contains("would read a file"));
}

#[test]
fn no_form_shows_a_secret() {
    let texts = create(distribution(&json!({ "x-key": "hunter2" }), ""));
    for (form, text) in texts.forms() {
        let text = text.as_ref().unwrap();
        assert!(!text.contains("hunter2"), "{form}: {text}");
        assert!(
            text.to_ascii_uppercase().contains("PRIVET_SECRET_1"),
            "{form}: {text}"
        );
    }
}

#[test]
fn a_text_of_an_author_is_not_taken_for_a_secret() {
    let comment = "${PRIVET_SECRET_1}";
    let texts = create(distribution(&json!({ "x-key": "hunter2" }), comment));
    let privet = texts.privet.unwrap();
    assert!(
        privet.contains("\"comment\": \"\\${PRIVET_SECRET_1}\""),
        "{privet}"
    );
    assert!(
        privet.contains("\"x-key\": \"${PRIVET_SECRET__1:?}\""),
        "{privet}"
    );
}

#[test]
fn sealed_values_go_back_to_the_interface_and_nowhere_else() {
    let document = distribution(&json!({ "x-key": { "sealed": "v1:abc" } }), "");
    let operation = Operation::Update {
        target: target("E1"),
        document,
    };
    let texts = equivalents(&operation).unwrap();
    for (form, text) in texts.forms() {
        let text = text.as_ref().unwrap();
        let is_own = ["privet", "http"].contains(&form);
        assert_eq!(text.contains("v1:abc"), is_own, "{form}: {text}");
        let has_variable = text.to_ascii_uppercase().contains("PRIVET_SECRET_1");
        assert_eq!(has_variable, !is_own, "{form}: {text}");
    }
}

#[test]
fn what_cloudfront_cannot_say_has_a_reason() {
    let mut document = distribution(&json!({}), "");
    document["origins"] = json!([{ "id": "web", "folder": "/srv" }]);
    let texts = create(document);
    assert!(texts.privet.is_ok() && texts.http.is_ok() && texts.toml.is_ok());
    for reason in [texts.aws.unwrap_err(), texts.terraform.unwrap_err()] {
        assert_eq!(reason, "CloudFront's API cannot say /origins/0/folder");
    }
}

#[test]
fn curl_never_has_the_secret_key_as_an_argument() {
    let texts = equivalents(&Operation::Delete(target("E1"))).unwrap();
    let http = texts.http.unwrap();
    let (keys, request) = http.split_once("|\n").unwrap();
    assert!(keys.starts_with("printf "), "{http}");
    assert!(!request.contains("AWS_SECRET_ACCESS_KEY"), "{http}");
}

#[test]
fn texts_that_cannot_be_had_are_null_with_a_reason() {
    let shown = equivalents(&Operation::ForgetEdge("e".to_owned()))
        .unwrap()
        .to_json();
    assert_eq!(shown["privet"], "privet edges forget e");
    assert_eq!(shown["terraform"], Value::Null);
    assert_eq!(
        shown["reasons"]["terraform"],
        "Terraform's provider has no such resource"
    );
    assert_eq!(shown["reasons"].get("privet"), None);
}
