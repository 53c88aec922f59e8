//! A viewer over HTTP/1.1 that sends arbitrary bytes and returns responses as they came.

use crate::support::{HOST, trusted_roots};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use socket2::{Domain, Socket, Type};
use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Longest wait for a response; none takes this long unless something is wrong.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A request.
#[derive(Clone, Debug)]
pub struct Ask {
    pub method: String,
    pub url: String,
    pub version: &'static str,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub source: Option<IpAddr>,
}

impl Ask {
    pub fn get(url: impl Into<String>) -> Self {
        Ask {
            method: "GET".into(),
            url: url.into(),
            version: "HTTP/1.1",
            headers: Vec::new(),
            body: Vec::new(),
            source: None,
        }
    }

    pub fn method(mut self, method: &str) -> Self {
        self.method = method.into();
        self
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn version(mut self, version: &'static str) -> Self {
        self.version = version;
        self
    }

    pub fn by_address(mut self, source: &str) -> Self {
        self.source = Some(source.parse().unwrap());
        self
    }

    pub fn is_https(&self) -> bool {
        self.url.starts_with("https://")
    }

    /// Returns host and target as typed, without normalization.
    pub fn host_and_target(&self) -> (&str, &str) {
        let (_, rest) = self.url.split_once("://").unwrap();
        match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, "/"),
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let (host, target) = self.host_and_target();
        let mut head = format!(
            "{} {target} {}\r\nHost: {host}\r\n",
            self.method, self.version
        );
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// A response as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status_line: String,
    /// Header fields in order, their names as spelled.
    pub headers: Vec<(String, String)>,
    pub head_size_bytes: usize,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn status(&self) -> u16 {
        self.status_line[9..12].parse().unwrap()
    }

    /// Returns the only header with exactly this spelling.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} stands twice");
        value
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(stream) => stream.read(buffer),
            Stream::Tls(stream) => stream.read(buffer),
        }
    }
}

/// A viewer's connection.
pub struct Viewer {
    stream: Stream,
    /// Bytes received but not read yet.
    unread: Vec<u8>,
}

impl Viewer {
    pub fn plain(edge: SocketAddr, source: Option<IpAddr>) -> Self {
        Self::over(connect(edge, source, None).unwrap())
    }

    /// Uses a connection that was made before.
    pub fn over(stream: TcpStream) -> Self {
        Viewer {
            stream: Stream::Plain(stream),
            unread: Vec::new(),
        }
    }

    /// Returns a viewer with a small receive buffer, so that what it does not read stays with the edge.
    pub fn narrow(edge: SocketAddr) -> Self {
        Viewer {
            stream: Stream::Plain(connect(edge, None, Some(4096)).unwrap()),
            unread: Vec::new(),
        }
    }

    pub fn tls(edge: SocketAddr, source: Option<IpAddr>) -> Self {
        Self::encrypted(connect(edge, source, None).unwrap())
    }

    pub fn narrow_tls(edge: SocketAddr) -> Self {
        Self::encrypted(connect(edge, None, Some(4096)).unwrap())
    }

    /// Starts TLS on a connection that was made before.
    pub fn encrypted(stream: TcpStream) -> Self {
        let name = ServerName::try_from(HOST).unwrap();
        let session = ClientConnection::new(client_config(), name).unwrap();
        Viewer {
            stream: Stream::Tls(Box::new(StreamOwned::new(session, stream))),
            unread: Vec::new(),
        }
    }

    fn socket(&self) -> &TcpStream {
        match &self.stream {
            Stream::Plain(stream) => stream,
            Stream::Tls(stream) => &stream.sock,
        }
    }

    /// Returns the viewer's own address.
    pub fn local(&self) -> SocketAddr {
        self.socket().local_addr().unwrap()
    }

    /// Closes the sending side.
    pub fn half_close(&mut self) {
        let _ = self.socket().shutdown(Shutdown::Write);
    }

    /// Sends as much as the edge accepts; a connection that was closed meanwhile accepts nothing more.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.try_send(bytes);
    }

    pub fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.write_all(bytes),
            Stream::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }

    #[track_caller]
    pub fn ask(&mut self, ask: &Ask) -> Answer {
        self.send(&ask.bytes());
        self.answer(&ask.method)
            .unwrap_or_else(|| panic!("no answer to {} {}", ask.method, ask.url))
    }

    #[track_caller]
    pub fn get(&mut self, url: &str) -> Answer {
        self.ask(&Ask::get(url))
    }

    /// Reads the next response; returns `None` when the connection ended before a complete head.
    pub fn answer(&mut self, method: &str) -> Option<Answer> {
        let mut answer = self.head()?;
        let length = answer
            .header("Content-Length")
            .map_or(0, |length| length.parse().unwrap());
        let bodiless = method == "HEAD" || answer.status() == 304 || answer.status() == 204;
        if !bodiless {
            answer.body = self.take(length);
        }
        Some(answer)
    }

    /// Reads the head of the next response.
    pub fn head(&mut self) -> Option<Answer> {
        let end = loop {
            if let Some(at) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            if !self.more() {
                return None;
            }
        };
        let head = String::from_utf8(self.unread.drain(..end + 4).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status_line = lines.next().unwrap().to_owned();
        let headers = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Some(Answer {
            status_line,
            headers,
            head_size_bytes: end + 4,
            body: Vec::new(),
        })
    }

    /// Returns up to `length` bytes; fewer when the connection ends.
    pub fn take(&mut self, length: usize) -> Vec<u8> {
        while self.unread.len() < length && self.more() {}
        let length = length.min(self.unread.len());
        self.unread.drain(..length).collect()
    }

    /// Returns everything until the connection ends.
    pub fn rest(&mut self) -> Vec<u8> {
        while self.more() {}
        std::mem::take(&mut self.unread)
    }

    fn more(&mut self) -> bool {
        let mut buffer = [0; 64 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(length) => {
                self.unread.extend_from_slice(&buffer[..length]);
                true
            }
            // The process was stopped and continued.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => true,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                panic!("the edge neither answered nor closed")
            }
            Err(_) => false,
        }
    }
}

/// Connects from `source`, with a receive buffer of about `window` bytes.
pub fn connect(
    edge: SocketAddr,
    source: Option<IpAddr>,
    window: Option<usize>,
) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(edge), Type::STREAM, None)?;
    if let Some(window) = window {
        socket.set_recv_buffer_size(window)?;
    }
    if let Some(source) = source {
        socket.bind(&SocketAddr::new(source, 0).into())?;
    }
    socket.connect(&edge.into())?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
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
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }))
}
