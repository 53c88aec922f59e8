//! A service that comes from a file: it can be read, and what would change it says where to.

use crate::support::*;
use serde_json::json;

const SERVICE: &str = r#"
[[public_keys]]
id = "K1"
file = "key.pub.pem"
[[key_groups]]
id = "viewers"
public_keys = ["K1"]
[[distributions]]
id = "E1"
domain_name = "one.example"
[[distributions.origins]]
id = "videos"
url = "https://origin.example"
headers = { x-secret = "hunter2hunter2" }
[distributions.default_behavior]
origin = "videos"
trusted_key_groups = ["viewers"]
"#;

#[test]
fn a_file_is_read_and_not_written() {
    let fixture = Fixture::of_file(SERVICE);
    let check = |ask: Ask, expected: (u16, &str)| {
        let answer = fixture.ask_socket(&ask);
        assert_eq!((answer.status, answer.code()), expected, "{answer:?}");
        answer
    };
    let read_only = (409, "read_only");
    let key = json!({"id": "K2", "pem": PUBLIC_KEY});
    let answer = check(Ask::new("POST", "/v1/keys").json(&key), read_only);
    assert!(
        answer.json["detail"]
            .as_str()
            .unwrap()
            .contains("privet.toml"),
        "{answer:?}"
    );
    check(
        Ask::new("DELETE", "/v1/keys/K1").header("if-match", "x"),
        read_only,
    );
    check(Ask::new("POST", "/v1/distributions/E1/disable"), read_only);
    check(Ask::get("/v1/operators"), (409, "no_store"));
    check(Ask::get("/v1/changes"), (409, "no_store"));
    check(Ask::get("/v1/keys/K9"), (404, "not_found"));
    // Without a store there are no operators to be admitted from elsewhere.
    let token = Ask::get("/v1/keys").header("authorization", "Bearer a.b");
    assert_eq!(fixture.ask(&token).status, 401);
    let listed = fixture.ask_socket(&Ask::get("/v1/distributions"));
    assert_eq!(
        listed.json["items"][0]["made_by"]["kind"],
        json!("file"),
        "{listed:?}"
    );
    assert_eq!(
        listed.json["items"][0]["document"]["domain_name"],
        json!("one.example")
    );
    assert!(!listed.json.to_string().contains("hunter2"), "{listed:?}");
    let body = json!({"distribution": "E1", "paths": ["/a"]});
    let made = fixture.ask_socket(&Ask::new("POST", "/v1/invalidations").json(&body));
    assert_eq!(
        (made.status, &made.json["status"]),
        (201, &json!("completed")),
        "{made:?}"
    );
    let id = made.json["id"].as_str().unwrap();
    let read = fixture.ask_socket(&Ask::get(&format!("/v1/invalidations/{id}")));
    assert_eq!(read.json, made.json);
    assert_eq!(fixture.edge().invalidations(10).len(), 1);
    assert_eq!(
        fixture.ask_socket(&Ask::get("/v1/cache")).json["objects"],
        json!(0)
    );
    // What the socket answered before there was `/v1` is answered as it was.
    let older = fixture.ask_socket(&Ask::get("/nothing"));
    assert_eq!(
        (older.status, older.json),
        (404, json!({"error": "there is no such path"}))
    );
}
