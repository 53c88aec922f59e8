//! Large services: what many items share is changed like anything else.

use crate::support::*;
use privet_control::{Mode, Operator, holder_of};
use privet_distribution::config::{ServiceItem, ServiceKind};
use serde_json::json;

/// More groups than are checked again with a change of a key that they have.
const GROUPS: usize = 2_001;

#[test]
fn what_very_many_items_use_can_be_changed() {
    let fixture = Fixture::new();
    let item = |kind: ServiceKind, id: &str, value| ServiceItem {
        kind,
        id: id.to_owned(),
        value,
    };
    let mut items: Vec<ServiceItem> = ["K1", "K2"]
        .map(|id| {
            let value = json!({"id": id, "pem": PUBLIC_KEY});
            item(ServiceKind::PublicKey, id, value)
        })
        .into();
    items.extend((0..GROUPS).map(|number| {
        let id = format!("g{number:04}");
        let value = json!({"id": id, "public_keys": ["K1", "K2"]});
        item(ServiceKind::KeyGroup, &id, value)
    }));
    let holder = holder_of(fixture.store.as_ref().unwrap());
    let admin = Operator::admit(&holder).unwrap();
    let operations = fixture.operations();
    let imported = fixture.wait(operations.import(&admin, items, Mode::Make));
    assert_eq!(imported.unwrap().items, GROUPS + 2);
    let read = fixture.ask_socket(&Ask::get("/v1/keys/K1"));
    let put = Ask::new("PUT", "/v1/keys/K1")
        .json(&json!({"id": "K1", "pem": OTHER_PUBLIC_KEY}))
        .header("if-match", read.json["etag"].as_str().unwrap());
    // Each group that is checked again refers to the other key as well.
    let answer = fixture.ask_socket(&put);
    assert_eq!(answer.status, 200, "{answer:?}");
}
