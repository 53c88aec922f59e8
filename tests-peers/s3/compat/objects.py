"""Objects: written, read, in ranges, upon conditions, copied, deleted, tagged, with metadata and checksums; presigned URLs."""

import base64
import datetime
import hashlib
import urllib.parse

from world import Fault, among, code, equal, refused, status

OLD = datetime.datetime(1994, 9, 24, tzinfo=datetime.timezone.utc)
LATER = datetime.datetime(2100, 9, 24, tzinfo=datetime.timezone.utc)


def test_missing(w):
    refused(lambda: w.get("nope"), 404, "NoSuchKey")
    refused(lambda: w.s3.head_object(Bucket=w.bucket, Key="nope"), 404)
    refused(lambda: w.s3.get_object(Bucket=w.name(), Key="nope"), 404, "NoSuchBucket")
    refused(lambda: w.s3.put_object(Bucket=w.name(), Key="nope", Body=b""), 404, "NoSuchBucket")
    error = refused(lambda: w.get("nope"), 404)
    equal(bool(error["ResponseMetadata"]["RequestId"]), True)


def test_written_read_replaced_deleted(w):
    w.put("foo", b"bar")
    equal(w.get("foo")["Body"], b"bar")
    w.put("foo", b"soup", ContentType="text/x")
    got = w.get("foo")
    equal((got["Body"], got["ContentType"], got["ContentLength"]), (b"soup", "text/x", 4))
    equal(status(w.s3.delete_object(Bucket=w.bucket, Key="foo")), 204)
    refused(lambda: w.get("foo"), 404, "NoSuchKey")
    equal(status(w.s3.delete_object(Bucket=w.bucket, Key="foo")), 204)


def test_empty(w):
    put = w.put("foo", b"")
    head = w.s3.head_object(Bucket=w.bucket, Key="foo")
    equal((head["ContentLength"], put["ETag"]), (0, '"d41d8cd98f00b204e9800998ecf8427e"'))


def test_entity_tag(w):
    equal(w.put("foo", b"bar")["ETag"], '"37b51d194a7513e45b56f6524f2d51f2"')


def test_headers(w):
    expires = datetime.datetime(2030, 1, 1)
    w.put("foo", CacheControl="public, max-age=14400", Expires=expires, ContentEncoding="gzip", ContentLanguage="en",
          ContentDisposition="attachment", ContentType="text/plain")
    got = w.s3.head_object(Bucket=w.bucket, Key="foo")
    equal([got.get(name) for name in ("CacheControl", "ExpiresString", "ContentEncoding", "ContentLanguage", "ContentDisposition")],
          ["public, max-age=14400", "Tue, 01 Jan 2030 00:00:00 GMT", "gzip", "en", "attachment"])


def test_content_encoding_of_chunks(w):
    w.put("foo", ContentEncoding="gzip, aws-chunked")
    equal(w.s3.head_object(Bucket=w.bucket, Key="foo")["ContentEncoding"].replace(" ", "").removesuffix(",aws-chunked"), "gzip")
    w.put("foo", ContentEncoding="aws-chunked")
    among(w.s3.head_object(Bucket=w.bucket, Key="foo").get("ContentEncoding"), [None, ""])


def test_type_that_nobody_said(w):
    among(w.put("foo") and w.get("foo")["ContentType"], ["binary/octet-stream", "application/octet-stream"])


def test_metadata(w):
    for metadata in [{"meta1": "mymeta"}, {"meta1": ""}, {"a": "b", "c": "d e"}]:
        w.put("foo", Metadata=metadata)
        equal(w.get("foo")["Metadata"], metadata)
    w.put("foo")
    equal(w.get("foo")["Metadata"], {}, "replaced")


def test_keys(w):
    keys = ["a b", "é", "a+b", "a%2Fb", "a&b=c", "a?b", "a#b", "_", "__", ".", "..", "a/./b", "a/../b", "a//b", "/a", "a/",
            "\u4e2d\u6587", "a'b", 'a"b', "a<b", "\\a", "a:b", "k" * 1024, "~", "*", "a\tb"]
    for key in keys:
        w.put(key, key.encode())
    for key in keys:
        equal(w.get(key)["Body"], key.encode(), key[:20])
    listed = [item["Key"] for item in w.s3.list_objects_v2(Bucket=w.bucket)["Contents"]]
    equal(listed, sorted(keys, key=lambda key: key.encode()))


