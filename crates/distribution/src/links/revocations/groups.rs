//! The revocations of keys, subjects and objects.

use super::pattern::ObjectPattern;
use super::{
    Ended, GrantFacts, OBJECT_PATTERNS_MAX, REPEATS_MAX, RevocationEntry, Revoked, RevokedBy,
    Taken, WhyNotTaken, stronger,
};
use privet_sign::{SubjectDigest, Timestamp};
use std::collections::{HashMap, HashSet};
use std::hash::Hash;

#[derive(Debug, Default)]
pub(super) struct Groups {
    keys: HashMap<String, Vec<Held>>,
    subjects: HashMap<SubjectDigest, Vec<Held>>,
    /// Patterns whose host has no wildcard, by host.
    objects: HashMap<Box<str>, Vec<(ObjectPattern, Held)>>,
    /// The other patterns.
    of_many_hosts: Vec<(ObjectPattern, Held)>,
    /// Number of patterns.
    patterns: usize,
}

/// A revocation, without what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    seq: u64,
    until: u64,
    made: Timestamp,
    cut: bool,
}

impl Groups {
    /// Returns the revocation that is about a grant at `now`, one that cuts if there is one.
    pub(super) fn find(&self, facts: &GrantFacts<'_>, now: Timestamp) -> Option<RevokedBy> {
        let mark = facts.mark;
        let made = mark.and_then(|mark| mark.made);
        let is_about = |held: &Held| held.is_in_force(now) && !held.is_before(made, now);
        let of_key = self.keys.get(facts.key_pair_id).into_iter().flatten();
        // Whoever has a stolen key writes any time into the links that it signs.
        let of_key = of_key.filter(|held| held.is_in_force(now));
        let subject = mark.and_then(|mark| mark.subject.as_ref());
        let of_subject = subject.and_then(|subject| self.subjects.get(subject));
        let of_subject = of_subject
            .into_iter()
            .flatten()
            .filter(|held| is_about(held));
        let found = of_key.chain(of_subject).map(Held::revoked_by);
        let found = found.fold(None, |found, by| stronger(found, Some(by)));
        if self.patterns == 0 {
            return found;
        }
        let object = facts.object.spelled();
        let of_host = self.objects.get(&*object.host).into_iter().flatten();
        let patterns = of_host.chain(&self.of_many_hosts);
        let covering = patterns.filter(|(pattern, held)| is_about(held) && pattern.covers(&object));
        let covering = covering.map(|(_, held)| held.revoked_by());
        covering.fold(found, |found, by| stronger(found, Some(by)))
    }

    /// Adds a revocation that is not of a link.
    pub(super) fn insert(&mut self, entry: &RevocationEntry) -> Result<Taken, WhyNotTaken> {
        let held = Held::of(entry);
        match &entry.what {
            // Links have a table of their own.
            Revoked::Link(_) => Ok(Taken::Known),
            Revoked::Key(id) => add(self.keys.entry(id.clone()).or_default(), held),
            Revoked::Subject(subject) => add(self.subjects.entry(*subject).or_default(), held),
            Revoked::Object(pattern) => self.insert_pattern(pattern, held),
        }
    }

    fn insert_pattern(
        &mut self,
        pattern: &ObjectPattern,
        held: Held,
    ) -> Result<Taken, WhyNotTaken> {
        let patterns = match pattern.exact_host() {
            Some(host) => self.objects.entry(host.into()).or_default(),
            None => &mut self.of_many_hosts,
        };
        if let Some(known) = patterns.iter_mut().find(|(_, known)| known.seq == held.seq) {
            *known = (pattern.clone(), held);
            return Ok(Taken::Known);
        }
        if self.patterns >= OBJECT_PATTERNS_MAX * 2 {
            return Err(WhyNotTaken::Patterns);
        }
        patterns.push((pattern.clone(), held));
        self.patterns += 1;
        Ok(Taken::New)
    }

    /// Removes the revocations with these numbers; returns how many there were.
    pub(super) fn remove(&mut self, numbers: &HashSet<u64>) -> u64 {
        let mut count = 0;
        self.retain(|held| {
            let stays = !numbers.contains(&held.seq);
            count += u64::from(!stays);
            stays
        });
        count
    }

    /// Removes what ended at or before `before`.
    pub(super) fn remove_ended(&mut self, before: u64) -> Ended {
        let mut ended = Ended::default();
        self.retain(|held| {
            let stays = held.until > before;
            if !stays {
                ended.note(held.until);
            }
            stays
        });
        ended
    }

    fn retain(&mut self, mut stays: impl FnMut(&Held) -> bool) {
        retain(&mut self.keys, &mut stays);
        retain(&mut self.subjects, &mut stays);
        self.objects.retain(|_, patterns| {
            patterns.retain(|(_, held)| stays(held));
            !patterns.is_empty()
        });
        self.of_many_hosts.retain(|(_, held)| stays(held));
        let of_hosts = self.objects.values().map(Vec::len);
        self.patterns = of_hosts.sum::<usize>() + self.of_many_hosts.len();
    }
}

fn add(known: &mut Vec<Held>, held: Held) -> Result<Taken, WhyNotTaken> {
    if let Some(same) = known.iter_mut().find(|other| other.seq == held.seq) {
        *same = held;
        return Ok(Taken::Known);
    }
    if known.len() >= REPEATS_MAX {
        return Err(WhyNotTaken::Repeats);
    }
    known.push(held);
    Ok(Taken::New)
}

fn retain<K: Eq + Hash>(map: &mut HashMap<K, Vec<Held>>, stays: &mut impl FnMut(&Held) -> bool) {
    map.retain(|_, known| {
        known.retain(|held| stays(held));
        !known.is_empty()
    });
}

impl Held {
    fn of(entry: &RevocationEntry) -> Self {
        Held {
            seq: entry.seq,
            until: entry.until.as_secs(),
            made: entry.made,
            cut: entry.cut,
        }
    }

    fn is_in_force(&self, now: Timestamp) -> bool {
        now.as_secs() < self.until
    }

    /// True if the revocation was made before the link, and is not about it. Whoever revokes everything of a person
    /// means what there is, not what is made afterwards. A link that does not say when it was made may be older, and
    /// one that claims to come from the future is not believed.
    fn is_before(&self, made: Option<Timestamp>, now: Timestamp) -> bool {
        made.is_some_and(|made| self.made < made && made <= now)
    }

    fn revoked_by(&self) -> RevokedBy {
        RevokedBy {
            revocation: self.seq,
            cut: self.cut,
        }
    }
}
