"""Forms with a policy: browsers' uploads."""

import base64
import datetime
import hashlib
import hmac
import json

from world import among, code, equal


def sign(w, policy, **changed):
    """Signs a policy; returns the fields of a form."""
    now = datetime.datetime.now(datetime.timezone.utc)
    day = now.strftime("%Y%m%d")
    fields = {
        "x-amz-algorithm": "AWS4-HMAC-SHA256", "x-amz-date": now.strftime("%Y%m%dT%H%M%SZ"),
        "x-amz-credential": f'{w.given["access_key_id"]}/{day}/us-east-1/s3/aws4_request',
    }
    if isinstance(policy, dict) and "conditions" in policy:
        policy = {**policy, "conditions": policy["conditions"] + [{name: text} for name, text in fields.items()]}
    text = policy if isinstance(policy, str) else json.dumps(policy)
    encoded = base64.b64encode(text.encode()).decode()
    key = ("AWS4" + w.given["secret_access_key"]).encode()
    for part in [day, "us-east-1", "s3", "aws4_request", encoded]:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return {**fields, "policy": encoded, "x-amz-signature": key.hex(), **changed}


def policy(w, *conditions, **changed):
    """Returns a policy for keys that begin with foo."""
    expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=10)
    every = [{"bucket": w.bucket}, ["starts-with", "$key", "foo"], *conditions]
    made = {"expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"), "conditions": every, **changed}
    return {name: value for name, value in made.items() if value is not None}


