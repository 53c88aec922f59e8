#!/usr/bin/env python3
"""Calls every operation of CloudFront's API that an edge serves, in every version of it, and checks each answer.

Prints a step for each version; one for the operations that are refused: each has to say so with the modelled
`UnsupportedOperation`, since clients retry anything that looks like a failure of the server; and one for the errors of
all the others, which are called with bodies, values and credentials that are wrong.
"""

import re

import boto3
import botocore.session
from botocore import UNSIGNED, xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from lint import Lint
from story import settings, step, until

NEWEST = "2020-05-31"
# Versions from which there are operations for these things.
TAGS_SINCE = "2016-08-01"
# An id that nothing has.
ABSENT = "ENOSUCHONE0000"


class Calls:
    """The calls of one version."""

    def __init__(self, given, version, **others):
        self.given = given
        self.version = version
        settings = {
            "api_version": version,
            "endpoint_url": given["endpoint"],
            "region_name": given["region"],
            "aws_access_key_id": given["access_key_id"],
            "aws_secret_access_key": given["secret_access_key"],
            "config": Config(retries={"mode": "standard", "max_attempts": 6}, parameter_validation=False),
        }
        self.client = boto3.client("cloudfront", **{**settings, **others})
        self.lint = Lint(self.client)

    def refused(self, name, code, **arguments):
        """Makes a call that has to be refused with a code."""
        try:
            getattr(self.client, name)(**arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] != code:
                self.lint.faults.append(f"{name}: {error} instead of {code}")
        else:
            self.lint.faults.append(f"{name}: is not refused with {code}")

    def tried(self, name, **arguments):
        """Makes a call that may be refused or not; the lint judges its answer."""
        try:
            getattr(self.client, name)(**arguments)
        except ClientError:
            pass

    def report(self):
        """Prints what was called, and every fault of every answer."""
        done = [name for name, counts in self.lint.answers.items() if counts["done"]]
        step(f"version {self.version}", done=sorted(done), faults=self.lint.faults)

    def six(self, noun, key, config, change, absent):
        """Creates, gets, lists, changes and gets again something that has its six operations; returns its id."""
        client = self.client
        # The name of the member with the configuration, and that of the thing.
        thing = key.removesuffix("Config")
        made = getattr(client, f"create_{noun}")(**{key: config})
        id = made[thing]["Id"]
        getattr(client, f"get_{noun}")(Id=id)
        read = getattr(client, f"get_{noun}_config")(Id=id)
        update = f"update_{noun}"
        changed = {**read[key], **change}
        self.refused(update, "InvalidIfMatchVersion", Id=id, **{key: changed})
        self.refused(update, "PreconditionFailed", Id=id, IfMatch="E0000000000000", **{key: changed})
        self.refused(f"get_{noun}", absent, Id=ABSENT)
        self.refused(f"delete_{noun}", absent, Id=ABSENT, IfMatch="E0000000000000")
        getattr(client, update)(Id=id, IfMatch=read["ETag"], **{key: changed})
        listing = getattr(client, f"list_{plural(noun)}")
        listing()
        listing(MaxItems="1")
        return id

    def delete(self, noun, id):
        """Deletes something that nothing uses."""
        read = getattr(self.client, f"get_{noun}")(Id=id)
        getattr(self.client, f"delete_{noun}")(Id=id, IfMatch=read["ETag"])


def plural(noun):
    is_ies = noun.endswith(("identity", "policy"))
    return noun[:-1] + "ies" if is_ies else noun + "s"


def old_config(given, reference, origin):
    """Returns a configuration that every version takes."""
    none = {"Quantity": 0}
    return {
        "CallerReference": reference,
        "Aliases": none,
        "DefaultRootObject": "",
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {
            "TargetOriginId": origin["Id"],
            "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
            "TrustedSigners": {"Enabled": True, "Quantity": 1, "Items": ["self"]},
            "ViewerProtocolPolicy": "allow-all",
            "MinTTL": 0,
        },
        "CacheBehaviors": none,
        "Comment": "checked",
        "Logging": {"Enabled": False, "IncludeCookies": False, "Bucket": "", "Prefix": ""},
        "PriceClass": "PriceClass_All",
        "Enabled": True,
    }


