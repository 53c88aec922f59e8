"""Sends signed S3 requests with botocore's signer, byte for byte as asked: no path is tidied up.

    s3_requests.py ENDPOINT ACCESS_KEY SECRET_KEY

Input, one JSON object a line: `method`, `path` (in wire form, with the bucket), `body` (text, may be absent) and
`headers` (may be absent). Output, one a line: `status`, `headers`, `body`.
"""

import hashlib
import http.client
import json
import sys

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def send(endpoint, credentials, wish):
    body = wish.get("body", "").encode()
    request = AWSRequest(wish["method"], endpoint + wish["path"], data=body, headers=wish.get("headers", {}))
    request.headers["X-Amz-Content-SHA256"] = hashlib.sha256(body).hexdigest()
    S3SigV4Auth(credentials, "s3", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection(endpoint.split("//")[1], timeout=60)
    connection.request(wish["method"], wish["path"], body, dict(request.headers))
    answer = connection.getresponse()
    text = answer.read().decode("utf-8", "replace")
    return {"status": answer.status, "headers": dict(answer.getheaders()), "body": text}


def main():
    endpoint, access_key, secret_key = sys.argv[1:]
    credentials = Credentials(access_key, secret_key)
    for line in sys.stdin:
        print(json.dumps(send(endpoint, credentials, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