def test_keys_as_they_are_sent(w):
    paths = ["a//b", "x/../y", "dot/./z", "%C3%A9%20%2B%25%26", "plain", "trail/"]
    for path in paths:
        equal(w.signed("PUT", f"/{w.bucket}/{path}", b"body of " + path.encode())[0], 200, path)
    for path in paths:
        equal(w.signed("GET", f"/{w.bucket}/{path}")[::2], (200, b"body of " + path.encode()), path)
    listed = [item["Key"] for item in w.s3.list_objects_v2(Bucket=w.bucket)["Contents"]]
    equal(listed, sorted(["a//b", "x/../y", "dot/./z", "\u00e9 +%&", "plain", "trail/"],
                         key=lambda key: key.encode()))


def test_a_key_that_is_too_long(w):
    refused(lambda: w.put("k" * 1025), 400, "KeyTooLongError")


def test_ranges(w):
    w.put("foo", b"testcontent")
    for text, expected, place in [("bytes=4-7", b"cont", "bytes 4-7/11"), ("bytes=4-", b"content", "bytes 4-10/11"),
                                  ("bytes=-7", b"content", "bytes 4-10/11"), ("bytes=5-100", b"ontent", "bytes 5-10/11"),
                                  ("bytes=-100", b"testcontent", "bytes 0-10/11")]:
        got = w.get("foo", Range=text)
        equal((got["Body"], got["ContentRange"], status(got)), (expected, place, 206), text)


def test_ranges_that_are_none(w):
    w.put("foo", b"testcontent")
    for text in ["bytes=40-50", "bytes=11-", "bytes=-0"]:
        refused(lambda: w.get("foo", Range=text), 416, "InvalidRange")
    for text in ["bytes=7-4", "bytes=a-b", "words=1-2"]:
        equal(status(w.get("foo", Range=text)), 200, text)
    w.put("empty", b"")
    refused(lambda: w.get("empty", Range="bytes=40-50"), 416, "InvalidRange")


def test_several_ranges(w):
    w.put("foo", b"testcontent")
    got = w.get("foo", Range="bytes=0-1,5-6")
    equal((status(got), got["Body"]), (200, b"testcontent"))


def test_conditions_of_reads(w):
    tag = w.put("foo")["ETag"]
    get = lambda **more: (lambda: w.get("foo", **more))
    equal(get(IfMatch=tag)()["Body"], b"bar")
    refused(get(IfMatch='"ABCORZ"'), 412, "PreconditionFailed")
    refused(get(IfNoneMatch=tag), 304)
    equal(get(IfNoneMatch="ABCORZ")()["Body"], b"bar")
    equal(get(IfModifiedSince=OLD)()["Body"], b"bar")
    modified = w.get("foo")["LastModified"]
    refused(get(IfModifiedSince=modified), 304)
    refused(get(IfUnmodifiedSince=OLD), 412, "PreconditionFailed")
    equal(get(IfUnmodifiedSince=LATER)()["Body"], b"bar")
    equal(get(IfMatch=tag, IfUnmodifiedSince=OLD)()["Body"], b"bar")
    refused(get(IfNoneMatch=tag, IfModifiedSince=OLD), 304)


def test_a_read_that_is_not_modified_has_headers(w):
    tag = w.put("foo", CacheControl="max-age=60")["ETag"]
    seen, headers, body = w.signed("GET", f"/{w.bucket}/foo", headers={"If-None-Match": tag})
    equal((seen, headers["ETag"], body), (304, tag, b""))


def test_conditions_of_writes(w):
    put = lambda **more: (lambda: w.put("foo", b"zar", **more))
    refused(put(IfMatch='"ABCORZ"'), 404, "NoSuchKey")
    equal(status(put(IfNoneMatch="*")()), 200)
    tag = w.put("foo")["ETag"]
    refused(put(IfNoneMatch="*"), 412, "PreconditionFailed")
    refused(put(IfMatch='"ABCORZ"'), 412, "PreconditionFailed")
    equal(w.get("foo")["Body"], b"bar")
    equal(status(put(IfMatch=tag)()), 200)
    equal(w.get("foo")["Body"], b"zar")
    equal(status(put(IfMatch="*")()), 200)


def test_a_write_if_another_tag_is_none(w):
    w.put("foo")
    equal(status(w.put("foo", b"zar", IfNoneMatch="ABCORZ")), 200)


