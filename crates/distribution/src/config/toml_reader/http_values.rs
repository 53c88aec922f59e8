//! Reads the values of origins and policies: header names, statuses, percentages, servers, and filters of names.

use super::table::{Reader, Table, value};
use super::tree::Value;
use crate::config::origin::HttpServer;
use crate::config::policies::NameFilter;
use http::{HeaderName, HeaderValue, StatusCode, Uri};
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The value of a key that takes either one of a few words or a list of names.
pub(super) enum WordOrNames<T> {
    Word(T),
    Names(Vec<String>),
}

impl<'t> Reader<'t> {
    /// Reads `key = "word"` or `key = ["a", "b"]`.
    pub(super) fn word_or_names<T: Clone>(
        &mut self,
        table: &Table<'t>,
        key: &str,
        words: &[(&str, T)],
    ) -> Option<WordOrNames<T>> {
        match value(table, key)? {
            Value::Array(_) => self.strings(table, key).map(WordOrNames::Names),
            Value::String(_) => self.choice(table, key, words).map(WordOrNames::Word),
            Value::Null
            | Value::Integer { .. }
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime
            | Value::Table(_) => {
                let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
                let message = format!("write one of {} or an array of names", names.join(", "));
                self.fault(&table.path(key), message);
                None
            }
        }
    }

    /// Reads a filter: `key` is `none`, `all` or a list; `key` with the suffix `_except` is a list and means all other
    /// names.
    pub(super) fn name_filter(&mut self, table: &Table<'t>, key: &str) -> NameFilter {
        let words = [("none", NameFilter::None), ("all", NameFilter::All)];
        let except_key = format!("{key}_except");
        let chosen = self.word_or_names(table, key, &words);
        let except = self.strings(table, &except_key);
        match (chosen, except) {
            (None, None) => NameFilter::None,
            (Some(WordOrNames::Word(filter)), None) => filter,
            (Some(WordOrNames::Names(names)), None) => NameFilter::Only(names),
            (None, Some(names)) => NameFilter::AllExcept(names),
            (Some(_), Some(_)) => {
                let message = format!("cannot be combined with {key}; remove one of them");
                self.fault(&table.path(&except_key), message);
                NameFilter::None
            }
        }
    }

    /// Reads an array of header names; invalid ones are faults and left out.
    pub(super) fn header_names(&mut self, table: &Table<'t>, key: &str) -> Option<Vec<HeaderName>> {
        let names = self.strings(table, key)?;
        Some(self.parse_header_names(&table.path(key), &names))
    }

    /// Parses the `names` in the array at `path`.
    pub(super) fn parse_header_names(&mut self, path: &str, names: &[String]) -> Vec<HeaderName> {
        let mut parsed = Vec::new();
        for (position, name) in names.iter().enumerate() {
            match HeaderName::from_str(name) {
                Ok(name) => parsed.push(name),
                Err(_) if name.is_empty() => {}
                Err(_) => {
                    let message = format!("{name:?} is not a header name");
                    self.fault(&format!("{path}[{position}]"), message);
                }
            }
        }
        parsed
    }

    /// Reads the value of a header; `None` if it is missing or not valid in a header.
    pub(super) fn header_value(&mut self, table: &Table<'t>, key: &str) -> Option<HeaderValue> {
        let text = self.string(table, key)?;
        let header_value = HeaderValue::from_str(&text);
        if header_value.is_err() {
            let message = "has characters that a header cannot have";
            self.fault(&table.path(key), message);
        }
        header_value.ok()
    }

