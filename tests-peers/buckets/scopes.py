#!/usr/bin/env python3
"""An operator whose scope is one distribution: which buckets it lists, and whose objects it reads and writes.

Reads one line of JSON with the endpoint, keys and names of buckets, and writes a line of JSON for each bucket.
"""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


def status(call, **arguments):
    """Returns the status with which a call ends."""
    try:
        return call(**arguments)["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]


given = json.loads(sys.stdin.readline())
s3 = boto3.client(
    "s3",
    endpoint_url=given["buckets"],
    region_name="us-east-1",
    aws_access_key_id=given["access_key_id"],
    aws_secret_access_key=given["secret_access_key"],
    config=Config(retries={"mode": "standard", "max_attempts": 1}),
)
listed = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
for name in given["names"]:
    source = {"Bucket": name, "Key": "key"}
    seen = {
        "list": status(s3.list_objects_v2, Bucket=name),
        "get": status(s3.get_object, Bucket=name, Key="key"),
        "put": status(s3.put_object, Bucket=name, Key="new", Body=b"new"),
        "copy": status(s3.copy_object, Bucket="articles", Key="copied", CopySource=source),
        "delete": status(s3.delete_object, Bucket=name, Key="key"),
    }
    print(json.dumps({"bucket": name, "listed": name in listed, "seen": seen}), flush=True)