def post(w, fields, file=b"bar", filename="foo.txt", content_type="text/plain"):
    """Sends a form; returns status, headers and body."""
    parts = []
    for name, text in fields.items():
        parts.append(f'--xyz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode())
    if file is not None:
        head = f'--xyz\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
        head += f"Content-Type: {content_type}\r\n\r\n" if content_type else "\r\n"
        parts.append(head.encode() + file + b"\r\n")
    body = b"".join(parts) + b"--xyz--\r\n"
    return w.raw("POST", f"/{w.bucket}", {"Content-Type": "multipart/form-data; boundary=xyz"}, body)


def posted(w, made, extra=None, key="foo.txt", **more):
    """Signs and sends a form with a key; returns status and code."""
    seen, _, body = post(w, {"key": key, **sign(w, made), **(extra or {})}, **more)
    return seen, code(body)


def absent(w):
    """Checks that nothing was stored."""
    equal(w.s3.list_objects_v2(Bucket=w.bucket)["KeyCount"], 0, "stored")


def test_uploaded(w):
    equal(posted(w, policy(w))[0], 204)
    equal(w.get("foo.txt")["Body"], b"bar")


def test_without_a_policy(w):
    equal(post(w, {"key": "foo.txt"})[0], 403)
    absent(w)


def test_wrong_signature(w):
    fields = sign(w, policy(w))
    for changed in [{"x-amz-signature": fields["x-amz-signature"][::-1]}, {"x-amz-signature": "0" * 64}]:
        among(code(post(w, {"key": "foo.txt", **fields, **changed})[2]), ["SignatureDoesNotMatch", "AccessDenied"])
    absent(w)


def test_wrong_key_id(w):
    fields = sign(w, policy(w))
    fields["x-amz-credential"] = fields["x-amz-credential"].replace("AK", "FOO", 1)
    equal(post(w, {"key": "foo.txt", **fields})[0], 403)
    absent(w)


def test_fields_that_are_missing(w):
    for name in ["x-amz-signature", "x-amz-credential", "x-amz-date", "policy"]:
        fields = sign(w, policy(w))
        del fields[name]
        among(post(w, {"key": "foo.txt", **fields})[0], [400, 403], name)
    absent(w)


def test_no_key(w):
    among(post(w, sign(w, policy(w)))[0], [400, 403])
    absent(w)


def test_no_file(w):
    equal(post(w, {"key": "foo.txt", **sign(w, policy(w))}, file=None)[0], 400)
    absent(w)


def test_a_policy_that_is_none(w):
    equal(posted(w, "{\"expiration")[0], 400)
    equal(posted(w, policy(w, conditions=None))[0], 400)
    equal(posted(w, policy(w, expiration=None))[0], 400)
    absent(w)


def test_an_expiration_that_is_none(w):
    equal(posted(w, policy(w, expiration=str(datetime.datetime.now())))[0], 400)
    absent(w)


def test_expired(w):
    equal(posted(w, policy(w, expiration="2020-01-01T00:00:00Z")), (403, "AccessDenied"))
    absent(w)


def test_another_bucket(w):
    made = policy(w)
    made["conditions"][0] = {"bucket": "another"}
    equal(posted(w, made)[0], 403)
    absent(w)


def test_no_bucket_in_the_policy(w):
    made = policy(w)
    del made["conditions"][0]
    equal(posted(w, made)[0], 403)
    absent(w)


def test_a_key_that_begins_otherwise(w):
    equal(posted(w, policy(w), key="bar.txt")[0], 403)
    absent(w)


def test_a_field_that_no_condition_names(w):
    equal(posted(w, policy(w), {"x-amz-meta-foo": "bar"})[0], 403)
    equal(posted(w, policy(w), {"Content-Type": "text/plain"})[0], 403)
    absent(w)


def test_a_field_that_may_be_ignored(w):
    equal(posted(w, policy(w), {"x-ignore-foo": "bar"})[0], 204)


def test_a_field_with_another_value(w):
    made = policy(w, {"x-amz-meta-foo": "barclamp"})
    equal(posted(w, made, {"x-amz-meta-foo": "other"})[0], 403)
    equal(posted(w, made)[0], 403)
    absent(w)
    equal(posted(w, made, {"x-amz-meta-foo": "barclamp"})[0], 204)
    equal(w.get("foo.txt")["Metadata"], {"foo": "barclamp"})


def test_equality_and_beginnings(w):
    made = policy(w, ["eq", "$x-amz-meta-foo", "bar"], ["starts-with", "$Content-Type", "text/"])
    equal(posted(w, made, {"x-amz-meta-foo": "bar", "Content-Type": "image/png"})[0], 403)
    equal(posted(w, made, {"x-amz-meta-foo": "bar", "Content-Type": "text/x"})[0], 204)
    equal(w.get("foo.txt")["ContentType"], "text/x")


def test_names_in_another_case(w):
    made = policy(w, ["StArTs-WiTh", "$CoNtEnT-TyPe", "text/plain"])
    fields = {"kEy": "foo.txt", **sign(w, made), "cOnTeNt-TyPe": "text/plain"}
    equal(post(w, fields)[0], 204)


def test_conditions_that_are_none(w):
    for condition in [["content-length-range", 0], ["content-length-range", -1, 0], ["contains", "$key", "a"], [], ["eq", "key", "a"]]:
        equal(posted(w, policy(w, condition))[0], 400, condition)
    absent(w)


def test_sizes(w):
    made = policy(w, ["content-length-range", 512, 1000])
    equal(posted(w, made)[0], 400, "small")
    made = policy(w, ["content-length-range", 0, 2])
    equal(posted(w, made)[0], 400, "large")
    absent(w)
    made = policy(w, ["content-length-range", 0, 3])
    equal(posted(w, made)[0], 204)


def test_the_name_of_the_file(w):
    seen, _, _ = post(w, {"key": "foo/${filename}", **sign(w, policy(w))}, filename="a b.txt")
    equal(seen, 204)
    equal(w.get("foo/a b.txt")["Body"], b"bar")


def test_a_key_with_a_dollar(w):
    made = policy(w)
    made["conditions"][1] = ["starts-with", "$key", "\\$foo"]
    among(posted(w, made, key="\\$foo.txt")[0], [204])
    equal(w.get("\\$foo.txt")["Body"], b"bar")


def test_success_statuses(w):
    for asked, expected in [("200", 200), ("201", 201), ("204", 204), ("404", 204)]:
        made = policy(w, ["starts-with", "$success_action_status", ""])
        seen, headers, body = post(w, {"key": "foo.txt", **sign(w, made), "success_action_status": asked})
        equal(seen, expected, asked)
        if expected == 201:
            for text in [b"<Key>foo.txt</Key>", b"<Bucket>" + w.bucket.encode() + b"</Bucket>", b"<ETag>", b"<Location>"]:
                equal(text in body, True, text)


def test_success_redirect(w):
    made = policy(w, ["starts-with", "$success_action_redirect", ""])
    fields = {"key": "foo.txt", **sign(w, made), "success_action_redirect": "http://localhost/done"}
    seen, headers, _ = post(w, fields)
    tag = w.get("foo.txt")["ETag"].strip('"')
    equal(seen, 303)
    equal(headers["Location"], f"http://localhost/done?bucket={w.bucket}&key=foo.txt&etag=%22{tag}%22")


def test_a_checksum(w):
    made = policy(w, ["starts-with", "$x-amz-checksum-sha256", ""])
    right = base64.b64encode(hashlib.sha256(b"bar").digest()).decode()
    wrong = base64.b64encode(hashlib.sha256(b"baz").digest()).decode()
    equal(posted(w, made, {"x-amz-checksum-sha256": wrong})[0], 400)
    absent(w)
    equal(posted(w, made, {"x-amz-checksum-sha256": right})[0], 204)
    head = w.s3.head_object(Bucket=w.bucket, Key="foo.txt", ChecksumMode="ENABLED")
    equal(head["ChecksumSHA256"], right)


def test_tags(w):
    text = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"
    made = policy(w, ["starts-with", "$tagging", ""])
    equal(posted(w, made, {"tagging": text})[0], 204)
    equal(w.s3.get_object_tagging(Bucket=w.bucket, Key="foo.txt")["TagSet"], [{"Key": "a", "Value": "b"}])


def test_an_acl(w):
    made = policy(w, {"acl": "private"})
    equal(posted(w, made, {"acl": "private"})[0], 204)


def test_an_acl_for_everybody(w):
    made = policy(w, {"acl": "public-read"})
    equal(posted(w, made, {"acl": "public-read"})[0], 400)
    absent(w)


def test_no_such_bucket(w):
    made = policy(w)
    name = w.name()
    made["conditions"][0] = {"bucket": name}
    fields = {"key": "foo.txt", **sign(w, made)}
    own, w.bucket = w.bucket, name
    seen, _, body = post(w, fields)
    w.bucket = own
    equal((seen, code(body)), (404, "NoSuchBucket"))
