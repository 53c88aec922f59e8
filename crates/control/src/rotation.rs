//! The rotation of a key group's signing key: what is written down of it, and what is to be done next.
//!
//! Pure: what is known of group and edges, and the time, are passed in. `operations/key_rotation` carries it out.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Keys of one group that may wait for their retirement; with more, no further key is made.
pub(crate) const RETIRING_MAX: usize = 8;
/// Time in seconds for which a signer that was handed a key may have taken to compute an expiry.
const MARGIN_SECS: i64 = 300;

/// Kind of the keys of a rotation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyType {
    /// RSA 2048.
    #[default]
    Rsa,
    /// ECDSA P-256.
    P256,
}

/// How often a group gets another key, and how long those before stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Interval between two keys, in seconds.
    #[serde(rename = "every_seconds")]
    pub every_secs: i64,
    /// Time in seconds for which a key stays at least after another has taken its place.
    #[serde(rename = "overlap_seconds")]
    pub overlap_secs: i64,
    /// Longest time in seconds for which a link of these keys may be valid.
    #[serde(rename = "longest_link_seconds")]
    pub longest_link_secs: i64,
    /// Kind of new keys.
    #[serde(rename = "type")]
    pub key_type: KeyType,
}

/// The state of a group's rotation, as the store has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// Schedule, until it is changed.
    #[serde(flatten)]
    pub schedule: Schedule,
    /// Time from which another key is to be made.
    pub due_at: i64,
    /// Key that signers use.
    pub current: Option<CurrentKey>,
    /// Key that is published, and will be used once it is in force on all edges.
    pub next: Option<NextKey>,
    /// Keys whose place others have taken, and whose links may still be valid.
    pub retiring: Vec<RetiringKey>,
}

/// The key that signers use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrentKey {
    /// Id of the public key.
    pub id: String,
    /// Time from which it is used.
    pub since: i64,
    /// Longest time for which any of its links may be valid, whatever the schedule became since.
    #[serde(rename = "longest_link_seconds")]
    pub longest_link_secs: i64,
}

/// A key that is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextKey {
    /// Id of the public key.
    pub id: String,
    /// Time at which it was made.
    pub made_at: i64,
    /// Number of a change with which it is in force; `None` until that is written down.
    pub change: Option<u64>,
}

/// A key whose place another has taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetiringKey {
    /// Id of the public key.
    pub id: String,
    /// Time from which no signer is given it any more.
    pub replaced_at: i64,
    /// As [`CurrentKey::longest_link_secs`].
    #[serde(rename = "longest_link_seconds")]
    pub longest_link_secs: i64,
}

/// What is known outside of the rotation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// Ids of the group's keys.
    pub(crate) group: Vec<String>,
    /// Edges on which the next key is in force, and all that are known.
    pub(crate) applied: (usize, usize),
    /// Time at which keys last opened something on any edge.
    pub(crate) last_opened: BTreeMap<String, i64>,
    /// Name of an edge of which nothing was heard for a while: what its viewers use is not known.
    pub(crate) silent: Option<String>,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Make a key and publish it.
    Begin,
    /// Write down with which change the next key is in force.
    Number,
    /// Let signers use the next key.
    Use,
    /// Take a key out of the group.
    Retire(String),
    /// Forget a key that somebody has taken out of the group.
    Forget(String),
    /// Nothing now.
    Wait,
}

/// Why a key is not retired yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// The overlap is not over.
    Overlap {
        /// Time at which it is.
        until: i64,
    },
    /// A link that was made last may still be valid.
    Links {
        /// Time at which it is not.
        until: i64,
    },
    /// It has opened something within the longest life of its links: a link that is not known of may be out.
    Opened {
        /// Last time.
        at: i64,
        /// Time at which that is long enough ago.
        until: i64,
    },
    /// Nothing was heard of an edge, where it may open something.
    Silent {
        /// Name of the edge.
        edge: String,
    },
}

impl Hold {
    /// Returns the time at which it ends, where that is known.
    pub(crate) fn until(&self) -> Option<i64> {
        match self {
            Hold::Overlap { until } | Hold::Links { until } | Hold::Opened { until, .. } => {
                Some(*until)
            }
            Hold::Silent { .. } => None,
        }
    }

