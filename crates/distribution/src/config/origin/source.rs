//! The kinds of origin, and how they differ: no other module matches on the kind.
//!
//! Methods tell what an origin does, not which kind it is. A new kind begins here; a test (`origin_kinds.rs`) names the
//! few other files that may match on the kinds: its document, its reader, its builder, and the edge's client.

use super::{
    CredentialSource, EmbeddedOrigin, HttpOrigin, OriginProtocolPolicy, S3Addressing, S3Origin,
    SigningBehavior,
};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// The kinds of origin; matched without `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginSource {
    /// A folder on the edge's own disk, served the way a bucket is.
    Folder {
        /// Folder that is served.
        root: PathBuf,
    },
    /// A bucket that this machine keeps, read directly.
    Embedded(EmbeddedOrigin),
    /// A bucket behind an S3 endpoint.
    S3(S3Origin),
    /// Any HTTP server.
    Http(HttpOrigin),
}

impl From<S3Origin> for OriginSource {
    fn from(bucket: S3Origin) -> Self {
        OriginSource::S3(bucket)
    }
}

impl From<HttpOrigin> for OriginSource {
    fn from(server: HttpOrigin) -> Self {
        OriginSource::Http(server)
    }
}

/// Methods about requests to the origin.
impl OriginSource {
    /// Returns true if the origin is reached over a connection, so that it can revalidate, change or fail, and its
    /// responses are cached. A folder is read directly.
    pub fn is_remote(&self) -> bool {
        match self {
            OriginSource::Folder { .. } | OriginSource::Embedded(_) => false,
            OriginSource::S3(_) | OriginSource::Http(_) => true,
        }
    }

    /// Returns true if requests are signed as the edge's own. Only fields of a fixed list, or named by a policy, are
    /// taken from a viewer's request, and no forwarding fields: a proxy on the way appends to those, which would break
    /// the signature, and gateways that decide by address would trust values that a viewer wrote.
    pub fn is_signed_by_edge(&self) -> bool {
        match self {
            OriginSource::S3(_) => true,
            OriginSource::Http(_) | OriginSource::Folder { .. } | OriginSource::Embedded(_) => {
                false
            }
        }
    }

    /// Returns true if the viewer's `Host` is passed on where a policy says so. A bucket knows only its own name.
    pub fn forwards_host(&self) -> bool {
        match self {
            OriginSource::Http(_) => true,
            OriginSource::Folder { .. } | OriginSource::Embedded(_) | OriginSource::S3(_) => false,
        }
    }

    /// Returns true if requests use the viewer's scheme.
    pub fn matches_viewer_scheme(&self) -> bool {
        match self {
            OriginSource::Http(server) => server.protocol == OriginProtocolPolicy::MatchViewer,
            OriginSource::Folder { .. } | OriginSource::Embedded(_) | OriginSource::S3(_) => false,
        }
    }

    /// Returns true if the root is a listing of all objects, and no object itself. Of a bucket that is read directly
    /// nothing is listed.
    pub fn has_listing(&self) -> bool {
        match self {
            OriginSource::S3(_) => true,
            OriginSource::Folder { .. } | OriginSource::Embedded(_) | OriginSource::Http(_) => {
                false
            }
        }
    }

    /// Returns true if a request is repeated after a response timeout: "For a custom origin, this value also specifies
    /// the number of times CloudFront attempts to get a response" (developer guide, "Connection attempts").
    pub fn repeats_after_timeout(&self) -> bool {
        match self {
            OriginSource::Http(_) => true,
            OriginSource::S3(_) | OriginSource::Folder { .. } | OriginSource::Embedded(_) => false,
        }
    }

    /// Returns true if the same server has objects of others beside this origin's.
    pub(super) fn has_neighbours(&self) -> bool {
        match self {
            OriginSource::S3(bucket) => bucket.addressing == S3Addressing::Path,
            OriginSource::Folder { .. } | OriginSource::Embedded(_) | OriginSource::Http(_) => {
                false
            }
        }
    }
}

/// Methods about access to the origin.
impl OriginSource {
    /// Returns true if the origin checks access keys, and so may refuse the edge's own.
    pub fn knows_keys(&self) -> bool {
        match self {
            OriginSource::S3(_) => true,
            OriginSource::Folder { .. } | OriginSource::Embedded(_) | OriginSource::Http(_) => {
                false
            }
        }
    }

    pub(super) fn without_keys(&self) -> Option<Self> {
        match self {
            OriginSource::Folder { .. } => None,
            OriginSource::Embedded(bucket) => bucket.for_strangers().map(OriginSource::S3),
            OriginSource::S3(bucket) => Some(OriginSource::S3(S3Origin {
                signing: SigningBehavior::Never,
                ..bucket.clone()
            })),
            OriginSource::Http(server) => Some(OriginSource::Http(server.clone())),
        }
    }

    /// Returns true if only this machine can reach it. A bucket that anybody can read is public even on this machine,
    /// since its endpoint serves it in other ways too.
    pub fn is_for_this_machine(&self) -> bool {
        match self {
            OriginSource::Http(server) => is_this_machine(&server.host),
            OriginSource::Folder { .. } | OriginSource::Embedded(_) | OriginSource::S3(_) => false,
        }
    }

    /// Returns true if responses come over plain HTTP from another machine.
    pub fn comes_in_the_clear(&self) -> bool {
        match self {
            OriginSource::Folder { .. } | OriginSource::Embedded(_) => false,
            OriginSource::S3(bucket) => {
                !bucket.endpoint.is_tls && !is_this_machine(&bucket.endpoint.host)
            }
            OriginSource::Http(server) => {
                server.protocol != OriginProtocolPolicy::HttpsOnly && !is_this_machine(&server.host)
            }
        }
    }
}

