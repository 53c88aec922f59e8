//! HTTP/2 frames as bytes, and a viewer that sends arbitrary frames and reads what comes back.
//!
//! Numbers are those of RFC 9113 sections 6 and 7. Field blocks are written without Huffman coding or indexing.

use crate::support::{HOST, PATIENCE, connect, trusted_roots};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PUSH_PROMISE: u8 = 5;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const ACK: u8 = 0x1;
pub const END_STREAM: u8 = 0x1;
pub const END_HEADERS: u8 = 0x4;
pub const PADDED: u8 = 0x8;
pub const PRIORITIZED: u8 = 0x20;
/// Flags of a request without a body in one frame.
pub const WHOLE: u8 = END_STREAM | END_HEADERS;

pub const HEADER_TABLE_SIZE: u16 = 1;
pub const ENABLE_PUSH: u16 = 2;
pub const MAX_CONCURRENT_STREAMS: u16 = 3;
pub const INITIAL_WINDOW_SIZE: u16 = 4;
pub const MAX_FRAME_SIZE: u16 = 5;
pub const MAX_HEADER_LIST_SIZE: u16 = 6;

pub const NO_ERROR: u32 = 0;
pub const PROTOCOL_ERROR: u32 = 1;
pub const FLOW_CONTROL_ERROR: u32 = 3;
pub const STREAM_CLOSED: u32 = 5;
pub const FRAME_SIZE_ERROR: u32 = 6;
pub const REFUSED_STREAM: u32 = 7;
pub const CANCEL: u32 = 8;
pub const COMPRESSION_ERROR: u32 = 9;
pub const ENHANCE_YOUR_CALM: u32 = 11;

/// One HTTP/2 frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub fn is_ack_of(&self, kind: u8) -> bool {
        self.kind == kind && self.has(ACK)
    }

    pub fn ends(&self, stream: u32) -> bool {
        matches!(self.kind, DATA | HEADERS) && self.stream == stream && self.has(END_STREAM)
    }

    /// Returns the error code of RST_STREAM or GOAWAY.
    pub fn error_code(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }

    /// Returns the status of a response's head. The viewer offers no dynamic table, so it is a literal or a static
    /// entry.
    pub fn status(&self) -> u16 {
        // A dynamic table size update may come first (RFC 7541 6.3).
        let updates = self.payload.iter().take_while(|byte| **byte >> 5 == 1);
        let block = &self.payload[updates.count()..];
        match block[0] {
            indexed @ 0x88..=0x8e => {
                [200, 204, 206, 304, 400, 404, 500][usize::from(indexed - 0x88)]
            }
            _ => literal_status(&block[1..]),
        }
    }
}

/// Decodes three digits, plain or Huffman-coded (RFC 7541 appendix B: 0 to 2 take five bits, 3 to 9 six).
fn literal_status(string: &[u8]) -> u16 {
    let length = usize::from(string[0] & 0x7f);
    let bytes = &string[1..=length];
    if string[0] & 0x80 == 0 {
        return std::str::from_utf8(bytes).unwrap().parse().unwrap();
    }
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let mut rest = bits.as_str();
    let mut status = 0;
    for _ in 0..3 {
        let five = u16::from_str_radix(&rest[..5], 2).unwrap();
        let digit = if five < 3 {
            rest = &rest[5..];
            five
        } else {
            let six = u16::from_str_radix(&rest[..6], 2).unwrap();
            rest = &rest[6..];
            six - 0b011_001 + 3
        };
        status = status * 10 + digit;
    }
    status
}

/// Returns a frame as bytes; its length field is the length of `payload`.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap();
    let mut bytes = length.to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

pub fn headers(stream: u32, flags: u8, block: &[u8]) -> Vec<u8> {
    frame(HEADERS, flags, stream, block)
}

pub fn continuation(stream: u32, flags: u8, block: &[u8]) -> Vec<u8> {
    frame(CONTINUATION, flags, stream, block)
}

pub fn data(stream: u32, flags: u8, bytes: &[u8]) -> Vec<u8> {
    frame(DATA, flags, stream, bytes)
}