def test_conditions_of_deletions(w):
    tag = w.put("foo")["ETag"]
    delete = lambda **more: (lambda: w.s3.delete_object(Bucket=w.bucket, Key="foo", **more))
    refused(delete(IfMatch='"ABCORZ"'), 412, "PreconditionFailed")
    refused(delete(IfMatchSize=2), 412, "PreconditionFailed")
    refused(delete(IfMatchLastModifiedTime=OLD), 412, "PreconditionFailed")
    equal(status(delete(IfMatch=tag, IfMatchSize=3)()), 204)
    w.put("foo")
    equal(status(delete(IfMatch="*")()), 204)


def test_deleted_in_a_batch(w):
    w.keys("a", "b", "c")
    objects = [{"Key": key} for key in ("a", "b", "never")]
    answer = w.s3.delete_objects(Bucket=w.bucket, Delete={"Objects": objects})
    equal((sorted(item["Key"] for item in answer["Deleted"]), answer.get("Errors")), (["a", "b", "never"], None))
    quiet = w.s3.delete_objects(Bucket=w.bucket, Delete={"Objects": [{"Key": "c"}], "Quiet": True})
    equal((quiet.get("Deleted"), w.s3.list_objects_v2(Bucket=w.bucket)["KeyCount"]), (None, 0))


def test_a_batch_that_is_none(w):
    for body in [b"", b"<Delete>", b"<Delete></Delete>"]:
        md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
        seen, _, answer = w.signed("POST", f"/{w.bucket}?delete", body, {"Content-MD5": md5})
        among((seen, code(answer)), [(400, "MalformedXML"), (400, "MissingRequestBodyError")], body)


def test_a_batch_by_somebody_whose_objects_are_locked(w):
    w.keys("a")
    answer = w.s3.delete_objects(Bucket=w.bucket, Delete={"Objects": [{"Key": "a"}]}, BypassGovernanceRetention=True)
    equal(len(answer["Deleted"]), 1)


def copy(w, to, source, **more):
    """Copies an object of the case's bucket."""
    return w.s3.copy_object(Bucket=w.bucket, Key=to, CopySource={"Bucket": w.bucket, "Key": source}, **more)


def test_copied(w):
    for body in [b"", b"foo" * 1000]:
        tag = w.put("foo é+", body, ContentType="text/bla", Metadata={"a": "b"}, CacheControl="x")["ETag"]
        answer = copy(w, "bar", "foo é+")
        equal(answer["CopyObjectResult"]["ETag"], tag)
        got = w.get("bar")
        equal((got["Body"], got["ContentType"], got["Metadata"], got["CacheControl"]), (body, "text/bla", {"a": "b"}, "x"))


def test_copied_to_another_bucket(w):
    w.put("foo")
    other = w.another()
    w.s3.copy_object(Bucket=other, Key="bar", CopySource=f"{w.bucket}/foo")
    equal(w.s3.get_object(Bucket=other, Key="bar")["Body"].read(), b"bar")


def test_copied_with_other_metadata(w):
    w.put("foo", Metadata={"a": "b"}, ContentType="text/x")
    copy(w, "bar", "foo", Metadata={"key3": "value3"}, MetadataDirective="REPLACE", ContentType="audio/mpeg")
    got = w.get("bar")
    equal((got["Metadata"], got["ContentType"]), ({"key3": "value3"}, "audio/mpeg"))
    copy(w, "bar", "foo", Metadata={"key3": "value3"}, MetadataDirective="COPY")
    equal(w.get("bar")["Metadata"], {"a": "b"})
    copy(w, "foo", "foo", MetadataDirective="REPLACE", Metadata={"c": "d"})
    equal((w.get("foo")["Metadata"], w.get("foo")["Body"]), ({"c": "d"}, b"bar"))


def test_copied_to_itself(w):
    w.put("foo")
    refused(lambda: copy(w, "foo", "foo"), 400, "InvalidRequest")


def test_copied_from_nothing(w):
    refused(lambda: copy(w, "bar", "nope"), 404, "NoSuchKey")
    call = lambda: w.s3.copy_object(Bucket=w.bucket, Key="bar", CopySource=f"{w.name()}/foo")
    refused(call, 404, "NoSuchBucket")