/// Methods about the location of the origin.
impl OriginSource {
    /// Returns the folder, which the edge reads itself.
    pub fn folder_root(&self) -> Option<&Path> {
        match self {
            OriginSource::Folder { root } => Some(root),
            OriginSource::Embedded(_) | OriginSource::S3(_) | OriginSource::Http(_) => None,
        }
    }

    /// Returns the bucket that the edge reads itself.
    pub fn embedded(&self) -> Option<&EmbeddedOrigin> {
        match self {
            OriginSource::Embedded(bucket) => Some(bucket),
            OriginSource::Folder { .. } | OriginSource::S3(_) | OriginSource::Http(_) => None,
        }
    }

    /// Returns the HTTP server of a custom origin, which gets requests in the form in which viewers send them.
    pub fn web_server(&self) -> Option<&HttpOrigin> {
        match self {
            OriginSource::Http(server) => Some(server),
            OriginSource::Folder { .. } | OriginSource::Embedded(_) | OriginSource::S3(_) => None,
        }
    }

    pub(super) fn endpoint_host(&self) -> Option<&str> {
        self.bucket().map(|bucket| bucket.endpoint.host.as_str())
    }

    fn bucket(&self) -> Option<&S3Origin> {
        match self {
            OriginSource::S3(bucket) => Some(bucket),
            OriginSource::Folder { .. } | OriginSource::Embedded(_) | OriginSource::Http(_) => None,
        }
    }

    /// Returns true if a path names the same object at both, as far as the configuration shows.
    pub fn has_same_objects(&self, other: &OriginSource) -> bool {
        match self {
            OriginSource::Folder { root } => other.folder_root() == Some(root),
            OriginSource::Embedded(bucket) => {
                let root = |other: &EmbeddedOrigin| other.root == bucket.root;
                other.embedded().is_some_and(root)
            }
            OriginSource::S3(bucket) => other.bucket().is_some_and(|other| {
                let place =
                    |bucket: &S3Origin| (bucket.endpoint.host.clone(), bucket.endpoint.port);
                other.bucket == bucket.bucket && place(other) == place(bucket)
            }),
            OriginSource::Http(server) => other.web_server().is_some_and(|other| {
                let ports = |server: &HttpOrigin| (server.http_port, server.https_port);
                other.host == server.host && ports(other) == ports(server)
            }),
        }
    }

    /// Describes kind and location in a few words, without secrets.
    pub fn place(&self) -> String {
        match self {
            OriginSource::Folder { root } => format!("folder {}", root.display()),
            OriginSource::Embedded(bucket) => format!("embedded bucket {}", bucket.bucket),
            OriginSource::S3(bucket) => {
                let endpoint = &bucket.endpoint;
                let (host, port) = (&endpoint.host, endpoint.port);
                format!("bucket {} at {host}:{port}", bucket.bucket)
            }
            OriginSource::Http(server) => format!("server {}", server_url(server)),
        }
    }

    /// Describes kind, location and signing in one line, without secrets.
    pub fn summary(&self) -> String {
        match self {
            OriginSource::Folder { root } => format!("folder {}", root.display()),
            OriginSource::Embedded(bucket) => bucket.summary(),
            OriginSource::S3(bucket) => bucket_summary(bucket),
            OriginSource::Http(server) => server_summary(server),
        }
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Returns the URL that serves viewers of plain HTTP: over TLS only where the policy demands it.
fn server_url(server: &HttpOrigin) -> String {
    let host = bracketed(&server.host);
    match server.protocol {
        OriginProtocolPolicy::HttpOnly | OriginProtocolPolicy::MatchViewer => {
            format!("http://{host}:{}", server.http_port)
        }
        OriginProtocolPolicy::HttpsOnly => format!("https://{host}:{}", server.https_port),
    }
}

fn server_summary(server: &HttpOrigin) -> String {
    let url = server_url(server);
    match server.protocol {
        OriginProtocolPolicy::HttpOnly | OriginProtocolPolicy::HttpsOnly => url,
        OriginProtocolPolicy::MatchViewer => {
            let (host, port) = (bracketed(&server.host), server.https_port);
            format!("{url} or https://{host}:{port}, like the viewer")
        }
    }
}

fn bucket_summary(bucket: &S3Origin) -> String {
    let endpoint = &bucket.endpoint;
    let scheme = if endpoint.is_tls { "https" } else { "http" };
    let host = bracketed(&endpoint.host);
    let url = match bucket.addressing {
        S3Addressing::Path => format!("{scheme}://{host}:{}/{}", endpoint.port, bucket.bucket),
        S3Addressing::VirtualHost => {
            format!("{scheme}://{}.{host}:{}", bucket.bucket, endpoint.port)
        }
    };
    format!("bucket {url} ({}, {})", bucket.region, signing(bucket))
}

fn signing(bucket: &S3Origin) -> String {
    match bucket.signing {
        SigningBehavior::Never => return "not signed".to_owned(),
        SigningBehavior::Always | SigningBehavior::NoOverride => {}
    }
    match &bucket.credentials {
        CredentialSource::Static { access_key_id, .. } => format!("signed by {access_key_id}"),
        CredentialSource::Chain {
            profile: Some(profile),
        } => format!("signed by profile {profile}"),
        CredentialSource::Chain { profile: None } => {
            "signed by the keys found at run time".to_owned()
        }
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}
