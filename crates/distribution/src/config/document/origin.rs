//! Origins and origin groups as the operator wrote them.

use crate::config::origin::{
    HttpOrigin, HttpServer, OriginPatience, PathReading, S3Addressing, SigningBehavior,
};
use http::{HeaderName, HeaderValue, StatusCode};
use std::fmt;
use std::path::{Path, PathBuf};

/// An origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginDocument {
    /// What behaviors and origin groups name.
    pub id: String,
    /// What kind of origin it is.
    pub source: OriginSourceDocument,
    /// Put before every path: empty, or `/…` without a slash at the end.
    pub origin_path: String,
    /// How it reads paths; `None`: as its kind does.
    pub paths: Option<PathReading>,
    /// Sent with every request, in place of the viewer's.
    pub custom_headers: Vec<(HeaderName, HeaderValue)>,
    /// How long to wait, how often to try; `trusted_roots_pem` is filled in from `trusted_roots`.
    pub patience: OriginPatience,
    /// A PEM file with the private certificate authority of this origin.
    pub trusted_roots: Option<PathBuf>,
}

impl OriginDocument {
    /// What is written, else [`PathReading::Canonical`] for an HTTP server and [`PathReading::Literal`] for a folder or
    /// a bucket.
    pub fn path_reading(&self) -> PathReading {
        self.paths.unwrap_or(self.source.path_reading())
    }
}

/// The kinds of origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginSourceDocument {
    /// A folder of the edge's own disk.
    Folder {
        /// The folder served.
        root: PathBuf,
    },
    /// A bucket behind an S3 endpoint.
    S3(S3OriginDocument),
    /// Any HTTP server.
    Http(HttpOrigin),
}

impl OriginSourceDocument {
    fn path_reading(&self) -> PathReading {
        match self {
            OriginSourceDocument::Folder { .. } | OriginSourceDocument::S3(_) => {
                PathReading::Literal
            }
            OriginSourceDocument::Http(_) => PathReading::Canonical,
        }
    }

    /// The folder that the edge reads by itself.
    pub fn folder_root(&self) -> Option<&Path> {
        match self {
            OriginSourceDocument::Folder { root } => Some(root),
            OriginSourceDocument::S3(_) | OriginSourceDocument::Http(_) => None,
        }
    }

    /// The bucket, all requests to which may be signed.
    pub(crate) fn bucket(&self) -> Option<&S3OriginDocument> {
        match self {
            OriginSourceDocument::S3(bucket) => Some(bucket),
            OriginSourceDocument::Folder { .. } | OriginSourceDocument::Http(_) => None,
        }
    }

    /// The server that is asked the way viewers ask.
    pub fn web_server(&self) -> Option<&HttpOrigin> {
        match self {
            OriginSourceDocument::Http(server) => Some(server),
            OriginSourceDocument::Folder { .. } | OriginSourceDocument::S3(_) => None,
        }
    }
}

/// A bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3OriginDocument {
    /// The endpoint's server, without the bucket's name.
    pub endpoint: HttpServer,
    /// The bucket's name.
    pub bucket: String,
    /// For the signature's scope.
    pub region: String,
    /// Where the bucket's name stands.
    pub addressing: S3Addressing,
    /// Origin access control.
    pub signing: SigningBehavior,
    /// Whose keys sign.
    pub credentials: CredentialsDocument,
}

/// Where access keys come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialsDocument {
    /// From the configuration.
    Static {
        /// `AWS_ACCESS_KEY_ID`.
        access_key_id: String,
        /// `AWS_SECRET_ACCESS_KEY`, or the file it is in.
        secret_access_key: SecretSource,
        /// `AWS_SESSION_TOKEN`.
        session_token: Option<Secret>,
    },
    /// The usual search: environment, profile, web identity, instance metadata.
    Chain {
        /// The profile to take, in place of `AWS_PROFILE`.
        profile: Option<String>,
    },
}

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In the configuration itself.
    Text(Secret),
    /// In a file; white space around it does not count.
    File(PathBuf),
}

/// A text that `{:?}` does not show.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes `text` out of sight.
    pub fn new(text: String) -> Self {
        Secret(text)
    }

    /// The text itself, for those who sign with it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

/// Two origins, of which the second helps out (developer guide, "Optimize high availability with origin failover").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginGroupDocument {
    /// What behaviors name, as they name origins.
    pub id: String,
    /// The ids of two origins, the primary one first.
    pub origins: Vec<String>,
    /// Statuses of the first origin that lead to the second.
    pub failover_statuses: Vec<StatusCode>,
}
