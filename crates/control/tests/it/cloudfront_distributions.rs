//! Distributions of both kinds in CloudFront's API, from their creation to their end, with what real clients send.

use crate::support::*;
use privet_control::cloudfront::model::{Element, Need, Version};
use privet_control::cloudfront::xml;
use privet_distribution::config::ApiLimits;
use privet_store::{EdgeReport, Role};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

const DISTRIBUTIONS: &str = "/2020-05-31/distribution";
const STREAMING: &str = "/2020-05-31/streaming-distribution";

struct Case {
    fixture: Fixture,
    key: Key,
}

/// An answer in XML.
#[derive(Debug)]
struct Reply {
    status: u16,
    etag: String,
    location: String,
    body: String,
}

impl Reply {
    /// Returns the text of the first element of that name.
    fn text(&self, name: &str) -> &str {
        let behind = self.body.split_once(&format!("<{name}>"));
        let inner = behind.and_then(|(_, rest)| rest.split_once(&format!("</{name}>")));
        inner.map(|(inner, _)| inner).unwrap_or_default()
    }

    /// Reads the body as an element of the newest version.
    #[track_caller]
    fn read(&self, root: &'static str) -> Value {
        read(&self.body, root)
    }

    fn id(&self) -> String {
        self.text("Id").to_owned()
    }
}

#[track_caller]
fn read(body: &str, root: &'static str) -> Value {
    let element = Element {
        root,
        shape: root,
        need: Need::Required,
    };
    xml::read(body.as_bytes(), element, Version::newest())
        .unwrap_or_else(|fault| panic!("{fault}: {body}"))
}

/// Returns the body of a request that a client has sent: the first for this operation.
fn captured(text: &str, operation: &str) -> String {
    let start = format!("operation {operation}\n");
    let (_, behind) = text.split_once(&start).unwrap();
    let (_, body) = behind.split_once("\n\n").unwrap();
    body.lines().next().unwrap().to_owned()
}

fn of_terraform(operation: &str) -> String {
    captured(include_str!("../testdata/wire/terraform.txt"), operation)
}

fn of_awscli(operation: &str) -> String {
    captured(include_str!("../testdata/wire/awscli.txt"), operation)
}

/// Sends a request over a connection of its own.
fn send_to(address: SocketAddr, ask: &Ask) -> Reply {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let _ = stream.write_all(&ask.encode());
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    Reply {
        status: head.get(9..12).unwrap().parse().unwrap(),
        etag: header("etag"),
        location: header("location"),
        body: body.to_owned(),
    }
}

impl Case {
    /// Makes everything that the captured requests refer to.
    fn new() -> Self {
        let fixture = Fixture::new();
        fixture.put("/v1/keys", &json!({"id": "K1", "pem": PUBLIC_KEY}));
        fixture.put("/v1/keys", &json!({"id": "K2", "pem": OTHER_PUBLIC_KEY}));
        for id in ["EEWTV53KXQXXE", "E7QDQWLPA02GR"] {
            let group = json!({"id": id, "public_keys": ["K1", "K2"]});
            fixture.put("/v1/key-groups", &group);
        }
        for name in ["self", "111122223333"] {
            let signer = json!({"name": name, "key_pairs": ["K1"]});
            fixture.put("/v1/trusted-signers", &signer);
        }
        for id in ["EIAOXD5APPA63", "ENUAJTNJC0N98"] {
            fixture.put("/v1/policies/cache", &json!({"id": id}));
        }
        let policy = json!({"id": "ER9TXTYG7J8C3"});
        fixture.put("/v1/policies/origin-request", &policy);
        for id in ["ESDF2IABCETHA", "EI8XE75DVABF6"] {
            fixture.put("/v1/policies/response-headers", &json!({"id": id}));
        }
        for id in ["E2BQKBBSRT2EP", "E4R9SJ1MADL4S"] {
            fixture.put("/v1/origin-access-identities", &json!({"id": id}));
        }
        let control =
            json!({"id": "EYA1C2QD0KOOZ", "name": "oac", "origin_type": "s3", "signing": "always"});
        fixture.put("/v1/origin-access-controls", &control);
        let key = fixture.admin();
        Case { fixture, key }
    }

    fn send(&self, method: &str, target: &str, etag: Option<&str>, body: &str) -> Reply {
        self.send_as(&self.key, (method, target), etag, body)
    }

    fn send_as(
        &self,
        key: &Key,
        (method, target): (&str, &str),
        etag: Option<&str>,
        body: &str,
    ) -> Reply {
        let mut ask = Ask::new(method, target);
        ask.body = body.as_bytes().to_vec();
        if let Some(etag) = etag {
            ask = ask.header("if-match", etag);
        }
        send_to(self.fixture.address(), &ask.bearer(key))
    }

    fn get(&self, target: &str) -> Reply {
        self.send("GET", target, None, "")
    }

    #[track_caller]
    fn create(&self, collection: &str, body: &str) -> Reply {
        let made = self.send("POST", collection, None, body);
        assert_eq!(made.status, 201, "{made:?}");
        made
    }

    #[track_caller]
    fn refused(&self, reply: &Reply, expected: (u16, &str)) {
        assert_eq!((reply.status, reply.text("Code")), expected, "{reply:?}");
    }

    /// Has an edge say that it has everything in force but the last `behind` changes.
    fn report(&self, behind: u64) {
        let store = self.fixture.store.as_ref().unwrap();
        let last = self.fixture.wait(store.last_change()).unwrap();
        let report = EdgeReport {
            id: "edge".to_owned(),
            name: "edge".to_owned(),
            version: "1".to_owned(),
            applied_seq: last - behind,
            state: json!({}),
        };
        let now = privet_store::Timestamp::from_seconds(1_893_456_000);
        self.fixture.wait(store.report_edge(&report, now)).unwrap();
    }

    /// Returns what the store has of a distribution.
    fn document(&self, id: &str) -> Value {
        let item = Ask::get(&format!("/v1/distributions/{id}"));
        self.fixture.ask_socket(&item).json["document"].clone()
    }

