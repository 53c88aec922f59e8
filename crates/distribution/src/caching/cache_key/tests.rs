use super::*;
use crate::config::{
    AllowedMethods, BehaviorTable, CacheBehavior, Distribution, GeoRestriction, HeaderFilter,
    HttpOrigin, Origin, OriginChoice, OriginFailover, OriginPatience, OriginProtocolPolicy,
    OriginRequestPolicy, OriginSource, PathPattern, PathReading, ViewerProtocolPolicy,
};
use crate::request::{Routed, authorize};
use http::{HeaderValue, Version};
use privet_sign::{KeySet, Leniency, NoMemory, Scheme, Timestamp};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

fn policy() -> CachePolicy {
    CachePolicy {
        query_strings: NameFilter::All,
        ..CachePolicy::caching_optimized()
    }
}

fn distribution(policy: CachePolicy, trusted_keys: Option<KeySet>) -> Arc<Distribution> {
    let origin = Origin {
        index: 0,
        id: "videos".to_owned(),
        source: OriginSource::Folder {
            root: "/videos".into(),
        },
        origin_path: "/v1".to_owned(),
        paths: PathReading::Literal,
        are_paths_stated: false,
        custom_headers: Vec::new(),
        patience: OriginPatience::default(),
    };
    let behaviors = vec![CacheBehavior {
        path_pattern: PathPattern::parse("*").unwrap(),
        origin: OriginChoice {
            primary: Arc::new(origin),
            failover: None,
        },
        cache_policy: Arc::new(policy),
        origin_request_policy: None,
        response_headers_policy: None,
        compress: false,
        viewer_protocol_policy: ViewerProtocolPolicy::AllowAll,
        allowed_methods: AllowedMethods::GetHeadOptions,
        trusted_keys,
        leniency: Leniency::default(),
        videos: None,
    }];
    Arc::new(Distribution {
        origins: Box::new([]),
        id: "E1".to_owned(),
        domain_name: "d1.cloudfront.net".to_owned(),
        aliases: Vec::new(),
        default_root_object: Some("index.html".to_owned()),
        enabled: true,
        certificate: None,
        table: BehaviorTable::new(&behaviors),
        behaviors,
        custom_errors: Vec::new(),
        geo: GeoRestriction::None,
        http_versions: crate::config::HttpVersions::Http2,
        minimum_tls: crate::config::MinimumTlsVersion::Tls12,
        logging: None,
        https_port: 443,
    })
}

/// Returns the key of `METHOD target`, followed by one header a line, on an open behavior.
fn key(policy: &CachePolicy, text: &str) -> CacheKey {
    key_on(&distribution(policy.clone(), None), text)
}

fn key_on(distribution: &Arc<Distribution>, text: &str) -> CacheKey {
    key_from(distribution, (Scheme::Https, "www.example.com"), text)
}

/// Returns the key for a viewer with this scheme and host.
fn key_from(
    distribution: &Arc<Distribution>,
    (scheme, host): (Scheme, &str),
    text: &str,
) -> CacheKey {
    let mut lines = text.lines();
    let (method, target) = lines.next().unwrap().split_once(' ').unwrap();
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let headers = headers(&lines.collect::<Vec<_>>().join("\n"));
    let routed = Routed::to(distribution, &distribution.behaviors[0]);
    let request = ViewerRequest {
        https_port: None,
        method: &method.parse().unwrap(),
        version: Version::HTTP_11,
        scheme,
        host,
        path,
        query,
        headers: &headers,
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        has_body: false,
        path_token: None,
    };
    if routed.behavior.trusted_keys.is_some() {
        // Bypasses the restriction without a signature, in these tests only.
        return key_at(&routed, path, &request);
    }
    let authorized = authorize(routed, &request, Timestamp::from_secs(0), &NoMemory).unwrap();
    cache_key(&authorized, &request)
}

