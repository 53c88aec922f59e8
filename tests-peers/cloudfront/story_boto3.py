#!/usr/bin/env python3
"""boto3 operates an edge from its first identity to its last deletion. Argument: the version of CloudFront's API.

`2014-05-31` is the version of RTMP and of trusted signers, `2020-05-31` that of access controls and key groups.
"""

import datetime
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from lint import Lint
from story import at_first_poll, open_url, settings, step, until

# Managed-CachingDisabled, by the id that it has everywhere.
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
LINK_LIFE = datetime.timedelta(hours=1)


class Story:
    """One run through the API, in one version of it."""

    def __init__(self, given, version):
        self.given = given
        self.version = version
        self.is_new = version >= "2020"
        self.client = boto3.client(
            "cloudfront",
            api_version=version,
            endpoint_url=given["endpoint"],
            region_name=given["region"],
            aws_access_key_id=given["access_key_id"],
            aws_secret_access_key=given["secret_access_key"],
            config=Config(retries={"mode": "standard", "max_attempts": 3}),
        )
        self.lint = Lint(self.client)

    def run(self):
        """Runs all steps."""
        self.identity()
        if self.is_new:
            self.access_control()
            self.keys()
        self.distribution()
        self.deployed()
        self.stale_updates()
        self.lists()
        if self.is_new:
            self.tags()
        self.viewers()
        self.used()
        self.invalidation()
        self.streaming()
        self.ends()
        self.gone()

    def refused(self, name, call, **arguments):
        """Prints the typed exception that a call ends with."""
        try:
            call(**arguments)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            typed = getattr(self.client.exceptions, code, None)
            step(
                name,
                code=code,
                status=error.response["ResponseMetadata"]["HTTPStatusCode"],
                is_typed=typed is not None and isinstance(error, typed),
                has_request_id=bool(error.response["ResponseMetadata"].get("RequestId")),
            )
        else:
            raise SystemExit(f"{name}: {call.__name__} was not refused")

    def identity(self):
        config = {"CallerReference": "story-identity", "Comment": "of the story"}
        create = self.client.create_cloud_front_origin_access_identity
        made = create(CloudFrontOriginAccessIdentityConfig=config)
        self.identity_id = made["CloudFrontOriginAccessIdentity"]["Id"]
        again = create(CloudFrontOriginAccessIdentityConfig=config)
        step(
            "identity",
            status=made["ResponseMetadata"]["HTTPStatusCode"],
            location=made["Location"].endswith(
                f"/{self.version}/origin-access-identity/cloudfront/{self.identity_id}"
            ),
            etag=bool(made["ETag"]),
            canonical_user=len(made["CloudFrontOriginAccessIdentity"]["S3CanonicalUserId"]),
            same_again=again["CloudFrontOriginAccessIdentity"]["Id"] == self.identity_id,
        )
        self.refused(
            "identity with a known reference and another comment",
            create,
            CloudFrontOriginAccessIdentityConfig={**config, "Comment": "another"},
        )
        read = self.client.get_cloud_front_origin_access_identity_config(Id=self.identity_id)
        renamed = {**read["CloudFrontOriginAccessIdentityConfig"], "Comment": "renamed"}
        updated = self.client.update_cloud_front_origin_access_identity(
            Id=self.identity_id, IfMatch=read["ETag"], CloudFrontOriginAccessIdentityConfig=renamed
        )
        listed = self.client.list_cloud_front_origin_access_identities()
        items = listed["CloudFrontOriginAccessIdentityList"]["Items"]
        step(
            "identity renamed",
            moved=updated["ETag"] != read["ETag"],
            comments=[item["Comment"] for item in items],
        )

    def access_control(self):
        config = {
            "Name": "story-control",
            "Description": "of the story",
            "OriginAccessControlOriginType": "s3",
            "SigningBehavior": "always",
            "SigningProtocol": "sigv4",
        }
        made = self.client.create_origin_access_control(OriginAccessControlConfig=config)
        self.control_id = made["OriginAccessControl"]["Id"]
        read = self.client.get_origin_access_control(Id=self.control_id)
        listed = self.client.list_origin_access_controls()["OriginAccessControlList"]
        step(
            "access control",
            same=read["OriginAccessControl"]["OriginAccessControlConfig"] == config,
            listed=[item["Id"] == self.control_id for item in listed["Items"]],
        )
        self.refused(
            "access control with a known name",
            self.client.create_origin_access_control,
            OriginAccessControlConfig={**config, "Description": "another"},
        )

    def keys(self):
        with open(self.given["public_key"], encoding="ascii") as file:
            pem = file.read()
        config = {"CallerReference": "story-key", "Name": "story-key", "EncodedKey": pem}
        made = self.client.create_public_key(PublicKeyConfig={**config, "Comment": "of the story"})
        self.key_id = made["PublicKey"]["Id"]
        read = self.client.get_public_key_config(Id=self.key_id)
        step(
            "public key",
            id_length=len(self.key_id),
            same_pem=read["PublicKeyConfig"]["EncodedKey"] == pem,
        )
        self.refused(
            "public key with a changed PEM",
            self.client.update_public_key,
            Id=self.key_id,
            IfMatch=read["ETag"],
            PublicKeyConfig={**read["PublicKeyConfig"], "EncodedKey": pem.rstrip("\n")},
        )
        group = self.client.create_key_group(
            KeyGroupConfig={"Name": "story-group", "Items": [self.key_id]}
        )
        self.group_id = group["KeyGroup"]["Id"]
        listed = self.client.list_key_groups()["KeyGroupList"]
        step(
            "key group",
            listed=[item["KeyGroup"]["Id"] == self.group_id for item in listed["Items"]],
        )
        self.refused(
            "key group of an unknown key",
            self.client.create_key_group,
            KeyGroupConfig={"Name": "another", "Items": ["KNOSUCHKEY0000"]},
        )

    def config(self):
        """Returns the configuration of the distribution: an open server by default, and a private bucket at private*."""
        cached = {"Forward": "none"}
        forwarded = {"QueryString": False, "Cookies": cached}
        no_signers = {"Enabled": False, "Quantity": 0}
        bucket = {
            "Id": "bucket",
            "DomainName": self.given["bucket_host"],
            "S3OriginConfig": {
                "OriginAccessIdentity": f"origin-access-identity/cloudfront/{self.identity_id}"
            },
        }
        server = {
            "Id": "server",
            "DomainName": "localhost",
            "CustomOriginConfig": {
                "HTTPPort": self.given["origin_port"],
                "HTTPSPort": 443,
                "OriginProtocolPolicy": "http-only",
            },
        }
        default = {
            "TargetOriginId": "server",
            "ForwardedValues": forwarded,
            "TrustedSigners": no_signers,
            "ViewerProtocolPolicy": "allow-all",
            "MinTTL": 0,
        }
        private = {
            "PathPattern": "private*",
            "TargetOriginId": "bucket",
            "ForwardedValues": forwarded,
            "TrustedSigners": {"Enabled": True, "Quantity": 1, "Items": ["self"]},
            "ViewerProtocolPolicy": "allow-all",
            "MinTTL": 0,
        }
        origins = [server, bucket]
        if self.is_new:
            controlled = {
                "Id": "controlled",
                "DomainName": self.given["bucket_host"],
                "OriginAccessControlId": self.control_id,
                "S3OriginConfig": {"OriginAccessIdentity": ""},
            }
            origins.append(controlled)
            private = {
                "PathPattern": "private*",
                "TargetOriginId": "controlled",
                "CachePolicyId": CACHING_DISABLED,
                "TrustedKeyGroups": {"Enabled": True, "Quantity": 1, "Items": [self.group_id]},
                "ViewerProtocolPolicy": "allow-all",
            }
        return {
            "CallerReference": "story-distribution",
            "Aliases": {"Quantity": 1, "Items": ["story.example.com"]},
            "DefaultRootObject": "",
            "Origins": {"Quantity": len(origins), "Items": origins},
            "DefaultCacheBehavior": default,
            "CacheBehaviors": {"Quantity": 1, "Items": [private]},
            "Comment": "of the story",
            "Logging": {
                "Enabled": True,
                "IncludeCookies": False,
                "Bucket": "logs.s3.amazonaws.com",
                "Prefix": "web/",
            },
            "PriceClass": "PriceClass_100",
            "Enabled": True,
        }

    def distribution(self):
        config = self.config()
        if self.is_new:
            tags = {"Items": [{"Key": "story", "Value": "boto3"}]}
            made = self.client.create_distribution_with_tags(
                DistributionConfigWithTags={"DistributionConfig": config, "Tags": tags}
            )
        else:
            made = self.client.create_distribution(DistributionConfig=config)
        distribution = made["Distribution"]
        self.id = distribution["Id"]
        self.host = distribution["DomainName"]
        shown = distribution["DistributionConfig"]
        step(
            "distribution",
            status=distribution["Status"],
            domain_name=self.host,
            kept=[name for name in config if covers(shown[name], config[name])] == list(config),
            signers=distribution["ActiveTrustedSigners"],
        )
        wrong = dict(config, CallerReference="story-wrong", Aliases={"Quantity": 0})
        wrong["DefaultCacheBehavior"] = {**wrong["DefaultCacheBehavior"], "TargetOriginId": "none"}
        create = self.client.create_distribution
        self.refused("distribution of an unknown origin", create, DistributionConfig=wrong)
        again = dict(config, Comment="another")
        self.refused("distribution with a known reference", create, DistributionConfig=again)
        taken = dict(config, CallerReference="story-taken")
        self.refused("distribution with a known host name", create, DistributionConfig=taken)

    def status(self):
        return self.client.get_distribution(Id=self.id)["Distribution"]["Status"]

    def deployed(self):
        until("Deployed", lambda: self.status() == "Deployed")
        waiter = self.client.get_waiter("distribution_deployed")
        step("deployed", at_first_poll=at_first_poll(lambda: waiter.wait(Id=self.id)))

    def stale_updates(self):
        first = self.client.get_distribution_config(Id=self.id)
        config = first["DistributionConfig"]
        update = self.client.update_distribution
        changed = dict(config, Comment="changed")
        second = update(Id=self.id, IfMatch=first["ETag"], DistributionConfig=changed)
        step("update", status=second["Distribution"]["Status"], moved=second["ETag"] != first["ETag"])
        stale = dict(Id=self.id, IfMatch=first["ETag"], DistributionConfig=config)
        self.refused("stale update", update, **stale)
        self.refused("update without If-Match", update, Id=self.id, DistributionConfig=config)
        renamed = dict(changed, CallerReference="another")
        self.refused(
            "update of the reference",
            update,
            Id=self.id,
            IfMatch=second["ETag"],
            DistributionConfig=renamed,
        )
        read = self.client.get_distribution_config(Id=self.id)
        step("read again", same=read["DistributionConfig"] == changed)
        until("Deployed", lambda: self.status() == "Deployed")

    def lists(self):
        items = self.client.list_distributions()["DistributionList"]["Items"]
        page = self.client.list_distributions(Marker=self.id)["DistributionList"]
        step(
            "list",
            ids=[item["Id"] == self.id for item in items],
            comments=[item["Comment"] for item in items],
            after=page["Quantity"],
        )

    def tags(self):
        arn = self.client.get_distribution(Id=self.id)["Distribution"]["ARN"]
        self.client.tag_resource(Resource=arn, Tags={"Items": [{"Key": "more", "Value": "1"}]})
        self.client.untag_resource(Resource=arn, TagKeys={"Items": ["story"]})
        read = self.client.list_tags_for_resource(Resource=arn)
        step("tags", tags=read["Tags"]["Items"])
        self.refused("tags of nothing", self.client.list_tags_for_resource, Resource=arn + "NO")

    def viewers(self):
        edge = self.given["edge"]
        open_status, open_text = open_url(edge, f"http://{self.host}/open.txt")
        private = f"http://{self.host}/private.txt"
        refused_status, refused_text = open_url(edge, private)
        key_pair_id = self.key_id if self.is_new else self.given["key_pair_id"]
        signer = CloudFrontSigner(key_pair_id, self.sign)
        ends = datetime.datetime.now(datetime.timezone.utc) + LINK_LIFE
        link = signer.generate_presigned_url(private, date_less_than=ends)
        status, text = open_url(edge, link)
        step(
            "viewers",
            open=[open_status, open_text],
            refused=[refused_status, "<Code>MissingKey</Code>" in refused_text],
            opened=[status, text],
        )

    def sign(self, message):
        with open(self.given["private_key"], "rb") as file:
            key = serialization.load_pem_private_key(file.read(), None)
        return key.sign(message, padding.PKCS1v15(), hashes.SHA1())

    def used(self):
        client = self.client
        refuse = self.delete_refused
        refuse(
            "identity in use",
            client.get_cloud_front_origin_access_identity,
            client.delete_cloud_front_origin_access_identity,
            self.identity_id,
        )
        if self.is_new:
            refuse(
                "access control in use",
                client.get_origin_access_control,
                client.delete_origin_access_control,
                self.control_id,
            )
            refuse("key in use", client.get_public_key, client.delete_public_key, self.key_id)
            refuse("group in use", client.get_key_group, client.delete_key_group, self.group_id)
            found = client.list_distributions_by_key_group(KeyGroupId=self.group_id)
            ids = found["DistributionIdList"]["Items"]
            step("distributions of the group", ids=[one == self.id for one in ids])
        refuse("enabled", client.get_distribution, client.delete_distribution, self.id)

    def delete_refused(self, name, get, delete, id):
        etag = get(Id=id)["ETag"]
        self.refused(name, delete, Id=id, IfMatch=etag)

    def invalidation(self):
        batch = {
            "Paths": {"Quantity": 2, "Items": ["/open.txt", "/images/*"]},
            "CallerReference": "story-invalidation",
        }
        made = self.client.create_invalidation(DistributionId=self.id, InvalidationBatch=batch)
        id = made["Invalidation"]["Id"]
        key = dict(DistributionId=self.id, Id=id)
        read = self.client.get_invalidation
        until("Completed", lambda: read(**key)["Invalidation"]["Status"] == "Completed")
        waiter = self.client.get_waiter("invalidation_completed")
        again = self.client.create_invalidation(DistributionId=self.id, InvalidationBatch=batch)
        listed = self.client.list_invalidations(DistributionId=self.id)["InvalidationList"]
        step(
            "invalidation",
            at_first_poll=at_first_poll(lambda: waiter.wait(**key)),
            same_again=again["Invalidation"]["Id"] == id,
            kept=read(**key)["Invalidation"]["InvalidationBatch"] == batch,
            listed=[item["Id"] == id for item in listed["Items"]],
        )
        wrong = dict(key, Id="INOSUCHONE0000")
        self.refused("no such invalidation", read, **wrong)

    def streaming(self):
        config = {
            "CallerReference": "story-streaming",
            "S3Origin": {
                "DomainName": self.given["bucket_host"],
                "OriginAccessIdentity": f"origin-access-identity/cloudfront/{self.identity_id}",
            },
            "Aliases": {"Quantity": 0},
            "Comment": "films",
            "Logging": {"Enabled": True, "Bucket": "logs.s3.amazonaws.com", "Prefix": "rtmp/"},
            "TrustedSigners": {"Enabled": True, "Quantity": 1, "Items": ["self"]},
            "PriceClass": "PriceClass_All",
            "Enabled": True,
        }
        client = self.client
        made = client.create_streaming_distribution(StreamingDistributionConfig=config)
        id = made["StreamingDistribution"]["Id"]

        def is_deployed():
            read = client.get_streaming_distribution(Id=id)
            return read["StreamingDistribution"]["Status"] == "Deployed"

        until("Deployed", is_deployed)
        waiter = client.get_waiter("streaming_distribution_deployed")
        first_poll = at_first_poll(lambda: waiter.wait(Id=id))
        read = client.get_streaming_distribution(Id=id)
        shown = read["StreamingDistribution"]["StreamingDistributionConfig"]
        listed = client.list_streaming_distributions()["StreamingDistributionList"]
        step(
            "streaming",
            status=made["StreamingDistribution"]["Status"],
            at_first_poll=first_poll,
            kept=covers(shown, config),
            signers=read["StreamingDistribution"]["ActiveTrustedSigners"]["Items"],
            listed=[item["Id"] == id for item in listed["Items"]],
        )
        delete = client.delete_streaming_distribution
        self.refused("streaming enabled", delete, Id=id, IfMatch=read["ETag"])
        current = client.get_streaming_distribution_config(Id=id)
        disabled = dict(current["StreamingDistributionConfig"], Enabled=False)
        client.update_streaming_distribution(
            Id=id, IfMatch=current["ETag"], StreamingDistributionConfig=disabled
        )
        until("Deployed", is_deployed)
        delete(Id=id, IfMatch=client.get_streaming_distribution(Id=id)["ETag"])
        self.refused("no such streaming distribution", client.get_streaming_distribution, Id=id)

    def ends(self):
        client = self.client
        current = client.get_distribution_config(Id=self.id)
        disabled = dict(current["DistributionConfig"], Enabled=False)
        updated = client.update_distribution(
            Id=self.id, IfMatch=current["ETag"], DistributionConfig=disabled
        )
        until("Deployed", lambda: self.status() == "Deployed")
        client.get_waiter("distribution_deployed").wait(Id=self.id)
        status, _ = open_url(self.given["edge"], f"http://{self.host}/open.txt")
        client.delete_distribution(Id=self.id, IfMatch=updated["ETag"])
        step("deleted", viewer=status)
        self.refused("no such distribution", client.get_distribution, Id=self.id)
        if self.is_new:
            client.delete_key_group(
                Id=self.group_id, IfMatch=client.get_key_group(Id=self.group_id)["ETag"]
            )
            client.delete_public_key(
                Id=self.key_id, IfMatch=client.get_public_key(Id=self.key_id)["ETag"]
            )
            client.delete_origin_access_control(
                Id=self.control_id,
                IfMatch=client.get_origin_access_control(Id=self.control_id)["ETag"],
            )
        identity = client.get_cloud_front_origin_access_identity(Id=self.identity_id)
        client.delete_cloud_front_origin_access_identity(
            Id=self.identity_id, IfMatch=identity["ETag"]
        )

    def gone(self):
        client = self.client
        if self.is_new:
            self.refused("no such key", client.get_public_key, Id=self.key_id)
            self.refused("no such group", client.get_key_group, Id=self.group_id)
            self.refused(
                "no such access control", client.get_origin_access_control, Id=self.control_id
            )
        self.refused(
            "no such identity",
            client.get_cloud_front_origin_access_identity,
            Id=self.identity_id,
        )
        left = client.list_distributions()["DistributionList"]
        step("end", distributions=left["Quantity"])
        step("answers", faults=self.lint.faults)


def covers(shown, sent):
    """Returns true if everything that was sent is in what is shown, which may have more."""
    match sent:
        case dict():
            return all(name in shown and covers(shown[name], sent[name]) for name in sent)
        case list():
            return len(shown) == len(sent) and all(map(covers, shown, sent))
    return shown == sent


if __name__ == "__main__":
    Story(settings(), sys.argv[1]).run()
