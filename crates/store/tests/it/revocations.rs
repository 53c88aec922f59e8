//! Revocations: what they refuse, how edges follow them, and what is left of them.

use privet_store::limits::SWEEP_ROWS_MAX;
use privet_store::{
    AuditFilter, ByteAnswer, LinkFilter, LinkState, NewLink, NewRevocation, Page, Replica, Revoked,
    Store, StoreError, SubjectDigest, Timestamp, UseAnswer,
};
use serde_json::json;

use crate::links::{after, at, attempt, create, digest, id, limited};
use crate::support::{NOW, Place, actor, change, on_both, put, run};

const SUBJECT: SubjectDigest = SubjectDigest::from_bytes([3; 16]);

fn revocation(what: Revoked) -> NewRevocation {
    NewRevocation {
        what,
        until: after(3600),
        cut: false,
        note: None,
    }
}

async fn revoke(store: &Store, what: Revoked) -> u64 {
    let made = store
        .revoke(&revocation(what), &actor(), NOW)
        .await
        .unwrap();
    made.seq
}

#[test]
fn revocations_that_cannot_be_are_refused() {
    on_both(async |place| {
        let store = place.open().await;
        let link = || revocation(Revoked::Link(digest(1)));
        let object = |host: &str, path: &str| {
            let (host, path) = (host.to_owned(), path.to_owned());
            revocation(Revoked::Object { host, path })
        };
        let note = Some("a\nb".to_owned());
        for new in [
            revocation(Revoked::Key(String::new())),
            object("", "/a"),
            object("*", "a"),
            object("*", "/a?Signature=b"),
            NewRevocation {
                until: NOW,
                ..link()
            },
            NewRevocation { note, ..link() },
        ] {
            let refused = store.revoke(&new, &actor(), NOW).await;
            assert!(
                matches!(refused, Err(StoreError::Invalid { .. })),
                "{refused:?}"
            );
        }
        let filter = LinkFilter {
            state: Some((LinkState::Live, NOW)),
            ..LinkFilter::default()
        };
        let refused = store
            .revoke_links(&filter, (false, None), &actor(), NOW)
            .await;
        assert!(
            matches!(refused, Err(StoreError::Invalid { .. })),
            "{refused:?}"
        );
        let lifted = store.lift(1, &actor(), NOW).await;
        assert!(matches!(lifted, Err(StoreError::NotFound(_))), "{lifted:?}");
        let document = privet_store::DocumentChange {
            kind: "revocation".to_owned(),
            ..change("1", json!({}))
        };
        assert!(put(&store, vec![document]).await.is_err());
        assert_eq!(store.last_change().await, Ok(0));
        assert_eq!(store.revocations_after(0, 10).await, Ok(Vec::new()));
    });
}

#[test]
fn a_revoked_link_is_not_used() {
    on_both(async |place| {
        let store = place.open().await;
        let mut watch = store.watch();
        for number in 1..=4 {
            let link = NewLink {
                subject_digest: (number == 3).then_some(SUBJECT),
                key_pair_id: format!("K{number}"),
                bytes_max: Some(10),
                ..limited(number, None)
            };
            create(&store, &link).await;
        }
        let first = store.redeem(&attempt(1, 1, 1)).await.unwrap();
        assert!(matches!(first, UseAnswer::Redeemed { .. }));
        let seqs = [
            revoke(&store, Revoked::Link(digest(1))).await,
            revoke(&store, Revoked::Key("K2".to_owned())).await,
            revoke(&store, Revoked::Subject(SUBJECT)).await,
        ];
        assert_eq!(seqs, [1, 2, 3]);
        watch.wait_for(|change| *change == 3).await.unwrap();
        for (number, revocation) in [(1, 1), (2, 2), (3, 3)] {
            // The attempt that was answered before too.
            for wanted in [attempt(number, 1, 1), attempt(number, 2, 2)] {
                let answer = store.redeem(&wanted).await;
                assert_eq!(answer, Ok(UseAnswer::Revoked { revocation }));
            }
            let reserved = store
                .reserve_bytes((&id(number), &digest(number)), 1, NOW)
                .await;
            assert_eq!(reserved, Ok(ByteAnswer::Refused));
        }
        let other = store.redeem(&attempt(4, 1, 1)).await.unwrap();
        assert!(matches!(other, UseAnswer::Redeemed { .. }));
    });
}

