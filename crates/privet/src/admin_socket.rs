//! Sends requests to a running edge over its admin socket.

use crate::command_error::CommandError;
use crate::config_file::ConfigOption;
use crate::configuration::{LoadError, read_text};
use crate::reason::reason;
use clap::Args;
use privet_distribution::config::read_toml;
use serde_json::Value;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The timeout for a response; the edge never takes that long.
const PATIENCE: Duration = Duration::from_secs(150);
const ANSWER_SIZE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Options that identify the running edge.
#[derive(Debug, Args)]
pub(crate) struct SocketArguments {
    #[command(flatten)]
    pub(crate) config: ConfigOption,
    /// Admin socket of the running edge, instead of the one named in its configuration
    #[arg(long, value_name = "PATH", conflicts_with = "config")]
    pub(crate) socket: Option<PathBuf>,
}

impl SocketArguments {
    /// Returns the path of the socket.
    ///
    /// # Errors
    /// [`CommandError::Configuration`], [`CommandError::NoSocket`].
    pub(crate) fn find(&self) -> Result<PathBuf, CommandError> {
        match &self.socket {
            Some(socket) => Ok(socket.clone()),
            None => {
                let config = self.config.file();
                configured_socket(&config)?.ok_or_else(|| CommandError::NoSocket {
                    config: config.display().to_string(),
                })
            }
        }
    }
}

/// Returns the admin socket of a configuration. Keys and certificates are not read: a user who may use the socket need
/// not be able to read them.
///
/// # Errors
/// [`CommandError::Configuration`].
pub(crate) fn configured_socket(config: &Path) -> Result<Option<PathBuf>, CommandError> {
    let text = read_text(config)?;
    let (document, _) = read_toml(&text, config).map_err(LoadError::Faults)?;
    Ok(document.node.admin_socket)
}

/// A request to the edge.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) method: &'static str,
    pub(crate) target: &'a str,
    pub(crate) body: Option<Value>,
}

impl Question<'_> {
    /// Sends the request and returns the edge's response.
    ///
    /// # Errors
    /// [`CommandError::EdgeAbsent`], [`CommandError::EdgeRefused`], [`CommandError::EdgeAnswer`].
    pub(crate) fn ask(&self, socket: &Path) -> Result<Value, CommandError> {
        let absent = |error: io::Error| CommandError::EdgeAbsent {
            socket: socket.display().to_string(),
            reason: reason(&error),
        };
        let mut stream = UnixStream::connect(socket).map_err(absent)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(absent)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(absent)?;
        // A failed write is not final: an edge that refuses to read more may have responded already.
        let written = stream.write_all(&self.encode());
        let mut answer = Vec::new();
        let read = stream
            .take(ANSWER_SIZE_BYTES_MAX)
            .read_to_end(&mut answer)
            .map_err(|error| CommandError::EdgeAnswer(reason(&error)));
        if answer.is_empty() {
            written.map_err(absent)?;
        }
        read?;
        decode(&answer)
    }

    fn encode(&self) -> Vec<u8> {
        let body = self.body.as_ref().map(Value::to_string).unwrap_or_default();
        let Question { method, target, .. } = self;
        format!(
            "{method} {target} HTTP/1.1\r\nHost: privet\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }
}

fn decode(answer: &[u8]) -> Result<Value, CommandError> {
    let garbled = || CommandError::EdgeAnswer("it does not come from Privet".to_owned());
    let head_end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .ok_or_else(garbled)?;
    let (head, body) = answer.split_at(head_end + 4);
    let status = std::str::from_utf8(head)
        .ok()
        .and_then(|head| head.strip_prefix("HTTP/1.1 "))
        .and_then(|rest| rest.get(..3)?.parse::<u16>().ok())
        .ok_or_else(garbled)?;
    let value: Value = serde_json::from_slice(body).map_err(|_| garbled())?;
    if status == 200 {
        return Ok(value);
    }
    let message = value.get("error").and_then(Value::as_str);
    Err(CommandError::EdgeRefused(
        message.ok_or_else(garbled)?.to_owned(),
    ))
}

/// Returns a string of a response, or an empty one.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Returns a number of a response, or 0.
pub(crate) fn number(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or_default()
}

/// Returns an array of a response, or an empty one.
pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    let list = value.get(name).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(answer: &str, expected: Result<&str, &str>) {
        let decoded = decode(answer.as_bytes()).map(|value| value.to_string());
        let decoded = decoded.map_err(|error| error.to_string());
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(decoded, expected, "{answer:?}");
    }

    #[test]
    fn only_answers_of_an_edge_are_taken() {
        let garbled = Err("the edge's response is unusable: it does not come from Privet");
        check("", garbled);
        check("SSH-2.0-x\r\n\r\n", garbled);
        check("HTTP/1.1 2\r\n\r\n{}", garbled);
        check("HTTP/1.1 200 OK\r\n\r\nhello", garbled);
        check("HTTP/1.1 200 OK\r\n{}", garbled);
        check("HTTP/1.1 400 Bad\r\n\r\n{}", garbled);
        check(
            "HTTP/1.1 404 Not\r\n\r\n{\"error\": \"no such thing\"}",
            Err("no such thing"),
        );
        check(
            "HTTP/1.1 200 OK\r\nA: b\r\n\r\n{\"a\":1}\n",
            Ok("{\"a\":1}"),
        );
    }
}
