use super::super::file::QueueFile;
use super::super::name::folder_of;
use super::*;
use std::time::Instant;
use tempfile::TempDir;

/// A queue in a folder, and what those see who deliver.
struct Queue {
    folder: TempDir,
    logs: UndeliveredLogs,
}

impl Queue {
    fn new() -> Self {
        Queue {
            folder: tempfile::tempdir().unwrap(),
            logs: UndeliveredLogs::new(Arc::default()),
        }
    }

    /// Completes a file of these lines for a bucket, without giving it to the queue.
    fn complete(&self, bucket: &str, name: &str, lines: &str) -> PathBuf {
        let folder = self.folder.path().join(folder_of(bucket, "x/"));
        let mut file = QueueFile::new(folder, name.into(), "#h\n".into(), Instant::now());
        file.take(lines.as_bytes(), 1);
        file.write().unwrap();
        file.complete().unwrap().unwrap()
    }

    fn add(&self, bucket: &str, name: &str) {
        let object = self.complete(bucket, name, "000000000001a\n");
        pack(&object).unwrap();
        self.logs.add(self.folder.path(), object);
    }

    /// The queue as the next run finds it.
    fn restarted(self) -> Self {
        let logs = UndeliveredLogs::new(Arc::default());
        logs.add_folder(self.folder.path()).unwrap();
        Queue { logs, ..self }
    }

    fn files(&self) -> usize {
        fn count(folder: &Path) -> usize {
            let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
            entries
                .map(|entry| match entry.file_type().unwrap().is_dir() {
                    true => count(&entry.path()),
                    false => 1,
                })
                .sum()
        }
        count(self.folder.path())
    }

    fn take(&self, bucket: &str) -> UndeliveredLog {
        self.logs.take(bucket).unwrap()
    }
}

fn fault() -> DeliveryFault {
    DeliveryFault {
        kind: "refused",
        text: "no".into(),
    }
}

#[test]
fn a_torn_line_of_a_killed_run_is_cut_off_and_the_rest_delivered() {
    let queue = Queue::new();
    let folder = queue.folder.path().join(folder_of("logs", "x/"));
    fs::create_dir_all(&folder).unwrap();
    let lines = "000000000000#h\n000000000002b\n000000000001a\n0000000000";
    fs::write(folder.join("E1.gz.part"), lines).unwrap();
    fs::write(folder.join("E2.packing"), "half").unwrap();
    fs::write(queue.folder.path().join("stray"), "stray").unwrap();
    let queue = queue.restarted();
    let log = queue.take("logs");
    assert_eq!(
        (log.key(), log.content_type()),
        ("x/E1.gz", "application/x-gzip")
    );
    let object = queue.logs.read(&log).unwrap();
    let mut text = String::new();
    MultiGzDecoder::new(object.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, "#h\na\nb\n");
    queue.logs.delivered(&log);
    assert_eq!(queue.files(), 1, "what is not of the queue stays");
    assert_eq!(queue.logs.take("logs"), None);
}

#[test]
fn a_file_is_the_same_object_however_often_it_is_read_and_wherever_it_was_left() {
    let queue = Queue::new();
    let object = queue.complete("logs", "E1.gz", "000000000001a\n");
    let lines = with_end(&object, LINES);
    let unpacked = read(&object).unwrap();
    let kept = fs::read(&lines).unwrap();
    pack(&object).unwrap();
    assert!(!lines.exists());
    assert_eq!(read(&object).unwrap(), unpacked);
    // As a kill before the last step of the packing leaves it.
    fs::write(&lines, kept).unwrap();
    let queue = queue.restarted();
    let log = queue.take("logs");
    assert_eq!(queue.logs.read(&log).unwrap(), unpacked);
    assert_eq!(queue.logs.take("logs"), None);
    queue.logs.delivered(&log);
    assert_eq!(queue.files(), 0);
}

#[test]
fn what_is_not_delivered_waits_in_its_place_and_over_restarts() {
    let queue = Queue::new();
    queue.add("a", "1");
    queue.add("a", "2");
    queue.add("b", "3");
    assert_eq!(queue.logs.buckets(), ["a", "b"]);
    let first = queue.take("a");
    queue.logs.put_back(first, fault());
    let facts = queue.logs.facts();
    assert_eq!((facts.buckets[0].files, facts.buckets[1].files), (2, 1));
    assert_eq!(facts.size_bytes, 3 * 4096);
    assert_eq!(facts.buckets[0].fault.as_ref().unwrap().0, fault());
    let first = queue.take("a");
    assert_eq!(first.key(), "x/1");
    let queue = queue.restarted();
    let keys = ["a", "a", "b"].map(|bucket| {
        let log = queue.take(bucket);
        queue.logs.delivered(&log);
        log.key().to_owned()
    });
    assert_eq!(keys, ["x/1", "x/2", "x/3"]);
    let facts = queue.logs.facts();
    assert_eq!(
        (facts.buckets.len(), facts.size_bytes, facts.delivered_files),
        (0, 0, 3)
    );
    assert_eq!(queue.files(), 0);
}

#[test]
fn the_oldest_file_of_all_buckets_is_dropped_first() {
    let queue = Queue::new();
    queue.add("b", "1.gz");
    queue.add("a", "2");
    let taken = queue.take("b");
    assert_eq!(
        queue.logs.drop_oldest(),
        Some(4096),
        "the other is being sent"
    );
    assert_eq!(queue.logs.drop_oldest(), None);
    queue.logs.put_back(taken, fault());
    assert_eq!(queue.logs.drop_oldest(), Some(4096));
    let dropped = Dropped {
        files: 2,
        records: 2,
    };
    assert_eq!(queue.logs.facts().dropped, dropped);
    assert_eq!((queue.files(), queue.logs.facts().size_bytes), (0, 0));
}

#[test]
fn a_file_that_somebody_took_away_is_forgotten() {
    let queue = Queue::new();
    queue.add("a", "1");
    let log = queue.take("a");
    fs::remove_file(&log.object).unwrap();
    assert!(queue.logs.read(&log).is_err());
    queue.logs.put_back(log, fault());
    assert_eq!(queue.logs.take("a"), None);
    assert_eq!(queue.logs.facts().size_bytes, 0);
}

#[test]
fn a_folder_is_looked_through_once() {
    let queue = Queue::new();
    queue.add("a", "1");
    let queue = queue.restarted();
    queue.logs.add_folder(queue.folder.path()).unwrap();
    assert_eq!(queue.logs.facts().buckets[0].files, 1);
}
