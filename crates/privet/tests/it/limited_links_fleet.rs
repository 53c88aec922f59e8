//! Limited links while databases and edges fail, and how long revocations take: no link opens for two viewers, and
//! none is lost to the viewer who has it.
//!
//! `PRIVET_LINKS_RACED`, `PRIVET_LINKS_KILLED` and `PRIVET_REVOCATIONS` are the numbers of links, 300, 100 and 20
//! unless set.

use crate::support::*;
use serde_json::{Value, json};
use std::env;
use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const HOST: &str = "links.example";
const URL: &str = "http://links.example/talk.txt";
const TALK: &str = "the talk";
const CLIENTS: usize = 8;
/// Length of the object whose transfer is cut, much more than sockets hold.
const LARGE_SIZE_BYTES: usize = 24 * 1024 * 1024;
const VIDEO_SECS: u32 = 120;

const SETTINGS: &str = "[links]\nstale_after = \"5s\"\n";
const INSISTING: &str = "[links]\nstale_after = \"5s\"\nallow_asynchronous_standby = true\n";

/// Makes the folder of an edge that has its service in this database; nothing is started.
fn machine(url: &str, settings: &str) -> StoredEdge {
    let edge = StoredEdge::new(&format!(
        "url = {url:?}\ncopy = \"copy.db\"\nkey_file = \"fleet.key\""
    ));
    edge.write("fleet.key", SEALING_KEY);
    edge.configure(&format!("{settings}{}", listeners(&edge)));
    edge
}

fn listeners(edge: &StoredEdge) -> String {
    let rtmp = edge.listener("rtmp", edge.rtmp());
    format!("{rtmp}[log]\nfolder = \"logs\"\n")
}

/// Starts two edges of one fleet, each by its own way to the database, and gives them something to serve.
fn fleet(urls: [&str; 2], settings: &str) -> [StoredEdge; 2] {
    let mut first = machine(urls[0], settings);
    first.make_operator();
    first.start();
    let mut second = machine(urls[1], settings);
    second.take_operator(&first);
    second.start();
    serve_links(&first, 2);
    [first, second]
}

/// Creates a restricted distribution, and one of streams, and waits until they are in force on so many edges.
fn serve_links(edge: &StoredEdge, edges: u64) {
    edge.write("bucket/talk.txt", TALK);
    edge.write("bucket/large", "");
    let large = fs::File::options()
        .write(true)
        .open(edge.path("bucket/large"));
    large.unwrap().set_len(LARGE_SIZE_BYTES as u64).unwrap();
    fs::create_dir(edge.path("bucket/video")).unwrap();
    let video = MadeVideo::new(VIDEO_SECS, 2_000, 0);
    fs::write(edge.path("bucket/video/talk.mp4"), &video.bytes).unwrap();
    edge.create("/v1/keys", &stored_key("KRSA", "rsa2048.pub.pem"));
    let group = json!({ "id": "viewers", "public_keys": ["KRSA"] });
    edge.create("/v1/key-groups", &group);
    let mut distribution = stored_distribution("E1", HOST, &edge.path("bucket"));
    distribution["default_behavior"]["trusted_key_groups"] = json!(["viewers"]);
    distribution["logging"] = logging(&["cs-uri-stem", "x-privet-refusal"]);
    edge.create("/v1/distributions", &distribution);
    let streaming = json!({
        "id": "S1",
        "domain_name": "streams.example",
        "distribution": "E1",
        "trusted_key_groups": ["viewers"],
        "logging": logging(&["x-event", "x-privet-refusal"]),
    });
    let made = edge.create("/v1/streaming", &streaming);
    edge.until_applied(made, edges);
}

fn logging(fields: &[&str]) -> Value {
    json!({ "bucket": "seen.s3.amazonaws.com", "format": "json", "fields": fields })
}

#[track_caller]
fn number_from(name: &str, usual: usize) -> usize {
    env::var(name).map_or(usual, |text| text.parse().unwrap())
}

/// Signs a one-time link, and registers it.
#[track_caller]
fn one_time(edge: &StoredEdge, number: usize) -> String {
    let link = with_policy(URL, &limited_policy(URL, LATER, number));
    edge.register_one_time(&link);
    link
}

fn one_time_links(edge: &StoredEdge, count: usize) -> Vec<String> {
    let mut links = vec![String::new(); count];
    let size = count.div_ceil(CLIENTS);
    std::thread::scope(|scope| {
        for (part, links) in links.chunks_mut(size).enumerate() {
            scope.spawn(move || {
                for (at, link) in links.iter_mut().enumerate() {
                    *link = one_time(edge, part * size + at);
                }
            });
        }
    });
    links
}

