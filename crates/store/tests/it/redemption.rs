//! Links raced by many viewers, while connections, processes and servers are lost: each is used as often as it may be,
//! and whoever asked for a use that was made hears of it.

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use privet_store::{
    Durability, Location, NewLink, Page, PostgresUrl, Store, StoreError, StoreOptions, UseAnswer,
};

use crate::links::{attempt, create, id, limited};
use crate::support::{Place, Server, count, key, on_both, run, server, start};

const CLIENTS: u64 = 8;
const PLACE: &str = "PRIVET_STORE_TEST_LINKS_PLACE";
const VIEWERS: &str = "PRIVET_STORE_TEST_LINKS_VIEWERS";
const LINKS: &str = "PRIVET_STORE_TEST_LINKS";

/// Uses by link, as their viewers were told of them.
type Told = BTreeMap<u64, Vec<u64>>;

/// Asks with one attempt until there is an answer.
async fn ask(store: &Store, link: u64, viewer: u64) -> UseAnswer {
    let wanted = attempt(link, viewer, viewer);
    loop {
        match store.redeem(&wanted).await {
            Ok(answer) => return answer,
            Err(
                StoreError::Unreachable { .. }
                | StoreError::Unknown
                | StoreError::Busy
                | StoreError::Failed { .. },
            ) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Has each client ask for all links, each beginning with another one; tells `progress` of each answer.
async fn race(stores: &[Store], links: u64, progress: &Arc<AtomicU64>) -> Told {
    let clients = (0..CLIENTS).map(|client| {
        let index = usize::try_from(client).unwrap() % stores.len();
        let (store, progress) = (stores[index].clone(), progress.clone());
        tokio::spawn(async move {
            let mut told = Vec::new();
            for step in 0..links {
                let link = 1 + (step + client) % links;
                if let UseAnswer::Redeemed { .. } = ask(&store, link, client).await {
                    told.push(link);
                }
                progress.fetch_add(1, Ordering::SeqCst);
            }
            (client, told)
        })
    });
    let mut all = Told::new();
    for client in clients.collect::<Vec<_>>() {
        let (client, told) = client.await.unwrap();
        for link in told {
            all.entry(link).or_default().push(client);
        }
    }
    all
}

/// Registers links, of which every fifth is for three uses and every seventh for two viewers.
async fn register(store: &Store, links: u64) {
    let creating = (1..=links).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let link = match (number % 5, number % 7) {
                (0, _) => limited(number, Some(3)),
                (_, 0) => NewLink {
                    viewers_max: Some(2),
                    ..limited(number, None)
                },
                _ => limited(number, Some(1)),
            };
            create(&store, &link).await;
        })
    });
    for created in creating.collect::<Vec<_>>() {
        created.await.unwrap();
    }
}

fn granted(number: u64) -> usize {
    match (number % 5, number % 7) {
        (0, _) => 3,
        (_, 0) => 2,
        _ => 1,
    }
}

/// Checks that nobody was told of a use too many, and that no use was made that nobody was told of.
async fn check(store: &Store, links: u64, told: &Told) {
    for number in 1..=links {
        let viewers = told.get(&number).map_or(0, Vec::len);
        assert_eq!(viewers, granted(number), "link {number}");
        let uses = store
            .link_uses(&id(number), &Page::first(100))
            .await
            .unwrap();
        let mut attempts: Vec<_> = uses.iter().map(|used| used.attempt).collect();
        let viewers = told[&number].iter();
        let mut expected: Vec<_> = viewers
            .map(|viewer| attempt(number, *viewer, *viewer).attempt)
            .collect();
        attempts.sort_unstable();
        expected.sort_unstable();
        assert_eq!(attempts, expected, "link {number}");
    }
}

fn on_threads<T>(test: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(test)
}

