//! The local copy of an edge.

use std::time::Instant;

use privet_store::{
    DocumentChange, Location, Page, Replica, SealingKey, Store, StoreError, StoreOptions, View,
};
use serde_json::json;

use crate::support::{NOW, Place, change, key, on_both, put, run, thing};

fn referring(id: &str, to: &str) -> DocumentChange {
    DocumentChange {
        references: vec![thing(to)],
        secrets: vec!["/secret".to_owned()],
        ..change(id, json!({ "secret": format!("s3cret of {id}") }))
    }
}

async fn same(replica: &Replica, store: &Store) {
    let page = Page::first(1000);
    let documents = store.documents("thing", &page).await.unwrap();
    assert_eq!(replica.documents("thing", &page).await.unwrap(), documents);
    let mut bodies = Vec::new();
    let each = |id: &str, body: &str| bodies.push((id.to_owned(), body.to_owned()));
    replica.for_each("thing", each).unwrap();
    let expected = documents
        .iter()
        .map(|stored| (stored.id.clone(), stored.body.to_string()));
    assert_eq!(bodies, expected.collect::<Vec<_>>());
    let mut view = replica.view().unwrap();
    assert_eq!(view.documents("thing", &page).unwrap(), documents);
    let mut seen = Vec::new();
    let each = |id: &str, body: &str| seen.push((id.to_owned(), body.to_owned()));
    view.for_each("thing", each).unwrap();
    assert_eq!(seen, bodies);
    for document in &documents {
        let users = store.used_by("thing", &document.id).await.unwrap();
        assert_eq!(replica.used_by("thing", &document.id).await.unwrap(), users);
        assert_eq!(view.used_by("thing", &document.id).unwrap(), users);
    }
}

#[test]
fn a_replica_follows_and_serves_without_its_store() {
    on_both(async |place| {
        let store = place.open().await;
        let path = place.path("replica.db");
        let replica = Replica::open(&path).await.unwrap();
        assert_eq!(replica.applied(), 0);
        put(&store, vec![change("a", json!(1)), referring("b", "a")])
            .await
            .unwrap();
        let first = replica.catch_up(&store).await.unwrap();
        assert_eq!((first.seq, first.whole, first.changed.len()), (2, true, 0));
        same(&replica, &store).await;

        put(&store, vec![change("a", json!(2)), referring("c", "b")])
            .await
            .unwrap();
        put(
            &store,
            vec![
                change("c", None),
                referring("d", "a"),
                change("a", json!(3)),
            ],
        )
        .await
        .unwrap();
        let second = replica.catch_up(&store).await.unwrap();
        let changed: Vec<_> = second
            .changed
            .iter()
            .map(|change| (change.seq, change.id.as_str(), change.version))
            .collect();
        assert!(!second.whole);
        assert_eq!(
            changed,
            [(5, "c", None), (6, "d", Some(1)), (7, "a", Some(3))]
        );
        same(&replica, &store).await;
        let nothing = replica.catch_up(&store).await.unwrap();
        assert_eq!((nothing.seq, nothing.changed.len()), (7, 0));

        drop((store, replica));
        let replica = Replica::open(&path).await.unwrap();
        assert_eq!(replica.applied(), 7);
        let stored = replica.document("thing", "d").await.unwrap().unwrap();
        let clear = replica.unseal(&key(), &thing("d"), &stored.body).unwrap();
        assert_eq!(clear, json!({ "secret": "s3cret of d" }));
        let another = SealingKey::generate().unwrap();
        let refused = replica.unseal(&another, &thing("d"), &stored.body);
        assert!(matches!(refused, Err(StoreError::Sealed { .. })));
    });
}

