//! What an edge remembers of itself in a file beside its copy: its id, the last change that it has heard of, and which
//! invalidations it has applied.

use aws_lc_rs::rand;
use privet_edge::standard_error;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;

/// Least time between two writings of what changes with every change. Each waits for the disk twice, of which the store
/// has need.
const PAUSE: Duration = Duration::from_millis(250);

/// The file, and what is in it.
#[derive(Debug)]
pub(super) struct EdgeRecord {
    path: PathBuf,
    pub(super) facts: Facts,
    /// What was written last.
    written: Option<Facts>,
    written_at: Option<Instant>,
}

/// What an edge remembers of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    /// Random id, which no other edge has, also none that was made from a copy of the machine before its first start.
    pub(super) id: String,
    /// Id of the store to which the numbers belong.
    pub(super) store: String,
    /// Number of the change up to which all invalidations are applied; `None` if none is known to be.
    pub(super) invalidated: Option<u64>,
    /// Distributions that were not served when one of their invalidations came.
    pub(super) missed: BTreeSet<String>,
    /// Last change that was heard of; a database without it was put back to an older state.
    #[serde(default)]
    pub(super) known: Option<KnownChange>,
}

/// A change that was heard of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KnownChange {
    pub(super) seq: u64,
    /// What tells it from another of the same number, as the store says it.
    pub(super) digest: String,
}

impl EdgeRecord {
    /// Reads the file. One that is not there, or cannot be read, makes a new edge, which applies all invalidations.
    pub(super) fn open(path: &Path) -> Self {
        let read = fs::read(path);
        let facts: Option<Facts> = match read {
            Ok(bytes) => serde_json::from_slice(&bytes).ok(),
            Err(_) => None,
        };
        EdgeRecord {
            path: path.to_owned(),
            written: facts.clone(),
            written_at: None,
            facts: facts
                .filter(|facts| !facts.id.is_empty())
                .unwrap_or_else(|| Facts {
                    id: random_id(),
                    ..Facts::default()
                }),
        }
    }

    /// Writes the file if something has changed, unless it was written a moment ago: then it is due later.
    pub(super) fn save_in_time(&mut self) {
        let at = self.written_at.map(|at| at + PAUSE);
        if at.is_none_or(|at| at <= Instant::now()) {
            self.save();
        }
    }

    /// Returns when the file has to be written; `later` if nothing has changed.
    pub(super) fn due(&self, later: Instant) -> Instant {
        match (self.written_at, self.written.as_ref() == Some(&self.facts)) {
            (Some(at), false) => later.min(at + PAUSE),
            (Some(_), true) | (None, _) => later,
        }
    }

    /// Writes the file if something has changed. What was not written is done again after the next start.
    pub(super) fn save(&mut self) {
        if self.written.as_ref() == Some(&self.facts) {
            return;
        }
        match self.write() {
            Ok(()) => {
                self.written = Some(self.facts.clone());
                self.written_at = Some(Instant::now());
            }
            Err(error) => {
                // The next look tries again.
                self.written_at = None;
                standard_error::warning(format_args!(
                    "{} cannot be written: {error}; invalidations are applied again after the next start",
                    self.path.display()
                ));
            }
        }
    }

    fn write(&self) -> io::Result<()> {
        let mut unfinished = self.path.clone().into_os_string();
        unfinished.push(".new");
        let unfinished = PathBuf::from(unfinished);
        // One that was left behind, or a link that somebody has put there: neither is written to.
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&unfinished)?;
        file.write_all(&serde_json::to_vec(&self.facts)?)?;
        file.sync_all()?;
        fs::rename(&unfinished, &self.path)?;
        let folder = self
            .path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

/// Returns `edge-` and 16 hexadecimal digits.
fn random_id() -> String {
    let mut bytes = [0; 8];
    // The operating system's source of randomness does not fail once the process has begun (aws-lc aborts otherwise).
    let _ = rand::fill(&mut bytes);
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("edge-{digits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_a_new_edge() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("edge");
        let first = EdgeRecord::open(&path);
        for text in [
            "",
            "{}",
            "null",
            "{\"id\":\"\",\"store\":\"\",\"invalidated\":1,\"missed\":[]}",
        ] {
            fs::write(&path, text).unwrap();
            let other = EdgeRecord::open(&path);
            assert_eq!(other.facts.invalidated, None, "{text}");
            assert_ne!(other.facts.id, first.facts.id, "{text}");
        }
    }

    #[test]
    fn a_link_in_the_place_of_the_new_file_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, victim) = (folder.path().join("edge"), folder.path().join("victim"));
        fs::write(&victim, "a text").unwrap();
        for target in [victim.clone(), folder.path().join("absent")] {
            std::os::unix::fs::symlink(&target, folder.path().join("edge.new")).unwrap();
            let mut record = EdgeRecord::open(&path);
            record.facts.missed.insert(target.display().to_string());
            record.save();
            assert_eq!(EdgeRecord::open(&path).facts, record.facts);
        }
        assert_eq!(fs::read_to_string(&victim).unwrap(), "a text");
        assert!(!folder.path().join("absent").exists());
        assert!(!fs::symlink_metadata(&path).unwrap().is_symlink());
    }

    #[tokio::test(start_paused = true)]
    async fn the_changes_of_a_burst_are_saved_together_and_none_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("edge");
        let mut record = EdgeRecord::open(&path);
        let later = Instant::now() + 8 * PAUSE;
        let hears = |record: &mut EdgeRecord, seq| {
            record.facts.invalidated = Some(seq);
            record.save_in_time();
            EdgeRecord::open(&path).facts.invalidated
        };
        assert_eq!(hears(&mut record, 1), Some(1));
        assert_eq!(record.due(later), later);
        assert_eq!(hears(&mut record, 2), Some(1));
        assert_eq!(record.due(later), Instant::now() + PAUSE);
        tokio::time::advance(PAUSE).await;
        assert_eq!(hears(&mut record, 2), Some(2));
        assert_eq!(record.due(later), later);
        // What cannot be written is tried again by the next look, and no sooner.
        fs::remove_dir_all(folder.path()).unwrap();
        tokio::time::advance(PAUSE).await;
        record.facts.invalidated = Some(3);
        record.save_in_time();
        assert_eq!(record.due(later), later);
    }

    #[test]
    fn a_record_of_an_earlier_build_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("edge");
        let text = "{\"id\":\"edge-1\",\"store\":\"S\",\"invalidated\":1,\"missed\":[]}";
        fs::write(&path, text).unwrap();
        let facts = EdgeRecord::open(&path).facts;
        assert_eq!((facts.id.as_str(), facts.known), ("edge-1", None));
    }

    #[test]
    fn what_was_saved_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("edge");
        let mut record = EdgeRecord::open(&path);
        record.facts.invalidated = Some(7);
        record.facts.missed.insert("E1".to_owned());
        record.facts.known = Some(KnownChange {
            seq: 7,
            digest: "00".to_owned(),
        });
        record.save();
        assert_eq!(EdgeRecord::open(&path).facts, record.facts);
    }
}
