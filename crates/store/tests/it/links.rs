//! Registered links: terms, lists, uses, bytes, the ledger.

use std::collections::BTreeMap;

use privet_store::limits::{GIVEN_BACK_MAX, LEDGER_ENTRIES_MAX, LINK_USES_MAX};
use privet_store::{
    AttemptId, AuditFilter, ByteAnswer, DocumentName, GiveBack, LedgerBatch, LedgerEntry,
    LedgerTaken, LinkConfirm, LinkDigest, LinkFilter, LinkKind, LinkState, LinkUse, NewLink, Page,
    PathFilter, RegisteredId, Store, StoreError, SubjectDigest, Timestamp, UseAnswer, ViewerDigest,
};

use crate::support::{NOW, actor, on_both};

const HOUR: i64 = 3600;
pub const WINDOW: u32 = 600;

pub fn after(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(NOW.seconds() + seconds)
}

pub fn digest(number: u64) -> LinkDigest {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    LinkDigest::from_bytes(bytes)
}

pub fn id(number: u64) -> RegisteredId {
    let mut bytes = [9; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    RegisteredId::from_bytes(bytes)
}

/// A limited link that may be used `uses_max` times.
pub fn limited(number: u64, uses_max: Option<u64>) -> NewLink {
    NewLink {
        id: id(number),
        digest: digest(number),
        kind: LinkKind::Limited,
        key_pair_id: "K1".to_owned(),
        host: "media.example".to_owned(),
        path: format!("/films/{number}.mp4"),
        uses_max,
        viewers_max: None,
        bytes_max: None,
        confirm: LinkConfirm::Auto,
        window_seconds: WINDOW,
        owner: None,
        subject: None,
        subject_digest: None,
        sender: None,
        label: None,
        note: None,
        file_name: None,
        ends_at: after(HOUR),
    }
}

/// An attempt of a viewer at a link.
pub fn attempt(link: u64, attempt: u64, viewer: u64) -> LinkUse {
    let wide = |number: u64| {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&link.to_be_bytes());
        bytes[8..].copy_from_slice(&number.to_be_bytes());
        bytes
    };
    LinkUse {
        link: id(link),
        digest: digest(link),
        attempt: AttemptId::from_bytes(wide(attempt)),
        viewer: ViewerDigest::from_bytes(wide(viewer)),
        at: NOW,
        edge: "edge-1".to_owned(),
    }
}

pub fn at(wanted: LinkUse, seconds: i64) -> LinkUse {
    LinkUse {
        at: after(seconds),
        ..wanted
    }
}

pub async fn create(store: &Store, link: &NewLink) -> u64 {
    store.create_link(link, &actor(), NOW).await.unwrap()
}

fn redeemed(use_number: u64, seconds: i64) -> UseAnswer {
    let window_until = after(seconds + i64::from(WINDOW));
    UseAnswer::Redeemed {
        use_number,
        window_until,
    }
}

fn again(use_number: u64, seconds: i64) -> UseAnswer {
    let window_until = after(seconds + i64::from(WINDOW));
    UseAnswer::Again {
        use_number,
        window_until,
    }
}

fn used_up(uses: u64, seconds: i64) -> UseAnswer {
    let last_at = after(seconds);
    UseAnswer::UsedUp { uses, last_at }
}

#[test]
fn terms_that_break_a_limit_are_refused() {
    on_both(async |place| {
        let store = place.open().await;
        let refused = async |link: NewLink, field: &str| {
            let refused = store.create_link(&link, &actor(), NOW).await;
            let Err(StoreError::Invalid { field: found, .. }) = refused else {
                panic!("{refused:?}")
            };
            assert_eq!(found, field);
        };
        let link = || limited(1, Some(1));
        let host = |host: &str| NewLink {
            host: host.to_owned(),
            ..link()
        };
        for text in ["", "a b", "a/b", "u:p@a", "a?b", "é"] {
            refused(host(text), "host").await;
        }
        let path = |path: &str| NewLink {
            path: path.to_owned(),
            ..link()
        };
        for text in ["", "a", "/a?Signature=abc", "/a#b", "/a b", "/é"] {
            refused(path(text), "path").await;
        }
        refused(limited(1, Some(0)), "uses").await;
        refused(limited(1, Some(LINK_USES_MAX + 1)), "uses").await;
        let viewers_max = Some(0);
        refused(
            NewLink {
                viewers_max,
                ..link()
            },
            "viewers",
        )
        .await;
        let bytes_max = Some(u64::MAX);
        refused(
            NewLink {
                bytes_max,
                ..link()
            },
            "bytes",
        )
        .await;
        let window_seconds = 0;
        refused(
            NewLink {
                window_seconds,
                ..link()
            },
            "window",
        )
        .await;
        let ends_at = NOW;
        refused(NewLink { ends_at, ..link() }, "end").await;
        let kind = LinkKind::Ordinary;
        refused(NewLink { kind, ..link() }, "link").await;
        let note = Some("a\nb".to_owned());
        refused(NewLink { note, ..link() }, "note").await;
        assert_eq!(store.count_links(&LinkFilter::default()).await, Ok(0));
    });
}

