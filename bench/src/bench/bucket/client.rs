//! A client of S3 over plain HTTP/1.1: signs every request (SigV4 in the header, with the digest of the body), and
//! reads answers with as little work as possible.

use aws_lc_rs::{digest, hmac};
use jiff::Timestamp;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;
use xtask::command::Outcome;

/// Size of what is read of an answer's body at a time.
const READ_SIZE_BYTES: usize = 256 * 1024;
/// Bodies up to this size leave together with their head.
const TOGETHER_SIZE_BYTES: usize = 64 * 1024;
/// Maximum size of an answer that is kept.
const KEPT_SIZE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Time after which a silent server counts as stuck.
const SILENCE_MAX: Duration = Duration::from_secs(120);
const REGION: &str = "us-east-1";

/// An access key.
#[derive(Clone)]
pub struct Keys {
    pub access_key_id: String,
    pub secret_access_key: String,
}

/// A body that is sent, with what its signature says of it.
pub struct Payload {
    bytes: Vec<u8>,
    sha256: String,
}

impl Payload {
    pub fn new(bytes: Vec<u8>) -> Self {
        Payload {
            sha256: hex(digest::digest(&digest::SHA256, &bytes).as_ref()),
            bytes,
        }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// What is to be done with the body of an answer.
#[derive(Clone, Copy)]
pub enum Reading<'a> {
    /// It is thrown away; its length has to be this.
    Discard(usize),
    /// It has to be these bytes.
    Compare(&'a [u8]),
    /// It is returned.
    Keep,
}

/// A connection to a server of S3, opened with the first request and kept alive.
pub struct S3Client {
    port: u16,
    keys: Keys,
    stream: Option<BufReader<TcpStream>>,
    /// The key of a day's signatures.
    signing: Option<(String, hmac::Key)>,
    buffer: Vec<u8>,
}

/// The head of an answer.
#[derive(Default)]
struct Head {
    status: u16,
    length: Option<usize>,
    is_chunked: bool,
    closes: bool,
}

impl S3Client {
    pub fn new(port: u16, keys: &Keys) -> Self {
        S3Client {
            port,
            keys: keys.clone(),
            stream: None,
            signing: None,
            buffer: vec![0; READ_SIZE_BYTES],
        }
    }

    /// Puts an object, or makes a bucket.
    pub fn put(&mut self, path: &str, payload: &Payload) -> Outcome {
        self.send("PUT", path, (&[], payload), Reading::Keep)
            .map(|_| ())
    }

    /// Gets an object.
    pub fn get(&mut self, path: &str, reading: Reading<'_>) -> Outcome {
        let nothing = Payload::new(Vec::new());
        self.send("GET", path, (&[], &nothing), reading).map(|_| ())
    }

    /// Sends a request with query parameters, and returns the answer's body if it is kept. A connection that the server
    /// has closed meanwhile is opened again once.
    ///
    /// Errors: every answer that is no success, and a body that is not what was expected.
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        (query, payload): (&[(&str, &str)], &Payload),
        reading: Reading<'_>,
    ) -> Outcome<Vec<u8>> {
        let head = self.head(method, path, query, payload);
        let fault = |error: io::Error| format!("{method} {path}: {error}");
        let answer = match self.begin(&head, &payload.bytes) {
            Err(_) if self.stream.is_some() => {
                self.stream = None;
                self.begin(&head, &payload.bytes).map_err(fault)?
            }
            result => result.map_err(fault)?,
        };
        let reading = match answer.status {
            200..=299 => reading,
            _ => Reading::Keep,
        };
        let body = self.body(&answer, reading);
        if answer.closes || body.is_err() {
            self.stream = None;
        }
        let body = body.map_err(fault)?;
        match answer.status {
            200..=299 => Ok(body),
            status => Err(format!(
                "{method} {path}: {status} {}",
                String::from_utf8_lossy(&body)
            )),
        }
    }

    /// Returns the head of a request, signed.
    fn head(
        &mut self,
        method: &str,
        path: &str,
        query: &[(&str, &str)],
        payload: &Payload,
    ) -> String {
        let date = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = date.get(..8).unwrap_or_default().to_owned();
        let query = canonical_query(query);
        let host = format!("127.0.0.1:{}", self.port);
        let sha256 = &payload.sha256;
        let canonical = format!(
            "{method}\n{path}\n{query}\nhost:{host}\nx-amz-content-sha256:{sha256}\nx-amz-date:{date}\n\n\
             host;x-amz-content-sha256;x-amz-date\n{sha256}"
        );
        let scope = format!("{day}/{REGION}/s3/aws4_request");
        let canonical = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
        let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{canonical}");
        let signature = hex(hmac::sign(self.signing_key(&day), text.as_bytes()).as_ref());
        let target = match query.is_empty() {
            true => path.to_owned(),
            false => format!("{path}?{query}"),
        };
        format!(
            "{method} {target} HTTP/1.1\r\nHost: {host}\r\nx-amz-date: {date}\r\nx-amz-content-sha256: {sha256}\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential={}/{scope}, \
             SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={signature}\r\nContent-Length: {}\r\n\r\n",
            self.keys.access_key_id,
            payload.bytes.len()
        )
    }

    fn signing_key(&mut self, day: &str) -> &hmac::Key {
        if self.signing.as_ref().is_none_or(|(of, _)| of != day) {
            self.signing = None;
        }
        let secret = &self.keys.secret_access_key;
        let (_, key) = self.signing.get_or_insert_with(|| {
            let key = |bytes: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, bytes);
            let mut signing = key(format!("AWS4{secret}").as_bytes());
            for step in [day, REGION, "s3", "aws4_request"] {
                signing = key(hmac::sign(&signing, step.as_bytes()).as_ref());
            }
            (day.to_owned(), signing)
        });
        key
    }

