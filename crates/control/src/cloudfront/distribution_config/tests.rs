use super::origins::HIDDEN;
use super::*;
use privet_distribution::config::ApiLimits;
use std::collections::BTreeMap;

const ACCOUNT: &str = "123456789012";

fn with_context<T>(act: impl FnOnce(&ConfigContext<'_>) -> T) -> T {
    let mut policies = BTreeMap::new();
    let name = (
        privet_distribution::config::ServiceKind::CachePolicy,
        "by-query".to_owned(),
    );
    policies.insert(name, "P1".to_owned());
    act(&ConfigContext {
        account: ACCOUNT,
        default_certificate: Some("default"),
        policies: &policies,
        limits: &ApiLimits::default(),
    })
}

fn show(document: &Value) -> Value {
    with_context(|context| show_config(document, context))
}

fn read(config: &Value) -> Result<Value, ConfigFault> {
    with_context(|context| read_config(config, None, context)).map(Value::Object)
}

fn change(config: &Value, present: &Value) -> Result<Value, ConfigFault> {
    let present = Present {
        sealed: present,
        clear: present,
    };
    with_context(|context| read_config(config, Some(present), context)).map(Value::Object)
}

/// As aws-cli sends it.
fn sent() -> Value {
    json!({
        "CallerReference": "dist1",
        "Comment": "private site",
        "Enabled": true,
        "Aliases": { "Items": ["private.example.com"] },
        "PriceClass": "PriceClass_100",
        "HttpVersion": "http2",
        "DefaultRootObject": "index.html",
        "Origins": { "Items": [
            {
                "Id": "s3",
                "DomainName": "bkt.s3.us-east-1.amazonaws.com",
                "CustomHeaders": {},
                "S3OriginConfig": { "OriginAccessIdentity": "origin-access-identity/cloudfront/E4R9SJ1MADL4S" },
            },
        ] },
        "DefaultCacheBehavior": {
            "TargetOriginId": "s3",
            "ViewerProtocolPolicy": "allow-all",
            "TrustedSigners": { "Enabled": true, "Items": ["self", "111122223333"] },
            "ForwardedValues": { "QueryString": false, "Cookies": { "Forward": "none" } },
            "MinTTL": 0,
        },
        "CacheBehaviors": { "Items": [
            {
                "PathPattern": "vip/*",
                "TargetOriginId": "s3",
                "ViewerProtocolPolicy": "https-only",
                "TrustedKeyGroups": { "Enabled": true, "Items": ["E7QDQWLPA02GR"] },
                "CachePolicyId": "ENUAJTNJC0N98",
                "ResponseHeadersPolicyId": "EI8XE75DVABF6",
                "Compress": true,
                "AllowedMethods": { "Items": ["GET", "HEAD"], "CachedMethods": { "Items": ["GET", "HEAD"] } },
            },
        ] },
        "CustomErrorResponses": { "Items": [
            { "ErrorCode": 403, "ResponsePagePath": "/403.html", "ResponseCode": "403", "ErrorCachingMinTTL": 10 },
        ] },
        "Restrictions": { "GeoRestriction": { "RestrictionType": "none" } },
        "ViewerCertificate": { "CloudFrontDefaultCertificate": true },
    })
}

fn origins_of_terraform() -> Value {
    json!([
        {
            "Id": "app",
            "DomainName": "app.example.com",
            "OriginPath": "/site",
            "ConnectionAttempts": 2,
            "ConnectionTimeout": 5,
            "CustomHeaders": { "Items": [
                { "HeaderName": "X-A", "HeaderValue": "1" },
                { "HeaderName": "x-b", "HeaderValue": "two" },
            ] },
            "CustomOriginConfig": {
                "HTTPPort": 8080,
                "HTTPSPort": 8443,
                "OriginProtocolPolicy": "http-only",
                "OriginSslProtocols": { "Items": ["TLSv1.1", "TLSv1.2"] },
                "OriginReadTimeout": 60,
                "OriginKeepaliveTimeout": 7,
            },
            "OriginShield": { "Enabled": true, "OriginShieldRegion": "us-east-1" },
        },
        {
            "Id": "oac",
            "DomainName": "bkt.s3.us-east-1.amazonaws.com",
            "OriginAccessControlId": "EYA1C2QD0KOOZ",
            "S3OriginConfig": { "OriginAccessIdentity": "" },
        },
    ])
}

/// As Terraform sends a custom origin beside a bucket with an origin access control.
fn sent_by_terraform() -> Value {
    let off = json!({ "Enabled": false });
    json!({
        "Aliases": { "Items": ["tf.example.com"] },
        "CallerReference": "terraform-20261121163453998000000003",
        "Comment": "tf",
        "ContinuousDeploymentPolicyId": "",
        "DefaultRootObject": "index.html",
        "Enabled": true,
        "HttpVersion": "http2and3",
        "IsIPV6Enabled": true,
        "Logging": { "Enabled": true, "Bucket": "logs.s3.amazonaws.com", "Prefix": "x/", "IncludeCookies": true },
        "PriceClass": "PriceClass_100",
        "Restrictions": { "GeoRestriction": { "RestrictionType": "whitelist", "Items": ["BR", "DE"] } },
        "Staging": false,
        "ViewerCertificate": {
            "ACMCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/site",
            "CloudFrontDefaultCertificate": false,
            "MinimumProtocolVersion": "TLSv1.3_2025",
            "SSLSupportMethod": "sni-only",
        },
        "WebACLId": "",
        "OriginGroups": { "Items": [
            {
                "Id": "both",
                "FailoverCriteria": { "StatusCodes": { "Items": [500, 502] } },
                "Members": { "Items": [{ "OriginId": "app" }, { "OriginId": "oac" }] },
            },
        ] },
        "Origins": { "Items": origins_of_terraform() },
        "DefaultCacheBehavior": {
            "TargetOriginId": "both",
            "ViewerProtocolPolicy": "redirect-to-https",
            "CachePolicyId": "",
            "OriginRequestPolicyId": "",
            "AllowedMethods": {
                "Items": ["HEAD", "GET", "OPTIONS"],
                "CachedMethods": { "Items": ["HEAD", "GET", "OPTIONS"] },
            },
            "Compress": false,
            "FieldLevelEncryptionId": "",
            "ForwardedValues": {
                "QueryString": true,
                "QueryStringCacheKeys": { "Items": ["page"] },
                "Headers": { "Items": ["Accept-Language", "X-Own"] },
                "Cookies": { "Forward": "whitelist", "WhitelistedNames": { "Items": ["session"] } },
            },
            "MinTTL": 0,
            "DefaultTTL": 0,
            "MaxTTL": 0,
            "SmoothStreaming": false,
            "TrustedKeyGroups": off,
            "TrustedSigners": off,
        },
    })
}

#[track_caller]
fn refused(edit: impl FnOnce(&mut Value), code: &str, words: &str) {
    let mut config = sent();
    edit(&mut config);
    let fault = read(&config).unwrap_err();
    assert_eq!(fault.code, code, "{fault}");
    assert!(fault.message.contains(words), "{fault}");
}

#[track_caller]
fn origin_refused(name: &str, value: Value, code: &str, words: &str) {
    let edit = |config: &mut Value| config["Origins"]["Items"][0][name] = value;
    refused(edit, code, words);
}

#[track_caller]
fn behavior_refused(name: &str, value: Value, code: &str, words: &str) {
    let edit = |config: &mut Value| config["DefaultCacheBehavior"][name] = value;
    refused(edit, code, words);
}

#[track_caller]
fn part_refused(name: &str, value: Value, code: &str, words: &str) {
    refused(|config| config[name] = value, code, words);
}

#[track_caller]
fn custom_refused(name: &str, value: Value, code: &str, words: &str) {
    let edit = |config: &mut Value| {
        let origin = &mut config["Origins"]["Items"][0];
        origin.as_object_mut().unwrap().remove("S3OriginConfig");
        origin["CustomOriginConfig"] =
            json!({ "HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only" });
        origin["CustomOriginConfig"][name] = value;
    };
    refused(edit, code, words);
}

#[test]
fn parts_that_are_refused() {
    let invalid = "InvalidArgument";
    part_refused(
        "CallerReference",
        json!(""),
        invalid,
        "CallerReference is missing",
    );
    part_refused("CallerReference", json!("r".repeat(129)), invalid, "129");
    part_refused(
        "Comment",
        json!("c".repeat(129)),
        invalid,
        "Comment has 129",
    );
    part_refused("Enabled", Value::Null, invalid, "Enabled");
    part_refused(
        "Aliases",
        json!({ "Items": ["https://x"] }),
        invalid,
        "Aliases",
    );
    part_refused(
        "Aliases",
        json!({ "Items": ["a.b", "A.b"] }),
        invalid,
        "twice",
    );
    let names: Vec<String> = (0..101).map(|n| format!("a{n}.example.com")).collect();
    let names = json!({ "Items": names });
    part_refused(
        "Aliases",
        names,
        "TooManyDistributionCNAMEs",
        "the maximum is 100",
    );
}

#[test]
fn settings_that_are_refused() {
    let invalid = "InvalidArgument";
    part_refused("PriceClass", json!("None"), invalid, "PriceClass");
    part_refused(
        "Logging",
        json!({ "Enabled": true }),
        invalid,
        "Logging/Bucket",
    );
    part_refused(
        "DefaultRootObject",
        json!("/index.html"),
        "InvalidDefaultRootObject",
        "slash",
    );
    part_refused("WebACLId", json!("acl"), "InvalidWebACLId", "WebACLId");
    part_refused("HttpVersion", json!("http3"), invalid, "HttpVersion");
    part_refused("Staging", json!(true), invalid, "Staging");
    part_refused(
        "ConnectionMode",
        json!("tenant-only"),
        invalid,
        "ConnectionMode",
    );
    for name in ["ContinuousDeploymentPolicyId", "AnycastIpListId"] {
        part_refused(name, json!("x"), invalid, name);
    }
    part_refused(
        "TenantConfig",
        json!({ "ParameterDefinitions": [{ "Name": "n" }] }),
        invalid,
        "TenantConfig",
    );
    part_refused(
        "ViewerMtlsConfig",
        json!({ "Mode": "required" }),
        invalid,
        "ViewerMtlsConfig",
    );
    part_refused(
        "CacheTagConfig",
        json!({ "HeaderName": "x" }),
        invalid,
        "CacheTagConfig",
    );
    let function = json!({ "Id": "f" });
    part_refused(
        "ConnectionFunctionAssociation",
        function,
        invalid,
        "ConnectionFunctionAssociation",
    );
}

#[test]
fn restrictions_and_pages_that_are_refused() {
    let geo = "InvalidGeoRestrictionParameter";
    for (kind, countries) in [
        ("none", json!(["BR"])),
        ("whitelist", json!([])),
        ("blacklist", json!(["br"])),
    ] {
        let value = json!({ "GeoRestriction": { "RestrictionType": kind, "Items": countries } });
        part_refused("Restrictions", value, geo, "GeoRestriction/Items");
    }
    let page = |error: Value, code: &str| {
        part_refused(
            "CustomErrorResponses",
            json!({ "Items": [error] }),
            code,
            "CustomErrorResponses",
        );
    };
    page(json!({ "ErrorCode": 402 }), "InvalidErrorCode");
    page(
        json!({ "ErrorCode": 404, "ResponseCode": "200" }),
        "InvalidResponseCode",
    );
    page(
        json!({ "ErrorCode": 404, "ResponsePagePath": "/x" }),
        "InvalidResponseCode",
    );
    page(
        json!({ "ErrorCode": 404, "ResponsePagePath": "/x", "ResponseCode": "302" }),
        "InvalidResponseCode",
    );
    page(
        json!({ "ErrorCode": 404, "ResponsePagePath": "x", "ResponseCode": "200" }),
        "InvalidRelativePath",
    );
    page(
        json!({ "ErrorCode": 404, "ErrorCachingMinTTL": -1 }),
        "InvalidArgument",
    );
    let twice = json!({ "Items": [{ "ErrorCode": 404 }, { "ErrorCode": 404 }] });
    part_refused("CustomErrorResponses", twice, "InvalidErrorCode", "twice");
}

#[test]
fn certificates_that_are_refused() {
    let code = "InvalidViewerCertificate";
    let refused = |value: Value, words: &str| part_refused("ViewerCertificate", value, code, words);
    for method in ["vip", "static-ip"] {
        let value = json!({ "IAMCertificateId": "site", "SSLSupportMethod": method });
        refused(value, "SSLSupportMethod");
    }
    for arn in [
        "site",
        "arn:aws:acm:us-east-1:123456789012:certificate/",
        "arn:aws:acm:us-east-1:999999999999:certificate/site",
        "arn:aws:acm:eu-west-1:123456789012:certificate/site",
    ] {
        refused(json!({ "ACMCertificateArn": arn }), "ACMCertificateArn");
    }
    let arn = "arn:aws:acm:us-east-1:123456789012:certificate/site";
    refused(
        json!({ "ACMCertificateArn": arn, "IAMCertificateId": "x" }),
        "several",
    );
    refused(
        json!({ "ACMCertificateArn": arn, "CloudFrontDefaultCertificate": true }),
        "several",
    );
    refused(
        json!({ "IAMCertificateId": "x", "CloudFrontDefaultCertificate": true }),
        "several",
    );
    refused(
        json!({ "IAMCertificateId": "x", "Certificate": "y", "CertificateSource": "iam" }),
        "several",
    );
}

#[test]
fn origins_that_are_refused() {
    let invalid = "InvalidArgument";
    origin_refused("Id", json!(""), invalid, "Origins/Id");
    origin_refused(
        "DomainName",
        json!("https://getmoto.org"),
        invalid,
        "does not refer to a valid S3 bucket",
    );
    origin_refused("OriginPath", json!("x"), invalid, "OriginPath");
    origin_refused("OriginPath", json!("/x/"), invalid, "OriginPath");
    for attempts in [0, 4] {
        origin_refused(
            "ConnectionAttempts",
            json!(attempts),
            invalid,
            "from 1 to 3",
        );
    }
    origin_refused("ConnectionTimeout", json!(11), invalid, "from 1 to 10");
    origin_refused(
        "OriginShield",
        json!({ "Enabled": true }),
        invalid,
        "OriginShieldRegion",
    );
    origin_refused(
        "VpcOriginConfig",
        json!({ "VpcOriginId": "v" }),
        invalid,
        "VpcOriginConfig",
    );
    origin_refused(
        "ResponseCompletionTimeout",
        json!(30),
        invalid,
        "ResponseCompletionTimeout",
    );
    let control = "IllegalOriginAccessConfiguration";
    origin_refused(
        "OriginAccessControlId",
        json!("EC"),
        control,
        "OriginAccessControlId",
    );
    let identity = json!({ "OriginAccessIdentity": "E4R9SJ1MADL4S" });
    origin_refused(
        "S3OriginConfig",
        identity,
        "InvalidOriginAccessIdentity",
        "OriginAccessIdentity",
    );
}

#[test]
fn too_many_origins_and_headers_are_refused() {
    let invalid = "InvalidArgument";
    let header = |name: &str| json!({ "HeaderName": name, "HeaderValue": "v" });
    let twice = json!({ "Items": [header("X-a"), header("x-A")] });
    origin_refused("CustomHeaders", twice, invalid, "twice");
    let hidden = json!({ "Items": [{ "HeaderName": "x-a", "HeaderValue": HIDDEN }] });
    origin_refused("CustomHeaders", hidden, invalid, "may not read it");
    let many: Vec<Value> = (0..11).map(|n| header(&format!("x-{n}"))).collect();
    let many = json!({ "Items": many });
    origin_refused(
        "CustomHeaders",
        many,
        "TooManyOriginCustomHeaders",
        "the maximum is 10",
    );
    part_refused("Origins", json!({}), invalid, "Origins has no items");
    let twice = |config: &mut Value| {
        let origin = config["Origins"]["Items"][0].clone();
        config["Origins"]["Items"] = json!([origin, origin]);
    };
    refused(twice, invalid, "\"s3\" twice");
    let many = |config: &mut Value| {
        let origin = config["Origins"]["Items"][0].clone();
        config["Origins"]["Items"] = json!(vec![origin; 101]);
    };
    refused(many, "TooManyOrigins", "the maximum is 100");
}

#[test]
fn custom_origins_that_are_refused() {
    let invalid = "InvalidArgument";
    custom_refused("HTTPPort", json!(0), invalid, "HTTPPort");
    custom_refused("HTTPSPort", json!(65_536), invalid, "HTTPSPort");
    custom_refused(
        "OriginSslProtocols",
        json!({ "Items": ["SSLv3"] }),
        invalid,
        "TLSv1.2",
    );
    custom_refused(
        "OriginReadTimeout",
        json!(121),
        "InvalidOriginReadTimeout",
        "OriginReadTimeout",
    );
    let code = "InvalidOriginKeepaliveTimeout";
    custom_refused(
        "OriginKeepaliveTimeout",
        json!(0),
        code,
        "OriginKeepaliveTimeout",
    );
    let mtls = json!({ "ClientCertificateArn": "arn" });
    custom_refused("OriginMtlsConfig", mtls, invalid, "OriginMtlsConfig");
    custom_refused(
        "OriginHttpVersion",
        json!("http2"),
        invalid,
        "OriginHttpVersion",
    );
    let both = |config: &mut Value| {
        config["Origins"]["Items"][0]["CustomOriginConfig"] =
            json!({ "HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only" });
    };
    refused(both, invalid, "CustomOriginConfig");
    let control = |config: &mut Value| {
        both(config);
        let origin = config["Origins"]["Items"][0].as_object_mut().unwrap();
        origin.remove("S3OriginConfig");
        origin.insert("OriginAccessControlId".into(), json!("EC"));
    };
    refused(
        control,
        "InvalidDomainNameForOriginAccessControl",
        "origin access control",
    );
    let neither = |config: &mut Value| {
        let origin = config["Origins"]["Items"][0].as_object_mut().unwrap();
        origin.remove("S3OriginConfig");
    };
    refused(neither, "InvalidOrigin", "S3OriginConfig");
}

#[test]
fn origin_groups_that_are_refused() {
    let known = || {
        let mut groups = sent_by_terraform()["OriginGroups"].clone();
        let member = json!({ "OriginId": "s3" });
        groups["Items"][0]["Members"] = json!({ "Items": [member, member] });
        groups
    };
    let group = |edit: fn(&mut Value), code: &str, words: &str| {
        let mut group = known();
        edit(&mut group["Items"][0]);
        part_refused("OriginGroups", group, code, words);
    };
    let invalid = "InvalidArgument";
    group(|group| group["Id"] = json!(""), invalid, "OriginGroups/Id");
    group(
        |group| group["Members"] = json!({ "Items": [{ "OriginId": "s3" }] }),
        invalid,
        "Members",
    );
    group(
        |group| group["FailoverCriteria"] = json!({ "StatusCodes": {} }),
        invalid,
        "StatusCodes",
    );
    group(
        |group| group["SelectionCriteria"] = json!("media-quality-based"),
        invalid,
        "SelectionCriteria",
    );
    let many = known()["Items"][0].clone();
    let many = json!({ "Items": vec![many; 11] });
    part_refused(
        "OriginGroups",
        many,
        "TooManyOriginGroupsPerDistribution",
        "the maximum is 10",
    );
    // A member that does not exist.
    let group = sent_by_terraform()["OriginGroups"].clone();
    part_refused("OriginGroups", group, "NoSuchOrigin", "app");
}

#[test]
fn a_target_that_is_not_there_comes_before_other_faults() {
    let with_faults = |config: &mut Value| {
        config["Origins"]["Items"][0] = json!({ "Id": "s3", "DomainName": "https://example.com" });
        config["WebACLId"] = json!("acl");
        let behavior = json!({ "TargetOriginId": "other", "ViewerProtocolPolicy": "allow-all" });
        config["DefaultCacheBehavior"] = behavior;
    };
    refused(
        with_faults,
        "NoSuchOrigin",
        "TargetOriginId names \"other\"",
    );
    let without_origins = |config: &mut Value| config["Origins"] = json!({ "Items": [] });
    refused(without_origins, "InvalidArgument", "Origins has no items");
    let without_target = |config: &mut Value| config["DefaultCacheBehavior"] = json!({});
    let missing = "DefaultCacheBehavior/TargetOriginId is missing";
    refused(without_target, "InvalidArgument", missing);
}

#[test]
fn a_bucket_gets_no_host_of_viewers() {
    let values = |headers: Value| json!({ "QueryString": false, "Cookies": { "Forward": "none" }, "Headers": { "Items": headers } });
    let code = "InvalidHeadersForS3Origin";
    for headers in [json!(["*"]), json!(["Origin", "host"])] {
        behavior_refused(
            "ForwardedValues",
            values(headers),
            code,
            "ForwardedValues/Headers",
        );
    }
    let mut config = sent();
    config["DefaultCacheBehavior"]["ForwardedValues"] = values(json!(["Origin"]));
    read(&config).unwrap();
    // A server may get it; a group in which one origin is a bucket may not.
    let mut config = sent_by_terraform();
    config["DefaultCacheBehavior"] = json!({
        "TargetOriginId": "app",
        "ViewerProtocolPolicy": "allow-all",
        "ForwardedValues": values(json!(["*"])),
        "MinTTL": 0,
    });
    read(&config).unwrap();
    config["DefaultCacheBehavior"]["TargetOriginId"] = json!("both");
    assert_eq!(read(&config).unwrap_err().code, code);
}

#[test]
fn behaviors_that_are_refused() {
    let invalid = "InvalidArgument";
    behavior_refused(
        "TargetOriginId",
        json!("other"),
        "NoSuchOrigin",
        "do not exist",
    );
    behavior_refused(
        "ViewerProtocolPolicy",
        json!(""),
        invalid,
        "ViewerProtocolPolicy",
    );
    behavior_refused("SmoothStreaming", json!(true), invalid, "SmoothStreaming");
    let function =
        json!({ "Items": [{ "LambdaFunctionARN": "a", "EventType": "viewer-request" }] });
    let code = "InvalidLambdaFunctionAssociation";
    behavior_refused(
        "LambdaFunctionAssociations",
        function,
        code,
        "LambdaFunctionAssociations",
    );
    let function = json!({ "Items": [{ "FunctionARN": "a", "EventType": "viewer-request" }] });
    behavior_refused(
        "FunctionAssociations",
        function,
        "InvalidFunctionAssociation",
        "FunctionAssociations",
    );
    behavior_refused(
        "FieldLevelEncryptionId",
        json!("f"),
        invalid,
        "FieldLevelEncryptionId",
    );
    behavior_refused(
        "RealtimeLogConfigArn",
        json!("f"),
        invalid,
        "RealtimeLogConfigArn",
    );
    behavior_refused(
        "GrpcConfig",
        json!({ "Enabled": true }),
        invalid,
        "GrpcConfig",
    );
    behavior_refused(
        "AllowedMethods",
        json!({ "Items": ["GET", "PUT"] }),
        invalid,
        "AllowedMethods",
    );
    let methods = json!({ "Items": ["GET", "HEAD"], "CachedMethods": { "Items": ["GET", "HEAD", "OPTIONS"] } });
    behavior_refused("AllowedMethods", methods, invalid, "CachedMethods");
}

#[test]
fn signers_and_lists_of_behaviors_that_are_refused() {
    let invalid = "InvalidArgument";
    // Dropping the list would open the behavior to everybody.
    let signers = json!({ "Enabled": false, "Items": ["self"] });
    behavior_refused("TrustedSigners", signers.clone(), invalid, "TrustedSigners");
    behavior_refused("TrustedKeyGroups", signers, invalid, "TrustedKeyGroups");
    behavior_refused(
        "TrustedSigners",
        json!({ "Enabled": true }),
        invalid,
        "TrustedSigners",
    );
    let many = json!({ "Enabled": true, "Items": ["1", "2", "3", "4", "5", "6"] });
    behavior_refused(
        "TrustedSigners",
        many.clone(),
        "TooManyTrustedSigners",
        "the maximum is 5",
    );
    let code = "TooManyKeyGroupsAssociatedToDistribution";
    behavior_refused("TrustedKeyGroups", many, code, "the maximum is 4");
    let twice = |config: &mut Value| {
        let behavior = config["CacheBehaviors"]["Items"][0].clone();
        config["CacheBehaviors"]["Items"] = json!([behavior, behavior]);
    };
    refused(twice, invalid, "twice");
    let many = |config: &mut Value| {
        let behavior = config["CacheBehaviors"]["Items"][0].clone();
        config["CacheBehaviors"]["Items"] = json!(vec![behavior; 76]);
    };
    refused(many, "TooManyCacheBehaviors", "the maximum is 75");
    refused(
        |config| config["DefaultCacheBehavior"] = Value::Null,
        invalid,
        "TargetOriginId",
    );
}

#[test]
fn cache_settings_that_are_refused() {
    let invalid = "InvalidArgument";
    behavior_refused("CachePolicyId", json!("P"), invalid, "ForwardedValues");
    behavior_refused(
        "OriginRequestPolicyId",
        json!("P"),
        invalid,
        "OriginRequestPolicyId",
    );
    behavior_refused(
        "ForwardedValues",
        json!({}),
        invalid,
        "CachePolicyId is missing",
    );
    let ttl = |config: &mut Value| config["CacheBehaviors"]["Items"][0]["DefaultTTL"] = json!(1);
    refused(ttl, invalid, "DefaultTTL");
    behavior_refused("MinTTL", json!(-1), "InvalidTTLOrder", "MinTTL");
    behavior_refused(
        "MaxTTL",
        json!(3_153_600_001_i64),
        "InvalidTTLOrder",
        "MaxTTL",
    );
    let order = |config: &mut Value| {
        config["DefaultCacheBehavior"]["MinTTL"] = json!(20);
        config["DefaultCacheBehavior"]["MaxTTL"] = json!(10);
    };
    refused(order, "InvalidTTLOrder", "20");
    let values = |value: Value, code: &str, words: &str| {
        let mut all = json!({ "QueryString": false, "Cookies": { "Forward": "none" } });
        all.as_object_mut()
            .unwrap()
            .extend(value.as_object().unwrap().clone());
        behavior_refused("ForwardedValues", all, code, words);
    };
    let names = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("n{n}")).collect();
        json!({ "Items": names })
    };
    let code = "InvalidQueryStringParameters";
    values(
        json!({ "QueryStringCacheKeys": names(1) }),
        code,
        "QueryStringCacheKeys",
    );
    let code = "TooManyQueryStringParameters";
    values(
        json!({ "QueryString": true, "QueryStringCacheKeys": names(11) }),
        code,
        "maximum",
    );
    values(
        json!({ "Headers": names(11) }),
        "TooManyHeadersInForwardedValues",
        "maximum",
    );
    values(
        json!({ "Headers": { "Items": ["*", "x"] } }),
        invalid,
        "stands alone",
    );
    let cookies = json!({ "Cookies": { "Forward": "whitelist", "WhitelistedNames": names(11) } });
    values(cookies, "TooManyCookieNamesInWhiteList", "maximum");
    let cookies = json!({ "Cookies": { "Forward": "all", "WhitelistedNames": names(1) } });
    values(cookies, "InvalidForwardCookies", "WhitelistedNames");
    values(json!({ "Cookies": {} }), "InvalidForwardCookies", "Forward");
}