#[test]
fn a_link_is_registered_once() {
    on_both(async |place| {
        let store = place.open().await;
        let link = || limited(1, Some(1));
        assert_eq!(create(&store, &link()).await, 1);
        let other = |id, digest| NewLink {
            id,
            digest,
            ..link()
        };
        for link in [other(id(2), digest(1)), other(id(1), digest(2))] {
            let name = DocumentName::new("link", link.id.to_string());
            let refused = store.create_link(&link, &actor(), NOW).await;
            assert_eq!(refused, Err(StoreError::Exists(name)));
        }
        let stored = store.link(&id(1)).await.unwrap().unwrap();
        assert_eq!((stored.number, stored.link), (1, link()));
        assert_eq!((stored.made_at, stored.made_by), (NOW, "ada".to_owned()));
        assert_eq!(
            (stored.uses, stored.bytes_reserved, stored.revoked_by),
            (0, 0, None)
        );
        let entries = store
            .audit_entries(&AuditFilter::default(), 10)
            .await
            .unwrap();
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].entry.operation, "create_link");
    });
}

const SUBJECT: SubjectDigest = SubjectDigest::from_bytes([5; 16]);

/// Registers six links with different terms.
async fn register_six(store: &Store) {
    for number in 1..=6 {
        let link = NewLink {
            kind: LinkKind::Ordinary,
            uses_max: None,
            label: (number % 2 == 0).then(|| "even".to_owned()),
            subject: (number > 4).then(|| "ada@example".to_owned()),
            subject_digest: (number > 4).then_some(SUBJECT),
            path: format!("/f{}/{number}", number % 3),
            key_pair_id: format!("K{}", number % 2),
            ends_at: after(i64::try_from(number).unwrap() * HOUR),
            ..limited(number, None)
        };
        create(store, &link).await;
    }
}

async fn numbers(store: &Store, filter: LinkFilter, page: Page) -> Vec<u64> {
    let links = store.links(&filter, &page).await.unwrap();
    links.iter().map(|link| link.number).collect()
}

#[test]
fn links_are_listed_by_their_terms() {
    on_both(async |place| {
        let store = place.open().await;
        register_six(&store).await;
        let check = async |filter: LinkFilter, expected: &[u64]| {
            assert_eq!(
                numbers(&store, filter.clone(), Page::first(100)).await,
                expected,
                "{filter:?}"
            );
            let count = store.count_links(&filter).await.unwrap();
            assert_eq!(count, u64::try_from(expected.len()).unwrap());
        };
        let all = LinkFilter::default;
        let path = |path: PathFilter| LinkFilter {
            path: Some(path),
            ..all()
        };
        let state = |state, seconds| LinkFilter {
            state: Some((state, after(seconds))),
            ..all()
        };
        check(
            LinkFilter {
                label: Some("odd".to_owned()),
                ..all()
            },
            &[],
        )
        .await;
        check(
            LinkFilter {
                label: Some("even".to_owned()),
                ..all()
            },
            &[6, 4, 2],
        )
        .await;
        check(
            LinkFilter {
                subject: Some(SUBJECT),
                ..all()
            },
            &[6, 5],
        )
        .await;
        check(
            LinkFilter {
                key_pair_id: Some("K1".to_owned()),
                ..all()
            },
            &[5, 3, 1],
        )
        .await;
        check(
            LinkFilter {
                host: Some("other.example".to_owned()),
                ..all()
            },
            &[],
        )
        .await;
        check(path(PathFilter::Exact("/f1/".to_owned())), &[]).await;
        check(path(PathFilter::Exact("/f1/4".to_owned())), &[4]).await;
        check(path(PathFilter::Prefix("/f1/".to_owned())), &[4, 1]).await;
        check(
            path(PathFilter::Prefix("/f".to_owned())),
            &[6, 5, 4, 3, 2, 1],
        )
        .await;
        check(state(LinkState::Live, 4 * HOUR), &[6, 5]).await;
        check(state(LinkState::Ended, 4 * HOUR), &[4, 3, 2, 1]).await;
        check(state(LinkState::Revoked, 0), &[]).await;
    });
}

