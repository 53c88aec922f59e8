//! Probes what strangers can do at an origin that is meant to be private, and what the edge itself sees there.
//!
//! A refusal alone proves nothing: a bucket that may not be listed refuses keys that it does not have. So the edge
//! checks with its own keys that the object which strangers are refused exists.

mod writers;

pub use writers::Writers;

use super::refusal::{Judged, Refused};
use super::{
    OriginCall, OriginClient, OriginFault, OriginFaultKind, OriginRequestBody, OriginResponse,
    prepare,
};
use crate::origin::{Buckets, FolderOrigin, OriginError};
use crate::own_files::OwnPaths;
use aws_lc_rs::rand;
use bytes::Bytes;
use http::header::RANGE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use privet_distribution::RangeSpec;
use privet_distribution::config::{EmbeddedOrigin, Origin};
use privet_distribution::request::s3_error_code;
use privet_sign::Scheme;
use std::path::Path;
use std::sync::Arc;
use writers::{writers_in_acl, writers_in_policy};

/// Maximum number of bytes that are read of an error to find its code.
const ERROR_SIZE_BYTES_MAX: usize = 16 * 1024;
/// Maximum number of bytes that are read of an ACL (100 grants) or a policy (20 KB).
const DOCUMENT_SIZE_BYTES_MAX: usize = 128 * 1024;

/// The checks of one origin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PrivacyQuestion<'q> {
    /// Raw path of an object that should exist, with the origin path.
    pub(crate) known_target: Option<&'q str>,
    pub(crate) keys: KeyCheck,
    pub(crate) writing: WritingCheck,
}

/// The check of the edge's own keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyCheck {
    /// The keys are tried on the known object; without one they are not.
    KnownObject,
    /// The keys are tried on the known object, or else on the bucket.
    Always,
}

/// The way to find out whether strangers can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WritingCheck {
    /// No check.
    Leave,
    /// The bucket's ACL and policy are read with the edge's keys. This changes nothing, and requires two permissions
    /// more than an edge needs.
    Read,
    /// They are read, and a PUT is sent without a signature that cannot succeed: its `Content-MD5` is not that of its
    /// body. S3 checks permissions first and the digest last, so the response tells whether it would have been let in.
    Try,
}

/// The results of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Findings {
    pub(crate) strangers: Privacy,
    pub(crate) edge: Sight,
    pub(crate) writers: Writers,
}

/// An origin's response to those who have no access key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Privacy {
    /// The origin refuses them.
    Private,
    /// The origin serves them, with this status.
    Public { status: StatusCode },
    /// The origin neither refuses nor serves: a redirect, no such bucket, an error of the server.
    Unclear { status: StatusCode },
    /// The origin cannot be reached.
    Unreachable(OriginFault),
}

/// The edge's own view of an origin, with its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// The edge has not looked.
    NotLooked,
    /// The bucket accepts the keys; no object was named.
    Taken,
    /// The object exists.
    There,
    /// The object does not exist, or the edge may not have it either.
    NotThere { status: StatusCode },
    /// The bucket refuses the edge itself.
    Refused(Refused),
    /// The origin cannot be reached.
    Unreachable(OriginFault),
}

impl OriginClient {
    /// Probes an origin. Without credentials and custom headers it requests the listing, a key that no object has, and
    /// the known object; with them, the known object, so that a refusal to strangers is one. Serving strangers any of
    /// these makes the origin public.
    pub(crate) async fn probe_privacy(
        &self,
        origin: &Origin,
        question: &PrivacyQuestion<'_>,
    ) -> Findings {
        // The edge looks first, so that an object which strangers are then refused did exist.
        let edge = match origin.source.embedded() {
            Some(embedded) => look_into(embedded, question.known_target).await,
            None => self.look(origin, question).await,
        };
        let Some(anonymous) = origin.for_strangers() else {
            return Findings {
                strangers: Privacy::Private,
                edge,
                writers: Writers::Unknown,
            };
        };
        Findings {
            strangers: self.strangers(&anonymous, question.known_target).await,
            edge,
            writers: self.writers(origin, &anonymous, question.writing).await,
        }
    }

