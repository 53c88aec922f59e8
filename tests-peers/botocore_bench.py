#!/usr/bin/env python3
"""Signs links with botocore and cryptography for a while; prints links per second of CPU time.

Arguments: private key in PEM, `sha1` or `sha256`, seconds. The key is parsed once, before the clock starts.
"""

import datetime
import sys
import time

from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa


def main():
    key_file, hash_name, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    with open(key_file, "rb") as file:
        key = serialization.load_pem_private_key(file.read(), password=None)
    algorithm = hashes.SHA256() if hash_name == "sha256" else hashes.SHA1()
    if isinstance(key, rsa.RSAPrivateKey):
        scheme = padding.PKCS1v15()
        sign = lambda message: key.sign(message, scheme, algorithm)
    else:
        scheme = ec.ECDSA(algorithm)
        sign = lambda message: key.sign(message, scheme)
    signer = CloudFrontSigner("K2JCJMDEHXQW5F", sign)
    until = datetime.datetime.fromtimestamp(2_000_000_000, datetime.timezone.utc)
    count = 0
    started = time.process_time()
    while (spent := time.process_time() - started) < seconds:
        for _ in range(20):
            url = f"https://d111111abcdef8.cloudfront.net/videos/{count:08}.mp4"
            signer.generate_presigned_url(url, date_less_than=until)
            count += 1
    print(count / spent)


if __name__ == "__main__":
    main()
