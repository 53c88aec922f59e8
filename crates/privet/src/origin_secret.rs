//! A secret header shared by the edge and one of its origins, so that the origin responds only to the edge.
//!
//! It is in clear in no file: a command that serves an origin itself adds it to the configuration that it has read, or
//! to items on their way into a store, which seals it.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use http::{HeaderMap, HeaderName, HeaderValue};
use privet_distribution::config::{
    Document, Origin, OriginDocument, ServiceItem, ServiceKind, read_items,
};
use serde_json::{Map, Value};
use std::path::Path;

const BYTES: usize = 32;

/// The secret of one origin, for as long as the program runs.
#[derive(Clone, Debug)]
pub(crate) struct OriginSecret {
    origin: &'static str,
    header: HeaderName,
    /// The secret value, marked as sensitive so that `Debug` does not show it.
    value: HeaderValue,
}

impl OriginSecret {
    /// Makes a random secret for the origin with this id.
    pub(crate) fn random(origin: &'static str, header: HeaderName) -> Self {
        let mut bytes = [0u8; BYTES];
        aws_lc_rs::rand::fill(&mut bytes).expect("aws-lc aborts rather than giving no randomness");
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut value =
            HeaderValue::try_from(text).expect("hexadecimal digits are a header's value");
        value.set_sensitive(true);
        OriginSecret {
            origin,
            header,
            value,
        }
    }

    /// Makes the edge send it to the origin, if that is a server on the loopback address; no other server gets it.
    pub(crate) fn add_to(&self, document: &mut Document) {
        let distributions = document.service.distributions.iter_mut();
        let origins = distributions.flat_map(|distribution| &mut distribution.origins);
        for origin in origins.filter(|origin| self.is_for(origin)) {
            let headers = &mut origin.custom_headers;
            headers.retain(|(name, _)| *name != self.header);
            headers.push((self.header.clone(), self.value.clone()));
        }
    }

    /// As [`OriginSecret::add_to`], for items. One that cannot be read stays as it is, for whoever checks it.
    pub(crate) fn add_to_items(&self, items: &mut [ServiceItem]) {
        for item in items {
            if item.kind == ServiceKind::Distribution {
                self.add_to_distribution(&mut item.value);
            }
        }
    }

    fn add_to_distribution(&self, value: &mut Value) {
        let text = value.to_string();
        // What it is for is read as the edge reads it; relative paths do not matter for that.
        let service = read_items([(ServiceKind::Distribution, text.as_str())], Path::new("/"));
        let distributions = service.map(|service| service.distributions);
        let read = distributions.iter().flatten().flat_map(|one| &one.origins);
        let written = value.get_mut("origins").and_then(Value::as_array_mut);
        for (origin, written) in read.zip(written.into_iter().flatten()) {
            let Some(members) = written.as_object_mut().filter(|_| self.is_for(origin)) else {
                continue;
            };
            let headers = members.entry("headers");
            let headers = headers.or_insert_with(|| Value::Object(Map::new()));
            if let Some(headers) = headers.as_object_mut() {
                headers.retain(|name, _| !name.eq_ignore_ascii_case(self.header.as_str()));
                headers.insert(self.header.to_string(), Value::String(self.text()));
            }
        }
    }

    fn is_for(&self, origin: &OriginDocument) -> bool {
        let server = origin.source.web_server();
        origin.id == self.origin && server.is_some_and(|server| is_loopback(&server.host))
    }

    /// Returns whether the edge sends it to this origin.
    pub(crate) fn is_sent_to(&self, origin: &Origin) -> bool {
        let mut headers = origin.custom_headers.iter();
        headers.any(|(name, value)| *name == self.header && self.is_value(value))
    }

    /// Returns whether the sender of a request knows the secret: the header occurs once, with this value.
    pub(crate) fn is_in(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(&self.header).iter();
        let (Some(presented), None) = (values.next(), values.next()) else {
            return false;
        };
        self.is_value(presented)
    }