/// Returns the five bytes that make up PRIORITY and that start a prioritized HEADERS.
pub fn dependency(on: u32, exclusive: u32, weight: u8) -> Vec<u8> {
    let mut bytes = (on | exclusive << 31).to_be_bytes().to_vec();
    bytes.push(weight);
    bytes
}

pub fn priority(stream: u32, on: u32) -> Vec<u8> {
    frame(PRIORITY, 0, stream, &dependency(on, 0, 255))
}

pub fn reset(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

pub fn settings(values: &[(u16, u32)]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (id, value) in values {
        payload.extend(id.to_be_bytes());
        payload.extend(value.to_be_bytes());
    }
    frame(SETTINGS, 0, 0, &payload)
}

pub fn ping(payload: &[u8; 8]) -> Vec<u8> {
    frame(PING, 0, 0, payload)
}

pub fn goaway(code: u32) -> Vec<u8> {
    let mut payload = vec![0; 4];
    payload.extend(code.to_be_bytes());
    frame(GOAWAY, 0, 0, &payload)
}

pub fn window_update(stream: u32, increment: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &increment.to_be_bytes())
}

/// Returns the pseudo-header fields of a valid request for the object of these tests.
pub fn request_fields(method: &str) -> Vec<(&str, &str)> {
    vec![
        (":method", method),
        (":scheme", "https"),
        (":path", "/public/object"),
        (":authority", HOST),
    ]
}

/// Returns a field block of literals without indexing.
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        bytes.push(0);
        string(name, &mut bytes);
        string(value, &mut bytes);
    }
    bytes
}

fn string(text: &str, bytes: &mut Vec<u8>) {
    integer(0, 7, text.len(), bytes);
    bytes.extend(text.as_bytes());
}

/// Appends an integer with a prefix of `prefix_bits` (RFC 7541 5.1); the bits before the prefix are those of `first`.
pub fn integer(first: u8, prefix_bits: u32, value: usize, bytes: &mut Vec<u8>) {
    let most = (1 << prefix_bits) - 1;
    if value < most {
        bytes.push(first | u8::try_from(value).unwrap());
        return;
    }
    bytes.push(first | u8::try_from(most).unwrap());
    let mut rest = value - most;
    while rest >= 128 {
        bytes.push(u8::try_from(rest % 128).unwrap() | 0x80);
        rest /= 128;
    }
    bytes.push(u8::try_from(rest).unwrap());
}

/// Returns the field block of a valid GET.
pub fn get_block() -> Vec<u8> {
    block(&request_fields("GET"))
}

/// Returns a valid GET on `stream`.
pub fn get(stream: u32) -> Vec<u8> {
    headers(stream, WHOLE, &get_block())
}

/// Returns a valid GET of another object.
pub fn get_path(stream: u32, path: &str) -> Vec<u8> {
    let mut fields = request_fields("GET");
    fields[2].1 = path;
    headers(stream, WHOLE, &block(&fields))
}

/// The outcome of waiting for a frame.
pub enum Heard {
    Frame(Frame),
    Nothing,
    /// The connection has ended.
    End,
}

/// A viewer's connection on which HTTP/2 was negotiated.
pub struct FrameViewer {
    stream: StreamOwned<ClientConnection, TcpStream>,
    unread: Vec<u8>,
    /// Name of the case being tested.
    pub case: String,
    /// The settings that the edge announced.
    pub settings: Vec<(u16, u32)>,
}

impl FrameViewer {
    /// Connects and sends nothing.
    pub fn silent(edge: SocketAddr) -> Self {
        let name = ServerName::try_from(HOST).unwrap();
        let session = ClientConnection::new(client_config(), name).unwrap();
        let stream = connect(edge, None, None).unwrap();
        FrameViewer {
            stream: StreamOwned::new(session, stream),
            unread: Vec::new(),
            case: String::new(),
            settings: Vec::new(),
        }
    }