/// Everything that is sent has to come back, and what was left out is filled in.
#[track_caller]
fn comes_back(sent: &Value, shown: &Value, place: &str) {
    match (sent, shown) {
        (Value::Object(sent), Value::Object(shown)) => {
            for (name, value) in sent {
                let shown = shown.get(name).unwrap_or(&Value::Null);
                comes_back(value, shown, &format!("{place}/{name}"));
            }
        }
        (Value::Array(sent), Value::Array(shown)) if sent.len() == shown.len() => {
            for (position, (sent, shown)) in sent.iter().zip(shown).enumerate() {
                comes_back(sent, shown, &format!("{place}/{position}"));
            }
        }
        (sent, shown) => assert!(is_same(sent, shown), "{place}: {sent} has become {shown}"),
    }
}

#[test]
fn what_is_sent_comes_back() {
    for sent in [sent(), sent_by_terraform()] {
        let document = read(&sent).unwrap();
        let shown = show(&document);
        comes_back(&sent, &shown, "");
        // A client that sends what it has read changes nothing.
        assert_eq!(change(&shown, &document).unwrap(), document);
        assert_eq!(change(&sent, &document).unwrap(), document);
        assert_eq!(show(&read(&shown).unwrap()), shown);
    }
}

#[test]
fn what_is_left_out_is_filled_in() {
    let shown = show(&read(&sent()).unwrap());
    let none = json!({ "Items": [] });
    assert_eq!(shown["OriginGroups"], none);
    assert_eq!(shown["WebACLId"], "");
    assert_eq!(shown["Staging"], false);
    assert_eq!(shown["IsIPV6Enabled"], true);
    assert_eq!(
        shown["Logging"],
        json!({ "Enabled": false, "IncludeCookies": false, "Bucket": "", "Prefix": "" })
    );
    assert_eq!(
        shown["ViewerCertificate"],
        json!({ "CloudFrontDefaultCertificate": true, "MinimumProtocolVersion": "TLSv1", "CertificateSource": "cloudfront" })
    );
    assert_eq!(
        shown["Origins"]["Items"][0],
        json!({
            "Id": "s3",
            "DomainName": "bkt.s3.us-east-1.amazonaws.com",
            "OriginPath": "",
            "CustomHeaders": none,
            "S3OriginConfig": { "OriginAccessIdentity": "origin-access-identity/cloudfront/E4R9SJ1MADL4S" },
            "ConnectionAttempts": 3,
            "ConnectionTimeout": 10,
            "OriginShield": { "Enabled": false },
            "OriginAccessControlId": "",
        })
    );
    assert_eq!(
        shown["DefaultCacheBehavior"],
        json!({
            "TargetOriginId": "s3",
            "TrustedSigners": { "Enabled": true, "Items": ["self", "111122223333"] },
            "TrustedKeyGroups": { "Enabled": false, "Items": [] },
            "ViewerProtocolPolicy": "allow-all",
            "AllowedMethods": { "Items": ["GET", "HEAD"], "CachedMethods": { "Items": ["GET", "HEAD"] } },
            "SmoothStreaming": false,
            "Compress": false,
            "LambdaFunctionAssociations": none,
            "FunctionAssociations": none,
            "FieldLevelEncryptionId": "",
            "ForwardedValues": {
                "QueryString": false,
                "Cookies": { "Forward": "none" },
                "Headers": none,
                "QueryStringCacheKeys": none,
            },
            "MinTTL": 0,
            "DefaultTTL": 86_400,
            "MaxTTL": 31_536_000,
        })
    );
}

