//! Path patterns with wildcards, any number of which are matched in one pass over a path.

use crate::percent::percent_decoded;

/// Patterns as one bit-parallel automaton (Baeza-Yates and Gonnet, "A new approach to text searching", 1992).
///
/// A pass takes time linear in the path, whatever the patterns. One pass for all 75 patterns of a distribution is
/// faster than a pass for each, and matters because strangers choose the paths.
#[derive(Clone, Debug)]
pub(crate) struct PatternAutomaton {
    /// Number of words, of 64 states each.
    words: usize,
    /// Row in `advance` for each byte; bytes that no pattern names share the first one.
    rows: Box<[u8; 256]>,
    /// States that a byte leads out of: a row of `words` for each kind of byte.
    advance: Vec<u64>,
    /// States with a star, which remain active for any byte.
    stay: Vec<u64>,
    /// First state of each pattern.
    starts: Vec<u64>,
    /// Last state of each pattern, active when the whole pattern has matched.
    ends: Vec<usize>,
}

/// The active states after the last byte of a path.
pub(crate) struct Matched<'a> {
    automaton: &'a PatternAutomaton,
    states: Vec<u64>,
}

impl Matched<'_> {
    /// Returns true if the pattern at this position has matched.
    pub(crate) fn contains(&self, position: usize) -> bool {
        let ends = &self.automaton.ends;
        ends.get(position)
            .is_some_and(|end| has(&self.states, *end))
    }
}

/// The bytes that lead from one state to the next.
#[derive(Clone, Copy)]
enum Step {
    Byte(u8),
    AnyByte,
}

impl PatternAutomaton {
    /// Builds an automaton from any number of patterns as written, without the leading slash, each of at most 255
    /// characters.
    pub(crate) fn new<'p>(patterns: impl Iterator<Item = &'p str>) -> Self {
        let mut layout = Layout::default();
        for pattern in patterns {
            layout.add(pattern);
        }
        layout.into_automaton()
    }

    /// Returns the number of words that a step goes through.
    pub(crate) fn words(&self) -> usize {
        self.words
    }

    /// Runs over `name`, which has one character for each byte and no leading slash.
    pub(crate) fn run(&self, name: &str) -> Matched<'_> {
        #[cfg(test)]
        RUNS.with(|runs| runs.set(runs.get() + 1));
        let mut states = self.starts.clone();
        for byte in name.chars().map_while(|char| u8::try_from(char).ok()) {
            let row = usize::from(self.rows[usize::from(byte)]) * self.words;
            let advance = &self.advance[row..row + self.words];
            let mut carry = 0;
            let mut any = 0;
            for ((state, advance), stay) in states.iter_mut().zip(advance).zip(&self.stay) {
                let moved = *state & advance;
                *state = (moved << 1) | carry | (*state & stay);
                carry = moved >> 63;
                any |= *state;
            }
            if any == 0 {
                break;
            }
        }
        Matched {
            automaton: self,
            states,
        }
    }
}

/// The states of patterns while they are being laid out.
#[derive(Default)]
struct Layout {
    /// Transitions out of a state to the next one.
    steps: Vec<(usize, Step)>,
    stars: Vec<usize>,
    starts: Vec<usize>,
    ends: Vec<usize>,
}

impl Layout {
    /// Adds the states of a pattern one after another. Nothing leads out of its last state, so the next pattern may
    /// follow directly.
    fn add(&mut self, pattern: &str) {
        let mut state = self.ends.last().map_or(0, |last| last + 1);
        self.starts.push(state);
        for piece in pattern.split_inclusive(['*', '?']) {
            let literal = piece.trim_end_matches(['*', '?']);
            for byte in percent_decoded(literal).iter() {
                self.steps.push((state, Step::Byte(*byte)));
                state += 1;
            }
            if piece.ends_with('*') {
                self.stars.push(state);
            } else if piece.ends_with('?') {
                self.steps.push((state, Step::AnyByte));
                state += 1;
            }
        }
        self.ends.push(state);
    }

    fn into_automaton(self) -> PatternAutomaton {
        let words = self.ends.last().map_or(0, |last| last / 64 + 1);
        let mut rows = Box::new([0_u8; 256]);
        let mut rows_used = 1_usize;
        for (_, step) in &self.steps {
            // If patterns name all 256 values, no byte needs the first row, so the last of them may use it.
            if let Step::Byte(byte) = step
                && rows[usize::from(*byte)] == 0
                && let Ok(row) = u8::try_from(rows_used)
            {
                rows[usize::from(*byte)] = row;
                rows_used += 1;
            }
        }
        let mut advance = vec![0; rows_used * words];
        for (state, step) in self.steps {
            match step {
                Step::Byte(byte) => {
                    let row = usize::from(rows[usize::from(byte)]) * words;
                    set(&mut advance[row..row + words], state);
                }
                Step::AnyByte => {
                    for row in advance.chunks_mut(words) {
                        set(row, state);
                    }
                }
            }
        }
        let marked = |marks: &[usize]| {
            let mut states = vec![0; words];
            marks.iter().for_each(|mark| set(&mut states, *mark));
            states
        };
        PatternAutomaton {
            words,
            rows,
            advance,
            stay: marked(&self.stars),
            starts: marked(&self.starts),
            ends: self.ends,
        }
    }
}

fn set(states: &mut [u64], state: usize) {
    states[state / 64] |= 1 << (state % 64);
}

fn has(states: &[u64], state: usize) -> bool {
    states[state / 64] >> (state % 64) & 1 == 1
}

#[cfg(test)]
thread_local! {
    /// Number of runs of an automaton on this thread.
    pub(crate) static RUNS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}