def test_copied_upon_conditions(w):
    tag = w.put("foo")["ETag"]
    equal(status(copy(w, "bar", "foo", CopySourceIfMatch=tag)), 200)
    refused(lambda: copy(w, "bar", "foo", CopySourceIfMatch="ABCORZ"), 412, "PreconditionFailed")
    refused(lambda: copy(w, "bar", "foo", CopySourceIfNoneMatch=tag), 412, "PreconditionFailed")
    equal(status(copy(w, "bar", "foo", CopySourceIfNoneMatch="ABCORZ")), 200)


def test_copied_with_tags(w):
    w.put("foo", Tagging="a=b")
    copy(w, "bar", "foo")
    equal(w.s3.get_object_tagging(Bucket=w.bucket, Key="bar")["TagSet"], [{"Key": "a", "Value": "b"}])
    copy(w, "bar", "foo", TaggingDirective="REPLACE", Tagging="c=d")
    equal(w.s3.get_object_tagging(Bucket=w.bucket, Key="bar")["TagSet"], [{"Key": "c", "Value": "d"}])


def tags(count, key=10, value=10):
    """Returns a set of tags."""
    return {"TagSet": [{"Key": f"{number:03}".ljust(key, "k"), "Value": "v" * value} for number in range(count)]}


def test_tags(w):
    w.put("foo")
    put = lambda made: w.s3.put_object_tagging(Bucket=w.bucket, Key="foo", Tagging=made)
    seen = lambda: w.s3.get_object_tagging(Bucket=w.bucket, Key="foo")["TagSet"]
    equal(seen(), [])
    for made in [tags(2), tags(10), tags(1, 128, 256), tags(1, 10, 0)]:
        equal(status(put(made)), 200)
        equal(sorted(seen(), key=lambda tag: tag["Key"]), made["TagSet"])
    for made in [tags(11), tags(10, 129, 256), tags(10, 128, 257), {"TagSet": [{"Key": "a", "Value": ""}] * 2}]:
        refused(lambda: put(made), 400, "InvalidTag", "BadRequest")
    equal(len(seen()), 1)
    equal(status(w.s3.delete_object_tagging(Bucket=w.bucket, Key="foo")), 204)
    equal(seen(), [])
    refused(lambda: w.s3.get_object_tagging(Bucket=w.bucket, Key="nope"), 404, "NoSuchKey")


def test_tags_of_the_largest_size(w):
    w.put("foo")
    equal(status(w.s3.put_object_tagging(Bucket=w.bucket, Key="foo", Tagging=tags(10, 128, 256))), 200)


def test_tags_with_a_write(w):
    w.put("foo", Tagging="foo=bar&bar&a%20b=c%2Bd")
    equal(w.get("foo")["TagCount"], 3)
    seen = w.s3.get_object_tagging(Bucket=w.bucket, Key="foo")["TagSet"]
    equal(sorted((tag["Key"], tag["Value"]) for tag in seen), [("a b", "c+d"), ("bar", ""), ("foo", "bar")])
    w.put("foo")
    equal(w.s3.get_object_tagging(Bucket=w.bucket, Key="foo")["TagSet"], [], "replaced")


def test_acl(w):
    w.put("foo", ACL="private")
    answer = w.s3.get_object_acl(Bucket=w.bucket, Key="foo")
    equal([(grant["Permission"], grant["Grantee"]["ID"]) for grant in answer["Grants"]], [("FULL_CONTROL", answer["Owner"]["ID"])])
    equal(status(w.s3.put_object_acl(Bucket=w.bucket, Key="foo", ACL="private")), 200)
    equal(status(w.put("bar", ACL="bucket-owner-full-control")), 200)


def test_attributes(w):
    w.put("foo", ChecksumAlgorithm="SHA256")
    ask = lambda key, names: w.s3.get_object_attributes(Bucket=w.bucket, Key=key, ObjectAttributes=names)
    seen = ask("foo", ["ETag", "Checksum", "StorageClass", "ObjectSize"])
    equal((seen["ETag"].strip('"'), seen["ObjectSize"], seen["StorageClass"]),
          ("37b51d194a7513e45b56f6524f2d51f2", 3, "STANDARD"))
    equal(seen["Checksum"]["ChecksumSHA256"], "/N4rLtula/QIYB+3If6bXDONEO5CnqBPrlURto+/j7k=")
    refused(lambda: ask("nope", ["ETag"]), 404, "NoSuchKey")
    refused(lambda: ask("foo", ["Colour"]), 400)