#[test]
fn another_store_or_an_older_state_is_taken_whole() {
    on_both(async |place| {
        let replica = Replica::open(&place.path("replica.db")).await.unwrap();
        let store = place.open().await;
        put(&store, vec![change("a", json!(1)), change("b", json!(1))])
            .await
            .unwrap();
        replica.catch_up(&store).await.unwrap();

        let other = Place::file();
        let other = other.open().await;
        put(
            &other,
            vec![
                change("c", json!(1)),
                change("d", json!(1)),
                change("e", json!(1)),
            ],
        )
        .await
        .unwrap();
        assert!(replica.catch_up(&other).await.unwrap().whole);
        same(&replica, &other).await;
        assert!(replica.catch_up(&store).await.unwrap().whole);
        same(&replica, &store).await;

        place.sql("DELETE FROM changes WHERE seq > 1").unwrap();
        let back = replica.catch_up(&store).await.unwrap();
        assert_eq!((back.seq, back.whole, replica.applied()), (1, true, 1));
    });
}

/// Writes the same before and after the database is put back to the state after its first change: only ETags differ.
async fn put_back(place: &Place, store: &Store, replica: &Replica, third: DocumentChange) {
    let mut changes = vec![
        change("a", json!(1)),
        change("b", json!(1)),
        third,
        change("d", json!(1)),
    ];
    let last = changes.pop().unwrap();
    for change in changes.clone() {
        put(store, vec![change]).await.unwrap();
    }
    assert_eq!(replica.catch_up(store).await.unwrap().seq, 3);
    let back = "DELETE FROM changes WHERE seq > 1; DELETE FROM versions WHERE id <> 'a'; \
                DELETE FROM documents WHERE id <> 'a'";
    place.sql(back).unwrap();
    for change in changes.into_iter().skip(1) {
        put(store, vec![change]).await.unwrap();
    }
    put(store, vec![last]).await.unwrap();
    let caught_up = replica.catch_up(store).await.unwrap();
    assert_eq!((caught_up.seq, caught_up.whole), (4, true));
    same(replica, store).await;
    put(store, vec![change("e", json!(1))]).await.unwrap();
    let caught_up = replica.catch_up(store).await.unwrap();
    assert_eq!((caught_up.changed.len(), caught_up.whole), (1, false));
}

#[test]
fn a_database_that_was_put_back_is_noticed_when_its_numbers_have_caught_up() {
    for third in [change("b", json!(2)), change("b", None)] {
        on_both(async |place| {
            let store = place.open().await;
            let replica = Replica::open(&place.path("replica.db")).await.unwrap();
            put_back(place, &store, &replica, third.clone()).await;
        });
        let place = Place::file();
        run(async {
            let store = place.open().await;
            let replica = Replica::of_store(&store).unwrap();
            put_back(&place, &store, &replica, third).await;
        });
    }
}

/// Checks that a replica takes over the database that was put in the place of its own.
async fn replaced(place: &Place, store: &Store, replica: &Replica) {
    put(store, vec![change("a", json!(1))]).await.unwrap();
    replica.catch_up(store).await.unwrap();
    let other = place.another();
    let another = other.open().await;
    for id in ["b", "c"] {
        put(&another, vec![change(id, json!(1))]).await.unwrap();
    }
    drop(another);
    place.put_in_place(&other);
    let told = replica.catch_up(store).await;
    assert!(matches!(told, Err(StoreError::Failed { .. })), "{told:?}");
    let caught_up = replica.catch_up(store).await.unwrap();
    assert_eq!((caught_up.seq, caught_up.whole), (2, true));
    same(replica, store).await;
    assert_eq!(replica.document("thing", "a").await.unwrap(), None);
}

#[test]
fn a_database_that_was_replaced_is_taken_whole() {
    on_both(async |place| {
        let store = place.open().await;
        let replica = Replica::open(&place.path("replica.db")).await.unwrap();
        replaced(place, &store, &replica).await;
    });
    let place = Place::file();
    run(async {
        let store = place.open().await;
        let replica = Replica::of_store(&store).unwrap();
        replaced(&place, &store, &replica).await;
    });
}

