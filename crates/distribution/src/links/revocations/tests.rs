use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

const HOST: &str = "cdn.example.com";

fn at(secs: u64) -> Timestamp {
    Timestamp::from_secs(secs)
}

fn link(number: u8) -> LinkId {
    LinkId::from_bytes([number; LinkId::SIZE_BYTES])
}

fn subject(number: u8) -> SubjectDigest {
    SubjectDigest::from_bytes([number; 16])
}

fn pattern(text: &str) -> ObjectPattern {
    ObjectPattern::parse(text).unwrap()
}

fn entry(seq: u64, what: Revoked) -> RevocationEntry {
    RevocationEntry {
        seq,
        what,
        until: at(1000),
        cut: false,
        made: at(100),
    }
}

fn made(seq: u64, what: Revoked) -> RevocationChange {
    RevocationChange::Made(entry(seq, what))
}

fn key(id: &str) -> Revoked {
    Revoked::Key(id.to_owned())
}

fn facts<'a>(number: u8, paths: &'a [&'a str]) -> GrantFacts<'a> {
    GrantFacts {
        link: LinkSource::Known(link(number)),
        key_pair_id: "K1",
        mark: None,
        object: RevokedObject { host: HOST, paths },
    }
}

fn table(changes: &[RevocationChange]) -> RevocationTable {
    let table = RevocationTable::new();
    assert_eq!(table.apply(changes), Ok(()));
    table
}

fn revoked(revocation: u64) -> Judgement {
    let cut = false;
    Judgement::Revoked(RevokedBy { revocation, cut })
}

fn check_pattern(text: &str, expected: Result<&str, PatternError>) {
    let parsed = ObjectPattern::parse(text).map(|pattern| pattern.to_string());
    assert_eq!(parsed.as_deref(), expected.as_ref().copied(), "{text}");
}

#[test]
fn patterns_are_hosts_and_paths() {
    check_pattern("", Err(PatternError::PathMissing));
    check_pattern("*", Err(PatternError::PathMissing));
    check_pattern("/a", Err(PatternError::HostMissing));
    check_pattern("https:///a", Err(PatternError::HostMissing));
    check_pattern("https://h", Err(PatternError::PathMissing));
    check_pattern("ftp://h/a", Err(PatternError::Protocol));
    check_pattern("h/a?b", Err(PatternError::Query));
    check_pattern("h/a\\?b", Err(PatternError::Query));
    check_pattern("h/a#b", Err(PatternError::Query));
    check_pattern("h/a b", Err(PatternError::Character));
    check_pattern("h/a\n", Err(PatternError::Character));
    check_pattern("h/\u{65e5}", Err(PatternError::Character));
    check_pattern(
        &format!("h/{}", "a".repeat(1023)),
        Err(PatternError::TooLong),
    );
    check_pattern("h/a", Ok("h/a"));
    check_pattern("*/a", Ok("*/a"));
    check_pattern("https://H.example:8443/A*", Ok("h.example/A*"));
    check_pattern("http*://h./*", Ok("h/*"));
    check_pattern("*://*.example.com/*", Ok("*.example.com/*"));
    check_pattern("[::1]:80/a", Ok("[::1]/a"));
    check_pattern("h/go/http://other/", Ok("h/go/http://other/"));
}

fn check_cover(text: &str, host: &str, path: &str, expected: bool) {
    let object = RevokedObject {
        host,
        paths: &["/other", path],
    };
    let covers = pattern(text).covers(&object.spelled());
    assert_eq!(covers, expected, "{text} {host}{path}");
}

#[test]
fn patterns_cover_every_spelling_of_an_object() {
    check_cover("h/a", "h", "/ab", false);
    check_cover("h/a", "i", "/a", false);
    check_cover("h/a", "h.example", "/a", false);
    check_cover("h/A", "h", "/a", false);
    check_cover("*.h/a", "h", "/a", false);
    check_cover("h/%2A", "h", "/b", false);
    check_cover("h/%3F", "h", "/b", false);
    check_cover("h/a%2Ab*", "h", "/axbc", false);
    check_cover("h/a", "H:8443", "/a", true);
    check_cover("h/a", "h.", "/a", true);
    check_cover("*.h/a", "x.y.H", "/a", true);
    check_cover("*/a", "anything", "/a", true);
    check_cover("h/a/*", "h", "/a/b/c.mp4", true);
    check_cover("h/film*", "h", "/%66ilm.mp4", true);
    check_cover("h/%66ilm*", "h", "/film.mp4", true);
    check_cover("h/%e6%97%a5*", "h", "/%E6%97%A5/a", true);
    check_cover("h/%e6%97%a5*", "h", "/\u{65e5}/a", true);
    check_cover("h/a%2Ab*", "h", "/a%2Abc", true);
    check_cover("h/a%20b", "h", "/a b", true);
}

#[test]
fn a_number_that_no_revocation_has_is_not_taken() {
    let table = RevocationTable::new();
    for seq in [0, 1 << 62, u64::MAX] {
        let why = WhyNotTaken::Number;
        let revocation = seq;
        assert_eq!(
            table.apply(&[made(seq, Revoked::Link(link(1))), made(seq, key("K1"))]),
            Err(vec![NotTaken { revocation, why }; 2])
        );
    }
    assert!(table.is_empty());
    assert_eq!(
        table.judge(&facts(1, &["/a"]), at(200)),
        Judgement::NotRevoked
    );
}

#[test]
fn patterns_are_bounded() {
    let table = RevocationTable::new();
    let most = OBJECT_PATTERNS_MAX as u64 * 2;
    for seq in 1..=most {
        let host = if seq % 2 == 0 { "h" } else { "*" };
        let object = Revoked::Object(pattern(&format!("{host}/{seq}")));
        assert_eq!(table.apply(&[made(seq, object)]), Ok(()));
    }
    let one_more = made(most + 1, Revoked::Object(pattern("h/more")));
    let not_taken = NotTaken {
        revocation: most + 1,
        why: WhyNotTaken::Patterns,
    };
    assert_eq!(
        table.apply(std::slice::from_ref(&one_more)),
        Err(vec![not_taken])
    );
    assert_eq!(table.len(), most);
    let known = made(2, Revoked::Object(pattern("h/2")));
    assert_eq!(table.apply(&[known, RevocationChange::Lifted(1)]), Ok(()));
    assert_eq!(table.apply(&[one_more]), Ok(()));
    assert_eq!(table.len(), most);
}

#[test]
fn repetitions_are_bounded() {
    for what in [
        Revoked::Link(link(1)),
        key("K1"),
        Revoked::Subject(subject(1)),
    ] {
        let table = RevocationTable::new();
        for seq in 1..=REPEATS_MAX as u64 {
            assert_eq!(table.apply(&[made(seq, what.clone())]), Ok(()));
        }
        let not_taken = NotTaken {
            revocation: 100,
            why: WhyNotTaken::Repeats,
        };
        assert_eq!(
            table.apply(&[made(100, what.clone())]),
            Err(vec![not_taken])
        );
        assert_eq!(table.len(), REPEATS_MAX as u64);
        // Every one of them has to be lifted.
        let lifts: Vec<_> = (2..=REPEATS_MAX as u64)
            .map(RevocationChange::Lifted)
            .collect();
        assert_eq!(table.apply(&lifts), Ok(()));
        let mark = LinkMark {
            subject: Some(subject(1)),
            ..LinkMark::default()
        };
        let facts = GrantFacts {
            mark: Some(&mark),
            ..facts(1, &["/a"])
        };
        assert_eq!(table.judge(&facts, at(200)), revoked(1));
        assert_eq!(table.apply(&[RevocationChange::Lifted(1)]), Ok(()));
        assert_eq!(table.judge(&facts, at(200)), Judgement::NotRevoked);
        assert!(table.is_empty());
    }
}

fn check_judged(what: Revoked, number: u8, path: &str, expected: bool) {
    let shown = format!("{what:?} {number} {path}");
    let table = table(&[made(7, what)]);
    let paths = [path];
    let expected = if expected {
        revoked(7)
    } else {
        Judgement::NotRevoked
    };
    let facts = facts(number, &paths);
    assert_eq!(table.judge(&facts, at(200)), expected, "{shown}");
    // The end itself is no longer within.
    assert_eq!(table.judge(&facts, at(999)), expected, "{shown}");
    assert_eq!(
        table.judge(&facts, at(1000)),
        Judgement::NotRevoked,
        "{shown}"
    );
}

#[test]
fn a_revocation_is_about_what_it_names() {
    check_judged(Revoked::Link(link(1)), 2, "/a", false);
    check_judged(key("K2"), 1, "/a", false);
    check_judged(key("k1"), 1, "/a", false);
    check_judged(Revoked::Subject(subject(1)), 1, "/a", false);
    check_judged(
        Revoked::Object(pattern("cdn.example.com/b")),
        1,
        "/a",
        false,
    );
    check_judged(Revoked::Link(link(1)), 1, "/a", true);
    check_judged(key("K1"), 1, "/a", true);
    check_judged(Revoked::Object(pattern("cdn.example.com/a")), 1, "/a", true);
    check_judged(Revoked::Object(pattern("*.example.com/*")), 1, "/a", true);
}

fn check_made(what: Revoked, made_at: Option<u64>, expected: bool) {
    let shown = format!("{what:?} {made_at:?}");
    let mark = LinkMark {
        made: made_at.map(at),
        subject: Some(subject(1)),
        ..LinkMark::default()
    };
    let facts = GrantFacts {
        mark: Some(&mark),
        ..facts(1, &["/a"])
    };
    let judgement = table(&[made(7, what)]).judge(&facts, at(200));
    assert_eq!(judgement == revoked(7), expected, "{shown}");
}

#[test]
fn what_was_made_later_is_no_longer_meant_by_subject_and_object() {
    let object = Revoked::Object(pattern("*/*"));
    for what in [Revoked::Subject(subject(1)), object] {
        check_made(what.clone(), None, true);
        check_made(what.clone(), Some(99), true);
        check_made(what.clone(), Some(100), true);
        // It claims to come from the future.
        check_made(what.clone(), Some(201), true);
        check_made(what.clone(), Some(101), false);
        check_made(what, Some(200), false);
    }
    // Whoever has stolen the key writes the time.
    for what in [Revoked::Link(link(1)), key("K1")] {
        check_made(what.clone(), Some(100), true);
        check_made(what, Some(101), true);
    }
}

#[test]
fn one_that_cuts_is_named_first() {
    let cutting = |seq, what| {
        RevocationChange::Made(RevocationEntry {
            cut: true,
            ..entry(seq, what)
        })
    };
    let by = |revocation, cut| Judgement::Revoked(RevokedBy { revocation, cut });
    let pairs = [
        (Revoked::Link(link(1)), Revoked::Link(link(1))),
        (Revoked::Link(link(1)), key("K1")),
        (key("K1"), Revoked::Link(link(1))),
        (key("K1"), key("K1")),
        (key("K1"), Revoked::Object(pattern("*/a"))),
    ];
    for (one, other) in pairs {
        let table = table(&[made(1, one.clone())]);
        assert_eq!(table.cuts(), 0);
        assert_eq!(table.judge(&facts(1, &["/a"]), at(200)), by(1, false));
        assert_eq!(table.apply(&[cutting(2, other.clone())]), Ok(()));
        assert_eq!(table.cuts(), 1);
        assert_eq!(table.judge(&facts(1, &["/a"]), at(200)), by(2, true));
        assert_eq!(table.apply(&[RevocationChange::Lifted(2)]), Ok(()));
        assert_eq!(table.judge(&facts(1, &["/a"]), at(200)), by(1, false));
    }
}

#[test]
fn a_batch_is_read_to_its_end() {
    let lifted = RevocationChange::Lifted;
    let table = table(&[lifted(1), made(2, key("K1")), lifted(2), lifted(3)]);
    assert_eq!(
        table.judge(&facts(1, &["/a"]), at(200)),
        Judgement::NotRevoked
    );
    assert_eq!(table.apply(&[lifted(4), made(4, key("K1"))]), Ok(()));
    assert_eq!(table.judge(&facts(1, &["/a"]), at(200)), revoked(4));
    // What comes twice is one.
    assert_eq!(table.apply(&[made(4, key("K1"))]), Ok(()));
    assert_eq!(table.len(), 1);
}

#[test]
fn a_clock_that_was_set_back_finds_nothing_forgotten() {
    let table = table(&[made(1, Revoked::Link(link(1))), made(2, key("K1"))]);
    table.sweep(at(1000 + REMEMBERED_SECS - 1));
    assert_eq!(table.len(), 2);
    assert_eq!(table.judge(&facts(1, &["/a"]), at(999)), revoked(1));
    table.sweep(at(1000 + REMEMBERED_SECS));
    assert!(table.is_empty());
    assert_eq!(
        table.judge(&facts(3, &["/a"]), at(999)),
        Judgement::Forgotten
    );
    assert_eq!(
        table.judge(&facts(1, &["/a"]), at(1000)),
        Judgement::NotRevoked
    );
    // Sweeping again by the clock that was set back makes it no better.
    table.sweep(at(10));
    assert_eq!(
        table.judge(&facts(1, &["/a"]), at(999)),
        Judgement::Forgotten
    );
}

/// A step of the random test.
#[derive(Clone, Debug)]
enum Act {
    Make(RevocationEntry),
    Lift(u64),
    Sweep(u64),
}

fn act() -> impl Strategy<Value = Act> {
    let what = prop_oneof![
        6 => (0..12_u8).prop_map(|number| Revoked::Link(link(number))),
        1 => (1..3_u8).prop_map(|number| key(&format!("K{number}"))),
        1 => (0..3_u8).prop_map(|number| Revoked::Subject(subject(number))),
        1 => (0..3_u8).prop_map(|number| Revoked::Object(pattern(&format!("*.com/{number}*")))),
    ];
    let entry = (1..40_u64, what, 0..300_u64, any::<bool>(), 0..300_u64);
    let entry = entry.prop_map(|(seq, what, until, cut, made)| RevocationEntry {
        seq,
        what,
        until: at(until),
        cut,
        made: at(made),
    });
    prop_oneof![
        6 => entry.prop_map(Act::Make),
        2 => (1..40_u64).prop_map(Act::Lift),
        1 => (0..300_u64).prop_map(|now| Act::Sweep(now + REMEMBERED_SECS)),
    ]
}

/// The obvious table: every revocation in a list.
#[derive(Default)]
struct Model {
    entries: Vec<RevocationEntry>,
    forgotten: u64,
}

impl Model {
    fn take(&mut self, act: &Act) {
        match act {
            Act::Make(entry) => {
                // A number names one revocation for ever.
                if !self.entries.iter().any(|other| other.seq == entry.seq) {
                    self.entries.push(entry.clone());
                }
            }
            Act::Lift(seq) => self.entries.retain(|entry| entry.seq != *seq),
            Act::Sweep(now) => {
                let before = at(now - REMEMBERED_SECS);
                let ended = self.entries.iter().filter(|entry| entry.until <= before);
                let latest = ended.map(|entry| entry.until.as_secs()).max();
                self.forgotten = self.forgotten.max(latest.unwrap_or(0));
                self.entries.retain(|entry| entry.until > before);
            }
        }
    }

    fn is_revoked(&self, number: u8, mark: &LinkMark, path: &str, now: u64) -> bool {
        let is_later = |entry: &RevocationEntry| {
            mark.made
                .is_some_and(|made| made > entry.made && made.as_secs() <= now)
        };
        let is_about = |entry: &RevocationEntry| match &entry.what {
            Revoked::Link(other) => *other == link(number),
            Revoked::Key(id) => id == "K1",
            Revoked::Subject(other) => mark.subject == Some(*other) && !is_later(entry),
            Revoked::Object(pattern) => {
                let start = pattern.to_string();
                let start = start
                    .strip_prefix("*.com")
                    .and_then(|rest| rest.strip_suffix('*'));
                path.starts_with(start.unwrap()) && !is_later(entry)
            }
        };
        let mut in_force = self
            .entries
            .iter()
            .filter(|entry| now < entry.until.as_secs());
        in_force.any(is_about)
    }
}

proptest! {
    #[test]
    fn the_table_answers_as_a_list_does(
        acts in vec(act(), 0..60),
        asked in vec((0..14_u8, prop::option::of(0..4_u8), prop::option::of(0..300_u64), 0..4_u8, 0..300_u64), 20),
    ) {
        let table = RevocationTable::new();
        let mut model = Model::default();
        for act in &acts {
            let is_known = |seq| model.entries.iter().any(|other| other.seq == seq);
            let applied = match act {
                Act::Make(entry) if is_known(entry.seq) => Ok(()),
                Act::Make(entry) => table.apply(&[RevocationChange::Made(entry.clone())]),
                Act::Lift(seq) => table.apply(&[RevocationChange::Lifted(*seq)]),
                Act::Sweep(now) => {
                    table.sweep(at(*now));
                    Ok(())
                }
            };
            prop_assert_eq!(applied, Ok(()));
            model.take(act);
            prop_assert_eq!(table.len(), model.entries.len() as u64);
        }
        for (number, of, made, path, now) in asked {
            let mark = LinkMark {
                limited: None,
                made: made.map(at),
                subject: of.map(subject),
            };
            let path = format!("/{path}/a");
            let paths = [&*path];
            let facts = GrantFacts { mark: Some(&mark), ..facts(number, &paths) };
            let judgement = table.judge(&facts, at(now));
            if now < model.forgotten {
                prop_assert_eq!(judgement, Judgement::Forgotten);
            } else {
                let is_revoked = matches!(judgement, Judgement::Revoked(_));
                prop_assert_eq!(is_revoked, model.is_revoked(number, &mark, &path, now));
            }
        }
    }
}
