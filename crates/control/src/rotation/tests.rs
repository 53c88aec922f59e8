//! The steps of a rotation, one by one, with everything that may come between them.

use super::*;

const DAY: i64 = 24 * 60 * 60;
const START: i64 = 1_893_456_000;

fn schedule() -> Schedule {
    Schedule {
        every_secs: 30 * DAY,
        overlap_secs: 7 * DAY,
        longest_link_secs: 2 * DAY,
        key_type: KeyType::P256,
    }
}

fn known(group: &[&str]) -> Known {
    Known {
        group: group.iter().map(|id| (*id).to_owned()).collect(),
        ..Known::default()
    }
}

/// A rotation whose key `K1` is used.
fn with_current() -> Rotation {
    let mut rotation = Rotation::new(schedule(), START);
    publish(&mut rotation, "K1", START);
    rotation.use_next(START);
    rotation
}

fn publish(rotation: &mut Rotation, id: &str, made_at: i64) {
    rotation.next = Some(NextKey {
        id: id.to_owned(),
        made_at,
        change: Some(7),
    });
}

/// A rotation in which `K2` has taken the place of `K1` at [`START`].
fn with_retiring() -> Rotation {
    let mut rotation = with_current();
    publish(&mut rotation, "K2", START);
    rotation.use_next(START);
    rotation
}

#[test]
fn a_key_is_not_used_before_it_is_in_force_on_all_edges() {
    let mut rotation = Rotation::new(schedule(), START);
    assert_eq!(rotation.step(&known(&[]), START), Step::Begin);
    publish(&mut rotation, "K1", START);
    rotation.next.as_mut().unwrap().change = None;
    let mut edges = known(&["K1"]);
    assert_eq!(rotation.step(&edges, START), Step::Number);
    rotation.next.as_mut().unwrap().change = Some(7);
    edges.applied = (2, 3);
    assert_eq!(rotation.step(&edges, START + 999 * DAY), Step::Wait);
    edges.applied = (3, 3);
    assert_eq!(rotation.step(&edges, START), Step::Use);
}

#[test]
fn a_key_is_made_when_it_is_due_and_once_after_a_standstill() {
    let mut rotation = with_current();
    let group = known(&["K1"]);
    assert_eq!(rotation.step(&group, START + 30 * DAY - 1), Step::Wait);
    assert_eq!(rotation.step(&group, START + 30 * DAY), Step::Begin);
    let late = START + 300 * DAY;
    publish(&mut rotation, "K2", late);
    rotation.use_next(late);
    assert_eq!(rotation.due_at, late + 30 * DAY);
    assert_eq!(rotation.step(&known(&["K1", "K2"]), late), Step::Wait);
}

#[track_caller]
fn check_hold(rotation: &Rotation, known: &Known, now: i64, expected: Option<&Hold>) {
    let key = &rotation.retiring[0];
    assert_eq!(rotation.hold(key, known, now).as_ref(), expected);
    let retires = matches!(rotation.step(known, now), Step::Retire(id) if id == key.id);
    assert_eq!(retires, expected.is_none());
}

#[test]
fn a_key_stays_for_the_overlap() {
    let (rotation, group) = (with_retiring(), known(&["K1", "K2"]));
    let until = START + 7 * DAY;
    check_hold(&rotation, &group, START, Some(&Hold::Overlap { until }));
    check_hold(&rotation, &group, until - 1, Some(&Hold::Overlap { until }));
    check_hold(&rotation, &group, until, None);
}

#[test]
fn a_key_stays_while_links_of_it_may_be_valid_whatever_the_schedule_has_become() {
    let mut rotation = with_current();
    let long = Schedule {
        longest_link_secs: 20 * DAY,
        ..schedule()
    };
    rotation.reschedule(long);
    rotation.reschedule(schedule());
    publish(&mut rotation, "K2", START);
    rotation.use_next(START);
    let group = known(&["K1", "K2"]);
    let until = START + 20 * DAY + MARGIN_SECS;
    check_hold(
        &rotation,
        &group,
        START + 8 * DAY,
        Some(&Hold::Links { until }),
    );
    check_hold(&rotation, &group, until, None);
}

#[test]
fn a_key_stays_that_has_opened_something_within_the_longest_life_of_a_link() {
    let (rotation, mut group) = (with_retiring(), known(&["K1", "K2"]));
    let (at, now) = (START + 6 * DAY, START + 7 * DAY);
    group.last_opened.insert("K1".to_owned(), at);
    let until = at + 2 * DAY + 60;
    check_hold(&rotation, &group, now, Some(&Hold::Opened { at, until }));
    check_hold(&rotation, &group, until, None);
    group.last_opened.insert("K2".to_owned(), until);
    check_hold(&rotation, &group, until, None);
}

#[test]
fn a_key_stays_while_an_edge_is_silent() {
    let (rotation, mut group) = (with_retiring(), known(&["K1", "K2"]));
    group.silent = Some("edge 3".to_owned());
    let edge = "edge 3".to_owned();
    check_hold(
        &rotation,
        &group,
        START + 99 * DAY - 70 * DAY,
        Some(&Hold::Silent { edge }),
    );
}

#[test]
fn what_somebody_has_taken_out_of_the_group_is_forgotten() {
    let mut rotation = with_retiring();
    for (group, gone) in [(&["K2"][..], "K1"), (&["K1"], "K2")] {
        let step = rotation.step(&known(group), START);
        assert_eq!(step, Step::Forget(gone.to_owned()));
    }
    rotation.forget("K2");
    // Without a key to sign with, another is made at once.
    assert_eq!(rotation.step(&known(&["K1"]), START), Step::Begin);
    publish(&mut rotation, "K3", START);
    rotation.forget("K3");
    assert_eq!((rotation.next, rotation.retiring.len()), (None, 1));
}

#[test]
fn keys_that_cannot_be_retired_do_not_become_more_and_more() {
    let mut rotation = with_current();
    let mut group = known(&["K1"]);
    for number in 2..100 {
        let now = START + number * 31 * DAY;
        let opened = group.group.iter().map(|id| (id.clone(), now));
        group.last_opened = opened.collect();
        match rotation.step(&group, now) {
            Step::Begin => {
                let id = format!("K{number}");
                publish(&mut rotation, &id, now);
                group.group.push(id);
                rotation.use_next(now);
            }
            Step::Wait => {}
            step @ (Step::Number | Step::Use | Step::Retire(_) | Step::Forget(_)) => {
                panic!("{step:?}")
            }
        }
    }
    assert_eq!(rotation.retiring.len(), RETIRING_MAX);
}

#[test]
fn the_state_is_read_as_it_was_written() {
    let mut rotation = with_retiring();
    publish(&mut rotation, "K3", START);
    let text = serde_json::to_string(&rotation).unwrap();
    assert_eq!(serde_json::from_str::<Rotation>(&text).unwrap(), rotation);
    assert!(text.contains("\"every_seconds\":2592000"), "{text}");
}
