//! What all behaviors of a distribution amount to: which is the first for a path, and what passes the restrictions of
//! all.

use crate::config::cache_behavior::{AllowedMethods, CacheBehavior, ViewerProtocolPolicy};
use crate::config::path_pattern::{PathPattern, without_slash};
use crate::config::pattern_automaton::{Matched, PatternAutomaton};
use privet_sign::KeySet;

/// Made once of the behaviors of a distribution, in their order.
#[derive(Debug)]
pub(crate) struct BehaviorTable {
    /// For the patterns that need one; `None` where none does.
    automaton: Option<PatternAutomaton>,
    /// The patterns of all behaviors as they are read where a `+` is a blank; `None` where that makes no difference.
    with_blanks: Option<Patterns>,
    /// Whether a pattern names something to its end: does not end in `*`.
    pub(crate) names_ends: bool,
    /// What opens every object of the distribution.
    pub(crate) strictest_restriction: StrictestRestriction,
}

/// Patterns in the order of the behaviors.
#[derive(Debug)]
struct Patterns {
    all: Vec<PathPattern>,
    automaton: Option<PatternAutomaton>,
}

/// What a request has to pass that may mean any object of a distribution: the restrictions of all behaviors.
#[derive(Debug)]
pub(crate) struct StrictestRestriction {
    /// The keys that every restricted behavior trusts, perhaps none; `None` where none is restricted.
    pub(crate) trusted_keys: Option<KeySet>,
    /// The strictest.
    pub(crate) viewer_protocol_policy: ViewerProtocolPolicy,
    /// The fewest.
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

    /// The work of looking for a name, in steps of the automaton.
    pub(crate) fn steps(&self, name: &str) -> usize {
        let automaton = self.automaton.as_ref();
        automaton.map_or(0, |automaton| automaton.words() * name.len())
    }

    /// Whether a blank in a name may be what a pattern writes as `+`.
    pub(crate) fn reads_blanks(&self) -> bool {
        self.with_blanks.is_some()
    }

    /// As [`BehaviorTable::first`], where a `+` is a blank in patterns as it is in `name`, which has none.
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

    /// The first of `behaviors`, which are those that the table was made of, whose pattern matches the
    /// [`crate::config::object_name`] of a path.
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

/// Of the patterns that need one.
fn automaton<'p>(patterns: impl Iterator<Item = &'p PathPattern>) -> Option<PatternAutomaton> {
    let complex: Vec<&str> = patterns
        .filter(|pattern| pattern.needs_automaton())
        .map(PathPattern::bare)
        .collect();
    (!complex.is_empty()).then(|| PatternAutomaton::new(complex.iter().copied()))
}

/// The first behavior whose pattern, beside it, matches; `automaton` is that of the patterns.
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

    /// As many behaviors as a distribution may have, with patterns that take an automaton.
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

    /// How often a path is gone through to find its behavior.
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
        // Whatever is decided: what it takes is asked here.
        let _ = crate::request::route(snapshot, &request);
        if let Some(end) = path.find(".mp4/") {
            let _ = crate::request::route_video(snapshot, &request, &path[..end + ".mp4".len()]);
        }
        RUNS.get() - before
    }

    /// A time would be no test; each run is linear in the path, whatever the patterns, and their sum is bounded.
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

    /// What is more work than a request is worth is refused before it is done.
    #[test]
    fn f3_much_work_is_refused() {
        let snapshot = behaviors("url = 'http://o.test'");
        let table = &snapshot.distributions()[0].table;
        assert!(table.steps("/a.jpg") < 1000);
        let long = "/a".repeat(4000) + "+%61.mp4";
        let deep = "/a".repeat(40) + ".jpg";
        for path in [long, deep] {
            let readings = crate::request::Readings::new(&snapshot.distributions()[0]);
            let found = readings.behavior_of(&path, &Method::GET);
            assert_eq!(found.err(), Some(crate::request::Denial::AmbiguousPath));
        }
    }

    /// What is counted is what is gone through: the states of all patterns, for each byte.
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
