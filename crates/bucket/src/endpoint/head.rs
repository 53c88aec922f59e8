//! The head of a request: what it is about, who sent it, what it says about its body.

use crate::body::Announced;
use crate::encoding;
use crate::error::{self, IntoS3};
use crate::facts::Fields;
use crate::form;
use crate::operators::{Holder, Operators};
use crate::query::{Query, is_hoisted};
use crate::sigv2::{PresentedUrl, UrlClaim};
use crate::sigv4::{Presented, Refusal, Verified};
use crate::target::{self, Target};
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, ORIGIN,
    TRANSFER_ENCODING,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version};
use privet_objects::BucketName;
use s3s::{S3Error, S3ErrorCode};
use std::net::IpAddr;

const DECODED_LENGTH: &str = "x-amz-decoded-content-length";
const TRAILER_FIELDS_MAX: usize = 8;

/// Header fields that name the account which has to own a bucket.
const OWNER_CONDITIONS: [&str; 2] = [
    "x-amz-expected-bucket-owner",
    "x-amz-source-expected-bucket-owner",
];
/// Parameters of objects, in the order in which they say what a request is about, with their names in access logs.
const OBJECT_RESOURCES: [(&str, &str); 6] = [
    ("partNumber", "PART"),
    ("uploadId", "UPLOAD"),
    ("uploads", "UPLOADS"),
    ("acl", "ACL"),
    ("tagging", "OBJECT_TAGGING"),
    ("attributes", "OBJECT_ATTRIBUTES"),
];
/// The same of buckets.
const BUCKET_RESOURCES: [(&str, &str); 15] = [
    ("delete", "MULTI_OBJECT_DELETE"),
    ("uploads", "UPLOADS"),
    ("versions", "BUCKETVERSIONS"),
    ("location", "LOCATION"),
    ("policy", "BUCKETPOLICY"),
    ("policyStatus", "POLICY_STATUS"),
    ("cors", "CORS"),
    ("logging", "LOGGING_STATUS"),
    ("acl", "ACL"),
    ("tagging", "TAGGING"),
    ("versioning", "VERSIONING"),
    ("encryption", "ENCRYPTION"),
    ("lifecycle", "LIFECYCLE"),
    ("publicAccessBlock", "PUBLIC_ACCESS_BLOCK"),
    ("ownershipControls", "OWNERSHIP_CONTROLS"),
];

/// When and whence a request came.
#[derive(Clone, Copy)]
pub(super) struct Sent<'a> {
    pub(super) address: IpAddr,
    pub(super) request_id: &'a str,
    /// Seconds since 1970.
    pub(super) now: i64,
}

/// How a request was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signed {
    Header,
    Query,
    Form,
    /// A presigned URL of version 2.
    OldQuery,
}

/// A head that was read.
pub(super) struct Head {
    pub(super) parts: Parts,
    pub(super) target: Target,
    path: String,
    query: Query,
}

/// A request of a browser at another site.
pub(super) struct FromSite {
    pub(super) bucket: BucketName,
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
}

impl Head {
    pub(super) fn read(mut parts: Parts, domain_suffix: Option<&str>) -> Result<Self, S3Error> {
        let host = target::host(&parts.uri, &parts.headers).map_err(IntoS3::into_s3)?;
        let path = encoding::decode(parts.uri.path())
            .ok_or(target::TargetError::Path)
            .map_err(IntoS3::into_s3)?
            .into_owned();
        let target = target::read(host, &path, domain_suffix).map_err(IntoS3::into_s3)?;
        let query = Query::parse(parts.uri.query().unwrap_or_default()).map_err(IntoS3::into_s3)?;
        let host = HeaderValue::from_str(host).map_err(|_| target::TargetError::Host.into_s3())?;
        // HTTP/2 has it in the URI; signatures cover it as a field.
        parts.headers.insert(HOST, host);
        Ok(Head {
            parts,
            target,
            path,
            query,
        })
    }

