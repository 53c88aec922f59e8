"""Buckets: names, creation, deletion, lists, head, settings that are kept and settings that never change."""

import json

from botocore.exceptions import ClientError

from world import Fault, among, code, equal, refused, status


def created(w, name):
    """Creates a bucket by a request that no client has checked; returns status and code."""
    w.made.append(name)
    seen, _, body = w.signed("PUT", f"/{name}")
    return seen, code(body)


def test_names_that_are_none(w):
    for name in ["a", "ab", "a" * 64, "Upper", "under_score", "-lead", "trail-", ".lead", "trail.", "a..b", "a%20b",
                 "192.168.5.123", "a" * 256]:
        seen = created(w, name)
        equal(seen, (400, "InvalidBucketName"), name)


def test_names_that_are_some(w):
    for name in [w.prefix + "a" * (63 - len(w.prefix)), w.prefix + "a.b", w.prefix + "a-b-9", "9" + w.prefix + "a"]:
        equal(created(w, name)[0], 200, name)
        equal(w.s3.list_objects(Bucket=name).get("Contents"), None)


def test_dns_names_that_are_none(w):
    for name in [w.prefix + "foo.-bar", w.prefix + "foo-.bar"]:
        equal(created(w, name), (400, "InvalidBucketName"), name)


def test_created_again(w):
    refused(lambda: w.s3.create_bucket(Bucket=w.bucket), 409, "BucketAlreadyOwnedByYou")


def test_created_with_a_body_that_is_none(w):
    name = w.name()
    seen, _, body = w.signed("PUT", f"/{name}", b"<CreateBucketConfiguration><Wrong")
    equal((seen, code(body)), (400, "MalformedXML"))


def test_location(w):
    among(w.s3.get_bucket_location(Bucket=w.bucket)["LocationConstraint"], [None, "", "default"])


def test_location_that_is_none(w):
    place = {"LocationConstraint": "nowhere-1"}
    call = lambda: w.s3.create_bucket(Bucket=w.name(), CreateBucketConfiguration=place)
    refused(call, 400, "InvalidLocationConstraint", "IllegalLocationConstraintException")


def test_head(w):
    equal(status(w.s3.head_bucket(Bucket=w.bucket)), 200)
    refused(lambda: w.s3.head_bucket(Bucket=w.name()), 404)


def test_deletion(w):
    refused(lambda: w.s3.delete_bucket(Bucket=w.name()), 404, "NoSuchBucket")
    w.put("foo")
    refused(lambda: w.s3.delete_bucket(Bucket=w.bucket), 409, "BucketNotEmpty")
    w.s3.delete_object(Bucket=w.bucket, Key="foo")
    equal(status(w.s3.delete_bucket(Bucket=w.bucket)), 204)
    refused(lambda: w.s3.delete_bucket(Bucket=w.bucket), 404, "NoSuchBucket")
    refused(lambda: w.put("foo"), 404, "NoSuchBucket")


def test_created_deleted_created(w):
    for _ in range(3):
        w.s3.delete_bucket(Bucket=w.bucket)
        w.s3.create_bucket(Bucket=w.bucket)
    equal(w.s3.list_objects(Bucket=w.bucket).get("Contents"), None)


def test_list(w):
    mine = [w.bucket, w.another(), w.another()]
    answer = w.s3.list_buckets()
    equal([name for name in mine if name in [item["Name"] for item in answer["Buckets"]]], mine)
    equal(bool(answer["Owner"]["ID"]), True)
    equal(all(item["CreationDate"] for item in answer["Buckets"]), True)


def test_list_with_pages(w):
    mine = sorted([w.bucket, w.another(), w.another()])
    pages = w.s3.get_paginator("list_buckets").paginate(Prefix=w.prefix, PaginationConfig={"PageSize": 1})
    seen = [[item["Name"] for item in page["Buckets"]] for page in pages]
    equal([names for names in seen if names], [[name] for name in mine])


def test_list_of_strangers(w):
    equal(w.raw("GET", "/")[0], 403)
    refused(w.client(secret="no").list_buckets, 403, "SignatureDoesNotMatch")
    refused(w.client(key="AKIDNOBODY0000000000").list_buckets, 403, "InvalidAccessKeyId", "SignatureDoesNotMatch")


def test_acl(w):
    answer = w.s3.get_bucket_acl(Bucket=w.bucket)
    equal([grant["Permission"] for grant in answer["Grants"]], ["FULL_CONTROL"])
    equal(answer["Grants"][0]["Grantee"]["ID"], answer["Owner"]["ID"])
    equal(answer["Grants"][0]["Grantee"]["Type"], "CanonicalUser")


def test_private_is_what_it_is(w):
    equal(status(w.s3.put_bucket_acl(Bucket=w.bucket, ACL="private")), 200)
    name = w.name()
    equal(status(w.s3.create_bucket(Bucket=name, ACL="private")), 200)


def test_acl_for_everybody(w):
    refused(lambda: w.s3.put_bucket_acl(Bucket=w.bucket, ACL="public-read"), 400, "AccessControlListNotSupported")


