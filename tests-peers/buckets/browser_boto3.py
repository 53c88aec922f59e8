#!/usr/bin/env python3
"""Makes a page that uploads into a bucket from a browser: by a presigned URL, and by a form with a policy.

Reads one line of JSON with the endpoint, keys and the site of the page; writes one line of JSON with the tags of what was
uploaded, if `part` is "tags".
"""

import html
import json
import sys

import boto3
from botocore.config import Config

BUCKET = "articles"
TAGS = "<Tagging><TagSet><Tag><Key>by</Key><Value>form</Value></Tag></TagSet></Tagging>"
PAGE = """<!doctype html>
<meta charset="utf-8">
<title>Upload</title>
<p id="put"></p>
<form method="post" enctype="multipart/form-data" action="%(action)s">
%(fields)s
<input type="file" name="file">
<button id="send">Send</button>
</form>
<script>
const put = document.querySelector("#put");
fetch(%(url)s, { method: "PUT", headers: { "Content-Type": "text/plain", "x-amz-meta-title": "a" }, body: "by script" })
  .then((answer) => { put.textContent = `put ${answer.status} ${answer.headers.get("ETag")}`; })
  .catch(() => { put.textContent = "put failed"; });
const files = new DataTransfer();
files.items.add(new File(["by form"], "p\u00edcture.txt", { type: "text/plain" }));
document.querySelector("[type=file]").files = files.files;
</script>
"""


def page(s3, site):
    """Returns the page, whose grants an operator has signed."""
    metadata = {"title": "a"}
    params = {"Bucket": BUCKET, "Key": "put/by-script.txt", "ContentType": "text/plain", "Metadata": metadata}
    url = s3.generate_presigned_url("put_object", Params=params, ExpiresIn=300)
    fields = {"success_action_redirect": f"{site}/done.html", "tagging": TAGS}
    conditions = [{name: value} for name, value in fields.items()] + [["content-length-range", 1, 100]]
    form = s3.generate_presigned_post(BUCKET, "forms/${filename}", Fields=fields, Conditions=conditions)
    hidden = [
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in form["fields"].items()
    ]
    return PAGE % {"action": form["url"], "fields": "\n".join(hidden), "url": json.dumps(url)}


def main():
    """Makes bucket, rules and pages, or says the tags."""
    given = json.loads(sys.stdin.readline())
    s3 = boto3.client(
        "s3",
        endpoint_url=given["buckets"],
        region_name="us-east-1",
        aws_access_key_id=given["access_key_id"],
        aws_secret_access_key=given["secret_access_key"],
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    if given["part"] == "tags":
        tags = s3.get_object_tagging(Bucket=BUCKET, Key="forms/p\u00edcture.txt")["TagSet"]
        title = s3.head_object(Bucket=BUCKET, Key="put/by-script.txt")["Metadata"]["title"]
        print(json.dumps({"tags": tags, "title": title}), flush=True)
        return
    s3.create_bucket(Bucket=BUCKET)
    rule = {
        "AllowedOrigins": [given["site"]],
        "AllowedMethods": ["PUT"],
        "AllowedHeaders": ["content-type", "x-amz-meta-*"],
        "ExposeHeaders": ["ETag"],
    }
    s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": [rule]})
    for name, text in (("upload.html", page(s3, given["site"])), ("done.html", "<p id=done>uploaded</p>")):
        s3.put_object(Bucket=BUCKET, Key=name, Body=text.encode(), ContentType="text/html")
    print(json.dumps({"made": True}), flush=True)


if __name__ == "__main__":
    main()
