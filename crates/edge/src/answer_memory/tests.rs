use super::*;
use std::sync::atomic::AtomicUsize;
use std::task::Wake;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// Counts how often a body was woken.
#[derive(Default)]
struct Alarms(AtomicUsize);

impl Wake for Alarms {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Alarms {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn connection(limit_bytes: u64) -> Arc<ConnectionMemory> {
    ConnectionMemory::new(&AnswerMemory::new(limit_bytes), None, 0)
}

fn body(connection: &Arc<ConnectionMemory>) -> BodyMemory {
    connection.admit(100).unwrap()
}

/// Reads a full chunk; `None` while the body has to wait.
fn read(body: &BodyMemory, alarms: &Arc<Alarms>) -> Option<Bytes> {
    let waker = Waker::from(Arc::clone(alarms));
    let context = Context::from_waker(&waker);
    match body.poll_room(u64::MAX, &context) {
        Poll::Ready(room) => {
            let bytes = Bytes::from(vec![b'x'; room.size_bytes()]);
            Some(room.filled(bytes))
        }
        Poll::Pending => None,
    }
}

/// Reads everything that the body may have on its way.
fn read_all(body: &BodyMemory, alarms: &Arc<Alarms>) -> Vec<Bytes> {
    std::iter::from_fn(|| read(body, alarms)).collect()
}

#[test]
fn a_stream_of_which_nothing_is_taken_has_a_few_chunks_on_its_way() {
    let connection = connection(128 * MIB);
    let body = body(&connection);
    let alarms = Arc::default();
    let chunks = read_all(&body, &alarms);
    let size_bytes: usize = chunks.iter().map(Bytes::len).sum();
    assert!(
        (256 * 1024..=385 * 1024).contains(&size_bytes),
        "{size_bytes}"
    );
    assert_eq!(alarms.count(), 0);
    drop(chunks);
    assert_eq!(alarms.count(), 1);
    drop(body);
    assert_eq!(connection.all.used_bytes(), 0);
}

#[test]
fn a_stream_without_a_chunk_goes_on_beside_one_that_is_stuck() {
    let connection = connection(128 * MIB);
    let (stuck, alive) = (body(&connection), body(&connection));
    let alarms = Arc::default();
    let held = read_all(&stuck, &alarms);
    for turn in 1..=3 {
        // The connection first has its turn to send what is buffered.
        assert!(read(&alive, &alarms).is_none());
        assert_eq!(alarms.count(), turn);
        let chunk = read(&alive, &alarms).unwrap();
        assert_eq!(chunk.len() as u64, CHUNK_SIZE_BYTES_MIN);
        assert!(read(&alive, &Arc::default()).is_none());
    }
    drop(held);
}

#[test]
fn nothing_more_is_read_for_a_socket_that_takes_nothing() {
    let connection = connection(128 * MIB);
    let (first, second) = (body(&connection), body(&connection));
    let alarms: Arc<Alarms> = Arc::default();
    let held = read_all(&first, &alarms);
    connection.blocked();
    assert!(read(&second, &alarms).is_none());
    assert!(read(&second, &alarms).is_none());
    assert_eq!(alarms.count(), 0);
    connection.flushed();
    // Both wait, and both may check again.
    assert_eq!(alarms.count(), 2);
    drop(held);
    assert!(read(&second, &alarms).is_some());
}

#[test]
fn a_body_that_is_gone_is_not_woken() {
    let connection = connection(128 * MIB);
    let alarms: Arc<Alarms> = Arc::default();
    let stuck = body(&connection);
    let held = read_all(&stuck, &alarms);
    connection.blocked();
    for _ in 0..1_000 {
        let body = body(&connection);
        assert!(read(&body, &alarms).is_none());
    }
    assert_eq!(connection.waiting().len(), 1);
    drop((stuck, held));
    connection.flushed();
    assert_eq!(connection.all.used_bytes(), 0);
}

#[test]
fn however_many_hold_their_share_something_is_left() {
    let all = AnswerMemory::new(16 * MIB);
    let alarms = Arc::default();
    let mut held = Vec::new();
    for _ in 0..2_000 {
        let connection = ConnectionMemory::new(&all, None, 0);
        let bodies: Vec<BodyMemory> = std::iter::from_fn(|| connection.admit(100))
            .take(128)
            .collect();
        // A connection that holds nothing always gets a response, and that one gets a chunk.
        assert!(!bodies.is_empty());
        let chunks: Vec<Bytes> = bodies
            .iter()
            .filter_map(|body| read(body, &alarms).or_else(|| read(body, &alarms)))
            .collect();
        assert!(!chunks.is_empty());
        held.push((bodies, chunks));
    }
    let least = 2_000 * (ANSWER_SIZE_BYTES + 100 + CHUNK_SIZE_BYTES_MIN + CHUNK_OVERHEAD_BYTES);
    assert!(all.used_bytes() <= 16 * MIB + least, "{}", all.used_bytes());
    drop(held);
    assert_eq!(all.used_bytes(), 0);
}

/// Takes all that the connections of a viewer get, each with as many streams as it is allowed.
fn held_by(viewer: IpAddr, all: &Arc<AnswerMemory>) -> Vec<(Vec<BodyMemory>, Vec<Bytes>)> {
    let alarms = Arc::default();
    let take = |_| {
        let connection = ConnectionMemory::new(all, Some(viewer), 0);
        let admitted = std::iter::from_fn(|| connection.admit(100)).take(128);
        let bodies: Vec<BodyMemory> = admitted.collect();
        let twice = |body| read(body, &alarms).or_else(|| read(body, &alarms));
        let chunks = bodies.iter().filter_map(twice).collect();
        (bodies, chunks)
    };
    (0..200).map(take).collect()
}

#[test]
fn one_address_takes_nothing_from_another() {
    let all = AnswerMemory::new(64 * MIB);
    let greedy = held_by("2001:db8::1".parse().unwrap(), &all);
    let held_bytes = all.used_bytes();
    let least = 200 * (ANSWER_SIZE_BYTES + 100 + CHUNK_SIZE_BYTES_MIN + CHUNK_OVERHEAD_BYTES);
    assert!(held_bytes >= 40 * MIB, "{held_bytes}");
    assert!(held_bytes <= 48 * MIB + least, "{held_bytes}");
    // The same network: no more than the minimum for each.
    let neighbour = held_by("2001:db8::2:1".parse().unwrap(), &all);
    assert!(neighbour.iter().all(|(bodies, _)| bodies.len() == 1));
    drop(neighbour);
    let other = ConnectionMemory::new(&all, Some("192.0.2.1".parse().unwrap()), 0);
    let bodies = std::iter::from_fn(|| other.admit(100)).take(32);
    assert_eq!(bodies.collect::<Vec<_>>().len(), 32);
    drop(greedy);
    let proxy = ConnectionMemory::new(&all, None, 0);
    assert_eq!(proxy.room(u64::MAX), 8 * MIB, "proxies have no address");
}

#[test]
fn a_text_takes_at_most_half_of_what_is_free() {
    let connection = connection(MIB);
    assert!(Charge::try_of(MIB / 2 + 1, &connection).is_none());
    let first = Charge::try_of(MIB / 2, &connection).unwrap();
    assert!(Charge::try_of(MIB / 2, &connection).is_none());
    let text = charged(Bytes::from(vec![b'x'; 100]), first);
    let last = text.slice(99..);
    drop(text);
    // All was sent but the last byte.
    assert_eq!(connection.all.used_bytes(), MIB / 2);
    drop(last);
    assert_eq!(connection.all.used_bytes(), 0);
    // There is always room for a short one.
    let _most = Charge::try_of(MIB / 2, &connection).unwrap();
    assert!((0..1_000).all(|_| Charge::try_of(100, &connection).is_some()));
}

#[test]
fn a_short_slice_does_not_hold_its_block() {
    let connection = connection(128 * MIB);
    let body = body(&connection);
    let block = Bytes::from(vec![b'x'; 65_536]);
    let context = Context::from_waker(Waker::noop());
    let Poll::Ready(room) = body.poll_room(100, &context) else {
        panic!("there is room");
    };
    let sent = room.filled(block.slice(..100));
    assert!(block.is_unique());
    assert_eq!(sent.len(), 100);
}

#[test]
fn new_connections_get_less_of_tls_when_little_is_free() {
    let all = AnswerMemory::new(8 * MIB);
    assert_eq!(all.tls_size_bytes_max(), TLS_SIZE_BYTES_MAX);
    let connection = ConnectionMemory::new(&all, None, TLS_SIZE_BYTES_MAX);
    let other = ConnectionMemory::new(&all, None, 0);
    let _most = Charge::try_of(4 * MIB, &connection).unwrap();
    let _more = Charge::try_of(2 * MIB, &other).unwrap();
    assert_eq!(all.tls_size_bytes_max(), TLS_SIZE_BYTES_MIN);
    connection.blocked();
    connection.blocked();
    assert_eq!(all.used_bytes(), 6 * MIB + TLS_SIZE_BYTES_MAX);
    connection.flushed();
    assert_eq!(all.used_bytes(), 6 * MIB);
}
