//! A scripted HTTP/1.1 origin on loopback. It plays its responses act by act and records its requests and the bytes it
//! sent.
//!
//! A script is a list of acts, so every fault of a real origin can be played: silence, a close in the middle, a reset,
//! too few bytes, too many, garbage. Large bodies are generated while they are sent and never stored.

use crate::support::{Gate, PATIENCE, Pattern};
use socket2::SockRef;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::Duration;

/// Size of the pieces in which a pattern is sent.
const PIECE_SIZE_BYTES: u64 = 64 * 1024;

/// A request as the origin received it.
#[derive(Clone, Debug)]
pub struct OriginAsk {
    /// Number of the connection, counted from 0.
    pub connection: usize,
    pub method: String,
    pub target: String,
    /// Header fields in order, their names as spelled.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl OriginAsk {
    /// Returns the first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Returns the target without its query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    /// Returns the requested range of an object of `size_bytes`; `None` unless there is exactly one satisfiable range.
    pub fn range(&self, size_bytes: u64) -> Option<Range<u64>> {
        let (first, last) = self
            .header("Range")?
            .strip_prefix("bytes=")?
            .split_once('-')?;
        let range = match (first.parse::<u64>(), last.parse::<u64>()) {
            (Ok(first), Ok(last)) => first..size_bytes.min(last + 1),
            (Ok(first), Err(_)) => first..size_bytes,
            (Err(_), Ok(suffix)) => size_bytes.saturating_sub(suffix)..size_bytes,
            (Err(_), Err(_)) => return None,
        };
        (range.start < range.end).then_some(range)
    }
}

/// One step of a script.
#[derive(Clone, Debug)]
pub enum Act {
    /// Bytes that belong to no body: a head, an interim response, garbage.
    Raw(Vec<u8>),
    /// Bytes of a body.
    Send(Vec<u8>),
    /// A range of a generated object, which is never stored.
    SendPattern(Pattern, Range<u64>),
    /// One chunk of a chunked body.
    Chunk(Vec<u8>),
    /// The end of a chunked body.
    LastChunk,
    /// A pause until the test opens the gate.
    Wait(Gate),
    /// An orderly end of the connection.
    Close,
    /// A reset of the connection.
    Reset,
}

/// The script of one response. For HEAD the acts are the same, but bytes of the body are not sent.
#[derive(Clone, Debug, Default)]
pub struct OriginAnswer {
    acts: Vec<Act>,
}

impl OriginAnswer {
    /// Returns a head exactly as given: `headers` holds everything, framing included.
    pub fn head(status: u16, headers: &[(&str, &str)]) -> Self {
        OriginAnswer::default().and_head(status, headers)
    }

    /// Returns a head with its `Content-Length`, and the body.
    pub fn whole(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let length = body.len().to_string();
        let mut all = headers.to_vec();
        all.push(("Content-Length", &length));
        OriginAnswer::head(status, &all).send(body)
    }

    /// Returns a body of undeclared length: chunked, with its last chunk.
    pub fn chunked(status: u16, headers: &[(&str, &str)], chunks: &[&[u8]]) -> Self {
        let mut all = headers.to_vec();
        all.push(("Transfer-Encoding", "chunked"));
        let head = OriginAnswer::head(status, &all);
        let body = chunks
            .iter()
            .fold(head, |answer, chunk| answer.chunk(*chunk));
        body.last_chunk()
    }

    /// Delays the response until the gate is open.
    pub fn after(mut self, gate: &Gate) -> Self {
        self.acts.insert(0, Act::Wait(gate.clone()));
        self
    }

    /// Returns bytes that are not HTTP.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        OriginAnswer::default().and(Act::Raw(bytes.into()))
    }

    /// Appends another head: the final one after an interim response.
    pub fn and_head(self, status: u16, headers: &[(&str, &str)]) -> Self {
        let mut head = format!("HTTP/1.1 {status} Scripted\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        self.and(Act::Raw(head.into_bytes()))
    }

    pub fn send(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.and(Act::Send(bytes.into()))
    }

    pub fn send_pattern(self, pattern: Pattern, range: Range<u64>) -> Self {
        self.and(Act::SendPattern(pattern, range))
    }

    pub fn chunk(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.and(Act::Chunk(bytes.into()))
    }

    pub fn last_chunk(self) -> Self {
        self.and(Act::LastChunk)
    }

    pub fn wait(self, gate: &Gate) -> Self {
        self.and(Act::Wait(gate.clone()))
    }

    pub fn close(self) -> Self {
        self.and(Act::Close)
    }

    pub fn reset(self) -> Self {
        self.and(Act::Reset)
    }

    fn and(mut self, act: Act) -> Self {
        self.acts.push(act);
        self
    }
}

/// A range of body bytes that left the origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentBytes {
    pub target: String,
    /// Positions in the object for a pattern, in the response otherwise.
    pub range: Range<u64>,
}

