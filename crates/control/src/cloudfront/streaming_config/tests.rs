use super::*;
use privet_distribution::config::ApiLimits;
use std::collections::BTreeMap;

/// As aws-cli sends it.
fn sent() -> Value {
    json!({
        "CallerReference": "sd1",
        "S3Origin": {
            "DomainName": "bkt.s3.amazonaws.com",
            "OriginAccessIdentity": "origin-access-identity/cloudfront/E4R9SJ1MADL4S",
        },
        "Aliases": {},
        "Comment": "rtmp",
        "TrustedSigners": { "Enabled": true, "Items": ["self"] },
        "Enabled": true,
        "Logging": { "Enabled": false, "Bucket": "", "Prefix": "" },
        "PriceClass": "PriceClass_All",
    })
}

fn read(config: &Value, present: Option<&Value>) -> Result<Value, ConfigFault> {
    let policies = BTreeMap::new();
    let context = ConfigContext {
        account: "123456789012",
        default_certificate: None,
        policies: &policies,
        limits: &ApiLimits::default(),
    };
    let present = present.map(|present| Present {
        sealed: present,
        clear: present,
    });
    read_streaming_config(config, present, &context).map(Value::Object)
}

#[track_caller]
fn refused(change: impl FnOnce(&mut Value), code: &str, words: &str) {
    let mut config = sent();
    change(&mut config);
    let fault = read(&config, None).unwrap_err();
    assert_eq!(fault.code, code, "{fault}");
    assert!(fault.message.contains(words), "{fault}");
}

#[test]
fn what_is_refused() {
    refused(
        |config| config["CallerReference"] = json!(""),
        "InvalidArgument",
        "CallerReference",
    );
    refused(
        |config| config["PriceClass"] = json!("None"),
        "InvalidArgument",
        "PriceClass",
    );
    let host = |config: &mut Value| config["S3Origin"]["DomainName"] = json!("https://x");
    refused(host, "InvalidArgument", "S3Origin/DomainName");
    for bad in [
        "E4R9",
        "origin-access-identity/cloudfront/",
        "origin-access-identity/cloudfront/a/b",
    ] {
        let identity = |config: &mut Value| config["S3Origin"]["OriginAccessIdentity"] = json!(bad);
        refused(
            identity,
            "InvalidOriginAccessIdentity",
            "OriginAccessIdentity",
        );
    }
    let closed = |config: &mut Value| config["TrustedSigners"]["Enabled"] = json!(false);
    refused(closed, "InvalidArgument", "TrustedSigners");
    let none = |config: &mut Value| config["TrustedSigners"] = json!({ "Enabled": true });
    refused(none, "InvalidArgument", "TrustedSigners");
    let many = json!({ "Enabled": true, "Items": ["1", "2", "3", "4", "5", "6"] });
    let many = |config: &mut Value| config["TrustedSigners"] = many;
    refused(many, "TooManyTrustedSigners", "the maximum is 5");
    let names: Vec<String> = (0..101).map(|n| format!("a{n}.example.com")).collect();
    let aliases = |config: &mut Value| config["Aliases"] = json!({ "Items": names });
    refused(
        aliases,
        "TooManyStreamingDistributionCNAMEs",
        "the maximum is 100",
    );
    let logging = |config: &mut Value| config["Logging"]["Enabled"] = json!(true);
    refused(logging, "InvalidArgument", "Logging/Bucket");
}

#[test]
fn a_configuration_comes_back_as_it_was_sent() {
    let document = read(&sent(), None).unwrap();
    assert_eq!(
        document,
        json!({
            "caller_reference": "sd1",
            "comment": "rtmp",
            "enabled": true,
            "price_class": "PriceClass_All",
            "trusted_signers": ["self"],
            "origin": {
                "id": "videos",
                "bucket_host": "bkt.s3.amazonaws.com",
                "origin_access_identity": "E4R9SJ1MADL4S",
            },
        })
    );
    let shown = show_streaming_config(&document);
    let mut expected = sent();
    expected["Aliases"] = json!({ "Items": [] });
    assert_eq!(shown, expected);
    assert_eq!(read(&shown, Some(&document)).unwrap(), document);
}

#[test]
fn logging_and_host_names_come_back() {
    let mut config = sent();
    config["Aliases"] = json!({ "Items": ["b.example.com", "*.a.example.com"] });
    config["Logging"] =
        json!({ "Enabled": true, "Bucket": "logs.s3.amazonaws.com", "Prefix": "x/" });
    config["Enabled"] = json!(false);
    let document = read(&config, None).unwrap();
    assert_eq!(show_streaming_config(&document), config);
}

/// A document that says more than CloudFront's form can.
fn full() -> Value {
    json!({
        "id": "E1",
        "domain_name": "d.example.com",
        "distribution": "EDIST",
        "trusted_key_groups": ["G1"],
        "statement_object": true,
        "certificate": { "chain": "/c.pem", "key": "/k.pem" },
    })
}

#[test]
fn what_the_form_cannot_say_is_kept() {
    let mut config = show_streaming_config(&full());
    assert_eq!(
        config["S3Origin"]["DomainName"],
        "edist.distribution.privet.invalid"
    );
    config["Comment"] = json!("new");
    // Its id stands for the reference that it was not made with.
    assert_eq!(config["CallerReference"], "E1");
    let mut expected = full();
    expected["comment"] = json!("new");
    assert_eq!(read(&config, Some(&full())).unwrap(), expected);
    config["S3Origin"]["DomainName"] = json!("b.s3.amazonaws.com");
    let fault = read(&config, Some(&full())).unwrap_err();
    assert!(
        fault.message.starts_with("S3Origin cannot be changed"),
        "{fault}"
    );
}

#[test]
fn the_reference_is_not_changed() {
    let mut config = show_streaming_config(&full());
    config["CallerReference"] = json!("other");
    assert_eq!(
        read(&config, Some(&full())).unwrap_err().code,
        "IllegalUpdate"
    );
}

#[test]
fn an_identity_takes_the_place_of_a_control() {
    let mut present = read(&sent(), None).unwrap();
    present["origin"] = json!({ "id": "o", "bucket_host": "b.s3.amazonaws.com", "origin_access_control": "EC", "paths": "literal" });
    let mut config = show_streaming_config(&present);
    assert_eq!(config["S3Origin"]["OriginAccessIdentity"], "");
    config["S3Origin"]["DomainName"] = json!("c.s3.amazonaws.com");
    let changed = read(&config, Some(&present)).unwrap();
    assert_eq!(
        changed["origin"],
        json!({ "id": "o", "bucket_host": "c.s3.amazonaws.com", "origin_access_control": "EC", "paths": "literal" })
    );
    config["S3Origin"]["OriginAccessIdentity"] = json!("origin-access-identity/cloudfront/EI");
    let changed = read(&config, Some(&present)).unwrap();
    assert_eq!(
        changed["origin"],
        json!({ "id": "o", "bucket_host": "c.s3.amazonaws.com", "origin_access_identity": "EI", "paths": "literal" })
    );
}
