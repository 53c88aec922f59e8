//! A viewer of an RTMP stream. It speaks enough of the protocol to play, and only counts bytes from the first media
//! message on.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};
use xtask::command::Outcome;

/// Size of the handshake's second and third message, in each direction.
const HANDSHAKE_SIZE_BYTES: usize = 1536;
/// Size of this viewer's own chunks, and of a server's until it announces another.
const CHUNK_SIZE_BYTES: usize = 128;
/// Longest wait for a single read.
const PATIENCE: Duration = Duration::from_secs(30);
/// Buffer length that this viewer announces.
const BUFFER_MS: u32 = 3_000;
/// Number of bytes received before an acknowledgement is sent.
const ACKNOWLEDGED_BYTES: u64 = 1_000_000;
const READ_SIZE_BYTES: usize = 64 * 1024;

/// Message types (RTMP 1.0, 5.4, 6.2 and 7.1).
mod kind {
    pub const CHUNK_SIZE: u8 = 1;
    pub const ACKNOWLEDGEMENT: u8 = 3;
    pub const USER_CONTROL: u8 = 4;
    pub const AUDIO: u8 = 8;
    pub const VIDEO: u8 = 9;
    pub const COMMAND: u8 = 20;
}

/// A request to play a stream.
#[derive(Clone, Copy)]
pub struct Stream<'a> {
    pub port: u16,
    pub application: &'a str,
    pub name: &'a str,
    pub duration: Duration,
}

/// Measurements of a stream that was played.
pub struct Watched {
    /// Time from connecting to the first audio or video message.
    pub first_media: Duration,
    pub bytes: u64,
    /// Longest time between two reads that returned data.
    pub longest_silence: Duration,
}

impl Stream<'_> {
    /// Plays for `duration`; fails when the server refuses.
    pub fn watch(&self) -> Outcome<Watched> {
        self.play().map_err(|error| error.to_string())
    }

    fn play(&self) -> Result<Watched> {
        let started = Instant::now();
        let mut connection = Connection::open(self.port)?;
        let address = format!("rtmp://localhost:{}/{}", self.port, self.application);
        connection.send(3, kind::COMMAND, 0, &connect(self.application, &address))?;
        connection.send(3, kind::COMMAND, 0, &create_stream())?;
        let stream = connection.created_stream()?;
        let length = [&[0, 3][..], &stream.to_be_bytes(), &BUFFER_MS.to_be_bytes()].concat();
        connection.send(2, kind::USER_CONTROL, 0, &length)?;
        connection.send(8, kind::COMMAND, stream, &play(self.name))?;
        connection.wait_for_media()?;
        let first_media = started.elapsed();
        let longest_silence = connection.drain(started + self.duration)?;
        Ok(Watched {
            first_media,
            bytes: connection.bytes,
            longest_silence,
        })
    }
}

struct Connection {
    stream: BufReader<TcpStream>,
    chunk_size_bytes: usize,
    channels: HashMap<u8, Channel>,
    bytes: u64,
}

/// State that a chunk may leave out because the previous one on its channel had it.
#[derive(Default)]
struct Channel {
    size_bytes: usize,
    kind: u8,
    has_long_time: bool,
    message: Vec<u8>,
}

