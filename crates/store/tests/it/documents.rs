//! Writes and what they refuse, versions, references, claims, idempotency.

use std::collections::BTreeMap;

use privet_store::{
    DocumentChange, Expected, Idempotency, Page, Remembered, Store, StoreError, Write, limits,
};
use serde_json::{Value, json};

use crate::support::{change, on_both, put, thing, write_of};

/// Says that a write is refused, and that nothing of it is stored.
async fn check(store: &Store, changes: Vec<DocumentChange>, expected: StoreError) {
    let before = store.last_change().await.unwrap();
    let first = change("first", json!({}));
    let changes = [vec![first], changes].concat();
    assert_eq!(put(store, changes).await, Err(expected));
    assert_eq!(store.last_change().await.unwrap(), before);
    assert_eq!(store.document("thing", "first").await.unwrap(), None);
    let entries = store
        .audit_entries(&Default::default(), 1000)
        .await
        .unwrap();
    assert_eq!(entries.len() as u64, before);
}

fn expecting(id: &str, expected: Expected, body: Option<Value>) -> DocumentChange {
    DocumentChange {
        expected,
        ..change(id, body)
    }
}

fn referring(id: &str, to: &[&str]) -> DocumentChange {
    DocumentChange {
        references: to.iter().map(|to| thing(to)).collect(),
        ..change(id, json!({}))
    }
}

fn claiming(id: &str, claims: &[&str]) -> DocumentChange {
    DocumentChange {
        claims: claims.iter().map(ToString::to_string).collect(),
        ..change(id, json!({}))
    }
}

fn invalid(field: &'static str, problem: &str) -> StoreError {
    StoreError::Invalid {
        field,
        problem: problem.to_owned(),
    }
}

#[test]
fn a_write_that_is_refused_changes_nothing() {
    on_both(async |place| {
        let store = place.open().await;
        let stored = vec![
            referring("user", &["used"]),
            claiming("used", &["a.example"]),
        ];
        let written = put(&store, stored).await.unwrap();
        let current = written.documents[1].etag.clone();
        let absent = Expected::Absent;
        let etag = Expected::Etag("E000000000000".to_owned());
        let body = Some(json!({}));

        let changes = vec![expecting("used", absent, body.clone())];
        check(&store, changes, StoreError::Exists(thing("used"))).await;
        for expected in [Expected::Exists, etag.clone()] {
            let changes = vec![expecting("none", expected, body.clone())];
            check(&store, changes, StoreError::NotFound(thing("none"))).await;
        }
        let name = thing("used");
        let stale = StoreError::Stale { name, current };
        check(
            &store,
            vec![expecting("used", etag.clone(), body)],
            stale.clone(),
        )
        .await;
        check(&store, vec![expecting("used", etag, None)], stale).await;

        let in_use = StoreError::InUse {
            name: thing("used"),
            by: vec![thing("user")],
        };
        check(&store, vec![change("used", None)], in_use).await;
        let missing = StoreError::NoSuchReference {
            from: thing("b"),
            to: thing("c"),
        };
        check(
            &store,
            vec![change("c", None), referring("b", &["c"])],
            missing,
        )
        .await;
        let claimed = StoreError::Claimed {
            name: "a.example".to_owned(),
            by: thing("used"),
        };
        check(&store, vec![claiming("b", &["a.example"])], claimed).await;
    });
}

