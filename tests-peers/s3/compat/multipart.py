"""Multipart uploads: parts, copies, completions, ends."""

import hashlib
import os

from world import Fault, equal, refused, status

MIB = 1 << 20
PART = 5 * MIB


def begin(w, key="big", **more):
    """Begins an upload; returns what names it."""
    made = w.s3.create_multipart_upload(Bucket=w.bucket, Key=key, **more)
    return {"Bucket": w.bucket, "Key": key, "UploadId": made["UploadId"]}


def send(w, named, number, body):
    """Sends a part; returns what a completion says of it."""
    return {"PartNumber": number, "ETag": w.s3.upload_part(**named, PartNumber=number, Body=body)["ETag"]}


def complete(w, named, parts, **more):
    """Completes an upload."""
    return w.s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts}, **more)


def upload(w, key, bodies, **more):
    """Uploads an object."""
    named = begin(w, key, **more)
    return complete(w, named, [send(w, named, number, body) for number, body in enumerate(bodies, 1)])


def test_no_parts(w):
    named = begin(w)
    refused(lambda: complete(w, named, []), 400, "MalformedXML")


def test_small_parts(w):
    named = begin(w)
    parts = [send(w, named, number, b"x" * 10) for number in (1, 2)]
    refused(lambda: complete(w, named, parts), 400, "EntityTooSmall")


def test_one_small_part(w):
    answer = upload(w, "small", [b"small"])
    equal(w.get("small")["Body"], b"small")
    equal(answer["ETag"], f'"{hashlib.md5(hashlib.md5(b"small").digest()).hexdigest()}-1"')


def test_an_empty_part(w):
    upload(w, "empty", [b""])
    equal(w.get("empty")["Body"], b"")


def test_parts_with_headers(w):
    bodies = [os.urandom(PART), os.urandom(PART), os.urandom(2 * MIB)]
    upload(w, "big", bodies, ContentType="text/bla", Metadata={"foo": "bar"})
    whole = b"".join(bodies)
    got = w.get("big")
    equal((got["ContentType"], got["Metadata"], got["Body"] == whole), ("text/bla", {"foo": "bar"}, True))
    for first, last in [(0, 0), (PART - 3, PART + 3), (len(whole) - 5, len(whole) - 1)]:
        seen = w.get("big", Range=f"bytes={first}-{last}")
        equal(seen["Body"] == whole[first:last + 1], True, f"{first}-{last}")
    item = w.s3.list_objects_v2(Bucket=w.bucket)["Contents"][0]
    equal((item["Size"], item["ETag"]), (len(whole), got["ETag"]))


def test_a_part_is_sent_again(w):
    named = begin(w)
    send(w, named, 1, b"a" * PART)
    parts = [send(w, named, 1, b"b" * PART), send(w, named, 2, b"c")]
    complete(w, named, parts)
    equal(w.get("big")["Body"] == b"b" * PART + b"c", True)


def test_an_object_is_replaced(w):
    w.put("big", b"before")
    upload(w, "big", [b"after"])
    equal(w.get("big")["Body"], b"after")


def test_parts_of_an_object(w):
    bodies = [b"a" * PART, b"b" * PART, b"c" * 10]
    upload(w, "big", bodies)
    refused(lambda: w.get("big", PartNumber=4), 416, "InvalidPartNumber", "InvalidRange", "InvalidPart")
    for number, body in enumerate(bodies, 1):
        got = w.get("big", PartNumber=number)
        equal((got["PartsCount"], got["Body"] == body, status(got)), (3, True, 206), number)
        head = w.s3.head_object(Bucket=w.bucket, Key="big", PartNumber=number)
        equal((head["PartsCount"], head["ContentLength"]), (3, len(body)), number)


def test_parts_of_an_object_of_one(w):
    w.put("single", b"body")
    got = w.get("single", PartNumber=1)
    equal((got["Body"], got.get("PartsCount")), (b"body", None))
    refused(lambda: w.get("single", PartNumber=2), 416, "InvalidPartNumber", "InvalidRange")