#[test]
fn a_revocation_is_lifted_and_leaves_others_in_force() {
    on_both(async |place| {
        let store = place.open().await;
        create(&store, &limited(1, None)).await;
        let first = store.redeem(&attempt(1, 1, 1)).await.unwrap();
        for what in [
            Revoked::Link(digest(1)),
            Revoked::Key("K2".to_owned()),
            Revoked::Subject(SUBJECT),
        ] {
            revoke(&store, what).await;
        }
        // A link that is registered after it was revoked, and one of a key that was.
        assert_eq!(revoke(&store, Revoked::Link(digest(5))).await, 4);
        create(&store, &limited(5, None)).await;
        assert_eq!(
            store.redeem(&attempt(5, 1, 1)).await,
            Ok(UseAnswer::Revoked { revocation: 4 })
        );
        let later = NewLink {
            key_pair_id: "K2".to_owned(),
            ..limited(6, None)
        };
        create(&store, &later).await;
        assert_eq!(store.link(&id(6)).await.unwrap().unwrap().revoked_by, None);
        // Twice is once, unless it is for longer or cuts.
        assert_eq!(revoke(&store, Revoked::Link(digest(1))).await, 1);
        let cut = NewRevocation {
            cut: true,
            ..revocation(Revoked::Link(digest(1)))
        };
        assert_eq!(store.revoke(&cut, &actor(), NOW).await.unwrap().seq, 5);

        let lifted = store.lift(1, &actor(), after(9)).await.unwrap();
        assert_eq!(
            (lifted.event, lifted.lifted),
            (6, Some((after(9), "ada".to_owned())))
        );
        assert_eq!(
            store.lift(1, &actor(), after(10)).await,
            Ok(store.revocation(1).await.unwrap().unwrap())
        );
        let answer = store.redeem(&attempt(1, 1, 1)).await;
        assert_eq!(answer, Ok(UseAnswer::Revoked { revocation: 5 }));
        store.lift(5, &actor(), after(9)).await.unwrap();
        assert_eq!(store.redeem(&attempt(1, 1, 1)).await, Ok(first));
        let events: Vec<_> = store.revocations_after(2, 10).await.unwrap();
        let events: Vec<_> = events
            .iter()
            .map(|found| (found.event, found.seq, found.lifted.is_some()))
            .collect();
        assert_eq!(
            events,
            [(3, 3, false), (4, 4, false), (6, 1, true), (7, 5, true)]
        );
        let in_force = store
            .revocations(Some(NOW), &Page::first(10))
            .await
            .unwrap();
        assert_eq!(
            in_force.iter().map(|found| found.seq).collect::<Vec<_>>(),
            [4, 3, 2]
        );
        let changes = store.changes_after(0, 100).await.unwrap();
        assert_eq!(changes.len(), 7);
        assert!(changes.iter().all(|change| change.kind == "revocation"));
        let filter = AuditFilter {
            operation: Some("lift_revocation".to_owned()),
            ..AuditFilter::default()
        };
        assert_eq!(store.audit_entries(&filter, 10).await.unwrap().len(), 2);
    });
}

#[test]
fn all_live_links_of_a_filter_are_revoked_at_once() {
    on_both(async |place| {
        let store = place.open().await;
        for number in 1..=6 {
            let link = NewLink {
                label: Some(if number > 4 { "other" } else { "mine" }.to_owned()),
                ends_at: after(if number == 4 { 10 } else { 3600 }),
                ..limited(number, None)
            };
            create(&store, &link).await;
        }
        assert_eq!(revoke(&store, Revoked::Link(digest(3))).await, 1);
        let now = after(20);
        let live = |label: &str| LinkFilter {
            label: Some(label.to_owned()),
            state: Some((LinkState::Live, now)),
            ..LinkFilter::default()
        };
        assert_eq!(store.count_links(&live("mine")).await, Ok(2));
        let filter = LinkFilter {
            label: Some("mine".to_owned()),
            ..LinkFilter::default()
        };
        let before = store.last_change().await.unwrap();
        let made = store
            .revoke_links(&filter, (true, Some("leaked")), &actor(), now)
            .await
            .unwrap();
        assert_eq!((made.links, made.last), (2, Some(3)));
        assert_eq!(store.last_change().await, Ok(before + 1));
        let again = store
            .revoke_links(&filter, (true, None), &actor(), now)
            .await
            .unwrap();
        assert_eq!((again.links, again.last), (0, None));
        assert_eq!(store.last_change().await, Ok(before + 1));
        let found = store.revocations_after(1, 10).await.unwrap();
        let found: Vec<_> = found
            .into_iter()
            .map(|found| (found.event, found.revocation))
            .collect();
        let expected = |number| NewRevocation {
            what: Revoked::Link(digest(number)),
            until: after(3600),
            cut: true,
            note: Some("leaked".to_owned()),
        };
        assert_eq!(found, [(2, expected(1)), (3, expected(2))]);
        let answers = [
            (1, Some(2)),
            (2, Some(3)),
            (3, Some(1)),
            (4, None),
            (5, None),
        ];
        for (number, revoked_by) in answers {
            let link = store.link(&id(number)).await.unwrap().unwrap();
            assert_eq!(link.revoked_by, revoked_by, "{number}");
        }
        assert_eq!(store.count_links(&live("other")).await, Ok(2));
    });
}

