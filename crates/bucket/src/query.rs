//! The query of a request, read once and strictly, so that the signature, the router and the operation read the same.
//!
//! A parameter that is not on the list is refused: another router may take it for another operation than the one that
//! was permitted.

use crate::encoding;
use thiserror::Error;

const PARAMETERS_MAX: usize = 64;
/// Prefix of the parameters of a signature, in the spelling of signers.
const SIGNATURE: &str = "X-Amz-";

/// Names of the parameters of a signature.
const OF_SIGNATURES: [&str; 8] = [
    "X-Amz-Algorithm",
    "X-Amz-Content-Sha256",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
];

/// Names of the parameters of a signature of version 2.
pub(crate) const OF_VERSION_TWO: [&str; 3] = ["AWSAccessKeyId", "Expires", "Signature"];

/// Names of parameters that belong to an operation, or to many.
const KNOWN: [&str; 62] = [
    "accelerate",
    "acl",
    "allow-unordered",
    "analytics",
    "attributes",
    "continuation-token",
    "cors",
    "delete",
    "delimiter",
    "encoding-type",
    "encryption",
    "fetch-owner",
    "id",
    "intelligent-tiering",
    "inventory",
    "key-marker",
    "legal-hold",
    "lifecycle",
    "list-type",
    "location",
    "logging",
    "marker",
    "max-buckets",
    "max-keys",
    "max-parts",
    "max-uploads",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "part-number-marker",
    "partNumber",
    "policy",
    "policyStatus",
    "prefix",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "retention",
    "select",
    "select-type",
    "start-after",
    "tagging",
    "torrent",
    "upload-id-marker",
    "uploadId",
    "uploads",
    "version-id-marker",
    "versionId",
    "versioning",
    "versions",
    "website",
    "x-id",
    "bucket-region",
    "x-amz-checksum-mode",
];

/// Parameters that stand for a header field of the same name in a presigned URL.
const HOISTED: [&str; 6] = [
    "x-amz-acl",
    "x-amz-expected-bucket-owner",
    "x-amz-request-payer",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-storage-class",
    "x-amz-tagging",
];
const HOISTED_PREFIXES: [&str; 2] = ["x-amz-meta-", "x-amz-checksum-"];

/// Returns true if a parameter of a presigned URL stands for a header field.
pub(crate) fn is_hoisted(name: &str) -> bool {
    HOISTED.contains(&name)
        || HOISTED_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// The reason why a query is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum QueryError {
    /// A `%` without two digits, or bytes that are not UTF-8.
    #[error("the query is not percent-encoded UTF-8")]
    Encoding,
    /// More than 64 parameters.
    #[error("the query has too many parameters")]
    TooMany,
    /// A parameter that no operation here has.
    #[error("the parameter {0:?} is not known here")]
    Unknown(String),
    /// A parameter twice.
    #[error("the parameter {0:?} is sent twice")]
    Twice(String),
}

/// The parameters of a request, decoded, in the order in which signatures have them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    parameters: Vec<(String, String)>,
}

impl Query {
    /// Reads a query as sent, without its question mark.
    pub(crate) fn parse(query: &str) -> Result<Self, QueryError> {
        let mut parameters = Vec::new();
        for part in query.split('&').filter(|part| !part.is_empty()) {
            if parameters.len() == PARAMETERS_MAX {
                return Err(QueryError::TooMany);
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let [name, value] = [name, value].map(|text| decode(text).ok_or(QueryError::Encoding));
            let name = name?;
            let is_known = [&KNOWN[..], &OF_SIGNATURES[..], &OF_VERSION_TWO[..]]
                .iter()
                .any(|known| known.contains(&name.as_str()));
            if !is_known && !is_hoisted(&name) {
                return Err(QueryError::Unknown(name));
            }
            parameters.push((name, value?));
        }
        parameters.sort();
        for pair in parameters.windows(2) {
            if pair[0].0 == pair[1].0 {
                return Err(QueryError::Twice(pair[0].0.clone()));
            }
        }
        Ok(Query { parameters })
    }

    /// Returns the value of a parameter; empty if it was sent without one.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        let parameter = parameters.find(|(known, _)| known == name);
        parameter.map(|(_, value)| value.as_str())
    }

    /// Returns the names of all parameters.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().map(|(name, _)| name.as_str())
    }

    /// Returns all parameters with their values.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        let parameters = self.parameters.iter();
        parameters.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Returns the text that is signed, without a parameter (General Reference, "Create a canonical request").
    pub(crate) fn canonical_without(&self, name: &str) -> String {
        self.written(|known| known != name)
    }

    /// Returns the query without the parameters of its signature, as the router gets it.
    pub(crate) fn unsigned(&self) -> String {
        self.written(|name| {
            let is_of_signature = name.starts_with(SIGNATURE) || OF_VERSION_TWO.contains(&name);
            !is_of_signature && !is_hoisted(name)
        })
    }

    fn written(&self, is_kept: impl Fn(&str) -> bool) -> String {
        let parameters = self.parameters.iter().filter(|(name, _)| is_kept(name));
        let mut pairs: Vec<[String; 2]> = parameters
            .map(|(name, value)| [name, value].map(|text| encoding::encode(text.as_bytes())))
            .collect();
        // By names alone: `x-amz-meta-a` comes before `x-amz-meta-a-b`, though `-` comes before `=`.
        pairs.sort();
        let parts: Vec<String> = pairs.iter().map(|pair| pair.join("=")).collect();
        parts.join("&")
    }
}

fn decode(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    encoding::decode(&text).map(|text| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, expected: Result<&str, QueryError>) {
        let read = Query::parse(query).map(|query| query.canonical_without("X-Amz-Signature"));
        assert_eq!(read, expected.map(str::to_owned));
    }

    #[test]
    fn a_query_has_one_reading() {
        check("acl%3D", Err(QueryError::Unknown("acl=".to_owned())));
        check(
            "renameObject",
            Err(QueryError::Unknown("renameObject".to_owned())),
        );
        check("ACL", Err(QueryError::Unknown("ACL".to_owned())));
        check("prefix=%FF", Err(QueryError::Encoding));
        check("prefix=%", Err(QueryError::Encoding));
        check(
            "prefix=a&prefix=b",
            Err(QueryError::Twice("prefix".to_owned())),
        );
        check(
            "prefi%78=a&prefix=b",
            Err(QueryError::Twice("prefix".to_owned())),
        );
        check(&"x-id=1&".repeat(65), Err(QueryError::TooMany));
    }

    #[test]
    fn the_signed_text_is_sorted_and_encoded_once() {
        check("", Ok(""));
        check("uploads", Ok("uploads="));
        check("select-type=2&select", Ok("select=&select-type=2"));
        check(
            "prefix=a%2fb+c~&delimiter=/",
            Ok("delimiter=%2F&prefix=a%2Fb%20c~"),
        );
        check(
            "X-Amz-Signature=1&X-Amz-Date=2&acl",
            Ok("X-Amz-Date=2&acl="),
        );
        check(
            "x-amz-meta-a1=2&x-amz-meta-a-b=3&x-amz-meta-a=1",
            Ok("x-amz-meta-a=1&x-amz-meta-a-b=3&x-amz-meta-a1=2"),
        );
        let query = Query::parse("X-Amz-Date=2&acl&X-Amz-Signature=1").unwrap();
        assert_eq!(query.unsigned(), "acl=");
        assert_eq!((query.get("acl"), query.get("cors")), (Some(""), None));
    }
}
