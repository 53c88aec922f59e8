use proptest::prelude::*;

use super::*;

/// Decides which prefixes of `pattern` cover the whole of `text`, as the definition says: one table, no cleverness.
fn covering_heads(pattern: &[u8], text: &[u8]) -> Vec<bool> {
    let mut covers = vec![vec![false; text.len() + 1]; pattern.len() + 1];
    covers[0][0] = true;
    for (index, expected) in pattern.iter().enumerate() {
        for length in 0..=text.len() {
            let last = length.checked_sub(1);
            covers[index + 1][length] = match (expected, last) {
                (b'*', None) => covers[index][0],
                (b'*', Some(last)) => covers[index][length] || covers[index + 1][last],
                (_, None) => false,
                (b'?', Some(last)) => covers[index][last],
                (byte, Some(last)) => covers[index][last] && *byte == text[last],
            };
        }
    }
    covers.iter().map(|lengths| lengths[text.len()]).collect()
}

/// Generates patterns that nearly cover nearly uniform texts, of several words of states.
fn pattern() -> impl Strategy<Value = String> {
    prop_oneof!["[ab*?]{0,10}", "[aa?*]{0,20}", "(a|a|a|\\?|\\*a){50,150}"]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ab]{0,10}", "a{0,20}", "a{50,200}", "a{40,150}b"]
}

proptest! {
    #[test]
    fn every_head_of_a_pattern_is_followed(pattern in pattern(), text in text()) {
        let pattern = collapse_stars(pattern.bytes());
        let states = prefixes(&pattern, text.bytes());
        let covers = covering_heads(&pattern, text.as_bytes());
        for (length, covers) in covers.into_iter().enumerate() {
            if pattern.get(length) != Some(&b'*') {
                prop_assert_eq!(states.has(length), covers, "{}", length);
            }
        }
    }

    #[test]
    fn both_ways_to_match_agree(pattern in pattern(), text in text()) {
        let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
        let expected = covering_heads(pattern, text)[pattern.len()];
        prop_assert_eq!(matches(pattern, text), expected);
        match greedy(pattern, text) {
            Walk::Covers => prop_assert!(expected),
            Walk::Differs => prop_assert!(!expected),
            // The walk itself decides a pair as short as this.
            Walk::OutOfSteps => prop_assert!(pattern.len() * text.len() > GREEDY_STEPS_MAX / 2),
        }
    }

    #[test]
    fn collapsing_stars_changes_no_meaning(pattern in "[a*]{0,12}", text in "[a]{0,6}") {
        let collapsed = collapse_stars(pattern.bytes());
        prop_assert!(!collapsed.windows(2).any(|pair| pair == b"**"));
        prop_assert_eq!(
            covering_heads(&collapsed, text.as_bytes()).last().copied(),
            covering_heads(pattern.as_bytes(), text.as_bytes()).last().copied()
        );
    }
}

/// A pair that takes longer is left to the sets of states, whose work is bounded.
#[test]
fn the_walk_ends_after_its_steps() {
    let decides = |length: usize| {
        let text = vec![b'a'; length];
        assert!(matches(&text, &text));
        match greedy(&text, &text) {
            Walk::Covers => true,
            Walk::OutOfSteps => false,
            Walk::Differs => panic!("a text without wildcards covers itself"),
        }
    };
    // A step for each byte, and one for the end.
    assert!(decides(32_767));
    assert!(!decides(32_768));
}

/// The byte for a literal question mark takes a question mark and nothing else, not even its own byte.
#[test]
fn a_literal_question_mark_is_itself() {
    let mark = [LITERAL_QUESTION_MARK];
    assert!(!matches(&mark, b""));
    assert!(!matches(&mark, b"a"));
    assert!(!matches(&mark, &mark));
    assert!(matches(&mark, b"?"));
    assert!(matches(b"?", b"?"));
}

/// The words of a set of states form one row: an added state is in it, and no other.
#[test]
fn states_are_kept_one_by_one() {
    for added in [0, 1, 63, 64, 65, 127, 128, 200] {
        let mut states = States::none(200);
        states.add(added);
        let found: Vec<usize> = (0..=200).filter(|state| states.has(*state)).collect();
        assert_eq!(found, [added]);
        states.add(added);
        assert!(states.has(added));
    }
}