/// Returns the request of a program at an address of this machine, by which it is known.
fn program(link: &str, client: usize) -> Ask {
    Ask::get(link)
        .header("Accept", "*/*")
        .header("User-Agent", "curl/8.5.0")
        .by_address(&format!("127.0.0.{}", 10 + client))
}

/// Returns the answer to a request; `None` if it does not come whole.
fn answered(edge: SocketAddr, ask: &Ask) -> Option<Answer> {
    let stream = connect(edge, ask.source, None).ok()?;
    let mut viewer = Viewer::over(stream);
    viewer.send(&ask.bytes());
    let answer = viewer.answer(&ask.method)?;
    let length: usize = answer.header("Content-Length")?.parse().unwrap();
    (answer.body.len() == length).then_some(answer)
}

#[track_caller]
fn status(edge: &StoredEdge, link: &str, client: usize) -> u16 {
    let ask = program(link, client);
    answered(edge.http(), &ask).unwrap().status()
}

/// A race of all clients for all links, each of which one of them may open.
struct Race<'l> {
    edges: [SocketAddr; 2],
    links: &'l [String],
    /// Number of answers that were the last ones for their client.
    settled: AtomicUsize,
    /// Number of answers by which nobody could tell, and of those that never came.
    untold: AtomicUsize,
}

impl<'l> Race<'l> {
    fn new(edges: [SocketAddr; 2], links: &'l [String]) -> Self {
        Race {
            edges,
            links,
            settled: AtomicUsize::new(0),
            untold: AtomicUsize::new(0),
        }
    }

    fn total(&self) -> usize {
        CLIENTS * self.links.len()
    }

    fn edge_of(&self, client: usize) -> SocketAddr {
        self.edges[client % 2]
    }

    /// Has a client open a link; it asks until it is told yes or no.
    fn opens(&self, client: usize, link: &str) -> bool {
        let begun = Instant::now();
        loop {
            let answer = answered(self.edge_of(client), &program(link, client));
            match answer.as_ref().map(Answer::status) {
                Some(200) => {
                    assert_eq!(answer.unwrap().text(), TALK);
                    return true;
                }
                Some(403) => return false,
                Some(503) | None => {}
                Some(status) => panic!("{status}"),
            }
            self.untold.fetch_add(1, Ordering::SeqCst);
            assert!(begun.elapsed() < PATIENCE, "client {client} is never told");
        }
    }

    /// Has all clients open all links, and lets `fail` do its work beside them. Returns who opened each link.
    fn run(&self, fail: impl FnOnce()) -> Vec<Vec<usize>> {
        let mut winners = vec![Vec::new(); self.links.len()];
        std::thread::scope(|scope| {
            let client = |client| {
                let links = self.links.iter().enumerate();
                let opened = links.filter_map(|(at, link)| {
                    let is_open = self.opens(client, link);
                    self.settled.fetch_add(1, Ordering::SeqCst);
                    is_open.then_some(at)
                });
                opened.collect::<Vec<usize>>()
            };
            let clients: Vec<_> = (0..CLIENTS)
                .map(|number| (number, scope.spawn(move || client(number))))
                .collect();
            fail();
            for (number, thread) in clients {
                for at in thread.join().unwrap() {
                    winners[at].push(number);
                }
            }
        });
        winners
    }

    /// Waits until a part of the answers was given.
    fn until_settled(&self, numerator: usize, denominator: usize) {
        let enough = self.total() * numerator / denominator;
        while self.settled.load(Ordering::SeqCst) < enough {
            std::thread::yield_now();
        }
    }

    #[track_caller]
    fn is_running(&self) {
        let settled = self.settled.load(Ordering::SeqCst);
        assert!(settled < self.total(), "the race was over");
    }

