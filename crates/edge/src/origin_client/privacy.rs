//! What strangers can do at an origin that is meant to be private, and what the edge itself sees there.
//!
//! A refusal vouches for nothing by itself: a bucket that may not be listed refuses what it does not have. So the edge
//! looks with its own keys whether the object is there that strangers are refused.

mod writers;

pub use writers::Writers;

use super::refusal::{Judged, Refused};
use super::{
    OriginCall, OriginClient, OriginFault, OriginFaultKind, OriginRequestBody, OriginResponse,
    prepare,
};
use aws_lc_rs::rand;
use bytes::Bytes;
use http::header::RANGE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use privet_distribution::RangeSpec;
use privet_distribution::config::Origin;
use privet_distribution::request::s3_error_code;
use privet_sign::Scheme;
use writers::{writers_in_acl, writers_in_policy};

/// What is read of an error's text to find its code.
const ERROR_SIZE_BYTES_MAX: usize = 16 * 1024;
/// What is read of an ACL (100 grants) or a policy (20 KB).
const DOCUMENT_SIZE_BYTES_MAX: usize = 128 * 1024;

/// What is asked of one origin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PrivacyQuestion<'q> {
    /// The raw path of an object that should be there, with the origin path.
    pub(crate) known_target: Option<&'q str>,
    pub(crate) keys: KeyCheck,
    pub(crate) writing: WritingCheck,
}

/// When the edge's own keys are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyCheck {
    /// On the known object; without one they are not.
    KnownObject,
    /// On the known object, or else on the bucket.
    Always,
}

/// How it is found out whether strangers can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WritingCheck {
    /// Not at all.
    Leave,
    /// By reading the bucket's ACL and policy with the edge's keys. Changes nothing, and needs two rights more than an
    /// edge has to have.
    Read,
    /// By reading, and by a PUT without a signature that cannot succeed: its `Content-MD5` is not that of its body. S3
    /// looks at rights first and at the digest last, so the answer tells whether it would have been let in.
    Try,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Findings {
    pub(crate) strangers: Privacy,
    pub(crate) edge: Sight,
    pub(crate) writers: Writers,
}

/// What an origin says to those who have no access key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Privacy {
    /// It refuses them.
    Private,
    /// It answers them, with this status.
    Public { status: StatusCode },
    /// It neither refuses nor answers: a redirect, no such bucket, an error of the server.
    Unclear { status: StatusCode },
    /// It cannot be asked.
    Unreachable(OriginFault),
}

/// What the edge sees with its own keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// It has not looked.
    NotLooked,
    /// The bucket takes its keys; no object was named.
    Taken,
    /// The object is there.
    There,
    /// It is not, or the edge may not have it either.
    NotThere { status: StatusCode },
    /// The bucket refuses the edge itself.
    Refused(Refused),
    /// It cannot be asked.
    Unreachable(OriginFault),
}

impl OriginClient {
    /// Asks an origin without credentials and custom headers for its listing, for a key that nobody has, and for the
    /// known object; and with them for that object, so that a refusal is one. One answer to strangers makes it public.
    pub(crate) async fn probe_privacy(
        &self,
        origin: &Origin,
        question: &PrivacyQuestion<'_>,
    ) -> Findings {
        let Some(anonymous) = origin.for_strangers() else {
            return Findings {
                strangers: Privacy::Private,
                edge: Sight::NotLooked,
                writers: Writers::Unknown,
            };
        };
        // With the keys first: what a stranger is refused afterwards was there.
        let edge = self.look(origin, question).await;
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
        // Those who may not list a bucket are not told which keys it lacks.
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

    /// What the edge itself gets, by HEAD.
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
            // An edge need not be allowed to list: AccessDenied is for keys that are good.
            Judged::Response(_) => Sight::Taken,
        })
    }

    /// Whether strangers can write; asked of buckets alone, for what a PUT does at other servers nobody knows.
    async fn writers(&self, origin: &Origin, anonymous: &Origin, check: WritingCheck) -> Writers {
        match (origin.source.knows_keys(), check) {
            (false, _) | (true, WritingCheck::Leave) => Writers::Unknown,
            (true, WritingCheck::Read) => self.writers_by_rule(origin).await,
            (true, WritingCheck::Try) => {
                let by_rule = self.writers_by_rule(origin).await;
                let tried = self.try_to_write(origin, anonymous).await;
                // What a stranger is refused may be granted elsewhere in the bucket.
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

    /// A document about the bucket, asked for with the edge's keys; `None` if it does not come, or not whole.
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
            // A server that does not look at digests has taken it; the key is nobody else's.
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

    /// A response as it is, whatever it says of the edge.
    async fn answer(
        &self,
        origin: &Origin,
        call: OriginCall,
    ) -> Result<OriginResponse, OriginFault> {
        let (prepared, _) = prepare::prepare(&self.shared.credentials, origin, call).await?;
        self.exchange(origin, prepared).await
    }
}

const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");
/// Sixteen zeros: the digest of no body that anybody knows.
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

/// A key that no object has.
fn random_key(purpose: &str) -> String {
    let mut random = [0; 16];
    // Without randomness the key is still one that nobody is likely to have.
    let _ = rand::fill(&mut random);
    let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("privet-{purpose}-probe-{hex}")
}

impl Privacy {
    /// Nothing came in time.
    pub(crate) fn too_late() -> Self {
        Privacy::Unreachable(OriginFaultKind::ResponseTimeout.into())
    }
}
