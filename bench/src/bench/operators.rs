//! An operator of a running Privet, for benches: an access key, a store filled with distributions, requests to `/v1`.

use super::servers::write;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use xtask::command::{self, Outcome, output};

/// Number of distributions in one file that is imported.
const IMPORT_MAX: usize = 50_000;

/// Makes an operator in the store of a configuration. Returns the bearer token.
pub fn token(config: &Path) -> Outcome<String> {
    let said = output(
        privet()
            .args([
                "operator", "create", "bench", "--role", "admin", "--json", "--config",
            ])
            .arg(config),
    )?;
    let key: Value = serde_json::from_str(&said).map_err(|error| error.to_string())?;
    let text = |name: &str| key[name].as_str().unwrap_or_default().to_owned();
    Ok(format!(
        "{}.{}",
        text("access_key_id"),
        text("secret_access_key")
    ))
}

/// Puts keys and distributions into the store of a configuration.
pub fn import(config: &Path, folder: &Path, base: &str, distributions: &[String]) -> Outcome {
    for (number, chunk) in distributions.chunks(IMPORT_MAX).enumerate() {
        // The keys come with each file, for what it refers to is looked for in it and in the store.
        let mut text = base.to_owned();
        chunk
            .iter()
            .for_each(|distribution| text.push_str(distribution));
        let file = folder.join(format!("service-{number}.toml"));
        write(&file, &text)?;
        command::run(
            privet()
                .arg("import")
                .arg(&file)
                .arg("--config")
                .arg(config)
                .stdout(std::process::Stdio::null()),
        )?;
    }
    Ok(())
}

fn privet() -> Command {
    Command::new(command::target().join("release/privet"))
}

/// A connection to the operators' interface, or to another server of CloudFront's API, kept alive.
pub struct Operator {
    port: u16,
    authorization: String,
    stream: Option<BufReader<TcpStream>>,
}

/// An answer of the interface.
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

/// An answer as it came.
pub struct Received {
    pub status: u16,
    /// Empty if it has none.
    pub etag: String,
    pub body: Vec<u8>,
}

impl Operator {
    /// Makes an operator who connects with the first request.
    pub fn new(port: u16, token: &str) -> Self {
        Self::with(port, &format!("Bearer {token}"))
    }

    /// Makes one who sends this as `Authorization`.
    pub fn with(port: u16, authorization: &str) -> Self {
        Operator {
            port,
            authorization: authorization.to_owned(),
            stream: None,
        }
    }

    /// Sends a request with a JSON body, or none, whose answer has one.
    pub fn ask(
        &mut self,
        method: &str,
        target: &str,
        etag: Option<&str>,
        body: Option<&Value>,
    ) -> Outcome<Answer> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let received = self.send(method, target, etag, ("application/json", &body))?;
        Ok(Answer {
            status: received.status,
            body: serde_json::from_slice(&received.body).unwrap_or_default(),
        })
    }

    /// Sends a request with a body of this type, or none if it is empty. A connection that the server has closed
    /// meanwhile is opened again once.
    pub fn send(
        &mut self,
        method: &str,
        target: &str,
        etag: Option<&str>,
        (kind, body): (&str, &str),
    ) -> Outcome<Received> {
        let mut head = format!(
            "{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: {}\r\n",
            self.port, self.authorization
        );
        // Writing to a string does not fail.
        if let Some(etag) = etag {
            let _ = write!(head, "If-Match: {etag}\r\n");
        }
        if !body.is_empty() {
            let _ = write!(head, "Content-Type: {kind}\r\n");
        }
        let _ = write!(head, "Content-Length: {}\r\n\r\n{body}", body.len());
        if self.stream.is_some()
            && let Ok(answer) = self.exchange(&head)
        {
            return Ok(answer);
        }
        self.stream = None;
        self.exchange(&head)
    }

    fn exchange(&mut self, request: &str) -> Outcome<Received> {
        let fault = |error: std::io::Error| error.to_string();
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(("127.0.0.1", self.port)).map_err(fault)?;
                stream.set_nodelay(true).map_err(fault)?;
                self.stream.insert(BufReader::new(stream))
            }
        };
        stream
            .get_mut()
            .write_all(request.as_bytes())
            .map_err(fault)?;
        let (mut status, mut length, mut closes) = (0, 0, false);
        let mut etag = String::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).map_err(fault)? == 0 {
                return Err("the connection was closed".to_owned());
            }
            let text = line.trim_end();
            let line = text.to_ascii_lowercase();
            if let Some(rest) = line.strip_prefix("http/1.") {
                let code = rest.get(2..5).and_then(|text| text.parse().ok());
                status = code.unwrap_or(0);
                closes = rest.starts_with('0');
            } else if line.starts_with("etag: ") {
                text.get("etag: ".len()..)
                    .unwrap_or_default()
                    .clone_into(&mut etag);
            } else if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap_or(0);
            } else if line == "connection: close" {
                closes = true;
            } else if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).map_err(fault)?;
        if closes {
            self.stream = None;
        }
        Ok(Received { status, etag, body })
    }
}