    /// Returns what is needed to let a browser's script read the answer.
    pub(super) fn origin(&self) -> Option<FromSite> {
        let origin = self.parts.headers.get(ORIGIN)?;
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, origin.clone());
        Some(FromSite {
            bucket: self.target.bucket()?.clone(),
            method: self.parts.method.clone(),
            headers,
        })
    }

    pub(super) fn is_form(&self) -> bool {
        let kind = self.parts.headers.get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        self.parts.method == Method::POST && form::is_form(kind)
    }

    /// Returns true for `PutObject` and `UploadPart`, whose bodies are objects. Everything else is gathered in memory.
    pub(super) fn is_upload(&self) -> bool {
        let is_plain = self.query.names().all(|name| {
            ["partNumber", "uploadId", "x-id"].contains(&name)
                || name.starts_with("X-Amz-")
                || is_hoisted(name)
        });
        let is_copy = self.parts.headers.contains_key("x-amz-copy-source");
        let is_object = matches!(self.target, Target::Object(..));
        self.parts.method == Method::PUT && is_object && is_plain && !is_copy
    }

    /// Returns true for `CompleteMultipartUpload`.
    pub(super) fn is_completion(&self) -> bool {
        self.parts.method == Method::POST && self.query.has("uploadId")
    }

    /// Checks the signature with the secret of its key.
    pub(super) async fn verify(
        &self,
        operators: &dyn Operators,
        sent: Sent<'_>,
    ) -> Result<(Verified, Holder, Signed), S3Error> {
        let recognition = sent.recognition(operators);
        let refused = |refusal| recognition.refused(None, refusal);
        if let Some(claim) = self.url_claim(sent.now) {
            let claim = claim.map_err(refused)?;
            let verify = |secret: Option<&str>| claim.verify(secret);
            let ((), holder) = recognition.holder(&claim.access_key_id, verify).await?;
            return Ok((Verified::without_body(), holder, Signed::OldQuery));
        }
        let signed = match self.parts.headers.contains_key(AUTHORIZATION) {
            true => Signed::Header,
            false => Signed::Query,
        };
        let presented = Presented {
            method: &self.parts.method,
            path: &self.path,
            query: &self.query,
            headers: &self.parts.headers,
        };
        let claim = presented.claim(sent.now).map_err(refused)?;
        let id = claim.scope.access_key_id.clone();
        let verify = |secret: Option<&str>| claim.verify(secret);
        let (verified, holder) = recognition.holder(&id, verify).await?;
        Ok((verified, holder, signed))
    }

    /// Reads a presigned URL of version 2.
    fn url_claim(&self, now: i64) -> Option<Result<UrlClaim, Refusal>> {
        let path = self.parts.uri.path();
        let resource = match &self.target {
            // By host name the bucket is not in the path.
            Target::Object(bucket, key) if self.path.strip_prefix('/') == Some(key.as_str()) => {
                Some(format!("/{bucket}{path}"))
            }
            Target::Object(..) => Some(path.to_owned()),
            Target::Service | Target::Bucket(_) => None,
        };
        let url = PresentedUrl {
            method: &self.parts.method,
            resource: resource.as_deref(),
            query: &self.query,
            headers: &self.parts.headers,
        };
        UrlClaim::read(&url, now)
    }

    /// Refuses conditions on the owner's account, which is not known here: they would hold for nobody.
    pub(super) fn check_owner(&self) -> Result<(), S3Error> {
        let mut names = OWNER_CONDITIONS.iter();
        match names.find(|name| self.parts.headers.contains_key(**name) || self.query.has(name)) {
            Some(name) => Err(error::not_implemented(name)),
            None => Ok(()),
        }
    }

    /// Refuses an upload whose head does not say where its body ends: HTTP/1.1 takes that for an empty one.
    pub(super) fn check_length(&self) -> Result<(), S3Error> {
        let headers = &self.parts.headers;
        let is_said =
            headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING);
        match self.parts.version < Version::HTTP_2 && self.is_upload() && !is_said {
            true => Err(error::known(
                S3ErrorCode::MissingContentLength,
                "You must provide the Content-Length HTTP header.",
            )),
            false => Ok(()),
        }
    }

    /// Reads what the head says about the body.
    pub(super) fn announced(&self) -> Result<Announced, S3Error> {
        let headers = &self.parts.headers;
        let trailer: Vec<String> = headers
            .get_all("x-amz-trailer")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|name| name.trim().to_ascii_lowercase())
            .filter(|name| !name.is_empty())
            .collect();
        if trailer.len() > TRAILER_FIELDS_MAX {
            return Err(error::known(
                S3ErrorCode::InvalidRequest,
                "x-amz-trailer names too many fields",
            ));
        }
        Ok(Announced {
            content_length: number(headers, CONTENT_LENGTH.as_str())?,
            decoded_length: number(headers, DECODED_LENGTH)?,
            trailer,
        })
    }

    /// Returns the size of the object that an upload brings, as its head says it.
    pub(super) fn announced_size(&self) -> Option<u64> {
        let length = |name| number(&self.parts.headers, name).ok().flatten();
        length(DECODED_LENGTH).or_else(|| length(CONTENT_LENGTH.as_str()))
    }

    /// Returns the head as the router gets it, and the fields that operations read themselves.
    pub(super) fn into_routed(self, length: Option<u64>) -> Result<(Parts, Fields), S3Error> {
        let Head {
            mut parts,
            target,
            query,
            ..
        } = self;
        for name in [AUTHORIZATION, EXPECT, TRANSFER_ENCODING] {
            parts.headers.remove(name);
        }
        parts.headers.remove("x-amz-content-sha256");
        parts.headers.remove(DECODED_LENGTH);
        match length {
            Some(length) => parts.headers.insert(CONTENT_LENGTH, length.into()),
            None => parts.headers.remove(CONTENT_LENGTH),
        };
        hoist(&query, &mut parts.headers);
        remove_framing(&mut parts.headers);
        let fields = Fields::take(&mut parts.headers);
        let text = match query.unsigned() {
            query if query.is_empty() => target.path(),
            query => format!("{}?{query}", target.path()),
        };
        parts.uri = text
            .parse::<Uri>()
            .map_err(|_| target::TargetError::Path.into_s3())?;
        parts.version = Version::HTTP_11;
        Ok((parts, fields))
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// Returns the key of the object, if the request is about one.
    pub(super) fn key(&self) -> Option<&str> {
        match &self.target {
            Target::Object(_, key) => Some(key.as_str()),
            Target::Service | Target::Bucket(_) => None,
        }
    }

    pub(super) fn version_id(&self) -> Option<&str> {
        self.query.get("versionId")
    }

    /// Returns the operation's name as access logs have it, such as `REST.GET.OBJECT`.
    pub(super) fn operation(&self) -> String {
        let is_object = matches!(self.target, Target::Object(..));
        let names = if is_object {
            &OBJECT_RESOURCES[..]
        } else {
            &BUCKET_RESOURCES[..]
        };
        let named = names
            .iter()
            .find(|(parameter, _)| self.query.has(parameter));
        let plain = if is_object { "OBJECT" } else { "BUCKET" };
        let resource = named.map_or(plain, |(_, resource)| *resource);
        match self.parts.headers.contains_key("x-amz-copy-source") {
            true => format!("REST.COPY.{resource}"),
            false => format!("REST.{}.{resource}", self.parts.method),
        }
    }
}