#[derive(Default)]
struct Record {
    asks: Vec<OriginAsk>,
    sent: Vec<SentBytes>,
    connections: Vec<Weak<TcpStream>>,
    connections_ended: usize,
}

type Handler = dyn Fn(&OriginAsk) -> OriginAnswer + Send + Sync;

struct Shared {
    handler: Box<Handler>,
    record: Mutex<Record>,
    changed: Condvar,
    is_over: AtomicBool,
}

/// A running origin; dropping it closes its connections.
pub struct FakeOrigin {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl FakeOrigin {
    /// Starts an origin that asks `handler` what to do with each request.
    pub fn start(handler: impl Fn(&OriginAsk) -> OriginAnswer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            handler: Box::new(handler),
            record: Mutex::default(),
            changed: Condvar::new(),
            is_over: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || accept(&listener, &accepting));
        FakeOrigin { address, shared }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns all requests so far.
    pub fn asks(&self) -> Vec<OriginAsk> {
        self.shared.record.lock().unwrap().asks.clone()
    }

    /// Waits until `count` requests have arrived.
    #[track_caller]
    pub fn wait_for_asks(&self, count: usize) -> Vec<OriginAsk> {
        self.wait_until(&format!("{count} requests"), |record| {
            record.asks.len() >= count
        });
        self.asks()
    }

    /// Returns the ranges of body bytes in the order in which they were sent; adjacent ranges of one response are
    /// merged.
    pub fn sent(&self) -> Vec<SentBytes> {
        self.shared.record.lock().unwrap().sent.clone()
    }

    /// Returns the number of body bytes sent so far.
    pub fn sent_size_bytes(&self) -> u64 {
        size_bytes(&self.shared.record.lock().unwrap().sent)
    }

    /// Waits until at least `size_bytes_min` body bytes have been sent.
    #[track_caller]
    pub fn wait_until_sent(&self, size_bytes_min: u64) {
        self.wait_until(&format!("{size_bytes_min} bytes"), |record| {
            size_bytes(&record.sent) >= size_bytes_min
        });
    }

    /// Returns the number of connections made to this origin.
    pub fn connections(&self) -> usize {
        self.shared.record.lock().unwrap().connections.len()
    }

    /// Waits until `count` connections have ended, whichever side closed them.
    #[track_caller]
    pub fn wait_for_ended_connections(&self, count: usize) {
        self.wait_until(&format!("{count} ends of connections"), |record| {
            record.connections_ended >= count
        });
    }

    /// Asserts that every byte of `target` was sent exactly once.
    #[track_caller]
    pub fn assert_each_byte_was_read_once(&self, target: &str, size_bytes: u64) {
        // A viewer may receive the last byte before it is recorded here.
        self.wait_until_sent(size_bytes);
        let mut ranges: Vec<Range<u64>> = self
            .sent()
            .into_iter()
            .filter(|sent| sent.target == target)
            .map(|sent| sent.range)
            .collect();
        ranges.sort_by_key(|range| range.start);
        let mut reached = 0;
        for range in &ranges {
            assert_eq!(range.start, reached, "a gap or a second read: {ranges:?}");
            reached = range.end;
        }
        assert_eq!(reached, size_bytes, "not all of it: {ranges:?}");
    }

    #[track_caller]
    fn wait_until(&self, what: &str, is_there: impl Fn(&Record) -> bool) {
        let record = self.shared.record.lock().unwrap();
        let waited = self
            .shared
            .changed
            .wait_timeout_while(record, PATIENCE, |record| !is_there(record));
        let (record, timeout) = waited.unwrap();
        let asks = record.asks.len();
        drop(record);
        assert!(
            !timeout.timed_out(),
            "the origin saw {asks} requests, not {what}"
        );
    }
}

impl Drop for FakeOrigin {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // The accepting thread is blocked until a connection arrives.
        let _ = TcpStream::connect(self.address);
        for connection in &self.shared.record.lock().unwrap().connections {
            if let Some(stream) = connection.upgrade() {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }
}

fn size_bytes(sent: &[SentBytes]) -> u64 {
    sent.iter()
        .map(|sent| sent.range.end - sent.range.start)
        .sum()
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.is_over.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let stream = Arc::new(stream);
        let number = {
            let mut record = shared.record.lock().unwrap();
            record.connections.push(Arc::downgrade(&stream));
            record.connections.len() - 1
        };
        let shared = Arc::clone(shared);
        std::thread::spawn(move || {
            let connection = Connection { number, shared };
            connection.serve(&stream);
            drop(stream);
            connection.note(|record| record.connections_ended += 1);
        });
    }
}

/// State of a connection after a response.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    NextRequest,
    Nothing,
    /// Dropped without lingering, which resets it; a shutdown first would end it in order.
    Reset,
}

struct Connection {
    number: usize,
    shared: Arc<Shared>,
}

