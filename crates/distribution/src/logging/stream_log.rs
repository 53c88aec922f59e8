//! One line of a streaming distribution's access log: 17 fields (developer guide of 2020, "RTMP distribution log file
//! format").

use crate::calendar::DateTime;
use crate::logging::log_record::{OwnFields, Plain, Value, header_of, push_json_line, push_line};
use privet_sign::Timestamp;
use std::net::IpAddr;
use std::sync::LazyLock;

/// An event on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEvent {
    /// The connection began.
    Connect,
    /// The connection ended.
    Disconnect,
    /// A stream began.
    Play,
    /// A stream ended.
    Stop,
    /// A stream was paused.
    Pause,
    /// A paused stream was resumed.
    Unpause,
    /// A stream moved to another position.
    Seek,
}

impl StreamEvent {
    /// Returns the value of `x-event`.
    pub fn as_str(self) -> &'static str {
        match self {
            StreamEvent::Connect => "connect",
            StreamEvent::Disconnect => "disconnect",
            StreamEvent::Play => "play",
            StreamEvent::Stop => "stop",
            StreamEvent::Pause => "pause",
            StreamEvent::Unpause => "unpause",
            StreamEvent::Seek => "seek",
        }
    }
}

/// An event on a connection, with its fields in the order of the log. All text is as received and redacted when
/// written.
#[derive(Clone, Copy, Debug)]
pub struct StreamLogRecord<'a> {
    /// Time of the event: `date` and `time`.
    pub at: Timestamp,
    /// Location of the edge: `x-edge-location`.
    pub edge_location: &'a str,
    /// Viewer's address: `c-ip`.
    pub client: IpAddr,
    /// Event: `x-event`.
    pub event: StreamEvent,
    /// Bytes sent to the viewer since the connection began: `sc-bytes`.
    pub sc_bytes: u64,
    /// Id of the connection: `x-cf-client-id`.
    pub client_id: &'a str,
    /// URL of `connect` without its query: `cs-uri-stem`.
    pub uri_stem: &'a str,
    /// Query of `connect`: `cs-uri-query`.
    pub uri_query: Option<&'a str>,
    /// `swfUrl` of `connect`: `c-referrer`.
    pub referrer: Option<&'a str>,
    /// `pageUrl` of `connect`: `x-page-url`.
    pub page_url: Option<&'a str>,
    /// `flashVer` of `connect`: `c-user-agent`.
    pub user_agent: Option<&'a str>,
    /// Stream of the event; `None` for connect and disconnect.
    pub stream: Option<LoggedStream<'a>>,
}

/// The stream of an event.
#[derive(Clone, Copy, Debug)]
pub struct LoggedStream<'a> {
    /// Name of the stream without prefix and extension: `x-sname`.
    pub name: &'a str,
    /// Query of the stream: `x-sname-query`.
    pub query: Option<&'a str>,
    /// Extension, such as `flv` or `mp4`: `x-file-ext`.
    pub extension: &'a str,
    /// Number of the stream on its connection: `x-sid`.
    pub id: u32,
}

/// Names of the fields in their order (developer guide of 2020, "RTMP distribution log file format").
pub const STREAM_LOG_FIELDS: [&str; 17] = [
    "date",
    "time",
    "x-edge-location",
    "c-ip",
    "x-event",
    "sc-bytes",
    "x-cf-status",
    "x-cf-client-id",
    "cs-uri-stem",
    "cs-uri-query",
    "c-referrer",
    "x-page-url",
    "c-user-agent",
    "x-sname",
    "x-sname-query",
    "x-file-ext",
    "x-sid",
];

impl StreamLogRecord<'_> {
    /// Appends one tab-separated line and `\n`; an empty value becomes `-`.
    pub fn write_line(&self, out: &mut Vec<u8>) {
        push_line(self.values(), out);
    }

    /// Appends one JSON object and `\n`: the same names, with every value a string and not percent-encoded, followed by
    /// `own`.
    pub fn write_json(&self, own: &OwnFields<'_>, out: &mut Vec<u8>) {
        push_json_line(&STREAM_LOG_FIELDS, &self.values(), own, out);
    }

    /// Returns the values in the order of [`STREAM_LOG_FIELDS`].
    pub(crate) fn values(&self) -> [Value<'_>; 17] {
        use Plain::{Date, Ip, Number, Time};
        use Value::{Made, Query, Text, Url, Word};
        let (name, extension) = self
            .stream
            .map_or(("", ""), |stream| (stream.name, stream.extension));
        let id = self
            .stream
            .map_or(Word(""), |stream| Made(Number(u64::from(stream.id))));
        let stream_query = self.stream.and_then(|stream| stream.query);
        let at = DateTime::of(self.at);
        [
            Made(Date(at)),
            Made(Time(at)),
            Text(self.edge_location),
            Made(Ip(self.client)),
            Word(self.event.as_str()),
            Made(Number(self.sc_bytes)),
            Word("OK"),
            Text(self.client_id),
            Url(self.uri_stem),
            Query(self.uri_query.unwrap_or_default()),
            Url(self.referrer.unwrap_or_default()),
            Url(self.page_url.unwrap_or_default()),
            Text(self.user_agent.unwrap_or_default()),
            Text(name),
            Query(stream_query.unwrap_or_default()),
            Text(extension),
            id,
        ]
    }
}

/// Returns the `#Version` and `#Fields` lines at the beginning of every log file, each ended by `\n`.
pub fn stream_log_header() -> &'static str {
    static HEADER: LazyLock<String> = LazyLock::new(|| header_of(&STREAM_LOG_FIELDS));
    &HEADER
}

#[cfg(test)]
mod tests;
