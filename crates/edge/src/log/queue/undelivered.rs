//! The complete log files that wait for their delivery, oldest first, as those see them who deliver.
//!
//! What is delivered is deleted; everything else stays on disk, over restarts too, within the limit of the queue.

use super::file::{LINES, PACKING, PART, with_end};
use super::lines::{count_records, object_of};
use super::name::destination_of;
use crate::notices::{NoticeCode, Notices};
use flate2::read::MultiGzDecoder;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::Notify;

/// Size that a file counts at least: the file system gives it a block, and it has a name.
const BLOCK_SIZE_BYTES: u64 = 4 * 1024;

/// A complete log file on its way into a bucket.
#[derive(Debug, PartialEq, Eq)]
pub struct UndeliveredLog {
    /// Position in the queue.
    number: u64,
    bucket: String,
    key: String,
    /// Name of the object; the file has it once it is packed.
    object: PathBuf,
    size_bytes: u64,
    completed: SystemTime,
}

impl UndeliveredLog {
    /// Returns the name of the bucket.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Returns the key of the object, which is the same at every attempt.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the content type of the object (fidelity note F124).
    pub fn content_type(&self) -> &'static str {
        match self.key.ends_with(".gz") {
            true => "application/x-gzip",
            false => "text/plain",
        }
    }
}

/// Reason why a file was not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryFault {
    /// Word for the kind, by which repetitions are known.
    pub kind: &'static str,
    /// What has happened and what to do about it.
    pub text: String,
}

/// What is known of a bucket's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketDelivery {
    /// Name of the bucket.
    pub bucket: String,
    /// Number of its files that wait or are being sent.
    pub files: usize,
    /// Their size on disk.
    pub size_bytes: u64,
    /// Time since the oldest of them was complete.
    pub oldest_age: Duration,
    /// Why the last attempt failed, and when; `None` after one that succeeded.
    pub fault: Option<(DeliveryFault, SystemTime)>,
}

/// What is known of the delivery of logs since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogDeliveryFacts {
    /// The buckets with files that wait, or whose last attempt failed.
    pub buckets: Vec<BucketDelivery>,
    /// Size on disk of everything that waits, the files that grow among it.
    pub size_bytes: u64,
    /// Number of delivered files.
    pub delivered_files: u64,
    /// Files and records that were deleted because too much waited, or that never reached the disk.
    pub dropped: Dropped,
}

/// Log files and records that will not arrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Number of files.
    pub files: u64,
    /// Number of records, in these files and in none.
    pub records: u64,
}

/// The queue as those see it who deliver. Clones are the same queue.
#[derive(Clone, Debug)]
pub struct UndeliveredLogs(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    index: Mutex<Index>,
    changed: Notify,
    notices: Arc<Notices>,
}

#[derive(Debug, Default)]
struct Index {
    /// By bucket, and by number, which is the order in which they were complete.
    waiting: BTreeMap<String, BTreeMap<u64, UndeliveredLog>>,
    /// Bucket, size and age of those that are being sent, by number.
    taken: BTreeMap<u64, (String, u64, SystemTime)>,
    next_number: u64,
    /// Size of the files that wait or are being sent.
    size_bytes: u64,
    /// Size of the files that grow.
    growing_size_bytes: u64,
    /// Folders whose files are known.
    folders: HashSet<PathBuf>,
    faults: BTreeMap<String, (DeliveryFault, SystemTime)>,
    delivered_files: u64,
    dropped: Dropped,
}

/// For those who deliver.
impl UndeliveredLogs {
    /// Creates an empty queue.
    pub(crate) fn new(notices: Arc<Notices>) -> Self {
        UndeliveredLogs(Arc::new(Shared {
            index: Mutex::default(),
            changed: Notify::new(),
            notices,
        }))
    }

    /// Returns the buckets with files that wait.
    pub fn buckets(&self) -> Vec<String> {
        self.index().waiting.keys().cloned().collect()
    }

    /// Takes the oldest file that waits for a bucket; `None` if there is none. It has to be given back by
    /// [`UndeliveredLogs::delivered`] or [`UndeliveredLogs::put_back`].
    pub fn take(&self, bucket: &str) -> Option<UndeliveredLog> {
        let mut index = self.index();
        let files = index.waiting.get_mut(bucket)?;
        let (number, log) = files.pop_first()?;
        if files.is_empty() {
            index.waiting.remove(bucket);
        }
        let facts = (log.bucket.clone(), log.size_bytes, log.completed);
        index.taken.insert(number, facts);
        Some(log)
    }