    #[track_caller]
    fn refused_config(&self, edit: fn(&str) -> String, expected: (u16, &str)) {
        let sent = of_awscli("CreateDistribution");
        let body = edit(&sent);
        assert_ne!(body, sent, "the test changes nothing");
        let reply = self.send("POST", DISTRIBUTIONS, None, &body);
        self.refused(&reply, expected);
    }
}

/// Everything that was sent has to come back; what was left out or is empty may be filled in.
#[track_caller]
fn comes_back(sent: &Value, shown: &Value, place: &str) {
    match (sent, shown) {
        (Value::Object(sent), Value::Object(shown)) => {
            for (name, value) in sent {
                let place = format!("{place}/{name}");
                comes_back(value, shown.get(name).unwrap_or(&Value::Null), &place);
            }
        }
        (Value::Array(sent), Value::Array(shown)) => {
            assert_eq!(sent.len(), shown.len(), "{place}");
            for (sent, shown) in sent.iter().zip(shown) {
                comes_back(sent, shown, place);
            }
        }
        (Value::String(sent), Value::Null) if sent.is_empty() => {}
        (Value::Object(sent), Value::Null) if sent.is_empty() => {}
        (sent, shown) => assert_eq!(sent, shown, "{place}"),
    }
}

#[test]
fn configurations_that_are_refused() {
    let case = Case::new();
    case.refused_config(|_| String::new(), (400, "MissingBody"));
    case.refused_config(
        |body| body.replace("E4R9SJ1MADL4S", "ENONE"),
        (400, "InvalidOriginAccessIdentity"),
    );
    case.refused_config(
        |body| body.replace("ENUAJTNJC0N98", "ENONE"),
        (404, "NoSuchCachePolicy"),
    );
    case.refused_config(
        |body| body.replace("EI8XE75DVABF6", "ENONE"),
        (404, "NoSuchResponseHeadersPolicy"),
    );
    case.refused_config(
        |body| body.replace("E7QDQWLPA02GR", "ENONE"),
        (400, "TrustedKeyGroupDoesNotExist"),
    );
    case.refused_config(
        |body| body.replace("111122223333", "999999999999"),
        (400, "TrustedSignerDoesNotExist"),
    );
    case.refused_config(
        |body| {
            let target = "<TargetOriginId>s3</TargetOriginId>";
            body.replacen(target, "<TargetOriginId>other</TargetOriginId>", 1)
        },
        (404, "NoSuchOrigin"),
    );
    case.refused_config(
        |body| {
            let host = "bkt.s3.us-east-1.amazonaws.com";
            body.replace(host, "bkt.s3-website-us-east-1.amazonaws.com")
        },
        (400, "InvalidArgument"),
    );
    case.refused_config(
        |body| body.replacen("<Quantity>1</Quantity>", "<Quantity>2</Quantity>", 1),
        (400, "InconsistentQuantities"),
    );
    case.refused_config(
        |body| {
            body.replace(
                "<Enabled>true</Enabled><Aliases>",
                "<Enabled>true</Enabled><WebACLId>acl</WebACLId><Aliases>",
            )
        },
        (400, "InvalidWebACLId"),
    );
    case.refused_config(
        |body| {
            let arn = "arn:aws:acm:us-east-1:000000000000:certificate/none";
            let from = "<CloudFrontDefaultCertificate>true</CloudFrontDefaultCertificate>";
            body.replace(from, &format!("<ACMCertificateArn>{arn}</ACMCertificateArn><SSLSupportMethod>sni-only</SSLSupportMethod>"))
        },
        (400, "InvalidViewerCertificate"),
    );
    case.refused_config(
        |body| body.replace("<RestrictionType>none</RestrictionType><Quantity>0</Quantity>", "<RestrictionType>whitelist</RestrictionType><Quantity>1</Quantity><Items><Location>BR</Location></Items>"),
        (400, "InvalidGeoRestrictionParameter"),
    );
    let list = case.get(DISTRIBUTIONS);
    assert_eq!(list.text("Quantity"), "0", "nothing was made: {list:?}");
}

#[test]
fn a_log_goes_to_a_bucket_by_its_host_name() {
    let case = Case::new();
    let logging = "<Logging><Enabled>true</Enabled><IncludeCookies>false</IncludeCookies>\
                   <Bucket>logs</Bucket><Prefix></Prefix></Logging></DistributionConfig>";
    let body = of_awscli("CreateDistribution").replace("</DistributionConfig>", logging);
    let refused = case.send("POST", DISTRIBUTIONS, None, &body);
    case.refused(&refused, (400, "InvalidArgument"));
    let words = "The parameter Logging Bucket does not refer to a valid S3 bucket.";
    assert!(refused.text("Message").starts_with(words), "{refused:?}");
    let body = body.replace("<Bucket>logs<", "<Bucket>logs.s3.amazonaws.com<");
    case.create(DISTRIBUTIONS, &body);
}

#[test]
fn names_and_references_belong_to_one() {
    let case = Case::new();
    let body = of_awscli("CreateDistribution");
    let first = case.create(DISTRIBUTIONS, &body);
    let again = case.send("POST", DISTRIBUTIONS, None, &body);
    case.refused(&again, (409, "DistributionAlreadyExists"));
    let other = body.replace("dist1", "dist2");
    let again = case.send("POST", DISTRIBUTIONS, None, &other);
    case.refused(&again, (409, "CNAMEAlreadyExists"));
    // An older client gets the same answer again for the same content.
    let older = of_boto3();
    let older_path = "/2014-05-31/distribution";
    let made = case.create(older_path, &older);
    let again = case.send("POST", older_path, None, &older);
    assert_eq!((again.status, again.id()), (201, made.id()), "{again:?}");
    let changed = older.replace("allow-all", "https-only");
    let again = case.send("POST", older_path, None, &changed);
    case.refused(&again, (409, "DistributionAlreadyExists"));
    assert_ne!(first.id(), made.id());
}

