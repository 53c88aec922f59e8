#!/usr/bin/env python3
"""The buckets of the articles' story with boto3: two buckets, the log of the one in the other, a picture, the grant.

Reads one line of JSON with endpoints, keys, and whom the policy names; writes one line of JSON.
"""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

BUCKET = "c2-video-test-private"
LOGS = "c2-video-test-logs"
KEY = "terada_pythonbr.jpg"
PICTURE = b"a picture"


def client(given, service, endpoint):
    """Returns a client with the keys of the operator."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=given["access_key_id"],
        aws_secret_access_key=given["secret_access_key"],
        config=Config(retries={"mode": "standard", "max_attempts": 1}, signature_version="s3v4" if service == "s3" else None),
    )


def code(call, **arguments):
    """Returns code and status of the error with which a call ends."""
    try:
        call(**arguments)
    except ClientError as error:
        return [error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]]
    return None


def identity_of(cloudfront):
    """Makes an origin access identity, and returns its id."""
    config = {"CallerReference": "article", "Comment": "article"}
    made = cloudfront.create_cloud_front_origin_access_identity(CloudFrontOriginAccessIdentityConfig=config)
    return made["CloudFrontOriginAccessIdentity"]["Id"]


def policy(principal, condition):
    """Returns a policy that lets a principal read."""
    statement = {
        "Sid": "1",
        "Effect": "Allow",
        "Principal": principal,
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/*",
    }
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def make(given, s3):
    """Makes the buckets, the log and the picture, and grants the right to read."""
    for bucket in (BUCKET, LOGS):
        s3.create_bucket(Bucket=bucket)
    logging = {"LoggingEnabled": {"TargetBucket": LOGS, "TargetPrefix": "s3/"}}
    s3.put_bucket_logging(Bucket=BUCKET, BucketLoggingStatus=logging)
    kept = s3.get_bucket_logging(Bucket=BUCKET)["LoggingEnabled"]["TargetPrefix"]
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=PICTURE, ContentType="image/jpeg", Metadata={"title": "a"})
    size = len(s3.get_object(Bucket=BUCKET, Key=KEY, Range="bytes=2-3")["Body"].read())
    return {"prefix": kept, "size": size}


def grant(given, s3, distribution):
    """Puts the policy that Amazon's console writes, for an identity or for a distribution."""
    if distribution:
        arn = f"arn:aws:cloudfront::{given['account']}:distribution/{distribution}"
        principal, condition = {"Service": "cloudfront.amazonaws.com"}, {"StringEquals": {"AWS:SourceArn": arn}}
        s3.put_bucket_policy(Bucket=BUCKET, Policy=policy(principal, condition))
        return {}
    identity = identity_of(client(given, "cloudfront", given["control"]))
    arn = f"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity {identity}"
    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy({"AWS": arn}, None))
    return {"identity": identity}


def main():
    """Does one part of the story."""
    given = json.loads(sys.stdin.readline())
    s3 = client(given, "s3", given["buckets"])
    if given["part"] == "make":
        said = make(given, s3)
    elif given["part"] == "grant":
        said = grant(given, s3, given.get("distribution"))
    else:
        said = {"deleted": code(s3.delete_bucket, Bucket=given["bucket"])}
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