    async fn strangers(&self, anonymous: &Origin, known_target: Option<&str>) -> Privacy {
        let unknown = format!("{}/{}", anonymous.origin_path, random_key("privacy"));
        let mut privacy = Privacy::Private;
        for target in [Some("/"), Some(unknown.as_str()), known_target] {
            let Some(target) = target else { continue };
            let one = match self.ask_anonymously(anonymous, target).await {
                Ok(one) => one,
                Err(fault) => Privacy::Unreachable(fault),
            };
            match one {
                Privacy::Public { .. } => return one,
                Privacy::Unclear { .. } | Privacy::Unreachable(_) => privacy = one,
                Privacy::Private => {}
            }
        }
        privacy
    }

    async fn ask_anonymously(
        &self,
        anonymous: &Origin,
        target: &str,
    ) -> Result<Privacy, OriginFault> {
        let mut response = self.answer(anonymous, call(Method::GET, target)).await?;
        let status = response.status;
        // Buckets do not tell which keys they lack to those who may not list them, so this bucket may be listed.
        if status == StatusCode::NOT_FOUND {
            let text = response.body.look_ahead(ERROR_SIZE_BYTES_MAX).await?;
            if s3_error_code(text.bytes()) == Some("NoSuchKey") {
                return Ok(Privacy::Public { status });
            }
        }
        Ok(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Privacy::Private,
            status if status.is_success() => Privacy::Public { status },
            status => Privacy::Unclear { status },
        })
    }

    /// Returns what the edge itself sees, by HEAD.
    async fn look(&self, origin: &Origin, question: &PrivacyQuestion<'_>) -> Sight {
        let knows_keys = origin.source.knows_keys();
        let looked = match (question.known_target, question.keys) {
            (Some(target), _) => self.look_at_object(origin, target).await,
            (None, KeyCheck::Always) if knows_keys => self.look_at_bucket(origin).await,
            (None, KeyCheck::Always | KeyCheck::KnownObject) => Ok(Sight::NotLooked),
        };
        looked.unwrap_or_else(Sight::Unreachable)
    }

    async fn look_at_object(&self, origin: &Origin, target: &str) -> Result<Sight, OriginFault> {
        let mut judged = self.ask(origin, call(Method::HEAD, target)).await?;
        if let Judged::Response(response) = &judged
            && knows_no_head(response.status)
        {
            let mut get = call(Method::GET, target);
            get.headers
                .insert(RANGE, RangeSpec::FIRST_BYTE.to_header_value());
            judged = self.ask(origin, get).await?;
        }
        Ok(match judged {
            Judged::Refused(refused) => Sight::Refused(refused),
            Judged::Response(response) if response.status.is_success() => Sight::There,
            Judged::Response(response) => Sight::NotThere {
                status: response.status,
            },
        })
    }

    async fn look_at_bucket(&self, origin: &Origin) -> Result<Sight, OriginFault> {
        let judged = self.ask(origin, call(Method::HEAD, "/")).await?;
        Ok(match judged {
            Judged::Refused(refused) => Sight::Refused(refused),
            Judged::Response(response) if response.status == StatusCode::NOT_FOUND => {
                Sight::Refused(Refused::without_bucket())
            }
            // An edge need not have permission to list: AccessDenied means that its keys are good.
            Judged::Response(_) => Sight::Taken,
        })
    }

    /// Finds out whether strangers can write. Only buckets are asked, because the effect of a PUT on other servers is
    /// unknown.
    async fn writers(&self, origin: &Origin, anonymous: &Origin, check: WritingCheck) -> Writers {
        match (origin.source.knows_keys(), check) {
            (false, _) | (true, WritingCheck::Leave) => Writers::Unknown,
            (true, WritingCheck::Read) => self.writers_by_rule(origin).await,
            (true, WritingCheck::Try) => {
                let by_rule = self.writers_by_rule(origin).await;
                let tried = self.try_to_write(origin, anonymous).await;
                // A PUT that is refused here may be allowed elsewhere in the bucket.
                tried.unwrap_or(Writers::Unknown).or(by_rule)
            }
        }
    }

    async fn writers_by_rule(&self, origin: &Origin) -> Writers {
        let acl = self.document(origin, "/?acl").await;
        let by_acl = match acl {
            Some((StatusCode::OK, text)) => writers_in_acl(&text),
            Some(_) | None => Writers::Unknown,
        };
        let policy = self.document(origin, "/?policy").await;
        let by_policy = match policy {
            Some((StatusCode::OK, text)) => writers_in_policy(&text),
            Some((StatusCode::NOT_FOUND, text))
                if s3_error_code(&text) == Some("NoSuchBucketPolicy") =>
            {
                Writers::Nobody
            }
            Some(_) | None => Writers::Unknown,
        };
        by_acl.and(by_policy)
    }

    /// Reads a document about the bucket with the edge's keys; `None` if it does not arrive, or not whole.
    async fn document(&self, origin: &Origin, target: &str) -> Option<(StatusCode, Vec<u8>)> {
        let judged = self.ask(origin, call(Method::GET, target)).await.ok()?;
        let mut response = match judged {
            Judged::Response(response) => response,
            Judged::Refused(_) => return None,
        };
        let text = response.body.look_ahead(DOCUMENT_SIZE_BYTES_MAX).await;
        Some((response.status, text.ok()?.whole()?.to_vec()))
    }

    async fn try_to_write(
        &self,
        origin: &Origin,
        anonymous: &Origin,
    ) -> Result<Writers, OriginFault> {
        let target = format!("{}/{}", origin.origin_path, random_key("write"));
        let mut put = call(Method::PUT, &target);
        put.headers.insert(CONTENT_MD5, FALSE_MD5);
        put.body = OriginRequestBody::Memory(Bytes::from_static(b"privet"));
        let mut response = self.answer(anonymous, put).await?;
        let status = response.status;
        if status.is_success() {
            // A server that does not check digests has stored it; the key is nobody else's.
            let _ = self.ask(origin, call(Method::DELETE, &target)).await;
            return Ok(Writers::Anybody);
        }
        let text = response.body.look_ahead(ERROR_SIZE_BYTES_MAX).await?;
        Ok(match (status.as_u16(), s3_error_code(text.bytes())) {
            (401 | 403, _) => Writers::Nobody,
            (400, Some("BadDigest")) => Writers::Anybody,
            _ => Writers::Unknown,
        })
    }

    /// Returns a response as it is, whatever it says of the edge.
    async fn answer(
        &self,
        origin: &Origin,
        call: OriginCall,
    ) -> Result<OriginResponse, OriginFault> {
        let (prepared, _) = prepare::prepare(&self.shared.credentials, origin, call).await?;
        self.exchange(origin, prepared).await
    }
}

