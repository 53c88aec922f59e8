//! One log file in the queue: it grows by whole lines under the name `….part`, is complete as `….lines`, and has its
//! own name once it is an object.

use super::lines::push_header;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// End of the name of a file that grows.
pub(super) const PART: &str = ".part";
/// End of the name of a file that is complete, with its lines as they came.
pub(super) const LINES: &str = ".lines";
/// End of the name of an object that is being written.
pub(super) const PACKING: &str = ".packing";
/// Size at which a file is complete: an object is put in order and sent from memory.
const SIZE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A file that grows.
#[derive(Debug)]
pub(super) struct QueueFile {
    /// Folder, and the name of the object.
    folder: PathBuf,
    name: String,
    header: String,
    file: Option<File>,
    /// True if the file exists.
    is_created: bool,
    /// True if half a line may stand behind the safely written bytes.
    is_torn: bool,
    /// Number of bytes that are safely written.
    size_bytes: u64,
    /// Lines that are only in memory; `records` is their number.
    lines: Vec<u8>,
    records: usize,
    begun: Instant,
}

impl QueueFile {
    /// Begins a file; nothing is written yet. `header` are its first lines.
    pub(super) fn new(folder: PathBuf, name: String, header: String, now: Instant) -> Self {
        QueueFile {
            folder,
            name,
            header,
            file: None,
            is_created: false,
            is_torn: false,
            size_bytes: 0,
            lines: Vec::new(),
            records: 0,
            begun: now,
        }
    }

    /// Takes lines, each with its time.
    pub(super) fn take(&mut self, lines: &[u8], records: usize) {
        self.lines.extend_from_slice(lines);
        self.records += records;
    }

    /// Returns the size of the lines that are only in memory.
    pub(super) fn waiting_size_bytes(&self) -> usize {
        self.lines.len()
    }

    /// Returns the number of records that are only in memory.
    pub(super) fn waiting(&self) -> usize {
        self.records
    }

    /// Returns the number of bytes on the disk.
    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Returns true if the file takes no more lines.
    pub(super) fn is_complete(&self, now: Instant, close_after: Duration) -> bool {
        now.saturating_duration_since(self.begun) >= close_after
            || self.size_bytes >= SIZE_BYTES_MAX
    }

    /// Writes the lines that are only in memory.
    pub(super) fn write(&mut self) -> io::Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        if self.file.is_none() {
            fs::create_dir_all(&self.folder)?;
            self.open()?;
        }
        let mut begun = Vec::new();
        if self.size_bytes == 0 {
            push_header(&self.header, &mut begun);
        }
        begun.append(&mut self.lines);
        let written = self.append(&begun);
        match written {
            Ok(()) => {
                self.size_bytes += begun.len() as u64;
                self.records = 0;
            }
            Err(_) => self.lines = self.without_header(begun),
        }
        written
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        if self.is_torn {
            file.set_len(self.size_bytes)?;
        }
        self.is_torn = true;
        file.write_all(lines)?;
        self.is_torn = false;
        Ok(())
    }

    fn without_header(&self, mut lines: Vec<u8>) -> Vec<u8> {
        if self.size_bytes == 0 {
            let mut header = Vec::new();
            push_header(&self.header, &mut header);
            lines.drain(..header.len());
        }
        lines
    }

    /// Opens the file to append to it: the first time it must not exist, afterwards it must. One that was taken away
    /// begins anew.
    fn open(&mut self) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options
            .append(true)
            .create_new(!self.is_created)
            .mode(0o640);
        let opened = options.open(self.part());
        if opened.is_err() {
            (self.is_created, self.is_torn, self.size_bytes) = (false, false, 0);
        }
        self.file = Some(opened?);
        self.is_created = true;
        Ok(())
    }

    /// Gives up the descriptor until the next lines are written.
    pub(super) fn release(&mut self) {
        self.file = None;
    }

    /// Completes the file and returns the name of its object; `None` if it has no lines. Lines that are only in memory
    /// are lost.
    pub(super) fn complete(mut self) -> io::Result<Option<PathBuf>> {
        self.file = None;
        if !self.is_created {
            return Ok(None);
        }
        let part = self.part();
        if self.size_bytes == 0 {
            fs::remove_file(part)?;
            return Ok(None);
        }
        let object = self.folder.join(&self.name);
        fs::rename(part, with_end(&object, LINES))?;
        Ok(Some(object))
    }

    fn part(&self) -> PathBuf {
        self.folder.join(format!("{}{PART}", self.name))
    }
}

/// Returns a path with an addition to its name.
pub(super) fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_complete_when_it_is_old_or_large() {
        let now = Instant::now();
        let folder = tempfile::tempdir().unwrap();
        let begin = || QueueFile::new(folder.path().join("b"), "a".into(), "#h\n".into(), now);
        let later = |secs| now + Duration::from_secs(secs);
        let minute = Duration::from_secs(60);
        let mut file = begin();
        assert!(!file.is_complete(later(59), minute));
        assert!(file.is_complete(later(60), minute));
        file.take(&vec![b'\n'; 16 * 1024 * 1024], 1);
        assert!(!file.is_complete(now, minute));
        file.write().unwrap();
        assert!(file.is_complete(now, minute));
    }

    #[test]
    fn a_file_without_lines_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("b");
        let mut file = QueueFile::new(place.clone(), "a".into(), "#h\n".into(), Instant::now());
        file.write().unwrap();
        assert_eq!(file.complete().unwrap(), None);
        assert!(!place.exists());
    }

    #[test]
    fn lines_follow_one_header() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("b");
        let mut file = QueueFile::new(place.clone(), "a".into(), "#h\n".into(), Instant::now());
        for text in ["000000000001x\n", "000000000002y\n"] {
            file.take(text.as_bytes(), 1);
            file.write().unwrap();
            file.release();
        }
        assert_eq!((file.waiting(), file.waiting_size_bytes()), (0, 0));
        let object = file.complete().unwrap().unwrap();
        assert_eq!(object, place.join("a"));
        let text = fs::read_to_string(place.join("a.lines")).unwrap();
        assert_eq!(text, "000000000000#h\n000000000001x\n000000000002y\n");
    }
}
