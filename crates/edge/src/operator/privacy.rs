//! Checks whether origins of restricted behaviors can be read or written without going through the edge, and reports it
//! to the operator.

mod access;
mod questions;

pub use access::{OriginAccess, OriginPrivacy, UnseenCause};
pub use questions::KnownObject;

use super::Operator;
use crate::origin_client::{
    Findings, KeyCheck, OriginClient, Privacy, PrivacyQuestion, Sight, Writers, WritingCheck,
};
use access::access;
use privet_distribution::config::Snapshot;
use privet_sign::Timestamp;
use questions::{Named, Question, questions};
use std::rc::Rc;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use thiserror::Error;
use tokio::task::{JoinSet, LocalSet};

/// Time limit for all requests to one origin.
const PROBE_TIMEOUT: Duration = Duration::from_secs(20);
/// Maximum number of origins that are probed at the same time.
const PROBES_MAX: usize = 16;

/// Kinds of origins that are probed; only those of restricted behaviors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeScope {
    /// S3 origins, as the edge does by itself: its keys are tried on known objects, and on nothing else.
    Buckets,
    /// S3 and HTTP origins, at the operator's request.
    Servers,
}

/// Extent of a check, and the origins that it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probing {
    /// Kinds of origins to probe.
    pub scope: ProbeScope,
    /// Objects that exist. A bucket may hide its contents and still serve them to anyone who knows a name. An origin
    /// without an object here is probed with the default root object, if its distribution has one. The last one for an
    /// origin counts.
    pub objects: Vec<KnownObject>,
    /// Extent of the check whether strangers can write.
    pub writing: WritingCheck,
}

/// Reason why nothing was probed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProbeError {
    /// A text that should name an object does not.
    #[error("the object {written:?} {reason}")]
    Object {
        /// The text as it was written.
        written: String,
        /// The fault, and what to write instead.
        reason: &'static str,
    },
    /// An object of a distribution that does not exist.
    #[error("no distribution has the id or host {0:?}")]
    UnknownDistribution(String),
    /// An object whose path leads to a folder, or to nothing that has to be private.
    #[error("no bucket or server behind a private behavior is asked for {0}")]
    LeadsNowhere(String),
    /// No runtime could be created.
    #[error("origins cannot be asked: {0}")]
    Runtime(String),
}

/// Probes the origins of a running edge, over connections of its own. For one thread.
#[derive(Debug)]
pub struct Prober {
    operator: Operator,
    client: Rc<OriginClient>,
}

impl Prober {
    pub(crate) fn new(operator: Operator) -> Self {
        Prober {
            client: OriginClient::new(Arc::clone(&operator.origin_client)),
            operator,
        }
    }

    /// Probes the origins of the loaded configuration, and remembers the results: at most 20 s for each, 16 at a time.
    /// Must be awaited within a `LocalSet`.
    ///
    /// # Errors
    /// Fails if an object belongs to no origin that is probed. Nothing is requested then.
    pub async fn probe(&self, probing: &Probing) -> Result<Vec<OriginPrivacy>, ProbeError> {
        let operator = &self.operator;
        let snapshot = Arc::clone(&operator.state.load().snapshot);
        let questions = questions(&snapshot, probing)?;
        let answers = ask_all(&self.client, questions, probing, operator.clock.now()).await;
        let privacy = &operator.privacy;
        let mut known = privacy.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone_from(&answers);
        Ok(answers)
    }
}

/// Probes the origins of a configuration that no edge runs. Waits for them, at most 20 s for each, 16 at a time.
///
/// # Errors
/// Fails if an object belongs to no origin that is probed, or no runtime can be created. Nothing is requested then.
pub fn probe_origins(
    snapshot: &Snapshot,
    probing: &Probing,
    now: Timestamp,
) -> Result<Vec<OriginPrivacy>, ProbeError> {
    let questions = questions(snapshot, probing)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|error| ProbeError::Runtime(error.to_string()))?;
    let asking = async {
        let client = OriginClient::new(Arc::default());
        ask_all(&client, questions, probing, now).await
    };
    Ok(LocalSet::new().block_on(&runtime, asking))
}

/// Returns the results, in the order of the questions.
async fn ask_all(
    client: &Rc<OriginClient>,
    questions: Vec<Question>,
    probing: &Probing,
    now: Timestamp,
) -> Vec<OriginPrivacy> {
    let mut waiting = questions.into_iter().enumerate();
    let mut asking = JoinSet::new();
    let mut answers = Vec::new();
    let (scope, writing) = (probing.scope, probing.writing);
    loop {
        while asking.len() < PROBES_MAX {
            let Some((position, question)) = waiting.next() else {
                break;
            };
            let client = Rc::clone(client);
            asking.spawn_local(async move {
                let findings = ask(&client, &question, scope, writing).await;
                (position, told(question, &findings, now))
            });
        }
        match asking.join_next().await {
            // These tasks are never aborted.
            Some(answer) => answers.extend(answer),
            None => break,
        }
    }
    answers.sort_by_key(|(position, _)| *position);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

async fn ask(
    client: &OriginClient,
    question: &Question,
    scope: ProbeScope,
    writing: WritingCheck,
) -> Findings {
    let origin = &question.origin;
    let known_target = match &question.known_object {
        Named::Object(path) => Some(format!("{}{path}", origin.origin_path)),
        Named::Nothing | Named::SomebodyElses => None,
    };
    let asked = PrivacyQuestion {
        known_target: known_target.as_deref(),
        keys: match scope {
            ProbeScope::Buckets => KeyCheck::KnownObject,
            ProbeScope::Servers => KeyCheck::Always,
        },
        writing,
    };
    let probe = client.probe_privacy(origin, &asked);
    tokio::time::timeout(PROBE_TIMEOUT, probe)
        .await
        .unwrap_or_else(|_| Findings {
            strangers: Privacy::too_late(),
            edge: Sight::NotLooked,
            writers: Writers::Unknown,
        })
}

fn told(question: Question, findings: &Findings, now: Timestamp) -> OriginPrivacy {
    OriginPrivacy {
        place: question.origin.source.place(),
        knows_keys: question.origin.source.knows_keys(),
        access: access(findings, &question.known_object, &question.origin),
        writers: findings.writers,
        distribution_id: question.distribution_id,
        origin_id: question.origin.id.clone(),
        known_object: match question.known_object {
            Named::Object(path) => Some(path),
            Named::Nothing | Named::SomebodyElses => None,
        },
        asked: now,
    }
}
