use super::*;

const GOOD: &str = "content-type: text/html; charset=utf-8\ncontent-length: 1000";

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

fn coding(request: &str, status: u16, response: &str) -> Option<ContentCoding> {
    coding_for(
        &headers(request),
        StatusCode::from_u16(status).unwrap(),
        &headers(response),
        &CachePolicy::caching_optimized(),
        true,
        Version::HTTP_11,
    )
}

#[track_caller]
fn check_left(response: &str) {
    assert_eq!(
        coding("accept-encoding: br", 200, response),
        None,
        "{response}"
    );
}

#[test]
fn what_is_left_as_it_is() {
    check_left("content-type: text/html");
    check_left("content-type: text/html\ncontent-length: 999");
    check_left("content-type: text/html\ncontent-length: 10000001");
    check_left("content-type: text/html\ncontent-length: x");
    check_left("content-length: 1000");
    check_left("content-type: video/mp4\ncontent-length: 1000");
    check_left(&format!("{GOOD}\ncontent-encoding: identity"));
    check_left(&format!("{GOOD}\ncache-control: no-transform"));
    for status in [201, 204, 206, 302, 500] {
        assert_eq!(coding("accept-encoding: br", status, GOOD), None);
    }
    assert_eq!(coding("", 200, GOOD), None);
    assert_eq!(coding("accept-encoding: br;q=0, *", 200, GOOD), None);
    assert_eq!(
        coding("accept-encoding: br\nrange: bytes=0-1", 200, GOOD),
        None
    );
}

#[test]
fn who_does_not_compress() {
    let ask = |policy: &CachePolicy, compress: bool, version: Version| {
        let request = headers("accept-encoding: gzip");
        coding_for(
            &request,
            StatusCode::OK,
            &headers(GOOD),
            policy,
            compress,
            version,
        )
    };
    let on = CachePolicy::caching_optimized();
    assert_eq!(ask(&on, true, Version::HTTP_10), None);
    assert_eq!(ask(&on, false, Version::HTTP_11), None);
    let disabled = CachePolicy {
        max_ttl: std::time::Duration::ZERO,
        ..on.clone()
    };
    assert_eq!(ask(&disabled, true, Version::HTTP_11), None);
    let off = CachePolicy {
        gzip: false,
        ..on.clone()
    };
    assert_eq!(ask(&off, true, Version::HTTP_11), None);
    assert_eq!(ask(&on, true, Version::HTTP_2), Some(ContentCoding::Gzip));
}

#[test]
fn the_preferred_coding() {
    for status in [200, 403, 404] {
        let found = coding("accept-encoding: gzip, zstd, br;q=0.1", status, GOOD);
        assert_eq!(found, Some(ContentCoding::Brotli));
    }
    let found = coding("accept-encoding: gzip, zstd", 200, GOOD);
    assert_eq!(found, Some(ContentCoding::Zstd));
    for listed in ["application/vnd.apple.mpegurl", "Application/Dash+XML"] {
        let response = format!("content-type: {listed}\ncontent-length: 10000000");
        let found = coding("accept-encoding: gzip", 200, &response);
        assert_eq!(found, Some(ContentCoding::Gzip), "{listed}");
    }
}

#[track_caller]
fn check_headers(stored: &str, size_bytes: Option<u64>, expected: &str) {
    let found = compressed_headers(&headers(stored), ContentCoding::Brotli, size_bytes);
    let expected = headers(&format!("{expected}\ncontent-encoding: br"));
    assert_eq!(found, expected, "{stored}");
}

#[test]
fn fields_of_the_compressed_form() {
    check_headers(
        "content-length: 1000\naccept-ranges: bytes\ncontent-md5: x\ndigest: x\na: 1",
        None,
        "a: 1\nvary: Accept-Encoding",
    );
    check_headers(
        "etag: \"a\"",
        Some(7),
        "etag: W/\"a\"\ncontent-length: 7\nvary: Accept-Encoding",
    );
    check_headers(
        "etag: W/\"a\"",
        None,
        "etag: W/\"a\"\nvary: Accept-Encoding",
    );
    check_headers("etag: abc", None, "vary: Accept-Encoding");
    check_headers("etag: \"a b\"", None, "vary: Accept-Encoding");
    check_headers("vary: Origin", None, "vary: Origin\nvary: Accept-Encoding");
    check_headers("vary: x, accept-encoding", None, "vary: x, accept-encoding");
    check_headers("vary: *", None, "vary: *");
}
