//! Secrets in bodies: sealed in the database, opened for the edge, bound to their place.

use privet_store::{DocumentChange, Location, SealingKey, Secret, Store, StoreError};
use serde_json::{Value, json};

use crate::support::{Place, bytes_of, change, key, on_both, put, run, thing};

fn with_secrets(id: &str, body: Value) -> DocumentChange {
    DocumentChange {
        secrets: vec![
            "/origins/0/secret".to_owned(),
            "/origins/1/secret".to_owned(),
        ],
        ..change(id, body)
    }
}

#[test]
fn keys_are_read_strictly() {
    let check = |text: &str, expected: Result<(), StoreError>| {
        assert_eq!(SealingKey::parse(text).map(drop), expected, "{text}");
    };
    for text in [
        "",
        "00",
        &"0".repeat(63),
        &"0".repeat(65),
        &"g".repeat(64),
        &"A".repeat(40),
    ] {
        check(text, Err(StoreError::MalformedKey));
    }
    check(&format!(" {}\n", "0F".repeat(32)), Ok(()));
    check("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", Ok(()));
    let generated = SealingKey::generate().unwrap();
    assert_eq!(format!("{generated:?}"), "SealingKey(..)");
    let again = SealingKey::parse(generated.to_text().expose()).unwrap();
    assert_eq!(again.to_text(), generated.to_text());
    assert_ne!(key().to_text(), generated.to_text());
    assert_eq!(format!("{:?}", Secret::new("hidden")), "Secret(..)");
}

#[test]
fn sealed_values_stand_only_where_they_belong() {
    on_both(async |place| {
        let store = place.open().await;
        let check = async |body: Value, expected: StoreError| {
            let written = put(&store, vec![with_secrets("b", body)]).await;
            assert_eq!(written, Err(expected));
        };
        let body = |secret: Value| json!({ "origins": [{ "secret": secret }] });
        let problem = |problem: &str| StoreError::Invalid {
            field: "body",
            problem: problem.to_owned(),
        };
        for secret in [
            json!(1),
            json!(["x"]),
            json!({ "other": "x" }),
            json!({ "sealed": 1 }),
        ] {
            let expected = problem("has a secret at `/origins/0/secret` that is not a text");
            check(body(secret), expected).await;
        }
        let stray = json!({ "a~/": { "sealed": "v1.AAAA" } });
        let expected = "has a sealed value at `/a~0~1`, where no secret belongs";
        check(stray, problem(expected)).await;

        put(&store, vec![with_secrets("a", body(json!("s3cret")))])
            .await
            .unwrap();
        let stored = store.document("thing", "a").await.unwrap().unwrap();
        let sealed = stored.body.pointer("/origins/0/secret").unwrap().clone();
        let foreign = StoreError::Sealed {
            name: thing("b"),
            pointer: "/origins/0/secret".to_owned(),
        };
        check(body(sealed), foreign.clone()).await;
        check(body(json!({ "sealed": "v1.AAAA" })), foreign.clone()).await;
        assert_eq!(store.unseal("thing", "b", &stored.body), Err(foreign));
    });
}

#[test]
fn secrets_are_sealed_kept_moved_and_opened() {
    on_both(async |place| {
        let store = place.open().await;
        let clear = json!({ "origins": [
            { "name": "one", "secret": "s3cret-one" },
            { "name": "two", "secret": "s3cret-two" },
            { "name": "three", "secret": null },
        ] });
        put(&store, vec![with_secrets("a", clear.clone())])
            .await
            .unwrap();
        let stored = store.document("thing", "a").await.unwrap().unwrap();
        assert!(
            !stored.body.to_string().contains("s3cret"),
            "{}",
            stored.body
        );
        assert_eq!(store.unseal("thing", "a", &stored.body).unwrap(), clear);

        // Sent back as it was read, with the two origins in the other order and one changed.
        let mut moved = stored.body.clone();
        moved["origins"].as_array_mut().unwrap().swap(0, 1);
        put(&store, vec![with_secrets("a", moved)]).await.unwrap();
        let stored = store.document("thing", "a").await.unwrap().unwrap();
        let opened = store.unseal("thing", "a", &stored.body).unwrap();
        assert_eq!(opened["origins"][0], clear["origins"][1]);
        assert_eq!(opened["origins"][1], clear["origins"][0]);

        // An old version is put back as it stands.
        let first = store.version("thing", "a", 1).await.unwrap().unwrap();
        put(&store, vec![with_secrets("a", first.body.unwrap())])
            .await
            .unwrap();
        let stored = store.document("thing", "a").await.unwrap().unwrap();
        assert_eq!(store.unseal("thing", "a", &stored.body).unwrap(), clear);

        let trail = store.audit_entries(&Default::default(), 10).await.unwrap();
        assert!(
            trail
                .iter()
                .all(|record| !format!("{record:?}").contains("s3cret"))
        );
        if let Location::File(path) = &place.location {
            let bytes = bytes_of(path);
            let found = bytes.windows(6).any(|window| window == b"s3cret");
            assert!(!found, "a secret stands in the file in clear");
        }
    });
}

#[test]
fn a_digest_depends_on_the_sealing_key() {
    run(async {
        let place = Place::file();
        let store = place.open().await;
        let digest = store.digest(b"request");
        let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        // HMAC-SHA256 with the key HMAC-SHA256(sealing key, "privet v1 digest"), by Python's `hmac`.
        let expected = "17229b984abd42046a3008edb4c54747049f2262669a9e2672ff86f482f0f9ef";
        assert_eq!(digits, expected);
        assert_ne!(store.digest(b""), digest);

        let other = Place::file();
        let mut options = other.options();
        options.key = SealingKey::generate().unwrap();
        let other = Store::open(options).await.unwrap();
        assert_ne!(other.digest(b"request"), digest);
    });
}
