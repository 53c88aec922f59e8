//! A connection that is lost during a commit: the store finds out what became of it, and writes exactly once.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use privet_store::{Location, Page, PostgresUrl, Store, StoreError, StoreOptions};
use serde_json::json;

use crate::support::{Place, change, key, put, run, server};

/// What the proxy does with a commit.
#[derive(Clone, Copy)]
enum Loss {
    /// The server gets it, and its answer is lost.
    Answer,
    /// The server does not get it.
    Question,
    /// The server gets it, its answer is lost, and nobody connects any more.
    Server,
}

/// Count of losses after which no connection is accepted.
const GONE: u32 = u32::MAX;

/// Stands between store and server, and loses one commit whenever `losses` is not 0.
struct Proxy {
    port: u16,
    losses: Arc<AtomicU32>,
}

fn proxy(loss: Loss) -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let losses = Arc::new(AtomicU32::new(0));
    let counted = losses.clone();
    let socket = server().unwrap().socket();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, losses) = (client.unwrap(), counted.clone());
            if losses.load(Ordering::SeqCst) == GONE {
                continue;
            }
            let server = UnixStream::connect(&socket).unwrap();
            let answers = (server.try_clone().unwrap(), client.try_clone().unwrap());
            thread::spawn(move || forward(answers.0, answers.1));
            thread::spawn(move || questions(client, server, &losses, loss));
        }
    });
    Proxy { port, losses }
}

fn forward(mut from: UnixStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}

fn questions(mut client: TcpStream, mut server: UnixStream, losses: &AtomicU32, loss: Loss) {
    let mut buffer = [0; 65536];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        let question = &buffer[..length];
        // Not the `COMMITTED` with which a transaction begins.
        let commit = question.windows(8).any(|window| window == b"; COMMIT");
        let lost = commit
            && losses
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                    left.checked_sub(1)
                })
                .is_ok();
        if lost {
            if let Loss::Server = loss {
                losses.store(GONE, Ordering::SeqCst);
            }
            // The client hears no answer, whatever the server does.
            client.shutdown(Shutdown::Both).unwrap();
            match loss {
                Loss::Answer | Loss::Server => server.write_all(question).unwrap(),
                Loss::Question => {}
            }
            break;
        }
        if server.write_all(question).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Write);
}

async fn open(proxy: &Proxy, database: &Path) -> Store {
    let database = database.file_name().unwrap().to_str().unwrap();
    let url = format!("postgres://privet@127.0.0.1:{}/{database}", proxy.port);
    let location = Location::Url(PostgresUrl::parse(&url).unwrap());
    let key = key();
    Store::open(StoreOptions { location, key }).await.unwrap()
}

#[test]
fn a_write_is_made_once_whatever_of_its_commit_is_lost() {
    for loss in [Loss::Answer, Loss::Question] {
        let Some(place) = Place::postgres() else {
            return;
        };
        let Location::Url(url) = &place.location else {
            panic!()
        };
        let database = url.to_string();
        let proxy = proxy(loss);
        run(async {
            let store = open(&proxy, Path::new(&database)).await;
            for number in 1..=5 {
                proxy.losses.store(1, Ordering::SeqCst);
                let written = put(&store, vec![change("a", json!(number))]).await.unwrap();
                assert_eq!(written.documents[0].version, number);
                assert_eq!(written.change, number);
                assert_eq!(proxy.losses.load(Ordering::SeqCst), 0, "no commit was lost");
            }
            let versions = store
                .versions("thing", "a", &Page::first(10))
                .await
                .unwrap();
            assert_eq!(versions.len(), 5);
        });
    }
}

#[test]
fn a_commit_that_is_lost_again_and_again_is_said_to_have_failed() {
    let Some(place) = Place::postgres() else {
        return;
    };
    let Location::Url(url) = &place.location else {
        panic!()
    };
    let database = url.to_string();
    let proxy = proxy(Loss::Question);
    run(async {
        let store = open(&proxy, Path::new(&database)).await;
        proxy.losses.store(1000, Ordering::SeqCst);
        let refused = put(&store, vec![change("a", json!(1))]).await;
        assert!(
            matches!(refused, Err(StoreError::Unreachable { .. })),
            "{refused:?}"
        );
        proxy.losses.store(0, Ordering::SeqCst);
        assert_eq!(store.last_change().await.unwrap(), 0);
        put(&store, vec![change("a", json!(1))]).await.unwrap();
    });
}

#[test]
#[ignore = "takes as long as the store asks for a lost commit: 40 seconds"]
fn a_commit_that_nobody_can_be_asked_for_is_unknown() {
    let Some(place) = Place::postgres() else {
        return;
    };
    let Location::Url(url) = &place.location else {
        panic!()
    };
    let database = url.to_string();
    let proxy = proxy(Loss::Server);
    run(async {
        let store = open(&proxy, Path::new(&database)).await;
        proxy.losses.store(1, Ordering::SeqCst);
        let unknown = put(&store, vec![change("a", json!(1))]).await;
        assert_eq!(unknown, Err(StoreError::Unknown));
        let refused = put(&store, vec![change("a", json!(2))]).await;
        assert!(
            matches!(refused, Err(StoreError::Unreachable { .. })),
            "{refused:?}"
        );
        proxy.losses.store(0, Ordering::SeqCst);
        let stored = store.document("thing", "a").await.unwrap().unwrap();
        assert_eq!((stored.version, stored.body), (1, json!(1)));
    });
}
