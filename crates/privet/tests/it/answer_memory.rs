//! The memory of responses in progress: how much viewers that read nothing may hold, and what is left for those that
//! read.

use crate::support::*;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

const MIB: u64 = 1024 * 1024;
const STREAMS: u32 = 120;
const WINDOW_MAX: u32 = 0x7fff_ffff;
/// Number of error pages that may wait on one connection.
const REFUSED_MAX: usize = 16;
/// A size beyond what the system's socket buffers take from the edge.
const LARGE_SIZE_BYTES: usize = 24 * 1024 * 1024;

/// Returns bytes that reveal their position.
fn patterned(size_bytes: usize) -> Vec<u8> {
    let words = (0..size_bytes.div_ceil(8)).flat_map(|at| (at as u64 ^ 0x5bd1_e995).to_be_bytes());
    words.take(size_bytes).collect()
}

fn edge_with_budget(size: &str) -> TestEdge {
    let edge = TestEdge::configured(&fixture_with_limits(&format!(
        "responses_size_bytes_max = {size:?}"
    )));
    edge.put("public/large", &patterned(LARGE_SIZE_BYTES));
    edge
}

/// Returns a viewer that requests `path` on many streams, opens every window, and reads nothing from then on.
fn idle_viewer(edge: std::net::SocketAddr, path: &str) -> FrameViewer {
    let mut viewer = FrameViewer::greeted(edge, &[(INITIAL_WINDOW_SIZE, WINDOW_MAX)]);
    let mut bytes = window_update(0, WINDOW_MAX - 65_535);
    for number in 0..STREAMS {
        bytes.extend(get_path(number * 2 + 1, path));
    }
    viewer.send(&bytes);
    viewer
}

/// Outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answered {
    Status(u16),
    Reset(u32),
}

impl Answered {
    fn on(viewer: &mut FrameViewer, stream: u32) -> Self {
        let is_answer =
            |frame: &Frame| frame.stream == stream && matches!(frame.kind, HEADERS | RST_STREAM);
        let frame = viewer.until(is_answer).unwrap();
        match frame.kind {
            HEADERS => Answered::Status(frame.status()),
            _ => Answered::Reset(frame.error_code()),
        }
    }
}

/// Returns a request with this many fields, each of which costs one byte on the wire once it is in the dynamic table.
fn get_with_fields(stream: u32, count: usize) -> Vec<u8> {
    let mut fields = get_block();
    // A literal with incremental indexing (RFC 7541 6.2.1), and then its index.
    fields.extend([0x40, 1, b'a', 0]);
    fields.extend(vec![0xbe; count - 1]);
    headers(stream, WHOLE, &fields)
}

/// Waits until the memory of responses is as `wanted`.
#[track_caller]
fn wait_until(edge: &TestEdge, wanted: impl Fn(u64) -> bool) {
    let begun = Instant::now();
    while !wanted(edge.running().responses_size_bytes()) {
        let now = edge.running().responses_size_bytes();
        assert!(begun.elapsed() < PATIENCE, "{now} bytes are on their way");
        std::thread::yield_now();
    }
}

#[test]
fn f4_idle_http2_viewers_hold_a_bounded_part_of_the_budget() {
    let edge = edge_with_budget("128 MiB");
    let viewers: Vec<FrameViewer> = (0..4)
        .map(|_| idle_viewer(edge.https(), "/public/large"))
        .collect();
    let answers = viewers.len() as u64 * u64::from(STREAMS);
    // Every request is being answered and holds 8 KiB, plus the data that is ready for it.
    wait_until(&edge, |used| used >= answers * 8 * 1024);
    // Each connection may hold six chunks, one more, what TLS buffers, and 4 KiB per stream.
    let bodies = viewers.len() as u64 * 530 * 1024 + answers * 4 * 1024;
    let most = answers * 9 * 1024 + bodies;
    assert!(edge.running().responses_size_bytes() <= most);
    drop(viewers);
    wait_until(&edge, |used| used == 0);
    edge.assert_alive();
}

#[test]
fn f4_a_request_of_more_fields_than_http_1_1_may_have_is_refused() {
    let edge = edge_with_budget("128 MiB");
    edge.put("public/object", b"tiny");
    let mut viewer = FrameViewer::greeted(edge.https(), &[]);
    let counts = [101, 100, 950, 1];
    for (stream, count) in (1..).step_by(2).zip(counts) {
        viewer.send(&get_with_fields(stream, count));
        let expected = if count > 100 { 413 } else { 200 };
        let answered = Answered::on(&mut viewer, stream);
        assert_eq!(answered, Answered::Status(expected), "{count}");
    }
    wait_until(&edge, |used| used == 0);
}

#[test]
fn f4_trailers_are_short() {
    let edge = edge_with_budget("128 MiB");
    for (flags, count) in [(WHOLE, 129), (END_STREAM, 1)] {
        let mut viewer = FrameViewer::greeted(edge.https(), &[(INITIAL_WINDOW_SIZE, 0)]);
        viewer.send(&headers(1, END_HEADERS, &block(&request_fields("POST"))));
        // `accept-encoding: gzip, deflate` of the static table: one byte per field.
        viewer.send(&headers(1, flags, &vec![0x90; count]));
        let last = viewer.rest().pop().unwrap();
        assert_eq!((last.kind, last.error_code()), (GOAWAY, ENHANCE_YOUR_CALM));
    }
    edge.assert_alive();
}

