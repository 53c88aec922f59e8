//! What all behaviors of a distribution amount to: which is the first for a path, and what passes the gates of all.

use crate::distribution::{AllowedMethods, CacheBehavior, ViewerProtocolPolicy};
use crate::path_pattern::without_slash;
use crate::pattern_automaton::{Matched, PatternAutomaton};
use privet_sign::KeySet;

/// Made once of the behaviors of a distribution, in their order.
#[derive(Debug)]
pub(crate) struct BehaviorTable {
    /// For the patterns that need one; `None` where none does.
    automaton: Option<PatternAutomaton>,
    /// What opens every object of the distribution.
    pub(crate) every_gate: EveryGate,
}

/// What a request has to pass that may mean any object of a distribution: the gates of all behaviors.
#[derive(Debug)]
pub(crate) struct EveryGate {
    /// The keys that every restricted behavior trusts, perhaps none; `None` where none is restricted.
    pub(crate) trusted_keys: Option<KeySet>,
    /// The strictest.
    pub(crate) viewer_protocol_policy: ViewerProtocolPolicy,
    /// The fewest.
    pub(crate) allowed_methods: AllowedMethods,
}

impl BehaviorTable {
    pub(crate) fn new(behaviors: &[CacheBehavior]) -> Self {
        let patterns = behaviors.iter().map(|behavior| &behavior.path_pattern);
        let complex: Vec<&str> = patterns
            .filter(|pattern| pattern.needs_automaton())
            .map(|pattern| pattern.bare())
            .collect();
        BehaviorTable {
            automaton: (!complex.is_empty())
                .then(|| PatternAutomaton::new(complex.iter().copied())),
            every_gate: EveryGate::new(behaviors),
        }
    }

    /// The first of `behaviors`, which are those that the table was made of, whose pattern matches the
    /// [`crate::object_name`] of a path.
    pub(crate) fn first<'b>(
        &self,
        behaviors: &'b [CacheBehavior],
        name: &str,
    ) -> Option<&'b CacheBehavior> {
        let mut matched: Option<Matched<'_>> = None;
        let mut complex = 0..;
        behaviors.iter().find(|behavior| {
            if let Some(told) = behavior.path_pattern.matches_at_once(name) {
                return told;
            }
            let Some((automaton, position)) = self.automaton.as_ref().zip(complex.next()) else {
                return false;
            };
            let matched = matched.get_or_insert_with(|| automaton.run(without_slash(name)));
            matched.contains(position)
        })
    }
}

impl EveryGate {
    fn new(behaviors: &[CacheBehavior]) -> Self {
        let keys = behaviors
            .iter()
            .filter_map(|behavior| behavior.trusted_keys.as_ref());
        let policies = behaviors
            .iter()
            .map(|behavior| &behavior.viewer_protocol_policy);
        let methods = behaviors.iter().map(|behavior| &behavior.allowed_methods);
        EveryGate {
            trusted_keys: keys.cloned().reduce(|keys, others| in_both(&keys, &others)),
            viewer_protocol_policy: policies
                .max_by_key(|policy| policy.strictness())
                .unwrap_or(&ViewerProtocolPolicy::HttpsOnly)
                .clone(),
            allowed_methods: methods
                .min_by_key(|methods| methods.count())
                .unwrap_or(&AllowedMethods::GetHead)
                .clone(),
        }
    }
}

/// The keys that are in both, under one id.
fn in_both(keys: &KeySet, others: &KeySet) -> KeySet {
    let mut both = KeySet::default();
    for (id, key) in keys.iter() {
        if others.get(id.as_str()) == Some(key) {
            both.insert(id.clone(), key.clone());
        }
    }
    both
}
