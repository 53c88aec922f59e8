//! Whether origins of restricted behaviors can be read past the edge, and what the operator is told about it.

use super::Operator;
use crate::origin_client::{OriginClient, OriginFaultKind, Privacy};
use http::StatusCode;
use privet_distribution::{Distribution, Origin, OriginSource, Snapshot};
use privet_sign::Timestamp;
use std::fmt;
use std::io;
use std::rc::Rc;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::task::{JoinSet, LocalSet};

/// For all questions to one origin.
const PROBE_TIMEOUT: Duration = Duration::from_secs(20);
/// Origins that are asked at the same time.
const PROBES_MAX: usize = 16;

/// Which origins are asked; those of restricted behaviors only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeScope {
    /// S3 origins.
    Buckets,
    /// S3 and HTTP origins.
    Servers,
}

/// What is asked, and of whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probing {
    /// Which origins.
    pub scope: ProbeScope,
    /// The raw path of an object that is there. A bucket may hide what it has and still hand it out to those who know
    /// the name. `None`: the default root object, if the distribution has one.
    pub known_object: Option<String>,
}

/// What one origin told somebody without keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginPrivacy {
    /// The distribution's.
    pub distribution_id: String,
    /// The origin's, unique within the distribution.
    pub origin_id: String,
    /// The origin in words: a bucket or a server, and where it is.
    pub place: String,
    /// What came of it.
    pub access: OriginAccess,
    /// The object that was asked for beside the listing and a name that nobody has.
    pub known_object: Option<String>,
    /// When.
    pub asked: Timestamp,
}

/// What somebody without keys can do at an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginAccess {
    /// Nothing: all was refused.
    Private,
    /// Read.
    Public {
        /// Of the answer.
        status: StatusCode,
    },
    /// The origin neither refused nor gave anything away.
    Unclear {
        /// Of the answer.
        status: StatusCode,
    },
    /// It could not be asked.
    Unreachable {
        /// Why, and what to do.
        reason: String,
    },
}

impl fmt::Display for OriginPrivacy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OriginPrivacy {
            distribution_id,
            origin_id,
            place,
            ..
        } = self;
        let of = format!("origin {origin_id} of distribution {distribution_id}");
        match &self.access {
            OriginAccess::Private if self.known_object.is_none() => write!(
                formatter,
                "{place} keeps its listing and unknown objects from those without keys ({of}); to be sure, ask for an \
                 object that is there with privet probe --object"
            ),
            OriginAccess::Private => write!(formatter, "{place} is private ({of})"),
            OriginAccess::Public { status } => write!(
                formatter,
                "ANYONE CAN READ {place} WITHOUT A SIGNATURE ({of} answered {} to a request without keys): \
                 block public access to it, or take the trusted keys off its behaviors",
                status.as_u16()
            ),
            OriginAccess::Unclear { status } => write!(
                formatter,
                "whether {place} is private could not be told ({of} answered {}): ask for an object that is there \
                 with privet probe --object",
                status.as_u16()
            ),
            OriginAccess::Unreachable { reason } => write!(
                formatter,
                "whether {place} is private could not be told ({of}): {reason}"
            ),
        }
    }
}

impl Operator {
    /// Asks the origins of the configuration in force, and remembers what they said.
    pub(super) async fn probe(
        &self,
        client: &Rc<OriginClient>,
        probing: &Probing,
    ) -> Vec<OriginPrivacy> {
        let snapshot = Arc::clone(&self.state.load().snapshot);
        let answers = ask_all(client, questions(&snapshot, probing), self.clock.now()).await;
        let mut known = self.privacy.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone_from(&answers);
        answers
    }
}

/// Asks the origins of a configuration that no edge runs. Waits for them, 20 s for each at most, 16 at a time.
///
/// # Errors
/// No runtime can be made.
pub fn probe_origins(
    snapshot: &Snapshot,
    probing: &Probing,
    now: Timestamp,
) -> io::Result<Vec<OriginPrivacy>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    let asking = async {
        let client = OriginClient::new(Arc::default());
        ask_all(&client, questions(snapshot, probing), now).await
    };
    Ok(LocalSet::new().block_on(&runtime, asking))
}