def test_the_entity_tag_of_attributes_has_no_quotes(w):
    w.put("foo")
    seen = w.s3.get_object_attributes(Bucket=w.bucket, Key="foo", ObjectAttributes=["ETag"])
    equal(seen["ETag"], "37b51d194a7513e45b56f6524f2d51f2")


def test_checksums(w):
    for name, wrong in [("CRC32", "AAAAAA=="), ("SHA1", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="), ("SHA256", "A" * 43 + "=")]:
        refused(lambda: w.put("foo", **{f"Checksum{name}": wrong}), 400, "BadDigest", "XAmzContentChecksumMismatch", "InvalidRequest")
        answer = w.put("foo", ChecksumAlgorithm=name)
        head = w.s3.head_object(Bucket=w.bucket, Key="foo", ChecksumMode="ENABLED")
        equal(head[f"Checksum{name}"], answer[f"Checksum{name}"])


def test_anonymous(w):
    w.put("foo")
    for method in ["GET", "HEAD", "PUT", "DELETE", "POST"]:
        equal(w.raw(method, f"/{w.bucket}/foo", body=b"")[0], 403, method)
    equal(w.raw("GET", f"/{w.bucket}/nope")[0], 403)
    equal(w.get("foo")["Body"], b"bar")


def presigned(w, name="get_object", expires=3600, **more):
    """Signs a URL; returns its path and query."""
    client = w.client(signature_version="s3v4")
    url = client.generate_presigned_url(name, Params={"Bucket": w.bucket, "Key": "foo", **more}, ExpiresIn=expires)
    return url.removeprefix(w.endpoint)


def test_presigned(w):
    w.put("foo")
    equal(w.raw("GET", presigned(w))[::2], (200, b"bar"))
    equal(w.raw("PUT", presigned(w, "put_object"), body=b"zar")[0], 200)
    equal(w.get("foo")["Body"], b"zar")
    equal(w.raw("HEAD", presigned(w))[0], 403)
    among(w.raw("GET", presigned(w) + "&x=y")[0], [403, 501])
    equal(w.raw("GET", presigned(w) + "&response-content-type=x")[0], 403)
    for expires in [0, -1, 604801]:
        among(w.raw("GET", presigned(w, expires=expires))[0], [400, 403], expires)
    equal(w.raw("GET", presigned(w, expires=604800))[0], 200)


def test_presigned_with_a_content_type(w):
    path = presigned(w, "put_object", ContentType="text/x")
    equal(w.raw("PUT", path, {"Content-Type": "text/y"}, b"bar")[0], 403)
    equal(w.raw("PUT", path, {"Content-Type": "text/x"}, b"bar")[0], 200)


def test_presigned_with_an_acl(w):
    path = presigned(w, "put_object", ACL="private")
    equal(w.raw("PUT", path, body=b"bar")[0], 403)
    equal(w.raw("PUT", path, {"x-amz-acl": "private"}, b"bar")[0], 200)


def test_answers_with_other_headers(w):
    w.put("foo")
    asked = {"ResponseCacheControl": "no-cache", "ResponseContentDisposition": "bla", "ResponseContentEncoding": "aaa",
             "ResponseContentLanguage": "esperanto", "ResponseContentType": "foo/bar",
             "ResponseExpires": datetime.datetime(2030, 1, 1)}
    got = w.get("foo", **asked)
    equal([got[name] for name in ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType",
                                  "ExpiresString")],
          ["no-cache", "bla", "aaa", "esperanto", "foo/bar", "Tue, 01 Jan 2030 00:00:00 GMT"])
    query = urllib.parse.urlencode({"response-content-type": "foo/bar"})
    among(w.raw("GET", f"/{w.bucket}/foo?{query}")[0], [400, 403], "anonymous")


def test_a_version(w):
    w.put("foo")
    equal(w.get("foo", VersionId="null")["Body"], b"bar")
    refused(lambda: w.get("foo", VersionId="3vL4kqtJlcpXroDTDmJ"), 404, "NoSuchVersion")
    w.s3.delete_object(Bucket=w.bucket, Key="foo", VersionId="null")
    refused(lambda: w.get("foo"), 404, "NoSuchKey")


def test_every_answer_says_its_request(w):
    w.put("foo")
    for method, path in [("GET", f"/{w.bucket}/foo"), ("GET", f"/{w.bucket}/nope"), ("GET", f"/{w.bucket}")]:
        _, headers, _ = w.signed(method, path)
        if not headers.get("x-amz-request-id"):
            raise Fault(f"{method} {path} has none")
