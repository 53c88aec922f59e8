#!/usr/bin/env python3
"""s3cmd and rclone, as Debian has them, put, check, synchronize and delete. Arguments: their programs."""

import os
import subprocess
import sys
import tempfile
import urllib.parse

from story import check, settings

BUCKET = "story-tools"


def run(command, environment):
    """Runs a command; returns what it prints."""
    ran = subprocess.run(command, env=environment, capture_output=True, text=True)
    if ran.returncode != 0:
        raise SystemExit(f"{command}: {ran.returncode}\n{ran.stdout}{ran.stderr}")
    return ran.stdout


def main():
    given = settings()
    folder = tempfile.mkdtemp()
    for name in ["a.txt", "sub/b c.html", "sub/deep/é.bin"]:
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(name.encode() * 1000)
    with open(os.path.join(folder, "large"), "wb") as file:
        file.write(os.urandom(40 << 20))
    environment = {"PATH": os.environ["PATH"], "HOME": tempfile.mkdtemp(), "LANG": "C.UTF-8"}
    host = urllib.parse.urlsplit(given["endpoint"]).netloc
    s3cmd = [sys.argv[1], "--config=/dev/null", f'--access_key={given["access_key_id"]}',
             f'--secret_key={given["secret_access_key"]}', f"--host={host}", f"--host-bucket={host}", "--no-ssl",
             "--no-progress", "--quiet"]
    run([*s3cmd, "mb", f"s3://{BUCKET}"], environment)
    run([*s3cmd, "sync", f"{folder}/", f"s3://{BUCKET}/s3cmd/"], environment)
    back = tempfile.mkdtemp()
    run([*s3cmd, "sync", f"s3://{BUCKET}/s3cmd/", f"{back}/"], environment)
    check("s3cmd", subprocess.run(["diff", "-r", folder, back]).returncode, 0)
    run([*s3cmd, "info", f"s3://{BUCKET}/s3cmd/a.txt"], environment)
    run([*s3cmd, "info", f"s3://{BUCKET}"], environment)
    run([*s3cmd, "cp", f"s3://{BUCKET}/s3cmd/a.txt", f"s3://{BUCKET}/copy"], environment)
    run([*s3cmd, "rm", "--recursive", "--force", f"s3://{BUCKET}/s3cmd/"], environment)
    environment |= {
        "RCLONE_CONFIG": "/dev/null", "RCLONE_CONFIG_P_TYPE": "s3", "RCLONE_CONFIG_P_PROVIDER": "Other",
        "RCLONE_CONFIG_P_ACCESS_KEY_ID": given["access_key_id"],
        "RCLONE_CONFIG_P_SECRET_ACCESS_KEY": given["secret_access_key"],
        "RCLONE_CONFIG_P_ENDPOINT": given["endpoint"], "RCLONE_CONFIG_P_REGION": "us-east-1",
    }
    rclone = [sys.argv[2], "--retries=1"]
    run([*rclone, "sync", folder, f"p:{BUCKET}/rclone"], environment)
    run([*rclone, "check", folder, f"p:{BUCKET}/rclone"], environment)
    run([*rclone, "check", "--download", folder, f"p:{BUCKET}/rclone"], environment)
    listed = run([*rclone, "lsf", "-R", "--files-only", f"p:{BUCKET}/rclone"], environment).splitlines()
    check("rclone", len(listed), 4)
    run([*rclone, "moveto", f"p:{BUCKET}/rclone/large", f"p:{BUCKET}/moved"], environment)
    run([*rclone, "purge", f"p:{BUCKET}"], environment)
    check("no buckets", BUCKET in run([*s3cmd, "ls"], environment), False)
    print("end")


main()