def streaming_config(given, reference, identity):
    return {
        "CallerReference": reference,
        "S3Origin": {"DomainName": given["bucket_host"], "OriginAccessIdentity": identity},
        "Aliases": {"Quantity": 0},
        "Comment": "checked",
        "TrustedSigners": {"Enabled": True, "Quantity": 1, "Items": ["self"]},
        "Logging": {"Enabled": True, "Bucket": "logs.s3.amazonaws.com", "Prefix": ""},
        "PriceClass": "PriceClass_All",
        "Enabled": True,
    }


def old_operations(calls):
    """The operations that every version has."""
    client, given, version = calls.client, calls.given, calls.version
    identity = calls.six(
        "cloud_front_origin_access_identity",
        "CloudFrontOriginAccessIdentityConfig",
        {"CallerReference": version, "Comment": "checked"},
        {"Comment": "changed"},
        "NoSuchCloudFrontOriginAccessIdentity",
    )
    path = f"origin-access-identity/cloudfront/{identity}"
    origin = {
        "Id": "bucket",
        "DomainName": given["bucket_host"],
        "S3OriginConfig": {"OriginAccessIdentity": path},
    }
    distribution = calls.six(
        "distribution",
        "DistributionConfig",
        old_config(given, version, origin),
        {"Comment": "changed"},
        "NoSuchDistribution",
    )
    batch = {"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": version}
    made = client.create_invalidation(DistributionId=distribution, InvalidationBatch=batch)
    invalidation = made["Invalidation"]["Id"]
    client.get_invalidation(DistributionId=distribution, Id=invalidation)
    client.list_invalidations(DistributionId=distribution)
    calls.refused("get_invalidation", "NoSuchInvalidation", DistributionId=distribution, Id=ABSENT)
    calls.refused("list_invalidations", "NoSuchDistribution", DistributionId=ABSENT)
    calls.refused(
        "create_invalidation", "NoSuchDistribution", DistributionId=ABSENT, InvalidationBatch=batch
    )
    short = {"Paths": {"Quantity": 2, "Items": ["/*"]}, "CallerReference": "short"}
    calls.refused(
        "create_invalidation",
        "InconsistentQuantities",
        DistributionId=distribution,
        InvalidationBatch=short,
    )
    streaming = calls.six(
        "streaming_distribution",
        "StreamingDistributionConfig",
        streaming_config(given, version, path),
        {"Comment": "changed"},
        "NoSuchStreamingDistribution",
    )
    if version >= TAGS_SINCE:
        tags(calls, distribution, path)
    end(calls, "distribution", "DistributionConfig", distribution)
    end(calls, "streaming_distribution", "StreamingDistributionConfig", streaming)
    calls.delete("cloud_front_origin_access_identity", identity)


def tags(calls, distribution, path):
    client, given = calls.client, calls.given
    arn = client.get_distribution(Id=distribution)["Distribution"]["ARN"]
    client.tag_resource(Resource=arn, Tags={"Items": [{"Key": "a", "Value": "1"}]})
    client.list_tags_for_resource(Resource=arn)
    client.untag_resource(Resource=arn, TagKeys={"Items": ["a"]})
    client.list_tags_for_resource(Resource=arn)
    absent = arn.replace(distribution, ABSENT)
    calls.refused("list_tags_for_resource", "NoSuchResource", Resource=absent)
    calls.refused("list_tags_for_resource", "InvalidArgument", Resource="arn:aws:s3:::bucket")
    both = {"Tags": {"Items": [{"Key": "a", "Value": "1"}]}}
    config = old_config(given, calls.version + " with tags", custom_origin(given))
    both["DistributionConfig"] = config
    made = client.create_distribution_with_tags(DistributionConfigWithTags=both)
    end(calls, "distribution", "DistributionConfig", made["Distribution"]["Id"])
    both["StreamingDistributionConfig"] = streaming_config(given, config["CallerReference"], path)
    del both["DistributionConfig"]
    create = client.create_streaming_distribution_with_tags
    made = create(StreamingDistributionConfigWithTags=both)
    id = made["StreamingDistribution"]["Id"]
    end(calls, "streaming_distribution", "StreamingDistributionConfig", id)


