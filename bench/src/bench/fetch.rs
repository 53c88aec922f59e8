//! One viewer on one plain connection who sends one request after another: for warming caches and for latency.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};
use xtask::command::Outcome;

/// An open connection.
pub struct Viewer {
    stream: BufReader<TcpStream>,
    host: String,
    buffer: Vec<u8>,
}

impl Viewer {
    /// Connects to a server on this machine.
    pub fn connect(port: u16) -> Outcome<Self> {
        let open = || {
            let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(Duration::from_secs(30)))?;
            Ok(stream)
        };
        let stream = open().map_err(|error: std::io::Error| format!("cannot connect: {error}"))?;
        Ok(Self {
            stream: BufReader::with_capacity(64 * 1024, stream),
            host: format!("localhost:{port}"),
            buffer: vec![0; 256 * 1024],
        })
    }

    /// Returns the time from the request to the last byte. A target may have a header line after a tab. Any status but
    /// 200 and 206 is an error.
    pub fn get(&mut self, target: &str, cookie: Option<&str>) -> Outcome<Duration> {
        let (path, header) = target.split_once('\t').unwrap_or((target, "Accept: */*"));
        let cookie = cookie
            .map(|cookie| format!("Cookie: {cookie}\r\n"))
            .unwrap_or_default();
        let host = match header.strip_prefix("Host: ") {
            Some(_) => String::new(),
            None => format!("Host: {}\r\n", self.host),
        };
        let request = format!("GET {path} HTTP/1.1\r\n{host}{header}\r\n{cookie}\r\n");
        let started = Instant::now();
        let sent = self.stream.get_mut().write_all(request.as_bytes());
        sent.map_err(|error| error.to_string())?;
        let size = self
            .head()
            .map_err(|message| format!("{path}: {message}"))?;
        self.drain(size).map_err(|error| error.to_string())?;
        Ok(started.elapsed())
    }

    /// Reads a response head; returns the length of the body that follows.
    fn head(&mut self) -> Outcome<usize> {
        let mut line = String::new();
        let mut size = None;
        let mut next = |stream: &mut BufReader<TcpStream>| {
            line.clear();
            let read = stream.read_line(&mut line);
            read.map_err(|error| error.to_string())?;
            Ok::<String, String>(line.trim_end().to_ascii_lowercase())
        };
        let status = next(&mut self.stream)?;
        if !(status.starts_with("http/1.1 200") || status.starts_with("http/1.1 206")) {
            return Err(format!("the answer was {status:?}"));
        }
        loop {
            let line = next(&mut self.stream)?;
            if line.is_empty() {
                return size.ok_or_else(|| "the answer has no length".to_owned());
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                size = value.trim().parse().ok();
            }
        }
    }

    fn drain(&mut self, mut size: usize) -> std::io::Result<()> {
        while size > 0 {
            let end = size.min(self.buffer.len());
            let read = self.stream.read(&mut self.buffer[..end])?;
            if read == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            size -= read;
        }
        Ok(())
    }
}