    /// Sends a request and reads the head of its answer.
    fn begin(&mut self, head: &str, body: &[u8]) -> io::Result<Head> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(SILENCE_MAX))?;
                stream.set_write_timeout(Some(SILENCE_MAX))?;
                self.stream.insert(BufReader::new(stream))
            }
        };
        if body.len() <= TOGETHER_SIZE_BYTES {
            stream
                .get_mut()
                .write_all(&[head.as_bytes(), body].concat())?;
        } else {
            stream.get_mut().write_all(head.as_bytes())?;
            stream.get_mut().write_all(body)?;
        }
        read_head(stream)
    }

    fn body(&mut self, head: &Head, reading: Reading<'_>) -> io::Result<Vec<u8>> {
        let (Some(stream), buffer) = (&mut self.stream, &mut self.buffer) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        // No content, and nothing is said of its length.
        if head.status == 204 {
            return Ok(Vec::new());
        }
        match (reading, head.length) {
            (Reading::Discard(expected), Some(length)) if expected == length => {
                each_piece(stream, buffer, length, |_, _| Ok(()))?;
                Ok(Vec::new())
            }
            (Reading::Compare(expected), Some(length)) if expected.len() == length => {
                each_piece(stream, buffer, length, |at, piece| {
                    match expected.get(at..at + piece.len()) == Some(piece) {
                        true => Ok(()),
                        false => Err(io::Error::other("these are other bytes")),
                    }
                })?;
                Ok(Vec::new())
            }
            (Reading::Discard(_) | Reading::Compare(_), length) => {
                Err(io::Error::other(format!("a body of {length:?} bytes")))
            }
            (Reading::Keep, _) if head.is_chunked => read_chunks(stream),
            (Reading::Keep, length) => {
                let length = length.map_or(KEPT_SIZE_BYTES_MAX, |length| length as u64);
                let mut body = Vec::new();
                stream
                    .by_ref()
                    .take(length.min(KEPT_SIZE_BYTES_MAX))
                    .read_to_end(&mut body)?;
                Ok(body)
            }
        }
    }
}

fn read_head(stream: &mut BufReader<TcpStream>) -> io::Result<Head> {
    let mut head = Head::default();
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let text = line.trim_end();
        if text.is_empty() && head.status == 100 {
            head = Head::default();
        } else if text.is_empty() {
            // A body whose end is the connection's.
            head.closes |= head.length.is_none() && !head.is_chunked && head.status != 204;
            return Ok(head);
        } else if let Some(rest) = text.strip_prefix("HTTP/1.") {
            let code = rest.get(2..5).and_then(|code| code.parse().ok());
            head.status = code.unwrap_or(0);
            head.closes = rest.starts_with('0');
        } else if let Some((name, value)) = text.split_once(':') {
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => head.length = value.parse().ok(),
                "transfer-encoding" => head.is_chunked = value.eq_ignore_ascii_case("chunked"),
                "connection" => head.closes = value.eq_ignore_ascii_case("close"),
                _ => {}
            }
        }
    }
}

/// Reads a body and gives each piece with its position to `take`.
fn each_piece(
    stream: &mut BufReader<TcpStream>,
    buffer: &mut [u8],
    length: usize,
    mut take: impl FnMut(usize, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut at = 0;
    while at < length {
        let room = buffer.len().min(length - at);
        let read = stream.read(&mut buffer[..room])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        take(at, &buffer[..read])?;
        at += read;
    }
    Ok(())
}

fn read_chunks(stream: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let size = line.trim_end().split(';').next().unwrap_or_default();
        let size = u64::from_str_radix(size, 16).map_err(io::Error::other)?;
        if body.len() as u64 + size > KEPT_SIZE_BYTES_MAX {
            return Err(io::Error::other("the body is too large"));
        }
        stream.by_ref().take(size).read_to_end(&mut body)?;
        stream.read_line(&mut String::new())?;
        if size == 0 {
            return Ok(body);
        }
    }
}

/// Returns parameters in their order with everything encoded that has to be.
fn canonical_query(parameters: &[(&str, &str)]) -> String {
    let mut encoded: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{}={}", percent_encoded(name), percent_encoded(value)))
        .collect();
    encoded.sort_unstable();
    encoded.join("&")
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_encoded_and_in_order() {
        let query = [("prefix", "a/b c"), ("list-type", "2"), ("delete", "")];
        assert_eq!(
            canonical_query(&query),
            "delete=&list-type=2&prefix=a%2Fb%20c"
        );
    }

    #[test]
    fn chunks_of_an_answer_are_joined() {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while !head.ends_with("\r\n\r\n") {
                reader.read_line(&mut head).unwrap();
            }
            let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
            stream.write_all(answer.as_bytes()).unwrap();
            head
        });
        let keys = Keys {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "secret".to_owned(),
        };
        let mut client = S3Client::new(port, &keys);
        let payload = Payload::new(Vec::new());
        let body = client.send("GET", "/b", (&[], &payload), Reading::Keep);
        assert_eq!(body.unwrap(), b"abcde");
        let head = server.join().unwrap();
        assert!(head.starts_with("GET /b HTTP/1.1\r\n"), "{head}");
        let refused = client.send("GET", "/b", (&[], &payload), Reading::Discard(3));
        assert!(refused.is_err());
    }
}