def custom_origin(given):
    ports = {"HTTPPort": given["origin_port"], "HTTPSPort": 443}
    return {
        "Id": "server",
        "DomainName": "localhost",
        "CustomOriginConfig": {**ports, "OriginProtocolPolicy": "http-only"},
    }


def end(calls, noun, key, id):
    """Disables and deletes a distribution."""
    client = calls.client
    get = getattr(client, f"get_{noun}")
    code = "DistributionNotDisabled" if noun == "distribution" else "StreamingDistributionNotDisabled"
    current = getattr(client, f"get_{noun}_config")(Id=id)
    calls.refused(f"delete_{noun}", code, Id=id, IfMatch=current["ETag"])
    calls.refused(f"delete_{noun}", "InvalidIfMatchVersion", Id=id)
    disabled = dict(current[key], Enabled=False)
    getattr(client, f"update_{noun}")(Id=id, IfMatch=current["ETag"], **{key: disabled})
    until("Deployed", lambda: get(Id=id)[key.removesuffix("Config")]["Status"] == "Deployed")
    calls.delete(noun, id)


def new_operations(calls):
    """The operations that the newest version alone has, and those of one between."""
    client, given = calls.client, calls.given
    control = calls.six(
        "origin_access_control",
        "OriginAccessControlConfig",
        {
            "Name": "checked",
            "OriginAccessControlOriginType": "s3",
            "SigningBehavior": "no-override",
            "SigningProtocol": "sigv4",
        },
        {"Description": "changed"},
        "NoSuchOriginAccessControl",
    )
    with open(given["public_key"], encoding="ascii") as file:
        pem = file.read()
    key = calls.six(
        "public_key",
        "PublicKeyConfig",
        {"CallerReference": "checked", "Name": "checked", "EncodedKey": pem},
        {"Comment": "changed"},
        "NoSuchPublicKey",
    )
    group = calls.six(
        "key_group",
        "KeyGroupConfig",
        {"Name": "checked", "Items": [key]},
        {"Comment": "changed"},
        "NoSuchResource",
    )
    cache = policy(calls, "cache_policy", "CachePolicy", CACHE_POLICY)
    request = policy(calls, "origin_request_policy", "OriginRequestPolicy", REQUEST_POLICY)
    response = policy(calls, "response_headers_policy", "ResponseHeadersPolicy", RESPONSE_POLICY)
    none = {"Quantity": 0}
    config = {
        "CallerReference": "checked",
        "Comment": "",
        "Enabled": True,
        "Aliases": {"Quantity": 1, "Items": ["checked.example.com"]},
        "Origins": {
            "Quantity": 2,
            "Items": [
                {
                    **custom_origin(given),
                    "OriginPath": "/open",
                    "CustomHeaders": {
                        "Quantity": 1,
                        "Items": [{"HeaderName": "X-Checked", "HeaderValue": "1"}],
                    },
                    "OriginShield": {"Enabled": True, "OriginShieldRegion": "us-east-1"},
                },
                {
                    "Id": "bucket",
                    "DomainName": given["bucket_host"],
                    "S3OriginConfig": {"OriginAccessIdentity": ""},
                    "OriginAccessControlId": control,
                    "ConnectionAttempts": 1,
                    "ConnectionTimeout": 2,
                },
            ],
        },
        "OriginGroups": {
            "Quantity": 1,
            "Items": [
                {
                    "Id": "both",
                    "FailoverCriteria": {"StatusCodes": {"Quantity": 1, "Items": [503]}},
                    "Members": {
                        "Quantity": 2,
                        "Items": [{"OriginId": "server"}, {"OriginId": "bucket"}],
                    },
                }
            ],
        },
        "DefaultCacheBehavior": {
            "TargetOriginId": "both",
            "CachePolicyId": cache,
            "OriginRequestPolicyId": request,
            "ResponseHeadersPolicyId": response,
            "TrustedKeyGroups": {"Enabled": True, "Quantity": 1, "Items": [group]},
            "ViewerProtocolPolicy": "allow-all",
        },
        "CacheBehaviors": {
            "Quantity": 1,
            "Items": [
                {
                    "PathPattern": "old/*",
                    "TargetOriginId": "server",
                    "AllowedMethods": {
                        "Quantity": 3,
                        "Items": ["GET", "HEAD", "OPTIONS"],
                        "CachedMethods": {"Quantity": 2, "Items": ["GET", "HEAD"]},
                    },
                    "ForwardedValues": {
                        "QueryString": True,
                        "QueryStringCacheKeys": {"Quantity": 1, "Items": ["v"]},
                        "Headers": {"Quantity": 1, "Items": ["Origin"]},
                        "Cookies": {
                            "Forward": "whitelist",
                            "WhitelistedNames": {"Quantity": 1, "Items": ["session"]},
                        },
                    },
                    "MinTTL": 1,
                    "DefaultTTL": 2,
                    "MaxTTL": 3,
                    "Compress": True,
                    "ViewerProtocolPolicy": "https-only",
                }
            ],
        },
        "CustomErrorResponses": {
            "Quantity": 2,
            "Items": [
                {
                    "ErrorCode": 404,
                    "ResponsePagePath": "/404.html",
                    "ResponseCode": "200",
                    "ErrorCachingMinTTL": 5,
                },
                {"ErrorCode": 502, "ErrorCachingMinTTL": 0},
            ],
        },
        "Logging": {
            "Enabled": True,
            "IncludeCookies": True,
            "Bucket": "logs.s3.amazonaws.com",
            "Prefix": "checked/",
        },
        "PriceClass": "PriceClass_200",
        "Restrictions": {"GeoRestriction": {"RestrictionType": "none", **none}},
        "HttpVersion": "http2and3",
        "IsIPV6Enabled": True,
    }
    distribution = calls.six(
        "distribution",
        "DistributionConfig",
        config,
        {"Comment": "changed"},
        "NoSuchDistribution",
    )
    lists_by(calls, group, cache, request, response)
    subscription(calls, distribution)
    aliases(calls, distribution)
    for noun, id, code in [
        ("public_key", key, "PublicKeyInUse"),
        ("key_group", group, "ResourceInUse"),
        ("origin_access_control", control, "OriginAccessControlInUse"),
        ("cache_policy", cache, "CachePolicyInUse"),
        ("origin_request_policy", request, "OriginRequestPolicyInUse"),
        ("response_headers_policy", response, "ResponseHeadersPolicyInUse"),
    ]:
        etag = getattr(client, f"get_{noun}")(Id=id)["ETag"]
        calls.refused(f"delete_{noun}", code, Id=id, IfMatch=etag)
    end(calls, "distribution", "DistributionConfig", distribution)
    for noun, id in [
        ("key_group", group),
        ("public_key", key),
        ("origin_access_control", control),
        ("cache_policy", cache),
        ("origin_request_policy", request),
        ("response_headers_policy", response),
    ]:
        calls.delete(noun, id)


