//! Headers and tags that an object is stored with, out of a request's header fields or a form's.

use crate::error::{known, not_implemented, other};
use crate::facts::Fields;
use crate::form;
use crate::operations::tagging;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE,
};
use http::{HeaderMap, StatusCode};
use percent_encoding::percent_decode_str;
use privet_objects::{Attributes, Headers, Tags};
use s3s::dto::{ObjectOwnership, Tagging};
use s3s::xml::{Deserialize, Deserializer};
use s3s::{S3ErrorCode, S3Result};

const META: &str = "x-amz-meta-";
/// Size of all user metadata (S3 User Guide, "Working with object metadata").
const USER_METADATA_BYTES_MAX: usize = 2 * 1024;
/// Canned ACLs that say what is true anyway: everything is the owner's.
const ACLS: [&str; 3] = ["private", "bucket-owner-full-control", "bucket-owner-read"];
/// Header fields of features that are not there: who sends them relies on them.
const REFUSED: [&str; 7] = [
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-object-lock-legal-hold",
    "x-amz-write-offset-bytes",
];
const GRANTS: &str = "x-amz-grant-";

/// Reads what an object is to be stored with.
pub(super) fn of_request(headers: &HeaderMap, fields: &Fields) -> S3Result<Attributes> {
    check_features(headers)?;
    let text = |name: http::HeaderName| text_of(headers, name.as_str());
    Ok(Attributes {
        headers: Headers {
            content_type: text(CONTENT_TYPE),
            cache_control: text(CACHE_CONTROL),
            content_disposition: text(CONTENT_DISPOSITION),
            content_encoding: text(CONTENT_ENCODING),
            content_language: text(CONTENT_LANGUAGE),
            expires: fields.expires.clone(),
            website_redirect: text_of(headers, "x-amz-website-redirect-location"),
            user: user_metadata(headers)?,
        },
        tags: match text_of(headers, "x-amz-tagging") {
            Some(text) => tags_of_query(&text)?,
            None => Tags::default(),
        },
    })
}

/// Reads what an object of a form is to be stored with.
pub(crate) fn of_form(fields: &form::Fields) -> S3Result<Attributes> {
    let mut headers = HeaderMap::new();
    for (name, value) in &fields.values {
        let is_stored = name.starts_with("x-amz-")
            || name.starts_with("content-")
            || ["cache-control", "acl"].contains(&name.as_str());
        let name = match name.as_str() {
            "acl" => "x-amz-acl",
            name => name,
        };
        let (Ok(field), Ok(content)) = (
            http::HeaderName::from_bytes(name.as_bytes()),
            http::HeaderValue::from_bytes(value.as_bytes()),
        ) else {
            continue;
        };
        if is_stored {
            headers.insert(field, content);
        }
    }
    let own = Fields {
        expires: fields.get("expires").map(str::to_owned),
        ..Fields::default()
    };
    let mut attributes = of_request(&headers, &own)?;
    if let Some(document) = fields.get("tagging") {
        attributes.tags = tags_of_document(document)?;
    }
    let content_type = &mut attributes.headers.content_type;
    *content_type = content_type.take().or(fields.file_content_type.clone());
    Ok(attributes)
}

/// Refuses what implies a feature that is not there.
pub(super) fn check_features(headers: &HeaderMap) -> S3Result<()> {
    if let Some(name) = REFUSED.iter().find(|name| headers.contains_key(**name)) {
        return Err(not_implemented(name));
    }
    check_acl(headers)?;
    match text_of(headers, "x-amz-storage-class").as_deref() {
        None | Some("STANDARD") => Ok(()),
        Some(_) => Err(known(
            S3ErrorCode::InvalidStorageClass,
            "The storage class you specified is not valid: there is STANDARD alone",
        )),
    }
}

/// Refuses ACLs that would let in somebody.
pub(super) fn check_acl(headers: &HeaderMap) -> S3Result<()> {
    let acl = text_of(headers, "x-amz-acl");
    let is_known = acl.as_deref().is_none_or(|acl| ACLS.contains(&acl));
    let grants = headers.keys().any(|name| name.as_str().starts_with(GRANTS));
    match is_known && !grants {
        true => Ok(()),
        false => Err(no_acls()),
    }
}

/// Refuses every ownership of objects but the only one, in which ACLs mean nothing.
pub(super) fn check_ownership(ownership: &ObjectOwnership) -> S3Result<()> {
    match ownership.as_str() {
        ObjectOwnership::BUCKET_OWNER_ENFORCED => Ok(()),
        _ => Err(not_implemented(
            "object ownership other than BucketOwnerEnforced",
        )),
    }
}

pub(super) fn no_acls() -> s3s::S3Error {
    other(
        StatusCode::BAD_REQUEST,
        "AccessControlListNotSupported",
        "The bucket does not allow ACLs",
    )
}

/// Reads tags in the form of a query.
pub(super) fn tags_of_query(text: &str) -> S3Result<Tags> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text)
            .decode_utf8()
            .ok()
            .map(|text| text.into_owned())
    };
    let tag = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        Some((decode(name)?, decode(value)?))
    };
    let parts = text.split('&').filter(|part| !part.is_empty());
    let tags: Option<Vec<(String, String)>> = parts.map(tag).collect();
    tags.map(Tags).ok_or_else(|| {
        known(
            S3ErrorCode::InvalidArgument,
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded",
        )
    })
}

/// Reads tags in the form of `PutObjectTagging`, which a form has in a field.
fn tags_of_document(text: &str) -> S3Result<Tags> {
    let mut reader = Deserializer::new(text.as_bytes());
    let tagging = Tagging::deserialize(&mut reader).and_then(|tagging| {
        reader.expect_eof()?;
        Ok(tagging)
    });
    let tagging =
        tagging.map_err(|_| known(S3ErrorCode::MalformedXML, "tagging is no document of tags"))?;
    Ok(Tags(tagging::read(tagging.tag_set)?))
}

fn user_metadata(headers: &HeaderMap) -> S3Result<Vec<(String, String)>> {
    let mut user = Vec::new();
    for name in headers.keys() {
        if let Some(own) = name.as_str().strip_prefix(META) {
            let value = text_of(headers, name.as_str()).unwrap_or_default();
            user.push((own.to_owned(), value));
        }
    }
    let size: usize = user
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if size > USER_METADATA_BYTES_MAX {
        return Err(known(
            S3ErrorCode::MetadataTooLarge,
            "Your metadata headers exceed the maximum allowed metadata size",
        ));
    }
    user.sort();
    Ok(user)
}

/// Returns a field's values, joined by commas. Bytes that are not UTF-8 were not signed as they are, and are replaced.
fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<String> = headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect();
    (!values.is_empty()).then(|| values.join(","))
}