    fn is_value(&self, presented: &HeaderValue) -> bool {
        // Constant time, wherever the values differ.
        verify_slices_are_equal(presented.as_bytes(), self.value.as_bytes()).is_ok()
    }

    fn text(&self) -> String {
        let text = self.value.to_str();
        text.expect("hexadecimal digits are visible characters")
            .to_owned()
    }
}

/// Returns whether an origin's host is this machine, as the demo's configuration or a person would write it.
pub(crate) fn is_loopback(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "localhost")
}

#[cfg(test)]
mod tests {
    use super::*;
    use privet_distribution::config::{ServiceDocument, read_toml_in_part, read_toml_items};
    use serde_json::json;

    const HEADER: HeaderName = HeaderName::from_static("x-secret");

    /// Returns the headers that the edge would send to each origin.
    fn headers(origins: &str) -> (OriginSecret, Vec<HeaderMap>) {
        let text = format!(
            "[[distributions]]\nid = \"E\"\ndomain_name = \"d\"\ndefault_behavior = {{ origin = \"o\" }}\n{origins}"
        );
        let (mut document, _, _) = read_toml_in_part(&text, Path::new("p.toml")).unwrap();
        let secret = OriginSecret::random("site", HEADER);
        secret.add_to(&mut document);
        let headers = headers_of(&document.service);
        // Items on their way into a store get the same.
        let mut items = read_toml_items(&text, Path::new("p.toml")).unwrap();
        secret.add_to_items(&mut items);
        let stored = items[0].value.to_string();
        let stored = read_items([(items[0].kind, stored.as_str())], Path::new("/")).unwrap();
        assert_eq!(headers_of(&stored), headers);
        (secret, headers)
    }

    fn headers_of(service: &ServiceDocument) -> Vec<HeaderMap> {
        let origins = service.distributions[0].origins.iter();
        let headers = origins.map(|origin| origin.custom_headers.iter().cloned().collect());
        headers.collect()
    }

    #[test]
    fn m1_an_item_that_cannot_be_read_is_left_to_its_check() {
        for value in [
            json!(null),
            json!({"origins": 1}),
            json!({"id": "E", "origins": [{"id": "site", "url": "http://127.0.0.1:1", "headers": 1}]}),
        ] {
            let mut items = [ServiceItem {
                kind: ServiceKind::Distribution,
                id: "E".to_owned(),
                value: value.clone(),
            }];
            OriginSecret::random("site", HEADER).add_to_items(&mut items);
            assert_eq!(items[0].value, value);
        }
    }

    #[test]
    fn m1_only_the_page_on_this_machine_is_told_the_secret() {
        let origin =
            |id: &str, place: &str| format!("[[distributions.origins]]\nid = \"{id}\"\n{place}\n");
        for (id, place) in [
            ("other", "url = \"http://127.0.0.1:8090\""),
            ("site", "url = \"http://192.0.2.1:8090\""),
            ("site", "url = \"http://example.com\""),
            ("site", "folder = \"files\""),
        ] {
            let (_, headers) = headers(&origin(id, place));
            assert_eq!(headers, [HeaderMap::new()], "{id} {place}");
        }
        let place =
            "url = \"http://127.0.0.1:8090\"\nheaders = { X-Secret = \"mine\", x-a = \"b\" }";
        let (secret, headers) = headers(&origin("site", place));
        assert!(secret.is_in(&headers[0]) && headers[0].len() == 2);
    }

    #[test]
    fn m1_nothing_but_the_secret_itself_counts() {
        let secret = OriginSecret::random("site", HEADER);
        let check = |values: &[&HeaderValue], expected: bool| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(HEADER, (*value).clone());
            }
            assert_eq!(secret.is_in(&headers), expected, "{}", values.len());
        };
        let other = OriginSecret::random("site", HEADER).value;
        let empty = HeaderValue::from_static("");
        check(&[], false);
        check(&[&empty], false);
        check(&[&other], false);
        check(&[&secret.value, &other], false);
        check(&[&secret.value, &secret.value], false);
        check(&[&secret.value], true);
        assert!(!format!("{secret:?}").contains(secret.value.to_str().unwrap()));
    }
}
