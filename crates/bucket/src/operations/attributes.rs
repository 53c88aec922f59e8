//! Headers and tags that an object is stored with, out of a request's header fields or a form's.

use crate::error::{known, not_implemented, other};
use crate::facts::Fields;
use crate::form;
use crate::operations::tagging;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE,
};
use http::{HeaderMap, HeaderName, StatusCode};
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
/// Beginnings of header fields of features that are not there: who sends them relies on them.
const REFUSED: [&str; 4] = [
    "x-amz-server-side-encryption",
    "x-amz-copy-source-server-side-encryption",
    "x-amz-object-lock-",
    "x-amz-write-offset-bytes",
];
const GRANTS: &str = "x-amz-grant-";

/// Reads what an object is to be stored with.
pub(super) fn of_request(headers: &HeaderMap, fields: &Fields) -> S3Result<Attributes> {
    check_kind(headers)?;
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

/// Reads what an object of a form is to be stored with. `headers` are the form's stored fields.
pub(crate) fn of_form(headers: &HeaderMap, fields: &form::Fields) -> S3Result<Attributes> {
    let own = Fields {
        expires: fields.get("expires").map(str::to_owned),
        ..Fields::default()
    };
    let mut attributes = of_request(headers, &own)?;
    match (fields.get("tagging"), attributes.tags.0.is_empty()) {
        (None, _) => {}
        (Some(xml), true) => attributes.tags = tags_of_xml(xml)?,
        (Some(_), false) => {
            return Err(known(
                S3ErrorCode::InvalidArgument,
                "a form has tags in one field: tagging, or x-amz-tagging",
            ));
        }
    }
    Ok(attributes)
}

/// Refuses what implies a feature that is not there, whatever the operation.
pub(crate) fn check_features(headers: &HeaderMap) -> S3Result<()> {
    let mut names = headers.keys().map(http::HeaderName::as_str);
    let is_refused = |name: &&str| REFUSED.iter().any(|refused| name.starts_with(refused));
    match names.find(is_refused) {
        Some(name) => Err(not_implemented(name)),
        None => Ok(()),
    }
}

/// Refuses ACLs that would let in somebody, and storage classes that there are not.
fn check_kind(headers: &HeaderMap) -> S3Result<()> {
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

/// Reads tags in the form of XML, as the field `tagging` of a form has them (S3 API Reference, "POST Object").
fn tags_of_xml(xml: &str) -> S3Result<Tags> {
    let mut reader = Deserializer::new(xml.as_bytes());
    let read = Tagging::deserialize(&mut reader).and_then(|tagging| {
        reader.expect_eof()?;
        Ok(tagging)
    });
    let tagging = read.map_err(|_| {
        known(
            S3ErrorCode::MalformedXML,
            "The field tagging is not the XML of a Tagging",
        )
    })?;
    tagging::read(tagging.tag_set).map(Tags)
}

fn user_metadata(headers: &HeaderMap) -> S3Result<Vec<(String, String)>> {
    let mut user = Vec::new();
    for name in headers.keys() {
        if let Some(own) = name.as_str().strip_prefix(META) {
            user.push((own.to_owned(), user_value(headers, name)?));
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

/// Returns the values of a field of user metadata, joined by commas. Bytes that are no text in UTF-8 are refused:
/// nobody could say what they mean when they are read.
fn user_value(headers: &HeaderMap, name: &HeaderName) -> S3Result<String> {
    let values = headers.get_all(name).iter();
    let values: Result<Vec<&str>, _> = values
        .map(|value| std::str::from_utf8(value.as_bytes()))
        .collect();
    let values = values.map_err(|_| {
        known(
            S3ErrorCode::InvalidArgument,
            format!("The value of {name} is not text in UTF-8"),
        )
    })?;
    Ok(values.join(","))
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

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn form(values: &[(&str, &str)]) -> form::Fields {
        form::Fields {
            values: values
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..form::Fields::default()
        }
    }

    #[test]
    fn a_form_has_its_tags_as_xml() {
        let xml = "<Tagging><TagSet><Tag><Key>a</Key><Value>b c</Value></Tag></TagSet></Tagging>";
        for broken in [
            "",
            "a=b",
            "<Tagging>",
            "<TagSet/>",
            &format!("{xml}<Tagging/>"),
        ] {
            let error = of_form(&HeaderMap::new(), &form(&[("tagging", broken)])).unwrap_err();
            assert_eq!(*error.code(), S3ErrorCode::MalformedXML, "{broken}");
        }
        let fields = form(&[("tagging", xml)]);
        let mut twice = HeaderMap::new();
        twice.insert("x-amz-tagging", HeaderValue::from_static("a=b"));
        assert!(of_form(&twice, &fields).is_err());
        let read = of_form(&HeaderMap::new(), &fields).unwrap();
        assert_eq!(read.tags, Tags(vec![("a".to_owned(), "b c".to_owned())]));
    }

    #[test]
    fn user_metadata_is_text() {
        let read = |value: &[u8]| {
            let mut headers = HeaderMap::new();
            let value = HeaderValue::from_bytes(value).unwrap();
            headers.insert("x-amz-meta-title", value);
            user_metadata(&headers)
        };
        let error = read(b"\xe9t\xe9").unwrap_err();
        assert_eq!(*error.code(), S3ErrorCode::InvalidArgument);
        let expected = vec![("title".to_owned(), "été".to_owned())];
        assert_eq!(read("été".as_bytes()).unwrap(), expected);
    }
}
