//! Operators and their access keys.

use privet_store::{
    AccessKeyChange, Credential, NewOperator, OperatorChange, Role, Store, StoreError, Timestamp,
};

use crate::support::{NOW, actor, on_both};

fn new(name: &str, role: Role) -> NewOperator {
    NewOperator {
        name: name.to_owned(),
        role,
        scope: None,
    }
}

async fn change(store: &Store, name: &str, change: OperatorChange) -> Result<(), StoreError> {
    let changed = store.change_operator(name, change, &actor(), NOW).await;
    changed.map(drop)
}

#[test]
fn the_last_admin_stays() {
    on_both(async |place| {
        let store = place.open().await;
        store
            .create_operator(new("ada", Role::Admin), &actor(), NOW)
            .await
            .unwrap();
        store
            .create_operator(new("bob", Role::Publish), &actor(), NOW)
            .await
            .unwrap();
        let disabled = OperatorChange {
            disabled: Some(true),
            ..OperatorChange::default()
        };
        let role = |role| OperatorChange {
            role: Some(role),
            ..OperatorChange::default()
        };
        let audited = store
            .audit_entries(&Default::default(), 100)
            .await
            .unwrap()
            .len();
        let last = Err(StoreError::LastAdmin);
        assert_eq!(change(&store, "ada", disabled.clone()).await, last);
        assert_eq!(change(&store, "ada", role(Role::Read)).await, last);
        assert_eq!(store.delete_operator("ada", &actor(), NOW).await, last);
        let entries = store.audit_entries(&Default::default(), 100).await.unwrap();
        assert_eq!(
            entries.len(),
            audited,
            "what was refused is not audited as done"
        );

        change(&store, "bob", role(Role::Admin)).await.unwrap();
        change(&store, "ada", disabled).await.unwrap();
        assert_eq!(store.delete_operator("bob", &actor(), NOW).await, last);
        store.delete_operator("ada", &actor(), NOW).await.unwrap();
        let names: Vec<String> = store
            .operators()
            .await
            .unwrap()
            .into_iter()
            .map(|operator| operator.name)
            .collect();
        assert_eq!(names, ["bob"]);
    });
}

#[test]
fn the_last_admin_without_a_scope_stays() {
    on_both(async |place| {
        let store = place.open().await;
        let scoped = NewOperator {
            scope: Some(vec!["E1".to_owned()]),
            ..new("bob", Role::Admin)
        };
        for operator in [new("ada", Role::Admin), scoped] {
            let created = store.create_operator(operator, &actor(), NOW).await;
            created.unwrap();
        }
        let scope = |scope| OperatorChange {
            scope: Some(scope),
            ..OperatorChange::default()
        };
        let disabled = OperatorChange {
            disabled: Some(true),
            ..OperatorChange::default()
        };
        let last = Err(StoreError::LastAdmin);
        for ids in [vec!["E1".to_owned()], Vec::new()] {
            assert_eq!(change(&store, "ada", scope(Some(ids))).await, last);
        }
        assert_eq!(change(&store, "ada", disabled.clone()).await, last);
        assert_eq!(store.delete_operator("ada", &actor(), NOW).await, last);
        let ada = store.operator("ada").await.unwrap().unwrap();
        assert_eq!((ada.scope, ada.disabled), (None, false));

        change(&store, "bob", disabled).await.unwrap();
        let everything = OperatorChange {
            disabled: Some(false),
            ..scope(None)
        };
        change(&store, "bob", everything).await.unwrap();
        let ids = Some(vec!["E1".to_owned()]);
        change(&store, "ada", scope(ids)).await.unwrap();
        store.delete_operator("ada", &actor(), NOW).await.unwrap();
        assert_eq!(store.delete_operator("bob", &actor(), NOW).await, last);
    });
}