    /// Reads the object that a file becomes. Waits for the disk.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(&self, log: &UndeliveredLog) -> io::Result<Vec<u8>> {
        read(&log.object)
    }

    /// Takes note that a file has arrived, and deletes it. Waits for the disk.
    pub fn delivered(&self, log: &UndeliveredLog) {
        if let Err(error) = remove(&log.object) {
            // It is sent once more after a restart, under the same name.
            self.0.notices.tell(NoticeCode::LogDelivery, |_| {
                let object = log.object.display();
                format!("a delivered log file cannot be deleted, {object}: {error}")
            });
        }
        let mut index = self.index();
        index.forget(log.number);
        index.delivered_files += 1;
        index.faults.remove(&log.bucket);
    }

    /// Lets a file wait on, in its old place, and tells the operator why: once a minute for each kind of reason.
    /// One that somebody has taken away is forgotten.
    pub fn put_back(&self, log: UndeliveredLog, fault: DeliveryFault) {
        if !log.object.exists() && !with_end(&log.object, LINES).exists() {
            let mut index = self.index();
            index.forget(log.number);
            index.dropped.files += 1;
            return;
        }
        let DeliveryFault { kind, text } = &fault;
        let about = format!("{} {kind}", log.bucket);
        self.0
            .notices
            .tell_of(NoticeCode::LogDelivery, &about, |_| {
                format!(
                    "the logs for bucket {} are not delivered and wait: {text}",
                    log.bucket
                )
            });
        let mut index = self.index();
        index
            .faults
            .insert(log.bucket.clone(), (fault, SystemTime::now()));
        index.taken.remove(&log.number);
        let files = index.waiting.entry(log.bucket.clone()).or_default();
        files.insert(log.number, log);
    }

    /// Waits until a file was added, or until one was since the last wait.
    pub async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// Returns what is known of the queue.
    pub fn facts(&self) -> LogDeliveryFacts {
        self.index().facts(SystemTime::now())
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        // A panic while the lock is held leaves a usable index behind.
        self.0.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For those who write the files.
impl UndeliveredLogs {
    /// Adds the files that an earlier run has left in the folder of a queue; nothing if they are known.
    pub(super) fn add_folder(&self, folder: &Path) -> io::Result<()> {
        if !self.index().folders.insert(folder.to_owned()) || !folder.exists() {
            return Ok(());
        }
        let mut left = Vec::new();
        find(folder, Path::new(""), &mut left)?;
        // A file is there twice if its packing was broken off behind its last step but one.
        let mut objects = HashSet::new();
        left.retain(|log| objects.insert(log.object.clone()));
        left.sort_by(|one, other| {
            (one.completed, &one.object).cmp(&(other.completed, &other.object))
        });
        let mut index = self.index();
        for log in left {
            index.add(log);
        }
        self.0.changed.notify_one();
        Ok(())
    }

    /// Adds a complete file by the name of its object, beneath the folder of the queue.
    pub(super) fn add(&self, queue: &Path, object: PathBuf) {
        let folder = object
            .parent()
            .and_then(|folder| folder.strip_prefix(queue).ok());
        let name = object.file_name().and_then(|name| name.to_str());
        let destination = folder
            .zip(name)
            .and_then(|(folder, name)| destination_of(folder, name));
        if let Some((bucket, key)) = destination {
            let log = UndeliveredLog {
                number: 0,
                bucket,
                key,
                size_bytes: size_bytes(&object),
                object,
                completed: SystemTime::now(),
            };
            self.index().add(log);
            self.0.changed.notify_one();
        }
    }

    /// Takes note of the size of the files that grow, and returns that of all.
    pub(super) fn set_growing_size_bytes(&self, size_bytes: u64) -> u64 {
        let mut index = self.index();
        index.growing_size_bytes = size_bytes;
        index.size_bytes + size_bytes
    }

    /// Deletes the oldest file that waits. Returns the size that this made free; `None` if no file waits.
    pub(super) fn drop_oldest(&self) -> Option<u64> {
        let oldest = {
            let mut index = self.index();
            let oldest = index.waiting.iter();
            let oldest = oldest
                .filter_map(|(bucket, files)| Some((*files.first_key_value()?.0, bucket.clone())));
            let (_, bucket) = oldest.min()?;
            let files = index.waiting.get_mut(&bucket)?;
            let (_, log) = files.pop_first()?;
            if files.is_empty() {
                index.waiting.remove(&bucket);
            }
            index.size_bytes = index.size_bytes.saturating_sub(log.size_bytes);
            log
        };
        let records = records_of(&oldest.object);
        // Where it stays it is found after a restart, and dropped again.
        let _ = remove(&oldest.object);
        let mut index = self.index();
        index.dropped.files += 1;
        index.dropped.records += records;
        Some(oldest.size_bytes)
    }

    /// Takes note of records that never reached the disk.
    pub(super) fn count_missed(&self, records: u64) {
        self.index().dropped.records += records;
    }

    /// Returns what was dropped since the start.
    pub(super) fn dropped(&self) -> Dropped {
        self.index().dropped
    }

    /// Returns where operators are told.
    pub(super) fn notices(&self) -> &Notices {
        &self.0.notices
    }
}

impl Index {
    fn add(&mut self, log: UndeliveredLog) {
        let number = self.next_number;
        self.next_number += 1;
        self.size_bytes += log.size_bytes;
        let files = self.waiting.entry(log.bucket.clone()).or_default();
        files.insert(number, UndeliveredLog { number, ..log });
    }

    fn forget(&mut self, number: u64) {
        if let Some((_, size_bytes, _)) = self.taken.remove(&number) {
            self.size_bytes = self.size_bytes.saturating_sub(size_bytes);
        }
    }

    fn facts(&self, now: SystemTime) -> LogDeliveryFacts {
        let mut buckets: BTreeMap<&str, BucketDelivery> = BTreeMap::new();
        let waiting = self.waiting.values().flat_map(BTreeMap::values);
        let waiting = waiting.map(|log| (log.bucket.as_str(), log.size_bytes, Some(log.completed)));
        let taken = self.taken.values();
        let taken = taken.map(|(bucket, size, at)| (bucket.as_str(), *size, Some(*at)));
        let failed = self.faults.keys().map(|bucket| (bucket.as_str(), 0, None));
        for (name, size_bytes, completed) in waiting.chain(taken).chain(failed) {
            let bucket = buckets.entry(name).or_insert_with(|| BucketDelivery {
                bucket: name.to_owned(),
                files: 0,
                size_bytes: 0,
                oldest_age: Duration::ZERO,
                fault: self.faults.get(name).cloned(),
            });
            let Some(completed) = completed else { continue };
            let age = now.duration_since(completed).unwrap_or_default();
            bucket.files += 1;
            bucket.size_bytes += size_bytes;
            bucket.oldest_age = bucket.oldest_age.max(age);
        }
        LogDeliveryFacts {
            buckets: buckets.into_values().collect(),
            size_bytes: self.size_bytes + self.growing_size_bytes,
            delivered_files: self.delivered_files,
            dropped: self.dropped,
        }
    }
}

/// Makes the object of a file that has its lines as they came. Where that fails, they stay, and are read instead.
pub(super) fn pack(object: &Path) -> io::Result<()> {
    let bytes = read(object)?;
    let packing = with_end(object, PACKING);
    let packed = fs::File::create(&packing)
        .and_then(|mut file| {
            file.write_all(&bytes)?;
            file.sync_data()
        })
        .and_then(|()| fs::rename(&packing, object));
    if packed.is_err() {
        let _ = fs::remove_file(&packing);
    }
    packed?;
    fs::remove_file(with_end(object, LINES))
}

/// Reads an object, or makes it of the lines.
fn read(object: &Path) -> io::Result<Vec<u8>> {
    match fs::read(object) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let lines = fs::read(with_end(object, LINES))?;
            let name = object.file_name().unwrap_or_default();
            object_of(&name.to_string_lossy(), &lines)
        }
        read => read,
    }
}

