//! Bodies of boto 2 are read and written in its form, and what it cannot say stays.

use super::*;
use crate::cloudfront::config_parts::{ConfigContext, Present};
use crate::cloudfront::distribution_config::{read_config, show_config};
use crate::cloudfront::streaming_config::{read_streaming_config, show_streaming_config};
use crate::cloudfront::xml::Fault;
use privet_distribution::config::ApiLimits;
use std::collections::BTreeMap;

const DISTRIBUTION: &str = "DistributionConfig";
const STREAMING: &str = "StreamingDistributionConfig";
const BATCH: &str = "InvalidationBatch";

/// Members of a distribution as `DistributionConfig.to_xml` writes them.
const SENT: &str = "
  <S3Origin>
    <DNSName>bkt.s3.amazonaws.com</DNSName>
    <OriginAccessIdentity>origin-access-identity/cloudfront/E1</OriginAccessIdentity>
  </S3Origin>
  <CallerReference>r</CallerReference>
  <CNAME>a.example.com</CNAME>
  <CNAME>b.example.com</CNAME>
  <Comment>x &amp; y</Comment>
  <Enabled>true</Enabled>
<TrustedSigners>
  <Self></Self>
  <AwsAccountNumber>111122223333</AwsAccountNumber>
</TrustedSigners>
<Logging>
  <Bucket>logs.s3.amazonaws.com</Bucket>
  <Prefix>p/</Prefix>
</Logging>
<DefaultRootObject>index.html</DefaultRootObject>
";

fn body(root: &str, members: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <{root} xmlns=\"http://cloudfront.amazonaws.com/doc/2010-07-15/\">{members}</{root}>\n"
    )
}

fn read_members(root: &'static str, members: &str) -> Result<Value, Fault> {
    read(body(root, members).as_bytes(), root)
}

fn distribution(members: &str) -> Value {
    read_members(DISTRIBUTION, members).unwrap()
}

#[track_caller]
fn refused(root: &'static str, members: &str, expected: &str) {
    match read_members(root, members) {
        Err(fault) => assert_eq!(fault.to_string(), expected, "{members}"),
        Ok(value) => panic!("{members}: {value}"),
    }
}

/// Puts a text of the distribution that is sent in the place of another.
#[track_caller]
fn edit_refused(from: &str, to: &str, expected: &str) {
    assert!(SENT.contains(from), "{from}");
    refused(DISTRIBUTION, &SENT.replacen(from, to, 1), expected);
}

#[test]
fn configurations_that_are_refused() {
    let missing = |name: &str| format!("{DISTRIBUTION}/{name} is missing");
    let unknown =
        |name: &str| format!("{DISTRIBUTION}/{name} is not a member in this version of the API");
    let twice = |name: &str| format!("{DISTRIBUTION}/{name} is there twice");
    refused(DISTRIBUTION, "", &missing("CallerReference"));
    edit_refused(
        "<CallerReference>r<",
        "<CallerReference><",
        &missing("CallerReference"),
    );
    edit_refused("<Enabled>true</Enabled>", "", &missing("Enabled"));
    let form = format!("{DISTRIBUTION}/Enabled is not true or false");
    edit_refused("<Enabled>true", "<Enabled>yes", &form);
    edit_refused("a.example.com", "", &missing("CNAME"));
    edit_refused("a.example.com", "<a/>", &unknown("CNAME/a"));
    edit_refused("<Comment>", "<Comment/><Comment>", &twice("Comment"));
    edit_refused(
        "<Bucket>logs.s3.amazonaws.com</Bucket>",
        "",
        &missing("Logging/Bucket"),
    );
    edit_refused(
        "<Bucket>",
        "<Enabled>false</Enabled><Bucket>",
        &unknown("Logging/Enabled"),
    );
    let text = format!("{DISTRIBUTION} has text beside its members");
    edit_refused("<Comment>", "x<Comment>", &text);
    let text = format!("{DISTRIBUTION}/TrustedSigners/Self has text beside its members");
    edit_refused("<Self>", "<Self>me", &text);
    let signers = "<AwsAccountNumber>111122223333</AwsAccountNumber>";
    edit_refused(signers, "<Self/>", &twice("TrustedSigners/Self"));
    let number = "TrustedSigners/AwsAccountNumber";
    edit_refused(signers, "<AwsAccountNumber/>", &missing(number));
    edit_refused(
        signers,
        "<KeyGroup>K</KeyGroup>",
        &unknown("TrustedSigners/KeyGroup"),
    );
    let all = "\n  <Self></Self>\n  <AwsAccountNumber>111122223333</AwsAccountNumber>\n";
    // Nobody means by this that everybody may see the content.
    edit_refused(all, "", &missing("TrustedSigners/Self"));
    edit_refused(
        "<Self></Self>",
        "111122223333",
        &format!("{DISTRIBUTION}/TrustedSigners has text beside its members"),
    );
}