impl Connection {
    fn serve(&self, stream: &Arc<TcpStream>) {
        // A hanging origin shows as a failing test, not as one that never ends.
        let _ = stream.set_read_timeout(Some(PATIENCE + Duration::from_secs(30)));
        let _ = stream.set_nodelay(true);
        let mut reader = BufReader::new(stream.as_ref());
        while let Ok(Some(ask)) = read_ask(&mut reader, self.number) {
            let answer = (self.shared.handler)(&ask);
            self.note(|record| record.asks.push(ask.clone()));
            match self.play(stream, &ask, answer) {
                Ok(After::NextRequest) => {}
                Ok(After::Nothing) | Err(_) => break,
                Ok(After::Reset) => return,
            }
        }
        let _ = stream.shutdown(Shutdown::Both);
    }

    fn play(&self, stream: &TcpStream, ask: &OriginAsk, answer: OriginAnswer) -> io::Result<After> {
        let is_head = ask.method == "HEAD";
        let mut at = 0;
        for act in answer.acts {
            match act {
                Act::Raw(bytes) => write(stream, &bytes)?,
                Act::Wait(gate) => gate.wait(),
                Act::Close => return Ok(After::Nothing),
                Act::Reset => {
                    SockRef::from(stream).set_linger(Some(Duration::ZERO))?;
                    return Ok(After::Reset);
                }
                Act::Send(_) | Act::SendPattern(..) | Act::Chunk(_) | Act::LastChunk if is_head => {
                }
                Act::Send(bytes) => {
                    write(stream, &bytes)?;
                    at = self.sent(ask, at, bytes.len());
                }
                Act::SendPattern(pattern, range) => {
                    self.send_pattern(stream, ask, pattern, &range)?;
                }
                Act::Chunk(bytes) => {
                    let size = format!("{:x}\r\n", bytes.len());
                    write(stream, &[size.as_bytes(), &bytes, b"\r\n"].concat())?;
                    at = self.sent(ask, at, bytes.len());
                }
                Act::LastChunk => write(stream, b"0\r\n\r\n")?,
            }
        }
        Ok(After::NextRequest)
    }

    fn send_pattern(
        &self,
        stream: &TcpStream,
        ask: &OriginAsk,
        pattern: Pattern,
        range: &Range<u64>,
    ) -> io::Result<()> {
        let mut at = range.start;
        while at < range.end {
            let end = range.end.min(at + PIECE_SIZE_BYTES);
            let piece = pattern.bytes(at..end);
            write(stream, &piece)?;
            at = self.sent(ask, at, piece.len());
        }
        Ok(())
    }

    /// Records that `length` body bytes from `at` have been sent; returns the position behind them.
    fn sent(&self, ask: &OriginAsk, at: u64, length: usize) -> u64 {
        let end = at + length as u64;
        self.note(|record| {
            let last = record.sent.last_mut();
            match last.filter(|last| last.target == ask.target && last.range.end == at) {
                Some(last) => last.range.end = end,
                None => record.sent.push(SentBytes {
                    target: ask.target.clone(),
                    range: at..end,
                }),
            }
        });
        end
    }

    fn note(&self, write: impl FnOnce(&mut Record)) {
        write(&mut self.shared.record.lock().unwrap());
        self.shared.changed.notify_all();
    }
}

fn write(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)
}

/// Reads the next request; returns `None` when the connection ended between two requests.
fn read_ask(
    reader: &mut BufReader<&TcpStream>,
    connection: usize,
) -> io::Result<Option<OriginAsk>> {
    let Some(line) = read_line(reader)? else {
        return Ok(None);
    };
    let mut words = line.split(' ').map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let mut headers = Vec::new();
    while let Some(line) = read_line(reader)?.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or(io::ErrorKind::InvalidData)?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut ask = OriginAsk {
        connection,
        method,
        target,
        headers,
        body: Vec::new(),
    };
    ask.body = read_body(reader, &ask)?;
    Ok(Some(ask))
}

fn read_body(reader: &mut BufReader<&TcpStream>, ask: &OriginAsk) -> io::Result<Vec<u8>> {
    if ask.header("Transfer-Encoding").is_none() {
        let length = ask
            .header("Content-Length")
            .map_or(0, |length| length.parse().unwrap());
        return read_exactly(reader, length);
    }
    let mut body = Vec::new();
    while let Some(line) = read_line(reader)? {
        let size = usize::from_str_radix(&line, 16).map_err(|_| io::ErrorKind::InvalidData)?;
        body.extend(read_exactly(reader, size)?);
        read_line(reader)?;
        if size == 0 {
            break;
        }
    }
    Ok(body)
}

fn read_exactly(reader: &mut BufReader<&TcpStream>, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_line(reader: &mut BufReader<&TcpStream>) -> io::Result<Option<String>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(line.trim_end().to_owned()))
}