def policy(calls, noun, thing, config):
    """Makes a policy, and lists managed ones too."""
    absent = f"NoSuch{thing}"
    id = calls.six(noun, f"{thing}Config", config, {"Comment": "changed"}, absent)
    client = calls.client
    listing = getattr(client, f"list_{plural(noun)}")
    for kind in ["managed", "custom"]:
        listing(Type=kind)
    # The same again within a second has the same signature, and is a repetition to the server.
    again = {**config, "Comment": "again"}
    calls.refused(f"create_{noun}", f"{thing}AlreadyExists", **{f"{thing}Config": again})
    return id


CACHE_POLICY = {
    "Name": "checked",
    "MinTTL": 1,
    "DefaultTTL": 2,
    "MaxTTL": 3,
    "ParametersInCacheKeyAndForwardedToOrigin": {
        "EnableAcceptEncodingGzip": True,
        "EnableAcceptEncodingBrotli": True,
        "HeadersConfig": {
            "HeaderBehavior": "whitelist",
            "Headers": {"Quantity": 1, "Items": ["Accept-Language"]},
        },
        "CookiesConfig": {"CookieBehavior": "none"},
        "QueryStringsConfig": {
            "QueryStringBehavior": "allExcept",
            "QueryStrings": {"Quantity": 1, "Items": ["utm"]},
        },
    },
}
REQUEST_POLICY = {
    "Name": "checked",
    "Comment": "checked",
    "HeadersConfig": {
        "HeaderBehavior": "allViewerAndWhitelistCloudFront",
        "Headers": {"Quantity": 1, "Items": ["CloudFront-Viewer-Country"]},
    },
    "CookiesConfig": {
        "CookieBehavior": "allExcept",
        "Cookies": {"Quantity": 1, "Items": ["session"]},
    },
    "QueryStringsConfig": {"QueryStringBehavior": "all"},
}
RESPONSE_POLICY = {
    "Name": "checked",
    "Comment": "checked",
    "CorsConfig": {
        "AccessControlAllowOrigins": {"Quantity": 1, "Items": ["*"]},
        "AccessControlAllowHeaders": {"Quantity": 1, "Items": ["*"]},
        "AccessControlAllowMethods": {"Quantity": 2, "Items": ["GET", "HEAD"]},
        "AccessControlAllowCredentials": False,
        "AccessControlExposeHeaders": {"Quantity": 1, "Items": ["ETag"]},
        "AccessControlMaxAgeSec": 60,
        "OriginOverride": True,
    },
    "SecurityHeadersConfig": {
        "XSSProtection": {"Override": True, "Protection": True, "ModeBlock": True},
        "FrameOptions": {"Override": True, "FrameOption": "DENY"},
        "ReferrerPolicy": {"Override": True, "ReferrerPolicy": "no-referrer"},
        "ContentSecurityPolicy": {"Override": True, "ContentSecurityPolicy": "default-src 'self'"},
        "ContentTypeOptions": {"Override": True},
        "StrictTransportSecurity": {
            "Override": True,
            "IncludeSubdomains": True,
            "Preload": True,
            "AccessControlMaxAgeSec": 60,
        },
    },
    "CustomHeadersConfig": {
        "Quantity": 1,
        "Items": [{"Header": "X-Checked", "Value": "1", "Override": True}],
    },
    "RemoveHeadersConfig": {"Quantity": 1, "Items": [{"Header": "X-Powered-By"}]},
    "ServerTimingHeadersConfig": {"Enabled": True, "SamplingRate": 50.0},
}