#[test]
fn origins_that_are_refused() {
    let place = |name: &str, fault: &str| format!("{DISTRIBUTION}/{name} {fault}");
    let others = "<CallerReference>r</CallerReference><Enabled>true</Enabled>";
    let check = |origin: &str, expected: &str| {
        refused(DISTRIBUTION, &format!("{origin}{others}"), expected);
    };
    let bucket = "<S3Origin><DNSName>b</DNSName></S3Origin>";
    let server = "<CustomOrigin><DNSName>b</DNSName><OriginProtocolPolicy>http-only</OriginProtocolPolicy></CustomOrigin>";
    check("", &place("S3Origin", "is missing"));
    check("<S3Origin/>", &place("S3Origin/DNSName", "is missing"));
    check(
        &format!("{bucket}{bucket}"),
        &place("S3Origin", "is there twice"),
    );
    check(
        &format!("{bucket}{server}"),
        "the body has two origins, which is not taken",
    );
    let words = place(
        "CustomOrigin/OriginProtocolPolicy",
        "is not one of http-only, https-only, match-viewer",
    );
    // boto 2 writes the name of Python's nothing.
    check(&server.replace("http-only", "None"), &words);
    let port = server.replace("</DNSName>", "</DNSName><HTTPPort>80x</HTTPPort>");
    check(&port, &place("CustomOrigin/HTTPPort", "is not an integer"));
    refused(
        STREAMING,
        &format!("{server}{others}"),
        "StreamingDistributionConfig/CustomOrigin is not a member in this version of the API",
    );
    refused(
        STREAMING,
        others,
        "StreamingDistributionConfig/S3Origin is missing",
    );
}

#[test]
fn bodies_of_later_versions_are_refused() {
    let unknown = |name: &str| format!("{name} is not a member in this version of the API");
    let origin = "<DomainName>bkt.s3.amazonaws.com</DomainName>";
    edit_refused(
        "<DNSName>bkt.s3.amazonaws.com</DNSName>",
        origin,
        &unknown("DistributionConfig/S3Origin/DomainName"),
    );
    let aliases = "<Aliases><Quantity>0</Quantity></Aliases><Comment>";
    edit_refused("<Comment>", aliases, &unknown("DistributionConfig/Aliases"));
    let quantity = "<Enabled>true</Enabled><Quantity>1</Quantity>";
    edit_refused(
        "<Self></Self>",
        quantity,
        &unknown("DistributionConfig/TrustedSigners/Enabled"),
    );
    let paths = "<CallerReference>r</CallerReference><Paths><Quantity>0</Quantity></Paths>";
    refused(BATCH, paths, &unknown("InvalidationBatch/Paths"));
    let check = |namespace: &str, expected: Result<(), &str>| {
        let root = "CloudFrontOriginAccessIdentityConfig";
        let body = format!("<{root}{namespace}><CallerReference>r</CallerReference></{root}>");
        let read = read(body.as_bytes(), root).map(|_| ());
        let read = read.map_err(|fault| fault.to_string());
        assert_eq!(read, expected.map_err(str::to_owned), "{namespace}");
    };
    let other = "the body has the namespace of another version, which is not taken";
    for (date, expected) in [
        ("2020-05-31", Err(other)),
        ("2012-03-15", Err(other)),
        ("", Err(other)),
        ("2010-11-01x", Err(other)),
        ("2010-11-01", Ok(())),
        ("2009-09-09", Ok(())),
    ] {
        let namespace = format!(" xmlns=\"http://cloudfront.amazonaws.com/doc/{date}/\"");
        check(&namespace, expected);
    }
    check(" xmlns=\"urn:other\"", Err(other));
    check("", Ok(()));
}

