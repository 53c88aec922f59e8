//! A viewer's commands, read from the values of a message.

use super::Connect;
use crate::rtmp::amf::Value;
use std::time::Duration;

/// A command that the session handles.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Command {
    Connect {
        transaction: f64,
        connect: Connect,
    },
    CreateStream {
        transaction: f64,
    },
    DeleteStream {
        stream_id: f64,
    },
    /// `closeStream`, or `play` with no name.
    Close,
    Measure {
        transaction: f64,
        name: String,
    },
    Play {
        name: String,
        start: Duration,
        duration: Option<Duration>,
    },
    Seek(Duration),
    Pause(Duration),
    Resume(Duration),
    /// The commands around `publish`: `releaseStream`, `FCPublish` and `FCUnpublish`.
    PreparePublish {
        transaction: f64,
    },
    Publish,
}

impl Command {
    /// Returns `None` for commands that need no reply, and for those whose arguments are missing.
    pub(super) fn of(values: &[Value]) -> Option<Command> {
        let name = values.first()?.as_text()?;
        let transaction = number(values, 1).unwrap_or_default();
        Some(match name {
            "connect" => Command::Connect {
                transaction,
                connect: connect(values.get(2)?),
            },
            "createStream" => Command::CreateStream { transaction },
            "deleteStream" => Command::DeleteStream {
                stream_id: number(values, 3)?,
            },
            "closeStream" => Command::Close,
            "getStreamLength" => Command::Measure {
                transaction,
                name: values.get(3)?.as_text()?.to_owned(),
            },
            "play" => play(values)?,
            "seek" => Command::Seek(milliseconds(number(values, 3)?)),
            "pause" | "pauseRaw" => {
                let position = milliseconds(number(values, 4).unwrap_or_default());
                match values.get(3)? {
                    Value::Boolean(true) => Command::Pause(position),
                    Value::Boolean(false)
                    | Value::Number(_)
                    | Value::Text(_)
                    | Value::Object(_)
                    | Value::Null => Command::Resume(position),
                }
            }
            "releaseStream" | "FCPublish" | "FCUnpublish" => {
                Command::PreparePublish { transaction }
            }
            "publish" => Command::Publish,
            _ => return None,
        })
    }
}

fn connect(object: &Value) -> Connect {
    let text = |key| object.text_at(key).map(str::to_owned);
    Connect {
        application: text("app").unwrap_or_default(),
        tc_url: text("tcUrl"),
        page_url: text("pageUrl"),
        swf_url: text("swfUrl"),
        flash_version: text("flashVer"),
    }
}

fn play(values: &[Value]) -> Option<Command> {
    let name = match values.get(3)? {
        Value::Text(name) => name.clone(),
        Value::Boolean(false) => return Some(Command::Close),
        Value::Boolean(true) | Value::Number(_) | Value::Object(_) | Value::Null => return None,
    };
    // A negative start means that a live video is as welcome as a recorded one, a negative duration all of the video.
    let given = |at| number(values, at).filter(|milliseconds| *milliseconds >= 0.0);
    Some(Command::Play {
        name,
        start: given(4).map(milliseconds).unwrap_or_default(),
        duration: given(5).map(milliseconds),
    })
}

fn number(values: &[Value], at: usize) -> Option<f64> {
    values.get(at)?.as_number()
}

/// Converts a time, which is in milliseconds on the wire, though the specification says seconds for some. A negative
/// number or NaN is 0.
fn milliseconds(number: f64) -> Duration {
    // The cast saturates.
    Duration::from_millis(u64::from(number as u32))
}