def lists_by(calls, group, cache, request, response):
    client = calls.client
    for _ in range(2):
        client.list_distributions_by_key_group(KeyGroupId=group)
        client.list_distributions_by_cache_policy_id(CachePolicyId=cache)
        client.list_distributions_by_origin_request_policy_id(OriginRequestPolicyId=request)
        client.list_distributions_by_response_headers_policy_id(ResponseHeadersPolicyId=response)
    client.list_distributions_by_web_acl_id(WebACLId="null")
    absent = {"NoSuchResource": ("list_distributions_by_key_group", "KeyGroupId")}
    absent["NoSuchCachePolicy"] = ("list_distributions_by_cache_policy_id", "CachePolicyId")
    for code, (name, parameter) in absent.items():
        calls.refused(name, code, **{parameter: ABSENT})


def subscription(calls, distribution):
    client = calls.client
    key = {"DistributionId": distribution}
    config = {"RealtimeMetricsSubscriptionConfig": {"RealtimeMetricsSubscriptionStatus": "Enabled"}}
    calls.refused("get_monitoring_subscription", "NoSuchMonitoringSubscription", **key)
    client.create_monitoring_subscription(**key, MonitoringSubscription=config)
    client.get_monitoring_subscription(**key)
    client.delete_monitoring_subscription(**key)
    calls.refused("get_monitoring_subscription", "NoSuchDistribution", DistributionId=ABSENT)


def aliases(calls, distribution):
    client = calls.client
    client.associate_alias(TargetDistributionId=distribution, Alias="second.example.com")
    listed = client.list_conflicting_aliases(DistributionId=distribution, Alias="*.example.com")
    listed["ConflictingAliasesList"]
    calls.refused(
        "associate_alias", "NoSuchDistribution", TargetDistributionId=ABSENT, Alias="a.example.com"
    )


def refusals(given, done):
    """Makes each operation that was not done; none of them may look like a failure of the server."""
    calls = Calls(given, NEWEST)
    loader = botocore.session.get_session()
    model = loader.get_service_model("cloudfront", NEWEST)
    refused = []
    for operation in model.operation_names:
        name = re.sub(r"\d{4}_\d\d_\d\d$", "", operation)
        if name in done:
            continue
        shape = model.operation_model(operation).input_shape
        arguments = sample(shape) if shape else {}
        calls.refused(xform_name(operation), "UnsupportedOperation", **arguments)
        refused.append(name)
    step("refusals", refused=sorted(refused), faults=calls.lint.faults)