#[test]
fn limits_are_kept() {
    on_both(async |place| {
        let store = place.open().await;
        let twice = vec![change("b", json!({})), change("b", json!({}))];
        check(&store, twice, invalid("changes", "name thing `b` twice")).await;
        check(
            &store,
            vec![change("", json!({}))],
            invalid("id", "is empty"),
        )
        .await;
        let long = "x".repeat(limits::ID_BYTES_MAX + 1);
        let problem = "has 129 bytes, and 128 are allowed";
        check(
            &store,
            vec![change(&long, json!({}))],
            invalid("id", problem),
        )
        .await;
        let problem = "has control characters";
        check(
            &store,
            vec![change("a\0", json!({}))],
            invalid("id", problem),
        )
        .await;
        let large = json!("x".repeat(limits::BODY_BYTES_MAX - 1));
        let problem = "has 1048577 bytes, and 1048576 are allowed";
        check(&store, vec![change("b", large)], invalid("body", problem)).await;
        let deep = (0..limits::BODY_DEPTH_MAX).fold(json!(0), |value, _| json!([value]));
        let problem = "is nested more than 100 levels deep";
        check(&store, vec![change("b", deep)], invalid("body", problem)).await;
        let many: Vec<String> = (0..=limits::REFERENCES_MAX)
            .map(|id| id.to_string())
            .collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let changes = vec![referring("b", &many)];
        check(&store, changes, invalid("references", "are more than 1000")).await;
        for limit in [0, limits::PAGE_ROWS_MAX + 1] {
            let page = store.documents("thing", &Page::first(limit)).await;
            assert_eq!(page, Err(invalid("limit", "a page has 1 to 1000 rows")));
        }
        let fits = json!("x".repeat(limits::BODY_BYTES_MAX - 2));
        put(&store, vec![change("b", fits.clone())]).await.unwrap();
        let stored = store.document("thing", "b").await.unwrap().unwrap();
        assert_eq!(stored.body, fits);
    });
}

#[test]
fn a_document_keeps_its_versions() {
    on_both(async |place| {
        let store = place.open().await;
        let body = |text: &str| json!({ "text": text, "nothing": null, "ä\u{0}": [1, -2.5, true] });
        for text in ["one", "two"] {
            put(&store, vec![change("a", body(text))]).await.unwrap();
        }
        let second = store.document("thing", "a").await.unwrap().unwrap();
        assert_eq!((second.version, &second.body), (2, &body("two")));
        assert_eq!(second.made_by, "ada");
        assert!(second.etag.starts_with('E') && second.etag.len() == 13);

        let exact = expecting("a", Expected::Etag(second.etag.clone()), None);
        let written = put(&store, vec![exact]).await.unwrap();
        assert_eq!((written.change, written.documents.len()), (3, 0));
        assert_eq!(store.document("thing", "a").await.unwrap(), None);
        let written = put(
            &store,
            vec![expecting("a", Expected::Absent, Some(body("new")))],
        )
        .await;
        assert_eq!(written.unwrap().documents[0].version, 4);

        let versions = store
            .versions("thing", "a", &Page::first(10))
            .await
            .unwrap();
        let numbers: Vec<u64> = versions.iter().map(|version| version.number).collect();
        assert_eq!(numbers, [4, 3, 2, 1]);
        let bodies: Vec<_> = versions
            .iter()
            .map(|version| version.body.clone())
            .collect();
        let expected = [
            Some(body("new")),
            None,
            Some(body("two")),
            Some(body("one")),
        ];
        assert_eq!(bodies, expected);
        let page = Page {
            after: Some("3".to_owned()),
            limit: 1,
        };
        let page = store.versions("thing", "a", &page).await.unwrap();
        assert_eq!(page, versions[2..3]);
        let second_again = store.version("thing", "a", 2).await.unwrap();
        assert_eq!(second_again.unwrap().etag, second.etag);
        assert_eq!(store.version("thing", "a", 5).await.unwrap(), None);

        let nothing = put(&store, vec![change("gone", None)]).await.unwrap();
        assert_eq!(
            nothing.change, 4,
            "deleting what is not there changes nothing"
        );
    });
}

#[test]
fn lists_are_sorted_by_bytes_and_paged() {
    on_both(async |place| {
        let store = place.open().await;
        let ids = ["B", "a", "a-b", "a.b", "ab", "z", "ä"];
        let changes = ids.iter().rev().map(|id| change(id, json!(id)));
        put(&store, changes.collect()).await.unwrap();
        let mut page = Page::first(3);
        let mut found = Vec::new();
        loop {
            let documents = store.documents("thing", &page).await.unwrap();
            let Some(last) = documents.last() else { break };
            page.after = Some(last.id.clone());
            found.extend(documents.into_iter().map(|document| document.id));
        }
        assert_eq!(found, ids);
    });
}

