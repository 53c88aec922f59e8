#!/usr/bin/env python3
"""The articles' first steps with boto3: a bucket, its log, a picture, an identity, the grant, all as in 2014.

Reads one line of JSON with endpoints and keys, and writes a line of JSON for each step.
"""

import json
import sys
import urllib.error
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

BUCKET = "c2-video-test-private"
KEY = "terada_pythonbr.jpg"
PICTURE = b"a picture"


def step(name, **seen):
    """Writes what was seen."""
    print(json.dumps({"step": name, **seen}), flush=True)


def refused(call, **arguments):
    """Returns the code of the error with which a call ends."""
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def anonymous(url):
    """Returns status and text of a request without a signature."""
    try:
        with urllib.request.urlopen(url) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def client(given, service, endpoint):
    """Returns a client with the keys of the operator."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=given["access_key_id"],
        aws_secret_access_key=given["secret_access_key"],
        config=Config(retries={"mode": "standard", "max_attempts": 1}),
    )


def policy(identity):
    """Returns the policy that Amazon's console writes for an identity."""
    arn = f"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity {identity}"
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "1",
                    "Effect": "Allow",
                    "Principal": {"AWS": arn},
                    "Action": "s3:GetObject",
                    "Resource": f"arn:aws:s3:::{BUCKET}/*",
                }
            ],
        }
    )


def main():
    """Runs the story."""
    given = json.loads(sys.stdin.readline())
    s3 = client(given, "s3", given["buckets"])
    cloudfront = client(given, "cloudfront", given["control"])
    s3.create_bucket(Bucket=BUCKET)
    names = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    step("created", names=names, again=refused(s3.create_bucket, Bucket="UPPER-" + BUCKET) is not None)
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=PICTURE, ContentType="image/jpeg", Metadata={"title": "a"})
    status, text = anonymous(f"{given['buckets']}/{BUCKET}/{KEY}")
    step("anonymous", status=status, denied="AccessDenied" in text)
    got = s3.get_object(Bucket=BUCKET, Key=KEY)
    step("got", text=got["Body"].read().decode(), type=got["ContentType"], metadata=got["Metadata"])
    config = {"CallerReference": "article", "Comment": "article"}
    made = cloudfront.create_cloud_front_origin_access_identity(CloudFrontOriginAccessIdentityConfig=config)
    identity = made["CloudFrontOriginAccessIdentity"]["Id"]
    nobody = refused(s3.put_bucket_policy, Bucket=BUCKET, Policy=policy("EABSENT"))
    everybody = policy(identity).replace('{"AWS"', '{"CanonicalUser"').replace("arn:aws:iam", "arn:aws:iamx")
    step("refused", nobody=nobody is not None, everybody=refused(s3.put_bucket_policy, Bucket=BUCKET, Policy=everybody) is not None)
    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy(identity))
    text = s3.get_bucket_policy(Bucket=BUCKET)["Policy"]
    step("policy", same=json.loads(text) == json.loads(policy(identity)), identity=identity)
    step("full", code=refused(s3.delete_bucket, Bucket=BUCKET))


if __name__ == "__main__":
    main()