fn places() -> Vec<Place> {
    [Some(Place::file()), Place::postgres()]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn two_stores_race_for_the_same_links() {
    const RACED: u64 = 200;
    for place in places() {
        on_threads(async {
            let stores = [place.open().await, place.open().await];
            register(&stores[0], RACED).await;
            let told = race(&stores, RACED, &Arc::default()).await;
            check(&stores[0], RACED, &told).await;
        });
    }
}

#[test]
fn connections_are_lost_during_a_race() {
    const RACED: u64 = 150;
    let Some(place) = Place::postgres() else {
        return;
    };
    on_threads(async {
        let stores = [place.open().await, place.open().await];
        register(&stores[0], RACED).await;
        let (progress, over) = (Arc::<AtomicU64>::default(), AtomicBool::new(false));
        let kills = std::thread::scope(|scope| {
            let killing = scope.spawn(|| {
                let mut kills = 0;
                while !over.load(Ordering::SeqCst) {
                    let ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                                 WHERE datname = current_database() AND application_name = 'privet'";
                    place.sql(ended).unwrap();
                    kills += 1;
                    // Some work between two losses, or none would ever be done.
                    let seen = progress.load(Ordering::SeqCst);
                    while progress.load(Ordering::SeqCst) < seen + 40 && !over.load(Ordering::SeqCst) {
                        std::thread::yield_now();
                    }
                }
                kills
            });
            let told = tokio::task::block_in_place(|| {
                let handle = tokio::runtime::Handle::current();
                handle.block_on(race(&stores, RACED, &progress))
            });
            over.store(true, Ordering::SeqCst);
            let kills: u32 = killing.join().unwrap();
            (kills, told)
        });
        let (kills, told) = kills;
        assert!(kills > 3, "{kills}");
        check(&stores[0], RACED, &told).await;
    });
}

/// Process that asks for all links until it is killed, and says what it was told. Does nothing unless it is started by
/// the tests below.
#[test]
fn child() {
    let Ok(place) = env::var(PLACE) else { return };
    let number = |name| env::var(name).unwrap().parse::<u64>().unwrap();
    let (first, links) = (number(VIEWERS), number(LINKS));
    let location = match PostgresUrl::parse(&place) {
        Ok(url) => Location::Url(url),
        Err(_) => Location::File(place.into()),
    };
    let key = key();
    run(async {
        let store = Store::open(StoreOptions { location, key }).await.unwrap();
        let viewers = (first..first + 4).map(|viewer| {
            let store = store.clone();
            tokio::spawn(async move {
                for link in 1..=links {
                    let answer = ask(&store, link, viewer).await;
                    let used = matches!(answer, UseAnswer::Redeemed { .. });
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "told {link} {viewer} {}", u8::from(used)).unwrap();
                    out.flush().unwrap();
                }
            })
        });
        for viewer in viewers.collect::<Vec<_>>() {
            viewer.await.unwrap();
        }
    });
}