    /// Checks that each link was opened by one client, who goes on at the other edge, and was used once.
    #[track_caller]
    fn check(&self, winners: &[Vec<usize>], edge: &StoredEdge) {
        for (link, winners) in self.links.iter().zip(winners) {
            let [winner] = winners[..] else {
                panic!("it opened for {winners:?}: {link}");
            };
            let range = program(link, winner).header("Range", "bytes=4-");
            let other = self.edges[(winner + 1) % 2];
            let rest = answered(other, &range).unwrap();
            assert_eq!((rest.status(), rest.text()), (206, "talk"));
            let loser = (winner + 1) % CLIENTS;
            let refused = answered(self.edge_of(loser), &program(link, loser));
            assert_eq!(refused.unwrap().status(), 403);
        }
        let mut after = String::new();
        let mut used = 0;
        loop {
            let target = format!("/v1/links?limit=100{after}");
            let page = edge.v1("GET", &target, &Value::Null).json;
            for link in page["items"].as_array().unwrap() {
                assert_eq!(link["uses"], json!(1), "{link}");
                used += 1;
            }
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        assert_eq!(used, self.links.len());
        eprintln!(
            "{used} links, {CLIENTS} clients: 0 opened for two, 0 lost; {} answers were repeated until they told",
            self.untold.load(Ordering::SeqCst)
        );
    }
}

#[test]
fn without_a_synchronous_standby_a_fleet_redeems_nothing_unless_told_to() {
    let Some(database) = Database::start() else {
        return;
    };
    let url = database.url();
    let [mut first, mut second] = fleet([&url, &url], SETTINGS);
    let link = one_time(&first, 1);
    for edge in [&first, &second] {
        assert_eq!(status(edge, &link, 0), 503);
        assert_eq!(edge.get(&signed(URL, LATER)).status(), 200);
        edge.until_it_says("limited links are refused");
    }
    let _standby = database.start_standby();
    for edge in [&mut first, &mut second] {
        edge.kill();
        edge.start();
        until("the link to be redeemed", || status(edge, &link, 0) == 200);
        assert_eq!(status(edge, &link, 1), 403);
    }
}

#[test]
fn one_time_links_are_opened_once_while_a_standby_takes_over() {
    let Some(primary) = Database::start() else {
        return;
    };
    let standby = primary.start_standby();
    let url = primary.url_with(&standby);
    let edges = fleet([&url, &url], INSISTING);
    let links = one_time_links(&edges[0], number_from("PRIVET_LINKS_RACED", 300));
    let race = Race::new([edges[0].http(), edges[1].http()], &links);
    let winners = race.run(|| {
        race.until_settled(1, 3);
        primary.stop();
        standby.promote();
        race.is_running();
    });
    race.check(&winners, &edges[1]);
}

#[test]
fn one_time_links_are_opened_once_while_their_edge_is_killed() {
    let mut edge = StoredEdge::new("file = \"privet.db\"");
    edge.configure(&listeners(&edge));
    edge.make_operator();
    edge.start();
    serve_links(&edge, 1);
    let links = one_time_links(&edge, number_from("PRIVET_LINKS_KILLED", 100));
    let address = edge.http();
    let race = Race::new([address, address], &links);
    let winners = race.run(|| {
        for part in 1..=3 {
            race.until_settled(part, 4);
            edge.kill();
            race.is_running();
            edge.start();
        }
    });
    race.check(&winners, &edge);
}

/// Revokes a link at one edge; returns the time until all edges refuse it.
fn revoked_within(edges: &[StoredEdge; 2], at: usize, link: &str) -> Duration {
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let waiting = edges.each_ref().map(|edge| {
            scope.spawn(move || {
                until("the refusal", || edge.get(link).status() == 403);
                begun.elapsed()
            })
        });
        revoke(&edges[at], link, false);
        let waited = waiting.map(|waiting| waiting.join().unwrap());
        waited[0].max(waited[1])
    })
}

#[track_caller]
fn revoke(edge: &StoredEdge, link: &str, cut: bool) {
    let form = json!({ "link": link, "cut": cut });
    let revoked = edge.v1("POST", "/v1/revocations", &form);
    assert!([200, 201].contains(&revoked.status), "{}", revoked.json);
}

#[test]
fn a_revocation_at_one_edge_is_in_force_on_both() {
    let Some(database) = Database::start() else {
        return;
    };
    let url = database.url();
    let edges = fleet([&url, &url], SETTINGS);
    let count = number_from("PRIVET_REVOCATIONS", 20);
    let mut times: Vec<Duration> = (0..count)
        .map(|number| {
            let link = signed(URL, LATER + 1 + number as u64);
            for edge in &edges {
                assert_eq!(edge.get(&link).status(), 200);
            }
            revoked_within(&edges, number % 2, &link)
        })
        .collect();
    times.sort();
    let at = |percent: usize| times[(count * percent).div_ceil(100) - 1];
    eprintln!(
        "{count} revocations, from the call to the refusal on both edges: p50 {:.1?}, p99 {:.1?}, longest {:.1?}",
        at(50),
        at(99),
        times[count - 1]
    );
    assert_eq!(edges[0].get(&signed(URL, LATER)).status(), 200);
}

