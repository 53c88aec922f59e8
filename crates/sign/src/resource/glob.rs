//! Matching with `*` (any run of bytes) and `?` (one character), never exponential.
//!
//! Policies come from outside, so the worst case is bounded: the usual greedy walk has a step budget; beyond it the
//! pattern runs as a set of states, 64 of them in a word.

/// Byte that stands for a literal `?`; no UTF-8 text contains it.
pub(super) const LITERAL_QUESTION_MARK: u8 = 0xff;

/// Number of steps of the greedy walk before the set of states takes over.
const GREEDY_STEPS_MAX: usize = 32 * 1024;

/// True if `pattern` covers the whole of `text`.
pub(super) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match greedy(pattern, text) {
        Walk::Covers => true,
        Walk::Differs => false,
        Walk::OutOfSteps => {
            let pattern = collapse_stars(pattern.iter().copied());
            prefixes(&pattern, text.iter().copied()).has(pattern.len())
        }
    }
}

/// True if some bare `?` cuts `pattern` into a part that covers `path` and a part, not empty, that covers `query`.
pub(super) fn matches_split(pattern: &[u8], path: &[u8], query: &[u8]) -> bool {
    let pattern = collapse_stars(pattern.iter().copied());
    let reversed: Vec<u8> = pattern.iter().rev().copied().collect();
    let heads = prefixes(&pattern, path.iter().copied());
    let tails = prefixes(&reversed, query.iter().rev().copied());
    let mut positions = pattern
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'?');
    positions.any(|(index, _)| {
        let tail = pattern.len() - index - 1;
        tail > 0 && heads.has(index) && tails.has(tail)
    })
}

enum Walk {
    Covers,
    Differs,
    OutOfSteps,
}

/// Walks both texts; after a mismatch the last `*` takes one byte more.
fn greedy(pattern: &[u8], text: &[u8]) -> Walk {
    let (mut at, mut position) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    for _ in 0..GREEDY_STEPS_MAX {
        let byte = text.get(position);
        match (pattern.get(at), byte) {
            (Some(b'*'), _) => {
                at += 1;
                if at == pattern.len() {
                    return Walk::Covers;
                }
                retry = Some((at, position));
            }
            (None, None) => return Walk::Covers,
            (Some(expected), Some(found)) if accepts(*expected, *found) => {
                at += 1;
                position += 1;
            }
            (_, None) => return Walk::Differs,
            (_, Some(_)) => {
                let Some((after_star, start)) = retry else {
                    return Walk::Differs;
                };
                (at, position) = (after_star, start + 1);
                retry = Some((after_star, start + 1));
            }
        }
    }
    Walk::OutOfSteps
}

fn accepts(expected: u8, found: u8) -> bool {
    expected == found && expected != LITERAL_QUESTION_MARK
        || expected == b'?'
        || (expected == LITERAL_QUESTION_MARK && found == b'?')
}

fn collapse_stars(pattern: impl Iterator<Item = u8>) -> Vec<u8> {
    let mut collapsed: Vec<u8> = Vec::new();
    for byte in pattern {
        if byte != b'*' || collapsed.last() != Some(&b'*') {
            collapsed.push(byte);
        }
    }
    collapsed
}

/// A set of pattern lengths, one bit each.
struct States(Vec<u64>);

impl States {
    fn none(length: usize) -> Self {
        States(vec![0; length / 64 + 1])
    }

    fn add(&mut self, state: usize) {
        self.0[state / 64] |= 1 << (state % 64);
    }

    fn has(&self, state: usize) -> bool {
        self.0[state / 64] >> (state % 64) & 1 == 1
    }
}

/// Returns the lengths of the prefixes of `pattern` that cover the whole of `text`. A prefix before a star counts with
/// whatever the star takes. Stars must be collapsed, so that passing one never reaches another.
fn prefixes(pattern: &[u8], text: impl Iterator<Item = u8>) -> States {
    let mut stars = States::none(pattern.len());
    for (index, byte) in pattern.iter().enumerate() {
        if *byte == b'*' {
            stars.add(index);
        }
    }
    let mut accepting: Vec<Option<States>> = (0..256).map(|_| None).collect();
    let mut current = States::none(pattern.len());
    current.add(0);
    pass_stars(&mut current, &stars);
    for byte in text {
        let steps =
            accepting[usize::from(byte)].get_or_insert_with(|| accepting_states(pattern, byte));
        let mut carry = 0;
        for ((word, step), star) in current.0.iter_mut().zip(&steps.0).zip(&stars.0) {
            let moved = *word & step;
            *word = *word & star | moved << 1 | carry;
            carry = moved >> 63;
        }
        pass_stars(&mut current, &stars);
    }
    current
}

/// Returns the positions of the pattern that take `byte` and move on.
fn accepting_states(pattern: &[u8], byte: u8) -> States {
    let mut states = States::none(pattern.len());
    for (index, expected) in pattern.iter().enumerate() {
        if *expected != b'*' && accepts(*expected, byte) {
            states.add(index);
        }
    }
    states
}

/// Lets states pass a star, which may stand for nothing.
fn pass_stars(states: &mut States, stars: &States) {
    let mut carry = 0;
    for (word, star) in states.0.iter_mut().zip(&stars.0) {
        let passed = *word & star;
        *word |= passed << 1 | carry;
        carry = passed >> 63;
    }
}

#[cfg(test)]
mod tests;
