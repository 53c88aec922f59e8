use super::*;

fn stamp(modified_ns: i64) -> Stamp {
    Stamp {
        folder: (1, 2),
        modified_ns,
        changed_ns: modified_ns,
    }
}

fn scanned(names: &[&str], at: i64, is_settled: bool) -> State {
    let mut state = State {
        noted: Some(Noted {
            changes: Vec::new(),
            stamp: Some(stamp(at)),
        }),
        ..State::default()
    };
    state.take(of(names), Some(stamp(at)), is_settled);
    state
}

fn of(names: &[&str]) -> Names {
    let mut set = Names::default();
    names.iter().for_each(|name| set.insert(name));
    set
}

fn texts(state: &State) -> Vec<String> {
    let (mut texts, mut from) = (Vec::new(), Vec::new());
    while let Some(name) = state.names.at_or_after(&from) {
        from = [name.as_bytes(), b"\0"].concat();
        texts.push(name);
    }
    texts
}

#[test]
fn a_folder_that_changed_within_a_tick_is_not_settled() {
    assert!(!stamp(1_000_000_001).is_settled(1_000_000_001));
    assert!(!stamp(1_000_000_001).is_settled(1_000_000_001 + TICK_NS));
    assert!(stamp(1_000_000_001).is_settled(1_000_000_002 + TICK_NS));
    assert!(!stamp(1_000_000_000).is_settled(1_000_000_000 + COARSE_TICK_NS));
    // The clock of a file server may be ahead.
    assert!(!stamp(i64::MAX).is_settled(1));
}

#[test]
fn a_change_by_others_ends_belief() {
    let mut state = scanned(&["a"], 1, true);
    assert!(state.is_certain);
    state.note("b", Presence::There, (Some(stamp(2)), Some(stamp(3))));
    assert_eq!(state.stamp, None);
}

#[test]
fn our_own_changes_keep_belief_but_not_certainty() {
    let mut state = scanned(&["a"], 1, true);
    state.note("b", Presence::There, (Some(stamp(1)), Some(stamp(2))));
    state.note("a", Presence::Gone, (Some(stamp(2)), Some(stamp(3))));
    assert_eq!((state.stamp, state.is_certain), (Some(stamp(3)), false));
    assert_eq!(texts(&state), ["b"]);
}

#[test]
fn our_own_changes_during_a_scan_are_applied_to_its_result() {
    let mut state = State {
        noted: Some(Noted {
            changes: Vec::new(),
            stamp: Some(stamp(1)),
        }),
        ..State::default()
    };
    state.note("new", Presence::There, (Some(stamp(1)), Some(stamp(2))));
    state.note("old", Presence::Gone, (Some(stamp(2)), Some(stamp(3))));
    state.take(of(&["a", "old"]), Some(stamp(3)), true);
    assert_eq!((state.stamp, state.is_certain), (Some(stamp(3)), false));
    assert_eq!(texts(&state), ["a", "new"]);
}

#[test]
fn changes_by_others_during_a_scan_leave_it_unbelieved() {
    for (before, after, end) in [(2, 3, 3), (1, 2, 3)] {
        let mut state = State {
            noted: Some(Noted {
                changes: Vec::new(),
                stamp: Some(stamp(1)),
            }),
            ..State::default()
        };
        state.note(
            "new",
            Presence::There,
            (Some(stamp(before)), Some(stamp(after))),
        );
        state.take(of(&["a"]), Some(stamp(end)), true);
        assert_eq!(state.stamp, None);
        assert_eq!(texts(&state), ["a", "new"]);
    }
}