#[test]
fn a_distribution_is_read_with_the_defaults_of_its_time() {
    let expected = json!({
        "CallerReference": "r",
        "Comment": "x & y",
        "Aliases": { "Items": ["a.example.com", "b.example.com"] },
        "Enabled": true,
        "DefaultRootObject": "index.html",
        "Logging": {
            "Enabled": true,
            "IncludeCookies": false,
            "Bucket": "logs.s3.amazonaws.com",
            "Prefix": "p/",
        },
        "Origins": { "Items": [{
            "Id": "origin",
            "DomainName": "bkt.s3.amazonaws.com",
            "S3OriginConfig": { "OriginAccessIdentity": "origin-access-identity/cloudfront/E1" },
        }] },
        "DefaultCacheBehavior": {
            "TargetOriginId": "origin",
            "TrustedSigners": { "Enabled": true, "Items": ["self", "111122223333"] },
            "ViewerProtocolPolicy": "allow-all",
            "ForwardedValues": { "QueryString": false, "Cookies": { "Forward": "none" } },
            "MinTTL": 0,
        },
    });
    assert_eq!(distribution(SENT), expected);
    let server = "<CustomOrigin><DNSName>s.example.com</DNSName><HTTPPort>8080</HTTPPort>\
                  <OriginProtocolPolicy>match-viewer</OriginProtocolPolicy></CustomOrigin>\
                  <CallerReference>r</CallerReference><Enabled>false</Enabled>";
    let read = distribution(server);
    let origin = json!({
        "Id": "origin",
        "DomainName": "s.example.com",
        "CustomOriginConfig": {
            "HTTPPort": 8080,
            "HTTPSPort": 443,
            "OriginProtocolPolicy": "match-viewer",
        },
    });
    assert_eq!(read["Origins"]["Items"][0], origin);
    let signers = &read["DefaultCacheBehavior"]["TrustedSigners"];
    assert_eq!(signers, &json!({ "Enabled": false, "Items": [] }));
}

/// Reads what is written again.
#[track_caller]
fn comes_back(value: &Value, root: &'static str) {
    let written = write(value, root);
    assert_eq!(
        read(written.as_bytes(), root).as_ref(),
        Ok(value),
        "{written}"
    );
}

#[test]
fn what_is_written_is_read_as_the_same() {
    comes_back(&distribution(SENT), DISTRIBUTION);
    let streaming = SENT.replace("<DefaultRootObject>index.html</DefaultRootObject>", "");
    comes_back(&read_members(STREAMING, &streaming).unwrap(), STREAMING);
    let batch = "<Path>/a</Path><Path>/b%20*</Path><CallerReference>r</CallerReference>";
    comes_back(&read_members(BATCH, batch).unwrap(), BATCH);
    let identity = "CloudFrontOriginAccessIdentityConfig";
    let members = "<CallerReference>r</CallerReference><Comment>&lt;c&gt;</Comment>";
    comes_back(&read_members(identity, members).unwrap(), identity);
}

#[track_caller]
fn check_written(value: &Value, root: &str, expected: &str) {
    let begin =
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"{NAMESPACE}\">");
    assert_eq!(write(value, root), format!("{begin}{expected}</{root}>"));
}