def test_policy_that_there_is_not(w):
    refused(lambda: w.s3.get_bucket_policy(Bucket=w.bucket), 404, "NoSuchBucketPolicy")
    equal(status(w.s3.delete_bucket_policy(Bucket=w.bucket)), 204)
    refused(lambda: w.s3.get_bucket_policy_status(Bucket=w.name()), 404, "NoSuchBucket")


def test_policy_that_is_none(w):
    for text in ["", "{", "[]", '{"Version":"2012-10-17"}', '{"Version":"2012-10-17","Statement":[{"Effect":"Perhaps"}]}']:
        refused(lambda: w.s3.put_bucket_policy(Bucket=w.bucket, Policy=text), 400, "MalformedPolicy", "MissingRequestBodyError")


def policy(bucket, principal):
    """Returns a policy that lets somebody read."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_policy_for_everybody(w):
    refused(lambda: w.s3.put_bucket_policy(Bucket=w.bucket, Policy=policy(w.bucket, "*")), 400, "MalformedPolicy")


def test_policy_for_readers_of_cloudfront(w):
    text = policy(w.bucket, {"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1EXAMPLE"})
    among(status(w.s3.put_bucket_policy(Bucket=w.bucket, Policy=text)), [200, 204])
    equal(json.loads(w.s3.get_bucket_policy(Bucket=w.bucket)["Policy"]), json.loads(text))
    w.put("foo")
    equal(w.raw("GET", f"/{w.bucket}/foo")[0], 403)
    equal(w.s3.get_bucket_policy_status(Bucket=w.bucket)["PolicyStatus"]["IsPublic"], False)
    equal(status(w.s3.delete_bucket_policy(Bucket=w.bucket)), 204)
    refused(lambda: w.s3.get_bucket_policy(Bucket=w.bucket), 404, "NoSuchBucketPolicy")


def test_public_access_block(w):
    refused(lambda: w.s3.get_public_access_block(Bucket=w.bucket), 404, "NoSuchPublicAccessBlockConfiguration")
    block = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": False}
    w.s3.put_public_access_block(Bucket=w.bucket, PublicAccessBlockConfiguration=block)
    equal(w.s3.get_public_access_block(Bucket=w.bucket)["PublicAccessBlockConfiguration"], block)
    equal(status(w.s3.delete_public_access_block(Bucket=w.bucket)), 204)
    refused(lambda: w.s3.get_public_access_block(Bucket=w.bucket), 404, "NoSuchPublicAccessBlockConfiguration")


def test_cors(w):
    named = {"Bucket": w.bucket}
    refused(lambda: w.s3.get_bucket_cors(**named), 404, "NoSuchCORSConfiguration")
    rules = [{"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["*.get", "*.put"]}]
    w.s3.put_bucket_cors(**named, CORSConfiguration={"CORSRules": rules})
    seen = w.s3.get_bucket_cors(**named)["CORSRules"]
    equal((seen[0]["AllowedMethods"], seen[0]["AllowedOrigins"]), (["GET", "PUT"], ["*.get", "*.put"]))
    equal(status(w.s3.delete_bucket_cors(**named)), 204)
    refused(lambda: w.s3.get_bucket_cors(**named), 404, "NoSuchCORSConfiguration")


def test_cors_rules_that_are_none(w):
    rule = {"AllowedMethods": ["PATCH"], "AllowedOrigins": ["*"]}
    call = lambda: w.s3.put_bucket_cors(Bucket=w.bucket, CORSConfiguration={"CORSRules": [rule]})
    refused(call, 400)


def test_cors_of_answers(w):
    methods = {"GET": ["*suffix", "start*end", "prefix*"], "PUT": ["*.put"]}
    rules = [{"AllowedMethods": [name], "AllowedOrigins": origins} for name, origins in methods.items()]
    w.s3.put_bucket_cors(Bucket=w.bucket, CORSConfiguration={"CORSRules": rules})
    w.put("bar")

    def check(origin, method, allowed, allowed_method):
        headers = {"Origin": origin} if origin else {}
        _, seen, _ = w.signed(method, f"/{w.bucket}/bar", headers=headers)
        equal((seen.get("access-control-allow-origin"), seen.get("access-control-allow-methods")),
              (allowed, allowed_method), f"{method} {origin}")

    check(None, "GET", None, None)
    for origin in ["foo.suffix", "foosuffix", "startend", "start1end", "start12end", "prefix", "prefix.suffix"]:
        check(origin, "GET", origin, "GET")
    for origin in ["foo.bar", "foo.suffix.get", "0start12end", "start12end0", "bla.prefix"]:
        check(origin, "GET", None, None)
    check("foo.put", "PUT", "foo.put", "PUT")
    check("foo.suffix", "PUT", None, None)


def test_cors_preflights(w):
    rules = [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "ExposeHeaders": ["x-amz-meta-header1"],
              "AllowedHeaders": ["x-amz-meta-header2"], "MaxAgeSeconds": 7}]
    w.s3.put_bucket_cors(Bucket=w.bucket, CORSConfiguration={"CORSRules": rules})
    path = f"/{w.bucket}/bar"
    asks = {"Origin": "example.origin", "Access-Control-Request-Method": "GET"}
    seen, headers, _ = w.raw("OPTIONS", path, {**asks, "Access-Control-Request-Headers": "x-amz-meta-header2"})
    equal((seen, headers["access-control-allow-origin"], headers["access-control-max-age"]), (200, "*", "7"))
    equal(w.raw("OPTIONS", path, {**asks, "Access-Control-Request-Headers": "x-amz-meta-header3"})[0], 403)
    equal(w.raw("OPTIONS", path, {**asks, "Access-Control-Request-Method": "PUT"})[0], 403)
    equal(w.raw("OPTIONS", path)[0], 400)
    equal(w.raw("OPTIONS", path, {"Origin": "example.origin"})[0], 400)


def test_cors_preflights_without_rules(w):
    asks = {"Origin": "example.origin", "Access-Control-Request-Method": "GET"}
    equal(w.raw("OPTIONS", f"/{w.bucket}/bar", asks)[0], 403)


def test_tags(w):
    refused(lambda: w.s3.get_bucket_tagging(Bucket=w.bucket), 404, "NoSuchTagSet")
    tags = [{"Key": "Hello", "Value": "World"}]
    among(status(w.s3.put_bucket_tagging(Bucket=w.bucket, Tagging={"TagSet": tags})), [200, 204])
    equal(w.s3.get_bucket_tagging(Bucket=w.bucket)["TagSet"], tags)
    equal(status(w.s3.delete_bucket_tagging(Bucket=w.bucket)), 204)
    refused(lambda: w.s3.get_bucket_tagging(Bucket=w.bucket), 404, "NoSuchTagSet")


def test_logging(w):
    target = w.another()
    equal(w.s3.get_bucket_logging(Bucket=w.bucket).get("LoggingEnabled"), None)
    enabled = {"TargetBucket": target, "TargetPrefix": "log/"}
    put = lambda logging: w.s3.put_bucket_logging(Bucket=w.bucket, BucketLoggingStatus={"LoggingEnabled": logging})
    put(enabled)
    seen = w.s3.get_bucket_logging(Bucket=w.bucket)["LoggingEnabled"]
    equal((seen["TargetBucket"], seen["TargetPrefix"]), (target, "log/"))
    w.s3.put_bucket_logging(Bucket=w.bucket, BucketLoggingStatus={})
    equal(w.s3.get_bucket_logging(Bucket=w.bucket).get("LoggingEnabled"), None)
    refused(lambda: put({"TargetBucket": w.name(), "TargetPrefix": ""}), 400, "InvalidTargetBucketForLogging")


def test_logging_of_a_bucket_that_there_is_not(w):
    name = w.name()
    refused(lambda: w.s3.get_bucket_logging(Bucket=name), 404, "NoSuchBucket")
    enabled = {"LoggingEnabled": {"TargetBucket": w.bucket, "TargetPrefix": ""}}
    refused(lambda: w.s3.put_bucket_logging(Bucket=name, BucketLoggingStatus=enabled), 404, "NoSuchBucket")


def test_ownership(w):
    rules = w.s3.get_bucket_ownership_controls(Bucket=w.bucket)["OwnershipControls"]["Rules"]
    equal(rules, [{"ObjectOwnership": "BucketOwnerEnforced"}])


def test_created_with_an_ownership(w):
    equal(status(w.s3.create_bucket(Bucket=w.name(), ObjectOwnership="BucketOwnerEnforced")), 200)
    call = lambda: w.s3.create_bucket(Bucket=w.name(), ObjectOwnership="ObjectWriter")
    try:
        call()
    except ClientError as error:
        among(error.response["ResponseMetadata"]["HTTPStatusCode"], [400, 501])
        return
    raise Fault("another ownership is taken")


def test_created_with_tags(w):
    name = w.name()
    body = "<CreateBucketConfiguration><Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags></CreateBucketConfiguration>"
    seen, _, _ = w.signed("PUT", f"/{name}", body.encode())
    if seen == 200:
        equal(w.s3.get_bucket_tagging(Bucket=name)["TagSet"], [{"Key": "a", "Value": "b"}])
    else:
        among(seen, [400, 501])


def test_request_payment(w):
    equal(w.s3.get_bucket_request_payment(Bucket=w.bucket)["Payer"], "BucketOwner")


def test_versioning(w):
    equal("Status" in w.s3.get_bucket_versioning(Bucket=w.bucket), False)


def test_what_is_not_configured(w):
    for call, name in [
        (w.s3.get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration"),
        (w.s3.get_bucket_encryption, "ServerSideEncryptionConfigurationNotFoundError"),
        (w.s3.get_bucket_website, "NoSuchWebsiteConfiguration"),
        (w.s3.get_bucket_replication, "ReplicationConfigurationNotFoundError"),
        (w.s3.get_object_lock_configuration, "ObjectLockConfigurationNotFoundError"),
    ]:
        refused(lambda: call(Bucket=w.bucket), 404, name)
