use super::*;
use crate::config::{OriginPatience, OriginSource, PathReading};
use http::{HeaderValue, Version};
use privet_sign::Scheme;
use std::net::{IpAddr, Ipv4Addr};

#[track_caller]
fn check(text: &str, target: &str, expected: bool) {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let invalidation = InvalidationPath::parse(text).unwrap();
    assert_eq!(
        invalidation.matches(path, query),
        expected,
        "{text} on {target}"
    );
}

#[test]
fn refuses_what_names_nothing() {
    for bad in [
        "", "a", "*", "/a*b", "/**", "/a b", "/ä", "/a#b", "/a?*b", "/*?a", "//\n",
    ] {
        assert!(InvalidationPath::parse(bad).is_err(), "{bad:?}");
    }
    assert!(InvalidationPath::parse(&format!("/{}", "a".repeat(4_000))).is_err());
    assert!(InvalidationPath::parse(&format!("/{}", "a".repeat(3_999))).is_ok());
}

#[test]
fn does_not_match() {
    check("/a", "/A", false);
    check("/a", "/a/", false);
    check("/a", "/ab", false);
    check("/a", "/a?b", false);
    check("/a?b", "/a", false);
    check("/a?b=1&c=2", "/a?c=2&b=1", false);
    check("/images/*", "/images", false);
    check("/a?b*", "/a?c", false);
    check("/a?b*", "/ab?b", false);
    check("/a%2A", "/ab", false);
    check("/a", "/%2561", false);
}

#[test]
fn matches() {
    check("/", "/", true);
    check("/*", "/", true);
    check("/*", "/a/b?c", true);
    check("/a", "/%61", true);
    check("/%61", "/a", true);
    check("/a%2Fb", "/a/b", true);
    check("/a?b=1", "/a?b=%31", true);
    check("/images/*", "/%69mages/a.jpg?x", true);
    check("/images/a*", "/images/a?x", true);
    check("/a?b*", "/a?bc=1", true);
    check("/a?*", "/a?x", true);
    check("/a%2A", "/a*", true);
}

#[test]
fn methods() {
    let check = |method: &str, status: u16, expected: bool| {
        let method: Method = method.parse().unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        let found = unsafe_method_invalidates(&method, status);
        assert_eq!(found, expected, "{method} {status}");
    };
    for safe in ["GET", "HEAD", "OPTIONS", "TRACE"] {
        check(safe, 200, false);
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "M-SEARCH", "post"] {
        check(method, 200, true);
        check(method, 303, true);
        check(method, 404, false);
        check(method, 500, false);
    }
}

fn paths_of(field: &str, reference: &str) -> Vec<String> {
    let mut response = HeaderMap::new();
    response.insert(
        HeaderName::try_from(field).unwrap(),
        HeaderValue::from_str(reference).unwrap(),
    );
    let headers = HeaderMap::new();
    let request = ViewerRequest {
        https_port: None,
        method: &Method::POST,
        version: Version::HTTP_11,
        scheme: Scheme::Https,
        host: "www.example.com:8443",
        path: "/a/b",
        query: Some("q=1"),
        headers: &headers,
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        has_body: true,
        path_token: None,
    };
    let paths = also_invalidated(&request, &response).into_iter();
    paths.map(|invalidation| invalidation.path).collect()
}

#[track_caller]
fn check_reference(reference: &str, expected: Option<&str>) {
    for field in ["location", "content-location"] {
        let paths = paths_of(field, reference);
        let others: Vec<&str> = paths[1..].iter().map(String::as_str).collect();
        assert_eq!(paths[0], "/a/b");
        assert_eq!(others, expected.as_slice(), "{reference}");
    }
}

/// RFC 9111 4.4.
#[test]
fn other_hosts_are_left_alone() {
    check_reference("https://other.example.com/c", None);
    check_reference("//other.example.com/c", None);
    check_reference("https://www.example.com@other.example.com/c", None);
    check_reference("https://www.example.com.other/c", None);
    check_reference("mailto:a@www.example.com", None);
}

#[test]
fn references_are_resolved() {
    check_reference("https://WWW.example.com/c?d#e", Some("/c"));
    check_reference("http://www.example.com", Some("/"));
    check_reference("//www.example.com/c", Some("/c"));
    check_reference("/c/../d/./e/", Some("/d/e/"));
    check_reference("/../..", Some("/"));
    check_reference("c", Some("/a/c"));
    check_reference("../c?x=/:", Some("/c"));
    check_reference(".", Some("/a/"));
    check_reference("/a%2A*", Some("/a**"));
    // The target itself occurs once.
    check_reference("?q=2", None);
    check_reference("#top", None);
}

#[test]
fn an_unsafe_method_takes_every_query() {
    let target = InvalidationPath::every_query("/a*");
    assert!(target.matches("/a%2A", None));
    assert!(target.matches("/a*", Some("q")));
    assert!(!target.matches("/ab", None));
}

#[test]
fn tags() {
    let mut response = HeaderMap::new();
    let mut add = |name: &'static str, value: &str| {
        response.append(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).unwrap(),
        );
    };
    add("cache-tag", "a, b c,,a");
    add("cache-tag", "D");
    add("cache-tag", &"x".repeat(CACHE_TAG_SIZE_BYTES_MAX + 1));
    add("surrogate-key", "e  f d");
    assert_eq!(cache_tags(&response), ["a", "b c", "D", "e", "f", "d"]);
    let many: Vec<String> = (0..1_000).map(|number| number.to_string()).collect();
    response.insert("cache-tag", HeaderValue::from_str(&many.join(",")).unwrap());
    assert_eq!(cache_tags(&response).len(), CACHE_TAGS_MAX);
    assert!(cache_tags(&HeaderMap::new()).is_empty());
}

/// Checks that `expected` is the viewers' path of an origin's object.
#[track_caller]
fn check_change(origin_path: &str, path: &str, expected: Option<&str>) {
    let origin = Origin {
        index: 0,
        id: "o".to_owned(),
        source: OriginSource::Folder {
            root: "/srv".into(),
        },
        origin_path: origin_path.to_owned(),
        paths: PathReading::Literal,
        are_paths_stated: false,
        custom_headers: Vec::new(),
        patience: OriginPatience::default(),
    };
    let changed = changed_at_origin(&origin, path);
    let expected = expected.map(InvalidationPath::every_query);
    assert_eq!(changed, expected, "{path} at {origin_path}");
}

#[test]
fn a_change_at_the_origin_is_known_by_the_viewers_path() {
    check_change("/site", "/sit", None);
    check_change("/site", "/site", None);
    check_change("/site", "/sites/a", None);
    check_change("/site", "/other/site/a", None);
    check_change("/site", "/site/a", Some("/a"));
    check_change("/a%20b", "/a b/c%2520d", Some("/c%2520d"));
    check_change("/a b", "/%61%20b/c", Some("/c"));
    check_change("", "/site/a", Some("/site/a"));
    check_change("", "/h%C3%A9", Some("/h%C3%A9"));
}
