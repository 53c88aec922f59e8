"""What the stories of S3's clients share: settings from standard input, and checks that say what was seen instead."""

import json
import sys


def settings():
    """Reads the endpoint and the keys that the test passes."""
    return json.load(sys.stdin)


def check(name, seen, expected):
    """Ends the story unless what was seen is what was expected."""
    if seen != expected:
        raise SystemExit(f"{name}: {seen!r} instead of {expected!r}")
    print(f"{name}: ok")


def refused(name, call, code, status):
    """Checks that a call of boto3 is refused with a code and a status."""
    from botocore.exceptions import ClientError

    try:
        seen = call()
    except ClientError as error:
        seen = (error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"])
    check(name, seen, (code, status))
