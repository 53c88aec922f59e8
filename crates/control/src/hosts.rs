//! The names under which the listener answers: a page of a stranger must not reach it by a name that leads here.

use crate::request_error::RequestError;
use http::header::HOST;
use http::request::Parts;
use http::{HeaderValue, uri::Authority};
use std::net::SocketAddr;

/// The values of `Host` that are answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hosts {
    names: Vec<String>,
}

impl Hosts {
    /// Answers the configured names, the address itself, and `localhost` on loopback.
    pub(crate) fn new(configured: &[String], address: SocketAddr) -> Self {
        let mut names: Vec<String> = configured
            .iter()
            .map(|name| name.to_ascii_lowercase())
            .collect();
        if !address.ip().is_unspecified() {
            names.push(address.to_string());
        }
        if address.ip().is_loopback() {
            names.push(format!("localhost:{}", address.port()));
        }
        Hosts { names }
    }

    /// Checks the host of a request, and puts it in the `Host` header, where HTTP/2 has none.
    pub(crate) fn check(&self, parts: &mut Parts) -> Result<(), RequestError> {
        let host = host_of(parts)?;
        if !self.has(&host) {
            return Err(RequestError::Host);
        }
        let value = HeaderValue::try_from(host).map_err(|_| RequestError::Host)?;
        parts.headers.insert(HOST, value);
        Ok(())
    }

    /// Returns true for a name of the list, with its port or with any if the list has none.
    fn has(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let without_port = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            Some(_) | None => host.as_str(),
        };
        self.names
            .iter()
            .any(|name| *name == host || name == without_port)
    }
}

/// Returns the host of a request: of the request line or of `Host`, which must not differ.
fn host_of(parts: &Parts) -> Result<String, RequestError> {
    let mut values = parts.headers.get_all(HOST).iter();
    let header = values
        .next()
        .map(|value| value.to_str().map_err(|_| RequestError::Host));
    let header = header.transpose()?;
    if values.next().is_some() {
        return Err(RequestError::Host);
    }
    let authority = parts.uri.authority().map(Authority::as_str);
    match (authority, header) {
        (Some(authority), Some(header)) if !authority.eq_ignore_ascii_case(header) => {
            Err(RequestError::Host)
        }
        (_, Some(header)) => Ok(header.to_owned()),
        (Some(authority), None) => Ok(authority.to_owned()),
        (None, None) => Err(RequestError::Host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    #[track_caller]
    fn check(uri: &str, headers: &[&str], expected: &Result<(), RequestError>) {
        let mut request = Request::builder().uri(uri);
        for value in headers {
            request = request.header(HOST, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let configured = ["privet.example".to_owned(), "Other.example:8443".to_owned()];
        let hosts = Hosts::new(&configured, "127.0.0.1:9443".parse().unwrap());
        assert_eq!(&hosts.check(&mut parts), expected, "{uri} {headers:?}");
        if expected.is_ok() {
            assert_eq!(parts.headers.get_all(HOST).iter().count(), 1);
        }
    }

    #[test]
    fn hosts_that_are_not_named_are_not_answered() {
        let refused = &Err(RequestError::Host);
        check("/", &[], refused);
        check("/", &[""], refused);
        check("/", &["evil.example"], refused);
        check("/", &["privet.example.evil.example"], refused);
        check("/", &["privet.example", "privet.example"], refused);
        check("/", &["privet.example", "evil.example"], refused);
        check("/", &["other.example"], refused);
        check("/", &["127.0.0.1:1"], refused);
        check("/", &["[::1]:9443"], refused);
        check("http://evil.example/", &["privet.example"], refused);
        check("http://privet.example/", &["evil.example"], refused);
        check("/", &["privet.example"], &Ok(()));
        check("/", &["PRIVET.example:444"], &Ok(()));
        check("/", &["other.example:8443"], &Ok(()));
        check("/", &["localhost:9443"], &Ok(()));
        check("/", &["127.0.0.1:9443"], &Ok(()));
        check("https://privet.example/", &[], &Ok(()));
    }
}
