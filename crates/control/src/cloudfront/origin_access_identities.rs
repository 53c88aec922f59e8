//! Origin access identities. Outside of Amazon nobody knows them: an item may have keys of its own, which are not seen
//! here and stay as they are.

use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::resource::{
    Codes, Listing, Repeated, Resource, limited, none_managed, put_text, required, text, usual_id,
};
use crate::operations::Item;
use crate::sigv4::hex;
use aws_lc_rs::digest::{SHA384, digest};
use privet_distribution::config::ServiceKind;
use serde_json::{Map, Value, json};

pub(super) const RESOURCE: Resource = Resource {
    kind: ServiceKind::OriginAccessIdentity,
    name: "CloudFrontOriginAccessIdentity",
    plural: "CloudFrontOriginAccessIdentities",
    path: "/origin-access-identity/cloudfront",
    codes: Codes {
        absent: "NoSuchCloudFrontOriginAccessIdentity",
        exists: "CloudFrontOriginAccessIdentityAlreadyExists",
        in_use: "CloudFrontOriginAccessIdentityInUse",
        too_many: "TooManyCloudFrontOriginAccessIdentities",
    },
    listing: Listing::Marked(summary),
    repeated: Repeated::SameAnswer,
    document,
    config,
    whole,
    check_update,
    id: usual_id,
    managed: none_managed,
};

fn document(
    config: &Value,
    mut document: Map<String, Value>,
) -> Result<Map<String, Value>, ApiError> {
    if document.is_empty() {
        let reference = required(config, "CallerReference", 128)?;
        put_text(&mut document, "caller_reference", reference);
    }
    let comment = limited(text(config, "Comment"), "Comment", 128)?;
    put_text(&mut document, "comment", comment);
    Ok(document)
}

fn config(item: &Item) -> Result<Value, ApiError> {
    let reference = match text(&item.document, "caller_reference") {
        "" => &item.id,
        reference => reference,
    };
    Ok(json!({ "CallerReference": reference, "Comment": text(&item.document, "comment") }))
}

/// Returns the canonical user id of an identity: Amazon's bucket policies name it by 96 digits; here they only have to
/// stay the same.
pub fn canonical_user_id(identity: &str) -> String {
    hex(digest(&SHA384, identity.as_bytes()).as_ref())
}

fn canonical_user(id: &str) -> Value {
    canonical_user_id(id).into()
}

fn whole(item: &Item) -> Map<String, Value> {
    Map::from_iter([("S3CanonicalUserId".to_owned(), canonical_user(&item.id))])
}

fn summary(item: &Item, config: &Value) -> Value {
    json!({
        "Id": item.id,
        "S3CanonicalUserId": canonical_user(&item.id),
        "Comment": config["Comment"],
    })
}

fn check_update(before: &Value, after: &Value) -> Result<(), ApiError> {
    match text(before, "CallerReference") == text(after, "CallerReference") {
        true => Ok(()),
        false => Err(ApiError::new(
            "IllegalUpdate",
            "CallerReference cannot be changed",
        )),
    }
}