#[test]
fn answers_have_neither_quantities_nor_words_of_later_versions() {
    let whole = json!({
        "Id": "E1", "ARN": "arn:x", "Status": "Deployed", "LastModifiedTime": "t", "DomainName": "d.example",
        "InProgressInvalidationBatches": 2,
        "ActiveTrustedSigners": { "Enabled": true, "Items": [
            { "AwsAccountNumber": "self", "KeyPairIds": { "Items": ["APKA1", "APKA2"] } },
            { "AwsAccountNumber": "other", "KeyPairIds": { "Items": [] } },
        ] },
        "ActiveTrustedKeyGroups": { "Enabled": true, "Items": [] },
        "DistributionConfig": shown(&full()),
    });
    check_written(
        &whole,
        "Distribution",
        "<Id>E1</Id><Status>Deployed</Status><LastModifiedTime>t</LastModifiedTime>\
         <InProgressInvalidationBatches>2</InProgressInvalidationBatches><DomainName>d.example</DomainName>\
         <ActiveTrustedSigners><Signer><Self/><KeyPairId>APKA1</KeyPairId><KeyPairId>APKA2</KeyPairId></Signer>\
         <Signer><AwsAccountNumber>other</AwsAccountNumber></Signer></ActiveTrustedSigners>\
         <DistributionConfig><S3Origin><DNSName>bkt.s3.amazonaws.com</DNSName>\
         <OriginAccessIdentity>origin-access-identity/cloudfront/E1</OriginAccessIdentity></S3Origin>\
         <CallerReference>r</CallerReference><CNAME>a.example.com</CNAME><Comment></Comment><Enabled>true</Enabled>\
         <DefaultRootObject>index.html</DefaultRootObject>\
         <Logging><Bucket>logs</Bucket><Prefix></Prefix></Logging>\
         <TrustedSigners><Self/></TrustedSigners></DistributionConfig>",
    );
    let list = json!({
        "Marker": "", "NextMarker": "E1", "MaxItems": 1, "IsTruncated": true,
        "Items": [{ "Id": "E1", "Status": "Completed", "CreateTime": "t" }],
    });
    check_written(
        &list,
        "InvalidationList",
        "<Marker></Marker><NextMarker>E1</NextMarker><MaxItems>1</MaxItems><IsTruncated>true</IsTruncated>\
         <InvalidationSummary><Id>E1</Id><Status>Completed</Status></InvalidationSummary>",
    );
    let list = json!({
        "Marker": "", "MaxItems": 100, "IsTruncated": false, "NextMarker": null,
        "Items": [{
            "Id": "E2", "Status": "Deployed", "LastModifiedTime": "t", "DomainName": "s.example", "Comment": "c",
            "S3Origin": { "DomainName": "b", "OriginAccessIdentity": "" },
            "Enabled": false,
            "Aliases": { "Items": ["a"] },
            "TrustedSigners": { "Enabled": false, "Items": [] },
        }],
    });
    check_written(
        &list,
        "StreamingDistributionList",
        "<Marker></Marker><MaxItems>100</MaxItems><IsTruncated>false</IsTruncated>\
         <StreamingDistributionSummary><Id>E2</Id><Status>Deployed</Status><LastModifiedTime>t</LastModifiedTime>\
         <DomainName>s.example</DomainName><S3Origin><DNSName>b</DNSName></S3Origin><CNAME>a</CNAME>\
         <Comment>c</Comment><Enabled>false</Enabled></StreamingDistributionSummary>",
    );
}

/// A document that says much for which this version has no words.
fn full() -> Value {
    json!({
        "id": "E1",
        "caller_reference": "r",
        "domain_name": "d.example",
        "aliases": ["a.example.com"],
        "default_root_object": "index.html",
        "price_class": "PriceClass_100",
        "logging": { "bucket": "logs", "include_cookies": true },
        "origins": [
            {
                "id": "films",
                "bucket_host": "bkt.s3.amazonaws.com",
                "origin_access_identity": "E1",
                "origin_path": "/films",
                "response_timeout": "60s",
            },
            { "id": "other", "url": "https://s.example.com:8443", "connection_attempts": 1 },
        ],
        "default_behavior": {
            "origin": "films",
            "trusted_signers": ["self"],
            "trusted_key_groups": ["viewers"],
            "compress": true,
            "viewer_protocol_policy": "https-only",
        },
        "behaviors": [{ "path_pattern": "open/*", "origin": "other" }],
        "video": { "hls": true },
    })
}

