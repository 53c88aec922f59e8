//! An RTMP viewer whose messages are written by hand, so that the edge is not checked against our own chunks.

use crate::support::Viewer;
use std::collections::HashMap;

/// An AMF 0 value.
#[derive(Clone, Debug, PartialEq)]
pub enum Amf {
    Number(f64),
    Boolean(bool),
    Text(String),
    Object(Vec<(String, Amf)>),
    Null,
}

impl Amf {
    pub fn text(text: &str) -> Amf {
        Amf::Text(text.to_owned())
    }

    fn write(&self, out: &mut Vec<u8>) {
        let short = |text: &str, out: &mut Vec<u8>| {
            out.extend((text.len() as u16).to_be_bytes());
            out.extend(text.as_bytes());
        };
        match self {
            Amf::Number(number) => {
                out.push(0);
                out.extend(number.to_be_bytes());
            }
            Amf::Boolean(boolean) => out.extend([1, u8::from(*boolean)]),
            Amf::Text(text) => {
                out.push(2);
                short(text, out);
            }
            Amf::Object(fields) => {
                out.push(3);
                for (key, value) in fields {
                    short(key, out);
                    value.write(out);
                }
                out.extend([0, 0, 9]);
            }
            Amf::Null => out.push(5),
        }
    }

    fn read(bytes: &mut &[u8]) -> Amf {
        match take(bytes, 1)[0] {
            0 => Amf::Number(f64::from_be_bytes(take(bytes, 8).try_into().unwrap())),
            1 => Amf::Boolean(take(bytes, 1)[0] != 0),
            2 => Amf::Text(Self::read_text(bytes)),
            marker @ (3 | 8) => {
                take(bytes, if marker == 8 { 4 } else { 0 });
                let mut fields = Vec::new();
                loop {
                    let key = Self::read_text(bytes);
                    if key.is_empty() && bytes[0] == 9 {
                        take(bytes, 1);
                        return Amf::Object(fields);
                    }
                    fields.push((key, Self::read(bytes)));
                }
            }
            5 => Amf::Null,
            marker => panic!("an unknown marker {marker}"),
        }
    }

    fn read_text(bytes: &mut &[u8]) -> String {
        let length = u16::from_be_bytes(take(bytes, 2).try_into().unwrap());
        String::from_utf8(take(bytes, length.into()).to_vec()).unwrap()
    }

    fn field(&self, key: &str) -> Option<&str> {
        let Amf::Object(fields) = self else {
            return None;
        };
        let (_, value) = fields.iter().find(|(name, _)| name == key)?;
        match value {
            Amf::Text(text) => Some(text),
            Amf::Number(_) | Amf::Boolean(_) | Amf::Object(_) | Amf::Null => None,
        }
    }
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(length);
    *bytes = rest;
    taken
}

/// A message from the edge.
#[derive(Clone, Debug, PartialEq)]
pub struct RtmpMessage {
    pub kind: u8,
    pub timestamp_ms: u32,
    pub body: Vec<u8>,
}

impl RtmpMessage {
    /// Returns the values of a command or data message.
    pub fn values(&self) -> Vec<Amf> {
        let mut rest = &self.body[..];
        let mut values = Vec::new();
        while !rest.is_empty() {
            values.push(Amf::read(&mut rest));
        }
        values
    }

    /// Returns the code of a status or an error, or the name of any other command or data message.
    pub fn code(&self) -> Option<String> {
        if self.kind != 20 && self.kind != 18 {
            return None;
        }
        let values = self.values();
        let code = values.iter().rev().find_map(|value| value.field("code"));
        match (code, &values[0]) {
            (Some(code), _) => Some(code.to_owned()),
            (None, Amf::Text(name)) => Some(name.clone()),
            (None, _) => None,
        }
    }
}

#[derive(Default)]
struct ChunkStream {
    timestamp_ms: u32,
    size_bytes: usize,
    kind: u8,
    body: Vec<u8>,
}

/// A connection after the handshake.
pub struct RtmpViewer {
    viewer: Viewer,
    streams: HashMap<u8, ChunkStream>,
    chunk_size_bytes: usize,
}

impl RtmpViewer {
    /// Does the handshake; returns `None` when the edge closes the connection instead.
    pub fn greet(mut viewer: Viewer) -> Option<RtmpViewer> {
        let mut hello = vec![3];
        hello.extend([0; 8]);
        hello.extend([b'v'; 1528]);
        viewer.send(&hello);
        let answer = viewer.take(1 + 2 * 1536);
        if answer.len() < 1 + 2 * 1536 {
            return None;
        }
        assert_eq!(answer[0], 3);
        assert_eq!(answer[1 + 1536..], hello[1..], "the edge echoes");
        viewer.send(&answer[1..=1536]);
        Some(RtmpViewer {
            viewer,
            streams: HashMap::new(),
            chunk_size_bytes: 128,
        })
    }