#[test]
fn lists_of_links_have_pages() {
    on_both(async |place| {
        let store = place.open().await;
        register_six(&store).await;
        let all = LinkFilter::default;
        let page = |after: &str| Page {
            after: Some(after.to_owned()),
            limit: 2,
        };
        assert_eq!(numbers(&store, all(), Page::first(2)).await, [6, 5]);
        assert_eq!(numbers(&store, all(), page("5")).await, [4, 3]);
        assert!(store.links(&all(), &page("x")).await.is_err());
        assert!(store.links(&all(), &Page::first(0)).await.is_err());
        let spoilt = LinkFilter {
            path: Some(PathFilter::Prefix("f".to_owned())),
            ..all()
        };
        assert!(store.count_links(&spoilt).await.is_err());
        let found = store.link_by_digest(&digest(3)).await.unwrap().unwrap();
        assert_eq!(found.number, 3);
        assert_eq!(store.link_by_digest(&digest(7)).await, Ok(None));
    });
}

#[test]
fn a_link_is_used_as_often_as_it_may_be() {
    on_both(async |place| {
        let store = place.open().await;
        let redeem = async |wanted: LinkUse| {
            let peeked = store.peek(&wanted).await.unwrap();
            let answer = store.redeem(&wanted).await.unwrap();
            let is_made = matches!(answer, UseAnswer::Redeemed { .. });
            let is_open = is_made && peeked == UseAnswer::Open;
            assert!(is_open || peeked == answer, "{peeked:?} {answer:?}");
            answer
        };
        assert_eq!(redeem(attempt(1, 1, 1)).await, UseAnswer::Unknown);
        create(&store, &limited(1, Some(2))).await;
        let ordinary = NewLink {
            kind: LinkKind::Ordinary,
            ..limited(2, None)
        };
        create(&store, &ordinary).await;
        assert_eq!(redeem(attempt(2, 1, 1)).await, UseAnswer::Unknown);
        let another_text = LinkUse {
            digest: digest(2),
            ..attempt(1, 1, 1)
        };
        assert_eq!(redeem(another_text).await, UseAnswer::Unknown);

        assert_eq!(redeem(attempt(1, 1, 1)).await, redeemed(1, 0));
        // The same attempt again, later.
        assert_eq!(redeem(at(attempt(1, 1, 1), 700)).await, redeemed(1, 0));
        // The same viewer goes on, and moves the end of its window.
        assert_eq!(redeem(at(attempt(1, 2, 1), 500)).await, again(1, 500));
        assert_eq!(redeem(at(attempt(1, 3, 1), 1000)).await, again(1, 1000));
        assert_eq!(redeem(at(attempt(1, 4, 1), 900)).await, again(1, 1000));
        create(&store, &limited(3, None)).await;
        for stranger in [attempt(1, 1, 2), attempt(3, 1, 1)] {
            let spoilt = LinkUse {
                attempt: attempt(1, 1, 1).attempt,
                ..stranger
            };
            let refused = store.redeem(&spoilt).await;
            assert!(
                matches!(refused, Err(StoreError::Invalid { .. })),
                "{refused:?}"
            );
        }
        assert_eq!(redeem(at(attempt(1, 5, 2), 60)).await, redeemed(2, 60));
        assert_eq!(redeem(at(attempt(1, 6, 3), 70)).await, used_up(2, 60));
        // A viewer whose window is over needs another use.
        assert_eq!(redeem(at(attempt(1, 7, 1), 1600)).await, used_up(2, 60));
        assert_eq!(redeem(at(attempt(1, 8, 2), HOUR)).await, UseAnswer::Ended);
        let answer = redeem(at(attempt(1, 1, 1), HOUR)).await;
        assert_eq!(answer, redeemed(1, 1000));
        let uses = store.link_uses(&id(1), &Page::first(10)).await.unwrap();
        let numbers: Vec<_> = uses
            .iter()
            .map(|used| (used.number, used.given_back))
            .collect();
        assert_eq!(numbers, [(2, false), (1, false)]);
        assert_eq!(store.link(&id(1)).await.unwrap().unwrap().uses, 2);
    });
}

