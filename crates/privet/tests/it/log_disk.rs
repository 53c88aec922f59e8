//! A full log disk: records wait, requests are refused before one goes unlogged, and nothing is written twice.

use crate::support::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A small file system, which is unmounted when dropped.
struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// Mounts the file system; returns `None` where this user may not mount.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
            .arg(folder.path())
            .status();
        match mounted {
            Ok(status) if status.success() => Some(SmallDisk { folder }),
            _ => {
                eprintln!("skipped: this user may not mount a tmpfs");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Fills the file system.
    fn fill(&self) -> PathBuf {
        let filler = self.path().join("filler");
        let mut size_bytes = 2 * 1024 * 1024;
        while fs::write(&filler, vec![1; size_bytes]).is_err() {
            size_bytes -= 4096;
        }
        filler
    }

    fn records(&self) -> Vec<String> {
        let records = file_records(&self.path().join("logs"));
        let mut queries: Vec<String> = records.iter().map(|record| record[11].clone()).collect();
        queries.sort();
        queries
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount")
            .arg("--lazy")
            .arg(self.path())
            .status();
    }
}

fn edge_on(disk: &SmallDisk, limits: &str) -> TestEdge {
    let folder = disk.path().join("logs");
    let config = fixture_with_limits(limits).replace("\"logs\"", &format!("{folder:?}"));
    TestEdge::configured(&config)
}

fn ask(viewer: &mut Viewer, number: usize) -> u16 {
    viewer
        .get(&format!("http://{HOST}/public/a?{number:04}"))
        .status()
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{number:04}")).collect()
}

#[test]
fn records_outlast_a_full_disk() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let edge = edge_on(&disk, "log_queue_records_max = 65536");
    let mut viewer = edge.plain();
    assert_eq!(ask(&mut viewer, 0), 404);
    let filler = disk.fill();
    // Several attempts to write fail meanwhile: the log writes every second, and after 4,096 records at the latest.
    for number in 1..6_000 {
        assert_eq!(ask(&mut viewer, number), 404);
    }
    edge.live.wait_for(6_000);
    fs::remove_file(filler).unwrap();
    fs::create_dir_all(disk.path().join("logs")).unwrap();
    edge.stop();
    assert!(
        disk.records() == numbers(6_000),
        "{} records",
        disk.records().len()
    );
}

#[test]
fn requests_are_refused_before_one_goes_unlogged() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let edge = edge_on(&disk, "log_queue_records_max = 100");
    let filler = disk.fill();
    let mut viewer = edge.plain();
    for number in 0..100 {
        assert_eq!(ask(&mut viewer, number), 404);
    }
    edge.live.wait_for(100);
    let refused = viewer.get(&format!("http://{HOST}/public/a"));
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.header("X-Cache"), Some("Error from cloudfront"));
    fs::remove_file(filler).unwrap();
    // The log tries again by itself, and then there is room.
    let begun = std::time::Instant::now();
    while ask(&mut viewer, 100) == 503 {
        assert!(begun.elapsed() < PATIENCE);
    }
    edge.live.wait_for(101);
    edge.stop();
    assert_eq!(disk.records(), numbers(101));
}

/// A queue that is shorter than a second's records is written before it is full.
#[test]
fn a_short_queue_on_a_healthy_disk_refuses_nobody() {
    let edge = TestEdge::configured(&fixture_with_limits("log_queue_records_max = 1000"));
    let mut viewer = edge.plain();
    for number in 0..4_000 {
        assert_eq!(ask(&mut viewer, number), 404, "request {number}");
    }
    let (folder, _) = edge.stop();
    assert_eq!(file_records(&folder.path().join("logs")).len(), 4_000);
}

#[test]
fn a_file_without_a_record_is_taken_away() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let edge = edge_on(&disk, "log_queue_records_max = 100");
    disk.fill();
    assert_eq!(ask(&mut edge.plain(), 0), 404);
    edge.live.wait_for(1);
    edge.stop();
    assert_eq!(
        files_beneath(&disk.path().join("logs")),
        Vec::<PathBuf>::new()
    );
}