fn child_of(place: &str, first: u64, links: u64) -> std::process::Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "redemption::child", "--nocapture"])
        .env(PLACE, place)
        .env(VIEWERS, first.to_string())
        .env(LINKS, links.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Reads what a child was told, and kills it after so many lines.
fn hear(mut child: std::process::Child, lines_max: usize, told: &mut Told) -> usize {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut heard = 0;
    for line in lines {
        let line = line.unwrap();
        let Some((_, line)) = line.split_once("told ") else {
            continue;
        };
        let numbers: Vec<u64> = line.split(' ').map(|word| word.parse().unwrap()).collect();
        let viewers = told.entry(numbers[0]).or_default();
        if numbers[2] == 1 && !viewers.contains(&numbers[1]) {
            viewers.push(numbers[1]);
        }
        heard += 1;
        if heard == lines_max {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    heard
}

#[test]
fn two_processes_race_for_the_same_links() {
    const RACED: u64 = 150;
    for place in places() {
        let text = match &place.location {
            Location::File(path) => path.to_str().unwrap().to_owned(),
            Location::Url(url) => url.to_string(),
        };
        run(async { register(&place.open().await, RACED).await });
        let told = std::thread::scope(|scope| {
            let children = [0, 4].map(|first| {
                let text = &text;
                scope.spawn(move || {
                    let mut told = Told::new();
                    hear(child_of(text, first, RACED), usize::MAX, &mut told);
                    told
                })
            });
            let mut all = Told::new();
            for child in children {
                for (link, mut viewers) in child.join().unwrap() {
                    all.entry(link).or_default().append(&mut viewers);
                }
            }
            all
        });
        run(async { check(&place.open().await, RACED, &told).await });
    }
}

/// Each run asks with the same attempts as the one that was killed.
#[test]
fn a_killed_process_asks_again_for_what_it_was_not_told() {
    let raced = u64::from(count("PRIVET_STORE_TEST_LINKS_KILLED", 200));
    let place = Place::file();
    let Location::File(path) = &place.location else {
        panic!()
    };
    run(async { register(&place.open().await, raced).await });
    let mut told = Told::new();
    for lines in (20..).step_by(97) {
        let heard = hear(child_of(path.to_str().unwrap(), 0, raced), lines, &mut told);
        if heard < lines {
            assert_eq!(u64::try_from(heard).unwrap(), 4 * raced);
            break;
        }
    }
    run(async { check(&place.open().await, raced, &told).await });
}

/// A server with a synchronous standby.
struct Pair {
    primary: Server,
    standby: Server,
}

impl Pair {
    fn start() -> Option<Self> {
        let primary = start(":", "")?;
        let copy = format!(
            "rm -rf data && {} -h {} -p {} -U privet -D data -R -X stream -c fast --no-sync",
            primary.program("pg_basebackup").display(),
            primary.folder.display(),
            primary.port
        );
        let standby = start(&copy, "")?;
        let sql = |sql: &str| primary.psql("postgres", sql).unwrap();
        sql("CREATE DATABASE raced");
        sql("ALTER SYSTEM SET synchronous_standby_names = '*'");
        sql("SELECT pg_reload_conf()");
        let state = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        while sql(state).trim() != "1" {}
        Some(Self { primary, standby })
    }

    fn location(&self) -> Location {
        let folder = |server: &Server| server.folder.to_str().unwrap().replace('/', "%2F");
        let url = format!(
            "postgres:///raced?user=privet&host={},{}&port={},{}",
            folder(&self.primary),
            folder(&self.standby),
            self.primary.port,
            self.standby.port
        );
        Location::Url(PostgresUrl::parse(&url).unwrap())
    }

    /// Ends the primary as a lost machine would, and has the standby take its place.
    fn fail_over(&self) {
        let control = |server: &Server, arguments: &str| {
            let program = server.program("pg_ctl");
            let script = format!("{} -D data {arguments}", program.display());
            server.as_owner(&script).unwrap();
        };
        control(&self.primary, "stop -m immediate");
        control(&self.standby, "promote -w");
    }
}

#[test]
fn a_standby_takes_the_place_of_its_primary_during_a_race() {
    let raced = u64::from(count("PRIVET_STORE_TEST_LINKS_FAILOVER", 3000));
    let Some(pair) = Pair::start() else { return };
    on_threads(async {
        let open = async || {
            let (location, key) = (pair.location(), key());
            Store::open(StoreOptions { location, key }).await.unwrap()
        };
        let stores = [open().await, open().await];
        let durability = stores[0].synchronous_standby().await.unwrap();
        assert_eq!(
            durability,
            Durability::Standby {
                names: "*".to_owned()
            }
        );
        let creating = (1..=raced).map(|number| {
            let store = stores[0].clone();
            tokio::spawn(async move { create(&store, &limited(number, Some(1))).await })
        });
        for created in creating.collect::<Vec<_>>() {
            created.await.unwrap();
        }
        let progress = Arc::<AtomicU64>::default();
        let told = std::thread::scope(|scope| {
            let failing = scope.spawn(|| {
                while progress.load(Ordering::SeqCst) < CLIENTS * raced / 3 {
                    std::thread::yield_now();
                }
                pair.fail_over();
                progress.load(Ordering::SeqCst)
            });
            let told = tokio::task::block_in_place(|| {
                let handle = tokio::runtime::Handle::current();
                handle.block_on(race(&stores, raced, &progress))
            });
            let answers = failing.join().unwrap();
            assert!(answers < CLIENTS * raced, "the race was over: {answers}");
            told
        });
        let found = stores[0].synchronous_standby().await.unwrap();
        assert!(matches!(found, Durability::Server { .. }), "{found:?}");
        for number in 1..=raced {
            let viewers = told.get(&number).map_or(&[][..], Vec::as_slice);
            let [viewer] = viewers else {
                panic!("link {number} was given to {viewers:?}")
            };
            let uses = stores[1]
                .link_uses(&id(number), &Page::first(10))
                .await
                .unwrap();
            let attempts: Vec<_> = uses.iter().map(|used| used.attempt).collect();
            assert_eq!(attempts, [attempt(number, *viewer, *viewer).attempt]);
        }
    });
}

#[test]
fn a_store_without_a_standby_says_so() {
    on_both(async |place| {
        let found = place.open().await.synchronous_standby().await.unwrap();
        match &place.location {
            Location::File(_) => assert_eq!(found, Durability::File),
            Location::Url(_) => assert!(matches!(found, Durability::Server { .. }), "{found:?}"),
        }
        assert!(server().is_some() || matches!(place.location, Location::File(_)));
    });
}
