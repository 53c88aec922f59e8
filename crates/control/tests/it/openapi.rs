//! The description of the interface is the one that is served, and its references lead somewhere.

use crate::support::*;
use serde_json::Value;

fn check_references(description: &Value, value: &Value) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(description.pointer(pointer).is_some(), "{reference}");
            }
            members
                .values()
                .for_each(|value| check_references(description, value));
        }
        Value::Array(values) => values
            .iter()
            .for_each(|value| check_references(description, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_description_is_served_and_closed() {
    let fixture = Fixture::new();
    let served = fixture.ask_socket(&Ask::get("/v1/openapi.json"));
    let written: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    assert_eq!(served.json, written);
    check_references(&written, &written);
}