/// Makes header fields of the parameters that stand for them, unless they were sent.
fn hoist(query: &Query, headers: &mut HeaderMap) {
    for (name, value) in query.parameters() {
        let (Ok(field), Ok(content)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        ) else {
            continue;
        };
        // A checksum in a URL is that of no body: the signer of the URL had none.
        let is_field = is_hoisted(name) && !name.starts_with("x-amz-checksum-");
        if is_field && !headers.contains_key(&field) {
            headers.insert(field, content);
        }
    }
}

/// Takes `aws-chunked` out of the content codings: it is no property of the object.
fn remove_framing(headers: &mut HeaderMap) {
    let codings: Vec<String> = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|coding| coding.trim().to_owned())
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    headers.remove(CONTENT_ENCODING);
    if let Ok(value) = HeaderValue::from_str(&codings.join(","))
        && !codings.is_empty()
    {
        headers.insert(CONTENT_ENCODING, value);
    }
}

/// Reads a length that may be sent once.
fn number(headers: &HeaderMap, name: &str) -> Result<Option<u64>, S3Error> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next(), values.next());
    let Some(value) = first else {
        return Ok(None);
    };
    let text = value.to_str().ok().filter(|text| {
        second.is_none()
            && (1..=19).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_digit())
    });
    match text.and_then(|text| text.parse().ok()) {
        Some(number) => Ok(Some(number)),
        None => Err(error::known(
            S3ErrorCode::InvalidArgument,
            format!("{name} is no length"),
        )),
    }
}