#[test]
fn f4_what_tiny_fields_take_is_counted() {
    let edge = edge_with_budget("128 MiB");
    edge.put("public/object", b"tiny");
    let mut viewer = FrameViewer::greeted(edge.https(), &[(INITIAL_WINDOW_SIZE, 0)]);
    viewer.send(&get_with_fields(1, 100));
    assert_eq!(Answered::on(&mut viewer, 1), Answered::Status(200));
    // Each field takes more than a hundred bytes besides its text.
    assert!(edge.running().responses_size_bytes() >= 8 * 1024 + 100 * 110);
}

#[test]
fn f4_refused_requests_whose_windows_stay_shut_hold_little() {
    let edge = edge_with_budget("128 MiB");
    let mut viewer = FrameViewer::greeted(edge.https(), &[(INITIAL_WINDOW_SIZE, 0)]);
    let mut answers = Vec::new();
    for number in 0..STREAMS {
        viewer.send(&get_with_fields(number * 2 + 1, 900));
        answers.push(Answered::on(&mut viewer, number * 2 + 1));
    }
    let (pages, resets) = answers.split_at(REFUSED_MAX);
    assert!(pages.iter().all(|page| *page == Answered::Status(413)));
    let refused = Answered::Reset(REFUSED_STREAM);
    assert!(resets.iter().all(|reset| *reset == refused));
    assert!(edge.running().responses_size_bytes() <= REFUSED_MAX as u64 * 8 * 1024);
    // A viewer that reads the pages may send requests again.
    viewer.send(&window_update(1, 64 * 1024));
    viewer.until(|frame| frame.ends(1));
    viewer.send(&get_with_fields(STREAMS * 2 + 1, 900));
    assert_eq!(Answered::on(&mut viewer, STREAMS * 2 + 1), pages[0]);
    drop(viewer);
    wait_until(&edge, |used| used == 0);
}

#[test]
fn whoever_reads_is_served_while_others_sit_on_the_budget() {
    let edge = edge_with_budget("2 MiB");
    edge.put("public/read", &patterned(3_000_000));
    let viewers: Vec<FrameViewer> = (0..24)
        .map(|_| idle_viewer(edge.https(), "/public/large"))
        .collect();
    wait_until(&edge, |used| used >= 3 * MIB / 2);
    for scheme in ["http", "https"] {
        let answer = edge.get(&format!("{scheme}://{HOST}/public/read"));
        assert_eq!(answer.status(), 200);
        assert!(answer.body == patterned(3_000_000), "{scheme}");
    }
    let asks = vec![Ask::get(format!("https://{HOST}/public/read"))];
    let answers = ask_multiplexed(&edge, &asks);
    assert!(answers[0].body() == &patterned(3_000_000));
    // The idle viewers sent 24 times 120 requests, most of which were refused.
    assert!(edge.running().responses_size_bytes() <= 3 * MIB);
    drop(viewers);
    wait_until(&edge, |used| used == 0);
}

#[test]
fn a_request_beyond_the_share_of_its_connection_gets_503() {
    let edge = edge_with_budget("1 MiB");
    edge.put("public/tiny", b"tiny");
    // A window of 0 holds back every body.
    let mut viewer = FrameViewer::greeted(edge.https(), &[(INITIAL_WINDOW_SIZE, 0)]);
    let mut answers = Vec::new();
    for number in 0..STREAMS {
        viewer.send(&get_path(number * 2 + 1, "/public/large"));
        answers.push(Answered::on(&mut viewer, number * 2 + 1));
    }
    let with = |wanted| answers.iter().filter(|answer| **answer == wanted).count();
    let served = with(Answered::Status(200));
    assert!((4..=14).contains(&served), "{served}");
    // Error pages wait for a window too, so their number is limited.
    assert_eq!(with(Answered::Status(503)), REFUSED_MAX);
    let given_up = with(Answered::Reset(REFUSED_STREAM));
    assert_eq!(served + REFUSED_MAX + given_up, STREAMS as usize);
    assert!(answers.is_sorted_by_key(|answer| *answer != Answered::Status(200)));
    // Cancelled streams make room for others.
    for number in 0..STREAMS {
        viewer.send(&reset(number * 2 + 1, CANCEL));
    }
    wait_until(&edge, |used| used == 0);
    viewer.send(&get_path(401, "/public/tiny"));
    assert_eq!(viewer.until_kind(HEADERS, 401).unwrap().status(), 200);
}