#[test]
fn an_edge_without_its_database_refuses_limited_links_and_revokes_once_it_has_it_again() {
    let Some(database) = Database::start() else {
        return;
    };
    let relay = Relay::start(&database);
    let [first, second] = fleet([&database.url(), &relay.url()], INSISTING);
    for (number, line) in [Line::Cut, Line::Silent].into_iter().enumerate() {
        let [visited, fresh] = [0, 1].map(|kind| one_time(&first, 2 * number + kind));
        let [revoked, kept] = [0, 1].map(|kind| signed(URL, LATER + (2 * number + kind) as u64));
        assert_eq!(status(&second, &visited, 0), 200);
        relay.set(line);
        until("limited links are refused", || {
            status(&second, &visited, 0) == 503
        });
        assert_eq!(status(&second, &fresh, 0), 503);
        assert_eq!(status(&first, &fresh, 1), 200);
        revoke(&first, &revoked, false);
        first.until_status(&revoked, 403);
        for link in [&revoked, &kept] {
            assert_eq!(second.get(link).status(), 200, "{line:?}");
        }
        relay.set(Line::Open);
        second.until_status(&revoked, 403);
        assert_eq!(second.get(&kept).status(), 200);
        until("the visit goes on", || status(&second, &visited, 0) == 200);
        // While it was refused at one edge, another viewer has used it at the other.
        until("it is told who has the use", || {
            status(&second, &fresh, 0) == 403
        });
        assert_eq!(status(&second, &fresh, 1), 200);
    }
}

/// A restart in the meantime does not make an edge forget what was revoked.
#[test]
fn an_edge_that_starts_without_its_database_refuses_what_was_revoked() {
    let Some(database) = Database::start() else {
        return;
    };
    let relay = Relay::start(&database);
    let [first, mut second] = fleet([&database.url(), &relay.url()], INSISTING);
    let [revoked, kept] = [0, 1].map(|number| signed(URL, LATER + number));
    let limited = one_time(&first, 1);
    revoke(&first, &revoked, false);
    second.until_status(&revoked, 403);
    relay.set(Line::Cut);
    second.kill();
    second.start();
    assert_eq!(second.get(&revoked).status(), 403);
    assert_eq!(second.get(&kept).status(), 200);
    assert_eq!(status(&second, &limited, 0), 503);
    relay.set(Line::Open);
    until("limited links open", || status(&second, &limited, 0) == 200);
}

/// Returns the lines of the logs that the fleet's distributions have at an edge.
fn logged(edge: &StoredEdge) -> String {
    let files = files_beneath(&edge.path("logs/seen"));
    files.iter().map(|file| gunzip(file)).collect()
}

#[test]
fn what_runs_ends_when_its_link_is_cut_off() {
    let Some(database) = Database::start() else {
        return;
    };
    let url = database.url();
    let [first, mut second] = fleet([&url, &url], SETTINGS);
    let links = [0, 1].map(|number| signed("http://links.example/large", LATER + number));
    let [mut kept, mut cut] = links.each_ref().map(|link| {
        let mut viewer = Viewer::narrow(second.http());
        viewer.send(&Ask::get(link.clone()).bytes());
        assert_eq!(viewer.head().unwrap().status(), 200);
        viewer
    });
    let stream = format!("mp4:{}", signed("video/talk.mp4", LATER));
    let mut player = RtmpViewer::greet(Viewer::plain(second.rtmp(), None)).unwrap();
    let connected = player.connect("streams.example", "cfx/st");
    assert_eq!(connected, "NetConnection.Connect.Success");
    player.play(&stream);
    player.until("NetStream.Play.Start");
    let form = json!({ "object": "streams.example/video/*", "cut": true });
    let revoked = first.v1("POST", "/v1/revocations", &form);
    assert_eq!(revoked.status, 201, "{}", revoked.json);
    let mut last_ms = 0;
    let code = loop {
        let message = player.next().unwrap();
        last_ms = last_ms.max(message.timestamp_ms);
        match message.code() {
            Some(code) if code.starts_with("NetStream.Play") => break code,
            Some(_) | None => {}
        }
    };
    assert_eq!(code, "NetStream.Play.Failed");
    assert!(last_ms < VIDEO_SECS * 1000, "{last_ms}");

    // Without the cut, whoever has begun goes on.
    for (link, is_cut) in links.iter().zip([false, true]) {
        revoke(&first, link, is_cut);
        second.until_status(link, 403);
    }
    let sent = cut.take(LARGE_SIZE_BYTES).len();
    assert!(sent < LARGE_SIZE_BYTES, "{sent}");
    assert_eq!(kept.take(LARGE_SIZE_BYTES).len(), LARGE_SIZE_BYTES);
    drop([kept, cut]);
    second.stop();
    let logged = logged(&second);
    for line in [
        r#"{"cs-uri-stem":"/large","x-privet-refusal":"link-revoked"}"#,
        // CloudFront's log of streams has no refusals; the live copy says why the play has stopped.
        r#"{"x-event":"stop","x-privet-refusal":"-"}"#,
        r#"{"cs-uri-stem":"/large","x-privet-refusal":"-"}"#,
    ] {
        assert!(logged.contains(line), "{line} is not in {logged}");
    }
}