# What is sent in place of a body: nothing, no XML, XML that is another, and text that is none.
BODIES = [b"", b"<", b"<Other/>", b"<!DOCTYPE a><a/>", b"\xff"]


def errors(given, done):
    """Calls each operation that is served with what it has to refuse, in the first version and in the last."""
    faults, refused, codes = [], set(), set()
    for version in [min(versions()), NEWEST]:
        calls = Calls(given, version)
        sent = {}
        calls.client.meta.events.register("before-call.cloudfront", lambda params, **_: params.update(sent))
        model = calls.client.meta.service_model
        for operation in model.operation_names:
            if re.sub(r"\d{4}_\d\d_\d\d$", "", operation) in done:
                wrong(calls, model.operation_model(operation), sent)
        faults += calls.lint.faults
        refused.update(name for name, counts in calls.lint.answers.items() if counts["refused"])
        codes.update(*(counts["codes"] for counts in calls.lint.answers.values()))
    lint = configurations(given)
    codes.update(*(counts["codes"] for counts in lint.answers.values()))
    faults += lint.faults + strangers(given)
    step("errors", never_refused=sorted(done - refused), codes=sorted(codes), faults=faults)


# Faults of a configuration by their codes: the path to a member, and its value.
ORIGIN = ("Origins", "Items", 0)
BEHAVIOR = ("DefaultCacheBehavior",)
VALUES = (*BEHAVIOR, "ForwardedValues")
CONFIG_FAULTS = [
    ("NoSuchOrigin", (*BEHAVIOR, "TargetOriginId"), "nowhere"),
    ("InvalidOriginAccessIdentity", (*ORIGIN, "S3OriginConfig", "OriginAccessIdentity"), "none"),
    ("InvalidOriginAccessControl", (*ORIGIN, "OriginAccessControlId"), ABSENT),
    ("InvalidHeadersForS3Origin", (*VALUES, "Headers"), {"Quantity": 1, "Items": ["Host"]}),
    ("InvalidQueryStringParameters", (*VALUES, "QueryStringCacheKeys"), {"Quantity": 1, "Items": ["a"]}),
    (
        "InvalidForwardCookies",
        (*VALUES, "Cookies", "WhitelistedNames"),
        {"Quantity": 1, "Items": ["a"]},
    ),
    ("TooManyHeadersInForwardedValues", (*VALUES, "Headers"), {"Quantity": 11, "Items": ["a"] * 11}),
    ("InvalidTTLOrder", (*BEHAVIOR, "MaxTTL"), -1),
    (
        "TrustedSignerDoesNotExist",
        (*BEHAVIOR, "TrustedSigners"),
        {"Enabled": True, "Quantity": 1, "Items": ["999999999999"]},
    ),
    (
        "TrustedKeyGroupDoesNotExist",
        (*BEHAVIOR, "TrustedKeyGroups"),
        {"Enabled": True, "Quantity": 1, "Items": [ABSENT]},
    ),
    ("NoSuchResponseHeadersPolicy", (*BEHAVIOR, "ResponseHeadersPolicyId"), ABSENT),
    ("InvalidDefaultRootObject", ("DefaultRootObject",), "/index.html"),
    ("InvalidErrorCode", ("CustomErrorResponses",), {"Quantity": 1, "Items": [{"ErrorCode": 200}]}),
    (
        "InvalidResponseCode",
        ("CustomErrorResponses",),
        {"Quantity": 1, "Items": [{"ErrorCode": 404, "ResponsePagePath": "/a"}]},
    ),
    (
        "TooManyOrigins",
        ("Origins",),
        {"Quantity": 101, "Items": [{"Id": "bucket", "DomainName": "a.s3.amazonaws.com"}] * 101},
    ),
    ("TooManyDistributionCNAMEs", ("Aliases",), {"Quantity": 101, "Items": ["a"] * 101}),
    ("InvalidWebACLId", ("WebACLId",), "acl"),
    ("InvalidViewerCertificate", ("ViewerCertificate",), {"IAMCertificateId": ABSENT}),
    (
        "InvalidGeoRestrictionParameter",
        ("Restrictions",),
        {"GeoRestriction": {"RestrictionType": "whitelist", "Quantity": 1, "Items": ["x"]}},
    ),
]


