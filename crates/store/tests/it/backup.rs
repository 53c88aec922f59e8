//! Backups: whole or refused, put back into either database.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use privet_store::{
    AuditVerdict, DocumentChange, NewOperator, Role, SealingKey, Store, StoreError,
};
use serde_json::json;

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
                    matches!(refused, Err(StoreError::BackupDamaged { .. })),
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
                matches!(verdict, AuditVerdict::Whole { entries: 6, .. }),
                "{verdict:?}"
            );
            assert_eq!(*restored.watch().borrow(), 4);
            put(&restored, vec![change("d", json!({}))]).await.unwrap();
        }
    });
}