#[test]
fn bodies_arrive_whole_with_little_memory() {
    let edge = edge_with_budget("1 MiB");
    let mut asks = Vec::new();
    let mut sizes = Vec::new();
    for number in 0..8 {
        let size_bytes = 2_500_000 + number * 4_097;
        edge.put(&format!("public/{number}"), &patterned(size_bytes));
        asks.push(Ask::get(format!("https://{HOST}/public/{number}")));
        sizes.push(size_bytes);
    }
    for (answer, size_bytes) in ask_multiplexed(&edge, &asks).iter().zip(&sizes) {
        assert!(answer.body() == &patterned(*size_bytes));
    }
    for scheme in ["http", "https"] {
        for (number, size_bytes) in sizes.iter().enumerate() {
            let answer = edge.get(&format!("{scheme}://{HOST}/public/{number}"));
            assert!(answer.body == patterned(*size_bytes), "{scheme} {number}");
        }
        let parts = Ask::get(format!("{scheme}://{HOST}/public/large"));
        let parts = parts.header("range", "bytes=0-99999,5000000-5999999");
        let answer = edge.ask(&parts);
        assert_eq!(answer.status(), 206);
        let part = &patterned(LARGE_SIZE_BYTES)[5_000_000..=5_999_999];
        let found = answer
            .body
            .windows(64)
            .position(|window| window == &part[..64])
            .unwrap();
        assert!(&answer.body[found..found + part.len()] == part);
    }
    wait_until(&edge, |used| used == 0);
}

/// Streams with closed windows hold little memory, and do not block the other streams of their connection.
#[test]
fn streams_without_a_window_leave_room_for_the_others() {
    let edge = edge_with_budget("128 MiB");
    let mut viewer = FrameViewer::greeted(edge.https(), &[(INITIAL_WINDOW_SIZE, 1)]);
    viewer.send(&window_update(0, WINDOW_MAX - 65_535));
    for number in 0..STREAMS {
        viewer.send(&get_path(number * 2 + 1, "/public/large"));
    }
    let last = STREAMS * 2 + 1;
    viewer.send(&get_path(last, "/public/large"));
    viewer.send(&window_update(last, WINDOW_MAX - 1));
    let whole = patterned(LARGE_SIZE_BYTES);
    let mut taken = 0;
    while taken < whole.len() {
        let frame = viewer.until_kind(DATA, last).unwrap();
        assert!(frame.payload == whole[taken..taken + frame.payload.len()]);
        taken += frame.payload.len();
    }
    // A window of one byte is enough for a stream to go on.
    viewer.send(&window_update(1, 1));
    assert_eq!(viewer.until_kind(DATA, 1).unwrap().payload, [whole[1]]);
}

/// An edge in a process of its own.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Served {
    fn resident_size_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kib = line.unwrap().split_whitespace().nth(1).unwrap();
        kib.parse::<u64>().unwrap() * 1024
    }
}

#[test]
#[cfg(target_os = "linux")]
fn f4_the_process_stays_small_under_idle_http2_viewers() {
    const VIEWERS: u64 = 20;
    let folder = tempfile::tempdir().unwrap();
    let (chain, key) = certificate();
    fs::write(folder.path().join("chain.pem"), chain).unwrap();
    fs::write(folder.path().join("key.pem"), key).unwrap();
    fs::create_dir_all(folder.path().join("bucket/public")).unwrap();
    fs::write(
        folder.path().join("bucket/public/large"),
        patterned(LARGE_SIZE_BYTES),
    )
    .unwrap();
    let config = format!(
        "[edge]\nworkers = 2\n[[listeners]]\naddress = \"127.0.0.1:0\"\nprotocol = \"https\"\n\
         [[distributions]]\nid = \"E1\"\ndomain_name = {HOST:?}\n\
         certificate = {{ chain = \"chain.pem\", key = \"key.pem\" }}\n\
         [[distributions.origins]]\nid = \"videos\"\nfolder = \"bucket\"\n\
         [distributions.default_behavior]\norigin = \"videos\"\n"
    );
    let config_path = folder.path().join("privet.toml");
    fs::write(&config_path, config).unwrap();
    // `setpriv` replaces itself with the edge, so its process id is the edge's.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", env!("CARGO_BIN_EXE_privet")]);
    command.arg("serve").arg(&config_path);
    let mut served = Served(command.stderr(Stdio::piped()).spawn().unwrap());
    let complaints = BufReader::new(served.0.stderr.take().unwrap());
    let mut lines = complaints.lines().map(Result::unwrap);
    let line = lines
        .find(|line| line.contains("serving on https://"))
        .unwrap();
    let address = line.split("https://").nth(1).unwrap().parse().unwrap();
    let before = served.resident_size_bytes();
    let mut viewers: Vec<FrameViewer> = (0..VIEWERS)
        .map(|_| idle_viewer(address, "/public/large"))
        .collect();
    for viewer in &mut viewers {
        // All requests have been answered once the last one has.
        let last = STREAMS * 2 - 1;
        assert_eq!(viewer.until_kind(HEADERS, last).unwrap().status(), 200);
    }
    let grown = served.resident_size_bytes().saturating_sub(before);
    // The limit allows for the larger futures of a debug build; growth was once 500 MiB.
    assert!(grown < VIEWERS * 5 * MIB, "{} KiB", grown / 1024);
}
