//! Whether a bucket that is meant to be private really is.

use super::{OriginCall, OriginClient, OriginFault, OriginRequestBody, OriginResponse};
use aws_lc_rs::rand;
use http::{HeaderMap, Method, StatusCode};
use privet_distribution::{Origin, OriginSource, SigningBehavior};
use privet_sign::Scheme;

/// What is read of an error's text to find its code.
const ERROR_SIZE_BYTES_MAX: usize = 16 * 1024;

/// What a bucket says to those who have no access key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Privacy {
    /// It refuses them.
    Private,
    /// It answers them, with this status.
    Public { status: StatusCode },
    /// It neither refuses nor answers: a redirect, no such bucket, an error of the server.
    Unclear { status: StatusCode },
    /// It can not be asked.
    Unreachable(OriginFault),
}

impl OriginClient {
    /// Asks an origin without credentials and custom headers for its listing, for a key that nobody has, and for
    /// `known_target` (the raw path of an object that is there), if given. One answer makes it public.
    pub(crate) async fn probe_privacy(
        &self,
        origin: &Origin,
        known_target: Option<&str>,
    ) -> Privacy {
        let Some(anonymous) = anonymous(origin) else {
            return Privacy::Private;
        };
        let unknown = format!("{}/{}", origin.origin_path, random_key());
        let mut privacy = Privacy::Private;
        for target in [Some("/"), Some(unknown.as_str()), known_target] {
            let Some(target) = target else { continue };
            let one = match self.ask_anonymously(&anonymous, target).await {
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
        let call = OriginCall {
            method: Method::GET,
            target: target.to_owned(),
            headers: HeaderMap::new(),
            body: OriginRequestBody::Empty,
            viewer_scheme: Scheme::Https,
        };
        let response = self.send(anonymous, call).await?;
        let status = response.status;
        // Those who may not list a bucket are not told which keys it lacks.
        if status == StatusCode::NOT_FOUND && names_missing_key(response).await? {
            return Ok(Privacy::Public { status });
        }
        Ok(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Privacy::Private,
            status if status.is_success() => Privacy::Public { status },
            status => Privacy::Unclear { status },
        })
    }
}

/// The origin as somebody without keys sees it; `None` for a folder, which nobody else can ask.
fn anonymous(origin: &Origin) -> Option<Origin> {
    let mut anonymous = origin.clone();
    anonymous.custom_headers.clear();
    match &mut anonymous.source {
        OriginSource::Folder { .. } => return None,
        OriginSource::S3(s3) => s3.signing = SigningBehavior::Never,
        OriginSource::Http(_) => {}
    }
    Some(anonymous)
}

/// A key that no object has.
fn random_key() -> String {
    let mut random = [0; 16];
    // Without randomness the key is still one that nobody is likely to have.
    let _ = rand::fill(&mut random);
    let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("privet-privacy-probe-{hex}")
}

async fn names_missing_key(mut response: OriginResponse) -> Result<bool, OriginFault> {
    let mut text = Vec::new();
    while let Some(bytes) = response.body.next().await {
        text.extend_from_slice(&bytes?);
        if text.len() > ERROR_SIZE_BYTES_MAX {
            break;
        }
    }
    let needle = b"<Code>NoSuchKey</Code>";
    Ok(text.windows(needle.len()).any(|window| window == needle))
}