def test_parts_and_uploads_are_listed(w):
    uploads = [begin(w, key) for key in ("mymultipart", "mymultipart", "mymultipart2")]
    listed = w.s3.list_multipart_uploads(Bucket=w.bucket)["Uploads"]
    equal(sorted((item["Key"], item["UploadId"]) for item in listed),
          sorted((named["Key"], named["UploadId"]) for named in uploads))
    listed = w.s3.list_multipart_uploads(Bucket=w.bucket, Prefix="mymultipart2")["Uploads"]
    equal([item["Key"] for item in listed], ["mymultipart2"])
    page = w.s3.list_multipart_uploads(Bucket=w.bucket, MaxUploads=1)
    equal((len(page["Uploads"]), page["IsTruncated"]), (1, True))
    rest = w.s3.list_multipart_uploads(
        Bucket=w.bucket, KeyMarker=page["NextKeyMarker"], UploadIdMarker=page["NextUploadIdMarker"])
    equal(len(rest["Uploads"]), 2)
    named = uploads[2]
    parts = [send(w, named, number, b"x" * number) for number in (1, 2, 3)]
    first = w.s3.list_parts(**named, MaxParts=2)
    equal([(item["PartNumber"], item["Size"]) for item in first["Parts"]], [(1, 1), (2, 2)])
    equal((first["IsTruncated"], first["NextPartNumberMarker"]), (True, 2))
    last = w.s3.list_parts(**named, PartNumberMarker=2)
    equal([item["ETag"] for item in last["Parts"]], [parts[2]["ETag"]])
    equal(("Owner" in last, "Initiator" in last, last["StorageClass"]), (True, True, "STANDARD"))


def test_uploads_are_no_objects(w):
    named = begin(w)
    send(w, named, 1, b"x")
    refused(lambda: w.get("big"), 404, "NoSuchKey")
    equal(w.s3.list_objects_v2(Bucket=w.bucket)["KeyCount"], 0)


def test_aborted(w):
    named = begin(w)
    send(w, named, 1, b"x")
    equal(status(w.s3.abort_multipart_upload(**named)), 204)
    refused(lambda: send(w, named, 1, b"x"), 404, "NoSuchUpload")
    refused(lambda: w.s3.list_parts(**named), 404, "NoSuchUpload")
    refused(lambda: complete(w, named, [{"PartNumber": 1, "ETag": '"x"'}]), 404, "NoSuchUpload")
    equal(w.s3.list_multipart_uploads(Bucket=w.bucket).get("Uploads"), None)


def test_an_upload_that_there_is_not(w):
    named = {"Bucket": w.bucket, "Key": "mymultipart", "UploadId": "56788"}
    refused(lambda: w.s3.abort_multipart_upload(**named), 404, "NoSuchUpload")
    refused(lambda: send(w, named, 1, b"x"), 404, "NoSuchUpload")


def test_parts_that_there_are_not(w):
    named = begin(w)
    part = send(w, named, 1, b"x")
    refused(lambda: complete(w, named, [{**part, "PartNumber": 9999}]), 400, "InvalidPart")
    refused(lambda: complete(w, named, [{**part, "ETag": '"ffffffffffffffffffffffffffffffff"'}]), 400, "InvalidPart")


def test_parts_in_another_order(w):
    named = begin(w)
    parts = [send(w, named, number, b"x" * PART) for number in (1, 2)]
    refused(lambda: complete(w, named, parts[::-1]), 400, "InvalidPartOrder")


def test_part_numbers_that_are_none(w):
    named = begin(w)
    for number in (0, 10001):
        refused(lambda: send(w, named, number, b"x"), 400, "InvalidArgument")


def test_completed_again(w):
    named = begin(w)
    parts = [send(w, named, 1, b"x")]
    first = complete(w, named, parts)
    equal(complete(w, named, parts)["ETag"], first["ETag"])