    /// Returns the reason in words.
    pub(crate) fn reason(&self) -> String {
        match self {
            Hold::Overlap { .. } => "the overlap is not over".to_owned(),
            Hold::Links { .. } => "links that were made with it may still be valid".to_owned(),
            Hold::Opened { .. } => {
                "it has opened something within the longest life of a link".to_owned()
            }
            Hold::Silent { edge } => {
                format!("nothing is heard of the edge {edge}, where it may be in use")
            }
        }
    }
}

impl Rotation {
    /// Returns a rotation whose first key is to be made now.
    pub(crate) fn new(schedule: Schedule, now: i64) -> Self {
        Rotation {
            schedule,
            due_at: now,
            current: None,
            next: None,
            retiring: Vec::new(),
        }
    }

    /// Takes another schedule. What was signed before is waited for as long as it could be valid.
    pub(crate) fn reschedule(&mut self, schedule: Schedule) {
        self.schedule = schedule;
        if let Some(current) = &mut self.current {
            current.longest_link_secs = current.longest_link_secs.max(schedule.longest_link_secs);
            self.due_at = self
                .due_at
                .min(current.since.saturating_add(schedule.every_secs));
        }
    }

    /// Returns what is to be done at `now`. A step that was done is not asked for again.
    pub(crate) fn step(&self, known: &Known, now: i64) -> Step {
        let is_in_group = |id: &str| known.group.iter().any(|key| key == id);
        let own = self.retiring.iter().map(|key| key.id.as_str());
        let own = own.chain(self.next.iter().map(|key| key.id.as_str()));
        let own = own.chain(self.current.iter().map(|key| key.id.as_str()));
        if let Some(gone) = own.into_iter().find(|id| !is_in_group(id)) {
            return Step::Forget(gone.to_owned());
        }
        let (applied, of) = known.applied;
        match &self.next {
            Some(NextKey { change: None, .. }) => return Step::Number,
            Some(_) if applied >= of => return Step::Use,
            Some(_) => {}
            None if self.is_due(now) && self.retiring.len() < RETIRING_MAX => return Step::Begin,
            None => {}
        }
        let mut retiring = self.retiring.iter();
        let over = retiring.find(|key| self.hold(key, known, now).is_none());
        over.map_or(Step::Wait, |key| Step::Retire(key.id.clone()))
    }

    fn is_due(&self, now: i64) -> bool {
        self.current.is_none() || now >= self.due_at
    }

    /// Lets signers use the next key from `now` on.
    pub(crate) fn use_next(&mut self, now: i64) {
        let Some(next) = self.next.take() else { return };
        let current = CurrentKey {
            id: next.id,
            since: now,
            longest_link_secs: self.schedule.longest_link_secs,
        };
        if let Some(old) = self.current.replace(current) {
            self.retiring.push(RetiringKey {
                id: old.id,
                replaced_at: now,
                longest_link_secs: old.longest_link_secs,
            });
        }
        // After a long standstill there is one rotation, not all that were missed.
        self.due_at = now.saturating_add(self.schedule.every_secs);
    }

    /// Forgets a key.
    pub(crate) fn forget(&mut self, id: &str) {
        self.retiring.retain(|key| key.id != id);
        self.next.take_if(|key| key.id == id);
        self.current.take_if(|key| key.id == id);
    }

    /// Returns why a key is not retired at `now`; `None` if it can be.
    pub(crate) fn hold(&self, key: &RetiringKey, known: &Known, now: i64) -> Option<Hold> {
        let overlap = key.replaced_at.saturating_add(self.schedule.overlap_secs);
        let links = key
            .replaced_at
            .saturating_add(key.longest_link_secs)
            .saturating_add(MARGIN_SECS);
        if now < links && links >= overlap {
            return Some(Hold::Links { until: links });
        }
        if now < overlap {
            return Some(Hold::Overlap { until: overlap });
        }
        if let Some(at) = known.last_opened.get(&key.id).copied() {
            // It is known to the minute.
            let until = at.saturating_add(key.longest_link_secs).saturating_add(60);
            if now < until {
                return Some(Hold::Opened { at, until });
            }
        }
        let silent = known.silent.clone();
        silent.map(|edge| Hold::Silent { edge })
    }
}

#[cfg(test)]
mod tests;
