//! HTTP/2 viewers that send requests on every stream, open every window and read nothing. openssl does the encryption.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use xtask::command::Outcome;

/// Connection preface (RFC 9113 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const WINDOW_UPDATE: u8 = 8;
/// Flags END_STREAM and END_HEADERS.
const WHOLE: u8 = 0x5;
const INITIAL_WINDOW_SIZE: u16 = 4;
const WINDOW_SIZE_BYTES_MAX: u32 = 0x7fff_ffff;
const FIRST_WINDOW_SIZE_BYTES: u32 = 65_535;

/// Connected viewers; dropping them closes their connections.
pub struct IdleViewers(Vec<Child>);

impl IdleViewers {
    /// Connects `count` viewers, each of which sends `streams` requests for `path` with `cookie`.
    pub fn connect(
        count: usize,
        streams: u32,
        port: u16,
        (path, cookie): (&str, &str),
    ) -> Outcome<Self> {
        let requests = requests(streams, port, path, cookie);
        let mut viewers = IdleViewers(Vec::new());
        for _ in 0..count {
            let mut command = Command::new("openssl");
            command.args(["s_client", "-quiet", "-alpn", "h2", "-connect"]);
            command.arg(format!("127.0.0.1:{port}"));
            // Its output is not read, so it stops reading the connection.
            let viewer = command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .map_err(|error| format!("openssl cannot be started: {error}"))?;
            viewers.0.push(viewer);
            let said = viewers.0.last_mut().and_then(|last| last.stdin.as_mut());
            if let Some(stdin) = said {
                stdin
                    .write_all(&requests)
                    .map_err(|error| format!("an idle viewer is gone: {error}"))?;
            }
        }
        Ok(viewers)
    }
}

impl Drop for IdleViewers {
    fn drop(&mut self) {
        for viewer in &mut self.0 {
            let _ = viewer.kill();
            let _ = viewer.wait();
        }
    }
}

fn requests(streams: u32, port: u16, path: &str, cookie: &str) -> Vec<u8> {
    let mut window = INITIAL_WINDOW_SIZE.to_be_bytes().to_vec();
    window.extend(WINDOW_SIZE_BYTES_MAX.to_be_bytes());
    let mut bytes = PREFACE.to_vec();
    bytes.extend(frame(SETTINGS, 0, 0, &window));
    let increment = WINDOW_SIZE_BYTES_MAX - FIRST_WINDOW_SIZE_BYTES;
    bytes.extend(frame(WINDOW_UPDATE, 0, 0, &increment.to_be_bytes()));
    let mut block = Vec::new();
    let authority = format!("localhost:{port}");
    for (name, value) in [
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", &authority),
        (":path", path),
        ("cookie", cookie),
    ] {
        // A literal without indexing (RFC 7541 6.2.2).
        block.push(0);
        string(name, &mut block);
        string(value, &mut block);
    }
    for number in 0..streams {
        bytes.extend(frame(HEADERS, WHOLE, number * 2 + 1, &block));
    }
    bytes
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Appends the length as an integer with a prefix of seven bits (RFC 7541 5.1), and the text.
fn string(text: &str, bytes: &mut Vec<u8>) {
    const PREFIX_MAX: usize = 127;
    if text.len() < PREFIX_MAX {
        bytes.push(text.len() as u8);
    } else {
        bytes.push(PREFIX_MAX as u8);
        let mut rest = text.len() - PREFIX_MAX;
        while rest >= 128 {
            bytes.push((rest % 128) as u8 | 0x80);
            rest /= 128;
        }
        bytes.push(rest as u8);
    }
    bytes.extend(text.as_bytes());
}
