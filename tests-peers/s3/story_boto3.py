#!/usr/bin/env python3
"""boto3 uses every operation that buckets have, by path, with the checksums that it sends by default."""

import datetime
import hashlib
import io
import os
import tempfile
import urllib.error
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

from story import check, refused, settings

BUCKET = "story-boto3"
KEY = "a/b c+é%.bin"


def client(given, id="access_key_id", secret="secret_access_key", **config):
    """Makes a client."""
    config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}, **config)
    return boto3.client(
        "s3",
        endpoint_url=given["endpoint"],
        region_name="us-east-1",
        aws_access_key_id=given.get(id, id),
        aws_secret_access_key=given.get(secret, secret),
        config=config,
    )


def fetch(url, method="GET", body=None, headers=None):
    """Sends a request without signing it; returns status, headers and body."""
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def refusals(given, s3):
    """What is refused before anything is there."""
    refused("no such bucket", lambda: s3.get_object(Bucket="nonono", Key="a"), "NoSuchBucket", 404)
    refused("no bucket's name", lambda: s3.create_bucket(Bucket="ab"), "InvalidBucketName", 400)
    stranger = client(given, "AKIDNOBODY0000000000", "x" * 40)
    refused("unknown key", stranger.list_buckets, "SignatureDoesNotMatch", 403)
    wrong = client(given, secret="y" * 40)
    refused("wrong secret", wrong.list_buckets, "SignatureDoesNotMatch", 403)
    older = client(given, signature_version="s3")
    refused("version 2", older.list_buckets, "InvalidRequest", 400)
    reader = client(given, "reader_id", "reader_secret")
    refused("reader makes a bucket", lambda: reader.create_bucket(Bucket="readers"), "AccessDenied", 403)
    place = {"LocationConstraint": "eu-west-1"}
    call = lambda: s3.create_bucket(Bucket="elsewhere", CreateBucketConfiguration=place)
    refused("another region", call, "IllegalLocationConstraintException", 400)
    for path in ["/", "/nonono", "/nonono/key"]:
        check(f"anonymous {path}", fetch(given["endpoint"] + path)[0], 403)


