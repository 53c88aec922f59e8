//! The edge's log: the live copy, and the files of a folder.

use flate2::read::MultiGzDecoder;
use serde_json::Value;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};

use crate::support::PATIENCE;

/// The live copy of the log in memory.
#[derive(Clone, Debug, Default)]
pub struct LiveLog(Arc<(Mutex<Vec<u8>>, Condvar)>);

impl Write for LiveLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.0.lock().unwrap().extend_from_slice(bytes);
        self.0.1.notify_all();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl LiveLog {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.0.lock().unwrap().clone()).unwrap()
    }

    /// Returns the records so far.
    pub fn records(&self) -> Vec<Value> {
        let text = self.text();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Waits until there are `count` records.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> Vec<Value> {
        let lines = |text: &mut Vec<u8>| text.iter().filter(|byte| **byte == b'\n').count();
        let guard = self.0.0.lock().unwrap();
        let (guard, timeout) = self
            .0
            .1
            .wait_timeout_while(guard, PATIENCE, |text| lines(text) < count)
            .unwrap();
        drop(guard);
        assert!(!timeout.timed_out(), "no {count} records: {}", self.text());
        self.records()
    }
}

/// Returns every file beneath `folder`, sorted.
pub fn files_beneath(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_beneath(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

pub fn gunzip(file: &Path) -> String {
    let mut text = String::new();
    let bytes = std::fs::read(file).unwrap();
    MultiGzDecoder::new(bytes.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    text
}

/// Returns the fields of every record in the files of `folder`.
pub fn file_records(folder: &Path) -> Vec<Vec<String>> {
    let texts: Vec<String> = files_beneath(folder)
        .iter()
        .map(|file| gunzip(file))
        .collect();
    texts
        .iter()
        .flat_map(|text| text.lines())
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect()
}