#[test]
fn a_document_has_the_keys_of_the_file() {
    let document = read(&sent_by_terraform()).unwrap();
    assert_eq!(
        document["origins"],
        json!([
            {
                "id": "app",
                "url": "http://app.example.com:8080",
                "https_port": 8443,
                "origin_path": "/site",
                "headers": { "X-A": "1", "x-b": "two" },
                "connection_attempts": 2,
                "connect_timeout": 5,
                "response_timeout": 60,
                "keep_alive_timeout": 7,
                "ssl_protocols": ["TLSv1.1", "TLSv1.2"],
                "origin_shield": "us-east-1",
            },
            {
                "id": "oac",
                "bucket_host": "bkt.s3.us-east-1.amazonaws.com",
                "origin_access_control": "EYA1C2QD0KOOZ",
            },
        ])
    );
    assert_eq!(document["certificate"], "site");
    assert_eq!(document["certificate_source"], "acm");
    assert_eq!(document["geo"], json!({ "allow": ["BR", "DE"] }));
    assert_eq!(
        document["default_behavior"]["forwarded_values"],
        json!({
            "query_string": true,
            "query_string_cache_keys": ["page"],
            "headers": ["Accept-Language", "X-Own"],
            "cookies": ["session"],
        })
    );
    assert_eq!(read(&sent()).unwrap()["certificate"], "default");
}