fn headers(text: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in text.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        headers.append(
            HeaderName::try_from(name).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    headers
}

#[track_caller]
fn check_apart(policy: &CachePolicy, one: &str, other: &str) {
    assert_ne!(key(policy, one), key(policy, other), "{one} and {other}");
}

#[track_caller]
fn check_same(policy: &CachePolicy, one: &str, other: &str) {
    assert_eq!(key(policy, one), key(policy, other), "{one} and {other}");
}

#[test]
fn other_objects_have_other_keys() {
    let policy = policy();
    check_apart(&policy, "GET /a", "GET /b");
    check_apart(&policy, "GET /a", "GET /A");
    check_apart(&policy, "GET /a%2Fb", "GET /a/b");
    check_apart(&policy, "GET /a", "GET /a?b");
    check_apart(&policy, "GET /a?b=1&c=2", "GET /a?c=2&b=1");
    check_apart(&policy, "GET /a?b=1", "GET /a?b=%31");
    check_apart(&policy, "GET /a?b;c", "GET /a?b&c");
    check_apart(&policy, "GET /a", "OPTIONS /a");
    check_apart(&policy, "GET /a", "GET /a\naccept-encoding: gzip");
}

#[test]
fn one_object_has_one_key() {
    let policy = policy();
    check_same(&policy, "GET /a", "HEAD /a");
    check_same(&policy, "GET /", "GET /index.html");
    check_same(&policy, "GET /a", "GET /a?");
    check_same(&policy, "GET /a", "GET /a\nfoo: 1\ncookie: a=b");
    check_same(
        &policy,
        "GET /a\naccept-encoding: gzip, deflate, br",
        "GET /a\naccept-encoding: br;q=0.5\naccept-encoding: x-gzip",
    );
    let none = CachePolicy::caching_optimized();
    check_same(&none, "GET /a", "GET /a?b=1");
}

/// The object is the same whoever signed for it, and however.
#[test]
fn no_credential_is_in_the_key() {
    let policy = CachePolicy {
        cookies: NameFilter::All,
        ..policy()
    };
    let restricted = distribution(policy, Some(KeySet::default()));
    let plain = key_on(&restricted, "GET /a?b=1");
    for signed in [
        "GET /a?b=1&Expires=5&Signature=x&Key-Pair-Id=K",
        "GET /a?Policy=p&%53ignature=y&b=1&Key-Pair-Id=L&Hash-Algorithm=SHA256",
        "GET /a?b=1\ncookie: CloudFront-Policy=p; CloudFront-Signature=s",
    ] {
        assert_eq!(key_on(&restricted, signed), plain, "{signed}");
    }
    assert_ne!(key_on(&restricted, "GET /a?b=2&Expires=5"), plain);
}

#[test]
fn headers_of_the_policy() {
    let policy = CachePolicy {
        headers: vec![
            HeaderName::from_static("foo"),
            HeaderName::from_static("bar"),
            header::HOST,
        ],
        ..policy()
    };
    check_apart(&policy, "GET /a\nfoo: 1", "GET /a\nfoo: 2");
    check_apart(&policy, "GET /a\nfoo: 1", "GET /a\nbar: 1");
    check_apart(&policy, "GET /a\nfoo: 1", "GET /a");
    check_apart(&policy, "GET /a\nfoo: 1\nfoo: 2", "GET /a\nfoo: 1\nbar: 2");
    check_same(&policy, "GET /a\nfoo: 1\nqux: 1", "GET /a\nfoo: 1");
    // HTTP/2 has the host without the field.
    check_same(&policy, "GET /a\nhost: www.example.com", "GET /a");
}

/// Fields that `Connection` names end at the edge (RFC 9110 7.6.1), so the origin responds as if they were absent.
/// Cookies and the edge's own fields are exempt.
#[test]
fn nominated_headers_count_as_absent() {
    let policy = CachePolicy {
        headers: ["foo", "cloudfront-viewer-country", "cookie"]
            .map(HeaderName::from_static)
            .to_vec(),
        ..policy()
    };
    check_same(&policy, "GET /a\nfoo: 1\nconnection: x, Foo", "GET /a");
    check_apart(&policy, "GET /a\nfoo: 1\nconnection: x", "GET /a");
    let own = "cloudfront-viewer-country: ";
    let nominated =
        |country| format!("GET /a\n{own}{country}\nconnection: cloudfront-viewer-country");
    check_apart(&policy, &nominated("DE"), &nominated("FR"));
    check_apart(
        &policy,
        "GET /a\ncookie: a=1\nconnection: cookie",
        "GET /a\ncookie: a=2\nconnection: cookie",
    );
}

/// A normalized `Accept-Encoding` counts by its codings alone; otherwise, where it is listed, it counts as sent.
#[test]
fn accept_encoding_in_a_list_of_headers() {
    let listed = CachePolicy {
        headers: vec![header::ACCEPT_ENCODING],
        ..policy()
    };
    let (one, other) = (
        "GET /a\naccept-encoding: gzip",
        "GET /a\naccept-encoding: gzip, deflate",
    );
    check_same(&listed, one, other);
    let raw = CachePolicy {
        gzip: false,
        brotli: false,
        zstd: false,
        ..listed
    };
    check_apart(&raw, one, other);
    check_apart(&raw, one, "GET /a");
}

fn http_origin(protocol: OriginProtocolPolicy) -> OriginSource {
    OriginSource::Http(HttpOrigin {
        host: "app.example.com".to_owned(),
        http_port: 80,
        https_port: 443,
        protocol,
    })
}

/// Builds a distribution in front of this origin, and perhaps of a second one for failover, which gets the headers of
/// `heard`.
fn before(
    primary: OriginSource,
    secondary: Option<OriginSource>,
    heard: HeaderFilter,
) -> Arc<Distribution> {
    let mut distribution = distribution(policy(), None);
    let behavior = &mut Arc::get_mut(&mut distribution).unwrap().behaviors[0];
    let origin = |source| {
        Arc::new(Origin {
            source,
            ..(*behavior.origin.primary).clone()
        })
    };
    let choice = OriginChoice {
        primary: origin(primary),
        failover: secondary.map(|source| OriginFailover {
            secondary: origin(source),
            statuses: Vec::new(),
        }),
    };
    behavior.origin = choice;
    behavior.origin_request_policy = Some(Arc::new(OriginRequestPolicy {
        id: "heard".to_owned(),
        name: "heard".to_owned(),
        headers: heard,
        cookies: NameFilter::None,
        query_strings: NameFilter::None,
    }));
    distribution
}

fn folder() -> OriginSource {
    OriginSource::Folder {
        root: "/videos".into(),
    }
}

/// Checks whether viewers with these two schemes and hosts share an object.
#[track_caller]
fn check_shared(
    distribution: &Arc<Distribution>,
    one: (Scheme, &str),
    other: (Scheme, &str),
    expected: bool,
) {
    let key = |place| key_from(distribution, place, "GET /a");
    assert_eq!(key(one) == key(other), expected, "{one:?} {other:?}");
}

#[test]
fn one_alias_does_not_answer_for_another_that_the_origin_hears() {
    let one = (Scheme::Https, "one.example");
    let other = (Scheme::Https, "other.example");
    let http = || http_origin(OriginProtocolPolicy::HttpsOnly);
    let host = || HeaderFilter::Only(vec![header::HOST]);
    check_shared(&before(http(), None, host()), one, other, false);
    check_shared(&before(folder(), Some(http()), host()), one, other, false);
    check_shared(
        &before(http(), Some(folder()), HeaderFilter::AllViewer),
        one,
        other,
        false,
    );
    // No origin gets it.
    check_shared(&before(http(), None, HeaderFilter::None), one, other, true);
    check_shared(&before(folder(), None, host()), one, other, true);
}

#[test]
fn one_scheme_does_not_answer_for_another_that_the_origin_is_asked_by() {
    let one = (Scheme::Http, "www.example.com");
    let other = (Scheme::Https, "www.example.com");
    let before = |primary, secondary| before(primary, secondary, HeaderFilter::None);
    let matching = || http_origin(OriginProtocolPolicy::MatchViewer);
    check_shared(&before(matching(), None), one, other, false);
    check_shared(&before(folder(), Some(matching())), one, other, false);
    for fixed in [
        OriginProtocolPolicy::HttpOnly,
        OriginProtocolPolicy::HttpsOnly,
    ] {
        check_shared(&before(http_origin(fixed), None), one, other, true);
    }
    check_shared(&before(folder(), None), one, other, true);
}

/// A cache store compares the bytes.
#[test]
fn keys_are_as_different_as_their_bytes() {
    let policy = policy();
    let (one, other) = (key(&policy, "GET /a"), key(&policy, "GET /b"));
    assert_ne!(one.as_bytes(), other.as_bytes());
    assert_eq!(one.as_bytes(), key(&policy, "HEAD /a").as_bytes());
    assert!(other.as_bytes().ends_with(b"/v1/b"));
}

#[test]
fn cookies_of_the_policy() {
    let all = CachePolicy {
        cookies: NameFilter::All,
        ..policy()
    };
    check_apart(&all, "GET /a\ncookie: a=1", "GET /a\ncookie: a=2");
    check_apart(&all, "GET /a\ncookie: a=1; a=2", "GET /a\ncookie: a=2; a=1");
    check_same(
        &all,
        "GET /a\ncookie: b=2; a=1",
        "GET /a\ncookie: a=1\ncookie: b=2",
    );
    check_same(&all, "GET /a\ncookie: ;a=1; ;", "GET /a\ncookie: a=1");
    check_same(&all, "GET /a\ncookie: ; ", "GET /a");
    check_apart(&all, "GET /a\ncookie: a", "GET /a");
    check_same(
        &all,
        "GET /a\ncookie: CloudFront-Signature=x; a=1; CloudFront-Policy=y; CloudFront-Key-Pair-Id=z",
        "GET /a\ncookie: a=1",
    );
    let only = CachePolicy {
        cookies: NameFilter::Only(vec!["a".to_owned()]),
        ..policy()
    };
    check_same(&only, "GET /a\ncookie: a=1; b=2", "GET /a\ncookie: a=1");
    check_apart(&only, "GET /a\ncookie: a=1", "GET /a\ncookie: A=1");
    let cookie_header = CachePolicy {
        headers: vec![header::COOKIE],
        ..policy()
    };
    check_same(
        &cookie_header,
        "GET /a\ncookie: CloudFront-Signature=x; a=1",
        "GET /a\ncookie: CloudFront-Signature=y; a=1",
    );
}

fn names(text: &str) -> VaryNames {
    match crate::caching::vary::vary_rule(&headers(text)) {
        crate::caching::vary::VaryRule::Names(names) => names,
        other @ (crate::caching::vary::VaryRule::Same | crate::caching::vary::VaryRule::Never) => {
            panic!("{other:?}")
        }
    }
}

#[test]
fn variants_and_codings() {
    let policy = policy();
    let base = key(&policy, "GET /a");
    let foo_bar = names("vary: foo, bar");
    let variant = |request: &str| {
        base.variant(
            &foo_bar,
            &headers(request),
            &CachePolicy::caching_optimized(),
        )
    };
    assert_ne!(variant("foo: 1"), variant("foo: 2"));
    assert_ne!(variant("foo: 1"), variant("bar: 1"));
    assert_ne!(variant("foo: "), variant(""));
    assert_ne!(variant(""), base);
    assert_eq!(variant("foo: 1\nother: 2"), variant("foo: 1\nother: 3"));
    assert_eq!(variant("foo: 1, 2"), variant("foo: 1\nfoo: 2"));
    assert_eq!(
        variant("foo: 1"),
        base.variant(
            &names("vary: Bar,Foo"),
            &headers("foo: 1"),
            &CachePolicy::caching_optimized()
        )
    );
    let codings = [
        ContentCoding::Brotli,
        ContentCoding::Gzip,
        ContentCoding::Zstd,
    ];
    for coding in codings {
        assert_ne!(base.coded(coding), base);
    }
    assert_ne!(base.coded(codings[0]), base.coded(codings[1]));
}

#[track_caller]
fn check_query(query: &str, filter: &NameFilter, restricted: bool, expected: Option<&str>) {
    let found = filtered_query(Some(query), filter, restricted);
    assert_eq!(found.as_deref(), expected, "{query}");
}

#[test]
fn signing_parameters_never_count_on_restricted_behaviors() {
    let signed = "a=1&Expires=5&Signature=x&Key-Pair-Id=K&b=2&Poli%63y=p&Hash-Algorithm=SHA256";
    check_query(signed, &NameFilter::All, true, Some("a=1&b=2"));
    check_query(signed, &NameFilter::All, false, Some(signed));
    check_query("Expires=5&Signature=x", &NameFilter::All, true, None);
    let named = NameFilter::Only(vec!["Expires".to_owned(), "a".to_owned()]);
    check_query(signed, &named, true, Some("a=1"));
    check_query(signed, &named, false, Some("a=1&Expires=5"));
}

#[test]
fn queries() {
    let listed = || vec!["a".to_owned(), "b%20c".to_owned()];
    let only = NameFilter::Only(listed());
    let except = NameFilter::AllExcept(listed());
    assert_eq!(filtered_query(None, &NameFilter::All, true), None);
    check_query("a=1", &NameFilter::None, false, None);
    check_query("", &NameFilter::All, false, None);
    check_query("a=1&&A=2&%61=3&x", &only, false, Some("a=1&%61=3"));
    check_query("a=1&A=2&%61=3&x", &except, false, Some("A=2&x"));
    check_query("b%20c=1&b+c=2", &only, false, Some("b%20c=1"));
    check_query("x", &only, false, None);
    check_query("a;x=1", &only, false, None);
    check_query("a=2&a=1", &only, false, Some("a=2&a=1"));
}

#[track_caller]
fn check_codings(text: &str, expected: Option<&str>) {
    let found = normalized_accept_encoding(&headers(text), &policy());
    assert_eq!(found, expected, "{text}");
}

#[test]
fn accept_encoding() {
    check_codings("", None);
    check_codings("accept-encoding: deflate, *", None);
    check_codings("accept-encoding: gzip;q=0, br;q=0.000", None);
    check_codings("accept-encoding: gzip;q=0, gzip", None);
    check_codings("accept-encoding: gzip;q=x, br;q=2, zstd;level=1", None);
    check_codings("accept-encoding: gzipp, brr", None);
    check_codings("accept-encoding: GZIP ; q=0.001", Some("gzip"));
    check_codings(
        "accept-encoding: zstd, gzip, br;q=1.0",
        Some("br,gzip,zstd"),
    );
    check_codings(
        "accept-encoding: br\naccept-encoding: gzip",
        Some("br,gzip"),
    );
    let each = [
        (true, false, false, Some("br")),
        (false, true, false, Some("gzip")),
        (false, false, true, Some("zstd")),
        (true, true, false, Some("br,gzip")),
        (true, false, true, Some("br,zstd")),
        (false, true, true, Some("gzip,zstd")),
        (false, false, false, None),
    ];
    let takes_all = headers("accept-encoding: br, gzip, zstd");
    for (brotli, gzip, zstd, expected) in each {
        let on = CachePolicy {
            brotli,
            gzip,
            zstd,
            ..policy()
        };
        assert_eq!(normalized_accept_encoding(&takes_all, &on), expected);
        if let Some(codings) = expected {
            let takes_these = headers(&format!("accept-encoding: {codings}"));
            let found = normalized_accept_encoding(&takes_these, &policy());
            assert_eq!(found, expected);
        }
        assert_eq!(normalized_accept_encoding(&headers(""), &on), None);
    }
    let off = CachePolicy {
        gzip: false,
        brotli: false,
        zstd: false,
        ..policy()
    };
    let request = headers("accept-encoding: gzip");
    assert_eq!(normalized_accept_encoding(&request, &off), None);
}

proptest! {
    /// Text cannot move from one field of the key to another.
    #[test]
    fn keys_are_unambiguous(
        one in ("[ab&=]{0,4}", "[ab ,;=]{0,4}", "[ab ,]{0,4}"),
        other in ("[ab&=]{0,4}", "[ab ,;=]{0,4}", "[ab ,]{0,4}"),
    ) {
        let policy = CachePolicy {
            headers: ["foo", "bar"].map(HeaderName::from_static).to_vec(),
            ..policy()
        };
        let text = |(query, foo, bar): &(String, String, String)| {
            format!("GET /a?{query}\nfoo: {foo}\nbar: {bar}")
        };
        let is_same = key(&policy, &text(&one)) == key(&policy, &text(&other));
        prop_assert_eq!(is_same, one == other);
    }
}

/// RFC 9110 12.5.4: languages count by weight, in whatever order they are written.
#[test]
fn languages_are_normalized_where_the_policy_says_so() {
    let base = CacheKey(Vec::new());
    let verbatim = CachePolicy::caching_optimized();
    let normalizing = CachePolicy {
        normalize_accept_language: true,
        headers: vec![header::ACCEPT_LANGUAGE],
        ..CachePolicy::caching_optimized()
    };
    let by_language = names("vary: Accept-Language");
    let variant = |value: &str, policy: &CachePolicy| {
        base.variant(
            &by_language,
            &headers(&format!("accept-language: {value}")),
            policy,
        )
    };
    let same = ["en, de;q=0.50", "de;q=0.5,EN"];
    assert_ne!(variant(same[0], &verbatim), variant(same[1], &verbatim));
    assert_eq!(
        variant(same[0], &normalizing),
        variant(same[1], &normalizing)
    );
    assert_ne!(variant(same[0], &normalizing), variant("de", &normalizing));
    // Unreadable values differ as they are written.
    assert_ne!(
        variant("de;q=2", &normalizing),
        variant("de;q=3", &normalizing)
    );
    let in_key = |value: &str, policy: &CachePolicy| {
        let mut key = base.clone();
        let headers = headers(&format!("accept-language: {value}"));
        push_values(&mut key, &headers, &header::ACCEPT_LANGUAGE, policy);
        key
    };
    assert_ne!(in_key(same[0], &verbatim), in_key(same[1], &verbatim));
    assert_eq!(in_key(same[0], &normalizing), in_key(same[1], &normalizing));
    assert_ne!(in_key("de", &normalizing), base);
}
