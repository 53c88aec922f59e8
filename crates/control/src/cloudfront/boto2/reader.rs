//! Reads a body of boto 2 into a value in the form of the model. What boto 2 never sends is refused.

use super::SELF;
use crate::cloudfront::xml::{Fault, Node, read_tree};
use serde_json::{Value, json};

/// Beginning and end of namespaces; between them is a date.
const NAMESPACE: (&str, &str) = ("http://cloudfront.amazonaws.com/doc/", "/");
/// Id of the only origin of a new distribution.
const ORIGIN_ID: &str = "origin";
const PROTOCOLS: [&str; 3] = ["http-only", "https-only", "match-viewer"];

/// Reads a body whose outermost element is `root`, as the model has it for the same operation. A configuration is
/// whole, as one of a new distribution: the defaults of 2010 stand for what this version has no words for.
///
/// # Errors
/// Returns the first fault; a body in the namespace of a later version is one.
pub fn read(body: &[u8], root: &'static str) -> Result<Value, Fault> {
    let (node, namespace) = read_tree(body, root)?;
    if !namespace.is_none_or(|namespace| is_of_this_time(&namespace)) {
        return Err(Fault::Unwanted {
            what: "the namespace of another version",
        });
    }
    match root {
        "CloudFrontOriginAccessIdentityConfig" => identity(&node),
        "DistributionConfig" => distribution(&node),
        "StreamingDistributionConfig" => streaming_distribution(&node),
        "InvalidationBatch" => invalidation(&node),
        _ => Err(Fault::Root { expected: root }),
    }
}

/// Returns true for the namespaces that boto 2 sends: those of this version and of earlier ones.
fn is_of_this_time(namespace: &str) -> bool {
    let (begin, end) = NAMESPACE;
    let date = namespace
        .strip_prefix(begin)
        .and_then(|rest| rest.strip_suffix(end));
    let is_form = |date: &str| date.len() == super::DATE.len() && date.is_ascii();
    date.is_some_and(|date| is_form(date) && date <= super::DATE)
}

fn identity(node: &Node) -> Result<Value, Fault> {
    let config = Fields::of(node, &node.name, &["CallerReference", "Comment"])?;
    Ok(json!({
        "CallerReference": config.required("CallerReference")?,
        "Comment": config.text("Comment")?,
    }))
}

fn invalidation(node: &Node) -> Result<Value, Fault> {
    let batch = Fields::of(node, &node.name, &["CallerReference", "Path"])?;
    Ok(json!({
        "CallerReference": batch.required("CallerReference")?,
        "Paths": { "Items": batch.texts("Path")? },
    }))
}

fn distribution(node: &Node) -> Result<Value, Fault> {
    let members = [
        "S3Origin",
        "CustomOrigin",
        "CallerReference",
        "CNAME",
        "Comment",
        "Enabled",
        "DefaultRootObject",
        "Logging",
        "TrustedSigners",
    ];
    let config = Fields::of(node, &node.name, &members)?;
    let mut value = description(&config)?;
    value["DefaultRootObject"] = config.text("DefaultRootObject")?.into();
    value["Origins"] = json!({ "Items": [origin(&config)?] });
    value["DefaultCacheBehavior"] = json!({
        "TargetOriginId": ORIGIN_ID,
        "TrustedSigners": trusted_signers(&config)?,
        "ViewerProtocolPolicy": "allow-all",
        "ForwardedValues": { "QueryString": false, "Cookies": { "Forward": "none" } },
        "MinTTL": 0,
    });
    Ok(value)
}

fn streaming_distribution(node: &Node) -> Result<Value, Fault> {
    let members = [
        "S3Origin",
        "CallerReference",
        "CNAME",
        "Comment",
        "Enabled",
        "Logging",
        "TrustedSigners",
    ];
    let config = Fields::of(node, &node.name, &members)?;
    let mut value = description(&config)?;
    if let Some(logging) = value["Logging"].as_object_mut() {
        logging.remove("IncludeCookies");
    }
    let bucket = config.child("S3Origin", &BUCKET)?;
    let bucket = bucket.ok_or_else(|| config.missing("S3Origin"))?;
    value["S3Origin"] = json!({
        "DomainName": bucket.required("DNSName")?,
        "OriginAccessIdentity": bucket.text("OriginAccessIdentity")?,
    });
    value["TrustedSigners"] = trusted_signers(&config)?;
    Ok(value)
}

/// Reads what configurations of both kinds have: reference, comment, host names, whether it is enabled, and logging,
/// which is on if it is there.
fn description(config: &Fields<'_>) -> Result<Value, Fault> {
    let logging = match config.child("Logging", &["Bucket", "Prefix"])? {
        Some(logging) => json!({
            "Enabled": true,
            "IncludeCookies": false,
            "Bucket": logging.required("Bucket")?,
            "Prefix": logging.text("Prefix")?,
        }),
        None => json!({ "Enabled": false, "IncludeCookies": false, "Bucket": "", "Prefix": "" }),
    };
    Ok(json!({
        "CallerReference": config.required("CallerReference")?,
        "Comment": config.text("Comment")?,
        "Aliases": { "Items": config.texts("CNAME")? },
        "Enabled": config.flag("Enabled")?,
        "Logging": logging,
    }))
}

const BUCKET: [&str; 2] = ["DNSName", "OriginAccessIdentity"];