#[test]
fn who_gave_up_waiting_is_told_of_everything() {
    on_both(async |place| {
        let store = place.open().await;
        let replica = Replica::open(&place.path("replica.db")).await.unwrap();
        replica.catch_up(&store).await.unwrap();
        put(&store, vec![change("a", json!(1))]).await.unwrap();
        // The first poll hands the work to the store's thread, which is not told that nobody waits.
        let given_up = tokio::select! {
            biased;
            _ = replica.catch_up(&store) => false,
            () = std::future::ready(()) => true,
        };
        assert!(given_up);
        let mut watched = replica.view().unwrap();
        while watched.seq() == 0 {
            tokio::task::yield_now().await;
            watched = replica.view().unwrap();
        }
        let caught_up = replica.catch_up(&store).await.unwrap();
        assert_eq!((caught_up.seq, caught_up.whole), (1, true));
        assert!(!replica.catch_up(&store).await.unwrap().whole);
    });
}

#[test]
fn a_store_in_a_file_is_its_own_replica() {
    let place = Place::file();
    run(async {
        let store = place.open().await;
        put(&store, vec![change("a", json!(1))]).await.unwrap();
        let replica = Replica::of_store(&store).unwrap();
        assert_eq!(replica.applied(), 0);
        assert!(replica.catch_up(&store).await.unwrap().whole);
        put(&store, vec![change("b", json!(1))]).await.unwrap();
        let caught_up = replica.catch_up(&store).await.unwrap();
        assert_eq!(
            (caught_up.whole, caught_up.changed.len(), replica.applied()),
            (false, 1, 2)
        );
        same(&replica, &store).await;
    });
    let Some(place) = Place::postgres() else {
        return;
    };
    run(async {
        let refused = Replica::of_store(&place.open().await).map(drop);
        assert!(matches!(refused, Err(StoreError::Invalid { .. })));
    });
}

/// Answers whether the view shows both documents of one moment, and none of the next.
fn shows(view: &mut View, number: u64) {
    let mut bodies = Vec::new();
    let each = |id: &str, body: &str| bodies.push((id.to_owned(), body.to_owned()));
    view.for_each("thing", each).unwrap();
    let expected = ["a", "b"].map(|id| (id.to_owned(), number.to_string()));
    assert_eq!(bodies, expected);
    let stored = view.document("thing", "b").unwrap().unwrap();
    assert_eq!((stored.body, stored.version), (json!(number), number));
    let first = view.documents("thing", &Page::first(1)).unwrap();
    assert_eq!(first[0].body, json!(number));
    assert!(view.document("thing", "c").unwrap().is_none());
    assert!(view.used_by("thing", "a").unwrap().is_empty());
}

async fn a_view_stays(store: &Store, replica: &Replica) {
    let both = async |number: u64| {
        let changes = vec![change("a", json!(number)), change("b", json!(number))];
        put(store, changes).await.unwrap();
    };
    both(1).await;
    let (caught_up, mut first) = replica.catch_up_with_view(store).await.unwrap();
    assert_eq!((caught_up.seq, first.seq()), (2, 2));
    both(2).await;
    shows(&mut first, 1);
    let (caught_up, mut second) = replica.catch_up_with_view(store).await.unwrap();
    assert_eq!((caught_up.seq, second.seq()), (4, 4));
    put(store, vec![referring("c", "a")]).await.unwrap();
    replica.catch_up(store).await.unwrap();
    // A view may be read on any thread.
    let reading = std::thread::spawn(move || {
        shows(&mut first, 1);
        shows(&mut second, 2);
    });
    reading.join().unwrap();
    let mut now = replica.view().unwrap();
    assert_eq!(now.seq(), 5);
    assert_eq!(now.used_by("thing", "a").unwrap(), [thing("c")]);
}