def test_completed_upon_a_condition(w):
    w.put("big", b"before")
    named = begin(w)
    parts = [send(w, named, 1, b"after")]
    refused(lambda: complete(w, named, parts, IfNoneMatch="*"), 412, "PreconditionFailed")
    tag = w.get("big")["ETag"]
    complete(w, named, parts, IfMatch=tag)
    equal(w.get("big")["Body"], b"after")


def test_copied_parts(w):
    source = os.urandom(PART + 10)
    w.put("source", source)
    named = begin(w)
    parts = []
    for number, (first, last) in enumerate([(0, PART - 1), (PART, PART + 9)], 1):
        answer = w.s3.upload_part_copy(
            **named, PartNumber=number, CopySource={"Bucket": w.bucket, "Key": "source"}, CopySourceRange=f"bytes={first}-{last}")
        parts.append({"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]})
    complete(w, named, parts)
    equal(w.get("big")["Body"] == source, True)


def test_a_copied_part_that_is_the_whole(w):
    for key in [" ", "_", "__", "?versionId", "a b/é+%"]:
        w.put(key, b"whole")
        named = begin(w)
        answer = w.s3.upload_part_copy(**named, PartNumber=1, CopySource={"Bucket": w.bucket, "Key": key})
        complete(w, named, [{"PartNumber": 1, "ETag": answer["CopyPartResult"]["ETag"]}])
        equal(w.get("big")["Body"], b"whole", key)


def test_copied_ranges_that_are_none(w):
    w.put("source", b"hello")
    named = begin(w)
    copy = lambda text: w.s3.upload_part_copy(
        **named, PartNumber=1, CopySource={"Bucket": w.bucket, "Key": "source"}, CopySourceRange=text)
    for text in ["0-2", "bytes=0", "bytes=hello-world", "bytes=0-bar", "bytes=hello-", "bytes=0-2,3-5"]:
        refused(lambda: copy(text), 400, "InvalidArgument")
    try:
        refused(lambda: copy("bytes=0-21"), 400, "InvalidArgument", "InvalidRange")
    except Fault:
        refused(lambda: copy("bytes=0-21"), 416, "InvalidRange")


def test_copied_from_nothing(w):
    named = begin(w)
    copy = lambda bucket, key: w.s3.upload_part_copy(**named, PartNumber=1, CopySource={"Bucket": bucket, "Key": key})
    refused(lambda: copy(w.bucket, "nope"), 404, "NoSuchKey")
    refused(lambda: copy(w.name(), "nope"), 404, "NoSuchBucket")


def test_checksums(w):
    named = begin(w, ChecksumAlgorithm="SHA256")
    bodies = [b"a" * PART, b"b"]
    parts = []
    for number, body in enumerate(bodies, 1):
        answer = w.s3.upload_part(**named, PartNumber=number, Body=body, ChecksumAlgorithm="SHA256")
        parts.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": answer["ChecksumSHA256"]})
    wrong = [{**parts[0], "ChecksumSHA256": parts[1]["ChecksumSHA256"]}, parts[1]]
    refused(lambda: complete(w, named, wrong), 400, "InvalidPart", "BadDigest")
    answer = complete(w, named, parts)
    equal(answer["ChecksumSHA256"].endswith("-2"), True)
    head = w.s3.head_object(Bucket=w.bucket, Key="big", ChecksumMode="ENABLED")
    equal(head["ChecksumSHA256"], answer["ChecksumSHA256"])


def test_attributes(w):
    bodies = [b"a" * PART, b"b" * 10]
    upload(w, "big", bodies)
    ask = lambda **more: w.s3.get_object_attributes(
        Bucket=w.bucket, Key="big", ObjectAttributes=["ETag", "ObjectSize", "StorageClass", "ObjectParts"], **more)
    seen = ask()
    equal((seen["ObjectSize"], seen["StorageClass"], seen["ObjectParts"]["TotalPartsCount"]), (PART + 10, "STANDARD", 2))
