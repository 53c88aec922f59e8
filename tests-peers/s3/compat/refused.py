"""What other servers have and this one has not: refused as a whole, and nothing stored. Versions, encryption, locks, and the rest."""

from botocore.exceptions import ClientError

from world import Fault, among, equal


def never(w, name, call, *codes):
    """Checks that a call is refused with 400 or 501."""
    try:
        call()
    except ClientError as error:
        among(error.response["ResponseMetadata"]["HTTPStatusCode"], [400, 409, 501], name)
        if codes:
            among(error.response["Error"]["Code"], codes, name)
        return
    raise Fault(f"{name}: taken")


def test_versions(w):
    for state in ["Enabled", "Suspended"]:
        never(w, state, lambda: w.s3.put_bucket_versioning(Bucket=w.bucket, VersioningConfiguration={"Status": state}))


def test_encryption(w):
    key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "x" * 32}
    never(w, "customer", lambda: w.put("foo", **key))
    for algorithm in ["aws:kms", "AES256"]:
        never(w, algorithm, lambda: w.put("foo", ServerSideEncryption=algorithm))
    never(w, "upload", lambda: w.s3.create_multipart_upload(Bucket=w.bucket, Key="foo", ServerSideEncryption="aws:kms"))
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    never(w, "bucket", lambda: w.s3.put_bucket_encryption(
        Bucket=w.bucket, ServerSideEncryptionConfiguration={"Rules": [rule]}))
    equal(w.s3.list_objects_v2(Bucket=w.bucket)["KeyCount"], 0, "stored")


def test_locks(w):
    never(w, "bucket", lambda: w.s3.create_bucket(Bucket=w.name(), ObjectLockEnabledForBucket=True))
    never(w, "object", lambda: w.put("foo", ObjectLockLegalHoldStatus="ON"))
    equal(w.s3.list_objects_v2(Bucket=w.bucket)["KeyCount"], 0, "stored")
    w.put("foo")
    never(w, "hold", lambda: w.s3.put_object_legal_hold(Bucket=w.bucket, Key="foo", LegalHold={"Status": "ON"}))
    never(w, "retention", lambda: w.s3.put_object_retention(
        Bucket=w.bucket, Key="foo", Retention={"Mode": "GOVERNANCE", "RetainUntilDate": "2030-01-01T00:00:00Z"}))


def test_lifecycle(w):
    rule = {"ID": "a", "Expiration": {"Days": 1}, "Prefix": "a", "Status": "Enabled"}
    never(w, "put", lambda: w.s3.put_bucket_lifecycle_configuration(Bucket=w.bucket, LifecycleConfiguration={"Rules": [rule]}))


def test_website(w):
    site = {"IndexDocument": {"Suffix": "index.html"}}
    never(w, "put", lambda: w.s3.put_bucket_website(Bucket=w.bucket, WebsiteConfiguration=site))


def test_select(w):
    w.put("foo", b"a,b\n")
    never(w, "select", lambda: w.s3.select_object_content(
        Bucket=w.bucket, Key="foo", Expression="select * from s3object", ExpressionType="SQL",
        InputSerialization={"CSV": {}}, OutputSerialization={"CSV": {}}))


def test_storage_classes(w):
    never(w, "glacier", lambda: w.put("foo", StorageClass="GLACIER"), "InvalidStorageClass")
    equal(w.s3.list_objects_v2(Bucket=w.bucket)["KeyCount"], 0, "stored")


def test_acls_that_let_in_somebody(w):
    never(w, "canned", lambda: w.put("foo", ACL="public-read"), "AccessControlListNotSupported")
    never(w, "grant", lambda: w.put("foo", GrantRead='uri="http://acs.amazonaws.com/groups/global/AllUsers"'))
    equal(w.s3.list_objects_v2(Bucket=w.bucket)["KeyCount"], 0, "stored")
    w.put("foo")
    never(w, "put", lambda: w.s3.put_object_acl(Bucket=w.bucket, Key="foo", ACL="public-read"))


def test_parameters_that_no_operation_has(w):
    w.put("foo")
    for method, path in [("GET", f"/{w.bucket}?inventory"), ("GET", f"/{w.bucket}?analytics"), ("PUT", f"/{w.bucket}?foo"),
                         ("GET", f"/{w.bucket}/foo?torrent"), ("POST", f"/{w.bucket}/foo?restore"), ("DELETE", f"/{w.bucket}/foo?bar")]:
        among(w.signed(method, path)[0], [400, 501], f"{method} {path}")
    equal(w.get("foo")["Body"], b"bar")
