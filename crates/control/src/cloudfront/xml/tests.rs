use super::*;
use crate::cloudfront::model::{Element, Model, Need, Version};
use serde_json::{Value, json};

fn element(root: &'static str) -> Element {
    Element {
        root,
        shape: root,
        need: Need::Required,
    }
}

fn version(date: &str) -> Version {
    Version::find(date).unwrap()
}

#[track_caller]
fn check(root: &'static str, body: &str, expected: &Value) {
    let read = read(body.as_bytes(), element(root), Version::newest());
    assert_eq!(read.as_ref(), Ok(expected), "{body}");
}

#[track_caller]
fn refused(root: &'static str, body: &str, expected: &str) {
    let read = read(body.as_bytes(), element(root), Version::newest());
    let said = read.map_err(|fault| fault.to_string());
    assert_eq!(said, Err(expected.to_owned()), "{body}");
}

const GROUP: &str = "KeyGroupConfig";

#[test]
fn what_is_no_body_is_refused() {
    let malformed = |at| format!("the body is not well-formed XML at byte {at}");
    refused(GROUP, "", &malformed(0));
    refused(GROUP, "no XML", &malformed(6));
    refused(GROUP, "<KeyGroupConfig>", &malformed(16));
    refused(
        GROUP,
        "<KeyGroupConfig><Name></KeyGroupConfig>",
        &malformed(22),
    );
    refused(GROUP, "<Other/>", "the body is not KeyGroupConfig");
    refused(GROUP, "<KeyGroupConfig/><KeyGroupConfig/>", &malformed(34));
    refused(
        GROUP,
        "<KeyGroupConfig>\u{1}</KeyGroupConfig>",
        "the body is not XML in UTF-8",
    );
    let latin = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><KeyGroupConfig/>";
    refused(GROUP, latin, "the body is not XML in UTF-8");
    let not_utf8 = read(
        b"<KeyGroupConfig>\xff</KeyGroupConfig>",
        element(GROUP),
        Version::newest(),
    );
    assert_eq!(not_utf8, Err(Fault::Encoding));
}

#[test]
fn documents_that_do_more_than_state_members_are_refused() {
    let unwanted = |what: &str| format!("the body has {what}, which is not taken");
    let doctype = "<!DOCTYPE a [<!ENTITY b \"c\">]><KeyGroupConfig/>";
    refused(GROUP, doctype, &unwanted("a document type"));
    let within = "<KeyGroupConfig><?a b?></KeyGroupConfig>";
    refused(GROUP, within, &unwanted("a processing instruction"));
    let before = "<?xml-stylesheet href=\"a\"?><KeyGroupConfig/>";
    refused(GROUP, before, &unwanted("a processing instruction"));
    let name = |text: &str| format!("<KeyGroupConfig><Name>{text}</Name></KeyGroupConfig>");
    refused(GROUP, &name("&xxe;"), &unwanted("an entity"));
    refused(GROUP, &name("&#0;"), &unwanted("an entity"));
    refused(GROUP, &name("&#x1F;"), "the body is not XML in UTF-8");
    let attribute = "<KeyGroupConfig a=\"b\"/>";
    refused(GROUP, attribute, &unwanted("an attribute"));
    let many: String = (0..9)
        .map(|number| format!(" xmlns:n{number}=\"u\""))
        .collect();
    refused(
        GROUP,
        &format!("<KeyGroupConfig{many}/>"),
        &unwanted("an attribute"),
    );
}