fn origin(config: &Fields<'_>) -> Result<Value, Fault> {
    let bucket = config.child("S3Origin", &BUCKET)?;
    let server = ["DNSName", "HTTPPort", "HTTPSPort", "OriginProtocolPolicy"];
    let server = config.child("CustomOrigin", &server)?;
    match (bucket, server) {
        (Some(bucket), None) => Ok(json!({
            "Id": ORIGIN_ID,
            "DomainName": bucket.required("DNSName")?,
            "S3OriginConfig": { "OriginAccessIdentity": bucket.text("OriginAccessIdentity")? },
        })),
        (None, Some(server)) => {
            let policy = server.required("OriginProtocolPolicy")?;
            if !PROTOCOLS.contains(&policy) {
                return Err(Fault::Value {
                    place: server.place("OriginProtocolPolicy"),
                    form: format!("one of {}", PROTOCOLS.join(", ")),
                });
            }
            Ok(json!({
                "Id": ORIGIN_ID,
                "DomainName": server.required("DNSName")?,
                "CustomOriginConfig": {
                    "HTTPPort": server.whole("HTTPPort", 80)?,
                    "HTTPSPort": server.whole("HTTPSPort", 443)?,
                    "OriginProtocolPolicy": policy,
                },
            }))
        }
        (Some(_), Some(_)) => Err(Fault::Unwanted {
            what: "two origins",
        }),
        (None, None) => Err(config.missing("S3Origin")),
    }
}

/// Reads the signers. Without the element everybody may see the content, as this version has it; an empty one does not
/// mean that.
fn trusted_signers(config: &Fields<'_>) -> Result<Value, Fault> {
    let place = config.place("TrustedSigners");
    let Some(node) = config.find("TrustedSigners") else {
        return Ok(json!({ "Enabled": false, "Items": [] }));
    };
    let mut names = Vec::new();
    for child in &node.children {
        let inner = format!("{place}/{}", child.name);
        let text = leaf(child, &inner)?;
        let name = match (child.name.as_str(), text) {
            ("Self", "") => SELF,
            ("Self", _) => return Err(Fault::Text { place: inner }),
            ("AwsAccountNumber", "") => return Err(Fault::Missing { place: inner }),
            ("AwsAccountNumber", name) => name,
            (_, _) => return Err(Fault::Unknown { place: inner }),
        };
        if names.contains(&name) {
            return Err(Fault::Twice { place: inner });
        }
        names.push(name);
    }
    match names.is_empty() {
        true => Err(Fault::Missing {
            place: format!("{place}/Self"),
        }),
        false => Ok(json!({ "Enabled": true, "Items": names })),
    }
}

/// The elements in an element. Those that may be repeated are asked for as a list.
struct Fields<'n> {
    node: &'n Node,
    place: String,
}

/// Elements that may be repeated.
const REPEATED: [&str; 2] = ["CNAME", "Path"];

impl<'n> Fields<'n> {
    /// Checks that an element has none but these in it, each once.
    fn of(node: &'n Node, place: &str, members: &[&str]) -> Result<Self, Fault> {
        let mut seen: Vec<&str> = Vec::new();
        for child in &node.children {
            let name = child.name.as_str();
            let place = || format!("{place}/{name}");
            if !members.contains(&name) {
                return Err(Fault::Unknown { place: place() });
            }
            if seen.contains(&name) && !REPEATED.contains(&name) {
                return Err(Fault::Twice { place: place() });
            }
            seen.push(name);
        }
        match node.text.trim().is_empty() {
            true => Ok(Fields {
                node,
                place: place.to_owned(),
            }),
            false => Err(Fault::Text {
                place: place.to_owned(),
            }),
        }
    }

    fn place(&self, name: &str) -> String {
        format!("{}/{name}", self.place)
    }

    fn missing(&self, name: &str) -> Fault {
        Fault::Missing {
            place: self.place(name),
        }
    }

    fn find(&self, name: &str) -> Option<&'n Node> {
        let mut children = self.node.children.iter();
        children.find(|child| child.name == name)
    }

    fn child(&self, name: &str, members: &[&str]) -> Result<Option<Fields<'n>>, Fault> {
        let place = self.place(name);
        let child = self.find(name);
        child
            .map(|child| Fields::of(child, &place, members))
            .transpose()
    }

    /// Returns a text, which is empty if it is absent.
    fn text(&self, name: &str) -> Result<&'n str, Fault> {
        match self.find(name) {
            Some(child) => leaf(child, &self.place(name)),
            None => Ok(""),
        }
    }

    fn required(&self, name: &str) -> Result<&'n str, Fault> {
        match self.text(name)? {
            "" => Err(self.missing(name)),
            text => Ok(text),
        }
    }

    fn texts(&self, name: &str) -> Result<Vec<&'n str>, Fault> {
        let place = self.place(name);
        let children = self.node.children.iter();
        let children = children.filter(|child| child.name == name);
        let texts = children.map(|child| match leaf(child, &place)? {
            "" => Err(self.missing(name)),
            text => Ok(text),
        });
        texts.collect()
    }

    fn flag(&self, name: &str) -> Result<bool, Fault> {
        match self.required(name)?.trim() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Fault::Value {
                place: self.place(name),
                form: "true or false".to_owned(),
            }),
        }
    }

    fn whole(&self, name: &str, default: i64) -> Result<i64, Fault> {
        let text = self.text(name)?.trim();
        if text.is_empty() {
            return Ok(default);
        }
        text.parse().map_err(|_| Fault::Value {
            place: self.place(name),
            form: "an integer".to_owned(),
        })
    }
}

/// Returns the text of an element that has no elements in it.
fn leaf<'n>(node: &'n Node, place: &str) -> Result<&'n str, Fault> {
    match node.children.first() {
        Some(child) => Err(Fault::Unknown {
            place: format!("{place}/{}", child.name),
        }),
        None => Ok(&node.text),
    }
}
