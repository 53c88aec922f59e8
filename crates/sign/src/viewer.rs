//! The request URL as the edge received it, and the spellings of its host that a policy may use.

use std::borrow::Cow;

use crate::leniency::Leniency;

/// The protocol that the viewer used at the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `http`
    Http,
    /// `https`
    Https,
}

impl Scheme {
    /// Returns `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    fn default_port(self) -> &'static str {
        match self {
            Scheme::Http => "80",
            Scheme::Https => "443",
        }
    }
}

/// The request URL as received: nothing decoded, nothing collapsed.
#[derive(Clone, Copy, Debug)]
pub struct ViewerUrl<'a> {
    /// Protocol used at the edge.
    pub scheme: Scheme,
    /// `Host` or `:authority` as sent, with the port if one was sent.
    pub host: &'a str,
    /// Path, beginning with `/`.
    pub path: &'a str,
    /// Query without `?`; `None` if the target has no `?`.
    pub query: Option<&'a str>,
}

impl ViewerUrl<'_> {
    /// Returns the text of the URL in pieces, under one spelling of its host. `query` is the viewer's own part
    /// of the query.
    pub(crate) fn exact<'t>(&'t self, host: &'t str, query: &'t str) -> [&'t str; 6] {
        let delimiter = if query.is_empty() { "" } else { "?" };
        let scheme = self.scheme.as_str();
        [scheme, "://", host, self.path, delimiter, query]
    }

    /// Returns the host in lower case and without default port: one text for all hosts that compare equal.
    pub(crate) fn plain_host(&self) -> String {
        let (name, port) = split_port(self.host);
        let is_default = port.is_some_and(|port| port == self.scheme.default_port());
        let host = if is_default { name } else { self.host };
        host.to_ascii_lowercase()
    }

    /// Returns the hosts to compare with: as sent, then without the default port or (leniently) any port, then both in
    /// lower case, since clients send them so.
    pub(crate) fn hosts(&self, leniency: &Leniency) -> impl Iterator<Item = Cow<'_, str>> {
        let (name, port) = split_port(self.host);
        let without_port = port
            .filter(|port| leniency.ignore_port || *port == self.scheme.default_port())
            .map(|_| name);
        let spelled = [Some(self.host), without_port].into_iter().flatten();
        let lower = spelled
            .clone()
            .filter(|host| host.bytes().any(|byte| byte.is_ascii_uppercase()))
            .map(|host| Cow::Owned(host.to_ascii_lowercase()));
        spelled.map(Cow::Borrowed).chain(lower)
    }
}

/// Splits host and port; an IPv6 literal keeps its brackets.
fn split_port(host: &str) -> (&str, Option<&str>) {
    let after_literal = host.rfind(']').map_or(0, |index| index + 1);
    match host[after_literal..].rfind(':') {
        Some(colon) => (
            &host[..after_literal + colon],
            Some(&host[after_literal + colon + 1..]),
        ),
        None => (host, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(scheme: Scheme, host: &str, ignore_port: bool, expected: &[&str]) {
        let url = ViewerUrl {
            scheme,
            host,
            path: "/",
            query: None,
        };
        let leniency = Leniency {
            ignore_port,
            ..Leniency::default()
        };
        assert_eq!(url.hosts(&leniency).collect::<Vec<_>>(), expected, "{host}");
    }

    #[test]
    fn a_host_has_few_spellings() {
        check(Scheme::Http, "", false, &[""]);
        check(Scheme::Http, "]:", true, &["]:", "]"]);
        check(Scheme::Https, "h", true, &["h"]);
        check(Scheme::Https, "h:443", false, &["h:443", "h"]);
        check(Scheme::Http, "h:443", false, &["h:443"]);
        check(Scheme::Http, "[::1]:8080", true, &["[::1]:8080", "[::1]"]);
        check(Scheme::Http, "H:80", false, &["H:80", "H", "h:80", "h"]);
    }
}