#[test]
fn members_are_known_and_there_once() {
    let group = |inner: &str| format!("<KeyGroupConfig>{inner}</KeyGroupConfig>");
    refused(
        GROUP,
        &group("<Title>a</Title>"),
        "KeyGroupConfig/Title is not a member in this version of the API",
    );
    refused(
        GROUP,
        &group("<Name>a</Name><Name>b</Name>"),
        "KeyGroupConfig/Name is there twice",
    );
    refused(
        GROUP,
        &group("<Name/><Name>b</Name>"),
        "KeyGroupConfig/Name is there twice",
    );
    refused(
        GROUP,
        &group("<Name>a</Name>"),
        "KeyGroupConfig/Items is missing",
    );
    refused(
        GROUP,
        &group("a"),
        "KeyGroupConfig has text beside its members",
    );
    refused(
        GROUP,
        &group("<Name><b/></Name>"),
        "KeyGroupConfig/Name/b is not a member in this version of the API",
    );
    let other = group("<Name>a</Name><Items><Key>b</Key></Items>");
    refused(
        GROUP,
        &other,
        "KeyGroupConfig/Items/Key is not a member in this version of the API",
    );
    let empty = group("<Name>a</Name><Items><PublicKey/></Items>");
    refused(GROUP, &empty, "KeyGroupConfig/Items/PublicKey is missing");
}

#[test]
fn bodies_are_not_too_large() {
    let items = |count| "<Path>/</Path>".repeat(count);
    let batch = |count| {
        format!(
            "<InvalidationBatch><Paths><Quantity>{count}</Quantity><Items>{}</Items></Paths>\
             <CallerReference>a</CallerReference></InvalidationBatch>",
            items(count)
        )
    };
    let large = "the body has too many elements, or too long texts";
    refused("InvalidationBatch", &batch(20_000), large);
    let many = read(
        batch(19_000).as_bytes(),
        element("InvalidationBatch"),
        Version::newest(),
    );
    assert_eq!(
        many.unwrap()["Paths"]["Items"].as_array().unwrap().len(),
        19_000
    );
    let long = format!(
        "<KeyGroupConfig><Name>{}</Name></KeyGroupConfig>",
        "a".repeat(65_537)
    );
    refused(GROUP, &long, large);
}

#[test]
fn the_quantity_is_that_of_the_items() {
    let paths = |inner: &str| {
        format!(
            "<InvalidationBatch><CallerReference>a</CallerReference><Paths>{inner}</Paths></InvalidationBatch>"
        )
    };
    let refused =
        |inner: &str, expected: &str| refused("InvalidationBatch", &paths(inner), expected);
    let two = "<Items><Path>/a</Path><Path>/b</Path></Items>";
    let place = "InvalidationBatch/Paths";
    refused(
        &format!("<Quantity>1</Quantity>{two}"),
        &format!("{place}: Quantity is 1, and there are 2 Items"),
    );
    refused(
        "<Quantity>1</Quantity>",
        &format!("{place}: Quantity is 1, and there are 0 Items"),
    );
    refused(
        "<Items></Items><Quantity>-1</Quantity>",
        &format!("{place}: Quantity is -1, and there are 0 Items"),
    );
    refused(two, &format!("{place}/Quantity is missing"));
    refused(
        &format!("<Quantity>many</Quantity>{two}"),
        &format!("{place}/Quantity is not an integer"),
    );
    let read = |inner: &str, expected: Value| {
        let expected = json!({"CallerReference": "a", "Paths": expected});
        check("InvalidationBatch", &paths(inner), &expected);
    };
    read(
        &format!("{two}<Quantity> 2 </Quantity>"),
        json!({"Items": ["/a", "/b"]}),
    );
    read("<Quantity>0</Quantity>", json!({}));
    read("<Quantity>0</Quantity><Items></Items>", json!({}));
}

