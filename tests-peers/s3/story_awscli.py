#!/usr/bin/env python3
"""The AWS CLI copies folders, synchronizes and signs; arguments: its program."""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request

from story import check, settings

BUCKET = "story-awscli"


def main():
    given = settings()
    environment = {
        "PATH": os.environ["PATH"], "HOME": tempfile.mkdtemp(), "AWS_ACCESS_KEY_ID": given["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": given["secret_access_key"], "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_S3": given["endpoint"], "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": "",
    }

    def aws(*arguments):
        command = [sys.argv[1], *arguments]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True)
        if ran.returncode != 0:
            raise SystemExit(f"{arguments}: {ran.returncode}\n{ran.stdout}{ran.stderr}")
        return ran.stdout

    folder = tempfile.mkdtemp()
    for name in ["a.txt", "sub/b c.html", "sub/deep/é.bin"]:
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(name.encode() * 1000)
    with open(os.path.join(folder, "large"), "wb") as file:
        file.write(os.urandom(20 << 20))
    aws("s3", "mb", f"s3://{BUCKET}")
    aws("s3", "cp", "--recursive", folder, f"s3://{BUCKET}/copied/")
    back = tempfile.mkdtemp()
    aws("s3", "cp", "--recursive", f"s3://{BUCKET}/copied/", back)
    check("copied", subprocess.run(["diff", "-r", folder, back]).returncode, 0)
    check("nothing to synchronize", aws("s3", "sync", folder, f"s3://{BUCKET}/copied/"), "")
    os.remove(os.path.join(folder, "a.txt"))
    check("one deletion", "delete:" in aws("s3", "sync", "--delete", folder, f"s3://{BUCKET}/copied/"), True)
    listed = aws("s3", "ls", "--recursive", f"s3://{BUCKET}").splitlines()
    check("listed", len(listed), 3)
    aws("s3", "mv", f"s3://{BUCKET}/copied/large", f"s3://{BUCKET}/moved")
    url = aws("s3", "presign", f"s3://{BUCKET}/moved").strip()
    with urllib.request.urlopen(url) as answer:
        check("presigned", len(answer.read()), 20 << 20)
    head = json.loads(aws("s3api", "head-object", "--bucket", BUCKET, "--key", "moved"))
    check("s3api", head["ContentLength"], 20 << 20)
    aws("s3", "rb", "--force", f"s3://{BUCKET}")
    print("end")


main()
