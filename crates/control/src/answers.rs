//! The answers to recent changes, for clients that send a change again because its answer did not reach them.
//!
//! A repeated change gets the first answer. Answers are kept for some minutes and in a limited number; what is
//! forgotten is done again, and refused where it cannot be done twice.

use crate::interface::Repetition;
use bytes::Bytes;
use http::Response;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

/// Time in seconds for which an answer is kept.
const KEPT_SECS: i64 = 300;
/// Answers that are kept.
const ANSWERS_MAX: usize = 512;
/// Of these the most of one operator.
const OPERATOR_ANSWERS_MAX: usize = 64;
/// Largest body that is kept, in bytes.
const BODY_BYTES_MAX: usize = 128 * 1024;
const INVOCATION_LENGTH_MAX: usize = 128;

/// The answers that are kept.
#[derive(Debug, Default)]
pub(crate) struct Answers(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    entries: HashMap<Key, Entry>,
    /// Keys in the order in which they came.
    order: BTreeMap<u64, Key>,
    last: u64,
}

/// An operator, and what all attempts have in common.
type Key = (String, Sameness);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Sameness {
    Invocation(String),
    Signature([u8; 32]),
}

#[derive(Clone, Debug)]
struct Entry {
    number: u64,
    began: i64,
    asked: Asked,
    answer: Arc<Turn<Option<Response<Bytes>>>>,
}

/// What tells a change from another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Digest of method, target, condition and body.
    pub(crate) digest: [u8; 32],
    /// Signature; `None` if the request has none.
    pub(crate) signature: Option<[u8; 32]>,
}

/// A change that is going to be made, and whose answer is kept. Another attempt waits for its end.
#[derive(Debug)]
pub(crate) struct Attempt(OwnedMutexGuard<Option<Response<Bytes>>>);

impl Attempt {
    /// Returns the answer that an earlier attempt was given.
    pub(crate) fn earlier(&self) -> Option<Response<Bytes>> {
        self.0.clone()
    }

    /// Keeps the answer for later attempts.
    pub(crate) fn keep(mut self, answer: &Response<Bytes>) {
        if answer.body().len() <= BODY_BYTES_MAX {
            *self.0 = Some(answer.clone());
        }
    }
}

impl Answers {
    /// Begins an attempt, once an earlier one of the same change has ended. Returns `None` for a change by which no
    /// other could be known.
    pub(crate) async fn begin(
        &self,
        operator: &str,
        repetition: Repetition,
        asked: Asked,
        now: i64,
    ) -> Option<Attempt> {
        let sameness = match (repetition.invocation, asked.signature) {
            (Some(id), _) if (1..=INVOCATION_LENGTH_MAX).contains(&id.len()) => {
                Sameness::Invocation(id)
            }
            (_, Some(signature)) => Sameness::Signature(signature),
            (_, None) => return None,
        };
        let key = (operator.to_owned(), sameness);
        let answer = {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.forget_old(now);
            match kept.entries.get(&key) {
                Some(entry) if entry.is_repeated_by(&asked, repetition.attempt) => {
                    Arc::clone(&entry.answer)
                }
                Some(_) | None => kept.add(key, asked, now),
            }
        };
        Some(Attempt(answer.lock_owned().await))
    }
}

impl Entry {
    fn is_repeated_by(&self, asked: &Asked, attempt: u32) -> bool {
        let is_same_request = asked.signature.is_some() && self.asked.signature == asked.signature;
        self.asked.digest == asked.digest && (attempt > 1 || is_same_request)
    }
}

impl Kept {
    fn forget_old(&mut self, now: i64) {
        let is_kept = |entry: &Entry| (0..=KEPT_SECS).contains(&now.saturating_sub(entry.began));
        self.entries.retain(|_, entry| is_kept(entry));
        let entries = &self.entries;
        self.order.retain(|_, key| entries.contains_key(key));
    }

