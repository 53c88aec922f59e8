"""What the cases share: clients, buckets that are removed, requests as they are written, and checks."""

import http.client
import itertools
import os
import urllib.parse

import boto3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError


class Fault(Exception):
    """Something was seen that is not what was expected."""


def equal(seen, expected, what=""):
    """Checks one value."""
    if seen != expected:
        raise Fault(f"{what}{' ' if what else ''}{str(seen)[:300]!r} instead of {str(expected)[:300]!r}")


def among(seen, expected, what=""):
    """Checks that a value is one of several."""
    if seen not in expected:
        raise Fault(f"{what} {seen!r}, none of {expected!r}")


def status(answer):
    """Returns the status of an answer of boto3."""
    return answer["ResponseMetadata"]["HTTPStatusCode"]


def refused(call, expected_status, *codes):
    """Checks that a call of boto3 is refused with this status, and with one of the codes if there are any."""
    try:
        answer = call()
    except ClientError as error:
        seen = error.response["ResponseMetadata"]["HTTPStatusCode"]
        code = error.response["Error"].get("Code")
        if seen != expected_status or (codes and code not in codes):
            raise Fault(f"{seen} {code} instead of {expected_status} {' or '.join(codes)}") from None
        return error.response
    raise Fault(f"{status(answer)} instead of {expected_status} {' or '.join(codes)}")


class Signer(S3SigV4Auth):
    """Signs with the digest of the body that a case says."""

    def payload(self, request):
        return request.context.get("stated") or super().payload(request)


class World:
    """One server, and what a case does with it."""

    def __init__(self, given):
        self.given = given
        self.endpoint = given["endpoint"]
        self.host = urllib.parse.urlsplit(self.endpoint).netloc
        self.prefix = f"compat-{os.getpid()}-"
        self.numbers = itertools.count(1)
        self.made = []
        self.s3 = self.client()
        self.bucket = None

    def client(self, secret=None, key=None, **config):
        """Makes a client, with the right keys unless others are passed."""
        config = {"s3": {"addressing_style": "path"}, "retries": {"max_attempts": 1}, **config}
        return boto3.client(
            "s3", endpoint_url=self.endpoint, region_name="us-east-1",
            aws_access_key_id=key or self.given["access_key_id"],
            aws_secret_access_key=secret or self.given["secret_access_key"], config=Config(**config))

    def name(self):
        """Returns the name of a bucket that is not there; it is removed after the case."""
        name = f"{self.prefix}{next(self.numbers)}"
        self.made.append(name)
        return name

    def another(self):
        """Makes a bucket beside the case's own."""
        name = self.name()
        self.s3.create_bucket(Bucket=name)
        return name

    def put(self, key, body=b"bar", **more):
        """Writes an object."""
        return self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **more)

    def get(self, key, **more):
        """Reads an object; returns the answer, its body read."""
        answer = self.s3.get_object(Bucket=self.bucket, Key=key, **more)
        answer["Body"] = answer["Body"].read()
        return answer

    def keys(self, *keys):
        """Writes objects whose contents are their keys."""
        for key in keys:
            self.put(key, key.encode())

    def raw(self, method, path, headers=None, body=None):
        """Sends a request exactly as it is said; returns status, headers and body."""
        connection = http.client.HTTPConnection(self.host, timeout=60)
        headers = dict(headers or {})
        connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
        if body is not None and not {"content-length", "transfer-encoding"} & {name.lower() for name in headers}:
            headers["Content-Length"] = str(len(body))
        for name, value in headers.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders()
        if body:
            connection.send(body)
        answer = connection.getresponse()
        seen = answer.status, answer.headers, answer.read()
        connection.close()
        return seen

    def signed(self, method, path, body=b"", headers=None, later=None, sha=None):
        """Signs a request, changes header fields after that if `later` says so, and sends it."""
        request = AWSRequest(method, self.endpoint + path, data=body, headers=headers or {})
        request.context["stated"] = sha
        keys = Credentials(self.given["access_key_id"], self.given["secret_access_key"])
        Signer(keys, "s3", "us-east-1").add_auth(request)
        sent = {name: value for name, value in request.headers.items() if name.lower() not in ("host", "content-length")}
        for name, value in (later or {}).items():
            sent = {there: old for there, old in sent.items() if there.lower() != name.lower()}
            sent[name] = value
        return self.raw(method, path, sent, body)

    def clean(self):
        """Removes what a case has left."""
        for name in self.made:
            try:
                for upload in self.s3.list_multipart_uploads(Bucket=name).get("Uploads", []):
                    self.s3.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
                for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=name):
                    items = page.get("Versions", []) + page.get("DeleteMarkers", [])
                    items = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in items]
                    if items:
                        self.s3.delete_objects(Bucket=name, Delete={"Objects": items, "Quiet": True})
                self.s3.delete_bucket(Bucket=name)
            except ParamValidationError:
                # A name that is none to the client as well.
                pass
            except ClientError as error:
                if error.response["Error"].get("Code") not in ("NoSuchBucket", "InvalidBucketName"):
                    raise
        self.made = []


def code(body):
    """Returns the code of an error's body."""
    text = body.decode("utf-8", "replace")
    return text.split("<Code>", 1)[1].split("</Code>", 1)[0] if "<Code>" in text else ""


def outcome(world, function):
    """Runs a case in a bucket of its own; returns what is wrong, or None."""
    world.bucket = world.another()
    try:
        function(world)
    except Fault as fault:
        return str(fault)
    except (BotoCoreError, ClientError, LookupError, OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {str(error)[:300]}"
    finally:
        world.clean()
    return None
