use super::*;

const ID: &str = "0123456789012345678901234567890123456789012345678901234=";

fn text(page: &Page) -> &str {
    std::str::from_utf8(&page.body).unwrap()
}

#[track_caller]
fn check_xml(code: ErrorCode, size: usize, body: &str) {
    let page = xml_page(code);
    assert_eq!(text(&page), body);
    assert_eq!(page.body.len(), size);
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(page.content_type, "text/xml");
    assert_eq!(page.result.x_cache(), "Error from cloudfront");
    assert_eq!(
        (page.result, page.detail.as_str()),
        (ResultType::Error, "Error")
    );
}

#[test]
fn signature_pages_have_cloudfronts_bytes() {
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error>";
    check_xml(
        ErrorCode::MissingKey,
        146,
        &format!(
            "{head}<Code>MissingKey</Code><Message>Missing Key-Pair-Id query parameter or cookie value</Message></Error>"
        ),
    );
    check_xml(
        ErrorCode::InvalidKey,
        106,
        &format!("{head}<Code>InvalidKey</Code><Message>Unknown Key</Message></Error>"),
    );
    check_xml(
        ErrorCode::MalformedPolicy,
        116,
        &format!("{head}<Code>MalformedPolicy</Code><Message>Malformed Policy</Message></Error>"),
    );
    check_xml(
        ErrorCode::MalformedSignature,
        131,
        &format!(
            "{head}<Code>MalformedSignature</Code><Message>Could not unencode Signature</Message></Error>"
        ),
    );
    check_xml(
        ErrorCode::AccessDenied,
        110,
        &format!("{head}<Code>AccessDenied</Code><Message>Access denied</Message></Error>"),
    );
}

#[test]
fn the_html_page_of_2018_has_556_bytes() {
    assert_eq!(ID.len(), 56);
    let body = html_body(StatusCode::FORBIDDEN, "Bad request.", "", ID);
    assert_eq!(body.len(), 556, "{body}");
}

#[test]
fn the_html_page_of_today_has_the_advisory() {
    let page = denial_page(&Denial::HttpsRequired, ID);
    let body = text(&page);
    assert!(body.contains("\nBad request.\nWe can't connect to the server"));
    assert!(body.contains("website owner.\n<BR clear=\"all\">\nIf you provide content"));
    assert!(body.contains(&format!("Request ID: {ID}\n</PRE>")));
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(page.content_type, "text/html");
}

#[test]
fn a_blocked_country_hears_why() {
    let page = denial_page(&Denial::CountryBlocked, ID);
    let reason =
        "The Amazon CloudFront distribution is configured to block access from your country.";
    assert!(text(&page).contains(&format!("\n{reason}\n")));
    assert_eq!(page.result.x_cache(), "Error from cloudfront");
}

#[test]
fn redirects_name_cloudfront() {
    let denial = |status| Denial::RedirectToHttps {
        location: "https://a/b?c".to_owned(),
        status,
    };
    let page = denial_page(&denial(StatusCode::MOVED_PERMANENTLY), ID);
    assert_eq!(page.body.len(), 167);
    assert_eq!(page.location.as_deref(), Some("https://a/b?c"));
    assert_eq!(page.result.x_cache(), "Redirect from cloudfront");
    assert_eq!(
        (page.result, page.detail.as_str()),
        (ResultType::Redirect, "Redirect")
    );
    let page = denial_page(&denial(StatusCode::TEMPORARY_REDIRECT), ID);
    assert!(text(&page).contains("<h1>307 Temporary Redirect</h1>"));
}

#[test]
fn the_origins_pages_say_so() {
    let page = no_such_key_page(Some("a&b<\u{1}.txt"), "R1");
    assert_eq!(
        text(&page),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code><Message>The specified key does not \
         exist.</Message><Key>a&amp;b&lt;?.txt</Key><RequestId>R1</RequestId><HostId>R1</HostId></Error>"
    );
    assert_eq!(page.author, PageAuthor::Origin);
    assert_eq!(page.content_type, "application/xml");
    let page = denial_page(&Denial::NotSupportedByOrigin, "R1");
    assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(page.author, PageAuthor::Origin);
}

#[track_caller]
fn check_detail(denial: &Denial, status: u16, detail: &str, logged: bool) {
    let page = denial_page(denial, ID);
    assert_eq!(page.status.as_u16(), status, "{denial:?}");
    assert_eq!(page.detail.as_str(), detail, "{denial:?}");
    assert_eq!(page.logged, logged, "{denial:?}");
}

#[test]
fn every_other_denial() {
    check_detail(&Denial::UnknownHost, 403, "Error", false);
    check_detail(&Denial::MethodNotAllowed, 403, "InvalidRequestMethod", true);
    check_detail(&Denial::BodyNotAllowed, 403, "InvalidRequest", true);
    check_detail(&Denial::HeadTooLarge, 413, "InvalidRequest", false);
    check_detail(&Denial::BadRequest, 400, "InvalidRequest", true);
    check_detail(&Denial::BodyTimeout, 408, "ClientCommError", true);
    check_detail(&Denial::NotFound, 404, "Error", true);
    check_detail(&Denial::OriginUnreadable, 502, "OriginReadError", true);
    check_detail(&Denial::AmbiguousPath, 403, "InvalidRequest", true);
    check_detail(&Denial::CountryBlocked, 403, "ClientGeoBlocked", true);
    check_detail(&Denial::OriginDns, 502, "OriginDnsError", true);
    check_detail(&Denial::OriginConnect, 502, "OriginConnectError", true);
    check_detail(&Denial::OriginTls, 502, "OriginConnectError", true);
    check_detail(&Denial::OriginTimeout, 504, "OriginCommError", true);
    check_detail(
        &Denial::OriginHeaderTooBig,
        502,
        "OriginHeaderTooBigError",
        true,
    );
    check_detail(
        &Denial::OriginInvalidResponse,
        502,
        "OriginInvalidResponseError",
        true,
    );
    check_detail(&Denial::OriginClosed, 502, "OriginCommError", true);
    check_detail(&Denial::CapacityExceeded, 503, "CapacityExceeded", true);
    check_detail(&Denial::MisdirectedRequest, 421, "InvalidRequest", true);
    assert!(denial_page(&Denial::HeadTooLarge, ID).close);
}

/// Players retry by themselves after a 503, and `Retry-After` tells proxies when.
#[test]
fn m2_a_video_that_arrives_is_asked_for_again() {
    let page = denial_page(&Denial::VideoArriving, ID);
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(page.retry_after_secs, Some(2));
    assert!(
        text(&page).contains("fetched first. Ask again"),
        "{}",
        text(&page)
    );
    let page = denial_page(&Denial::CapacityExceeded, ID);
    assert_eq!(page.retry_after_secs, None);
}
