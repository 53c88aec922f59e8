//! Slow viewers: many connections that each read a large file a little at a time.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};
use xtask::command::Outcome;

const BITE_BYTES: usize = 64 * 1024;

/// Parameters of slow viewers.
pub struct SlowViewers {
    pub count: usize,
    /// Pause between two reads of the same viewer.
    pub pause: Duration,
    pub duration: Duration,
}

impl SlowViewers {
    /// Opens the connections, requests `target(number)` on each, and reads slowly. A target may have a header line
    /// after a tab. Returns what was read.
    pub fn read(
        &self,
        port: u16,
        cookie: Option<&str>,
        target: impl Fn(usize) -> String,
    ) -> Outcome<Taken> {
        let cookie = cookie
            .map(|cookie| format!("Cookie: {cookie}\r\n"))
            .unwrap_or_default();
        let connect = |number: usize| {
            let target = target(number);
            let (path, header) = target.split_once('\t').unwrap_or((&target, "Accept: */*"));
            let host = format!("Host: localhost:{port}");
            let request = format!("GET {path} HTTP/1.1\r\n{host}\r\n{header}\r\n{cookie}\r\n");
            connect(port, &request)
        };
        let mut readers = (0..self.count).map(connect).collect::<Outcome<Vec<_>>>()?;
        let deadline = Instant::now() + self.duration;
        let mut total = 0;
        let mut bite = vec![0; BITE_BYTES];
        while Instant::now() < deadline {
            let round = Instant::now();
            for reader in &mut readers {
                total += reader.take(&mut bite)?;
            }
            thread::sleep(self.pause.saturating_sub(round.elapsed()));
        }
        let unanswered = readers.iter().filter(|reader| !reader.is_served).count();
        Ok(Taken {
            bytes: total,
            unanswered,
        })
    }
}

/// Result of slow viewers.
pub struct Taken {
    pub bytes: u64,
    /// Number of viewers without a 200 or 206 at the end.
    pub unanswered: usize,
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
    /// Reads once, if there is something to read.
    fn take(&mut self, bite: &mut [u8]) -> Outcome<u64> {
        match self.stream.read(bite) {
            Ok(size) => {
                self.is_served |= bite
                    .get(..size)
                    .is_some_and(|bytes| bytes.starts_with(b"HTTP/1.1 20"));
                Ok(size as u64)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(format!("a slow viewer was cut off: {error}")),
        }
    }
}
