//! HTTP/2: answers that are ready together leave together, and nothing of them is held back.

use crate::support::*;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

/// RFC 8446 5.1.
const APPLICATION_DATA: u8 = 23;

/// Stands between a viewer and the edge, for one connection, and counts the edge's records of application data.
struct Wiretap {
    address: SocketAddr,
    records: Arc<AtomicUsize>,
}

impl Wiretap {
    fn before(edge: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let records = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&records);
        thread::spawn(move || {
            let (viewer, _) = listener.accept().unwrap();
            let edge = TcpStream::connect(edge).unwrap();
            viewer.set_nodelay(true).unwrap();
            edge.set_nodelay(true).unwrap();
            let there = (viewer.try_clone().unwrap(), edge.try_clone().unwrap());
            thread::spawn(move || {
                let (mut viewer, mut edge) = there;
                let _ = io::copy(&mut viewer, &mut edge);
                let _ = edge.shutdown(Shutdown::Write);
            });
            // Either end may leave whenever it wants.
            let _ = pass_on(edge, viewer, &counted);
        });
        Wiretap { address, records }
    }

    fn records(&self) -> usize {
        self.records.load(Ordering::Relaxed)
    }
}

fn pass_on(mut edge: TcpStream, mut viewer: TcpStream, records: &AtomicUsize) -> io::Result<()> {
    loop {
        let mut record = vec![0; 5];
        edge.read_exact(&mut record)?;
        if record[0] == APPLICATION_DATA {
            records.fetch_add(1, Ordering::Relaxed);
        }
        let length = usize::from(u16::from_be_bytes([record[3], record[4]]));
        record.resize(5 + length, 0);
        edge.read_exact(&mut record[5..])?;
        viewer.write_all(&record)?;
    }
}

/// Asks for `path` on so many streams in one write, and reads what comes until all have ended.
fn ask_at_once(viewer: &mut FrameViewer, first: u32, count: u32, path: &str) {
    let streams = (0..count).map(|at| first + 2 * at);
    let asks: Vec<_> = streams.flat_map(|stream| get_path(stream, path)).collect();
    viewer.send(&asks);
    let mut open = count;
    while open > 0 {
        let frame = viewer.next().expect("the connection has ended");
        if frame.stream != 0 && frame.has(END_STREAM) {
            open -= 1;
        }
    }
}

#[test]
fn answers_of_a_turn_leave_in_few_records() {
    let edge = TestEdge::new();
    age(&edge.put("public/small", &[b's'; 1024]));
    let wiretap = Wiretap::before(edge.https());
    let mut viewer = FrameViewer::greeted(wiretap.address, &[]);
    viewer.send(&window_update(0, 1_000_000));
    // A file that was just written is not kept in memory, and answers that wait for the disk do so one by one.
    let begun = Instant::now();
    for round in 0.. {
        let before = wiretap.records();
        ask_at_once(&mut viewer, 1 + 32 * round, 16, "/public/small");
        let records = wiretap.records() - before;
        if records <= 8 {
            break;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "{records} records for 16 answers"
        );
        viewer.send(&window_update(0, 16 * 1024));
    }
}

#[test]
fn nothing_of_a_large_answer_is_held_back() {
    let edge = TestEdge::new();
    let object: Vec<u8> = (0..1_048_576u32).map(|at| (at / 7) as u8).collect();
    edge.put("public/large", &object);
    edge.put("public/small", &[b's'; 1024]);
    let mut viewer = FrameViewer::greeted(edge.https(), &[(INITIAL_WINDOW_SIZE, 2_000_000)]);
    viewer.send(&[get_path(1, "/public/large"), get_path(3, "/public/small")].concat());
    let mut received: Vec<u8> = Vec::new();
    let (mut window, mut open) = (65_535, 2);
    while open > 0 {
        // All that the window lets through comes by itself; only then it is opened again, each time by an odd number.
        if window == 0 {
            window = 100_003;
            viewer.send(&window_update(0, window));
        }
        let frame = viewer.next().expect("the connection has ended");
        if frame.kind == DATA {
            window -= u32::try_from(frame.payload.len()).unwrap();
            if frame.stream == 1 {
                received.extend(&frame.payload);
            }
        }
        if frame.stream != 0 && frame.has(END_STREAM) {
            open -= 1;
        }
    }
    assert!(received == object);
    drop(viewer);
    let (_folder, log) = edge.stop();
    let records = log.records();
    assert!(
        records
            .iter()
            .all(|record| record["x-edge-result-type"] != "Error")
    );
    assert_eq!(records.len(), 2);
}

#[test]
fn a_stop_is_told_at_once() {
    let edge = TestEdge::new();
    edge.put("public/small", &[b's'; 1024]);
    let mut viewer = FrameViewer::greeted(edge.https(), &[]);
    ask_at_once(&mut viewer, 1, 1, "/public/small");
    let stopped = thread::spawn(move || edge.stop());
    assert!(viewer.until_kind(GOAWAY, 0).is_some());
    // What it says to that is heard, and the connection ends.
    let asked = viewer.until_kind(PING, 0).unwrap();
    viewer.send(&frame(PING, ACK, 0, &asked.payload));
    assert!(viewer.rest().iter().all(|frame| frame.kind == GOAWAY));
    let (_folder, log) = stopped.join().unwrap();
    assert_ne!(log.records()[0]["x-edge-result-type"], "Error");
}