/// Sends the same request several times at once, each over a connection of its own.
fn at_once(case: &Case, collection: &str, body: &str) -> Vec<Reply> {
    const CLIENTS: usize = 8;
    let address = case.fixture.address();
    let start = &std::sync::Barrier::new(CLIENTS);
    std::thread::scope(|scope| {
        let send = || {
            let mut ask = Ask::new("POST", collection);
            ask.body = body.as_bytes().to_vec();
            start.wait();
            send_to(address, &ask.bearer(&case.key))
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(send)).collect();
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .collect()
    })
}

#[test]
fn creations_at_once_with_one_reference_make_one() {
    let case = Case::new();
    for (collection, body, expected) in [
        (
            DISTRIBUTIONS,
            of_awscli("CreateDistribution"),
            (409, "DistributionAlreadyExists"),
        ),
        ("/2014-05-31/distribution", of_boto3(), (201, "")),
        (
            "/2020-05-31/origin-access-identity/cloudfront",
            "<CloudFrontOriginAccessIdentityConfig><CallerReference>once</CallerReference>\
             <Comment>c</Comment></CloudFrontOriginAccessIdentityConfig>"
                .to_owned(),
            (201, ""),
        ),
    ] {
        let replies = at_once(&case, collection, &body);
        let made: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 201).collect();
        let ids: std::collections::HashSet<String> = made.iter().map(|made| made.id()).collect();
        assert_eq!(ids.len(), 1, "{replies:?}");
        for reply in replies.iter().filter(|reply| reply.status != 201) {
            case.refused(reply, expected);
        }
    }
    let list = case.get(DISTRIBUTIONS);
    assert_eq!(list.text("Quantity"), "2", "{list:?}");
}

fn of_boto3() -> String {
    let text = include_str!("../testdata/wire/boto3_2014-05-31.txt");
    captured(text, "CreateDistribution").replace("E62FNBSO8HAJ1", "E2BQKBBSRT2EP")
}

#[test]
fn what_terraform_creates_comes_back() {
    let case = Case::new();
    let body = of_terraform("CreateDistributionWithTags");
    let made = case.create(&format!("{DISTRIBUTIONS}?WithTags="), &body);
    let sent = read(&body, "DistributionConfigWithTags");
    let shown = made.read("Distribution");
    comes_back(
        &sent["DistributionConfig"],
        &shown["DistributionConfig"],
        "",
    );
    let id = made.id();
    assert_eq!(shown["Status"], "InProgress");
    assert_eq!(
        shown["ARN"],
        format!("arn:aws:cloudfront::000000000000:distribution/{id}")
    );
    assert_eq!(shown["InProgressInvalidationBatches"], 0);
    assert_eq!(
        shown["ActiveTrustedSigners"],
        json!({ "Enabled": true, "Items": [{ "AwsAccountNumber": "self", "KeyPairIds": { "Items": ["K1"] } }] })
    );
    assert_eq!(
        shown["ActiveTrustedKeyGroups"],
        json!({ "Enabled": true, "Items": [{ "KeyGroupId": "EEWTV53KXQXXE", "KeyPairIds": { "Items": ["K1", "K2"] } }] })
    );
    let domain = shown["DomainName"].as_str().unwrap();
    let label = domain.strip_suffix(".cloudfront.net").unwrap();
    assert_eq!((label.len(), label.get(..1)), (14, Some("d")), "{domain}");
    assert!(
        made.location.ends_with(&format!("{DISTRIBUTIONS}/{id}")),
        "{made:?}"
    );
    assert!(id.starts_with('E') && id.len() == 14, "{id}");
    let item = case
        .fixture
        .ask_socket(&Ask::get(&format!("/v1/distributions/{id}")));
    assert_eq!(item.json["document"]["tags"], json!({ "env": "test" }));
    // A second plan reads, and would change nothing.
    let read_again = case.get(&format!("{DISTRIBUTIONS}/{id}"));
    assert_eq!(read_again.etag, made.etag);
    let config = case.get(&format!("{DISTRIBUTIONS}/{id}/config"));
    assert_eq!(
        config.read("DistributionConfig"),
        shown["DistributionConfig"]
    );
    let target = format!("{DISTRIBUTIONS}/{id}/config");
    let same = case.send("PUT", &target, Some(&made.etag), &config.body);
    assert_eq!(same.status, 200, "{same:?}");
    assert_eq!(
        same.read("Distribution")["DistributionConfig"],
        shown["DistributionConfig"]
    );
    let change = of_terraform("UpdateDistribution");
    let changed = case.send("PUT", &target, Some(&same.etag), &change);
    assert_eq!(changed.status, 200, "{changed:?}");
    let sent = read(&change, "DistributionConfig");
    comes_back(
        &sent,
        &changed.read("Distribution")["DistributionConfig"],
        "",
    );
    let item = case
        .fixture
        .ask_socket(&Ask::get(&format!("/v1/distributions/{id}")));
    assert_eq!(item.json["document"]["tags"], json!({ "env": "test" }));
    assert_eq!(item.json["document"]["comment"], "tf2");
}

#[test]
fn changes_have_conditions() {
    let case = Case::new();
    let body = of_awscli("CreateDistribution");
    let made = case.create(DISTRIBUTIONS, &body);
    let target = format!("{DISTRIBUTIONS}/{}/config", made.id());
    let put = |etag: Option<&str>, body: &str| case.send("PUT", &target, etag, body);
    case.refused(&put(None, &body), (400, "InvalidIfMatchVersion"));
    case.refused(&put(Some(""), &body), (400, "InvalidIfMatchVersion"));
    case.refused(&put(Some("E123"), &body), (412, "PreconditionFailed"));
    let reference = body.replace("dist1", "dist2");
    case.refused(&put(Some(&made.etag), &reference), (400, "IllegalUpdate"));
    let nowhere = format!("{DISTRIBUTIONS}/ENONE/config");
    let reply = case.send("PUT", &nowhere, None, &body);
    case.refused(&reply, (400, "InvalidIfMatchVersion"));
    let reply = case.send("PUT", &nowhere, Some("E1"), &body);
    case.refused(&reply, (404, "NoSuchDistribution"));
    case.refused(&case.get(&nowhere), (404, "NoSuchDistribution"));
    // Quotes are taken.
    let reply = put(Some(&format!("\"{}\"", made.etag)), &body);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_ne!(reply.etag, made.etag);
}

