//! Backups: whole or refused, put back into either database.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use privet_store::{
    AuditVerdict, DocumentChange, NewOperator, NewRevocation, Revoked, Role, SealingKey, Store,
    StoreError, UseAnswer,
};
use serde_json::{Value, json};

use crate::links;
use crate::support::{NOW, Place, actor, change, on_both, put, thing};

async fn fill(store: &Store) -> String {
    let first = DocumentChange {
        secrets: vec!["/secret".to_owned()],
        claims: vec!["a.example".to_owned()],
        ..change(
            "a",
            json!({ "secret": "s3cret", "text": "line\nend \u{2028}" }),
        )
    };
    let second = DocumentChange {
        references: vec![thing("a")],
        ..change("b", json!({}))
    };
    put(store, vec![first, second, change("c", json!(1))])
        .await
        .unwrap();
    put(store, vec![change("c", None)]).await.unwrap();
    fill_links(store).await;
    let new = NewOperator {
        name: "ada".to_owned(),
        role: Role::Admin,
        scope: None,
    };
    store
        .create_operator(new, &actor(), NOW)
        .await
        .unwrap()
        .access_key_id
}

/// One of everything that is stored of links.
async fn fill_links(store: &Store) {
    links::create(store, &links::limited(1, Some(2))).await;
    let used = links::attempt(1, 1, 1);
    store.redeem(&used).await.unwrap();
    // One that was given back before it came has no number.
    store.give_back(&links::attempt(1, 2, 2)).await.unwrap();
    let revocation = NewRevocation {
        what: Revoked::Key("K2".to_owned()),
        until: links::after(60),
        cut: true,
        note: None,
    };
    store.revoke(&revocation, &actor(), NOW).await.unwrap();
    let batch = links::batch("edge-1", 1, vec![links::entry(1, 5)]);
    store.add_to_ledger(&batch, NOW).await.unwrap();
}

async fn same_links(restored: &Store, store: &Store) {
    let used = restored.redeem(&links::attempt(1, 1, 1)).await.unwrap();
    assert!(
        matches!(used, UseAnswer::Redeemed { use_number: 1, .. }),
        "{used:?}"
    );
    let late = restored.redeem(&links::attempt(1, 2, 2)).await;
    assert_eq!(late, Ok(UseAnswer::GivenBack));
    assert_eq!(
        restored.revocations_after(0, 10).await,
        store.revocations_after(0, 10).await
    );
    assert_eq!(restored.last_ledger_batch("edge-1").await, Ok(1));
}

/// A backup as the program before this one made it, of what is in one of this program, with another header.
fn of_schema_1(text: &str, spoil: impl Fn(&mut Value)) -> String {
    let new = [
        "links",
        "link_uses",
        "revocations",
        "ledger",
        "ledger_batches",
    ];
    let mut lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    lines.pop();
    lines.retain(|line| {
        let of_new = new.iter().any(|table| line[0] == *table);
        !(of_new || line[0] == "changes" && line[3] == "revocation")
    });
    let changes = lines.iter().filter(|line| line[0] == "changes").count();
    let header = &mut lines[0];
    header["schema"] = 1.into();
    let counts = header["counts"].as_object_mut().unwrap();
    counts.retain(|table, _| !new.contains(&table.as_str()));
    counts["changes"] = changes.into();
    spoil(header);
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let digits: String = digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{text}{}\n", json!({ "sha256": digits }))
}

#[test]
fn a_backup_of_schema_1_is_put_back() {
    on_both(async |place| {
        let store = place.open().await;
        fill(&store).await;
        let path = place.path("backup");
        store.backup(&path, NOW).await.unwrap();
        let text = fs::read_to_string(&path).unwrap();
        // Only a table that its schema does not know may be missing.
        let spoilt = of_schema_1(&text, |header| header["counts"]["claims"] = Value::from(0));
        fs::write(&path, spoilt).unwrap();
        let target = place.another();
        let target = target.open().await;
        let refused = target.restore(&path).await;
        assert!(
            matches!(refused, Err(StoreError::BackupDamaged { .. })),
            "{refused:?}"
        );
        fs::write(&path, of_schema_1(&text, |_| ())).unwrap();
        let restored = target.restore(&path).await.unwrap();
        assert_eq!((restored.schema, restored.counts["links"]), (1, 0));
        let stored = target.document("thing", "a").await.unwrap().unwrap();
        let clear = target.unseal("thing", "a", &stored.body).unwrap();
        assert_eq!(clear["secret"], "s3cret");
        assert_eq!(target.last_change().await, Ok(4));
        links::create(&target, &links::limited(1, Some(1))).await;
    });
}