#[test]
fn a_use_that_nothing_was_sent_of_is_given_back() {
    on_both(async |place| {
        let store = place.open().await;
        create(&store, &limited(1, Some(1))).await;
        let wanted = attempt(1, 1, 1);
        assert_eq!(store.redeem(&wanted).await, Ok(redeemed(1, 0)));
        // Of another viewer's attempt, or another link's.
        let spoilt = LinkUse {
            attempt: wanted.attempt,
            ..attempt(1, 2, 2)
        };
        assert_eq!(store.give_back(&spoilt).await, Ok(GiveBack::Counted));
        assert_eq!(store.redeem(&attempt(1, 3, 3)).await, Ok(used_up(1, 0)));
        for _ in 0..2 {
            assert_eq!(store.give_back(&wanted).await, Ok(GiveBack::Returned));
        }
        assert_eq!(store.redeem(&wanted).await, Ok(UseAnswer::GivenBack));
        assert_eq!(store.link(&id(1)).await.unwrap().unwrap().uses, 0);
        // One that is given back before it comes makes no use.
        let late = attempt(1, 4, 4);
        assert_eq!(store.give_back(&late).await, Ok(GiveBack::Returned));
        assert_eq!(store.redeem(&late).await, Ok(UseAnswer::GivenBack));
        assert_eq!(store.redeem(&attempt(1, 5, 5)).await, Ok(redeemed(2, 0)));
        assert_eq!(store.redeem(&attempt(1, 6, 6)).await, Ok(used_up(1, 0)));
        // A second request belongs to it: the first cannot give it back any more.
        assert_eq!(store.redeem(&attempt(1, 7, 5)).await, Ok(again(2, 0)));
        assert_eq!(
            store.give_back(&attempt(1, 5, 5)).await,
            Ok(GiveBack::Counted)
        );
        assert_eq!(store.redeem(&attempt(1, 8, 8)).await, Ok(used_up(1, 0)));
        assert_eq!(
            store.give_back(&attempt(9, 1, 1)).await,
            Ok(GiveBack::Counted)
        );
    });
}

#[test]
fn giving_back_ends() {
    on_both(async |place| {
        let store = place.open().await;
        create(&store, &limited(1, Some(1))).await;
        let giving = (0..GIVEN_BACK_MAX).map(|number| {
            let store = store.clone();
            tokio::spawn(async move { store.give_back(&attempt(1, number, 1)).await })
        });
        for given in giving.collect::<Vec<_>>() {
            assert_eq!(given.await.unwrap(), Ok(GiveBack::Returned));
        }
        let last = attempt(1, GIVEN_BACK_MAX, 2);
        assert_eq!(store.redeem(&last).await, Ok(redeemed(1, 0)));
        assert_eq!(store.give_back(&last).await, Ok(GiveBack::Counted));
        assert_eq!(
            store.redeem(&attempt(1, GIVEN_BACK_MAX + 1, 3)).await,
            Ok(used_up(1, 0))
        );
    });
}

#[test]
fn viewers_and_bytes_are_limited_too() {
    on_both(async |place| {
        let store = place.open().await;
        let link = NewLink {
            viewers_max: Some(2),
            ..limited(1, None)
        };
        create(&store, &link).await;
        assert_eq!(store.redeem(&attempt(1, 1, 1)).await, Ok(redeemed(1, 0)));
        assert_eq!(store.redeem(&attempt(1, 2, 2)).await, Ok(redeemed(2, 0)));
        assert_eq!(
            store.redeem(&attempt(1, 3, 3)).await,
            Ok(UseAnswer::ViewersUsedUp)
        );
        // The first comes back after its window.
        let back = at(attempt(1, 4, 1), 700);
        assert_eq!(store.redeem(&back).await, Ok(redeemed(3, 700)));
        assert_eq!(
            store.give_back(&attempt(1, 2, 2)).await,
            Ok(GiveBack::Returned)
        );
        assert_eq!(store.redeem(&attempt(1, 5, 3)).await, Ok(redeemed(4, 0)));

        let link = NewLink {
            bytes_max: Some(100),
            ..limited(2, None)
        };
        create(&store, &link).await;
        let reserve = async |number: u64, count: u64, seconds: i64| {
            let (id, digest) = (id(number), digest(number));
            store
                .reserve_bytes((&id, &digest), count, after(seconds))
                .await
        };
        assert!(reserve(2, 0, 0).await.is_err());
        assert!(reserve(2, u64::MAX, 0).await.is_err());
        assert_eq!(reserve(1, 1, 0).await, Ok(ByteAnswer::Refused));
        assert_eq!(reserve(3, 1, 0).await, Ok(ByteAnswer::Refused));
        assert_eq!(reserve(2, 1, HOUR).await, Ok(ByteAnswer::Refused));
        assert_eq!(
            reserve(2, 101, 0).await,
            Ok(ByteAnswer::Short { left: 100 })
        );
        assert_eq!(reserve(2, 60, 0).await, Ok(ByteAnswer::Reserved));
        assert_eq!(reserve(2, 41, 0).await, Ok(ByteAnswer::Short { left: 40 }));
        assert_eq!(store.redeem(&attempt(2, 1, 1)).await, Ok(redeemed(1, 0)));
        assert_eq!(reserve(2, 40, 0).await, Ok(ByteAnswer::Reserved));
        assert_eq!(
            store.redeem(&attempt(2, 2, 2)).await,
            Ok(UseAnswer::BytesUsedUp)
        );
        assert_eq!(store.redeem(&attempt(2, 3, 1)).await, Ok(again(1, 0)));
        store.return_bytes(&id(2), 30).await.unwrap();
        store.return_bytes(&id(2), 71).await.unwrap();
        assert_eq!(reserve(2, 31, 0).await, Ok(ByteAnswer::Short { left: 30 }));
        assert_eq!(store.redeem(&attempt(2, 2, 2)).await, Ok(redeemed(2, 0)));
    });
}

