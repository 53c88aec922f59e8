//! All behaviors of a distribution together: the first one that matches a path, and the restrictions of all.

use crate::config::cache_behavior::{AllowedMethods, CacheBehavior, ViewerProtocolPolicy};
use crate::config::path_pattern::{PathPattern, without_slash};
use crate::config::pattern_automaton::{Matched, PatternAutomaton};
use privet_sign::KeySet;

/// A table built once from the behaviors of a distribution, in their order.
#[derive(Debug)]
pub(crate) struct BehaviorTable {
    /// Automaton for the patterns that need one; `None` if none does.
    automaton: Option<PatternAutomaton>,
    /// Patterns of all behaviors with `+` read as a space, as some servers do; `None` if that makes no difference.
    with_blanks: Option<Patterns>,
    /// True if some pattern does not end in `*`, so that it may name a file.
    pub(crate) names_ends: bool,
    /// Restriction whose satisfaction opens every object of the distribution.
    pub(crate) strictest_restriction: StrictestRestriction,
}

/// The patterns in the order of the behaviors.
#[derive(Debug)]
struct Patterns {
    all: Vec<PathPattern>,
    automaton: Option<PatternAutomaton>,
}

/// The restrictions of all behaviors, for a request that may mean any object of a distribution.
#[derive(Debug)]
pub(crate) struct StrictestRestriction {
    /// Keys that every restricted behavior trusts, perhaps none; `None` if no behavior is restricted.
    pub(crate) trusted_keys: Option<KeySet>,
    /// Strictest policy of all behaviors.
    pub(crate) viewer_protocol_policy: ViewerProtocolPolicy,
    /// Smallest set of methods of all behaviors.
    pub(crate) allowed_methods: AllowedMethods,
}

impl BehaviorTable {
    pub(crate) fn new(behaviors: &[CacheBehavior]) -> Self {
        let patterns = || behaviors.iter().map(|behavior| &behavior.path_pattern);
        BehaviorTable {
            names_ends: patterns().any(|pattern| !pattern.as_str().ends_with('*')),
            automaton: automaton(patterns()),
            with_blanks: Patterns::with_blanks(patterns()),
            strictest_restriction: StrictestRestriction::new(behaviors),
        }
    }

    /// Returns the cost of finding the behavior for a name, in steps of the automaton.
    pub(crate) fn steps(&self, name: &str) -> usize {
        let automaton = self.automaton.as_ref();
        automaton.map_or(0, |automaton| automaton.words() * name.len())
    }

    /// Returns true if a pattern may write a space of a name as `+`.
    pub(crate) fn reads_blanks(&self) -> bool {
        self.with_blanks.is_some()
    }

    /// Does the same as [`BehaviorTable::first`] with `+` in patterns read as a space; `name` has spaces in place of
    /// `+`.
    pub(crate) fn first_with_blanks<'b>(
        &self,
        behaviors: &'b [CacheBehavior],
        name: &str,
    ) -> Option<&'b CacheBehavior> {
        let Some(patterns) = &self.with_blanks else {
            return self.first(behaviors, name);
        };
        let all = behaviors.iter().zip(&patterns.all);
        first(all, patterns.automaton.as_ref(), name)
    }

    /// Returns the first of `behaviors` whose pattern matches `name`, the [`crate::config::object_name`] of a path. The
    /// table must have been made from these behaviors.
    pub(crate) fn first<'b>(
        &self,
        behaviors: &'b [CacheBehavior],
        name: &str,
    ) -> Option<&'b CacheBehavior> {
        let all = behaviors
            .iter()
            .map(|behavior| (behavior, &behavior.path_pattern));
        first(all, self.automaton.as_ref(), name)
    }
}

impl Patterns {
    fn with_blanks<'p>(patterns: impl Iterator<Item = &'p PathPattern> + Clone) -> Option<Self> {
        patterns.clone().find_map(PathPattern::with_blanks)?;
        let all: Vec<PathPattern> = patterns
            .map(|pattern| pattern.with_blanks().unwrap_or_else(|| pattern.clone()))
            .collect();
        Some(Patterns {
            automaton: automaton(all.iter()),
            all,
        })
    }
}

/// Builds the automaton of the patterns that need one.
fn automaton<'p>(patterns: impl Iterator<Item = &'p PathPattern>) -> Option<PatternAutomaton> {
    let complex: Vec<&str> = patterns
        .filter(|pattern| pattern.needs_automaton())
        .map(PathPattern::bare)
        .collect();
    (!complex.is_empty()).then(|| PatternAutomaton::new(complex.iter().copied()))
}

/// Returns the first behavior whose pattern, given beside it, matches; `automaton` is that of the patterns.
fn first<'b, 'p>(
    behaviors: impl Iterator<Item = (&'b CacheBehavior, &'p PathPattern)>,
    automaton: Option<&PatternAutomaton>,
    name: &str,
) -> Option<&'b CacheBehavior> {
    let mut matched: Option<Matched<'_>> = None;
    let mut complex = 0..;
    let mut behaviors = behaviors;
    let found = behaviors.find(|(_, pattern)| {
        if let Some(told) = pattern.matches_at_once(name) {
            return told;
        }
        let Some((automaton, position)) = automaton.zip(complex.next()) else {
            return false;
        };
        let matched = matched.get_or_insert_with(|| automaton.run(without_slash(name)));
        matched.contains(position)
    });
    found.map(|(behavior, _)| behavior)
}