#[test]
fn references_and_claims_move_within_one_write() {
    on_both(async |place| {
        let store = place.open().await;
        let claims = vec![
            claiming("a", &["x.example", "y.example"]),
            claiming("b", &["z.example"]),
        ];
        put(&store, claims).await.unwrap();
        let swapped = vec![claiming("a", &["z.example"]), claiming("b", &["x.example"])];
        put(&store, swapped).await.unwrap();
        put(&store, vec![claiming("c", &["y.example"])])
            .await
            .unwrap();

        put(
            &store,
            vec![referring("a", &["b", "c"]), referring("b", &["a"])],
        )
        .await
        .unwrap();
        assert_eq!(store.used_by("thing", "b").await.unwrap(), [thing("a")]);
        let together = vec![change("a", None), change("b", None)];
        put(&store, together).await.unwrap();
        assert_eq!(store.used_by("thing", "c").await.unwrap(), []);
        put(&store, vec![claiming("d", &["z.example", "x.example"])])
            .await
            .unwrap();

        let users: Vec<DocumentChange> = (0..12)
            .map(|number| referring(&format!("u{number:02}"), &["c"]))
            .collect();
        put(&store, users).await.unwrap();
        let refused = put(&store, vec![change("c", None)]).await;
        let Err(StoreError::InUse { by, .. }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!((by.len(), &by[0]), (10, &thing("u00")));
        assert_eq!(store.used_by("thing", "c").await.unwrap().len(), 12);
    });
}

#[test]
fn a_repeated_request_is_known() {
    on_both(async |place| {
        let store = place.open().await;
        let write = |at: i64| Write {
            at: privet_store::Timestamp::from_seconds(at),
            idempotency: Some(Idempotency {
                key: "k".to_owned(),
                request_digest: "d".to_owned(),
                response: json!({ "status": 201 }),
            }),
            ..write_of(vec![change("a", json!({}))])
        };
        let written = store.write(write(1000)).await.unwrap();
        let again = store.write(write(1000 + 24 * 3600)).await;
        let key = "k".to_owned();
        assert_eq!(again, Err(StoreError::Repeated { key }));
        let expected = Remembered {
            request_digest: "d".to_owned(),
            response: json!({ "status": 201 }),
            written,
        };
        assert_eq!(store.remembered("ada", "k").await.unwrap(), Some(expected));
        assert_eq!(store.remembered("eve", "k").await.unwrap(), None);
        let later = store.write(write(1000 + 24 * 3600 + 1)).await.unwrap();
        assert_eq!(later.change, 2);
    });
}

#[test]
fn writes_that_are_committed_together_do_not_harm_each_other() {
    on_both(async |place| {
        let store = place.open().await;
        let tasks = (0..200).map(|number: u32| {
            let store = store.clone();
            let reference = if number.is_multiple_of(3) {
                "missing"
            } else {
                "first"
            };
            let changes = vec![
                change("first", json!({})),
                referring(&format!("n{number}"), &[reference]),
            ];
            tokio::spawn(async move { (number, put(&store, changes).await) })
        });
        let tasks: Vec<_> = tasks.collect();
        let mut changes = BTreeMap::new();
        for task in tasks {
            let (number, written) = task.await.unwrap();
            match written {
                Ok(written) => assert_eq!(changes.insert(written.change, number), None),
                Err(error) => {
                    let from = thing(&format!("n{number}"));
                    let to = thing("missing");
                    assert_eq!(error, StoreError::NoSuchReference { from, to });
                }
            }
        }
        let feed = store.changes_after(0, 1000).await.unwrap();
        let numbers: Vec<u64> = feed.iter().map(|change| change.seq).collect();
        assert_eq!(numbers, (1..=133 * 2).collect::<Vec<u64>>());
        for (change, number) in changes {
            let index = usize::try_from(change).unwrap() - 1;
            assert_eq!(feed[index].id, format!("n{number}"));
        }
    });
}