    fn add(&mut self, key: Key, asked: Asked, now: i64) -> Arc<Turn<Option<Response<Bytes>>>> {
        if let Some(other) = self.entries.remove(&key) {
            self.order.remove(&other.number);
        }
        let of_operator = |other: &&Key| other.0 == key.0;
        let oldest = match self.order.values().filter(of_operator).count() {
            OPERATOR_ANSWERS_MAX.. => self.order.values().find(of_operator).cloned(),
            _ if self.order.len() >= ANSWERS_MAX => self.order.values().next().cloned(),
            _ => None,
        };
        if let Some(entry) = oldest.and_then(|key| self.entries.remove(&key)) {
            self.order.remove(&entry.number);
        }
        self.last += 1;
        let entry = Entry {
            number: self.last,
            began: now,
            asked,
            answer: Arc::default(),
        };
        let answer = Arc::clone(&entry.answer);
        self.order.insert(self.last, key.clone());
        self.entries.insert(key, entry);
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(digest: u8, signature: u8) -> Asked {
        Asked {
            digest: [digest; 32],
            signature: Some([signature; 32]),
        }
    }

    fn repetition(id: &str, attempt: u32) -> Repetition {
        Repetition {
            invocation: (!id.is_empty()).then(|| id.to_owned()),
            attempt,
        }
    }

    fn body(answer: Option<Response<Bytes>>) -> Option<Bytes> {
        answer.map(Response::into_body)
    }

    #[tokio::test]
    async fn a_later_attempt_gets_the_first_answer() {
        let answers = Answers::default();
        let check = async |(operator, id, attempt): (&str, &str, u32), asked, now, expected| {
            let attempt = answers
                .begin(operator, repetition(id, attempt), asked, now)
                .await;
            assert_eq!(
                body(attempt.unwrap().earlier()),
                expected,
                "{operator} {id}"
            );
        };
        let first = answers
            .begin("a", repetition("i", 1), asked(1, 1), 1000)
            .await
            .unwrap();
        assert_eq!(body(first.earlier()), None);
        first.keep(&Response::new(Bytes::from_static(b"made")));
        let made = Some(Bytes::from_static(b"made"));
        check(("a", "i", 2), asked(1, 2), 1300, made.clone()).await;
        check(("a", "i", 1), asked(1, 1), 1300, made.clone()).await;
        check(("b", "i", 2), asked(1, 2), 1300, None).await;
        check(("a", "j", 2), asked(1, 2), 1300, None).await;
        check(("a", "i", 2), asked(1, 3), 1301, None).await;
    }

    #[tokio::test]
    async fn another_request_gets_no_answer_of_this_one() {
        let answers = Answers::default();
        let first = answers
            .begin("a", repetition("i", 1), asked(1, 1), 1000)
            .await
            .unwrap();
        first.keep(&Response::new(Bytes::new()));
        let other = answers
            .begin("a", repetition("i", 2), asked(2, 2), 1000)
            .await
            .unwrap();
        assert!(other.earlier().is_none());
        drop(other);
        let again = answers
            .begin("a", repetition("i", 1), asked(2, 3), 1000)
            .await
            .unwrap();
        assert!(again.earlier().is_none());
    }

    #[tokio::test]
    async fn without_an_id_the_signature_is_what_requests_have_in_common() {
        let answers = Answers::default();
        let first = answers
            .begin("a", repetition("", 1), asked(1, 1), 1000)
            .await
            .unwrap();
        first.keep(&Response::new(Bytes::new()));
        let again = answers
            .begin("a", repetition("", 1), asked(1, 1), 1001)
            .await
            .unwrap();
        assert!(again.earlier().is_some());
        let unsigned = Asked {
            signature: None,
            ..asked(1, 1)
        };
        assert!(
            answers
                .begin("a", repetition("", 1), unsigned, 1001)
                .await
                .is_none()
        );
    }

    #[tokio::test]
    async fn a_failed_attempt_leaves_the_change_to_the_next() {
        let answers = Answers::default();
        let first = answers
            .begin("a", repetition("i", 1), asked(1, 1), 1000)
            .await
            .unwrap();
        let mut second = Box::pin(answers.begin("a", repetition("i", 2), asked(1, 2), 1000));
        let waiting = std::future::poll_fn(|context| {
            std::task::Poll::Ready(second.as_mut().poll(context).is_pending())
        });
        assert!(waiting.await, "the second attempt waits for the first");
        drop(first);
        assert!(second.await.unwrap().earlier().is_none());
    }

    #[tokio::test]
    async fn the_number_of_answers_is_limited() {
        let answers = Answers::default();
        for number in 0..OPERATOR_ANSWERS_MAX + 1 {
            let id = number.to_string();
            let attempt = answers
                .begin("a", repetition(&id, 1), asked(1, 1), 1000)
                .await
                .unwrap();
            attempt.keep(&Response::new(Bytes::new()));
        }
        for number in 0..ANSWERS_MAX {
            let operator = format!("o{number}");
            answers
                .begin(&operator, repetition("i", 1), asked(1, 1), 1000)
                .await
                .unwrap();
        }
        let kept = answers.0.lock().unwrap();
        assert_eq!(kept.entries.len(), ANSWERS_MAX);
        assert_eq!(kept.order.len(), ANSWERS_MAX);
    }
}
