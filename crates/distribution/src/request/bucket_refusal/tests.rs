//! Errors of buckets, and whether they are about the edge.

use super::*;

#[track_caller]
fn check(status: u16, code: Option<&str>, expected: Option<BucketRefusal>) {
    let status = StatusCode::from_u16(status).unwrap();
    let refusal = bucket_refusal(status, code, RequestSignature::Edge);
    assert_eq!(refusal, expected, "{status} {code:?}");
    assert!(refusal.is_none() || may_refuse_edge(status, RequestSignature::Edge));
}

#[test]
fn the_edges_own_failing_is_known_by_its_code() {
    for (status, code, refusal) in [
        (403, "SignatureDoesNotMatch", BucketRefusal::Keys),
        (403, "InvalidAccessKeyId", BucketRefusal::Keys),
        (403, "InvalidSecurity", BucketRefusal::Keys),
        (403, "RequestTimeTooSkewed", BucketRefusal::Clock),
        (400, "ExpiredToken", BucketRefusal::Token),
        (403, "ExpiredToken", BucketRefusal::Token),
        (400, "InvalidToken", BucketRefusal::Token),
        (400, "TokenRefreshRequired", BucketRefusal::Token),
        (400, "AuthorizationHeaderMalformed", BucketRefusal::Region),
        (
            400,
            "IllegalLocationConstraintException",
            BucketRefusal::Region,
        ),
        (301, "PermanentRedirect", BucketRefusal::Region),
        (307, "TemporaryRedirect", BucketRefusal::Region),
        (404, "NoSuchBucket", BucketRefusal::Bucket),
        (403, "AccountProblem", BucketRefusal::Account),
        (403, "NotSignedUp", BucketRefusal::Account),
        (401, "Anything", BucketRefusal::Keys),
        (403, "AWordOfTomorrow", BucketRefusal::Unexplained),
    ] {
        check(status, Some(code), Some(refusal));
    }
    check(403, None, Some(BucketRefusal::Unexplained));
    check(401, None, Some(BucketRefusal::Keys));
    check(308, None, Some(BucketRefusal::Region));
}

#[test]
fn what_is_about_the_object_stays_the_viewers() {
    for (status, code) in [
        (403, "AccessDenied"),
        (403, "InvalidObjectState"),
        (403, "AccessForbidden"),
        (404, "NoSuchKey"),
        (400, "BadDigest"),
        (400, "RequestTimeout"),
        (409, "OperationAborted"),
        (412, "PreconditionFailed"),
        (416, "InvalidRange"),
        (503, "SlowDown"),
        (304, "Anything"),
    ] {
        check(status, Some(code), None);
    }
    check(400, None, None);
    check(404, None, None);
}

#[test]
fn a_foreign_signature_is_not_the_edges_failing() {
    let refusal = |status, code| bucket_refusal(status, Some(code), RequestSignature::NotEdge);
    assert_eq!(
        refusal(StatusCode::FORBIDDEN, "SignatureDoesNotMatch"),
        None
    );
    assert_eq!(refusal(StatusCode::UNAUTHORIZED, "Unauthorized"), None);
    let moved = refusal(StatusCode::MOVED_PERMANENTLY, "PermanentRedirect");
    assert_eq!(moved, Some(BucketRefusal::Region));
}

#[test]
fn a_code_is_read_only_where_it_is_plain() {
    let check =
        |body: &str, expected| assert_eq!(s3_error_code(body.as_bytes()), expected, "{body}");
    check("", None);
    check("AccessDenied", None);
    check("<Code>", None);
    check("<Code></Code>", None);
    check("<Code>AccessDenied", None);
    check("<Code>Access\u{1b}[2JDenied</Code>", None);
    check("<Code><![CDATA[AccessDenied]]></Code>", None);
    check("<Code>AccessDenied<!-- --></Code>", None);
    check(&format!("<Code>{}</Code>", "A".repeat(65)), None);
    check("<Code>&#65;ccessDenied</Code>", None);
    let whole =
        "<?xml version=\"1.0\"?>\n<Error><Code> NoSuchKey\n</Code><Key>&lt;Code&gt;</Key></Error>";
    check(whole, Some("NoSuchKey"));
    check(
        "<Code>KMS.DisabledException</Code><Code>B</Code>",
        Some("KMS.DisabledException"),
    );
}

#[test]
fn a_region_is_read_only_where_it_is_one() {
    let region = |body: &'static str| s3_error_region(body.as_bytes());
    assert_eq!(region("<Region>eu-west-1; rm</Region>"), None);
    assert_eq!(region("<Region>eu-west-1</Region>"), Some("eu-west-1"));
    assert_eq!(region_name(b"us-\x1b[1mgov"), None);
    assert_eq!(region_name(b"us-gov-west-1"), Some("us-gov-west-1"));
}
