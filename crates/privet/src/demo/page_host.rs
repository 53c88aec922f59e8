//! Chooses the host in the links of the demo's page: one that the edge serves, on a port where it listens, or none.

use http::HeaderMap;
use http::header::HOST;
use privet_distribution::config::Snapshot;
use std::fmt;

const HTTPS_PORT: u16 = 443;

/// A host and a port of the edge, from a header and validated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PageHost {
    name: String,
    port: u16,
}

impl PageHost {
    /// Returns the host of a request's only `Host` header; `None` if no distribution has that name, or the edge does
    /// not listen for HTTPS on that port.
    pub(super) fn of(
        headers: &HeaderMap,
        snapshot: &Snapshot,
        https_ports: &[u16],
    ) -> Option<Self> {
        let mut values = headers.get_all(HOST).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return None;
        };
        let text = value.to_str().ok()?;
        let (name, port) = match text.split_once(':') {
            None => (text, HTTPS_PORT),
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                (name, port.parse().ok()?)
            }
            Some(_) => return None,
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
        let is_served = name.bytes().all(is_plain)
            && snapshot.distribution_for(name).is_some()
            && https_ports.contains(&port);
        is_served.then(|| PageHost {
            name: name.to_ascii_lowercase(),
            port,
        })
    }

    /// Returns the name without the port.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for PageHost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.name, self.port)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use http::HeaderValue;
    use privet_distribution::config::read_toml;
    use std::path::Path;

    const PORTS: [u16; 2] = [8443, 443];

    /// Makes the configuration of an edge for localhost and one host of the visitor's own.
    pub(in crate::demo) fn snapshot() -> Snapshot {
        let text = "[[listeners]]
address = \"127.0.0.1:8080\"
[[distributions]]
id = \"EPRIVETDEMO001\"
domain_name = \"localhost\"
aliases = [\"127.0.0.1\", \"*.example.com\"]
origins = [{ id = \"site\", url = \"http://127.0.0.1:8090\" }]
default_behavior = { origin = \"site\" }
";
        let (document, places) = read_toml(text, Path::new("p.toml")).unwrap();
        Snapshot::build(document, &places, &mut |_| unreachable!("no file is named")).unwrap()
    }

    #[track_caller]
    fn check(values: &[&[u8]], expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HOST, HeaderValue::from_bytes(value).unwrap());
        }
        let host = PageHost::of(&headers, &snapshot(), &PORTS);
        assert_eq!(host.map(|host| host.to_string()).as_deref(), expected);
    }

    #[test]
    fn m1_links_name_no_host_but_those_of_the_edge() {
        check(&[], None);
        for host in [
            "",
            ":8443",
            "localhost:8443/secret.txt?",
            "localhost:8443/secret.txt",
            "localhost:8443?",
            "localhost:8443#",
            "localhost/",
            "localhost:8443@evil.example:8443",
            "evil.example@localhost:8443",
            "localhost:8080",
            "localhost:08443x",
            "localhost:",
            "localhost:8443:8443",
            "localhost:+8443",
            "localhost.:8443",
            "evil.example",
            "evil.example:8443",
            "*.example.com:8443",
            "a'b.example.com:8443",
            "a%2fb.example.com:8443",
            "[::1]:8443",
            " localhost:8443",
            "localhost:8443, evil.example",
        ] {
            check(&[host.as_bytes()], None);
        }
        check(&[b"localhost:8443\xff"], None);
        check(&[b"localhost:8443", b"localhost:8443"], None);
        check(&[b"localhost:8443", b"evil.example"], None);
    }

    #[test]
    fn m1_links_name_the_host_that_was_asked_for() {
        check(&[b"localhost:8443"], Some("localhost:8443"));
        check(&[b"LOCALHOST:8443"], Some("localhost:8443"));
        check(&[b"127.0.0.1:8443"], Some("127.0.0.1:8443"));
        check(&[b"media.example.com"], Some("media.example.com:443"));
    }
}
