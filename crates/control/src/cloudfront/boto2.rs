//! The version of 2010, which boto 2 speaks: older words for some of the same operations.
//!
//! A configuration has one origin, its host names as repeated elements, and trusted signers as `Self` and numbers of
//! accounts; nothing is counted. `reader` and `writer` are its XML over values in the form of the model, so that all
//! handlers are the same; `update` keeps what it has no words for.

mod reader;
#[cfg(test)]
mod tests;
mod update;
mod writer;

pub use reader::read;
pub(super) use update::complete;
pub use writer::write;

use serde_json::{Value, json};

/// Date in paths.
pub(super) const DATE: &str = "2010-11-01";
/// Namespace of answers.
pub(super) const NAMESPACE: &str = "http://cloudfront.amazonaws.com/doc/2010-11-01/";
/// Operations that it has, by their names in the model.
pub(super) const OPERATIONS: [&str; 21] = [
    "CreateCloudFrontOriginAccessIdentity",
    "GetCloudFrontOriginAccessIdentity",
    "GetCloudFrontOriginAccessIdentityConfig",
    "UpdateCloudFrontOriginAccessIdentity",
    "DeleteCloudFrontOriginAccessIdentity",
    "ListCloudFrontOriginAccessIdentities",
    "CreateDistribution",
    "GetDistribution",
    "GetDistributionConfig",
    "UpdateDistribution",
    "DeleteDistribution",
    "ListDistributions",
    "CreateStreamingDistribution",
    "GetStreamingDistribution",
    "GetStreamingDistributionConfig",
    "UpdateStreamingDistribution",
    "DeleteStreamingDistribution",
    "ListStreamingDistributions",
    "CreateInvalidation",
    "GetInvalidation",
    "ListInvalidations",
];
/// Name of the account that a distribution belongs to, which is `Self` here.
const SELF: &str = "self";
/// Members of an origin that is a server.
const SERVER: [&str; 3] = ["HTTPPort", "HTTPSPort", "OriginProtocolPolicy"];

/// Returns what this version says of an origin of the model's form: its host name and, without anything else, the
/// identity of a bucket or how a server is reached.
fn said_of_origin(origin: &Value) -> Value {
    let host = &origin["DomainName"];
    match origin.get("CustomOriginConfig") {
        Some(server) => {
            let mut said = json!({ "DomainName": host });
            for member in SERVER {
                said[member] = server[member].clone();
            }
            said
        }
        None => {
            let identity = &origin["S3OriginConfig"]["OriginAccessIdentity"];
            json!({ "DomainName": host, "OriginAccessIdentity": identity })
        }
    }
}

/// Returns the origin that this version says of a configuration: the one of the default behavior, or the first one of a
/// group.
fn first_origin(config: &Value) -> Option<&Value> {
    let target = config["DefaultCacheBehavior"].get("TargetOriginId")?;
    origin_of(config, target).or_else(|| {
        let group = item(&config["OriginGroups"], target)?;
        let member = group["Members"]["Items"].get(0)?;
        origin_of(config, member.get("OriginId")?)
    })
}

fn origin_of<'c>(config: &'c Value, id: &Value) -> Option<&'c Value> {
    item(&config["Origins"], id)
}

/// Returns the item of an id.
fn item<'c>(counted: &'c Value, id: &Value) -> Option<&'c Value> {
    let mut items = counted["Items"].as_array()?.iter();
    items.find(|item| item.get("Id") == Some(id))
}