#[test]
fn a_distribution_is_deleted_when_it_is_disabled_everywhere() {
    let case = Case::new();
    let body = of_awscli("CreateDistribution");
    let made = case.create(DISTRIBUTIONS, &body);
    let target = format!("{DISTRIBUTIONS}/{}", made.id());
    let delete = |etag: Option<&str>| case.send("DELETE", &target, etag, "");
    case.report(0);
    assert_eq!(case.get(&target).text("Status"), "Deployed");
    case.refused(&delete(None), (400, "InvalidIfMatchVersion"));
    case.refused(&delete(Some("E1")), (412, "PreconditionFailed"));
    case.refused(&delete(Some(&made.etag)), (409, "DistributionNotDisabled"));
    let off = body.replacen("<Enabled>true</Enabled>", "<Enabled>false</Enabled>", 1);
    let config = format!("{target}/config");
    let disabled = case.send("PUT", &config, Some(&made.etag), &off);
    assert_eq!(
        (disabled.status, disabled.text("Status")),
        (200, "InProgress")
    );
    // The edge serves it yet.
    assert_eq!(case.get(&target).text("Status"), "InProgress");
    case.refused(
        &delete(Some(&disabled.etag)),
        (409, "DistributionNotDisabled"),
    );
    case.report(0);
    assert_eq!(case.get(&target).text("Status"), "Deployed");
    let gone = delete(Some(&disabled.etag));
    assert_eq!((gone.status, gone.body.as_str()), (204, ""));
    case.refused(&case.get(&target), (404, "NoSuchDistribution"));
    case.refused(&delete(Some(&disabled.etag)), (404, "NoSuchDistribution"));
}

#[test]
fn an_older_client_does_not_open_what_it_cannot_name() {
    let case = Case::new();
    let body = of_awscli("CreateDistribution");
    let made = case.create(DISTRIBUTIONS, &body);
    let id = made.id();
    let older = format!("/2014-05-31/distribution/{id}/config");
    let config = case.get(&older);
    assert!(!config.body.contains("TrustedKeyGroups"), "{config:?}");
    let changed = config.body.replace("private site", "older");
    let reply = case.send("PUT", &older, Some(&made.etag), &changed);
    assert_eq!(reply.status, 200, "{reply:?}");
    let document = case.document(&id);
    assert_eq!(document["comment"], "older");
    let behavior = &document["behaviors"][0];
    assert_eq!(behavior["trusted_key_groups"], json!(["E7QDQWLPA02GR"]));
    assert_eq!(behavior["cache_policy"], "ENUAJTNJC0N98");
    assert_eq!(behavior["compress"], true);
    // What it sends in the place of what it has not read is refused.
    let values = "<ForwardedValues><QueryString>false</QueryString><Cookies><Forward>none</Forward></Cookies></ForwardedValues><MinTTL>0</MinTTL></CacheBehavior>";
    let changed = changed.replace("</CacheBehavior>", values);
    let etag = reply.etag;
    let reply = case.send("PUT", &older, Some(&etag), &changed);
    case.refused(&reply, (400, "InvalidArgument"));
    assert!(reply.text("Message").contains("CachePolicyId"), "{reply:?}");
    // It does not know that this path is restricted, which it would open under another pattern, or without one.
    let pattern = pattern_of(&config.body);
    let renamed = config.body.replace(pattern, "/renamed*");
    assert_ne!(renamed, config.body);
    let reply = case.send("PUT", &older, Some(&etag), &renamed);
    case.refused(&reply, (400, "IllegalUpdate"));
    assert!(reply.text("Message").contains("key groups"), "{reply:?}");
    // A whole distribution in the older form is restricted with the newer one.
    let boto = case.create("/2014-05-31/distribution", &of_boto3());
    let target = format!("{DISTRIBUTIONS}/{}/config", boto.id());
    let config = case.get(&target).body.replace(
        "<TrustedKeyGroups><Enabled>false</Enabled><Quantity>0</Quantity></TrustedKeyGroups>",
        "<TrustedKeyGroups><Enabled>true</Enabled><Quantity>1</Quantity><Items><KeyGroup>EEWTV53KXQXXE</KeyGroup></Items></TrustedKeyGroups>",
    );
    let restricted = case.send("PUT", &target, Some(&boto.etag), &config);
    assert_eq!(restricted.status, 200, "{restricted:?}");
    let older = format!("/2014-05-31/distribution/{}/config", boto.id());
    let off = of_boto3().replacen("<Enabled>true</Enabled>", "<Enabled>false</Enabled>", 1);
    let reply = case.send("PUT", &older, Some(&restricted.etag), &off);
    assert_eq!(reply.status, 200, "{reply:?}");
    let item = case
        .fixture
        .ask_socket(&Ask::get(&format!("/v1/distributions/{}", boto.id())));
    let document = &item.json["document"];
    assert_eq!(document["enabled"], false);
    assert_eq!(
        document["default_behavior"]["trusted_key_groups"],
        json!(["EEWTV53KXQXXE"])
    );
}