#[test]
fn older_protocols_do_not_matter_to_an_origin_without_tls() {
    let mut config = sent();
    let older = json!({ "Items": ["TLSv1", "SSLv3"] });
    config["Origins"]["Items"] = json!([{
        "Id": "s3",
        "DomainName": "app.example.com",
        "CustomOriginConfig": {
            "HTTPPort": 80,
            "HTTPSPort": 443,
            "OriginProtocolPolicy": "http-only",
            "OriginSslProtocols": older,
        },
    }]);
    let shown = show(&read(&config).unwrap());
    let custom = &shown["Origins"]["Items"][0]["CustomOriginConfig"];
    assert_eq!(custom["OriginSslProtocols"], older);
    for policy in ["match-viewer", "https-only"] {
        let custom = &mut config["Origins"]["Items"][0]["CustomOriginConfig"];
        custom["OriginProtocolPolicy"] = json!(policy);
        assert_eq!(read(&config).unwrap_err().code, "InvalidArgument");
    }
}

#[test]
fn protocols_and_ports_of_custom_origins() {
    let check = |config: Value, expected: Value| {
        let mut all = sent_by_terraform();
        all["Origins"]["Items"][0]["CustomOriginConfig"] = config.clone();
        let document = read(&all).unwrap();
        let mut origin = document["origins"][0].clone();
        origin.as_object_mut().unwrap().retain(|key, _| {
            ["url", "protocol", "http_port", "https_port"].contains(&key.as_str())
        });
        assert_eq!(origin, expected);
        comes_back(
            &config,
            &show(&document)["Origins"]["Items"][0]["CustomOriginConfig"],
            "",
        );
    };
    let config = |http: i64, https: i64, policy: &str| json!({ "HTTPPort": http, "HTTPSPort": https, "OriginProtocolPolicy": policy });
    check(
        config(80, 443, "http-only"),
        json!({ "url": "http://app.example.com" }),
    );
    check(
        config(80, 443, "https-only"),
        json!({ "url": "https://app.example.com" }),
    );
    check(
        config(8080, 8443, "https-only"),
        json!({ "url": "https://app.example.com:8443", "http_port": 8080 }),
    );
    check(
        config(80, 443, "match-viewer"),
        json!({ "url": "http://app.example.com", "protocol": "match-viewer" }),
    );
    check(
        config(8080, 8443, "match-viewer"),
        json!({ "url": "http://app.example.com", "protocol": "match-viewer", "http_port": 8080, "https_port": 8443 }),
    );
}