fn with_context<T>(act: impl FnOnce(&ConfigContext<'_>) -> T) -> T {
    let policies = BTreeMap::new();
    act(&ConfigContext {
        account: "123456789012",
        default_certificate: None,
        policies: &policies,
        limits: &ApiLimits::default(),
    })
}

fn shown(document: &Value) -> Value {
    with_context(|context| show_config(document, context))
}

/// Returns the document after an update with a configuration that boto 2 has read, changed by `edit`, and sent.
fn updated(document: &Value, edit: impl FnOnce(String) -> String) -> Result<Value, String> {
    let present = shown(document);
    let sent = edit(write(&present, DISTRIBUTION));
    let mut config = read(sent.as_bytes(), DISTRIBUTION).unwrap();
    complete(&mut config, &present, DISTRIBUTION).map_err(|fault| fault.message)?;
    let present = Present {
        sealed: document,
        clear: document,
    };
    let document = with_context(|context| read_config(&config, Some(present), context));
    document.map(Value::Object).map_err(|fault| fault.message)
}

#[test]
fn what_it_has_no_words_for_stays() {
    assert_eq!(updated(&full(), |sent| sent), Ok(full()));
    let mut disabled = full();
    disabled["enabled"] = json!(false);
    let edit = |sent: String| sent.replace("<Enabled>true", "<Enabled>false");
    assert_eq!(updated(&full(), edit), Ok(disabled));
    // What it can say, and does not, goes; key groups go on to keep the content private.
    let edit = |sent: String| {
        let (begin, _) = sent.split_once("<CNAME>").unwrap();
        format!("{begin}<Enabled>true</Enabled></DistributionConfig>")
    };
    let changed = updated(&full(), edit).unwrap();
    let behavior = &changed["default_behavior"];
    assert_eq!(behavior.get("trusted_signers"), None);
    assert_eq!(behavior["trusted_key_groups"], json!(["viewers"]));
    assert_eq!(behavior["viewer_protocol_policy"], "https-only");
    for key in ["aliases", "logging", "default_root_object"] {
        assert_eq!(changed.get(key), None, "{key}");
    }
    for key in ["behaviors", "origins", "video", "price_class"] {
        assert_eq!(changed[key], full()[key], "{key}");
    }
    let edit = |sent: String| sent.replace("<Bucket>logs", "<Bucket>more");
    let logging = json!({ "bucket": "more", "include_cookies": true });
    assert_eq!(updated(&full(), edit).unwrap()["logging"], logging);
}

#[test]
fn another_origin_takes_the_place_of_the_first() {
    let edit = |sent: String| {
        let sent = sent.replace("bkt.s3", "new.s3");
        sent.replace("cloudfront/E1<", "cloudfront/E2<")
    };
    let changed = updated(&full(), edit).unwrap();
    let mut origin = full()["origins"][0].clone();
    origin["bucket_host"] = json!("new.s3.amazonaws.com");
    origin["origin_access_identity"] = json!("E2");
    // The other settings of an origin that is changed are those that were shown.
    origin["response_timeout"] = json!(60);
    origin["connect_timeout"] = json!(10);
    origin["connection_attempts"] = json!(3);
    assert_eq!(changed["origins"][0], origin);
    assert_eq!(changed["origins"][1], full()["origins"][1]);
    let server = "<CustomOrigin><DNSName>t.example.com</DNSName>\
                  <OriginProtocolPolicy>http-only</OriginProtocolPolicy></CustomOrigin>";
    let edit = |sent: String| {
        let (begin, rest) = sent.split_once("<S3Origin>").unwrap();
        let (_, end) = rest.split_once("</S3Origin>").unwrap();
        format!("{begin}{server}{end}")
    };
    let changed = updated(&full(), edit).unwrap();
    let origin = &changed["origins"][0];
    assert_eq!(origin.get("bucket_host"), None, "{origin}");
    assert_eq!(origin["origin_path"], "/films");
    assert!(origin["url"].as_str().unwrap().contains("t.example.com"));
    let mut grouped = full();
    grouped["origin_groups"] =
        json!([{ "id": "both", "origins": ["films", "other"], "failover_statuses": [500] }]);
    grouped["default_behavior"]["origin"] = json!("both");
    assert_eq!(updated(&grouped, |sent| sent), Ok(grouped.clone()));
    let edit = |sent: String| sent.replace("bkt.s3", "new.s3");
    let refused = updated(&grouped, edit).unwrap_err();
    assert!(refused.contains("group of origins"), "{refused}");
    // Its headers are told to no other host by a client that does not see them.
    let mut with_header = full();
    with_header["origins"][0]["headers"] = json!({ "X-Origin": "secret" });
    let refused = updated(&with_header, edit).unwrap_err();
    assert!(refused.contains("custom headers"), "{refused}");
    let edit = |sent: String| sent.replace("cloudfront/E1<", "cloudfront/E2<");
    let changed = updated(&with_header, edit).unwrap();
    let headers = &changed["origins"][0]["headers"];
    assert_eq!(headers, &json!({ "X-Origin": "secret" }));
}

#[test]
fn a_streaming_distribution_keeps_what_stays_unsaid() {
    let document = json!({
        "id": "E1",
        "caller_reference": "r",
        "domain_name": "s.example",
        "price_class": "PriceClass_100",
        "trusted_signers": ["self"],
        "trusted_key_groups": ["viewers"],
        "origin": { "id": "videos", "bucket_host": "bkt.s3.amazonaws.com", "origin_path": "/films" },
    });
    let present = show_streaming_config(&document);
    let sent = write(&present, STREAMING).replace("<Enabled>true", "<Enabled>false");
    let sent = sent.replace("<Self/>", "<AwsAccountNumber>partner</AwsAccountNumber>");
    let mut config = read(sent.as_bytes(), STREAMING).unwrap();
    complete(&mut config, &present, STREAMING).unwrap();
    let present = Present {
        sealed: &document,
        clear: &document,
    };
    let changed = with_context(|context| read_streaming_config(&config, Some(present), context));
    let mut expected = document.clone();
    expected["enabled"] = json!(false);
    expected["trusted_signers"] = json!(["partner"]);
    assert_eq!(changed.map(Value::Object), Ok(expected));
}