impl StrictestRestriction {
    fn new(behaviors: &[CacheBehavior]) -> Self {
        let keys = behaviors
            .iter()
            .filter_map(|behavior| behavior.trusted_keys.as_ref());
        let policies = behaviors
            .iter()
            .map(|behavior| &behavior.viewer_protocol_policy);
        let methods = behaviors.iter().map(|behavior| &behavior.allowed_methods);
        StrictestRestriction {
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

/// Returns the keys that are in both sets under the same id.
fn in_both(keys: &KeySet, others: &KeySet) -> KeySet {
    let mut both = KeySet::default();
    for (id, key) in keys.iter() {
        if others.get(id.as_str()) == Some(key) {
            both.insert(id.clone(), key.clone());
        }
    }
    both
}

#[cfg(test)]
mod tests {
    use super::BehaviorTable;
    use crate::config::pattern_automaton::RUNS;
    use crate::config::snapshot::Snapshot;
    use crate::config::toml_reader::read_toml;
    use crate::request::ViewerRequest;
    use http::{HeaderMap, Method, Version};
    use privet_sign::Scheme;
    use std::fmt::Write as _;
    use std::path::Path;

    /// Builds the maximum number of behaviors of a distribution, with patterns that need an automaton.
    fn behaviors(origin: &str) -> Snapshot {
        let mut text = format!(
            "listeners = [{{ address = '127.0.0.1:80' }}]\n[[distributions]]\nid = 'E1'\ndomain_name = 'd.test'\n\
             origins = [{{ id = 'o', {origin} }}]\ndefault_behavior = {{ origin = 'o' }}\n"
        );
        for number in 0..74 {
            let _ = write!(
                text,
                "[[distributions.behaviors]]\npath_pattern = '/*t{number:02}?*x*.jpg'\norigin = 'o'\n"
            );
        }
        let (document, places) = read_toml(&text, Path::new("/p.toml")).unwrap();
        Snapshot::build(document, &places, &mut |_: &Path| Ok(Vec::new())).unwrap()
    }

    /// Counts the passes over a path that finding its behavior takes.
    fn runs(snapshot: &Snapshot, path: &str) -> usize {
        let before = RUNS.get();
        let request = ViewerRequest {
            https_port: None,
            method: &Method::GET,
            version: Version::HTTP_11,
            scheme: Scheme::Http,
            host: "d.test",
            path,
            query: None,
            headers: &HeaderMap::new(),
            client: "192.0.2.1".parse().unwrap(),
            has_body: false,
            path_token: None,
        };
        // The decision does not matter here, only its cost.
        let _ = crate::request::route(snapshot, &request);
        if let Some(end) = path.find(".mp4/") {
            let _ = crate::request::route_video(snapshot, &request, &path[..end + ".mp4".len()]);
        }
        RUNS.get() - before
    }

    /// A measured time would make no reliable test: each pass is linear in the path, whatever the patterns, and their
    /// number is bounded.
    #[test]
    fn f3_no_path_is_gone_through_for_each_behavior() {
        let evil = format!(
            "{}//./y;z/%2525\\%2500/f.mp4/hls/t1/1.m4s",
            "/x".repeat(3500)
        );
        let plusses = "/+%61".repeat(1600);
        let folder = behaviors("folder = 'f'");
        assert!(runs(&folder, &evil) <= 4);
        assert_eq!(runs(&folder, &plusses), 1);
        let server = behaviors("url = 'http://o.test'");
        assert!(runs(&server, &evil) <= 4);
        assert!(runs(&server, &plusses) <= 3);
        assert_eq!(runs(&server, "/t01.jpg"), 1);
        assert!(runs(&server, "/a.mp4/b.mp4/t01.jpg") <= 12);
    }

    /// A request whose paths cost more work than it is worth is refused before the work is done.
    #[test]
    fn f3_much_work_is_refused() {
        let snapshot = behaviors("url = 'http://o.test'");
        let table = &snapshot.distributions().get(0).unwrap().table;
        assert!(table.steps("/a.jpg") < 1000);
        let long = "/a".repeat(4000) + "+%61.mp4";
        let deep = "/a".repeat(40) + ".jpg";
        for path in [long, deep] {
            let readings = crate::request::Readings::new(snapshot.distributions().get(0).unwrap());
            let found = readings.behavior_of(&path, &Method::GET);
            assert_eq!(found.err(), Some(crate::request::Denial::AmbiguousPath));
        }
    }

    /// The steps counted are the work done: the states of all patterns for each byte.
    #[test]
    fn work_is_counted_in_steps() {
        let snapshot = behaviors("url = 'http://o.test'");
        let table = &snapshot.distribution_for("d.test").unwrap().table;
        let states: usize = 74 * "*t00?*x*.jpg".len();
        let words = table.steps("x");
        assert!((states / 64 / 2..=states / 32).contains(&words), "{words}");
        assert_eq!(table.steps("/a/b.jpg"), 8 * words);
        assert!(!table.reads_blanks());
        let simple = BehaviorTable::new(&[]);
        assert_eq!(simple.steps("/a/b.jpg"), 0);
    }
}