/// A document that says more than CloudFront's form can.
fn full() -> Value {
    json!({
        "id": "E1",
        "domain_name": "d.example.com",
        "certificate": { "chain": "/c.pem", "key": "/k.pem" },
        "caller_reference": "r",
        "statement_object": true,
        "ignore_port": true,
        "tags": { "a": "b" },
        "origins": [
            { "id": "files", "folder": "/srv" },
            { "id": "bucket", "s3": { "bucket": "b", "endpoint": "http://127.0.0.1:9000" }, "headers": { "x-a": "1" } },
            { "id": "app", "url": "https://app.example.com/", "trusted_roots": "/roots.pem", "connections_max": 5, "connect_timeout": "1500ms" },
        ],
        "behaviors": [
            { "path_pattern": "a/*", "origin": "app", "video": false, "cache_policy": "Managed-CachingDisabled" },
            { "path_pattern": "b/*", "origin": "bucket", "cache_policy": "by-query" },
        ],
        "default_behavior": { "origin": "files", "video": { "object_grant": true }, "trusted_key_groups": ["1", "2", "3", "4", "5"] },
    })
}

#[test]
fn a_document_of_the_file_is_shown_in_the_nearest_form() {
    let shown = show(&full());
    let origins = &shown["Origins"]["Items"];
    assert_eq!(origins[0]["DomainName"], "folder.privet.invalid");
    assert_eq!(
        origins[0]["S3OriginConfig"],
        json!({ "OriginAccessIdentity": "" })
    );
    assert_eq!(origins[1]["DomainName"], "b.bucket.privet.invalid");
    assert_eq!(origins[2]["DomainName"], "app.example.com");
    assert_eq!(origins[2]["ConnectionTimeout"], 2);
    let behaviors = &shown["CacheBehaviors"]["Items"];
    assert_eq!(
        behaviors[0]["CachePolicyId"],
        "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    );
    assert_eq!(behaviors[1]["CachePolicyId"], "P1");
    let default = &shown["DefaultCacheBehavior"];
    assert_eq!(
        default["CachePolicyId"],
        "658327ea-f89d-4fab-a63d-7e88639e58f6"
    );
    assert_eq!(
        shown["ViewerCertificate"]["CloudFrontDefaultCertificate"],
        true
    );
    // Sent back as it was read, it changes nothing, though it has more key groups than are taken.
    assert_eq!(change(&shown, &full()).unwrap(), full());
}

#[test]
fn what_the_form_cannot_say_is_kept() {
    let mut config = show(&full());
    config["Comment"] = json!("new");
    config["ViewerCertificate"]["MinimumProtocolVersion"] = json!("TLSv1.2_2021");
    config["Origins"]["Items"][0]["OriginPath"] = json!("/sub");
    config["Origins"]["Items"][1]["ConnectionAttempts"] = json!(1);
    config["Origins"]["Items"][2]["DomainName"] = json!("new.example.com");
    config["CacheBehaviors"]["Items"][0]["Compress"] = json!(true);
    let mut expected = full();
    expected["comment"] = json!("new");
    expected["minimum_protocol_version"] = json!("TLSv1.2_2021");
    expected["origins"][0]["origin_path"] = json!("/sub");
    expected["origins"][1]["connection_attempts"] = json!(1);
    let changed = change(&config, &full()).unwrap();
    let origin = &changed["origins"][2];
    assert_eq!(origin["url"], "https://new.example.com");
    assert_eq!(origin["trusted_roots"], "/roots.pem");
    assert_eq!(origin["connections_max"], 5);
    expected["origins"][2] = origin.clone();
    let behavior = &changed["behaviors"][0];
    assert_eq!(behavior["video"], false);
    assert_eq!(behavior["compress"], true);
    expected["behaviors"][0] = behavior.clone();
    assert_eq!(changed, expected);
}

#[test]
fn what_the_form_cannot_say_is_not_changed() {
    let refused = |position: usize, name: &str, value: Value| {
        let mut config = show(&full());
        config["Origins"]["Items"][position][name] = value;
        let fault = change(&config, &full()).unwrap_err();
        assert_eq!(fault.code, "InvalidArgument");
        assert!(fault.message.contains("cannot be changed"), "{fault}");
    };
    refused(0, "DomainName", json!("b.s3.amazonaws.com"));
    refused(0, "ConnectionAttempts", json!(1));
    refused(
        0,
        "S3OriginConfig",
        json!({ "OriginAccessIdentity": "origin-access-identity/cloudfront/E" }),
    );
    refused(
        0,
        "CustomHeaders",
        json!({ "Items": [{ "HeaderName": "x", "HeaderValue": "y" }] }),
    );
    refused(1, "DomainName", json!("b.s3.amazonaws.com"));
    refused(1, "OriginAccessControlId", json!("EC"));
    refused(
        1,
        "S3OriginConfig",
        json!({ "OriginAccessIdentity": "origin-access-identity/cloudfront/E" }),
    );
}

#[test]
fn the_reference_is_not_changed() {
    let mut config = show(&full());
    config["CallerReference"] = json!("other");
    assert_eq!(change(&config, &full()).unwrap_err().code, "IllegalUpdate");
}

#[test]
fn what_the_client_leaves_out_goes() {
    let mut config = show(&full());
    config["CacheBehaviors"]["Items"] = json!([config["CacheBehaviors"]["Items"][0]]);
    config["Origins"]["Items"] =
        json!([config["Origins"]["Items"][2], config["Origins"]["Items"][0]]);
    let changed = change(&config, &full()).unwrap();
    let ids = |key: &str, name: &str| -> Vec<String> {
        let items = changed[key].as_array().unwrap().iter();
        items
            .map(|item| item[name].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids("origins", "id"), ["app", "files"]);
    assert_eq!(ids("behaviors", "path_pattern"), ["a/*"]);
    // An origin that is still named has to be there.
    config["Origins"]["Items"] = json!([config["Origins"]["Items"][0]]);
    assert_eq!(change(&config, &full()).unwrap_err().code, "NoSuchOrigin");
    config["CacheBehaviors"] = Value::Null;
    config["DefaultCacheBehavior"]["TargetOriginId"] = json!("app");
    config["DefaultCacheBehavior"]["TrustedKeyGroups"]["Items"] = json!(["1"]);
    let changed = change(&config, &full()).unwrap();
    assert_eq!(changed.get("behaviors"), None);
    assert_eq!(
        changed["default_behavior"]["video"],
        json!({ "object_grant": true })
    );
}

#[test]
fn headers_that_do_not_change_stay_sealed() {
    let clear = read(&sent_by_terraform()).unwrap();
    let mut sealed = clear.clone();
    sealed["origins"][0]["headers"] =
        json!({ "X-A": { "sealed": "s1" }, "x-b": { "sealed": "s2" } });
    let shown = show(&sealed);
    let headers = &shown["Origins"]["Items"][0]["CustomHeaders"]["Items"];
    assert_eq!(
        headers[0],
        json!({ "HeaderName": "X-A", "HeaderValue": HIDDEN })
    );
    let mut config = show(&clear);
    let present = Present {
        sealed: &sealed,
        clear: &clear,
    };
    let change = |config: &Value| {
        with_context(|context| read_config(config, Some(present), context)).map(Value::Object)
    };
    assert_eq!(change(&config).unwrap(), sealed);
    config["Origins"]["Items"][0]["CustomHeaders"]["Items"][1]["HeaderValue"] = json!("three");
    let changed = change(&config).unwrap();
    assert_eq!(
        changed["origins"][0]["headers"],
        json!({ "X-A": { "sealed": "s1" }, "x-b": "three" })
    );
}

#[test]
fn certificates_come_back() {
    let check = |certificate: Value, expected: [Value; 2]| {
        let mut config = sent();
        config["ViewerCertificate"] = certificate.clone();
        let document = read(&config).unwrap();
        assert_eq!(
            [&document["certificate"], &document["certificate_source"]],
            [&expected[0], &expected[1]]
        );
        comes_back(&certificate, &show(&document)["ViewerCertificate"], "");
    };
    let arn = "arn:aws:acm:us-east-1:123456789012:certificate/site";
    check(
        json!({ "IAMCertificateId": "site", "SSLSupportMethod": "sni-only" }),
        [json!("site"), json!("iam")],
    );
    check(
        json!({ "Certificate": "site", "CertificateSource": "iam" }),
        [json!("site"), json!("iam")],
    );
    check(
        json!({ "Certificate": arn, "CertificateSource": "acm", "ACMCertificateArn": arn }),
        [json!("site"), json!("acm")],
    );
    check(json!({}), [json!("default"), json!("cloudfront")]);
    // A certificate that a file names without a source is one of ACM.
    let mut document = read(&sent()).unwrap();
    document["certificate"] = json!("site");
    document
        .as_object_mut()
        .unwrap()
        .remove("certificate_source");
    assert_eq!(
        show(&document)["ViewerCertificate"]["ACMCertificateArn"],
        arn
    );
}