def objects(given, s3):
    """Objects are written, read, conditioned, copied and deleted."""
    data = os.urandom(1 << 20)
    put = s3.put_object(
        Bucket=BUCKET, Key=KEY, Body=data, ContentType="video/mp4", CacheControl="max-age=60",
        ContentDisposition="inline", ContentLanguage="en", ContentEncoding="identity",
        Expires=datetime.datetime(2030, 1, 1), Metadata={"x": "y z"}, Tagging="a=1&b=2%20c",
    )
    tag = f'"{hashlib.md5(data).hexdigest()}"'
    check("entity tag", put["ETag"], tag)
    got = s3.get_object(Bucket=BUCKET, Key=KEY, ChecksumMode="ENABLED")
    check("content", got["Body"].read() == data, True)
    names = ["ContentType", "CacheControl", "ContentDisposition", "ContentLanguage", "ContentEncoding",
             "ExpiresString", "Metadata", "ETag", "AcceptRanges", "ContentLength", "TagCount"]
    check("headers", [got.get(name) for name in names], [
        "video/mp4", "max-age=60", "inline", "en", "identity", "Tue, 01 Jan 2030 00:00:00 GMT", {"x": "y z"},
        tag, "bytes", 1 << 20, 2,
    ])
    check("checksum", got["ChecksumCRC32"], put["ChecksumCRC32"])
    head = s3.head_object(Bucket=BUCKET, Key=KEY)
    check("head", (head["ContentLength"], head["ETag"]), (1 << 20, tag))
    modified = got["LastModified"]

    def ranged(text):
        answer = s3.get_object(Bucket=BUCKET, Key=KEY, Range=text)
        return answer["ResponseMetadata"]["HTTPStatusCode"], answer.get("ContentRange"), answer["Body"].read()

    size = len(data)
    check("range", ranged("bytes=10-19"), (206, f"bytes 10-19/{size}", data[10:20]))
    check("suffix", ranged("bytes=-5"), (206, f"bytes {size - 5}-{size - 1}/{size}", data[-5:]))
    check("several ranges", ranged("bytes=0-1,5-6")[0], 200)
    get = lambda **more: (lambda: s3.get_object(Bucket=BUCKET, Key=KEY, **more))
    refused("range beyond", get(Range="bytes=99999999-"), "InvalidRange", 416)
    refused("If-None-Match", get(IfNoneMatch=tag), "304", 304)
    refused("If-Match", get(IfMatch='"nope"'), "PreconditionFailed", 412)
    refused("If-Modified-Since", get(IfModifiedSince=modified), "304", 304)
    old = datetime.datetime(2000, 1, 1)
    refused("If-Unmodified-Since", get(IfUnmodifiedSince=old), "PreconditionFailed", 412)
    check("If-Match holds", get(IfMatch=tag)()["ContentLength"], size)
    put = lambda **more: (lambda: s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"x", **more))
    refused("put If-None-Match", put(IfNoneMatch="*"), "PreconditionFailed", 412)
    refused("put If-Match", put(IfMatch='"nope"'), "PreconditionFailed", 412)
    refused("wrong MD5", put(ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg=="), "BadDigest", 400)
    refused("wrong checksum", put(ChecksumSHA256="47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="), "BadDigest", 400)
    refused("public", put(ACL="public-read"), "AccessControlListNotSupported", 400)
    refused("encrypted", put(ServerSideEncryption="aws:kms"), "NotImplemented", 501)
    refused("glacier", put(StorageClass="GLACIER"), "InvalidStorageClass", 400)
    refused("large metadata", put(Metadata={"a": "b" * 3000}), "MetadataTooLarge", 400)
    refused("no such key", lambda: s3.get_object(Bucket=BUCKET, Key="nope"), "NoSuchKey", 404)
    refused("no such version", get(VersionId="abc"), "NoSuchVersion", 404)
    override = s3.get_object(Bucket=BUCKET, Key=KEY, ResponseContentType="text/x-foo")
    check("override", override["ContentType"], "text/x-foo")
    for name in ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]:
        try:
            answer = s3.put_object(Bucket=BUCKET, Key=f"sum/{name}", Body=b"hello", ChecksumAlgorithm=name)
        except Exception as error:
            if "crt" not in str(error).lower():
                raise
            continue
        check(f"checksum {name}", f"Checksum{name}" in answer, True)
    copy = {"Bucket": BUCKET, "Key": KEY}
    s3.copy_object(Bucket=BUCKET, Key="copy", CopySource=copy)
    head = s3.head_object(Bucket=BUCKET, Key="copy")
    check("copied headers", (head["ContentType"], head["Metadata"], head["ETag"]), ("video/mp4", {"x": "y z"}, tag))
    s3.copy_object(Bucket=BUCKET, Key="copy", CopySource=copy, MetadataDirective="REPLACE", ContentType="a/b")
    check("replaced headers", s3.head_object(Bucket=BUCKET, Key="copy")["ContentType"], "a/b")
    refused("copy to itself", lambda: s3.copy_object(Bucket=BUCKET, Key=KEY, CopySource=copy), "InvalidRequest", 400)
    call = lambda: s3.copy_object(Bucket=BUCKET, Key="c", CopySource=copy, CopySourceIfMatch='"nope"')
    refused("copy If-Match", call, "PreconditionFailed", 412)
    tags = s3.get_object_tagging(Bucket=BUCKET, Key=KEY)["TagSet"]
    check("tags", tags, [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2 c"}])
    s3.put_object_tagging(Bucket=BUCKET, Key=KEY, Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    check("other tags", s3.get_object_tagging(Bucket=BUCKET, Key=KEY)["TagSet"], [{"Key": "k", "Value": "v"}])
    s3.delete_object_tagging(Bucket=BUCKET, Key=KEY)
    check("no tags", s3.get_object_tagging(Bucket=BUCKET, Key=KEY)["TagSet"], [])
    asked = ["ETag", "Checksum", "ObjectSize", "StorageClass"]
    attributes = s3.get_object_attributes(Bucket=BUCKET, Key=KEY, ObjectAttributes=asked)
    check("attributes", (attributes["ObjectSize"], attributes["StorageClass"]), (size, "STANDARD"))
    reader = client(given, "reader_id", "reader_secret")
    check("reader reads", reader.get_object(Bucket=BUCKET, Key=KEY)["ContentLength"], size)
    refused("reader writes", lambda: reader.put_object(Bucket=BUCKET, Key="r"), "AccessDenied", 403)
    refused("reader deletes", lambda: reader.delete_object(Bucket=BUCKET, Key=KEY), "AccessDenied", 403)


def lists(s3):
    """Lists have prefixes, delimiters, markers and pages; keys are kept exactly."""
    odd = ["a//b", "x/../y", "dot/./z", "trail/", "/lead", "é +%&", "k" * 1024, "file", "file/under", "A", "new\nline"]
    for key in odd:
        s3.put_object(Bucket="story-lists", Key=key, Body=key.encode())
    listed = s3.list_objects_v2(Bucket="story-lists")["Contents"]
    check("odd keys", [item["Key"] for item in listed], sorted(odd, key=lambda key: key.encode()))
    for key in odd:
        body = s3.get_object(Bucket="story-lists", Key=key)["Body"].read()
        check(f"odd key {key[:10]!r}", body, key.encode())
    page = s3.list_objects_v2(Bucket="story-lists", Delimiter="/", Prefix="")
    prefixes = [item["Prefix"] for item in page["CommonPrefixes"]]
    check("common prefixes", prefixes, ["/", "a/", "dot/", "file/", "trail/", "x/"])
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="story-lists", PaginationConfig={"PageSize": 3})
    keys = [item["Key"] for page in pages for item in page["Contents"]]
    check("pages", keys, sorted(odd, key=lambda key: key.encode()))
    pages = s3.get_paginator("list_objects").paginate(Bucket="story-lists", PaginationConfig={"PageSize": 2})
    keys = [item["Key"] for page in pages for item in page["Contents"]]
    check("pages of version 1", keys, sorted(odd, key=lambda key: key.encode()))
    after = s3.list_objects_v2(Bucket="story-lists", StartAfter="file")["Contents"]
    check("start after", after[0]["Key"], "file/under")
    call = lambda: s3.list_objects_v2(Bucket="story-lists", ContinuationToken="*")
    refused("no token", call, "InvalidArgument", 400)
    versions = s3.list_object_versions(Bucket="story-lists")["Versions"]
    check("versions", {item["VersionId"] for item in versions}, {"null"})
    refused("not empty", lambda: s3.delete_bucket(Bucket="story-lists"), "BucketNotEmpty", 409)
    delete = {"Objects": [{"Key": key} for key in [*odd, "was never there"]]}
    check("batch", len(s3.delete_objects(Bucket="story-lists", Delete=delete)["Deleted"]), len(odd) + 1)
    check("empty", s3.list_objects_v2(Bucket="story-lists")["KeyCount"], 0)


def multipart(s3):
    """Objects are put together of parts."""
    size = 8 << 20
    with tempfile.NamedTemporaryFile() as file:
        digest = hashlib.sha256()
        for _ in range(200):
            piece = os.urandom(1 << 20)
            digest.update(piece)
            file.write(piece)
        file.flush()
        s3.upload_file(file.name, BUCKET, "large", Config=TransferConfig(multipart_chunksize=size))
    body = s3.get_object(Bucket=BUCKET, Key="large")["Body"]
    seen = hashlib.sha256()
    for piece in body.iter_chunks(1 << 20):
        seen.update(piece)
    check("200 MB", seen.hexdigest(), digest.hexdigest())
    part = s3.get_object(Bucket=BUCKET, Key="large", PartNumber=2)
    check("a part", (part["ContentLength"], part["PartsCount"], part["ContentRange"]), (
        size, 25, f"bytes {size}-{2 * size - 1}/{200 << 20}"))
    made = s3.create_multipart_upload(Bucket=BUCKET, Key="parts", ContentType="a/b", ChecksumAlgorithm="SHA256")
    named = {"Bucket": BUCKET, "Key": "parts", "UploadId": made["UploadId"]}
    first = s3.upload_part(**named, PartNumber=1, Body=b"a" * (5 << 20), ChecksumAlgorithm="SHA256")
    copied = s3.upload_part_copy(
        **named, PartNumber=3, CopySource={"Bucket": BUCKET, "Key": "large"}, CopySourceRange="bytes=0-9")
    uploads = s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    check("uploads", [item["Key"] for item in uploads], ["parts"])
    parts = s3.list_parts(**named)["Parts"]
    check("parts", [(item["PartNumber"], item["Size"]) for item in parts], [(1, 5 << 20), (3, 10)])
    complete = lambda parts: (lambda: s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts}))
    one = {"PartNumber": 1, "ETag": first["ETag"], "ChecksumSHA256": first["ChecksumSHA256"]}
    three = {"PartNumber": 3, "ETag": copied["CopyPartResult"]["ETag"]}
    refused("wrong order", complete([three, one]), "InvalidPartOrder", 400)
    refused("unknown part", complete([one, {"PartNumber": 2, "ETag": "x"}]), "InvalidPart", 400)
    refused("no part", complete([]), "MalformedXML", 400)
    done = complete([one, three])()
    check("composite checksum", done["ChecksumSHA256"].endswith("-2"), True)
    check("repeated", complete([one, three])()["ETag"], done["ETag"])
    check("its headers", s3.head_object(Bucket=BUCKET, Key="parts")["ContentType"], "a/b")
    made = s3.create_multipart_upload(Bucket=BUCKET, Key="gone")
    named = {"Bucket": BUCKET, "Key": "gone", "UploadId": made["UploadId"]}
    s3.abort_multipart_upload(**named)
    refused("aborted", lambda: s3.list_parts(**named), "NoSuchUpload", 404)
    refused("a wrong id", lambda: s3.list_parts(**{**named, "UploadId": "x"}), "NoSuchUpload", 404)


def presigned(given):
    """URLs and forms that an operator signs open one thing for a while."""
    s3 = client(given, signature_version="s3v4")
    sign = lambda name, **more: s3.generate_presigned_url(name, Params={"Bucket": BUCKET, **more})
    status, headers, _ = fetch(sign("put_object", Key="signed", ContentType="text/x"), "PUT", b"hello",
                               {"Content-Type": "text/x"})
    check("presigned PUT", status, 200)
    url = sign("get_object", Key="signed")
    check("presigned GET", fetch(url)[::2], (200, b"hello"))
    check("presigned range", fetch(url, headers={"Range": "bytes=1-2"})[::2], (206, b"el"))
    check("another key", fetch(url.replace("signed", "large", 1))[0], 403)
    check("another method", fetch(url, "DELETE")[0], 403)
    check("a header that is not signed", fetch(url, headers={"x-amz-copy-source": "/a/b"})[0], 403)
    check("a parameter more", fetch(url + "&versionId=1")[0], 403)
    late = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "signed"}, ExpiresIn=604801)
    check("too long", fetch(late)[0], 400)
    conditions = [["starts-with", "$key", "up/"], ["content-length-range", 1, 10], {"x-amz-meta-a": "b"},
                  {"success_action_status": "201"}]
    form = s3.generate_presigned_post(
        BUCKET, "up/${filename}", {"x-amz-meta-a": "b", "success_action_status": "201"}, conditions)
    check("form", post(form, form["fields"], b"0123456789")[0], 201)
    got = s3.get_object(Bucket=BUCKET, Key="up/f.txt")
    check("its object", (got["Body"].read(), got["Metadata"]), (b"0123456789", {"a": "b"}))
    check("too large", post(form, form["fields"], b"01234567890")[0], 400)
    check("too small", post(form, form["fields"], b"")[0], 400)
    check("another place", post(form, {**form["fields"], "key": "x"}, b"1")[0], 403)
    check("a field more", post(form, {**form["fields"], "x-amz-meta-c": "d"}, b"1")[0], 403)
    check("another secret", post(form, {**form["fields"], "x-amz-signature": "0" * 64}, b"1")[0], 403)
    check("no policy", post(form, {"key": "up/x"}, b"1")[0], 403)


