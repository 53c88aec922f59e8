//! Changes that may be requested of a bucket: only those that concern the key of the path, and nothing that a form
//! says.

use crate::reach::{H, snapshot};
use crate::support::*;
use privet_distribution::request::Denial;

#[track_caller]
fn check(sent: &Sent, expected: &Result<(), Denial>) {
    assert_eq!(
        &sent.run(snapshot()),
        expected,
        "{} {}",
        sent.method,
        sent.url
    );
}

#[track_caller]
fn check_refused(method: &str, path: &str) {
    let sent = send(method, format!("{H}{path}")).with_body();
    check(&sent, &Err(Denial::NotSupportedByOrigin));
}

#[test]
fn s2_a_post_without_its_parameter_is_refused() {
    for path in ["/none/a", "/all/a", "/but/a", "/named/a", "/mixed/a"] {
        check_refused("PATCH", path);
        check_refused("POST", path);
    }
    // These policies do not list the parameters.
    for path in ["/none/a", "/all/a", "/but/a", "/mixed/a"] {
        for query in ["uploads", "uploadId=x", "restore", "select&select-type=2"] {
            check_refused("POST", &format!("{path}?{query}"));
        }
    }
    for query in [
        "",
        "delete",
        "acl",
        "uploads%3D",
        "x=uploads",
        "UPLOADS",
        "uploads;",
        "versionId=1",
    ] {
        check_refused("POST", &format!("/named/a?{query}"));
    }
    check_refused("PATCH", "/named/a?uploads");
}

#[test]
fn s2_a_post_of_a_form_is_refused() {
    for content_type in [
        "multipart/form-data; boundary=x",
        "Multipart/Form-Data;boundary=x",
        " multipart/form-data",
        "multipart/mixed",
        "multipart /form-data",
        "application/x-www-form-urlencoded",
        "APPLICATION/X-WWW-FORM-URLENCODED; charset=utf-8",
        "text/plain",
        "text/plain; charset=utf-8",
        "text/xml, multipart/form-data; boundary=x",
        "text/xml; x=multipart/form-data",
        "form-data",
        "message/rfc822",
        "application/",
        "/",
        "",
    ] {
        for query in ["uploads", "uploadId=x", "restore", "select"] {
            let sent = send("POST", format!("{H}/named/a?{query}"))
                .header("content-type", content_type)
                .with_body();
            check(&sent, &Err(Denial::NotSupportedByOrigin));
        }
    }
    let twice = send("POST", format!("{H}/named/a?uploads"))
        .header("content-type", "text/xml")
        .header("content-type", "multipart/form-data");
    check(&twice, &Err(Denial::NotSupportedByOrigin));
    let no_text =
        send("POST", format!("{H}/named/a?uploads")).header_of_bytes("content-type", b"text/\xff");
    check(&no_text, &Err(Denial::NotSupportedByOrigin));
}

/// Without such a header it would be another change: without its condition, or with another type.
#[test]
fn a_change_whose_headers_cannot_be_signed_is_refused() {
    for name in ["if-match", "content-type", "content-disposition", "cookie"] {
        let sent = send("PUT", format!("{H}/none/a")).header_of_bytes(name, b"\"\xe9\"");
        check(&sent, &Err(Denial::BadRequest));
    }
    let stays_here = send("PUT", format!("{H}/none/a")).header_of_bytes("x-other", b"\xe9");
    check(&stays_here, &Ok(()));
    check(
        &get(format!("{H}/all/a")).header_of_bytes("origin", b"\xe9"),
        &Ok(()),
    );
}

#[test]
fn a_refusal_by_the_bucket_comes_after_the_signature() {
    let sent = send("POST", format!("{H}/private/a")).with_body();
    let denial = sent.run(snapshot());
    assert!(matches!(denial, Err(Denial::Signature(_))), "{denial:?}");
    let sent = send("PATCH", signed(&format!("{H}/private/a"), E)).with_body();
    check(&sent, &Err(Denial::NotSupportedByOrigin));
}

#[test]
fn what_s3_knows_is_let_through() {
    for path in ["/none/a", "/all/a", "/named/a?acl", "/mixed/a"] {
        check(&send("PUT", format!("{H}{path}")).with_body(), &Ok(()));
        check(&send("DELETE", format!("{H}{path}")), &Ok(()));
    }
    for query in [
        "uploads",
        "uploadId=x",
        "restore",
        "select&select-type=2",
        "%75ploads=",
    ] {
        let sent = send("POST", format!("{H}/named/a?{query}"));
        check(&sent, &Ok(()));
        check(
            &sent.header("content-type", "application/xml").with_body(),
            &Ok(()),
        );
    }
    for content_type in [
        "video/mp4",
        "binary/octet-stream",
        "text/plain",
        "image/svg+xml; charset=utf-8",
    ] {
        let sent =
            send("POST", format!("{H}/named/a?uploads")).header("content-type", content_type);
        check(&sent, &Ok(()));
    }
    for method in ["POST", "PATCH"] {
        let sent = send(method, format!("{H}/server/a"))
            .header("content-type", "multipart/form-data; boundary=x")
            .with_body();
        check(&sent, &Ok(()));
    }
}

/// A change whose parameter does not reach the bucket would be another one: `PUT ?acl` would replace the object itself.
#[test]
fn a_change_that_would_lose_its_meaning_is_refused() {
    for (method, path) in [
        ("PUT", "/all/a?acl"),
        ("PUT", "/none/a?%61cl"),
        ("PUT", "/all/a?tagging="),
        ("PUT", "/all/a?versionId=1"),
        ("PUT", "/all/a?partNumber=1"),
        ("PUT", "/named/a?partNumber=1&uploadId=a%2Ab"),
        ("PUT", "/named/a?partNumber=1&uploadId=%FF"),
        ("DELETE", "/all/a?versionId=a%2Bb"),
        ("DELETE", "/all/a?uploadId=1"),
        ("DELETE", "/but/a?tagging"),
    ] {
        let sent = send(method, format!("{H}{path}"));
        check(&sent, &Err(Denial::BadRequest));
    }
    for (method, path) in [
        ("PUT", "/all/a?ACL"),
        ("PUT", "/none/a?v=1"),
        ("GET", "/all/a?acl"),
    ] {
        check(&send(method, format!("{H}{path}")), &Ok(()));
    }
}

/// The restriction and the request to the origin read the same parameters.
#[test]
fn s2_a_parameter_that_is_lost_on_the_way_opens_no_post() {
    for query in ["uploads=%FF", "restore=%ff", "select=%C0%AF", "uploads=%00"] {
        let sent = send("POST", format!("{H}/named/a?{query}")).with_body();
        assert!(sent.run(snapshot()).is_err(), "{query}");
    }
}
