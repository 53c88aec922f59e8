//! How many uses of limited links the store counts in a second, each on disk before its answer; how long
//! one takes; and how many links are revoked in a second.

use crate::bench::postgres::Postgres;
use crate::bench::{Bar, Row, median};
use privet_store::{
    Actor, AttemptId, LinkConfirm, LinkDigest, LinkFilter, LinkKind, LinkUse, Location, NewLink,
    NewRevocation, PostgresUrl, RegisteredId, Revoked, SealingKey, Store, StoreError, StoreOptions,
    Timestamp, UseAnswer, ViewerDigest,
};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tokio::runtime::{Builder, Runtime};
use xtask::command::Outcome;

/// Viewers who ask at the same time.
const VIEWERS: [u64; 3] = [1, 8, 64];
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const END: Timestamp = Timestamp::from_seconds(1_800_100_000);

/// Runs the part.
pub(super) fn rows(is_quick: bool) -> Outcome<Vec<Row>> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let links = if is_quick { 500 } else { 5_000 };
    let rows = of_stores(folder.path(), links)?;
    rows.iter().for_each(Row::announce);
    Ok(rows)
}

fn of_stores(folder: &Path, links: u64) -> Outcome<Vec<Row>> {
    let file = Location::File(folder.join("store.db"));
    let mut rows = of_store("SQLite", file, links)?;
    match Postgres::start(&folder.join("postgres"))? {
        Some(postgres) => {
            let url = format!("postgres://privet@127.0.0.1:{}/postgres", postgres.port);
            let url = PostgresUrl::parse(&url).map_err(|error| error.to_string())?;
            rows.extend(of_store("PostgreSQL", Location::Url(url), links)?);
        }
        None => eprintln!("xtask: PostgreSQL is not installed; its rows are left out"),
    }
    Ok(rows)
}

fn of_store(name: &str, location: Location, links: u64) -> Outcome<Vec<Row>> {
    eprintln!("xtask: links with {name}");
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let measured = measure(&runtime, name, location, links);
    measured.map_err(|error| error.to_string())
}

fn measure(
    runtime: &Runtime,
    name: &str,
    location: Location,
    links: u64,
) -> Result<Vec<Row>, StoreError> {
    let key = SealingKey::generate()?;
    let store = runtime.block_on(Store::open(StoreOptions { location, key }))?;
    let mut rows = Vec::new();
    for (round, viewers) in (0..).zip(VIEWERS) {
        let first = round * links;
        runtime.block_on(register(&store, first, links))?;
        let case = |what: &str| format!("{name}, viewers: {viewers}, {what}");
        let uses = runtime.block_on(redeem(&store, (first, links), viewers))?;
        rows.push(row(case("uses"), uses.rate, "uses/s"));
        rows.push(row(case("time of a use"), uses.median_ms, "ms"));
        // The same links again, for other viewers.
        let refused = runtime.block_on(refuse(&store, (first, links), viewers))?;
        rows.push(row(case("refusals"), refused, "refusals/s"));
    }
    let started = Instant::now();
    let single = links / 10;
    for number in 0..single {
        let new = NewRevocation {
            what: Revoked::Link(digest(number)),
            until: END,
            cut: false,
            note: None,
        };
        runtime.block_on(store.revoke(&new, &actor(), NOW))?;
    }
    let rate = per_second(single, started);
    rows.push(row(
        format!("{name}, revocations one by one"),
        rate,
        "links/s",
    ));
    let filter = LinkFilter {
        label: Some("bench".to_owned()),
        ..LinkFilter::default()
    };
    let started = Instant::now();
    let revoked = runtime.block_on(store.revoke_links(&filter, (false, None), &actor(), NOW))?;
    let rate = per_second(revoked.links, started);
    rows.push(row(format!("{name}, revocations at once"), rate, "links/s"));
    Ok(rows)
}

