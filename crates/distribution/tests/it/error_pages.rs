//! Pages of custom error responses: served without a grant, and nothing else with them.

use crate::support::*;
use privet_distribution::config::{CustomErrorResponse, ErrorPage, Snapshot};
use privet_distribution::request::{authorize_error_page, route};

const CONFIG: &str = r#"
[[listeners]]
address = "127.0.0.1:80"
[[public_keys]]
id = "KRSA"
file = "rsa2048.pub.pem"
[[key_groups]]
id = "viewers"
public_keys = ["KRSA"]
[[distributions]]
id = "E1"
domain_name = "d.example"
origins = [{ id = "files", folder = "bucket" }]
default_behavior = { origin = "files", trusted_key_groups = ["viewers"] }
[[distributions.custom_errors]]
status = 403
page = "/login.html"
page_status = 200
[[distributions.custom_errors]]
status = 404
page = "/gone.html"
[[distributions.custom_errors]]
status = 500
min_ttl = "1s"
"#;

/// Returns true if a request for `target` may get the page of `custom`.
fn is_served(snapshot: &Snapshot, custom: &CustomErrorResponse, target: &str) -> bool {
    get(format!("http://d.example{target}")).with(|request| {
        let routed = route(snapshot, request).unwrap();
        let authorized = authorize_error_page(routed, custom, request);
        if let Some(authorized) = &authorized {
            assert!(authorized.grant().is_none());
        }
        authorized.is_some()
    })
}

#[test]
fn a_page_opens_its_own_path_alone() {
    let snapshot = snapshot_of(CONFIG);
    let customs = &snapshot.distributions().get(0).unwrap().custom_errors;
    let custom = |status| {
        let mut customs = customs.iter();
        customs.find(|custom| custom.error_status == status)
    };
    let (login, gone, bare) = (custom(403), custom(404), custom(500));
    let (login, gone, bare) = (login.unwrap(), gone.unwrap(), bare.unwrap());
    for target in [
        "/",
        "/private/a",
        "/gone.html",
        "/login.html/",
        "/login.html?",
        "/login.html?a=1",
        "/%6Cogin.html",
    ] {
        assert!(!is_served(&snapshot, login, target), "{target}");
    }
    assert!(!is_served(&snapshot, bare, "/login.html"));
    assert!(is_served(&snapshot, login, "/login.html"));
    assert!(is_served(&snapshot, gone, "/gone.html"));
    // A custom error response that the distribution does not have.
    let other = CustomErrorResponse {
        page: Some(ErrorPage {
            path: "/private/a".to_owned(),
            ..login.page.clone().unwrap()
        }),
        ..login.clone()
    };
    assert!(!is_served(&snapshot, &other, "/private/a"));
}