#[test]
fn the_last_key_of_the_last_admin_stays() {
    on_both(async |place| {
        let store = place.open().await;
        let actor = actor();
        let created = store.create_operator(new("ada", Role::Admin), &actor, NOW);
        let ada = created.await.unwrap().access_key_id;
        // Neither an admin with a scope nor an operator of another role is one who could manage operators.
        let scoped = NewOperator {
            scope: Some(vec!["E1".to_owned()]),
            ..new("bob", Role::Admin)
        };
        for operator in [scoped, new("eve", Role::Publish)] {
            let created = store.create_operator(operator, &actor, NOW).await;
            created.unwrap();
        }
        let later = |seconds| Timestamp::from_seconds(NOW.seconds() + seconds);
        let ends = |at| AccessKeyChange {
            expires_at: Some(Some(at)),
            ..AccessKeyChange::default()
        };
        let disabled = || AccessKeyChange {
            disabled: Some(true),
            ..AccessKeyChange::default()
        };
        let change_key = async |id: &str, change, now| {
            let changed = store.change_access_key(id, change, &actor, now).await;
            changed.map(drop)
        };
        let last = || Err(StoreError::LastAdminKey);
        for change in [disabled(), ends(NOW), ends(later(-9))] {
            assert_eq!(change_key(&ada, change, NOW).await, last());
        }
        assert_eq!(store.delete_access_key(&ada, &actor, NOW).await, last());
        assert!(
            store
                .authenticate_key(&ada, later(9))
                .await
                .unwrap()
                .is_some()
        );

        // Another that is not accepted does not count; a rotation leaves the new one.
        let other = store.add_access_key("ada", &actor, NOW).await.unwrap();
        change_key(&other.access_key_id, ends(NOW), NOW)
            .await
            .unwrap();
        assert_eq!(store.delete_access_key(&ada, &actor, NOW).await, last());
        let rotated = store.rotate_access_key("ada", &ada, later(9), &actor, NOW);
        let new_id = rotated.await.unwrap().new.access_key_id;
        assert_eq!(change_key(&new_id, disabled(), later(9)).await, last());
        store
            .delete_access_key(&ada, &actor, later(9))
            .await
            .unwrap();

        // An admin without an accepted key takes nobody's place.
        let created = store.create_operator(new("tom", Role::Admin), &actor, NOW);
        let tom = created.await.unwrap().access_key_id;
        change_key(&tom, disabled(), NOW).await.unwrap();
        assert_eq!(store.delete_operator("ada", &actor, NOW).await, last());
        let off = OperatorChange {
            disabled: Some(true),
            ..OperatorChange::default()
        };
        assert_eq!(change(&store, "ada", off).await, last());
        let on = AccessKeyChange {
            disabled: Some(false),
            ..AccessKeyChange::default()
        };
        change_key(&tom, on, NOW).await.unwrap();
        store.delete_operator("ada", &actor, NOW).await.unwrap();
        assert_eq!(change_key(&tom, disabled(), NOW).await, last());
    });
}

#[test]
fn what_does_not_exist_is_said() {
    on_both(async |place| {
        let store = place.open().await;
        let actor = actor();
        let none = || StoreError::NoSuchOperator("eve".to_owned());
        let nothing = OperatorChange::default();
        assert_eq!(change(&store, "eve", nothing).await, Err(none()));
        assert_eq!(store.delete_operator("eve", &actor, NOW).await, Err(none()));
        assert_eq!(store.add_access_key("eve", &actor, NOW).await, Err(none()));
        assert_eq!(store.operator("eve").await.unwrap(), None);
        let none = || StoreError::NoSuchAccessKey("K".to_owned());
        let nothing = AccessKeyChange::default();
        let changed = store.change_access_key("K", nothing, &actor, NOW).await;
        assert_eq!(changed, Err(none()));
        assert_eq!(store.delete_access_key("K", &actor, NOW).await, Err(none()));
        for unknown in ["K", "", "K\0", "' OR 1=1 --"] {
            assert_eq!(store.authenticate_key(unknown, NOW).await.unwrap(), None);
        }
        let empty = store
            .create_operator(new("", Role::Admin), &actor, NOW)
            .await;
        assert!(matches!(empty, Err(StoreError::Invalid { .. })));
        store
            .create_operator(new("ada", Role::Admin), &actor, NOW)
            .await
            .unwrap();
        let again = store
            .create_operator(new("ada", Role::Read), &actor, NOW)
            .await;
        assert_eq!(again, Err(StoreError::OperatorExists("ada".to_owned())));
    });
}

#[test]
fn an_access_key_is_accepted_until_it_ends() {
    on_both(async |place| {
        let store = place.open().await;
        let scoped = NewOperator {
            scope: Some(vec!["E1".to_owned()]),
            ..new("bob", Role::Publish)
        };
        let actor = actor();
        let first = store.create_operator(scoped, &actor, NOW).await.unwrap();
        let second = store.add_access_key("bob", &actor, NOW).await.unwrap();
        assert_ne!(first.access_key_id, second.access_key_id);
        assert_eq!(first.access_key_id.len(), 20);
        assert_eq!(first.secret_access_key.expose().len(), 40);
        assert!(!format!("{first:?}").contains(first.secret_access_key.expose()));

        let id = first.access_key_id.as_str();
        let accepted = async |at: Timestamp| store.authenticate_key(id, at).await.unwrap();
        let expected = Credential {
            operator: "bob".to_owned(),
            role: Role::Publish,
            scope: Some(vec!["E1".to_owned()]),
            secret_access_key: first.secret_access_key.clone(),
        };
        assert_eq!(accepted(NOW).await, Some(expected));

        let end = Timestamp::from_seconds(NOW.seconds() + 10);
        let change_key = async |disabled, expires_at| {
            let change = AccessKeyChange {
                disabled,
                expires_at,
            };
            store
                .change_access_key(id, change, &actor, NOW)
                .await
                .unwrap()
        };
        change_key(None, Some(Some(end))).await;
        assert!(
            accepted(Timestamp::from_seconds(end.seconds() - 1))
                .await
                .is_some()
        );
        assert_eq!(accepted(end).await, None);
        change_key(Some(true), Some(None)).await;
        assert_eq!(accepted(NOW).await, None);
        change_key(Some(false), None).await;
        assert!(accepted(end).await.is_some());

        let disabled = OperatorChange {
            disabled: Some(true),
            ..OperatorChange::default()
        };
        change(&store, "bob", disabled).await.unwrap();
        assert_eq!(accepted(NOW).await, None);

        store
            .note_used(&[(id.to_owned(), end), ("none".to_owned(), end)])
            .await
            .unwrap();
        store.note_used(&[(id.to_owned(), NOW)]).await.unwrap();
        let keys = store.access_keys("bob").await.unwrap();
        let used = keys.iter().find(|key| key.id == id).unwrap();
        assert_eq!((keys.len(), used.last_used_at), (2, Some(end)));

        let trail = store.audit_entries(&Default::default(), 100).await.unwrap();
        let secret = first.secret_access_key.expose();
        assert!(
            trail
                .iter()
                .all(|record| !format!("{record:?}").contains(secret))
        );
    });
}

