//! Sends arbitrary bytes to the admin socket.

use crate::support::PATIENCE;
use serde_json::Value;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// The socket's response.
#[derive(Debug)]
pub struct OperatorAnswer {
    pub status: u16,
    pub head: String,
    pub json: Value,
}

impl OperatorAnswer {
    /// Returns the text of the error.
    #[track_caller]
    pub fn error(&self) -> &str {
        self.json["error"].as_str().unwrap()
    }
}

/// Sends the bytes and reads to the end; a response may come before everything is sent.
#[track_caller]
pub fn tell_operator_socket(socket: &Path, bytes: &[u8]) -> OperatorAnswer {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8(answer).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").expect("an answer");
    OperatorAnswer {
        status: head[9..12].parse().unwrap(),
        head: head.to_owned(),
        json: serde_json::from_str(body).unwrap(),
    }
}

/// Sends one well-formed request.
#[track_caller]
pub fn ask_operator_socket(socket: &Path, line: &str, body: &str) -> OperatorAnswer {
    let length = body.len();
    let request =
        format!("{line} HTTP/1.1\r\nHost: privet\r\nContent-Length: {length}\r\n\r\n{body}");
    tell_operator_socket(socket, request.as_bytes())
}
