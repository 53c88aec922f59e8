#!/usr/bin/env python3
"""Signs with botocore's CloudFrontSigner and cryptography. The contract is in README.md."""

import datetime
import json
import sys

from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

KEYS = {}


def private_key(path):
    """Each key is parsed once: cryptography checks RSA keys at length."""
    if path not in KEYS:
        with open(path, "rb") as file:
            KEYS[path] = serialization.load_pem_private_key(file.read(), password=None)
    return KEYS[path]


def signing_function(key, algorithm):
    """The function that CloudFrontSigner calls with the policy, as in botocore's own example."""
    if isinstance(key, rsa.RSAPrivateKey):
        return lambda message: key.sign(message, padding.PKCS1v15(), algorithm)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return lambda message: key.sign(message, ec.ECDSA(algorithm))
    raise ValueError("neither an RSA nor an EC key")


def moment(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)


def policy_of(signer, wish):
    """The text of a custom policy, or None when a canned one will do."""
    if wish.get("policy"):
        return wish["policy"]
    not_before = wish.get("not_before")
    if not_before is None and not wish.get("ip") and not wish.get("resource"):
        return None
    return signer.build_policy(
        wish.get("resource") or wish["url"],
        moment(wish["expires"]),
        date_greater_than=None if not_before is None else moment(not_before),
        ip_address=wish.get("ip"),
    )


def answer(wish):
    if wish.get("cookies"):
        return {"unsupported": "botocore makes no cookies"}
    if wish.get("hash", "SHA1") != "SHA1":
        return {"unsupported": "botocore writes no Hash-Algorithm"}
    key = private_key(wish["key_file"])
    signer = CloudFrontSigner(wish["key_pair_id"], signing_function(key, hashes.SHA1()))
    policy = policy_of(signer, wish)
    if policy is not None:
        return {"url": signer.generate_presigned_url(wish["url"], policy=policy)}
    url = signer.generate_presigned_url(wish["url"], date_less_than=moment(wish["expires"]))
    return {"url": url}


def main():
    for line in sys.stdin:
        if not line.strip():
            continue
        try:
            result = answer(json.loads(line))
        except Exception as error:  # Whatever the signer raised is its answer.
            result = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
