//! Finds the distribution of a `Host`: exact names first, then the longest wildcard alias.

use crate::config::name_table::NameTable;
use std::borrow::Cow;

/// Maximum length of a name in the DNS (RFC 1035 2.3.4, as text); longer hosts match nothing.
const HOST_SIZE_BYTES_MAX: usize = 253;

/// Host names and wildcard aliases, each with the position of its distribution.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostTable {
    exact: NameTable,
    /// Positions by alias without its star: `.example.com`.
    wildcard: NameTable,
}

impl HostTable {
    /// Adds `name` or `*.name`. The error is the position that already has it.
    pub(crate) fn insert(&mut self, name: &str, position: usize) -> Result<(), usize> {
        let name = name.to_ascii_lowercase();
        match name.strip_prefix('*') {
            Some(suffix) => self.wildcard.insert(suffix, position),
            None => self.exact.insert(&name, position),
        }
    }

    /// Removes `name` or `*.name`.
    pub(crate) fn remove(&mut self, name: &str) {
        let name = name.to_ascii_lowercase();
        match name.strip_prefix('*') {
            Some(suffix) => self.wildcard.remove(suffix),
            None => self.exact.remove(&name),
        }
    }

    /// Returns the owner of exactly `name` or `*.name`.
    pub(crate) fn owner(&self, name: &str) -> Option<usize> {
        let name = name.to_ascii_lowercase();
        match name.strip_prefix('*') {
            Some(suffix) => self.wildcard.get(suffix),
            None => self.exact.get(&name),
        }
    }

    /// Returns the position for a `Host` as sent. Does not allocate for lower-case hosts.
    ///
    /// `*.example.com` covers names at any depth below `example.com`, as at CloudFront (developer guide, "Using
    /// wildcards in alternate domain names").
    pub(crate) fn find(&self, host: &str) -> Option<usize> {
        let name = without_port(host);
        if name.len() > HOST_SIZE_BYTES_MAX || !name.bytes().all(is_host_byte) {
            return None;
        }
        let name = if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(name.to_ascii_lowercase())
        } else {
            Cow::Borrowed(name)
        };
        if let Some(position) = self.exact.get(&name) {
            return Some(position);
        }
        if self.wildcard.is_empty() {
            return None;
        }
        name.match_indices('.')
            .filter(|&(at, _)| at > 0)
            .find_map(|(at, _)| self.wildcard.get(&name[at..]))
    }
}

/// Returns true for the bytes of names and addresses. A wildcard alias must not cover `evil.example/.example.com`, to
/// which a redirect would then lead.
fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte)
}

/// Removes a trailing `:port` from `host`; an IPv6 address keeps its brackets.
pub(crate) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|byte| byte.is_ascii_digit())
                && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        Some(_) | None => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(host: &str, expected: Option<usize>) {
        let mut table = HostTable::default();
        let names = [
            "D1.cloudfront.net",
            "www.example.com",
            "*.example.com",
            "*.a.example.com",
            "[::1]",
        ];
        for (position, name) in names.into_iter().enumerate() {
            table.insert(name, position).unwrap();
        }
        assert_eq!(table.find(host), expected, "{host}");
    }

    #[test]
    fn strange_hosts_are_nobodys() {
        check("", None);
        check(":80", None);
        check("example.com", None);
        check(".example.com", None);
        check("www.example.com.", None);
        check("www.example.com:80:80", None);
        check("www.example.com:x", None);
        check("evil.test/.example.com", None);
        check("evil.test?.example.com", None);
        check("evil.test#.example.com", None);
        check("user@a.example.com", None);
        check("a b.example.com", None);
        check(&format!("{}.example.com", "a.".repeat(200)), None);
    }

    #[test]
    fn known_hosts() {
        check("d1.cloudfront.net", Some(0));
        check("D1.CloudFront.net:8443", Some(0));
        check("www.example.com:", Some(1));
        check("other.example.com", Some(2));
        check("b.a.example.com", Some(3));
        check("c.b.a.example.com:443", Some(3));
        check("[::1]:443", Some(4));
        check("[::1]", Some(4));
    }

    #[test]
    fn a_name_has_one_owner() {
        let mut table = HostTable::default();
        table.insert("a.example", 7).unwrap();
        assert_eq!(table.insert("A.example", 8), Err(7));
        assert_eq!(table.owner("A.EXAMPLE"), Some(7));
        assert_eq!(table.owner("*.example"), None);
        table.remove("A.example");
        table.insert("a.example", 8).unwrap();
        assert_eq!(table.find("a.example"), Some(8));
    }
}
