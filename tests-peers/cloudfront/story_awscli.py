#!/usr/bin/env python3
"""The AWS CLI operates an edge, with the command lines that people type: short cuts, waiters, pages and `sign`.

Streaming distributions are made in the version 2014-05-31, which the configuration file of the CLI asks for.
"""

import copy
import json
import os
import re
import subprocess
import sys
import tempfile
import time

from story import at_first_poll, open_url, settings, step, until

OLD_CONFIG = """
[default]
api_versions =
    cloudfront = 2014-05-31
"""
LINK_LIFE_SECONDS = 3600


class Cli:
    """The command line of a user whose environment names endpoint, region and key."""

    def __init__(self, given, folder):
        self.folder = folder
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            "AWS_ENDPOINT_URL_CLOUDFRONT": given["endpoint"],
            "AWS_DEFAULT_REGION": given["region"],
            "AWS_ACCESS_KEY_ID": given["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": given["secret_access_key"],
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def of_old_version(self):
        """Returns a command line whose configuration file asks for the version 2014-05-31."""
        other = copy.copy(self)
        config = self.file("aws.ini", OLD_CONFIG)
        other.environment = {**self.environment, "AWS_CONFIG_FILE": config}
        return other

    def file(self, name, text):
        """Writes a file; returns its path."""
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def json_file(self, name, value):
        """Writes a JSON file; returns the argument that names it."""
        return "file://" + self.file(name, json.dumps(value))

    def run(self, *arguments):
        """Runs `aws cloudfront`; returns status, standard output and standard error."""
        command = [sys.executable, "-m", "awscli", "cloudfront", *arguments]
        ran = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        return ran.returncode, ran.stdout, ran.stderr

    def text(self, *arguments):
        """Runs a command that has to succeed; returns its output."""
        status, output, errors = self.run(*arguments)
        if status != 0:
            raise SystemExit(f"aws cloudfront {' '.join(arguments)}: {status} {errors}")
        return output.strip()

    def call(self, *arguments):
        """Runs a command that has to succeed; returns its answer."""
        output = self.text(*arguments, "--output", "json")
        return json.loads(output) if output else None

    def refused(self, name, *arguments):
        """Prints the error that a command ends with."""
        status, output, errors = self.run(*arguments)
        code = re.search(r"\((\w+)\)", errors)
        step(name, status=status, code=code and code.group(1), output=output)


def main():
    given = settings()
    with tempfile.TemporaryDirectory() as folder:
        cli = Cli(given, folder)
        identity = "origin-access-identity/cloudfront/" + make_identity(cli)
        key, group = make_keys(cli, given)
        distribution = make_distribution(cli, given, identity, group)
        changes(cli, distribution)
        views(cli, given, distribution, key)
        invalidates(cli, distribution["Id"])
        tags(cli, distribution)
        short_cuts(cli, given, distribution["Id"])
        streams(cli, given, identity)
        ends(cli, distribution["Id"], group, key, identity.rsplit("/", 1)[1])


def make_identity(cli):
    made = cli.call(
        "create-cloud-front-origin-access-identity",
        "--cloud-front-origin-access-identity-config",
        "CallerReference=cli,Comment=cli",
    )
    step("identity", location=made["Location"], etag=len(made["ETag"]))
    return made["CloudFrontOriginAccessIdentity"]["Id"]


def make_keys(cli, given):
    with open(given["public_key"], encoding="ascii") as file:
        pem = file.read()
    config = {"CallerReference": "cli", "Name": "cli-key", "EncodedKey": pem}
    key = cli.call("create-public-key", "--public-key-config", json.dumps(config))
    key = key["PublicKey"]["Id"]
    group = cli.call("create-key-group", "--key-group-config", f"Name=cli-group,Items={key}")
    group = group["KeyGroup"]["Id"]
    listed = cli.text(
        "list-key-groups", "--query", "KeyGroupList.Items[].KeyGroup.Id", "--output", "text"
    )
    step("keys", listed=listed == group)
    return key, group


def make_distribution(cli, given, identity, group):
    forwarded = {"QueryString": False, "Cookies": {"Forward": "none"}}
    config = {
        "CallerReference": "cli",
        "Comment": "cli",
        "Enabled": True,
        "Origins": {
            "Quantity": 1,
            "Items": [
                {
                    "Id": "bucket",
                    "DomainName": given["bucket_host"],
                    "S3OriginConfig": {"OriginAccessIdentity": identity},
                }
            ],
        },
        "DefaultCacheBehavior": {
            "TargetOriginId": "bucket",
            "ForwardedValues": forwarded,
            "MinTTL": 0,
            "TrustedKeyGroups": {"Enabled": True, "Quantity": 1, "Items": [group]},
            "ViewerProtocolPolicy": "allow-all",
        },
    }
    file = cli.json_file("distribution.json", config)
    made = cli.call("create-distribution", "--distribution-config", file)
    distribution = made["Distribution"]
    until_deployed(cli, "distribution", distribution["Id"])
    wait = lambda: cli.text("wait", "distribution-deployed", "--id", distribution["Id"])
    step("distribution", status=distribution["Status"], at_first_poll=at_first_poll(wait))
    cli.refused("known reference", "create-distribution", "--distribution-config", file)
    return distribution


def until_deployed(cli, kind, id):
    query = ["--query", "*.Status | [0]", "--output", "text"]
    status = lambda: cli.text(f"get-{kind}", "--id", id, *query)
    until("Deployed", lambda: status() == "Deployed")


def changes(cli, distribution):
    id = distribution["Id"]
    read = cli.call("get-distribution-config", "--id", id)
    config = cli.json_file("changed.json", dict(read["DistributionConfig"], Comment="changed"))
    update = ["update-distribution", "--id", id, "--distribution-config", config, "--if-match"]
    changed = cli.call(*update, read["ETag"])
    step("update", comment=changed["Distribution"]["DistributionConfig"]["Comment"])
    cli.refused("stale update", *update, read["ETag"])
    cli.refused("update without If-Match", *update[:-1])
    cli.refused("no such distribution", "get-distribution", "--id", "ENOSUCHONE0000")
    until_deployed(cli, "distribution", id)


def views(cli, given, distribution, key):
    url = f"http://{distribution['DomainName']}/private.txt"
    refused = open_url(given["edge"], url)
    # By default the CLI takes a date for one of its own time zone; seconds since 1970 it takes as they are.
    ends = str(int(time.time()) + LINK_LIFE_SECONDS)
    key_file = "file://" + given["private_key"]
    link = cli.text(
        *("sign", "--url", url, "--key-pair-id", key, "--private-key", key_file),
        *("--date-less-than", ends),
    )
    step("viewers", refused=refused[0], opened=open_url(given["edge"], link))


def invalidates(cli, id):
    made = cli.call("create-invalidation", "--distribution-id", id, "--paths", "/a", "/b/*")
    invalidation = made["Invalidation"]["Id"]
    key = ["--distribution-id", id, "--id", invalidation]
    query = ["--query", "Invalidation.Status", "--output", "text"]
    is_done = lambda: cli.text("get-invalidation", *key, *query) == "Completed"
    until("Completed", is_done)
    wait = lambda: cli.text("wait", "invalidation-completed", *key)
    listed = cli.call("list-invalidations", "--distribution-id", id)["InvalidationList"]
    step(
        "invalidation",
        at_first_poll=at_first_poll(wait),
        listed=[one["Id"] == invalidation for one in listed["Items"]],
    )


def tags(cli, distribution):
    resource = ["--resource", distribution["ARN"]]
    cli.text("tag-resource", *resource, "--tags", "Items=[{Key=a,Value=1},{Key=b,Value=2}]")
    cli.text("untag-resource", *resource, "--tag-keys", "Items=a")
    read = cli.call("list-tags-for-resource", *resource)
    step("tags", tags=read["Tags"]["Items"])


def short_cuts(cli, given, first):
    """What the CLI makes of options that are no parameters of the API, and its pages."""
    made = cli.call(
        *("create-distribution", "--origin-domain-name", given["bucket_host"]),
        *("--default-root-object", "index.html"),
    )
    id = made["Distribution"]["Id"]
    changed = cli.call("update-distribution", "--id", id, "--default-root-object", "private.txt")
    root = changed["Distribution"]["DistributionConfig"]["DefaultRootObject"]
    query = ["--query", "DistributionList.Items[].Id", "--output", "json"]
    pages = cli.call("list-distributions", "--page-size", "1", *query)
    one = cli.call("list-distributions", "--max-items", "1", *query)
    step("short cuts", root=root, pages=sorted(pages) == sorted([first, id]), one=len(one))
    disable_and_delete(cli, id)


def streams(cli, given, identity):
    config = {
        "CallerReference": "cli",
        "S3Origin": {"DomainName": given["bucket_host"], "OriginAccessIdentity": identity},
        "Aliases": {"Quantity": 0},
        "Comment": "films",
        "Logging": {"Enabled": False, "Bucket": "", "Prefix": ""},
        "TrustedSigners": {"Enabled": True, "Quantity": 1, "Items": ["self"]},
        "PriceClass": "PriceClass_All",
        "Enabled": False,
    }
    new, cli = cli, cli.of_old_version()
    create = ["create-streaming-distribution", "--streaming-distribution-config"]
    made = cli.call(*create, json.dumps(config))
    streaming = made["StreamingDistribution"]
    until_deployed(cli, "streaming-distribution", streaming["Id"])
    wait = ["wait", "streaming-distribution-deployed", "--id", streaming["Id"]]
    listed = cli.call("list-streaming-distributions")["StreamingDistributionList"]
    read = new.call("get-streaming-distribution", "--id", streaming["Id"])
    step(
        "streaming",
        has_arn=["ARN" in streaming, "ARN" in read["StreamingDistribution"]],
        location="/2014-05-31/" in made["Location"],
        at_first_poll=at_first_poll(lambda: cli.text(*wait)),
        listed=[one["Id"] == streaming["Id"] for one in listed["Items"]],
    )
    delete = ["delete-streaming-distribution", "--id", streaming["Id"]]
    cli.text(*delete, "--if-match", read["ETag"])


def disable_and_delete(cli, id):
    read = cli.call("get-distribution-config", "--id", id)
    cli.refused("enabled", "delete-distribution", "--id", id, "--if-match", read["ETag"])
    config = cli.json_file("disabled.json", dict(read["DistributionConfig"], Enabled=False))
    update = ["update-distribution", "--id", id, "--distribution-config", config]
    changed = cli.call(*update, "--if-match", read["ETag"])
    until_deployed(cli, "distribution", id)
    cli.text("delete-distribution", "--id", id, "--if-match", changed["ETag"])


def ends(cli, distribution, group, key, identity):
    etag = lambda command, id: cli.text(command, "--id", id, "--query", "ETag", "--output", "text")
    group_etag = etag("get-key-group", group)
    delete_group = ["delete-key-group", "--id", group, "--if-match", group_etag]
    cli.refused("group in use", *delete_group)
    disable_and_delete(cli, distribution)
    cli.text(*delete_group)
    cli.text("delete-public-key", "--id", key, "--if-match", etag("get-public-key", key))
    get = "get-cloud-front-origin-access-identity"
    delete = ["delete-cloud-front-origin-access-identity", "--id", identity]
    cli.text(*delete, "--if-match", etag(get, identity))
    cli.refused("no such identity", get, "--id", identity)
    # The CLI puts pages together, and drops what each of them said of its number.
    count = ["--query", "length(DistributionList.Items || `[]`)", "--output", "text"]
    step("end", distributions=cli.text("list-distributions", *count))


if __name__ == "__main__":
    main()