#[test]
fn a_restriction_that_is_left_out_opens_nothing() {
    let case = Case::new();
    let made = case.create(DISTRIBUTIONS, &of_awscli("CreateDistribution"));
    let target = format!("{DISTRIBUTIONS}/{}/config", made.id());
    let config = case.get(&target).body;
    let put = |body: &str| case.send("PUT", &target, Some(&made.etag), body);
    let (mut without, mut rest) = (String::new(), config.as_str());
    while let Some((begin, behind)) = rest.split_once("<TrustedKeyGroups>") {
        without.push_str(begin);
        rest = behind.split_once("</TrustedKeyGroups>").unwrap().1;
    }
    without.push_str(rest);
    let reply = put(&without);
    case.refused(&reply, (400, "InvalidArgument"));
    assert!(
        reply.text("Message").contains("TrustedKeyGroups"),
        "{reply:?}"
    );
    // Under another pattern it would be a new behavior.
    let pattern = pattern_of(&config);
    case.refused(
        &put(&without.replace(pattern, "/renamed*")),
        (400, "IllegalUpdate"),
    );
    // What is said is done.
    let said = config.replace(pattern, "/renamed*");
    assert_eq!(put(&said).status, 200);
}

fn pattern_of(config: &str) -> &str {
    let (_, behind) = config.split_once("<PathPattern>").unwrap();
    behind.split_once("</PathPattern>").unwrap().0
}

#[test]
fn an_older_client_does_not_let_older_protocols_in() {
    let case = Case::new();
    let made = case.create("/2014-05-31/distribution", &of_boto3());
    let target = format!("{DISTRIBUTIONS}/{}/config", made.id());
    let config = case.get(&target).body;
    let config = config.replace(
        "<MinimumProtocolVersion>TLSv1<",
        "<MinimumProtocolVersion>TLSv1.3_2025<",
    );
    let changed = case.send("PUT", &target, Some(&made.etag), &config);
    assert_eq!(changed.text("MinimumProtocolVersion"), "TLSv1.3_2025");
    let older = format!("/2014-05-31/distribution/{}/config", made.id());
    let config = case.get(&older).body;
    let (begin, rest) = config.split_once("<ViewerCertificate>").unwrap();
    let (_, end) = rest.split_once("</ViewerCertificate>").unwrap();
    let left_out = format!("{begin}{end}");
    let reply = case.send("PUT", &older, Some(&changed.etag), &left_out);
    assert_eq!(reply.status, 200, "{reply:?}");
    let version = case.get(&target);
    assert_eq!(version.text("MinimumProtocolVersion"), "TLSv1.3_2025");
}

#[test]
fn headers_are_shown_to_those_who_may_set_them() {
    let case = Case::new();
    let header = "<CustomHeaders><Quantity>1</Quantity><Items><OriginCustomHeader><HeaderName>X-Secret</HeaderName><HeaderValue>hush&amp;</HeaderValue></OriginCustomHeader></Items></CustomHeaders>";
    let body = of_awscli("CreateDistribution");
    let body = body.replace(
        "<CustomHeaders><Quantity>0</Quantity></CustomHeaders>",
        header,
    );
    let made = case.create(DISTRIBUTIONS, &body);
    assert_eq!(made.text("HeaderValue"), "hush&amp;");
    let target = format!("{DISTRIBUTIONS}/{}/config", made.id());
    let config = case.get(&target);
    assert_eq!(config.text("HeaderValue"), "hush&amp;");
    let reader = case.fixture.operator("reader", Role::Read, None);
    let reply = case.send_as(&reader, ("GET", &target), None, "");
    assert_eq!((reply.status, reply.text("HeaderValue")), (200, "(hidden)"));
    assert_eq!(case.get(DISTRIBUTIONS).text("HeaderValue"), "(hidden)");
    // A change of something else keeps the value, and the store never has it in clear.
    let changed = config.body.replace("private site", "public site");
    let changed = case.send("PUT", &target, Some(&made.etag), &changed);
    assert_eq!(
        (changed.status, changed.text("HeaderValue")),
        (200, "hush&amp;")
    );
    let item = case
        .fixture
        .ask_socket(&Ask::get(&format!("/v1/distributions/{}", made.id())));
    let value = &item.json["document"]["origins"][0]["headers"]["X-Secret"];
    assert!(value.get("sealed").is_some(), "{value}");
    let reply = case.send_as(&reader, ("PUT", &target), Some(&changed.etag), &config.body);
    case.refused(&reply, (403, "AccessDenied"));
    // What a reader was shown does not take the place of the value.
    let shown = case.send_as(&reader, ("GET", &target), None, "");
    let reply = case.send("PUT", &target, Some(&changed.etag), &shown.body);
    case.refused(&reply, (400, "InvalidArgument"));
    assert!(reply.text("Message").contains("HeaderValue"), "{reply:?}");
    assert_eq!(case.get(&target).text("HeaderValue"), "hush&amp;");
}

#[test]
fn what_only_the_file_can_say_is_kept() {
    let case = Case::new();
    let document = json!({
        "id": "EFILE",
        "domain_name": "files.example",
        "statement_object": true,
        "origins": [{"id": "files", "folder": "bucket"}],
        "default_behavior": {"origin": "files", "trusted_key_groups": ["EEWTV53KXQXXE"], "video": {"object_grant": false}},
    });
    let etag = case.fixture.put("/v1/distributions", &document);
    let target = format!("{DISTRIBUTIONS}/EFILE/config");
    let config = case.get(&target);
    assert_eq!(config.text("CallerReference"), "EFILE");
    let changed = config
        .body
        .replace("<Comment></Comment>", "<Comment>new</Comment>");
    let reply = case.send("PUT", &target, Some(&etag), &changed);
    assert_eq!(reply.status, 200, "{reply:?}");
    let item = case
        .fixture
        .ask_socket(&Ask::get("/v1/distributions/EFILE"));
    let mut expected = document;
    expected["comment"] = json!("new");
    assert_eq!(item.json["document"], expected);
    let moved = config
        .body
        .replace("folder.privet.invalid", "b.s3.amazonaws.com");
    let reply = case.send("PUT", &target, Some(&reply.etag), &moved);
    case.refused(&reply, (400, "InvalidArgument"));
    assert!(reply.text("Message").contains("folder"), "{reply:?}");
}