#[test]
fn a_rotation_is_made_whole_or_not_at_all() {
    on_both(async |place| {
        let store = place.open().await;
        let actor = actor();
        let mut ids = Vec::new();
        for name in ["bob", "eve"] {
            let created = store.create_operator(new(name, Role::Read), &actor, NOW);
            ids.push(created.await.unwrap().access_key_id);
        }
        let later = |seconds| Timestamp::from_seconds(NOW.seconds() + seconds);
        let rotate = async |name: &str, id: &str, ends_at, now| {
            let rotated = store.rotate_access_key(name, id, ends_at, &actor, now);
            rotated
                .await
                .map(|rotated| (rotated.old.expires_at, rotated.new))
        };
        let none = Err(StoreError::NoSuchOperator("tom".to_owned()));
        assert_eq!(rotate("tom", &ids[0], later(9), NOW).await, none);
        let none = || Err(StoreError::NoSuchAccessKey(ids[1].clone()));
        assert_eq!(rotate("bob", &ids[1], later(9), NOW).await, none());

        let (end, new) = rotate("bob", &ids[0], later(9), NOW).await.unwrap();
        assert_eq!(end, Some(later(9)));
        let accepted = async |id: &str, at| store.authenticate_key(id, at).await.unwrap();
        assert_eq!(accepted(&ids[0], later(9)).await, None);
        let credential = accepted(&new.access_key_id, later(9)).await.unwrap();
        assert_eq!(credential.secret_access_key, new.secret_access_key);

        // A rotation shortens a key's life and never lengthens it.
        let (end, _) = rotate("bob", &ids[0], later(99), NOW).await.unwrap();
        assert_eq!(end, Some(later(9)));
        let ended = rotate("bob", &ids[0], later(99), later(9)).await;
        assert!(
            matches!(ended, Err(StoreError::Invalid { .. })),
            "{ended:?}"
        );
        let disabled = AccessKeyChange {
            disabled: Some(true),
            expires_at: None,
        };
        let id = &new.access_key_id;
        let changed = store.change_access_key(id, disabled, &actor, NOW).await;
        changed.unwrap();
        let refused = rotate("bob", id, later(9), NOW).await;
        assert!(
            matches!(refused, Err(StoreError::Invalid { .. })),
            "{refused:?}"
        );

        for _ in 1..10 {
            store.add_access_key("eve", &actor, NOW).await.unwrap();
        }
        let full = rotate("eve", &ids[1], later(9), NOW).await;
        assert_eq!(full, Err(StoreError::TooManyAccessKeys(10)));
        let keys = store.access_keys("eve").await.unwrap();
        assert!(keys.iter().all(|key| key.expires_at.is_none()));
        assert_eq!(store.access_keys("bob").await.unwrap().len(), 3);
    });
}

#[test]
fn access_keys_are_few_and_end_with_their_operator() {
    on_both(async |place| {
        let store = place.open().await;
        let actor = actor();
        let bob = new("bob", Role::Publish);
        let first = store.create_operator(bob, &actor, NOW).await.unwrap();
        let second = store.add_access_key("bob", &actor, NOW).await.unwrap();
        store
            .delete_access_key(&first.access_key_id, &actor, NOW)
            .await
            .unwrap();
        assert_eq!(store.access_keys("bob").await.unwrap().len(), 1);
        for _ in 1..10 {
            store.add_access_key("bob", &actor, NOW).await.unwrap();
        }
        let refused = store.add_access_key("bob", &actor, NOW).await;
        assert_eq!(refused, Err(StoreError::TooManyAccessKeys(10)));
        store.delete_operator("bob", &actor, NOW).await.unwrap();
        assert_eq!(store.access_keys("bob").await.unwrap(), []);
        let ended = store.authenticate_key(&second.access_key_id, NOW).await;
        assert_eq!(ended.unwrap(), None);
    });
}