#[test]
fn values_have_their_form() {
    let subscription = |word: &str| {
        format!(
            "<MonitoringSubscription><RealtimeMetricsSubscriptionConfig><RealtimeMetricsSubscriptionStatus>{word}\
             </RealtimeMetricsSubscriptionStatus></RealtimeMetricsSubscriptionConfig></MonitoringSubscription>"
        )
    };
    let place = "MonitoringSubscription/RealtimeMetricsSubscriptionConfig/RealtimeMetricsSubscriptionStatus";
    refused(
        "MonitoringSubscription",
        &subscription("On"),
        &format!("{place} is not one of Enabled, Disabled"),
    );
    let gzip = |word: &str| {
        format!(
            "<ParametersInCacheKeyAndForwardedToOrigin><EnableAcceptEncodingGzip>{word}</EnableAcceptEncodingGzip>\
             </ParametersInCacheKeyAndForwardedToOrigin>"
        )
    };
    refused(
        "ParametersInCacheKeyAndForwardedToOrigin",
        &gzip("True"),
        "ParametersInCacheKeyAndForwardedToOrigin/EnableAcceptEncodingGzip is not true or false",
    );
    let timing = |rate: &str| {
        format!(
            "<ResponseHeadersPolicyServerTimingHeadersConfig><Enabled>true</Enabled><SamplingRate>{rate}\
             </SamplingRate></ResponseHeadersPolicyServerTimingHeadersConfig>"
        )
    };
    let root = "ResponseHeadersPolicyServerTimingHeadersConfig";
    refused(
        root,
        &timing("NaN"),
        &format!("{root}/SamplingRate is not a number"),
    );
    check(
        root,
        &timing("12.5"),
        &json!({"Enabled": true, "SamplingRate": 12.5}),
    );
}

#[test]
fn texts_are_exact_and_members_come_in_any_order_and_namespace() {
    let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- a -->\n<c:KeyGroupConfig xmlns:c=\"urn:other\">\n  \
                <Items>\n <PublicKey>K1</PublicKey></Items> <Comment> a &lt;&#98;&gt;<![CDATA[<&c>]]>\r\n</Comment>\
                <c:Name>n</c:Name>\n</c:KeyGroupConfig>\n";
    let expected = json!({"Name": "n", "Items": ["K1"], "Comment": " a <b><&c>\n"});
    check(GROUP, body, &expected);
}

#[test]
fn an_empty_element_is_as_absent_unless_it_is_a_required_text() {
    let body = "<KeyGroupConfig><Name></Name><Items></Items><Comment/></KeyGroupConfig>";
    check(GROUP, body, &json!({"Name": "", "Items": []}));
    check(GROUP, "<KeyGroupConfig/>", &json!({}));
}

#[test]
fn an_older_version_does_not_know_newer_members() {
    let body = "<StreamingDistributionConfig><WebACLId>a</WebACLId></StreamingDistributionConfig>";
    let old = read(
        body.as_bytes(),
        element("StreamingDistributionConfig"),
        version("2014-05-31"),
    );
    assert!(matches!(old, Err(Fault::Unknown { .. })), "{old:?}");
    let config = json!({
        "CallerReference": "r", "Comment": "", "Enabled": true, "HttpVersion": "http2", "Staging": false,
        "Aliases": {"Items": []}, "Origins": {"Items": [{"Id": "o", "DomainName": "d", "OriginPath": "/p"}]},
    });
    let written = write(
        &config,
        element("DistributionConfig"),
        version("2014-05-31"),
    );
    assert_eq!(
        written,
        "<?xml version=\"1.0\"?>\n<DistributionConfig xmlns=\"http://cloudfront.amazonaws.com/doc/2014-05-31/\">\
         <CallerReference>r</CallerReference><Aliases><Quantity>0</Quantity></Aliases><Origins><Quantity>1</Quantity>\
         <Items><Origin><Id>o</Id><DomainName>d</DomainName></Origin></Items></Origins><Comment></Comment>\
         <Enabled>true</Enabled></DistributionConfig>"
    );
    let written = write(&config, element("DistributionConfig"), Version::newest());
    assert!(
        written.contains("<HttpVersion>http2</HttpVersion><Staging>false</Staging>"),
        "{written}"
    );
}

#[test]
fn what_is_written_is_read_as_it_was() {
    let config =
        json!({"Name": "<&>\"'\r\n\ta", "Items": ["K1", "K2"], "Comment": "-----END-----\n"});
    let written = write(&config, element(GROUP), Version::newest());
    check(GROUP, &written, &config);
    assert_eq!(escaped("\u{1}\u{ffff}"), "\u{fffd}\u{fffd}");
    assert!(Model::get().shape(GROUP).members().len() == 3);
}