/// Returns what the edge itself sees in a bucket of this machine, which it reads directly.
async fn look_into(embedded: &EmbeddedOrigin, target: Option<&str>) -> Sight {
    let status = StatusCode::FORBIDDEN;
    let Some(target) = target else {
        return Sight::NotLooked;
    };
    if embedded.advice().is_some() {
        return Sight::NotThere { status };
    }
    let folder = embedded.root.parent().unwrap_or(Path::new(""));
    let buckets = Arc::new(Buckets::new(folder));
    let ground = (Arc::default(), OwnPaths::default());
    let reader = FolderOrigin::of_bucket(embedded, buckets, (0, 0), ground);
    match reader.fetch(target).await {
        Ok(_) => Sight::There,
        Err(OriginError::NotFound) => Sight::NotThere {
            status: StatusCode::NOT_FOUND,
        },
        Err(OriginError::Hidden | OriginError::Unreadable) => Sight::NotThere { status },
    }
}

const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");
/// Digest of sixteen zeros, which no known body has.
const FALSE_MD5: HeaderValue = HeaderValue::from_static("AAAAAAAAAAAAAAAAAAAAAA==");

fn call(method: Method, target: &str) -> OriginCall {
    OriginCall {
        method,
        target: target.to_owned(),
        headers: HeaderMap::new(),
        body: OriginRequestBody::Empty,
        viewer_scheme: Scheme::Https,
        viewer: None,
    }
}

fn knows_no_head(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED
    )
}

/// Returns a key that no object has.
fn random_key(purpose: &str) -> String {
    let mut random = [0; 16];
    // Without randomness the key is still one that no object is likely to have.
    let _ = rand::fill(&mut random);
    let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("privet-{purpose}-probe-{hex}")
}

impl Privacy {
    /// Returns the result of a probe whose response did not come in time.
    pub(crate) fn too_late() -> Self {
        Privacy::Unreachable(OriginFaultKind::ResponseTimeout.into())
    }
}
