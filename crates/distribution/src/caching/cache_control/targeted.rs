//! `CDN-Cache-Control`, an origin's directives for CDNs only (RFC 9213).

use super::{CacheControl, DELTA_SECONDS_MAX, Scope, Seconds, field_names};
use http::{HeaderMap, HeaderName};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

/// Name of the field.
pub(crate) const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

/// Reads all `CDN-Cache-Control` lines of `response`, which together form one dictionary of structured fields.
///
/// `None` when the field is absent, has no member, or has even one unreadable character: the field is then ignored and
/// `Cache-Control` counts, as RFC 9213 2.1 demands.
///
/// A directive with a value of the wrong type is read so that doubt never makes the response more cacheable: a
/// prohibition holds whatever its value, a permission has to be plainly true, and a value that is not a number of
/// seconds counts as stale.
pub(super) fn read(response: &HeaderMap) -> Option<CacheControl> {
    let mut lines = response.get_all(CDN_CACHE_CONTROL).iter();
    let mut text = lines.next()?.as_bytes().to_vec();
    for line in lines {
        text.extend_from_slice(b", ");
        text.extend_from_slice(line.as_bytes());
    }
    let members: Dictionary = Parser::new(&text).parse().ok()?;
    if members.is_empty() {
        return None;
    }
    let mut cache_control = CacheControl {
        is_targeted: true,
        ..CacheControl::default()
    };
    for (name, member) in &members {
        cache_control.add_member(name.as_str(), member);
    }
    Some(cache_control)
}

impl CacheControl {
    fn add_member(&mut self, name: &str, member: &ListEntry) {
        match name {
            "max-age" => self.max_age = seconds(member),
            "s-maxage" => self.s_maxage = seconds(member),
            "stale-while-revalidate" => self.stale_while_revalidate = seconds(member),
            "stale-if-error" => self.stale_if_error = seconds(member),
            "no-store" => self.no_store = true,
            "no-cache" => self.no_cache = scope(member),
            "private" => self.private = scope(member),
            "public" => self.public = is_true(member),
            "must-revalidate" => self.must_revalidate = true,
            "proxy-revalidate" => self.proxy_revalidate = true,
            "must-understand" => self.must_understand = is_true(member),
            "no-transform" => self.no_transform = true,
            "immutable" => self.immutable = is_true(member),
            _ => {}
        }
    }
}

/// Returns the value of a member; no directive has an inner list as its value.
fn bare_item(member: &ListEntry) -> Option<&BareItem> {
    match member {
        ListEntry::Item(item) => Some(&item.bare_item),
        ListEntry::InnerList(_) => None,
    }
}

fn is_true(member: &ListEntry) -> bool {
    bare_item(member).and_then(BareItem::as_boolean) == Some(true)
}

fn seconds(member: &ListEntry) -> Seconds {
    let Some(integer) = bare_item(member).and_then(BareItem::as_integer) else {
        return Seconds::Invalid;
    };
    match u64::try_from(i64::from(integer)) {
        Ok(seconds) => Seconds::Of(
            u32::try_from(seconds).map_or(DELTA_SECONDS_MAX, |secs| secs.min(DELTA_SECONDS_MAX)),
        ),
        Err(_) => Seconds::Invalid,
    }
}

/// Reads a scope. A string may name some fields (RFC 9111 5.2.2.4 and 5.2.2.7); every other value is about the whole
/// response.
fn scope(member: &ListEntry) -> Scope {
    let names = bare_item(member)
        .and_then(BareItem::as_string)
        .and_then(|list| field_names(list.as_str().as_bytes()));
    names.map_or(Scope::Response, Scope::Fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Audience;
    use http::HeaderValue;

    fn read_lines(text: &str) -> Option<CacheControl> {
        let mut headers = HeaderMap::new();
        for line in text.lines() {
            headers.append(CDN_CACHE_CONTROL, HeaderValue::from_str(line).unwrap());
        }
        read(&headers)
    }

    #[track_caller]
    fn check(text: &str, expected: CacheControl) {
        let expected = CacheControl {
            is_targeted: true,
            ..expected
        };
        assert_eq!(read_lines(text), Some(expected), "{text}");
    }

    #[test]
    fn what_cannot_be_read_is_ignored_whole() {
        for text in [
            "",
            " ",
            ",",
            "max-age=10, &&&&&",
            "max-age =100",
            "max-age= 100",
            "MaX-aGe=3600",
            "no-store, max-age=1x",
            "max-age=1,",
            "max-age=9999999999999999",
            "private=\"a",
            "no-store\n&",
        ] {
            assert_eq!(read_lines(text), None, "{text}");
        }
        assert_eq!(read(&HeaderMap::new()), None);
    }

    #[test]
    fn directives() {
        let of = |max_age| CacheControl {
            max_age,
            ..CacheControl::default()
        };
        check("max-age=3600", of(Seconds::Of(3600)));
        check("foobar, max-age=3600;a=b", of(Seconds::Of(3600)));
        check("max-age=99999999999", of(Seconds::Of(DELTA_SECONDS_MAX)));
        check("max-age=1, max-age=2", of(Seconds::Of(2)));
        check(
            "max-age=1, no-store\nmust-revalidate",
            CacheControl {
                max_age: Seconds::Of(1),
                no_store: true,
                must_revalidate: true,
                ..CacheControl::default()
            },
        );
        check(
            "private=\"set-cookie, x-name\", s-maxage=2",
            CacheControl {
                private: Scope::Fields(
                    ["set-cookie", "x-name"]
                        .map(HeaderName::from_static)
                        .to_vec(),
                ),
                s_maxage: Seconds::Of(2),
                ..CacheControl::default()
            },
        );
    }

    #[test]
    fn a_value_of_another_type_makes_nothing_more_cacheable() {
        for value in [
            "", "=?0", "=-1", "=1.5", "=\"10\"", "=ten", "=(10)", "=:MTA=:",
        ] {
            let read = read_lines(&format!("max-age{value}")).unwrap();
            assert_eq!(read.max_age, Seconds::Invalid, "{value}");
        }
        for value in ["", "=?1", "=?0", "=1", "=\"a b\"", "=(\"a\")"] {
            let read = read_lines(&format!("private{value}, no-cache{value}, no-store{value}"));
            let read = read.unwrap();
            assert!(read.private.is_whole() && read.no_cache.is_whole() && read.no_store);
        }
        for value in ["=?0", "=1", "=yes", "=\"\""] {
            let read = read_lines(&format!("public{value}, must-understand{value}")).unwrap();
            assert!(!read.public && !read.must_understand, "{value}");
        }
        assert!(read_lines("public").unwrap().public);
    }

    #[test]
    fn only_cdns_follow_it() {
        let mut headers = HeaderMap::new();
        headers.insert(CDN_CACHE_CONTROL, HeaderValue::from_static("max-age=9"));
        headers.insert("cache-control", HeaderValue::from_static("no-store"));
        let of = |audience| CacheControl::for_audience(&headers, audience);
        assert_eq!(of(Audience::Cdn).max_age, Seconds::Of(9));
        assert!(!of(Audience::Cdn).no_store);
        assert!(of(Audience::Everyone).no_store);
        assert_eq!(of(Audience::Everyone).max_age, Seconds::Absent);
    }
}