#[test]
fn an_operator_with_a_scope_changes_what_is_not_reserved() {
    let case = Case::new();
    let header = "<CustomHeaders><Quantity>1</Quantity><Items><OriginCustomHeader><HeaderName>X-A</HeaderName><HeaderValue>1</HeaderValue></OriginCustomHeader></Items></CustomHeaders>";
    let body = of_awscli("CreateDistribution");
    let body = body.replace(
        "<CustomHeaders><Quantity>0</Quantity></CustomHeaders>",
        header,
    );
    let made = case.create(DISTRIBUTIONS, &body);
    let other = body
        .replace("dist1", "dist2")
        .replace("private.example.com", "b.example.com");
    let other = case.create(DISTRIBUTIONS, &other);
    let id = made.id();
    let scoped = case.fixture.operator("scoped", Role::Admin, Some(&[&id]));
    let send = |request: (&str, &str), etag: Option<&str>, body: &str| {
        case.send_as(&scoped, request, etag, body)
    };
    let target = format!("{DISTRIBUTIONS}/{id}/config");
    let off = body.replacen("<Enabled>true</Enabled>", "<Enabled>false</Enabled>", 1);
    let disabled = send(("PUT", &target), Some(&made.etag), &off);
    assert_eq!(disabled.status, 200, "{disabled:?}");
    let moved = off.replace(
        "bkt.s3.us-east-1.amazonaws.com",
        "other.s3.us-east-1.amazonaws.com",
    );
    let reply = send(("PUT", &target), Some(&disabled.etag), &moved);
    case.refused(&reply, (403, "AccessDenied"));
    let theirs = format!("{DISTRIBUTIONS}/{}", other.id());
    case.refused(
        &send(("GET", &theirs), None, ""),
        (404, "NoSuchDistribution"),
    );
    let list = send(("GET", DISTRIBUTIONS), None, "");
    assert_eq!(list.text("Quantity"), "1", "{list:?}");
    case.refused(
        &send(("POST", DISTRIBUTIONS), None, &body),
        (409, "DistributionAlreadyExists"),
    );
    let new = body
        .replace("dist1", "dist3")
        .replace("private.example.com", "c.example.com");
    case.refused(
        &send(("POST", DISTRIBUTIONS), None, &new),
        (403, "AccessDenied"),
    );
    let taken = off.replace("private.example.com", "b.example.com");
    let reply = send(("PUT", &target), Some(&disabled.etag), &taken);
    case.refused(&reply, (403, "AccessDenied"));
    // Whoever may set headers has sent them in clear, for the other bucket too.
    let reply = case.send("PUT", &target, Some(&disabled.etag), &moved);
    assert_eq!(reply.status, 200, "{reply:?}");
}

/// As at CloudFront; one that exists is in use by it all the same.
#[test]
fn a_distribution_that_is_off_may_wait_for_its_identity() {
    let case = Case::new();
    let body = of_awscli("CreateDistribution").replace(
        "<OriginAccessIdentity></OriginAccessIdentity>",
        "<OriginAccessIdentity>origin-access-identity/cloudfront/E4R9SJ1MADL4S</OriginAccessIdentity>",
    );
    assert!(body.contains("E4R9SJ1MADL4S"), "{body}");
    let absent = body.replace("E4R9SJ1MADL4S", "E0000000000001");
    let off = absent.replacen("<Enabled>true</Enabled>", "<Enabled>false</Enabled>", 1);
    let made = case.create(DISTRIBUTIONS, &off);
    let target = format!("{DISTRIBUTIONS}/{}/config", made.id());
    case.refused(
        &case.send("PUT", &target, Some(&made.etag), &absent),
        (400, "InvalidOriginAccessIdentity"),
    );
    let there = off.replace("E0000000000001", "E4R9SJ1MADL4S");
    let changed = case.send("PUT", &target, Some(&made.etag), &there);
    assert_eq!(changed.status, 200, "{changed:?}");
    let identity = "/2020-05-31/origin-access-identity/cloudfront/E4R9SJ1MADL4S";
    let etag = case.send("GET", identity, None, "").etag;
    case.refused(
        &case.send("DELETE", identity, Some(&etag), ""),
        (409, "CloudFrontOriginAccessIdentityInUse"),
    );
    let on = case.send("PUT", &target, Some(&changed.etag), &body);
    assert_eq!(on.status, 200, "{on:?}");
}

#[test]
fn tags_are_checked() {
    let case = Case::new();
    let body = of_terraform("CreateDistributionWithTags");
    let tag = "<Tag><Key>env</Key><Value>test</Value></Tag>";
    let target = format!("{DISTRIBUTIONS}?WithTags");
    for bad in [
        format!("{tag}{tag}"),
        tag.replace("env", "aws:x"),
        tag.replace("test", "&lt;"),
    ] {
        let body = body.replace(tag, &bad);
        let reply = case.send("POST", &target, None, &body);
        case.refused(&reply, (400, "InvalidTagging"));
    }
}