fn remove(object: &Path) -> io::Result<()> {
    let ignore_absent = |removed: io::Result<()>| match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    };
    ignore_absent(fs::remove_file(with_end(object, LINES)))?;
    ignore_absent(fs::remove_file(object))
}

fn size_bytes(object: &Path) -> u64 {
    let metadata = fs::metadata(object).or_else(|_| fs::metadata(with_end(object, LINES)));
    let size_bytes = metadata.map_or(0, |metadata| metadata.len());
    size_bytes
        .next_multiple_of(BLOCK_SIZE_BYTES)
        .max(BLOCK_SIZE_BYTES)
}

fn records_of(object: &Path) -> u64 {
    let Ok(bytes) = read(object) else { return 0 };
    let mut lines = Vec::new();
    // What cannot be read is not counted.
    let _ = match object
        .extension()
        .is_some_and(|extension| extension == "gz")
    {
        true => MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut lines),
        false => bytes.as_slice().read_to_end(&mut lines),
    };
    count_records(&lines)
}

/// Finds the files of an earlier run beneath a folder of the queue, `beneath` its top. Those that it was still writing
/// to are complete.
fn find(folder: &Path, beneath: &Path, found: &mut Vec<UndeliveredLog>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            find(&path, &beneath.join(&name), found)?;
            continue;
        }
        let name = match (name.strip_suffix(PART), name.strip_suffix(LINES)) {
            (Some(name), _) => {
                fs::rename(&path, with_end(&folder.join(name), LINES))?;
                name
            }
            (None, Some(name)) => name,
            (None, None) if name.ends_with(PACKING) => {
                fs::remove_file(&path)?;
                continue;
            }
            (None, None) => name.as_str(),
        };
        let object = folder.join(name);
        let Some((bucket, key)) = destination_of(beneath, name) else {
            continue;
        };
        let metadata = fs::metadata(&object).or_else(|_| fs::metadata(with_end(&object, LINES)))?;
        found.push(UndeliveredLog {
            number: 0,
            bucket,
            key,
            size_bytes: size_bytes(&object),
            object,
            completed: metadata.modified()?,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
