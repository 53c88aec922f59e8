//! The address of an operators' interface: over TLS, or in plain HTTP on this machine alone.

use crate::api_fault::ApiFault;
use http::Uri;
use std::net::IpAddr;
use std::str::FromStr;

/// An endpoint such as `https://cdn.example.com:9443`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(super) transport: Transport,
    /// Name or address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// Value of `Host`, as it was written.
    pub(super) authority: String,
}

/// How an endpoint is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Tls,
    /// On loopback alone: others on the way could change what is answered.
    Plain,
}

impl FromStr for Endpoint {
    type Err = ApiFault;

    fn from_str(text: &str) -> Result<Self, ApiFault> {
        let fault = |rule| ApiFault::Endpoint {
            text: without_password(text),
            rule,
        };
        let form = "is not like https://HOST:9443";
        let uri: Uri = text.parse().map_err(|_| fault(form))?;
        let authority = uri.authority().ok_or_else(|| fault(form))?;
        if authority.as_str().contains('@') {
            return Err(fault(
                "has a user or a password: access keys belong into a profile",
            ));
        }
        if uri.path_and_query().is_some_and(|path| path != "/") {
            return Err(fault("has a path: write scheme, host and port alone"));
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let transport = match uri.scheme_str() {
            Some("https") => Transport::Tls,
            Some("http") if is_loopback(&host) => Transport::Plain,
            Some("http") => return Err(fault("is plain HTTP to another machine: write https")),
            Some(_) | None => return Err(fault(form)),
        };
        let port = match transport {
            Transport::Tls => 443,
            Transport::Plain => 80,
        };
        Ok(Endpoint {
            transport,
            port: authority.port_u16().unwrap_or(port),
            authority: authority.as_str().to_owned(),
            host,
        })
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Returns the text without what may be a password.
fn without_password(text: &str) -> String {
    match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://…@{rest}"),
        (None, Some((_, rest))) => format!("…@{rest}"),
        (Some(_) | None, None) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<(Transport, &str, u16), &str>) {
        let read = text.parse::<Endpoint>();
        let read = read.as_ref().map_err(ToString::to_string);
        let read = read.map(|endpoint| (endpoint.transport, endpoint.host.as_str(), endpoint.port));
        assert_eq!(
            read.as_ref().map_err(String::as_str),
            expected.as_ref().map_err(|text| *text)
        );
    }

    #[test]
    fn endpoints_that_would_leak_or_mislead_are_refused() {
        let form = |text: &str| format!("the endpoint {text:?} is not like https://HOST:9443");
        for text in ["", "host", "host:9443", "ftp://host", "https://"] {
            check(text, Err(&form(text)));
        }
        check(
            "http://cdn.example.com:9443",
            Err(
                "the endpoint \"http://cdn.example.com:9443\" is plain HTTP to another machine: write https",
            ),
        );
        check(
            "https://a:hunter2@host",
            Err(
                "the endpoint \"https://…@host\" has a user or a password: access keys belong into a profile",
            ),
        );
        check(
            "https://host/v1",
            Err("the endpoint \"https://host/v1\" has a path: write scheme, host and port alone"),
        );
    }

    #[test]
    fn endpoints_are_read() {
        check(
            "https://cdn.example.com",
            Ok((Transport::Tls, "cdn.example.com", 443)),
        );
        check(
            "https://cdn.example.com:9443/",
            Ok((Transport::Tls, "cdn.example.com", 9443)),
        );
        check(
            "http://127.0.0.1:9443",
            Ok((Transport::Plain, "127.0.0.1", 9443)),
        );
        check("http://[::1]:9443", Ok((Transport::Plain, "::1", 9443)));
        check("http://localhost", Ok((Transport::Plain, "localhost", 80)));
    }
}
