//! Faults of the video settings of behaviors.

use super::Checker;
use crate::config::video_settings::VideoSettings;
use std::collections::HashSet;

const RENDITIONS_MAX: usize = 16;
const SUBTITLES_MAX: usize = 32;
const LABEL_SIZE_BYTES_MAX: usize = 32;

impl Checker<'_> {
    pub(super) fn videos(&mut self, videos: &VideoSettings, path: &str) {
        self.labels(
            &videos.renditions,
            RENDITIONS_MAX,
            &format!("{path}.renditions"),
        );
        self.labels(
            &videos.subtitles,
            SUBTITLES_MAX,
            &format!("{path}.subtitles"),
        );
    }

    fn labels(&mut self, labels: &[String], max: usize, path: &str) {
        self.at_most(path, labels.len(), max);
        let mut known = HashSet::new();
        for (position, label) in labels
            .iter()
            .enumerate()
            .filter(|(_, label)| !label.is_empty())
        {
            let path = format!("{path}[{position}]");
            if !is_label(label) {
                let message = format!(
                    "{label:?} is not a label; write 1 to {LABEL_SIZE_BYTES_MAX} of a-z, A-Z, 0-9, - and _"
                );
                self.fault(&path, message);
            }
            if !known.insert(label) {
                self.fault(&path, format!("{label:?} is used twice; remove one"));
            }
        }
    }
}

/// Returns true if `text` may be a label, which is part of video names.
fn is_label(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=LABEL_SIZE_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_plain)
}
