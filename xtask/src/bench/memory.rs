//! Slow viewers: many connections that each take a large file a little at a time.

use crate::command::Outcome;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// Connections at once.
pub const READERS: usize = 500;
const BITE_BYTES: usize = 64 * 1024;
const PAUSE: Duration = Duration::from_millis(100);

/// Opens the connections, asks each for `target`, and reads slowly for `duration`.
/// Returns how many bytes came. The error says how many viewers got no 200.
pub fn read_slowly(
    port: u16,
    target: &str,
    cookie: Option<&str>,
    duration: Duration,
) -> Outcome<u64> {
    let cookie = cookie
        .map(|cookie| format!("Cookie: {cookie}\r\n"))
        .unwrap_or_default();
    let request = format!("GET {target} HTTP/1.1\r\nHost: localhost:{port}\r\n{cookie}\r\n");
    let mut readers = (0..READERS)
        .map(|_| connect(port, &request))
        .collect::<Outcome<Vec<_>>>()?;
    let deadline = Instant::now() + duration;
    let mut total = 0;
    let mut bite = vec![0; BITE_BYTES];
    while Instant::now() < deadline {
        let round = Instant::now();
        for reader in &mut readers {
            total += reader.take(&mut bite)?;
        }
        thread::sleep(PAUSE.saturating_sub(round.elapsed()));
    }
    let refused = readers.iter().filter(|reader| !reader.is_served).count();
    if refused == 0 {
        Ok(total)
    } else {
        Err(format!("{refused} of {READERS} slow viewers got no 200"))
    }
}

struct Reader {
    stream: TcpStream,
    is_served: bool,
}

fn connect(port: u16, request: &str) -> Outcome<Reader> {
    let open = || {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.write_all(request.as_bytes())?;
        stream.set_nonblocking(true)?;
        Ok(Reader {
            stream,
            is_served: false,
        })
    };
    open().map_err(|error: std::io::Error| format!("a slow viewer cannot connect: {error}"))
}

impl Reader {
    /// One bite, if there is something to bite.
    fn take(&mut self, bite: &mut [u8]) -> Outcome<u64> {
        match self.stream.read(bite) {
            Ok(size) => {
                self.is_served |= bite
                    .get(..size)
                    .is_some_and(|bytes| bytes.starts_with(b"HTTP/1.1 200"));
                Ok(size as u64)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(format!("a slow viewer was cut off: {error}")),
        }
    }
}