async fn same(replica: &Replica, store: &Store) {
    let stored = store.revocations_after(0, 1000).await.unwrap();
    assert_eq!(replica.revocations_after(0, 1000).await.unwrap(), stored);
    let mut view = replica.view().unwrap();
    assert_eq!(view.revocations_after(0, 1000).unwrap(), stored);
}

#[test]
fn a_copy_has_revocations_with_the_database_down() {
    on_both(async |place| {
        let store = place.open().await;
        let path = place.path("replica.db");
        let replica = Replica::open(&path).await.unwrap();
        replica.catch_up(&store).await.unwrap();
        for number in 1..=3 {
            revoke(&store, Revoked::Link(digest(number))).await;
        }
        put(&store, vec![change("a", json!(1))]).await.unwrap();
        let caught_up = replica.catch_up(&store).await.unwrap();
        assert!(!caught_up.whole);
        assert_eq!((caught_up.seq, caught_up.last_revocation), (4, 3));
        let changed: Vec<_> = caught_up
            .changed
            .iter()
            .map(|change| &change.kind)
            .collect();
        assert_eq!(changed, ["thing"]);
        same(&replica, &store).await;
        store.lift(3, &actor(), NOW).await.unwrap();
        store.lift(1, &actor(), NOW).await.unwrap();
        let caught_up = replica.catch_up(&store).await.unwrap();
        assert_eq!((caught_up.whole, caught_up.last_revocation), (false, 5));
        assert_eq!(caught_up.changed, []);
        same(&replica, &store).await;
        let stored = store.revocations_after(0, 10).await.unwrap();
        drop((store, replica));
        let replica = Replica::open(&path).await.unwrap();
        assert_eq!(replica.revocations_after(0, 10).await.unwrap(), stored);
    });
}

#[test]
fn a_copy_of_another_history_is_taken_anew() {
    on_both(async |place| {
        let (store, other) = (place.open().await, place.another());
        let other = other.open().await;
        let replica = Replica::open(&place.path("replica.db")).await.unwrap();
        for number in 1..=3 {
            revoke(&store, Revoked::Link(digest(number))).await;
        }
        replica.catch_up(&store).await.unwrap();
        for number in 11..=13 {
            revoke(&other, Revoked::Link(digest(number))).await;
        }
        assert!(replica.catch_up(&other).await.unwrap().whole);
        same(&replica, &other).await;
    });
}

#[test]
fn what_has_ended_long_ago_is_removed() {
    on_both(async |place| {
        let store = place.open().await;
        let replica = Replica::open(&place.path("replica.db")).await.unwrap();
        for number in 1..=4 {
            let link = NewLink {
                ends_at: after(10 * i64::try_from(number).unwrap()),
                ..limited(number, None)
            };
            create(&store, &link).await;
            store.redeem(&attempt(number, 1, 1)).await.unwrap();
            let until = link.ends_at;
            let new = NewRevocation {
                until,
                ..revocation(Revoked::Link(digest(number)))
            };
            store.revoke(&new, &actor(), NOW).await.unwrap();
        }
        replica.catch_up(&store).await.unwrap();
        let swept = store.sweep_links(after(10)).await.unwrap();
        assert_eq!(
            (swept.links, swept.revocations, swept.has_more()),
            (0, 0, false)
        );
        let swept = store.sweep_links(after(25)).await.unwrap();
        assert_eq!((swept.links, swept.revocations), (2, 2));
        assert_eq!(store.link(&id(2)).await, Ok(None));
        assert_eq!(
            store.link_uses(&id(2), &Page::first(10)).await,
            Ok(Vec::new())
        );
        let unknown = store.redeem(&at(attempt(2, 1, 1), 0)).await;
        assert_eq!(unknown, Ok(UseAnswer::Unknown));
        assert!(!replica.catch_up(&store).await.unwrap().whole);
        same(&replica, &store).await;
        // The last one stays, so that its number is not given again.
        let swept = store
            .sweep_links(Timestamp::from_seconds(i64::MAX))
            .await
            .unwrap();
        assert_eq!((swept.links, swept.revocations), (2, 1));
        assert!(u64::from(SWEEP_ROWS_MAX) > 4);
        replica.catch_up(&store).await.unwrap();
        same(&replica, &store).await;
        assert_eq!(revoke(&store, Revoked::Link(digest(9))).await, 5);
        assert!(!replica.catch_up(&store).await.unwrap().whole);
        same(&replica, &store).await;
    });
}

#[test]
fn a_store_of_one_file_is_read_by_its_own_edge() {
    let place = Place::file();
    run(async {
        let store = place.open().await;
        let replica = Replica::of_store(&store).unwrap();
        revoke(&store, Revoked::Link(digest(1))).await;
        let caught_up = replica.catch_up(&store).await.unwrap();
        assert_eq!(caught_up.last_revocation, 1);
        same(&replica, &store).await;
    });
}
