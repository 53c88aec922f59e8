"""Header fields that are wrong, absent or odd: authorization, dates, lengths, digests, expectations."""

import datetime
import hashlib
import socket

from world import Fault, among, code, equal, refused

GARBAGE = "AWS4-HMAC-SHA256 Credential=AKIAIGR7ZNNBHC5BKSUB/20150930/us-east-1/s3/aws4_request," \
          "SignedHeaders=host;user-agent,Signature=FWeDfwojDSdS2Ztmpfeubhd9isU="


def put(w, later=None, headers=None, body=b"bar", sha=None):
    """Writes an object with header fields that are changed after the signature; returns status and code."""
    seen, _, body = w.signed("PUT", f"/{w.bucket}/foo", body, headers, later, sha)
    return seen, code(body)


def nothing(w):
    """Checks that nothing was stored."""
    equal(w.s3.list_objects_v2(Bucket=w.bucket)["KeyCount"], 0, "stored")


def test_authorization(w):
    equal(put(w, {"Authorization": None}), (403, "AccessDenied"), "none")
    equal(put(w, {"Authorization": ""}), (403, "AccessDenied"), "empty")
    among(put(w, {"Authorization": "AWS4-HMAC-SHA256 Credential=HAHAHA"}),
          [(400, "AuthorizationHeaderMalformed"), (400, "InvalidArgument"), (403, "AccessDenied")], "malformed")
    seen = put(w, {"Authorization": GARBAGE})
    among(seen, [(403, "AccessDenied"), (403, "SignatureDoesNotMatch"), (403, "InvalidAccessKeyId"),
                 (400, "AuthorizationHeaderMalformed"), (403, "RequestTimeTooSkewed")], "garbage")
    among(put(w, {"Authorization": "AWS HAHAHA"}), [(400, "InvalidArgument"), (400, "InvalidRequest")], "version 2")
    nothing(w)


def test_authorization_of_a_bucket(w):
    for later in [{"Authorization": None}, {"Authorization": ""}]:
        name = w.name()
        seen, _, body = w.signed("PUT", f"/{name}", later=later)
        equal((seen, code(body)), (403, "AccessDenied"))


def test_dates(w):
    refusals = [(403, "AccessDenied"), (403, "RequestTimeTooSkewed"), (403, "SignatureDoesNotMatch")]
    for text in ["Bad Date", "", "19500707T215304Z", "99990707T215304Z", "20100707T215304Z"]:
        among(put(w, {"X-Amz-Date": text}), refusals, text)
    now = datetime.datetime.now(datetime.timezone.utc)
    for minutes in (-20, 20, 60 * 24):
        text = (now + datetime.timedelta(minutes=minutes)).strftime("%Y%m%dT%H%M%SZ")
        among(put(w, {"X-Amz-Date": text}), refusals, text)
    equal(put(w, {"X-Amz-Date": None})[0], 403, "no date")
    nothing(w)


def test_lengths_that_are_none(w):
    for length in ["", "-1", "x"]:
        equal(put(w, {"Content-Length": length})[0], 400, repr(length))
    nothing(w)


def test_no_length(w):
    equal(put(w, {"Content-Length": None}, body=b""), (411, "MissingContentLength"))


def test_a_body_that_is_shorter(w):
    digest = hashlib.sha256(b"ba").hexdigest()
    equal(put(w, {"Content-Length": "2"}, sha=hashlib.sha256(b"bar").hexdigest())[0], 400)
    among(put(w, sha=digest), [(400, "XAmzContentSHA256Mismatch")], "another digest")
    nothing(w)


def test_a_body_that_is_another(w):
    for digest in ["0" * 64, "hello"]:
        equal(put(w, sha=digest)[0], 400, digest)
    nothing(w)


def test_md5(w):
    for text, name in [("AWS4 HAHAHA", "InvalidDigest"), ("rL0Y20xC+Fzt72VPzMSk2A==", "BadDigest"), ("", "InvalidDigest"),
                       ("YWJyYWNhZGFicmE=", "InvalidDigest")]:
        equal(put(w, headers={"Content-MD5": text}), (400, name), text)
    nothing(w)
    equal(put(w, headers={"Content-MD5": "N7UdGUp1E+RbVvZSTy1R8g=="})[0], 200)


def test_odd_user_agents_and_expectations(w):
    for headers in [{"User-Agent": ""}, {"User-Agent": None}, {"Content-Type": ""}, {"Content-Type": "text/plain"}]:
        equal(put(w, headers={name: text for name, text in headers.items() if text is not None})[0], 200, headers)


def test_an_expectation_that_is_none(w):
    among(put(w, {"Expect": "200"})[0], [200, 417])


def expecting(w, path):
    """Sends the head of a request that waits for 100, without a signature; returns what comes."""
    host, port = w.host.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        head = f"PUT {path} HTTP/1.1\r\nHost: {w.host}\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n"
        connection.sendall(head.encode())
        return connection.recv(4096).split(b"\r\n")[0]


def test_who_may_not_is_not_told_to_go_on(w):
    first = expecting(w, f"/{w.bucket}/foo")
    if b" 403" not in first:
        raise Fault(repr(first))


def test_dates_beside_the_signed_one(w):
    for text in ["Tue, 07 Jul 2014 21:53:04 GMT", "Bad Date", ""]:
        equal(put(w, {"Date": text})[0], 200, text)


def test_version_2_in_a_header(w):
    w.put("foo")
    seen = w.client(signature_version="s3")
    refused(lambda: seen.get_object(Bucket=w.bucket, Key="foo"), 400, "InvalidRequest")


def test_version_2_in_a_url(w):
    w.put("foo")
    url = w.client(signature_version="s3").generate_presigned_url("get_object", Params={"Bucket": w.bucket, "Key": "foo"})
    path = url.removeprefix(w.endpoint)
    equal(w.raw("GET", path)[::2], (200, b"bar"))
    equal(w.raw("GET", path.replace("foo", "fop", 1))[0], 403)
    among(w.raw("DELETE", path)[0], [400, 403])


def test_fields_that_are_not_signed(w):
    for name, text in [("x-amz-meta-a", "b"), ("x-amz-acl", "private"), ("x-amz-copy-source", "/a/b")]:
        among(put(w, {name: text}), [(403, "AccessDenied"), (403, "SignatureDoesNotMatch")], name)
    nothing(w)


def test_methods_that_no_operation_has(w):
    for method, path in [("PATCH", f"/{w.bucket}"), ("PATCH", f"/{w.bucket}/a"), ("POST", "/"), ("PUT", "/"), ("DELETE", "/")]:
        among(w.signed(method, path)[0], [400, 405, 501], f"{method} {path}")


def test_a_name_of_a_bucket_in_the_host(w):
    w.put("foo", b"there")
    client = w.client(s3={"addressing_style": "path"})
    equal(client.get_object(Bucket=w.bucket, Key="foo")["Body"].read(), b"there")
    port = w.host.split(":")[1]
    virtual = f"{w.bucket}.s3.localhost:{port}"
    seen, _, _ = w.raw("GET", "/foo", {"Host": virtual})
    equal(seen, 403)
