//! Brings the edge's log files into the buckets that the configuration knows: over S3, or as files in a folder.

use crate::buckets_endpoint::open_folder;
use privet_bucket::deliver::{Carrier, Deliverer};
use privet_control::Operations;
use privet_distribution::config::{BucketsSettings, LogDestination};
use privet_edge::{DeliveryFault, EdgeHandle, LogCourier, UndeliveredLog, UndeliveredLogs};
use privet_objects::{BucketName, Digests, Headers, Key, WriteConditions};
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Time for the last try to deliver log files, at the end. What is left is delivered after the next start.
pub(crate) const LAST_TRY: Duration = Duration::from_secs(5);

/// The operations, by which embedded buckets are known that nothing in the edge's service names: access logs of buckets
/// may be for them. Empty until there are operations.
pub(crate) type LateOperations = Arc<OnceLock<Operations>>;

/// Starts to deliver the log files of an edge.
pub(crate) fn start(edge: &EdgeHandle, operations: LateOperations) -> Result<Deliverer, String> {
    let edge = edge.clone();
    let started = Deliverer::start(move || EdgeCarrier {
        operations,
        logs: edge.undelivered_logs(),
        courier: edge.log_courier(),
        edge,
    });
    started.map_err(|error| error.to_string())
}

/// The queue of an edge, and the ways into its buckets.
struct EdgeCarrier {
    operations: LateOperations,
    edge: EdgeHandle,
    logs: UndeliveredLogs,
    courier: LogCourier,
}

impl Carrier for EdgeCarrier {
    type Log = Arc<UndeliveredLog>;
    type Fault = DeliveryFault;

    fn buckets(&self) -> Vec<String> {
        self.logs.buckets()
    }

    fn take(&self, bucket: &str) -> Option<Self::Log> {
        self.logs.take(bucket).map(Arc::new)
    }

    async fn carry(&self, log: &Self::Log) -> Result<(), DeliveryFault> {
        let snapshot = self.edge.snapshot();
        let destination = match snapshot.log_destination(log.bucket()) {
            Some(destination) => destination.clone(),
            None => self.unnamed_bucket(log.bucket()).await?,
        };
        match destination {
            LogDestination::Folder(root) => {
                let key = log.key().to_owned();
                let object = self.read(log).await?;
                aside(move || put_file(&root, &key, &object)).await?;
            }
            LogDestination::Embedded => {
                let settings = snapshot.node.buckets.clone().ok_or_else(no_folder)?;
                let object = self.read(log).await?;
                let log = Arc::clone(log);
                aside(move || put_object(&settings, &log, &object)).await?;
            }
            LogDestination::Endpoint(bucket) => {
                let object = self.read(log).await?;
                self.courier.put(&bucket, log, object).await?;
            }
        }
        let (logs, log) = (self.logs.clone(), Arc::clone(log));
        aside(move || {
            logs.delivered(&log);
            Ok(())
        })
        .await
    }

    fn put_back(&self, log: Self::Log, fault: DeliveryFault) {
        // Whoever read it has ended.
        if let Some(log) = Arc::into_inner(log) {
            self.logs.put_back(log, fault);
        }
    }

    async fn changed(&self) {
        self.logs.changed().await;
    }
}

impl EdgeCarrier {
    /// Returns where a bucket lies that nothing in the service names, if this machine keeps it.
    async fn unnamed_bucket(&self, bucket: &str) -> Result<LogDestination, DeliveryFault> {
        let operations = self.operations.get().ok_or_else(unknown)?;
        match operations.embedded_bucket(bucket).await {
            Ok(Some(_)) => Ok(LogDestination::Embedded),
            Ok(None) => Err(unknown()),
            Err(error) => Err(DeliveryFault {
                kind: "store",
                text: error.to_string(),
            }),
        }
    }

    async fn read(&self, log: &Arc<UndeliveredLog>) -> Result<Vec<u8>, DeliveryFault> {
        let (logs, log) = (self.logs.clone(), Arc::clone(log));
        aside(move || logs.read(&log)).await
    }
}

fn unknown() -> DeliveryFault {
    DeliveryFault {
        kind: "no-bucket-item",
        text: "no item of [[buckets.bucket]] says where it lies; add one".to_owned(),
    }
}

fn no_folder() -> DeliveryFault {
    DeliveryFault {
        kind: "no-folder",
        text: "this machine keeps no buckets; add [buckets] with a folder".to_owned(),
    }
}

/// Does something that waits for the disk, on a thread for that.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, DeliveryFault> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.unwrap_or_else(|fault| Err(io::Error::other(fault)));
    done.map_err(|error| DeliveryFault {
        kind: "disk",
        text: error.to_string(),
    })
}

/// Writes an object into a bucket that this machine keeps.
fn put_object(settings: &BucketsSettings, log: &UndeliveredLog, object: &[u8]) -> io::Result<()> {
    let buckets = open_folder(settings).map_err(io::Error::other)?;
    let name = BucketName::new(log.bucket()).map_err(io::Error::other)?;
    let absent = || io::Error::new(io::ErrorKind::NotFound, "there is no such bucket");
    let bucket = buckets
        .bucket(&name)
        .map_err(io::Error::other)?
        .ok_or_else(absent)?;
    let key = Key::new(log.key()).map_err(io::Error::other)?;
    let headers = Headers {
        content_type: Some(log.content_type().to_owned()),
        ..Headers::default()
    };
    let written = bucket.begin(&key, headers).and_then(|mut upload| {
        upload.write(object)?;
        upload.commit(&WriteConditions::default(), &Digests::default())
    });
    written.map(drop).map_err(io::Error::other)
}

/// Writes an object as a file of a folder: whole or not at all, and on the disk when this returns.
fn put_file(root: &Path, key: &str, object: &[u8]) -> io::Result<()> {
    let is_plain = |part| matches!(part, Component::Normal(_));
    let file = Path::new(key);
    let is_path = file.components().all(is_plain) && !key.contains("//") && !key.contains("/./");
    if !is_path {
        let message = format!("the key {key:?} is not a path beneath {}", root.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let file = root.join(file);
    let folder: PathBuf = file.parent().unwrap_or(root).to_owned();
    // The bucket's own folder is the operator's: one that is missing may be a disk that is not mounted.
    root.metadata()
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", root.display())))?;
    std::fs::create_dir_all(&folder)?;
    // The same name at every attempt: what a kill leaves is taken over by the next one, and is no file for good.
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".privet-{name}"));
    let mut written = File::create(&temporary)?;
    written.set_permissions(Permissions::from_mode(0o640))?;
    written.write_all(object)?;
    written.sync_all()?;
    std::fs::rename(&temporary, &file)?;
    File::open(&folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_key_that_leads_out_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("bucket");
        fs::create_dir(&root).unwrap();
        for key in ["../x", "/x", "a/../../x", "a//x", "a/./x", "./x"] {
            let refused = put_file(&root, key, b"x").unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidInput, "{key}");
        }
        assert_eq!(fs::read_dir(&root).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_is_missing_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let refused = put_file(&folder.path().join("absent"), "x", b"x").unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn an_object_is_a_file_and_replaces_itself() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            put_file(folder.path(), "a/b/x.gz", b"x").unwrap();
        }
        let names = fs::read_dir(folder.path().join("a/b")).unwrap();
        let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["x.gz"]);
        assert_eq!(fs::read(folder.path().join("a/b/x.gz")).unwrap(), b"x");
    }
}
