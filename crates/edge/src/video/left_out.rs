//! Tells the operator which members are left out of sets: viewers only see a video without them.

use crate::standard_error;
use privet_distribution::logging::redact_viewer_text;
use privet_distribution::request::Denial;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Time for which the same member and cause are not reported again.
const QUIET: Duration = Duration::from_secs(10 * 60);
/// Maximum number of reports remembered; beyond it, nothing is reported until some are forgotten.
const TOLD_MAX: usize = 256;

/// The recent reports, with their times.
#[derive(Debug, Default)]
pub(crate) struct LeftOut(Mutex<HashMap<(String, &'static str), Instant>>);

impl LeftOut {
    /// Reports that the object at `path` is left out of the video at `video`.
    pub(crate) fn tell(&self, path: &str, video: &str, denial: &Denial) {
        if self.is_new(path, denial.token()) {
            // The authors of sets choose names, and terminals obey control characters.
            standard_error::warning(format_args!(
                "{} is left out of {}: {}",
                redact_viewer_text(path).escape_debug(),
                redact_viewer_text(video).escape_debug(),
                cause(denial).escape_debug()
            ));
        }
    }

    fn is_new(&self, path: &str, token: &'static str) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (path.to_owned(), token);
        if told.get(&key).is_some_and(|at| at.elapsed() < QUIET) {
            return false;
        }
        if told.len() >= TOLD_MAX {
            told.retain(|_, at| at.elapsed() < QUIET);
        }
        if told.len() >= TOLD_MAX {
            return false;
        }
        told.insert(key, Instant::now());
        true
    }
}

fn cause(denial: &Denial) -> String {
    if let Denial::Video { token, reason } = denial {
        return format!("{token}: {reason}");
    }
    let advice = if *denial == Denial::ForeignMember {
        "its behavior trusts other keys than the set's, or has video = false"
    } else {
        "request the file itself to see what its origin says"
    };
    format!("{}: {advice}", denial.token())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn h2_the_operator_is_told_once_for_a_while() {
        let left_out = LeftOut::default();
        assert!(left_out.is_new("/en.vtt", "video-encoded"));
        assert!(!left_out.is_new("/en.vtt", "video-encoded"));
        assert!(left_out.is_new("/en.vtt", "origin-timeout"));
        assert!(left_out.is_new("/de.vtt", "video-encoded"));
        tokio::time::advance(QUIET).await;
        assert!(left_out.is_new("/en.vtt", "video-encoded"));
    }

    #[tokio::test(start_paused = true)]
    async fn h2_what_is_told_is_bounded() {
        let left_out = LeftOut::default();
        let paths = || (0..2 * TOLD_MAX).map(|number| format!("/{number}.vtt"));
        let count = || {
            paths()
                .filter(|path| left_out.is_new(path, "video-encoded"))
                .count()
        };
        assert_eq!(count(), TOLD_MAX);
        assert_eq!(count(), 0);
        tokio::time::advance(QUIET).await;
        assert_eq!(count(), TOLD_MAX);
    }

    #[test]
    fn h2_the_cause_says_what_to_do() {
        let denial = Denial::Video {
            token: "video-encoded",
            reason: "store it plain".to_owned(),
        };
        assert_eq!(cause(&denial), "video-encoded: store it plain");
        let said = cause(&Denial::OriginTimeout);
        assert!(said.starts_with("origin-timeout: request"), "{said}");
    }
}
