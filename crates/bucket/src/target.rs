//! The bucket and the key that a request is about, by path or by host name. Pure.

use crate::encoding;
use http::{HeaderMap, Uri, header::HOST};
use privet_objects::{BucketName, Key, KeyError};
use thiserror::Error;

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// All buckets.
    Service,
    Bucket(BucketName),
    Object(BucketName, Key),
}

/// The reason why a request is about nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum TargetError {
    #[error("the path is not percent-encoded UTF-8")]
    Path,
    #[error("the specified bucket is not valid")]
    BucketName,
    #[error("your key is too long")]
    KeyTooLong,
    #[error("the request has no host, or several")]
    Host,
}

impl Target {
    pub(crate) fn bucket(&self) -> Option<&BucketName> {
        match self {
            Target::Service => None,
            Target::Bucket(bucket) | Target::Object(bucket, _) => Some(bucket),
        }
    }

    /// Returns the path in path style, encoded once.
    pub(crate) fn path(&self) -> String {
        match self {
            Target::Service => "/".to_owned(),
            Target::Bucket(bucket) => format!("/{bucket}"),
            Target::Object(bucket, key) => {
                format!(
                    "/{bucket}/{}",
                    encoding::encode_path(key.as_str().as_bytes())
                )
            }
        }
    }
}

/// Returns the host that a request names; HTTP/2 has it in the URI.
pub(crate) fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Result<&'a str, TargetError> {
    let mut values = headers.get_all(HOST).iter();
    match (values.next(), values.next()) {
        (Some(host), None) => host.to_str().map_err(|_| TargetError::Host),
        (None, _) => uri
            .authority()
            .map(http::uri::Authority::as_str)
            .ok_or(TargetError::Host),
        (Some(_), Some(_)) => Err(TargetError::Host),
    }
}

/// Reads a target. `path` is decoded; `domain_suffix` is the host name of which buckets are the next label.
pub(crate) fn read(
    host: &str,
    path: &str,
    domain_suffix: Option<&str>,
) -> Result<Target, TargetError> {
    let path = path.strip_prefix('/').ok_or(TargetError::Path)?;
    let (bucket, key) = match domain_suffix.and_then(|suffix| bucket_label(host, suffix)) {
        Some(bucket) => (bucket, path),
        None => {
            let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
            (bucket.to_owned(), key)
        }
    };
    if bucket.is_empty() {
        return match key.is_empty() {
            true => Ok(Target::Service),
            false => Err(TargetError::BucketName),
        };
    }
    let bucket = BucketName::new(bucket).map_err(|_| TargetError::BucketName)?;
    match Key::new(key) {
        Ok(key) => Ok(Target::Object(bucket, key)),
        Err(KeyError::Empty) => Ok(Target::Bucket(bucket)),
        Err(KeyError::TooLong) => Err(TargetError::KeyTooLong),
    }
}

/// Returns the label before the suffix, in lower case; `None` for other hosts, and for the suffix itself.
fn bucket_label(host: &str, suffix: &str) -> Option<String> {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let bucket = name.strip_suffix(&suffix.to_ascii_lowercase())?;
    let bucket = bucket.strip_suffix('.')?;
    (!bucket.is_empty()).then(|| bucket.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(host: &str, path: &str, expected: Result<&str, TargetError>) {
        let target = read(host, path, Some("s3.example.com"));
        assert_eq!(
            target.map(|target| target.path()),
            expected.map(str::to_owned)
        );
    }

    #[test]
    fn what_names_no_bucket_is_refused() {
        check("localhost", "//key", Err(TargetError::BucketName));
        check("localhost", "/UP/key", Err(TargetError::BucketName));
        check("localhost", "/../key", Err(TargetError::BucketName));
        check("-.s3.example.com", "/key", Err(TargetError::BucketName));
        check(
            "localhost",
            &format!("/abc/{}", "k".repeat(1025)),
            Err(TargetError::KeyTooLong),
        );
        check("localhost", "*", Err(TargetError::Path));
    }

    #[test]
    fn both_styles_name_the_same() {
        check("localhost:9000", "/", Ok("/"));
        check("s3.example.com", "/", Ok("/"));
        check("s3.example.com", "/abc/", Ok("/abc"));
        check("localhost", "/abc/a b//../c/", Ok("/abc/a%20b//../c/"));
        check(
            "abc.S3.example.com:9000",
            "/a b//../c/",
            Ok("/abc/a%20b//../c/"),
        );
        check("abc.s3.example.com.", "/", Ok("/abc"));
        check("abc.other.example.com", "/bucket", Ok("/bucket"));
    }
}
