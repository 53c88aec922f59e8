//! The kinds of origin, and what differs between them: everybody else asks.
//!
//! A question is about what an origin does, not about which it is, so that a new kind is answered for here. A test
//! holds the few files that name the kinds.

use super::{
    CredentialSource, HttpOrigin, OriginProtocolPolicy, S3Addressing, S3Origin, SigningBehavior,
};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// The kinds of origin; matched without `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginSource {
    /// A folder of the edge's own disk, served the way a bucket is.
    Folder {
        /// The folder.
        root: PathBuf,
    },
    /// A bucket behind an S3 endpoint.
    S3(S3Origin),
    /// Any HTTP server.
    Http(HttpOrigin),
}

impl From<HttpOrigin> for OriginSource {
    fn from(server: HttpOrigin) -> Self {
        OriginSource::Http(server)
    }
}

/// What requests to it are like.
impl OriginSource {
    /// Whether it is asked over a connection, so that it can answer for itself, change, fail, and have its answers
    /// kept. A folder is read, never asked.
    pub fn is_remote(&self) -> bool {
        match self {
            OriginSource::Folder { .. } => false,
            OriginSource::S3(_) | OriginSource::Http(_) => true,
        }
    }

    /// Whether what it is sent is signed as the edge's own: of a viewer's request only what is on a list, or listed by
    /// a policy, gets there, and nothing of the way by which it came. A proxy on the way adds to those fields, which
    /// would break the signature; and gateways that judge by addresses would believe what a viewer has written.
    pub fn is_asked_as_client(&self) -> bool {
        match self {
            OriginSource::S3(_) => true,
            OriginSource::Http(_) | OriginSource::Folder { .. } => false,
        }
    }

    /// Whether it hears the viewer's `Host` where a policy passes it on. A bucket knows only its own name.
    pub fn hears_host(&self) -> bool {
        match self {
            OriginSource::Http(_) => true,
            OriginSource::Folder { .. } | OriginSource::S3(_) => false,
        }
    }

    /// Whether it is asked over the scheme that the viewer uses.
    pub fn hears_scheme(&self) -> bool {
        match self {
            OriginSource::Http(server) => server.protocol == OriginProtocolPolicy::MatchViewer,
            OriginSource::Folder { .. } | OriginSource::S3(_) => false,
        }
    }

    /// Whether its root is no object but a list of all that there are.
    pub fn has_listing(&self) -> bool {
        match self {
            OriginSource::S3(_) => true,
            OriginSource::Folder { .. } | OriginSource::Http(_) => false,
        }
    }

    /// Whether a request is sent again that had no answer in time: "For a custom origin, this value also specifies the
    /// number of times CloudFront attempts to get a response" (developer guide, "Connection attempts").
    pub fn repeats_after_timeout(&self) -> bool {
        match self {
            OriginSource::Http(_) => true,
            OriginSource::S3(_) | OriginSource::Folder { .. } => false,
        }
    }

    /// Whether others' objects stand beside this origin's, under the same server.
    pub(super) fn has_neighbours(&self) -> bool {
        match self {
            OriginSource::S3(bucket) => bucket.addressing == S3Addressing::Path,
            OriginSource::Folder { .. } | OriginSource::Http(_) => false,
        }
    }
}

/// Who may do what there.
impl OriginSource {
    /// Whether it tells those who have access keys from those who have none, and may refuse the edge's own.
    pub fn knows_keys(&self) -> bool {
        match self {
            OriginSource::S3(_) => true,
            OriginSource::Folder { .. } | OriginSource::Http(_) => false,
        }
    }

    pub(super) fn without_keys(&self) -> Option<Self> {
        match self {
            OriginSource::Folder { .. } => None,
            OriginSource::S3(bucket) => Some(OriginSource::S3(S3Origin {
                signing: SigningBehavior::Never,
                ..bucket.clone()
            })),
            OriginSource::Http(server) => Some(OriginSource::Http(server.clone())),
        }
    }

    /// Whether only this machine reaches it. A bucket that anybody can read is public wherever it is: its endpoint
    /// hands it out by other ways too.
    pub fn is_for_this_machine(&self) -> bool {
        match self {
            OriginSource::Http(server) => is_this_machine(&server.host),
            OriginSource::Folder { .. } | OriginSource::S3(_) => false,
        }
    }

    /// Whether answers come over plain HTTP from another machine.
    pub fn comes_in_the_clear(&self) -> bool {
        match self {
            OriginSource::Folder { .. } => false,
            OriginSource::S3(bucket) => {
                !bucket.endpoint.is_tls && !is_this_machine(&bucket.endpoint.host)
            }
            OriginSource::Http(server) => {
                server.protocol != OriginProtocolPolicy::HttpsOnly && !is_this_machine(&server.host)
            }
        }
    }
}

/// Where it is.
impl OriginSource {
    /// The folder that the edge reads by itself.
    pub fn folder_root(&self) -> Option<&Path> {
        match self {
            OriginSource::Folder { root } => Some(root),
            OriginSource::S3(_) | OriginSource::Http(_) => None,
        }
    }

    /// The server that is asked the way viewers ask.
    pub fn web_server(&self) -> Option<&HttpOrigin> {
        match self {
            OriginSource::Http(server) => Some(server),
            OriginSource::Folder { .. } | OriginSource::S3(_) => None,
        }
    }

    pub(super) fn endpoint_host(&self) -> Option<&str> {
        self.bucket().map(|bucket| bucket.endpoint.host.as_str())
    }

    fn bucket(&self) -> Option<&S3Origin> {
        match self {
            OriginSource::S3(bucket) => Some(bucket),
            OriginSource::Folder { .. } | OriginSource::Http(_) => None,
        }
    }

    /// Whether a path names the same object at both, as far as the configuration tells.
    pub fn has_same_objects(&self, other: &OriginSource) -> bool {
        match self {
            OriginSource::Folder { root } => other.folder_root() == Some(root),
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

    /// What it is and where, in a few words. Secrets are never among them.
    pub fn place(&self) -> String {
        match self {
            OriginSource::Folder { root } => format!("folder {}", root.display()),
            OriginSource::S3(bucket) => {
                let endpoint = &bucket.endpoint;
                let (host, port) = (&endpoint.host, endpoint.port);
                format!("bucket {} at {host}:{port}", bucket.bucket)
            }
            OriginSource::Http(server) => format!("server {}", server_url(server)),
        }
    }

    /// What it is, where, and how it is asked, in one line. Secrets are never in it.
    pub fn summary(&self) -> String {
        match self {
            OriginSource::Folder { root } => format!("folder {}", root.display()),
            OriginSource::S3(bucket) => bucket_summary(bucket),
            OriginSource::Http(server) => server_summary(server),
        }
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Where the server is asked for what viewers ask for by http, if for anything.
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
            format!("{url} or https://{host}:{port}, as the viewer")
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
