use super::*;
use privet_distribution::config::LogDelivery;
use privet_distribution::logging::{LogFormat, LogKind, LogLayout};
use tempfile::TempDir;

struct Running {
    queue: DeliveryQueue,
    undelivered: UndeliveredLogs,
    complete: Receiver<Complete>,
    begun: Instant,
}

fn settings(folder: &TempDir, size_bytes_max: u64, when_full: UndeliveredFull) -> LogSettings {
    LogSettings {
        folder: folder.path().to_owned(),
        prefix: String::new(),
        include_cookies: false,
        rotate_after: Duration::from_secs(HOUR_SECS),
        rotate_size_bytes_max: 1 << 20,
        deliver_after: Duration::from_secs(60),
        undelivered_size_bytes_max: size_bytes_max,
        undelivered_full: when_full,
    }
}

impl Running {
    fn start(settings: &LogSettings) -> Self {
        let undelivered = UndeliveredLogs::new(Arc::default());
        let (packer, complete) = channel();
        Running {
            queue: DeliveryQueue::open(settings, &undelivered, packer).unwrap(),
            undelivered,
            complete,
            begun: Instant::now(),
        }
    }

    fn write(&mut self, prefix: &str, secs: u64, line: &str) {
        self.queue.take_access(&AccessLogLine {
            bucket: "logs".into(),
            prefix: prefix.into(),
            at: Timestamp::from_secs(secs),
            line: line.into(),
        });
    }

    /// Writes at this time since the beginning, and gives complete files to those who deliver.
    fn flush(&mut self, secs: u64) -> QueueRoom {
        // A file is begun a little later than everything.
        let later = Duration::from_secs(secs) + Duration::from_millis(500);
        let room = self.queue.flush(self.begun + later);
        for Complete { queue, object } in self.complete.try_iter() {
            add(&self.undelivered, &queue, object);
        }
        room
    }

    fn delivered(&self) -> Vec<(String, String)> {
        let mut delivered = Vec::new();
        while let Some(log) = self.undelivered.take("logs") {
            let object = self.undelivered.read(&log).unwrap();
            delivered.push((log.key().to_owned(), String::from_utf8(object).unwrap()));
            self.undelivered.delivered(&log);
        }
        delivered
    }
}

#[test]
fn a_file_is_complete_in_time_for_its_delivery() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running::start(&settings(&folder, 1 << 30, UndeliveredFull::DropOldest));
    running.write("a/", 1_767_000_000, "two\r\nlines");
    running.write("b", 1_767_000_000, "b");
    running.write("a/", 1_766_999_999, "one");
    for secs in [0, 30, 55] {
        assert_eq!(running.flush(secs), QueueRoom::Free);
        assert_eq!(running.delivered(), []);
    }
    running.flush(58);
    let mut delivered = running.delivered();
    delivered.sort();
    let (key, text) = &delivered[0];
    assert!(key.starts_with("a/2025-12-29-09-20-00-"), "{key}");
    assert_eq!((key.len(), text.as_str()), (2 + 20 + 16, "one\ntwolines\n"));
    assert!(delivered[1].0.starts_with("b2025-12-29-09-20-00-"));
    running.write("a/", 1_767_000_100, "three");
    running.flush(30);
    assert_eq!(running.delivered(), []);
    running.queue.close();
    running.flush(60);
    assert_eq!(running.delivered().len(), 1);
}

#[test]
fn what_is_beyond_the_limit_is_dropped_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running::start(&settings(&folder, 10_000, UndeliveredFull::DropOldest));
    for number in 0..4 {
        running.write(&format!("{number}/"), 1, "line");
        assert_eq!(running.flush(120 * number), QueueRoom::Free);
        assert_eq!(running.flush(120 * number + 60), QueueRoom::Free);
    }
    running.flush(1_000);
    let kept: Vec<String> = running
        .delivered()
        .into_iter()
        .map(|(key, _)| key[..2].to_owned())
        .collect();
    assert_eq!(kept, ["2/", "3/"]);
    let dropped = Dropped {
        files: 2,
        records: 2,
    };
    assert_eq!(running.undelivered.facts().dropped, dropped);

    let folder = tempfile::tempdir().unwrap();
    let mut running = Running::start(&settings(&folder, 8_192, UndeliveredFull::Refuse));
    for number in 0..2 {
        running.write(&format!("{number}/"), 1, "line");
        running.flush(60);
    }
    assert_eq!(running.flush(61), QueueRoom::Full);
    assert_eq!(running.delivered().len(), 2);
    assert_eq!(running.flush(62), QueueRoom::Free);
}

#[test]
fn lines_wait_while_the_disk_cannot_be_written_and_those_beyond_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running::start(&settings(&folder, 1 << 30, UndeliveredFull::DropOldest));
    let in_the_way = folder.path().join(QUEUE_FOLDER);
    std::fs::write(&in_the_way, "a file").unwrap();
    let long = "x".repeat(1024 * 1024);
    for _ in 0..5 {
        running.write("a/", 1, &long);
        running.flush(120);
    }
    assert_eq!(running.undelivered.facts().dropped.records, 2);
    std::fs::remove_file(in_the_way).unwrap();
    running.flush(121);
    let delivered = running.delivered();
    assert_eq!(delivered[0].1.lines().count(), 3);
}

#[test]
fn a_distributions_file_has_its_name_and_its_header() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running::start(&settings(&folder, 1 << 30, UndeliveredFull::DropOldest));
    let fields = ["sc-status".to_owned()];
    let logging = Arc::new(DistributionLogging {
        bucket: "logs".into(),
        prefix: "www/".into(),
        include_cookies: false,
        layout: LogLayout::of_fields(LogKind::Requests, LogFormat::W3c, &fields).unwrap(),
        delivery: LogDelivery::Bucket,
    });
    let own = OwnLines {
        logging,
        lines: b"001767000000200\n".to_vec(),
    };
    let batch = Batch::of_lines("E1", 1_767_000_000 / HOUR_SECS);
    running.queue.take(&batch, &own);
    running.queue.close();
    running.flush(0);
    let log = running.undelivered.take("logs").unwrap();
    assert!(
        log.key().starts_with("www/E1.2025-12-29-09."),
        "{}",
        log.key()
    );
    assert!(log.key().ends_with(".gz"));
    let object = running.undelivered.read(&log).unwrap();
    let mut text = String::new();
    let mut decoder = flate2::read::GzDecoder::new(object.as_slice());
    io::Read::read_to_string(&mut decoder, &mut text).unwrap();
    assert_eq!(text, "#Version: 1.0\n#Fields: sc-status\n200\n");
}