def configurations(given):
    """Creates a distribution with each of the faults, and changes one to have it."""
    calls = Calls(given, NEWEST)
    origin = {
        "Id": "bucket",
        "DomainName": given["bucket_host"],
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    config = old_config(given, "faults", origin)
    made = calls.client.create_distribution(DistributionConfig=config)
    id, etag = made["Distribution"]["Id"], made["ETag"]
    for code, path, value in CONFIG_FAULTS:
        faulty = replaced(config, path, value)
        calls.refused("update_distribution", code, Id=id, IfMatch=etag, DistributionConfig=faulty)
        faulty["CallerReference"] = f"with {code}"
        calls.refused("create_distribution", code, DistributionConfig=faulty)
    other = replaced(config, ("CallerReference",), "other")
    calls.refused("update_distribution", "IllegalUpdate", Id=id, IfMatch=etag, DistributionConfig=other)
    calls.refused("create_distribution", "DistributionAlreadyExists", DistributionConfig=config)
    end(calls, "distribution", "DistributionConfig", id)
    return calls.lint


def replaced(value, path, member):
    """Returns a copy of a value with another member."""
    if not path:
        return member
    copied = value.copy()
    inner = copied.get(path[0]) if isinstance(copied, dict) else copied[path[0]]
    copied[path[0]] = replaced({} if inner is None else inner, path[1:], member)
    return copied


def wrong(calls, operation, sent):
    """Calls an operation with values that mean nothing, and with bodies that are none."""
    name, shape = xform_name(operation.name), operation.input_shape
    arguments = sample(shape) if shape else {}
    members = shape.members if shape else {}
    calls.tried(name, **arguments)
    if "IfMatch" in members:
        arguments["IfMatch"] = "E0000000000000"
        calls.tried(name, **arguments)
    if "MaxItems" in members:
        calls.refused(name, "InvalidArgument", **{**arguments, "MaxItems": "many"})
    if shape and "payload" in shape.serialization:
        for body in BODIES:
            sent["body"] = body
            calls.tried(name, **arguments)
        sent.clear()


def strangers(given):
    """Calls an operation that reads and one that changes with credentials that are none."""
    faults = []
    for code, others in [
        ("MissingAuthenticationToken", {"config": Config(signature_version=UNSIGNED)}),
        ("SignatureDoesNotMatch", {"aws_secret_access_key": "wrong"}),
        ("SignatureDoesNotMatch", {"aws_access_key_id": "AKIAUNKNOWN"}),
        ("InvalidClientTokenId", {"aws_session_token": "token"}),
    ]:
        calls = Calls(given, NEWEST, **others)
        calls.refused("list_distributions", code)
        calls.refused("delete_distribution", code, Id=ABSENT, IfMatch="E0000000000000")
        faults += calls.lint.faults
    return faults


def sample(shape, depth=0):
    """Returns a value of a shape, with the required members of structures."""
    match shape.type_name:
        case "structure":
            names = shape.required_members if depth < 8 else []
            return {name: sample(shape.members[name], depth + 1) for name in names}
        case "list":
            return [sample(shape.member, depth + 1)]
        case "map":
            return {}
        case "integer" | "long" | "float" | "double":
            return 1
        case "boolean":
            return True
        case "blob":
            return b"x"
        case "timestamp":
            return 0
    return shape.enum[0] if shape.enum else "x" * max(1, shape.metadata.get("min", 1))


def main():
    given = settings()
    done = set()
    for version in sorted(versions()):
        calls = Calls(given, version)
        old_operations(calls)
        if version == NEWEST:
            new_operations(calls)
        calls.report()
        done.update(name for name, counts in calls.lint.answers.items() if counts["done"])
    refusals(given, done)
    errors(given, done)


def versions():
    """Returns all versions that botocore has a model of."""
    loader = botocore.session.get_session().get_component("data_loader")
    return loader.list_api_versions("cloudfront", "service-2")


if __name__ == "__main__":
    main()
