//! Selects the origins to probe, and the object to request from each: its own, never another bucket's.

use super::{ProbeError, ProbeScope, Probing};
use privet_distribution::config::{Distribution, Origin, Snapshot, object_name};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Maximum length of `WHOSE/PATH` in bytes.
const OBJECT_SIZE_BYTES_MAX: usize = 4096;

/// An object that should exist, as the operator names it: `/videos/talk.mp4`, or with the id or a host of its
/// distribution before it, `EDFDVBD6EXAMPLE/videos/talk.mp4`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownObject {
    /// Id or host of the distribution; `None` where there is only one to probe.
    of: Option<String>,
    /// Path as a viewer requests it, percent-encoded.
    path: String,
}

impl FromStr for KnownObject {
    type Err = ProbeError;

    /// # Errors
    /// [`ProbeError::Object`].
    fn from_str(text: &str) -> Result<Self, ProbeError> {
        let wrong = |reason| ProbeError::Object {
            written: text.chars().take(OBJECT_SIZE_BYTES_MAX).collect(),
            reason,
        };
        let Some((of, path)) = text.split_once('/') else {
            return Err(wrong("does not begin with a slash"));
        };
        if path.is_empty() {
            return Err(wrong("names no object; the listing is requested anyway"));
        }
        if text.len() > OBJECT_SIZE_BYTES_MAX {
            return Err(wrong("is too long"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong(
                "has characters other than ASCII; write them percent-encoded",
            ));
        }
        if path.contains(['?', '#']) {
            return Err(wrong("has a query; write ? as %3F if the name has one"));
        }
        Ok(KnownObject {
            of: Some(of.to_owned()).filter(|of| !of.is_empty()),
            path: format!("/{path}"),
        })
    }
}

impl fmt::Display for KnownObject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}{}",
            self.of.as_deref().unwrap_or_default(),
            self.path
        )
    }
}

/// One origin to be probed.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) distribution_id: String,
    pub(super) origin: Arc<Origin>,
    pub(super) known_object: Named,
}

/// The object to request from an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// The object at this path.
    Object(String),
    /// No object was named.
    Nothing,
    /// An object was named, but it may be another distribution's.
    SomebodyElses,
}

/// Returns each origin that a restricted behavior leads to, once, with an object of its own.
pub(super) fn questions(
    snapshot: &Snapshot,
    probing: &Probing,
) -> Result<Vec<Question>, ProbeError> {
    let mut questions = asked(snapshot, probing.scope);
    for object in &probing.objects {
        name(&mut questions, snapshot, object)?;
    }
    Ok(questions)
}

fn asked(snapshot: &Snapshot, scope: ProbeScope) -> Vec<Question> {
    let mut questions: Vec<Question> = Vec::new();
    for distribution in snapshot.distributions() {
        for origin in restricted_origins(distribution) {
            let is_wanted = match scope {
                ProbeScope::Buckets => origin.source.knows_keys(),
                // What this machine keeps is asked for at its own endpoint.
                ProbeScope::Servers => {
                    origin.source.is_remote() || origin.source.embedded().is_some()
                }
            };
            let is_new = questions
                .iter()
                .all(|question| question.origin.index != origin.index);
            if is_wanted && is_new {
                questions.push(Question {
                    distribution_id: distribution.id.clone(),
                    origin: Arc::clone(origin),
                    known_object: root_object(distribution, origin),
                });
            }
        }
    }
    questions
}

/// Returns the default root object, if a viewer's request for it leads to this origin.
fn root_object(distribution: &Distribution, origin: &Origin) -> Named {
    let path = distribution
        .default_root_object
        .as_ref()
        .map(|root| format!("/{root}"));
    match path {
        Some(path) if leads_to(distribution, &path, origin) => Named::Object(path),
        Some(_) | None => Named::Nothing,
    }
}

/// Sets `object` on the origins that can have it at its path.
fn name(
    questions: &mut [Question],
    snapshot: &Snapshot,
    object: &KnownObject,
) -> Result<(), ProbeError> {
    let Some(distribution) = owner(questions, snapshot, object)? else {
        for question in questions {
            if question.known_object == Named::Nothing {
                question.known_object = Named::SomebodyElses;
            }
        }
        return Ok(());
    };
    let mut is_of_use = false;
    for question in questions {
        let is_its_own = question.distribution_id == distribution.id
            && leads_to(distribution, &object.path, &question.origin);
        if is_its_own {
            question.known_object = Named::Object(object.path.clone());
            is_of_use = true;
        }
    }
    if is_of_use {
        Ok(())
    } else {
        Err(ProbeError::LeadsNowhere(object.to_string()))
    }
}

/// Returns the distribution that an object belongs to; `None` if the object does not say and there are several.
fn owner<'s>(
    questions: &[Question],
    snapshot: &'s Snapshot,
    object: &KnownObject,
) -> Result<Option<&'s Arc<Distribution>>, ProbeError> {
    let by_id = |id: &str| {
        let mut distributions = snapshot.distributions().iter();
        distributions.find(|distribution| distribution.id == id)
    };
    if let Some(of) = &object.of {
        let found = by_id(of).or_else(|| snapshot.distribution_for(of));
        return found
            .map(Some)
            .ok_or_else(|| ProbeError::UnknownDistribution(of.clone()));
    }
    let mut ids = questions.iter().map(|question| &question.distribution_id);
    let Some(first) = ids.next() else {
        return Ok(None);
    };
    Ok(if ids.all(|id| id == first) {
        by_id(first)
    } else {
        None
    })
}

/// Returns true if a viewer's request for `path` goes to `origin`.
fn leads_to(distribution: &Distribution, path: &str, origin: &Origin) -> bool {
    let name = object_name(path);
    let mut behaviors = distribution.behaviors.iter();
    let behavior = behaviors.find(|behavior| behavior.path_pattern.matches(&name));
    behavior.is_some_and(|behavior| {
        let failover = behavior.origin.failover.as_ref();
        behavior.origin.primary.index == origin.index
            || failover.is_some_and(|failover| failover.secondary.index == origin.index)
    })
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
