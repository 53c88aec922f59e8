//! Writes a value in the form of the model as boto 2 reads it.

use super::{NAMESPACE, SELF, SERVER, first_origin, said_of_origin};
use crate::cloudfront::xml::escaped;
use serde_json::Value;
use std::fmt::Write;

/// What a whole and a summary of a distribution begin with.
const IDENTITY: [&str; 5] = [
    "Id",
    "Status",
    "LastModifiedTime",
    "InProgressInvalidationBatches",
    "DomainName",
];
/// Members of every list, besides its items.
const PAGE: [&str; 4] = ["Marker", "NextMarker", "MaxItems", "IsTruncated"];

/// Returns a value as the body whose outermost element is `root`. What this version has no words for is left out.
pub fn write(value: &Value, root: &str) -> String {
    let mut xml = Xml(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"{NAMESPACE}\">"
    ));
    match root {
        "CloudFrontOriginAccessIdentity" => {
            xml.texts(value, &["Id", "S3CanonicalUserId"]);
            let config = "CloudFrontOriginAccessIdentityConfig";
            xml.element(config, |xml| identity(xml, &value[config]));
        }
        "CloudFrontOriginAccessIdentityConfig" => identity(&mut xml, value),
        "Distribution" | "StreamingDistribution" => {
            xml.texts(value, &IDENTITY);
            active_signers(&mut xml, &value["ActiveTrustedSigners"]);
            let name = format!("{root}Config");
            xml.element(&name, |xml| config(xml, &value[&name]));
        }
        "DistributionConfig" | "StreamingDistributionConfig" => config(&mut xml, value),
        "Invalidation" => {
            xml.texts(value, &["Id", "Status", "CreateTime"]);
            let batch = &value["InvalidationBatch"];
            xml.element("InvalidationBatch", |xml| invalidation(xml, batch));
        }
        "InvalidationBatch" => invalidation(&mut xml, value),
        list => summaries(&mut xml, value, list),
    }
    let _ = write!(xml.0, "</{root}>");
    xml.0
}

/// Writes a list with its summaries, which stand beside the marks of the page.
fn summaries(xml: &mut Xml, list: &Value, root: &str) {
    xml.texts(list, &PAGE);
    let name = format!("{}Summary", root.strip_suffix("List").unwrap_or(root));
    for item in items(list) {
        xml.element(&name, |xml| match root {
            "CloudFrontOriginAccessIdentityList" => {
                xml.texts(item, &["Id", "S3CanonicalUserId", "Comment"]);
            }
            "InvalidationList" => xml.texts(item, &["Id", "Status"]),
            _ => {
                xml.texts(item, &IDENTITY);
                config(xml, item);
            }
        });
    }
}

fn identity(xml: &mut Xml, config: &Value) {
    xml.texts(config, &["CallerReference", "Comment"]);
}

fn invalidation(xml: &mut Xml, batch: &Value) {
    for path in items(&batch["Paths"]) {
        xml.text("Path", path);
    }
    xml.texts(batch, &["CallerReference"]);
}

/// Writes a configuration of either kind, or as much of it as a summary has.
fn config(xml: &mut Xml, config: &Value) {
    origin(xml, config);
    xml.texts(config, &["CallerReference"]);
    for alias in items(&config["Aliases"]) {
        xml.text("CNAME", alias);
    }
    xml.texts(config, &["Comment", "Enabled"]);
    // An empty name of an object is none.
    if config["DefaultRootObject"] != "" {
        xml.texts(config, &["DefaultRootObject"]);
    }
    let logging = &config["Logging"];
    if logging["Enabled"] == true {
        xml.element("Logging", |xml| xml.texts(logging, &["Bucket", "Prefix"]));
    }
    let signers = match config.get("TrustedSigners") {
        Some(signers) => signers,
        None => &config["DefaultCacheBehavior"]["TrustedSigners"],
    };
    if signers["Enabled"] == true {
        xml.element("TrustedSigners", |xml| {
            for signer in items(signers) {
                xml.signer(signer);
            }
        });
    }
}

fn origin(xml: &mut Xml, config: &Value) {
    let said = match (config.get("S3Origin"), first_origin(config)) {
        (Some(bucket), _) => bucket.clone(),
        (None, Some(origin)) => said_of_origin(origin),
        (None, None) => return,
    };
    let is_bucket = said.get("OriginAccessIdentity").is_some();
    let name = match is_bucket {
        true => "S3Origin",
        false => "CustomOrigin",
    };
    xml.element(name, |xml| {
        xml.text("DNSName", &said["DomainName"]);
        match is_bucket {
            false => xml.texts(&said, &SERVER),
            true if said["OriginAccessIdentity"] == "" => {}
            true => xml.texts(&said, &["OriginAccessIdentity"]),
        }
    });
}

fn active_signers(xml: &mut Xml, active: &Value) {
    if active["Enabled"] != true {
        return;
    }
    xml.element("ActiveTrustedSigners", |xml| {
        for signer in items(active) {
            xml.element("Signer", |xml| {
                xml.signer(&signer["AwsAccountNumber"]);
                for key in items(&signer["KeyPairIds"]) {
                    xml.text("KeyPairId", key);
                }
            });
        }
    });
}

/// Returns the items of a structure; none if it has none.
fn items(counted: &Value) -> &[Value] {
    let items = counted.get("Items").and_then(Value::as_array);
    items.map_or(&[], Vec::as_slice)
}

struct Xml(String);

impl Xml {
    fn element(&mut self, name: &str, inner: impl FnOnce(&mut Self)) {
        // Writing to a string cannot fail.
        let _ = write!(self.0, "<{name}>");
        inner(self);
        let _ = write!(self.0, "</{name}>");
    }

    /// Writes the members that are there.
    fn texts(&mut self, value: &Value, names: &[&str]) {
        for name in names {
            if let Some(member) = value.get(*name).filter(|member| !member.is_null()) {
                self.text(name, member);
            }
        }
    }

    fn text(&mut self, name: &str, value: &Value) {
        let text = match value {
            Value::String(text) => escaped(text),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
        };
        self.element(name, |xml| xml.0.push_str(&text));
    }

    fn signer(&mut self, name: &Value) {
        match name == SELF {
            true => self.0.push_str("<Self/>"),
            false => self.text("AwsAccountNumber", name),
        }
    }
}