fn row(case: String, ours: f64, unit: &'static str) -> Row {
    Row {
        case,
        ours,
        peer: None,
        unit,
        ratio: None,
        bar: Bar::None,
    }
}

fn per_second(count: u64, started: Instant) -> f64 {
    count as f64 / started.elapsed().as_secs_f64()
}

async fn register(store: &Store, first: u64, links: u64) -> Result<(), StoreError> {
    let creating = (first..first + links).map(|number| {
        let store = store.clone();
        tokio::spawn(async move { store.create_link(&link(number), &actor(), NOW).await })
    });
    for created in creating.collect::<Vec<_>>() {
        created.await.map_err(|_| StoreError::Closed)??;
    }
    Ok(())
}

struct Uses {
    rate: f64,
    median_ms: f64,
}

/// Has viewers use the links, each by one of them.
async fn redeem(
    store: &Store,
    (first, links): (u64, u64),
    viewers: u64,
) -> Result<Uses, StoreError> {
    let next = Arc::new(AtomicU64::new(first));
    let started = Instant::now();
    let tasks = (0..viewers).map(|viewer| {
        let (store, next) = (store.clone(), next.clone());
        tokio::spawn(async move {
            let mut times = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= first + links {
                    return Ok(times);
                }
                let begun = Instant::now();
                let answer = store.redeem(&attempt(number, viewer)).await?;
                times.push(begun.elapsed().as_secs_f64() * 1000.0);
                if !matches!(answer, UseAnswer::Redeemed { .. }) {
                    return Err(StoreError::Busy);
                }
            }
        })
    });
    let mut times = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        times.extend(task.await.map_err(|_| StoreError::Closed)??);
    }
    Ok(Uses {
        rate: per_second(links, started),
        median_ms: median(&times),
    })
}

/// Has other viewers ask for links that are used up; returns the refusals in a second.
async fn refuse(
    store: &Store,
    (first, links): (u64, u64),
    viewers: u64,
) -> Result<f64, StoreError> {
    let next = Arc::new(AtomicU64::new(first));
    let started = Instant::now();
    let tasks = (0..viewers).map(|viewer| {
        let (store, next) = (store.clone(), next.clone());
        tokio::spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= first + links {
                    return Ok(());
                }
                let answer = store.redeem(&attempt(number, 1_000 + viewer)).await?;
                if !matches!(answer, UseAnswer::UsedUp { .. }) {
                    return Err(StoreError::Busy);
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.map_err(|_| StoreError::Closed)??;
    }
    Ok(per_second(links, started))
}

fn actor() -> Actor {
    Actor {
        operator: "bench".to_owned(),
        how: "cli".to_owned(),
        address: None,
        request_id: None,
    }
}

fn digest(number: u64) -> LinkDigest {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    LinkDigest::from_bytes(bytes)
}

fn wide(number: u64, other: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes[8..].copy_from_slice(&other.to_be_bytes());
    bytes
}

fn link(number: u64) -> NewLink {
    NewLink {
        id: RegisteredId::from_bytes(wide(number, 0)),
        digest: digest(number),
        kind: LinkKind::Limited,
        key_pair_id: "KBENCH".to_owned(),
        host: "media.example".to_owned(),
        path: format!("/films/{number}.mp4"),
        uses_max: Some(1),
        viewers_max: None,
        bytes_max: None,
        confirm: LinkConfirm::Auto,
        window_seconds: 600,
        owner: None,
        subject: None,
        subject_digest: None,
        sender: None,
        label: Some("bench".to_owned()),
        note: None,
        file_name: None,
        ends_at: END,
    }
}

fn attempt(number: u64, viewer: u64) -> LinkUse {
    LinkUse {
        link: RegisteredId::from_bytes(wide(number, 0)),
        digest: digest(number),
        attempt: AttemptId::from_bytes(wide(number, viewer + 1)),
        viewer: ViewerDigest::from_bytes(wide(number, viewer)),
        at: NOW,
        edge: "bench".to_owned(),
    }
}