    /// Connects and exchanges settings. The viewer announces `values`, and a field table of size 0 unless they say
    /// otherwise.
    pub fn greeted(edge: SocketAddr, values: &[(u16, u32)]) -> Self {
        let mut viewer = FrameViewer::silent(edge);
        let mut values = values.to_vec();
        if values.iter().all(|(id, _)| *id != HEADER_TABLE_SIZE) {
            values.push((HEADER_TABLE_SIZE, 0));
        }
        viewer.send(&[PREFACE, &settings(&values)].concat());
        let theirs = viewer.next().unwrap();
        assert_eq!((theirs.kind, theirs.has(ACK)), (SETTINGS, false));
        let pairs = theirs.payload.chunks(6);
        viewer.settings = pairs
            .map(|pair| {
                let (id, value) = pair.split_at(2);
                let id = u16::from_be_bytes(id.try_into().unwrap());
                (id, u32::from_be_bytes(value.try_into().unwrap()))
            })
            .collect();
        viewer.send(&frame(SETTINGS, ACK, 0, b""));
        assert!(viewer.until(|frame| frame.is_ack_of(SETTINGS)).is_some());
        viewer
    }

    pub fn setting(&self, id: u16) -> Option<u32> {
        let mut found = self.settings.iter().filter(|(known, _)| *known == id);
        found.next().map(|(_, value)| *value)
    }

    /// Sends as much as the edge accepts; a connection that was closed meanwhile accepts nothing more.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.try_send(bytes);
    }

    pub fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// Returns the next frame, or `None` when the connection has ended.
    pub fn next(&mut self) -> Option<Frame> {
        let head = self.peek(9)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let (kind, flags) = (head[3], head[4]);
        let stream = u32::from_be_bytes(head[5..9].try_into().unwrap());
        self.peek(9 + length)?;
        let payload = self.unread.drain(..9 + length).skip(9).collect();
        Some(Frame {
            kind,
            flags,
            stream,
            payload,
        })
    }

    /// Waits for the next frame, which has to begin within `time`.
    pub fn next_within(&mut self, time: Duration) -> Heard {
        if self.unread.is_empty() {
            self.stream.sock.set_read_timeout(Some(time)).unwrap();
            let mut buffer = [0; 64 * 1024];
            let read = self.stream.read(&mut buffer);
            self.stream.sock.set_read_timeout(Some(PATIENCE)).unwrap();
            match read {
                Ok(0) => return Heard::End,
                Ok(length) => self.unread.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Heard::Nothing,
                Err(_) => return Heard::End,
            }
        }
        self.next().map_or(Heard::End, Heard::Frame)
    }

    /// Reads frames until `time` has passed; returns the kind of the last frame that belongs to a stream.
    pub fn kind_within(&mut self, time: Duration) -> Option<u8> {
        let until = Instant::now() + time;
        let mut kind = None;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return kind;
            }
            match self.next_within(left) {
                Heard::Frame(frame) if frame.stream != 0 => kind = Some(frame.kind),
                Heard::Frame(_) | Heard::Nothing => {}
                Heard::End => return kind,
            }
        }
    }

    /// Returns the next frame that is `wanted`; the frames before it are dropped.
    pub fn until(&mut self, wanted: impl Fn(&Frame) -> bool) -> Option<Frame> {
        loop {
            let frame = self.next()?;
            if wanted(&frame) {
                return Some(frame);
            }
        }
    }

    /// Returns the next frame of this kind on this stream.
    pub fn until_kind(&mut self, kind: u8, stream: u32) -> Option<Frame> {
        self.until(|frame| frame.kind == kind && frame.stream == stream)
    }

    /// Returns all frames until the connection ends.
    pub fn rest(&mut self) -> Vec<Frame> {
        std::iter::from_fn(|| self.next()).collect()
    }

    /// Asserts that the connection still serves requests.
    #[track_caller]
    pub fn assert_alive(&mut self) {
        self.send(&ping(b"alive?!?"));
        let answer = self.until(|frame| frame.is_ack_of(PING) && frame.payload == b"alive?!?");
        assert!(answer.is_some(), "the connection has ended");
    }

    fn peek(&mut self, length: usize) -> Option<&[u8]> {
        let mut buffer = [0; 64 * 1024];
        while self.unread.len() < length {
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(length) => self.unread.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    panic!("{}: the edge neither answered nor closed", self.case)
                }
                Err(_) => return None,
            }
        }
        Some(&self.unread[..length])
    }
}

fn client_config() -> Arc<ClientConfig> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    Arc::clone(CONFIG.get_or_init(|| {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(trusted_roots())
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        Arc::new(config)
    }))
}
