#!/usr/bin/env python3
"""Shows answers with one fault each to the lint, which has to find them; and good ones, in which there is nothing.

Prints a step for each answer.
"""

import boto3

from lint import Answer, Lint
from story import step

XMLNS = 'xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"'
HEADERS = {"x-amzn-RequestId": "r", "Content-Type": "text/xml", "ETag": "E1", "Location": "https://x/"}
KEY = (
    f"<PublicKey {XMLNS}><Id>K1</Id><CreatedTime>2026-12-01T00:00:00Z</CreatedTime><PublicKeyConfig>"
    "<CallerReference>c</CallerReference><Name>n</Name><EncodedKey>k</EncodedKey></PublicKeyConfig></PublicKey>"
)
KEYS = (
    f"<PublicKeyList {XMLNS}><MaxItems>100</MaxItems><Quantity>1</Quantity><Items><PublicKeySummary><Id>K1</Id>"
    "<Name>n</Name><CreatedTime>2026-12-01T00:00:00Z</CreatedTime><EncodedKey>k</EncodedKey></PublicKeySummary>"
    "</Items></PublicKeyList>"
)
ERROR = (
    f"<ErrorResponse {XMLNS}><Error><Type>Sender</Type><Code>NoSuchPublicKey</Code><Message>m</Message></Error>"
    "<RequestId>r</RequestId></ErrorResponse>"
)
# Operation, status, body, what is replaced in it, and a part of the fault; none in good answers.
ANSWERS = [
    ("CreatePublicKey", 201, KEY, ("", ""), ""),
    ("ListPublicKeys", 200, KEYS, ("", ""), ""),
    ("GetPublicKey", 404, ERROR, ("", ""), ""),
    ("CreatePublicKey", 200, KEY, ("", ""), "status"),
    ("CreatePublicKey", 201, KEY, ("<Id>K1</Id>", ""), "lacks Id"),
    ("CreatePublicKey", 201, KEY, ("<Id>K1</Id>", "<Id>K1</Id><Id>K1</Id>"), "has Id twice"),
    ("CreatePublicKey", 201, KEY, ("<Id>", "<Own>1</Own><Id>"), "has Own"),
    ("CreatePublicKey", 201, KEY, ("00Z", "00"), "timestamp"),
    ("CreatePublicKey", 201, KEY, ("2020-05-31", "2014-05-31"), "namespace"),
    ("CreatePublicKey", 201, KEY, ("<PublicKey ", "<PublicKeys "), "root"),
    ("CreatePublicKey", 201, KEY, ("<Id>", '<Id a="1">'), "attributes"),
    ("ListPublicKeys", 200, KEYS, ("<Quantity>1", "<Quantity>2"), "Quantity 2"),
    ("ListPublicKeys", 200, KEYS, ("<MaxItems>100", "<MaxItems>many"), "integer"),
    ("ListPublicKeys", 200, KEYS, ("PublicKeySummary", "PublicKey"), "instead of"),
    ("GetPublicKey", 400, ERROR, ("", ""), "status 404"),
    ("GetPublicKey", 404, ERROR, ("NoSuchPublicKey", "NoSuchOrigin"), "not an error of this"),
    ("GetPublicKey", 404, ERROR, ("Sender", "Receiver"), "Type"),
    ("GetPublicKey", 404, ERROR, ("<RequestId>r", "<RequestId>s"), "RequestId"),
    ("GetPublicKey", 404, ERROR, ("ErrorResponse", "Error"), "no ErrorResponse"),
    ("DeletePublicKey", 204, ERROR, ("", ""), "is not empty"),
]


def main():
    client = boto3.client("cloudfront", region_name="us-east-1")
    lint = Lint(client)
    for name, status, body, (old, new), expected in ANSWERS:
        body = body.replace(old, new) if old else body
        if old == "<PublicKey ":
            body = body.replace("</PublicKey>", "</PublicKeys>")
        response = {"status_code": status, "headers": HEADERS, "body": body.encode()}
        answer = Answer(lint, client.meta.service_model.operation_model(name), response)
        answer.check()
        faults = answer.faults
        is_found = any(expected in fault for fault in faults) if expected else not faults
        step(f"{name} {expected}", is_found=is_found, faults=faults)
    bare = {"status_code": 204, "headers": {}, "body": b""}
    answer = Answer(lint, client.meta.service_model.operation_model("DeletePublicKey"), bare)
    answer.check()
    step("no id", is_found=len(answer.faults) == 1, faults=answer.faults)


if __name__ == "__main__":
    main()
