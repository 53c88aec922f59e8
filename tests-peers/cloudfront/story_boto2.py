#!/usr/bin/env python3
"""boto 2 operates an edge from its first identity to its last deletion, in the version 2010-11-01 of CloudFront's API.

It needs TLS and Python before 3.12. Its own `create_signed_url` works in Python 2 alone, so botocore signs the link.
Settings besides the usual ones: `ca`, the file of the certificate that the endpoint is trusted by.
"""

import datetime
import os
import urllib.parse

from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from boto.cloudfront import CloudFrontConnection
from boto.cloudfront.exception import CloudFrontServerError
from boto.cloudfront.logging import LoggingInfo
from boto.cloudfront.origin import CustomOrigin, S3Origin
from boto.cloudfront.signers import TrustedSigners

from story import open_url, settings, step, until

LINK_LIFE = datetime.timedelta(hours=1)
ALIAS = "www.boto2.example"


class Story:
    """One run through the API."""

    def __init__(self, given):
        self.given = given
        # The library's own check takes no address for a name. Without it Python 3 makes one, which this names a file to.
        os.environ["SSL_CERT_FILE"] = given["ca"]
        endpoint = urllib.parse.urlsplit(given["endpoint"])
        self.connect = lambda secret: CloudFrontConnection(
            given["access_key_id"],
            secret,
            host=endpoint.hostname,
            port=endpoint.port,
            validate_certs=False,
        )
        self.client = self.connect(given["secret_access_key"])

    def run(self):
        """Runs all steps."""
        self.refused("wrong secret", self.connect("wrong").get_all_distributions)
        self.identity()
        self.distribution()
        self.logging()
        self.lists()
        self.viewers()
        self.signers()
        self.origin()
        self.invalidation()
        self.streaming()
        self.ends()

    def refused(self, name, call, *arguments):
        """Prints the error that a call ends with."""
        try:
            call(*arguments)
        except CloudFrontServerError as error:
            step(name, status=error.status, code=error.error_code)
        else:
            raise SystemExit(f"{name} was not refused")

    def identity(self):
        client = self.client
        made = client.create_origin_access_identity(comment="of the story")
        self.identity_id = made.id
        read = client.get_origin_access_identity_info(made.id)
        config = client.get_origin_access_identity_config(made.id)
        listed = client.get_all_origin_access_identity()
        step(
            "identity",
            canonical_user=len(made.s3_user_id),
            etag=made.etag == read.etag == config.etag,
            comments=[read.config.comment, config.comment],
            reference=config.caller_reference == made.config.caller_reference,
            listed=[one.id == made.id for one in listed],
        )

    def bucket(self):
        identity = f"origin-access-identity/cloudfront/{self.identity_id}"
        return S3Origin(self.given["bucket_host"], identity)

    def distribution(self):
        client = self.client
        made = client.create_distribution(
            self.bucket(), True, cnames=[ALIAS], comment="of the story", trusted_signers=["Self"]
        )
        self.id = made.id
        self.host = made.domain_name
        read = client.get_distribution_info(made.id)
        step(
            "distribution",
            status=made.status,
            domain_name=made.domain_name,
            origin=[read.config.origin.dns_name, read.config.origin.origin_access_identity],
            names=read.config.cnames,
            signers=list(read.config.trusted_signers),
            active=[[signer.id, signer.key_pair_ids] for signer in read.active_signers],
            running=read.in_progress_invalidation_batches,
        )
        self.until_deployed()

    def until_deployed(self):
        status = lambda: self.client.get_distribution_info(self.id).status
        until("Deployed", lambda: status() == "Deployed")

    def logging(self):
        client = self.client
        config = client.get_distribution_config(self.id)
        first = config.etag
        config.logging = LoggingInfo("logs.s3.amazonaws.com", "boto2/")
        config.default_root_object = "private.txt"
        second = client.set_distribution_config(self.id, first, config)
        # The same once more within a second would be a repetition.
        config.comment = "another"
        self.refused("stale update", client.set_distribution_config, self.id, first, config)
        read = client.get_distribution_config(self.id)
        step(
            "logging",
            moved=first != second == read.etag,
            logging=[read.logging.bucket, read.logging.prefix],
            root=read.default_root_object,
            kept=[read.cnames, read.comment, read.enabled, list(read.trusted_signers)],
        )
        self.until_deployed()

    def lists(self):
        listed = self.client.get_all_distributions()
        step(
            "list",
            ids=[one.id == self.id for one in listed],
            hosts=[one.domain_name == self.host for one in listed],
            names=[one.cnames for one in listed],
            enabled=[one.enabled for one in listed],
            signers=[list(one.trusted_signers) for one in listed],
            same=[one.get_distribution().id == self.id for one in listed],
        )

    def private(self):
        return f"http://{self.host}/private.txt"

    def viewers(self):
        refused = open_url(self.given["edge"], self.private())
        signer = CloudFrontSigner(self.given["key_pair_id"], self.sign)
        ends = datetime.datetime.now(datetime.timezone.utc) + LINK_LIFE
        link = signer.generate_presigned_url(self.private(), date_less_than=ends)
        step("viewers", refused=refused[0], opened=open_url(self.given["edge"], link))

    def sign(self, message):
        with open(self.given["private_key"], "rb") as file:
            key = serialization.load_pem_private_key(file.read(), None)
        return key.sign(message, padding.PKCS1v15(), hashes.SHA1())

    def signers(self):
        """Takes the trusted signers away, which opens the content to everybody, and puts them back."""
        statuses = []
        for signers in [None, TrustedSigners(["Self"])]:
            config = self.client.get_distribution_config(self.id)
            config.trusted_signers = signers
            self.client.set_distribution_config(self.id, config.etag, config)
            self.until_deployed()
            statuses.append(open_url(self.given["edge"], self.private())[0])
        active = self.client.get_distribution_info(self.id).active_signers
        step("signers", statuses=statuses, active=[signer.id for signer in active])

    def origin(self):
        """Makes a server the origin, and the bucket again."""
        port = self.given["origin_port"]
        server = CustomOrigin("localhost", http_port=port, origin_protocol_policy="http-only")
        seen = []
        for origin in [server, self.bucket()]:
            config = self.client.get_distribution_config(self.id)
            config.origin = origin
            config.trusted_signers = None if origin is server else TrustedSigners(["Self"])
            self.client.set_distribution_config(self.id, config.etag, config)
            self.until_deployed()
            read = self.client.get_distribution_config(self.id).origin
            seen.append([type(read).__name__, getattr(read, "http_port", None) == port])
            if origin is server:
                seen.append(open_url(self.given["edge"], f"http://{self.host}/open.txt"))
        step("origin", seen=seen)

    def invalidation(self):
        client = self.client
        made = client.create_invalidation_request(self.id, ["/open.txt", "images/a b*"])
        status = lambda: client.invalidation_request_status(self.id, made.id).status
        until("Completed", lambda: status() == "Completed")
        read = client.invalidation_request_status(self.id, made.id)
        other = client.create_invalidation_request(self.id, ["/more"])
        page = client.get_invalidation_requests(self.id, max_items=1)
        rest = client.get_invalidation_requests(self.id, marker=page.next_marker)
        ids = [one.id for one in [*page, *rest]]
        step(
            "invalidation",
            paths=read.paths,
            reference=read.caller_reference == made.caller_reference,
            listed=sorted(ids) == sorted([made.id, other.id]),
            is_truncated=[page.is_truncated, rest.is_truncated],
        )
        status = client.invalidation_request_status
        self.refused("no such invalidation", status, self.id, "INOSUCHONE0000")

    def streaming(self):
        client = self.client
        made = client.create_streaming_distribution(
            self.bucket(), True, comment="films", trusted_signers=["Self"]
        )

        def until_deployed():
            read = client.get_streaming_distribution_info
            until("Deployed", lambda: read(made.id).status == "Deployed")
            return read(made.id)

        read = until_deployed()
        config = client.get_streaming_distribution_config(made.id)
        listed = client.get_all_streaming_distributions()
        delete = client.delete_streaming_distribution
        self.refused("streaming enabled", delete, made.id, read.etag)
        step(
            "streaming",
            status=made.status,
            domain_name=made.domain_name,
            origin=config.origin.dns_name,
            signers=[list(config.trusted_signers), [signer.id for signer in read.active_signers]],
            listed=[one.id == made.id for one in listed],
        )
        read.disable()
        until_deployed().delete()
        get = client.get_streaming_distribution_info
        self.refused("no such streaming distribution", get, made.id)

    def ends(self):
        client = self.client
        read = client.get_distribution_info(self.id)
        self.refused("enabled", client.delete_distribution, self.id, read.etag)
        identity = client.get_origin_access_identity_info(self.identity_id)
        delete = client.delete_origin_access_identity
        self.refused("identity in use", delete, identity.id, identity.etag)
        read.disable()
        self.until_deployed()
        read = client.get_distribution_info(self.id)
        step("disabled", enabled=read.config.enabled, names=read.config.cnames)
        read.delete()
        self.refused("no such distribution", client.get_distribution_info, self.id)
        identity.delete()
        self.refused("no such identity", client.get_origin_access_identity_info, identity.id)
        left = [client.get_all_distributions(), client.get_all_origin_access_identity()]
        step("end", left=[len(listed) for listed in left])


if __name__ == "__main__":
    Story(settings()).run()