#[test]
fn damaged_backups_are_refused() {
    on_both(async |place| {
        let store = place.open().await;
        fill(&store).await;
        let path = place.path("backup");
        store.backup(&path, NOW).await.unwrap();
        let whole = fs::read(&path).unwrap();
        let text = String::from_utf8(whole.clone()).unwrap();
        let target = Place::file();
        let target = target.open().await;
        let check = async |bytes: &[u8]| {
            let path = place.path("damaged");
            fs::write(&path, bytes).unwrap();
            for refused in [Store::check_backup(&path), target.restore(&path).await] {
                assert!(
                    // A bit of the schema's number makes it that of a newer program.
                    matches!(
                        refused,
                        Err(StoreError::BackupDamaged { .. } | StoreError::Newer { .. })
                    ),
                    "{refused:?}"
                );
            }
            assert_eq!(target.last_change().await.unwrap(), 0);
        };
        check(b"").await;
        check(b"{}\n").await;
        check(&whole[..whole.len() / 2]).await;
        let lines: Vec<&str> = text.lines().collect();
        check(lines[..lines.len() - 1].join("\n").as_bytes()).await;
        let (first, rest) = (lines[0], lines[2..].join("\n"));
        check(format!("{first}\n{rest}\n").as_bytes()).await;
        check(format!("{text}\n").as_bytes()).await;
        check(text.replace("a.example", "b.example").as_bytes()).await;
        for position in (0..whole.len()).step_by(97) {
            let mut bytes = whole.clone();
            bytes[position] ^= 1;
            check(&bytes).await;
        }
        let missing = target.restore(&place.path("none")).await;
        assert!(matches!(missing, Err(StoreError::File { .. })));
    });
}

#[test]
fn a_backup_is_put_back_into_an_empty_store_alone() {
    on_both(async |place| {
        let store = place.open().await;
        let access_key_id = fill(&store).await;
        let path = place.path("backup");
        let made = store.backup(&path, NOW).await.unwrap();
        assert_eq!((made.counts["versions"], made.counts["documents"]), (4, 2));
        assert_eq!(Store::check_backup(&path), Ok(made.clone()));
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let files = fs::read_dir(place.folder.path()).unwrap();
        let left = files.filter(|file| {
            file.as_ref()
                .unwrap()
                .path()
                .extension()
                .is_some_and(|end| end == "tmp")
        });
        assert_eq!(left.count(), 0);
        assert!(!fs::read_to_string(&path).unwrap().contains("s3cret"));
        assert_eq!(store.restore(&path).await, Err(StoreError::NotEmpty));

        let mut targets = vec![Place::file()];
        targets.extend(Place::postgres());
        for target in targets {
            let mut options = target.options();
            options.key = SealingKey::generate().unwrap();
            let foreign = Place::file();
            options.location = foreign.location.clone();
            let foreign = Store::open(options).await.unwrap();
            assert_eq!(foreign.restore(&path).await, Err(StoreError::WrongKey));

            let restored = target.open().await;
            assert_eq!(restored.restore(&path).await, Ok(made.clone()));
            assert_ne!(restored.id(), store.id());
            let again = target.path("again");
            let second = restored.backup(&again, NOW).await.unwrap();
            assert_eq!(second.counts, made.counts);
            let rows = |path| {
                fs::read_to_string(path)
                    .unwrap()
                    .lines()
                    .skip(1)
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            };
            let (first, second): (Vec<String>, Vec<String>) = (rows(&path), rows(&again));
            assert_eq!(first[..first.len() - 1], second[..second.len() - 1]);

            let stored = restored.document("thing", "a").await.unwrap().unwrap();
            let clear = restored.unseal("thing", "a", &stored.body).unwrap();
            assert_eq!(clear["secret"], "s3cret");
            assert!(
                restored
                    .authenticate_key(&access_key_id, NOW)
                    .await
                    .unwrap()
                    .is_some()
            );
            let verdict = restored.verify_audit().await.unwrap();
            assert!(
                matches!(verdict, AuditVerdict::Whole { entries: 8, .. }),
                "{verdict:?}"
            );
            assert_eq!(*restored.watch().borrow(), 5);
            same_links(&restored, &store).await;
            put(&restored, vec![change("d", json!({}))]).await.unwrap();
        }
    });
}