#[test]
fn the_default_certificate_is_one_of_the_service() {
    let case = Case::new();
    let body = of_awscli("CreateDistribution");
    let made = case.create(DISTRIBUTIONS, &body);
    assert_eq!(case.document(&made.id()).get("certificate"), None);
    let key = rcgen::generate_simple_self_signed(["d.cloudfront.net".to_owned()]).unwrap();
    for id in ["default", "site"] {
        let certificate = json!({
            "id": id,
            "chain_pem": key.cert.pem(),
            "key_pem": key.signing_key.serialize_pem(),
        });
        case.fixture.put("/v1/certificates", &certificate);
    }
    let other = body
        .replace("dist1", "dist2")
        .replace("private.example.com", "b.example.com");
    let made = case.create(DISTRIBUTIONS, &other);
    assert_eq!(case.document(&made.id())["certificate"], "default");
    assert_eq!(made.text("CloudFrontDefaultCertificate"), "true");
    let arn = "arn:aws:acm:us-east-1:000000000000:certificate/site";
    let named = format!(
        "<ACMCertificateArn>{arn}</ACMCertificateArn><SSLSupportMethod>sni-only</SSLSupportMethod><MinimumProtocolVersion>TLSv1.2_2021</MinimumProtocolVersion>"
    );
    let from = "<CloudFrontDefaultCertificate>true</CloudFrontDefaultCertificate>";
    let target = format!("{DISTRIBUTIONS}/{}/config", made.id());
    let named = case.send(
        "PUT",
        &target,
        Some(&made.etag),
        &other.replace(from, &named),
    );
    assert_eq!(named.status, 200, "{named:?}");
    assert_eq!(case.document(&made.id())["certificate"], "site");
    assert_eq!(named.text("ACMCertificateArn"), arn);
    let again = case.send("PUT", &target, Some(&named.etag), &case.get(&target).body);
    assert_eq!(again.status, 200, "{again:?}");
    assert_eq!(case.document(&made.id())["certificate"], "site");
}

#[test]
fn names_and_accounts_are_those_of_the_settings() {
    let case = Case::new();
    case.fixture
        .set_cloudfront(privet_control::cloudfront::Settings {
            base_url: "https://api.example".to_owned(),
            account: "123456789012".to_owned(),
            domain_suffix: ".cdn.example".to_owned(),
            ..Default::default()
        });
    let made = case.create(DISTRIBUTIONS, &of_awscli("CreateDistribution"));
    let id = made.id();
    assert_eq!(
        made.location,
        format!("https://api.example{DISTRIBUTIONS}/{id}")
    );
    let arn = format!("arn:aws:cloudfront::123456789012:distribution/{id}");
    assert_eq!(made.text("ARN"), arn);
    assert!(
        made.text("DomainName").ends_with(".cdn.example"),
        "{made:?}"
    );
}

#[test]
fn numbers_are_limited_by_the_settings() {
    let case = Case::new();
    let limited = |set: fn(&mut ApiLimits)| {
        let mut settings = privet_control::cloudfront::Settings::default();
        set(&mut settings.limits);
        case.fixture.set_cloudfront(settings);
    };
    let body = of_awscli("CreateDistribution");
    let refused = |code: &str| {
        let reply = case.send("POST", DISTRIBUTIONS, None, &body);
        case.refused(&reply, (400, code));
    };
    limited(|limits| limits.aliases_max = 0);
    refused("TooManyDistributionCNAMEs");
    limited(|limits| limits.origins_max = 0);
    refused("TooManyOrigins");
    limited(|limits| limits.behaviors_max = 0);
    refused("TooManyCacheBehaviors");
    limited(|limits| limits.trusted_signers_max = 1);
    refused("TooManyTrustedSigners");
    limited(|limits| limits.distributions_max = 0);
    refused("TooManyDistributions");
    limited(|limits| limits.distributions_max = 1);
    case.create(DISTRIBUTIONS, &body);
    // A repetition is known as one where nothing else may be made.
    refused_as_known(&case, &body);
    let other = body
        .replace("dist1", "dist2")
        .replace("private.example.com", "two.example.com");
    let reply = case.send("POST", DISTRIBUTIONS, None, &other);
    case.refused(&reply, (400, "TooManyDistributions"));
    let group = "<KeyGroupConfig><Name>g</Name><Items><PublicKey>K1</PublicKey><PublicKey>K2</PublicKey></Items>\
                 </KeyGroupConfig>";
    let groups = "/2020-05-31/key-group";
    limited(|limits| limits.public_keys_per_group_max = 1);
    let reply = case.send("POST", groups, None, group);
    case.refused(&reply, (400, "TooManyPublicKeysInKeyGroup"));
    // Those of the case are counted.
    limited(|limits| limits.key_groups_max = 2);
    let reply = case.send("POST", groups, None, group);
    case.refused(&reply, (400, "TooManyKeyGroups"));
    limited(|limits| limits.key_groups_max = 3);
    case.create(groups, group);
}

#[track_caller]
fn refused_as_known(case: &Case, body: &str) {
    let reply = case.send("POST", DISTRIBUTIONS, None, body);
    case.refused(&reply, (409, "DistributionAlreadyExists"));
}

/// Makes what a body refers to, by the ids of its captured answers.
#[test]
fn everything_that_clients_create_comes_back() {
    for text in [
        include_str!("../testdata/wire/awscli.txt"),
        include_str!("../testdata/wire/awscli_2014-05-31.txt"),
        include_str!("../testdata/wire/boto3_2014-05-31.txt"),
        include_str!("../testdata/wire/terraform.txt"),
    ] {
        let case = Case::new();
        let identity = json!({"id": "E62FNBSO8HAJ1"});
        case.fixture.put("/v1/origin-access-identities", &identity);
        let mut count = 0;
        for capture in text.split("operation Create").skip(1) {
            let (operation, rest) = capture.split_once('\n').unwrap();
            if !operation.contains("Distribution") {
                continue;
            }
            let target = rest.split(' ').nth(1).unwrap();
            let (_, body) = rest.split_once("\n\n").unwrap();
            // Some were sent twice to see the refusal.
            let body = body.lines().next().unwrap();
            let version = Version::find(target.get(1..11).unwrap()).unwrap();
            let reply = case.send("POST", target, None, body);
            if reply.status == 409 {
                continue;
            }
            assert_eq!(reply.status, 201, "{operation}: {reply:?}\n{body}");
            count += 1;
            let config = format!("{}Config", operation.trim_end_matches("WithTags"));
            // With tags, the configuration is within; otherwise it has the namespace.
            let inner = body.split_once(&format!("<{config}>"));
            let outer = || body.split_once('>').unwrap();
            let (_, sent) = inner.unwrap_or_else(outer);
            let (sent, _) = sent.split_once(&format!("</{config}>")).unwrap();
            let config: &'static str = config.leak();
            let sent = read(&format!("<{config}>{sent}</{config}>"), config);
            let path = target.split('?').next().unwrap();
            let shown = case.get(&format!("{path}/{}/config", reply.id()));
            assert!(shown.body.contains(&version.namespace()), "{shown:?}");
            comes_back(&sent, &shown.read(config), operation);
        }
        assert!(count > 0);
    }
}