    /// Reads a table of header names and values. The values may be secrets and are never shown.
    pub(super) fn header_table(
        &mut self,
        table: &Table<'t>,
        key: &str,
    ) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = Vec::new();
        let Some(inner) = self.free_table(table, key) else {
            return headers;
        };
        for name in inner.keys() {
            let header_value = self.header_value(&inner, name);
            match (HeaderName::from_str(name), header_value) {
                (Ok(name), Some(mut header_value)) => {
                    header_value.set_sensitive(true);
                    headers.push((name, header_value));
                }
                // This fault was reported already.
                (Ok(_), None) => {}
                (Err(_), _) => {
                    let message = format!("{name:?} is not a header name");
                    self.fault(&inner.path(name), message);
                }
            }
        }
        headers
    }

    /// Reads a status; `None` if it is missing.
    pub(super) fn status(&mut self, table: &Table<'t>, key: &str) -> Option<StatusCode> {
        let mut code = 0_u16;
        self.set_number(table, key, 100..=599, &mut code);
        StatusCode::from_u16(code).ok()
    }

    /// Reads an array of integers within `range`; others are faults and left out.
    pub(super) fn numbers(
        &mut self,
        table: &Table<'t>,
        key: &str,
        range: RangeInclusive<u64>,
    ) -> Vec<u64> {
        const ADVICE: &str = "write an array of integers";
        let path = table.path(key);
        let mut numbers = Vec::new();
        for (position, element) in self.elements(table, key, ADVICE).iter().enumerate() {
            let path = self.note_element(&path, position, element);
            let Value::Integer { digits, radix } = &element.value else {
                self.wrong_type(&path, &element.value, "write an integer");
                continue;
            };
            match u64::from_str_radix(digits, *radix) {
                Ok(number) if range.contains(&number) => numbers.push(number),
                Ok(_) | Err(_) => {
                    let (least, most) = (range.start(), range.end());
                    let message = format!("is out of range; write a value from {least} to {most}");
                    self.fault(&path, message);
                }
            }
        }
        numbers
    }

    /// Reads a percentage from 0 to 100, an integer or a fraction such as `0.5`.
    pub(super) fn percent(&mut self, table: &Table<'t>, key: &str) -> Option<f64> {
        let text = match value(table, key)? {
            Value::Integer { digits, .. } => digits,
            Value::Float(text) => text,
            other @ (Value::Null
            | Value::String(_)
            | Value::Boolean(_)
            | Value::Datetime
            | Value::Array(_)
            | Value::Table(_)) => {
                self.wrong_type(&table.path(key), other, "write a number");
                return None;
            }
        };
        let percent = text.parse().ok();
        let percent = percent.filter(|percent| (0.0..=100.0).contains(percent));
        if percent.is_none() {
            self.out_of_range(table, key, &0, &100);
        }
        percent
    }

    /// Reads `http://host:port` or `https://…`, without a path.
    pub(super) fn server(&mut self, table: &Table<'t>, key: &str) -> Option<HttpServer> {
        let text = self.string(table, key)?;
        let server = parse_server(&text);
        if server.is_none() {
            // The message does not repeat the URL, which may contain a password.
            let message = "is not an address of a server; write it like https://app.example.com:8443, with origin_path for a path";
            self.fault(&table.path(key), message);
        }
        server
    }
}

fn parse_server(text: &str) -> Option<HttpServer> {
    let uri: Uri = text.parse().ok()?;
    let is_tls = match uri.scheme_str()? {
        "http" => false,
        "https" => true,
        _ => return None,
    };
    let authority = uri.authority()?;
    let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
    if !is_bare || authority.as_str().contains('@') || text.contains('#') {
        return None;
    }
    let default_port = if is_tls { 443 } else { 80 };
    let port = match authority.port() {
        Some(port) => port.as_u16(),
        // The port is empty or out of range.
        None if authority.as_str() != authority.host() => return None,
        None => default_port,
    };
    let host = authority.host();
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let host = match bare {
        Some(address) => address.parse::<std::net::Ipv6Addr>().ok()?.to_string(),
        None if is_host(host) => host.to_ascii_lowercase(),
        None => return None,
    };
    (port > 0).then_some(HttpServer { is_tls, host, port })
}

fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        let mut bytes = label.bytes();
        !label.is_empty() && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    host.len() <= 253 && host.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(bool, &str, u16)>) {
        let server = parse_server(text);
        let parts = server
            .as_ref()
            .map(|server| (server.is_tls, server.host.as_str(), server.port));
        assert_eq!(parts, expected, "{text}");
    }

    #[test]
    fn what_is_no_server() {
        for bad in [
            "",
            "app.example.com",
            "ftp://a",
            "http://",
            "http://a:",
            "http://a:0",
            "http://a:65536",
            "http://user:secret@a",
            "http://a/path",
            "http://a?query",
            "http://a#fragment",
            "http://a..b",
            "http://[::1",
            "http://a b",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn servers() {
        check("http://a", Some((false, "a", 80)));
        check(
            "https://App.Example.com/",
            Some((true, "app.example.com", 443)),
        );
        check("https://a:8443", Some((true, "a", 8443)));
        check("http://[0::1]:81", Some((false, "::1", 81)));
        check("http://127.0.0.1:7480", Some((false, "127.0.0.1", 7480)));
    }
}
