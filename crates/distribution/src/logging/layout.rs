//! The form of the lines of a log: the fields that they have, in their order, as columns or as JSON.

use crate::logging::log_record::{
    LOG_FIELDS, LogRecord, OWN_FIELDS, OwnFields, Value, header_of, push_json_fields, push_line,
};
use crate::logging::stream_log::{STREAM_LOG_FIELDS, StreamLogRecord};
use std::borrow::Cow;
use std::fmt;

/// The form of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LogFormat {
    /// Values separated by tabs and percent-encoded, after lines that name the fields.
    #[default]
    W3c,
    /// One JSON object a line.
    Json,
}

/// The kind of log, which decides what fields there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogKind {
    /// Requests: [`LOG_FIELDS`].
    Requests,
    /// Events of RTMP viewers: [`STREAM_LOG_FIELDS`].
    Streams,
}

impl LogKind {
    fn fields(self) -> &'static [&'static str] {
        match self {
            LogKind::Requests => &LOG_FIELDS,
            LogKind::Streams => &STREAM_LOG_FIELDS,
        }
    }

    /// Returns the name of the field with this number; Privet's own follow CloudFront's.
    fn name(self, number: u8) -> &'static str {
        let fields = self.fields();
        let own = || OWN_FIELDS[usize::from(number) - fields.len()];
        fields.get(usize::from(number)).copied().unwrap_or_else(own)
    }
}

/// Reason why a choice of fields is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayoutFault {
    /// No field is chosen.
    Empty,
    /// The log has no such field.
    Unknown(String),
    /// A field is chosen twice.
    Repeated(String),
}

impl fmt::Display for LayoutFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LayoutFault::Empty => {
                formatter.write_str("has no field; name one, or leave the key out for all of them")
            }
            LayoutFault::Unknown(name) => write!(formatter, "{name:?} is not a field of this log"),
            LayoutFault::Repeated(name) => {
                write!(formatter, "{name:?} is named twice; remove one of them")
            }
        }
    }
}

/// The fields of a log's lines, and their form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LogLayout {
    kind: LogKind,
    format: LogFormat,
    /// Numbers of the fields, in the order of the line.
    fields: Box<[u8]>,
}

impl LogLayout {
    /// Returns the form with all of CloudFront's fields.
    pub fn new(kind: LogKind, format: LogFormat) -> Self {
        let count = kind.fields().len();
        LogLayout {
            kind,
            format,
            // There are fewer than 256.
            fields: (0..count).map(|number| number as u8).collect(),
        }
    }

    /// Returns the form with the fields of these names, in this order.
    ///
    /// # Errors
    /// Names that the log does not have, names that occur twice, and no name at all.
    pub fn of_fields(
        kind: LogKind,
        format: LogFormat,
        names: &[String],
    ) -> Result<Self, LayoutFault> {
        let known = kind.fields().iter().chain(&OWN_FIELDS);
        let known: Vec<&str> = known.copied().collect();
        let mut fields: Vec<u8> = Vec::new();
        for name in names {
            let position = known.iter().position(|known| known == name);
            // There are fewer than 256.
            let number = position.ok_or_else(|| LayoutFault::Unknown(name.clone()))? as u8;
            if fields.contains(&number) {
                return Err(LayoutFault::Repeated(name.clone()));
            }
            fields.push(number);
        }
        if fields.is_empty() {
            return Err(LayoutFault::Empty);
        }
        Ok(LogLayout {
            kind,
            format,
            fields: fields.into(),
        })
    }

    /// Returns the form of the lines.
    pub fn format(&self) -> LogFormat {
        self.format
    }

    /// Returns true if lines have the form of the node's own log.
    pub fn is_standard(&self) -> bool {
        self.format == LogFormat::W3c && *self == LogLayout::new(self.kind, self.format)
    }

    /// Returns the names of the fields in their order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().map(|&number| self.kind.name(number))
    }

    /// Returns the lines at the beginning of a file, each ended by `\n`; none for JSON.
    pub fn header(&self) -> Cow<'static, str> {
        match self.format {
            LogFormat::W3c => header_of(&self.names().collect::<Vec<_>>()).into(),
            LogFormat::Json => "".into(),
        }
    }

    /// Appends the line of a request, for a layout of requests.
    pub fn write_request(&self, record: &LogRecord<'_>, out: &mut Vec<u8>) {
        let mut values = [Value::Word(""); 35];
        let (fields, own) = values.split_at_mut(33);
        fields.copy_from_slice(&record.values());
        own.copy_from_slice(&record.own.values());
        self.push(&values, out);
    }

    /// Appends the line of an RTMP viewer's event, for a layout of streams.
    pub fn write_stream(
        &self,
        record: &StreamLogRecord<'_>,
        own: &OwnFields<'_>,
        out: &mut Vec<u8>,
    ) {
        let mut values = [Value::Word(""); 19];
        let (fields, own_values) = values.split_at_mut(17);
        fields.copy_from_slice(&record.values());
        own_values.copy_from_slice(&own.values());
        self.push(&values, out);
    }

    /// Appends the chosen ones of a line's values, of which Privet's own are the last.
    fn push(&self, values: &[Value<'_>], out: &mut Vec<u8>) {
        let chosen = self.fields.iter().filter_map(|&number| {
            let value = values.get(usize::from(number))?;
            Some((self.kind.name(number), *value))
        });
        match self.format {
            LogFormat::W3c => push_line(chosen.map(|(_, value)| value), out),
            LogFormat::Json => push_json_fields(chosen, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[track_caller]
    fn check_fault(kind: LogKind, chosen: &[&str], expected: &str) {
        let fault = LogLayout::of_fields(kind, LogFormat::W3c, &names(chosen)).unwrap_err();
        assert_eq!(fault.to_string(), expected);
    }

    #[test]
    fn a_choice_names_fields_of_its_log_once() {
        use LogKind::{Requests, Streams};
        let empty = "has no field; name one, or leave the key out for all of them";
        check_fault(Requests, &[], empty);
        check_fault(
            Requests,
            &["x-sname"],
            "\"x-sname\" is not a field of this log",
        );
        check_fault(
            Streams,
            &["cs(Host)"],
            "\"cs(Host)\" is not a field of this log",
        );
        check_fault(Requests, &["Date"], "\"Date\" is not a field of this log");
        let twice = "\"date\" is named twice; remove one of them";
        check_fault(Requests, &["date", "time", "date"], twice);
    }

    #[test]
    fn the_header_names_the_chosen_fields_in_their_order() {
        let of = |kind, format, chosen: &[&str]| {
            LogLayout::of_fields(kind, format, &names(chosen)).unwrap()
        };
        let chosen = ["sc-status", "x-privet-refusal", "date"];
        let layout = of(LogKind::Requests, LogFormat::W3c, &chosen);
        let expected = "#Version: 1.0\n#Fields: sc-status x-privet-refusal date\n";
        assert_eq!(layout.header(), expected);
        assert!(!layout.is_standard());
        let layout = of(LogKind::Streams, LogFormat::Json, &["x-event"]);
        assert_eq!(
            (layout.header().as_ref(), layout.is_standard()),
            ("", false)
        );
        let all = LogLayout::new(LogKind::Streams, LogFormat::W3c);
        assert!(all.is_standard());
        assert_eq!(all.header(), crate::logging::stream_log_header());
        assert_eq!(
            of(LogKind::Requests, LogFormat::W3c, &LOG_FIELDS),
            LogLayout::new(LogKind::Requests, LogFormat::W3c)
        );
    }
}