#[test]
fn lists_have_pages() {
    let case = Case::new();
    let body = of_awscli("CreateDistribution");
    let mut ids = Vec::new();
    for number in 0..3 {
        let body = body
            .replace("dist1", &format!("r{number}"))
            .replace("private.example.com", &format!("a{number}.example.com"));
        ids.push(case.create(DISTRIBUTIONS, &body).id());
    }
    ids.sort();
    let first = case.get(&format!("{DISTRIBUTIONS}?MaxItems=2"));
    let list = first.read("DistributionList");
    assert_eq!(list["IsTruncated"], true);
    assert_eq!(list["NextMarker"], ids[1].as_str());
    assert_eq!(list["MaxItems"], 2);
    let summary = &list["Items"][0];
    assert_eq!(summary["Id"], ids[0].as_str());
    assert_eq!(summary["Comment"], "private site");
    assert_eq!(summary["Origins"]["Items"][0]["Id"], "s3");
    let second = case.get(&format!("{DISTRIBUTIONS}?MaxItems=2&Marker={}", ids[1]));
    let list = second.read("DistributionList");
    assert_eq!(list["IsTruncated"], false);
    assert_eq!(list["Items"].as_array().unwrap().len(), 1);
    assert_eq!(list["Items"][0]["Id"], ids[2].as_str());
    for bad in ["0", "x", "1001"] {
        let reply = case.get(&format!("{DISTRIBUTIONS}?MaxItems={bad}"));
        case.refused(&reply, (400, "InvalidArgument"));
    }
}

#[test]
fn distributions_are_found_by_what_they_use() {
    let case = Case::new();
    let made = case.create(DISTRIBUTIONS, &of_awscli("CreateDistribution"));
    let found = |path: &str| case.get(&format!("/2020-05-31/{path}"));
    let check = |path: &str, is_found: bool| {
        let reply = found(path);
        let list = reply.read("DistributionIdList");
        let ids = list.get("Items").cloned().unwrap_or(json!([]));
        let expected = if is_found {
            json!([made.id()])
        } else {
            json!([])
        };
        assert_eq!(ids, expected, "{path}: {reply:?}");
    };
    check("distributionsByKeyGroupId/E7QDQWLPA02GR", true);
    check("distributionsByKeyGroupId/EEWTV53KXQXXE", false);
    check("distributionsByCachePolicyId/ENUAJTNJC0N98", true);
    check("distributionsByCachePolicyId/EIAOXD5APPA63", false);
    check(
        "distributionsByCachePolicyId/4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
        false,
    );
    check("distributionsByResponseHeadersPolicyId/EI8XE75DVABF6", true);
    check("distributionsByOriginRequestPolicyId/ER9TXTYG7J8C3", false);
    let absent = |path: &str, code: &str| case.refused(&found(path), (404, code));
    absent("distributionsByKeyGroupId/ENONE", "NoSuchResource");
    absent("distributionsByCachePolicyId/ENONE", "NoSuchCachePolicy");
    absent(
        "distributionsByOriginRequestPolicyId/ENONE",
        "NoSuchOriginRequestPolicy",
    );
    absent(
        "distributionsByResponseHeadersPolicyId/ENONE",
        "NoSuchResponseHeadersPolicy",
    );
    let list = found("distributionsByWebACLId/null").read("DistributionList");
    assert_eq!(list["Items"][0]["Id"], made.id());
    let list = found("distributionsByWebACLId/acl").read("DistributionList");
    assert_eq!(list.get("Items"), None);
}

#[test]
fn streaming_distributions_have_the_same_life() {
    let case = Case::new();
    let body = of_awscli("CreateStreamingDistribution");
    let bad = body.replace("E4R9SJ1MADL4S", "ENONE");
    let reply = case.send("POST", STREAMING, None, &bad);
    case.refused(&reply, (400, "InvalidOriginAccessIdentity"));
    let bad = body.replace(">self<", ">nobody<");
    let reply = case.send("POST", STREAMING, None, &bad);
    case.refused(&reply, (400, "TrustedSignerDoesNotExist"));
    let made = case.create(STREAMING, &body);
    let shown = made.read("StreamingDistribution");
    let sent = read(&body, "StreamingDistributionConfig");
    comes_back(&sent, &shown["StreamingDistributionConfig"], "");
    assert_eq!(
        shown["ActiveTrustedSigners"]["Items"][0],
        json!({ "AwsAccountNumber": "self", "KeyPairIds": { "Items": ["K1"] } })
    );
    let again = case.send("POST", STREAMING, None, &body);
    case.refused(&again, (409, "StreamingDistributionAlreadyExists"));
    let target = format!("{STREAMING}/{}", made.id());
    let list = case.get(STREAMING).read("StreamingDistributionList");
    assert_eq!(list["Items"][0]["Id"], made.id());
    let reply = case.send("DELETE", &target, Some(&made.etag), "");
    case.refused(&reply, (409, "StreamingDistributionNotDisabled"));
    let off = of_awscli("UpdateStreamingDistribution");
    let config = format!("{target}/config");
    let disabled = case.send("PUT", &config, Some(&made.etag), &off);
    assert_eq!(disabled.status, 200, "{disabled:?}");
    let sent = read(&off, "StreamingDistributionConfig");
    assert_eq!(sent["Enabled"], false);
    let shown = case.get(&config).read("StreamingDistributionConfig");
    comes_back(&sent, &shown, "");
    let gone = case.send("DELETE", &target, Some(&disabled.etag), "");
    assert_eq!(gone.status, 204, "{gone:?}");
    case.refused(&case.get(&target), (404, "NoSuchStreamingDistribution"));
}
