//! The table of routes and the description of the interface say the same.

use super::*;
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn the_description_has_every_route_and_no_other() {
    let description: Value = serde_json::from_str(other::OPENAPI).unwrap();
    let mut described = BTreeSet::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let text = |name: &str| operation[name].as_str().unwrap().to_owned();
            described.insert((
                path.clone(),
                method.to_uppercase(),
                text("operationId"),
                text("x-privet-role"),
            ));
        }
    }
    let routes = routes();
    let table = routes.iter().map(|route| {
        let role = route.role.as_str().to_owned();
        let method = route.method.to_string();
        (route.path.clone(), method, route.operation.clone(), role)
    });
    let table: BTreeSet<_> = table.collect();
    let missing: Vec<_> = table.difference(&described).collect();
    assert!(missing.is_empty(), "not described: {missing:?}");
    let unknown: Vec<_> = described.difference(&table).collect();
    assert!(unknown.is_empty(), "not routed: {unknown:?}");
    assert_eq!(table.len(), routes.len(), "a route is there twice");
}

#[test]
fn every_method_of_the_table_is_routed() {
    for route in routes() {
        let filter = axum::routing::MethodFilter::try_from(route.method.clone());
        assert!(filter.is_ok(), "{route:?}");
    }
}

/// Changing operations without equivalents: they change nothing that is stored, or are equivalents themselves. Items
/// of an import have equivalents one by one. Grants of buckets have none yet, nor have links and their revocations.
const WITHOUT_EQUIVALENTS: [&str; 12] = [
    "buckets.grant",
    "buckets.revoke",
    "equivalents",
    "explain",
    "jobs.cancel",
    "jobs.create",
    "links.create",
    "links.restore",
    "links.revoke",
    "origins.probe",
    "revocations.create",
    "revocations.lift",
];

#[test]
fn every_change_has_equivalents() {
    for route in routes() {
        let name = route.operation.as_str();
        let is_reading = route.method == Method::GET;
        let asked: equivalents::Asked = serde_json::from_value(serde_json::json!({
            "operation": name,
            "parameters": { "id": "x", "name": "x" },
        }))
        .unwrap();
        let refused = equivalents::operation(asked).err();
        let message = refused
            .map(|problem| format!("{problem:?}"))
            .unwrap_or_default();
        let is_unknown = message.contains("has no equivalents");
        if !is_reading {
            let is_expected = WITHOUT_EQUIVALENTS.contains(&name);
            assert_eq!(is_unknown, is_expected, "{name}: {message}");
        }
    }
}