pub fn entry(number: u64, bytes: u64) -> LedgerEntry {
    LedgerEntry {
        digest: digest(number),
        served: Some((NOW, after(5))),
        uses: 1,
        viewers: 1,
        bytes,
        watched_seconds: 3,
        refusals: BTreeMap::from([("link_used_up".to_owned(), 2)]),
        addresses: vec!["192.0.2.7".to_owned()],
    }
}

pub fn batch(edge: &str, number: u64, entries: Vec<LedgerEntry>) -> LedgerBatch {
    LedgerBatch {
        edge: edge.to_owned(),
        number,
        entries,
    }
}

#[test]
fn each_batch_is_in_the_ledger_once() {
    on_both(async |place| {
        let store = place.open().await;
        create(&store, &limited(1, None)).await;
        let add = async |batch: LedgerBatch| store.add_to_ledger(&batch, NOW).await;
        let reversed = LedgerEntry {
            served: Some((after(5), NOW)),
            ..entry(1, 1)
        };
        let spoilt = LedgerEntry {
            addresses: vec!["a\nb".to_owned()],
            ..entry(1, 1)
        };
        let many = (0..=u64::try_from(LEDGER_ENTRIES_MAX).unwrap()).map(|number| entry(number, 1));
        for refused in [
            batch("", 1, vec![]),
            batch("a", 0, vec![]),
            batch("a", 1, vec![entry(1, 1), entry(1, 2)]),
            batch("a", 1, vec![reversed]),
            batch("a", 1, vec![spoilt]),
            batch("a", 1, many.collect()),
        ] {
            let refused = add(refused).await;
            assert!(
                matches!(refused, Err(StoreError::Invalid { .. })),
                "{refused:?}"
            );
        }
        assert_eq!(store.last_ledger_batch("a").await, Ok(0));
        let added = |unknown| Ok(LedgerTaken::Added { unknown });
        let first = batch("a", 1, vec![entry(1, 10), entry(2, 10)]);
        assert_eq!(add(first.clone()).await, added(1));
        assert_eq!(add(first.clone()).await, Ok(LedgerTaken::Repeated));
        assert_eq!(add(batch("b", 1, vec![entry(1, 5)])).await, added(0));
        assert_eq!(add(batch("a", 7, vec![entry(1, 1)])).await, added(0));
        assert_eq!(
            add(batch("a", 6, vec![entry(1, 1)])).await,
            Ok(LedgerTaken::Repeated)
        );
        assert_eq!(store.last_ledger_batch("a").await, Ok(7));
        let found = store.ledger(&digest(1)).await.unwrap().unwrap();
        let expected = LedgerEntry {
            uses: 3,
            viewers: 3,
            bytes: 16,
            watched_seconds: 9,
            refusals: BTreeMap::from([("link_used_up".to_owned(), 6)]),
            ..entry(1, 0)
        };
        assert_eq!(found, expected);
        assert_eq!(store.ledger(&digest(2)).await, Ok(None));
    });
}