impl Connection {
    /// Connects and does the simple handshake (RTMP 1.0, 5.2).
    fn open(port: u16) -> Result<Self> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut hello = vec![5; 1 + HANDSHAKE_SIZE_BYTES];
        hello[..9].copy_from_slice(&[3, 0, 0, 0, 0, 0, 0, 0, 0]);
        stream.write_all(&hello)?;
        let mut answer = vec![0; 1 + 2 * HANDSHAKE_SIZE_BYTES];
        stream.read_exact(&mut answer)?;
        stream.write_all(&answer[1..=HANDSHAKE_SIZE_BYTES])?;
        Ok(Connection {
            stream: BufReader::with_capacity(READ_SIZE_BYTES, stream),
            chunk_size_bytes: CHUNK_SIZE_BYTES,
            channels: HashMap::new(),
            bytes: 0,
        })
    }

    fn send(&mut self, channel: u8, kind: u8, stream: u32, message: &[u8]) -> Result<()> {
        let mut chunks = vec![channel, 0, 0, 0];
        // No message of this viewer is longer than a name and a few words.
        chunks.extend_from_slice(&(message.len() as u32).to_be_bytes()[1..]);
        chunks.push(kind);
        chunks.extend_from_slice(&stream.to_le_bytes());
        for (number, piece) in message.chunks(CHUNK_SIZE_BYTES).enumerate() {
            if number > 0 {
                chunks.push(0b1100_0000 | channel);
            }
            chunks.extend_from_slice(piece);
        }
        self.stream.get_mut().write_all(&chunks)
    }

    /// Returns the stream number in the response to `createStream`.
    fn created_stream(&mut self) -> Result<u32> {
        const RESULT: &[u8] = b"\x02\x00\x07_result\x00\x40\x00\x00\x00\x00\x00\x00\x00";
        loop {
            let (kind, message) = self.message()?;
            if kind == kind::COMMAND && message.starts_with(b"\x02\x00\x06_error") {
                return Err(refused("connect"));
            }
            if kind == kind::COMMAND && message.starts_with(RESULT) {
                let number = message.last_chunk().map(|bytes| f64::from_be_bytes(*bytes));
                return Ok(number.unwrap_or(1.0) as u32);
            }
        }
    }

    fn wait_for_media(&mut self) -> Result<()> {
        loop {
            match self.message()? {
                (kind::AUDIO | kind::VIDEO, _) => return Ok(()),
                (kind::COMMAND, message) if message.windows(5).any(|word| word == b"error") => {
                    return Err(refused("play"));
                }
                _ => {}
            }
        }
    }

    /// Returns the next message with its type, whichever channel it is on.
    fn message(&mut self) -> Result<(u8, Vec<u8>)> {
        loop {
            let [first] = self.take()?;
            let number = first & 0b11_1111;
            let mut channel = self.channels.remove(&number).unwrap_or_default();
            self.chunk_header(first >> 6, &mut channel)?;
            let missing = channel.size_bytes - channel.message.len();
            let mut piece = vec![0; missing.min(self.chunk_size_bytes)];
            self.stream.read_exact(&mut piece)?;
            self.bytes += piece.len() as u64;
            channel.message.extend_from_slice(&piece);
            let whole = (channel.message.len() == channel.size_bytes)
                .then(|| (channel.kind, std::mem::take(&mut channel.message)));
            self.channels.insert(number, channel);
            match whole {
                Some((kind::CHUNK_SIZE, message)) => {
                    let size = message
                        .first_chunk()
                        .map(|bytes| u32::from_be_bytes(*bytes));
                    self.chunk_size_bytes = size.unwrap_or(1).max(1) as usize;
                }
                Some(message) => return Ok(message),
                None => {}
            }
        }
    }

    /// Reads a chunk header. The higher the format, the more fields are taken from the previous one (RTMP 1.0,
    /// 5.3.1.2).
    fn chunk_header(&mut self, format: u8, channel: &mut Channel) -> Result<()> {
        if format < 3 {
            let time: [u8; 3] = self.take()?;
            channel.has_long_time = time == [0xff; 3];
        }
        if format < 2 {
            let [high, middle, low, kind] = self.take()?;
            channel.size_bytes = u32::from_be_bytes([0, high, middle, low]) as usize;
            channel.kind = kind;
        }
        if format == 0 {
            let _stream: [u8; 4] = self.take()?;
        }
        if channel.has_long_time {
            let _time: [u8; 4] = self.take()?;
        }
        Ok(())
    }

    fn take<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH]> {
        let mut bytes = [0; LENGTH];
        self.stream.read_exact(&mut bytes)?;
        self.bytes += LENGTH as u64;
        Ok(bytes)
    }

    /// Counts the bytes that arrive until `end`; returns the longest silence.
    fn drain(&mut self, end: Instant) -> Result<Duration> {
        let (mut longest, mut acknowledged) = (Duration::ZERO, self.bytes);
        loop {
            let asked = Instant::now();
            let left = end.saturating_duration_since(asked);
            if left.is_zero() {
                return Ok(longest);
            }
            self.stream.get_ref().set_read_timeout(Some(left))?;
            let came = match self.stream.fill_buf() {
                Ok(bytes) => bytes.len(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                Err(error) => return Err(error),
            };
            longest = longest.max(asked.elapsed());
            if came == 0 {
                // Either the time is over or the stream has ended; the rest of the time then counts as silence.
                return Ok(longest.max(end.saturating_duration_since(Instant::now())));
            }
            self.stream.consume(came);
            self.bytes += came as u64;
            if self.bytes - acknowledged >= ACKNOWLEDGED_BYTES {
                acknowledged = self.bytes;
                // The count wraps after 4 GiB, as in the protocol.
                let count = (self.bytes as u32).to_be_bytes();
                self.send(2, kind::ACKNOWLEDGEMENT, 0, &count)?;
            }
        }
    }
}

fn refused(what: &str) -> Error {
    Error::other(format!("the server refused to {what}"))
}

/// Appends a string in AMF 0.
fn text(message: &mut Vec<u8>, text: &str) {
    message.push(2);
    key(message, text);
}

/// Appends the name of a property in AMF 0, which is also a string without its marker.
fn key(message: &mut Vec<u8>, text: &str) {
    message.extend_from_slice(&(text.len() as u16).to_be_bytes());
    message.extend_from_slice(text.as_bytes());
}

/// Appends a number in AMF 0.
fn number(message: &mut Vec<u8>, number: f64) {
    message.push(0);
    message.extend_from_slice(&number.to_be_bytes());
}

/// Marker of null in AMF 0.
const NULL: u8 = 5;

fn connect(application: &str, address: &str) -> Vec<u8> {
    let mut message = Vec::new();
    text(&mut message, "connect");
    number(&mut message, 1.0);
    message.push(3);
    let flash = "LNX 9,0,124,2";
    for (name, value) in [
        ("app", application),
        ("tcUrl", address),
        ("flashVer", flash),
    ] {
        key(&mut message, name);
        text(&mut message, value);
    }
    message.extend_from_slice(&[0, 0, 9]);
    message
}

fn create_stream() -> Vec<u8> {
    let mut message = Vec::new();
    text(&mut message, "createStream");
    number(&mut message, 2.0);
    message.push(NULL);
    message
}

fn play(name: &str) -> Vec<u8> {
    let mut message = Vec::new();
    text(&mut message, "play");
    number(&mut message, 3.0);
    message.push(NULL);
    text(&mut message, name);
    number(&mut message, 0.0);
    message
}