    pub fn send(&mut self, kind: u8, stream_id: u32, body: &[u8]) {
        let mut bytes = vec![3, 0, 0, 0];
        bytes.extend(&(body.len() as u32).to_be_bytes()[1..]);
        bytes.push(kind);
        bytes.extend(stream_id.to_le_bytes());
        for (at, piece) in body.chunks(128).enumerate() {
            if at > 0 {
                bytes.push(0xc3);
            }
            bytes.extend(piece);
        }
        self.viewer.send(&bytes);
    }

    /// Sends a command of the connection or of a stream.
    pub fn say(&mut self, stream_id: u32, name: &str, arguments: &[Amf]) {
        let mut body = Vec::new();
        Amf::text(name).write(&mut body);
        Amf::Number(1.0).write(&mut body);
        for argument in arguments {
            argument.write(&mut body);
        }
        self.send(20, stream_id, &body);
    }

    /// Connects; returns the code of the response.
    pub fn connect(&mut self, host: &str, application: &str) -> String {
        let fields = [
            ("app", application.to_owned()),
            ("flashVer", "LNX 9,0,124,2".to_owned()),
            ("tcUrl", format!("rtmp://{host}:1935/{application}")),
            ("pageUrl", "https://www.example.com/player".to_owned()),
        ];
        let fields = fields.map(|(key, value)| (key.to_owned(), Amf::Text(value)));
        self.say(0, "connect", &[Amf::Object(fields.into())]);
        self.next_code().expect("an answer to connect")
    }

    pub fn play(&mut self, name: &str) {
        self.say(
            1,
            "play",
            &[Amf::Null, Amf::text(name), Amf::Number(-2000.0)],
        );
    }

    pub fn seek(&mut self, milliseconds: f64) {
        self.say(1, "seek", &[Amf::Null, Amf::Number(milliseconds)]);
    }

    pub fn pause(&mut self, pause: bool, milliseconds: f64) {
        let arguments = [Amf::Null, Amf::Boolean(pause), Amf::Number(milliseconds)];
        self.say(1, "pause", &arguments);
    }

    /// Announces the viewer's buffer length.
    pub fn hold(&mut self, milliseconds: u32) {
        let body = [&[0, 3, 0, 0, 0, 1][..], &milliseconds.to_be_bytes()].concat();
        self.send(4, 0, &body);
    }

    /// Returns the next message; `None` when the edge has closed the connection.
    pub fn next(&mut self) -> Option<RtmpMessage> {
        loop {
            let basic = *self.viewer.take(1).first()?;
            let stream = self.streams.entry(basic & 0x3f).or_default();
            let format = basic >> 6;
            if format < 3 {
                let header = self.viewer.take([11, 7, 3][usize::from(format)]);
                let number =
                    |at: usize| u32::from_be_bytes([0, header[at], header[at + 1], header[at + 2]]);
                assert_ne!(number(0), 0xff_ffff, "no video here is that long");
                stream.timestamp_ms = match format {
                    0 => number(0),
                    _ => stream.timestamp_ms + number(0),
                };
                if format < 2 {
                    stream.size_bytes = number(3) as usize;
                    stream.kind = header[6];
                }
            }
            let left = stream.size_bytes - stream.body.len();
            let piece = self.viewer.take(left.min(self.chunk_size_bytes));
            if piece.len() < left.min(self.chunk_size_bytes) {
                return None;
            }
            stream.body.extend(piece);
            if stream.body.len() < stream.size_bytes {
                continue;
            }
            let body = std::mem::take(&mut stream.body);
            if stream.kind == 1 {
                self.chunk_size_bytes = u32::from_be_bytes(body[..4].try_into().unwrap()) as usize;
                continue;
            }
            return Some(RtmpMessage {
                kind: stream.kind,
                timestamp_ms: stream.timestamp_ms,
                body,
            });
        }
    }

    /// Returns the code of the next command or data message, skipping media.
    pub fn next_code(&mut self) -> Option<String> {
        loop {
            if let Some(code) = self.next()?.code() {
                return Some(code);
            }
        }
    }

    /// Returns all messages before the one with `code`.
    #[track_caller]
    pub fn until(&mut self, code: &str) -> Vec<RtmpMessage> {
        let mut messages = Vec::new();
        loop {
            let Some(message) = self.next() else {
                panic!("the connection ended before {code}");
            };
            let about = message.code();
            if about.as_deref() == Some(code) {
                return messages;
            }
            let refused = about
                .as_ref()
                .is_some_and(|about| about.ends_with("Failed"));
            assert!(!refused, "{about:?} before {code}");
            messages.push(message);
        }
    }
}