/// One origin to be asked.
struct Question {
    distribution_id: String,
    origin: Arc<Origin>,
    known_object: Option<String>,
}

/// Each origin that a restricted behavior leads to, once.
fn questions(snapshot: &Snapshot, probing: &Probing) -> Vec<Question> {
    let mut questions: Vec<Question> = Vec::new();
    for distribution in snapshot.distributions() {
        for origin in restricted_origins(distribution) {
            let is_wanted = match &origin.source {
                OriginSource::Folder { .. } => false,
                OriginSource::S3(_) => true,
                OriginSource::Http(_) => probing.scope == ProbeScope::Servers,
            };
            let is_new = questions
                .iter()
                .all(|question| question.origin.index != origin.index);
            if is_wanted && is_new {
                let root = distribution.default_root_object.as_ref();
                questions.push(Question {
                    distribution_id: distribution.id.clone(),
                    origin: Arc::clone(origin),
                    known_object: probing
                        .known_object
                        .clone()
                        .or_else(|| root.map(|root| format!("/{root}"))),
                });
            }
        }
    }
    questions
}

fn restricted_origins(distribution: &Distribution) -> impl Iterator<Item = &Arc<Origin>> {
    let restricted = distribution
        .behaviors
        .iter()
        .filter(|behavior| behavior.trusted_keys.is_some());
    restricted.flat_map(|behavior| {
        let failover = behavior.origin.failover.as_ref();
        let secondary = failover.map(|failover| &failover.secondary);
        std::iter::once(&behavior.origin.primary).chain(secondary)
    })
}

/// The answers, in the order of the questions.
async fn ask_all(
    client: &Rc<OriginClient>,
    questions: Vec<Question>,
    now: Timestamp,
) -> Vec<OriginPrivacy> {
    let mut waiting = questions.into_iter().enumerate();
    let mut asking = JoinSet::new();
    let mut answers = Vec::new();
    loop {
        while asking.len() < PROBES_MAX {
            let Some((position, question)) = waiting.next() else {
                break;
            };
            let client = Rc::clone(client);
            asking.spawn_local(async move { (position, ask(&client, question, now).await) });
        }
        match asking.join_next().await {
            // Nobody aborts a question.
            Some(answer) => answers.extend(answer),
            None => break,
        }
    }
    answers.sort_by_key(|(position, _)| *position);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

async fn ask(client: &OriginClient, question: Question, now: Timestamp) -> OriginPrivacy {
    let origin = &question.origin;
    let known_object = question.known_object.as_ref();
    let known_target = known_object.map(|object| format!("{}{object}", origin.origin_path));
    let probe = client.probe_privacy(origin, known_target.as_deref());
    let privacy = tokio::time::timeout(PROBE_TIMEOUT, probe)
        .await
        .unwrap_or_else(|_| Privacy::Unreachable(OriginFaultKind::ResponseTimeout.into()));
    OriginPrivacy {
        distribution_id: question.distribution_id,
        origin_id: origin.id.clone(),
        place: place(origin),
        access: access(privacy),
        known_object: question.known_object,
        asked: now,
    }
}

fn access(privacy: Privacy) -> OriginAccess {
    match privacy {
        Privacy::Private => OriginAccess::Private,
        Privacy::Public { status } => OriginAccess::Public { status },
        Privacy::Unclear { status } => OriginAccess::Unclear { status },
        Privacy::Unreachable(fault) => OriginAccess::Unreachable {
            reason: fault.to_string(),
        },
    }
}

fn place(origin: &Origin) -> String {
    match &origin.source {
        OriginSource::Folder { root } => format!("folder {}", root.display()),
        OriginSource::S3(s3) => {
            let endpoint = &s3.endpoint;
            format!(
                "bucket {} at {}:{}",
                s3.bucket, endpoint.host, endpoint.port
            )
        }
        OriginSource::Http(http) => format!("server {}", http.host),
    }
}