def post(form, fields, file):
    """Sends a form as a browser does."""
    parts = [f'--xyz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
    head = 'Content-Disposition: form-data; name="file"; filename="f.txt"\r\nContent-Type: text/plain\r\n\r\n'
    body = "".join(parts).encode() + b"--xyz\r\n" + head.encode() + file + b"\r\n--xyz--\r\n"
    return fetch(form["url"], "POST", body, {"Content-Type": "multipart/form-data; boundary=xyz"})


def bucket_settings(given, s3):
    """Settings are kept; what never changes is said."""
    named = {"Bucket": BUCKET}
    refused("no tags of the bucket", lambda: s3.get_bucket_tagging(**named), "NoSuchTagSet", 404)
    s3.put_bucket_tagging(**named, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    check("tags of the bucket", s3.get_bucket_tagging(**named)["TagSet"], [{"Key": "a", "Value": "b"}])
    s3.delete_bucket_tagging(**named)
    refused("no CORS", lambda: s3.get_bucket_cors(**named), "NoSuchCORSConfiguration", 404)
    rule = {"AllowedOrigins": ["https://a.test"], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["*"],
            "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 60}
    s3.put_bucket_cors(**named, CORSConfiguration={"CORSRules": [rule]})
    check("CORS", s3.get_bucket_cors(**named)["CORSRules"], [rule])
    asks = {"Origin": "https://a.test", "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-a"}
    status, headers, _ = fetch(f'{given["endpoint"]}/{BUCKET}/k', "OPTIONS", headers=asks)
    check("preflight", (status, headers["Access-Control-Allow-Origin"]), (200, "https://a.test"))
    asks["Origin"] = "https://b.test"
    check("preflight of others", fetch(f'{given["endpoint"]}/{BUCKET}/k', "OPTIONS", headers=asks)[0], 403)
    url = client(given, signature_version="s3v4").generate_presigned_url("get_object", Params={**named, "Key": "signed"})
    seen = fetch(url, headers={"Origin": "https://a.test"})[1]["Access-Control-Allow-Origin"]
    check("CORS of an answer", seen, "https://a.test")
    s3.delete_bucket_cors(**named)
    refused("no policy", lambda: s3.get_bucket_policy(**named), "NoSuchBucketPolicy", 404)
    identity = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1ABC"
    policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":%s,"Action":"s3:GetObject",' \
             '"Resource":"arn:aws:s3:::' + BUCKET + '/*"}]}'
    call = lambda: s3.put_bucket_policy(**named, Policy=policy % '"*"')
    refused("everybody", call, "MalformedPolicy", 400)
    s3.put_bucket_policy(**named, Policy=policy % ('{"AWS":"%s"}' % identity))
    check("policy", s3.get_bucket_policy(**named)["Policy"], policy % ('{"AWS":"%s"}' % identity))
    check("policy status", s3.get_bucket_policy_status(**named)["PolicyStatus"], {"IsPublic": False})
    s3.delete_bucket_policy(**named)
    check("no logging", s3.get_bucket_logging(**named).get("LoggingEnabled"), None)
    enabled = {"TargetBucket": BUCKET, "TargetPrefix": "logs/"}
    s3.put_bucket_logging(**named, BucketLoggingStatus={"LoggingEnabled": enabled})
    check("logging", s3.get_bucket_logging(**named)["LoggingEnabled"], enabled)
    call = lambda: s3.put_bucket_logging(
        **named, BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "nonono", "TargetPrefix": ""}})
    refused("logging to nowhere", call, "InvalidTargetBucketForLogging", 400)
    s3.put_bucket_logging(**named, BucketLoggingStatus={})
    call = lambda: s3.get_public_access_block(**named)
    refused("no block", call, "NoSuchPublicAccessBlockConfiguration", 404)
    block = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": False}
    s3.put_public_access_block(**named, PublicAccessBlockConfiguration=block)
    check("block", s3.get_public_access_block(**named)["PublicAccessBlockConfiguration"], block)
    s3.delete_public_access_block(**named)
    check("location", s3.get_bucket_location(**named)["LocationConstraint"], None)
    check("versioning", s3.get_bucket_versioning(**named).get("Status"), None)
    check("acl", s3.get_bucket_acl(**named)["Grants"][0]["Permission"], "FULL_CONTROL")
    check("payer", s3.get_bucket_request_payment(**named)["Payer"], "BucketOwner")
    rules = s3.get_bucket_ownership_controls(**named)["OwnershipControls"]["Rules"]
    check("ownership", rules, [{"ObjectOwnership": "BucketOwnerEnforced"}])
    for name, code in [
        ("encryption", "ServerSideEncryptionConfigurationNotFoundError"),
        ("lifecycle_configuration", "NoSuchLifecycleConfiguration"),
        ("website", "NoSuchWebsiteConfiguration"),
        ("replication", "ReplicationConfigurationNotFoundError"),
    ]:
        refused(name, lambda: getattr(s3, f"get_bucket_{name}")(**named), code, 404)
    enabled = {"Status": "Enabled"}
    call = lambda: s3.put_bucket_versioning(**named, VersioningConfiguration=enabled)
    refused("versions", call, "NotImplemented", 501)


def main():
    given = settings()
    s3 = client(given)
    refusals(given, s3)
    for bucket in [BUCKET, "story-lists"]:
        s3.create_bucket(Bucket=bucket)
        refused(f"{bucket} again", lambda: s3.create_bucket(Bucket=bucket), "BucketAlreadyOwnedByYou", 409)
    s3.head_bucket(Bucket=BUCKET)
    names = {item["Name"] for item in s3.list_buckets()["Buckets"]}
    check("buckets", {BUCKET, "story-lists"} <= names, True)
    objects(given, s3)
    lists(s3)
    multipart(s3)
    presigned(given)
    bucket_settings(given, s3)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for item in page["Contents"]:
            s3.delete_object(Bucket=BUCKET, Key=item["Key"])
    for bucket in [BUCKET, "story-lists"]:
        s3.delete_bucket(Bucket=bucket)
        refused(f"{bucket} is gone", lambda: s3.head_bucket(Bucket=bucket), "404", 404)
    print("end")


main()