#[test]
fn a_view_shows_one_moment() {
    on_both(async |place| {
        let store = place.open().await;
        let replica = Replica::open(&place.path("replica.db")).await.unwrap();
        a_view_stays(&store, &replica).await;
    });
    let place = Place::file();
    run(async {
        let store = place.open().await;
        let replica = Replica::of_store(&store).unwrap();
        a_view_stays(&store, &replica).await;
    });
}

#[test]
#[ignore = "measures: run it with --release and --nocapture"]
fn a_hundred_thousand_documents_are_read_and_followed() {
    let mut places = vec![Place::file()];
    places.extend(Place::postgres());
    for place in places {
        run(async {
            let options = StoreOptions {
                location: place.location.clone(),
                key: key(),
            };
            let store = Store::open(options).await.unwrap();
            let text = "x".repeat(1000);
            let changes =
                (0..100_000).map(|number| change(&format!("{number:06}"), json!({ "text": text })));
            let begun = Instant::now();
            put(&store, changes.collect()).await.unwrap();
            println!("{:?}: written in {:?}", place.location, begun.elapsed());
            let replica = Replica::open(&place.path("replica.db")).await.unwrap();
            let begun = Instant::now();
            replica.catch_up(&store).await.unwrap();
            println!("caught up in {:?}", begun.elapsed());
            let mut bytes = 0;
            let begun = Instant::now();
            replica
                .for_each("thing", |_, body| bytes += body.len())
                .unwrap();
            println!("{bytes} bytes read in {:?}", begun.elapsed());
            let begun = Instant::now();
            store.backup(&place.path("backup"), NOW).await.unwrap();
            println!("backed up in {:?}", begun.elapsed());
            if let Location::File(_) = place.location {
                let begun = Instant::now();
                let replica = Replica::of_store(&store).unwrap();
                replica.for_each("thing", |_, _| {}).unwrap();
                println!("the store itself was read in {:?}", begun.elapsed());
                let begun = Instant::now();
                replica.view().unwrap();
                println!("a view was opened in {:?}", begun.elapsed());
            }
            let begun = Instant::now();
            let tasks = (0..2000).map(|number| {
                let store = store.clone();
                let changes = vec![change(&format!("w{number}"), json!(number))];
                tokio::spawn(async move { put(&store, changes).await.unwrap() })
            });
            for task in tasks.collect::<Vec<_>>() {
                task.await.unwrap();
            }
            println!("2000 writes, all waiting at once, in {:?}", begun.elapsed());
        });
    }
}

/// Checks that a history is told from that of a database that was put back, whatever its numbers are.
#[test]
fn a_history_is_told_from_another_with_the_same_numbers() {
    on_both(async |place| {
        let store = place.open().await;
        let empty = store.history(None).await.unwrap();
        assert_eq!((empty.last.seq, empty.has_known), (0, true));
        for id in ["a", "b"] {
            put(&store, vec![change(id, json!(1))]).await.unwrap();
        }
        let known = store.history(Some(&empty.last)).await.unwrap();
        assert_eq!((known.last.seq, known.has_known), (2, true));
        let back = "DELETE FROM changes WHERE seq > 1; DELETE FROM versions WHERE id <> 'a'; \
                    DELETE FROM documents WHERE id <> 'a'";
        place.sql(back).unwrap();
        let less = store.history(Some(&known.last)).await.unwrap();
        assert_eq!((less.last.seq, less.has_known), (1, false));
        put(&store, vec![change("b", json!(1))]).await.unwrap();
        let same = store.history(Some(&known.last)).await.unwrap();
        assert_eq!((same.last.seq, same.has_known), (2, false));
        put(&store, vec![change("c", json!(1))]).await.unwrap();
        let more = store.history(Some(&known.last)).await.unwrap();
        assert_eq!((more.last.seq, more.has_known), (3, false));
        let on = store.history(Some(&same.last)).await.unwrap();
        assert_eq!((on.last.seq, on.has_known), (3, true));
    });
}
