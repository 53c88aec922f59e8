//! The machine's folder of buckets and its S3 endpoint, as `privet serve` has them.

use crate::bucket_operators::BucketOperators;
use crate::control_settings::tls_config;
use crate::terminal;
use privet_bucket::policy::Transport;
use privet_bucket::{AccessLog, Client, Endpoint, FileSending, Limits, Logging, Settings};
use privet_control::{
    BoundSideListener, Control, FileSender, ListenerOptions, SideLimits, SideListener, SidePeer,
    SocketError,
};
use privet_distribution::config::{BucketsLimits, BucketsSettings, Snapshot};
use privet_distribution::response::content_type;
use privet_edge::{AccessLogLine, AccessLogged, EdgeHandle};
use privet_objects::{BucketName, BucketsFolder, OpenError};
use privet_sign::Timestamp;
use rustls::ServerConfig;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, SystemTime};
use thiserror::Error;

/// Interval at which uploads are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60 * 60);

/// Why the folder or its endpoint cannot be had.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum BucketsError {
    #[error("buckets.folder: {} cannot be used: {reason}", .folder.display())]
    Folder { folder: PathBuf, reason: String },
    #[error("buckets.certificate: {0}")]
    Certificate(String),
    #[error("buckets.address: {0}")]
    Listen(#[from] SocketError),
}

/// A folder that is open, and its endpoint, which is bound and not yet served.
pub(crate) struct PreparedBuckets {
    folder: Arc<BucketsFolder>,
    bound: Option<BoundSideListener>,
    settings: BucketsSettings,
}

impl std::fmt::Debug for PreparedBuckets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("PreparedBuckets")
            .finish_non_exhaustive()
    }
}

/// The endpoint, while it is served.
#[derive(Debug)]
pub(crate) struct ServedBuckets {
    listener: SideListener,
    settings: BucketsSettings,
    /// Ends with the endpoint.
    _expiry: Expiry,
}

/// The access logs of buckets, which the edge writes and delivers beside those of distributions.
#[derive(Debug)]
struct EdgeLog(EdgeHandle);

impl AccessLog for EdgeLog {
    fn write(&self, target: &Logging, received: jiff::Timestamp, line: String) {
        let written = self.0.write_access_log(AccessLogLine {
            bucket: target.bucket.clone(),
            prefix: target.prefix.clone(),
            at: Timestamp::from_secs(received.as_second().try_into().unwrap_or_default()),
            line,
        });
        match written {
            // S3's own access logs are best effort, and a full queue is told by the edge.
            AccessLogged::Written | AccessLogged::NoLog | AccessLogged::Full => {}
        }
    }
}

/// The thread that forgets multipart uploads which nobody completes. It ends when this is dropped.
#[derive(Debug)]
struct Expiry {
    /// What the thread waits for the end of.
    _keep: Sender<()>,
}

impl Expiry {
    fn start(folder: Arc<BucketsFolder>, age_max: Duration) -> Self {
        let (keep, ended) = channel::<()>();
        let expiring = std::thread::Builder::new()
            .name("privet-expiry".into())
            .spawn(move || {
                while ended.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                    expire(&folder, SystemTime::now(), age_max);
                }
            });
        if let Err(error) = expiring {
            terminal::warning(format_args!("uploads that were given up stay: {error}"));
        }
        Expiry { _keep: keep }
    }
}

/// Forgets uploads that were begun too long ago. What fails is tried again the next time.
fn expire(folder: &BucketsFolder, now: SystemTime, age_max: Duration) {
    let Some(before) = now.checked_sub(age_max) else {
        return;
    };
    for name in folder.names().unwrap_or_default() {
        if let Ok(Some(bucket)) = folder.bucket(&name) {
            let _ = bucket.expire(before);
        }
    }
}

impl PreparedBuckets {
    /// Opens the folder, which is made if there is none, and binds the endpoint.
    pub(crate) fn new(settings: &BucketsSettings) -> Result<Self, BucketsError> {
        let folder = open_folder(settings)?;
        let bound = match settings.address {
            Some(address) => Some(BoundSideListener::bind(&ListenerOptions {
                address,
                hosts: Vec::new(),
                tls: tls(settings)?,
            })?),
            None => None,
        };
        Ok(PreparedBuckets {
            folder,
            bound,
            settings: settings.clone(),
        })
    }

    /// Makes the folders of the buckets that a file's origins read. With a store they are made with their items.
    pub(crate) fn make_folders(&self, snapshot: &Snapshot) -> Result<(), BucketsError> {
        for origin in snapshot.origins() {
            let Some(embedded) = origin.source.embedded() else {
                continue;
            };
            let fault = |reason: String| BucketsError::Folder {
                folder: embedded.root.clone(),
                reason,
            };
            let name = BucketName::new(embedded.bucket.as_str());
            let name = name.map_err(|error| fault(error.to_string()))?;
            match self.folder.create(&name) {
                Ok(_) | Err(OpenError::Exists) => {}
                Err(error) => return Err(fault(error.to_string())),
            }
        }
        Ok(())
    }

    /// Serves the endpoint, if there is one.
    pub(crate) fn serve(
        self,
        control: &Control,
        edge: EdgeHandle,
        account: String,
    ) -> Result<Option<ServedBuckets>, BucketsError> {
        let PreparedBuckets {
            folder,
            bound,
            settings,
        } = self;
        let Some(bound) = bound else {
            return Ok(None);
        };
        let limits = &settings.limits;
        let expiry = Expiry::start(Arc::clone(&folder), limits.upload_age_max);
        let operators = Arc::new(BucketOperators::new(control.gate(), account));
        let own = Settings {
            region: settings.region.clone(),
            domain_suffix: settings.domain_suffix.as_ref().map(|suffix| {
                let bare = suffix.strip_prefix('.');
                bare.unwrap_or(suffix).to_owned()
            }),
            limits: request_limits(limits),
        };
        let side_limits = side_limits(limits);
        let transport = match settings.certificate {
            Some(_) => Transport::Tls,
            None => Transport::Plain,
        };
        let endpoint = Endpoint::new(folder, operators, own, transport);
        endpoint.log_to(Arc::new(EdgeLog(edge)));
        let listener = bound.serve(side_limits, move |mut request, peer| {
            let endpoint = endpoint.clone();
            let SidePeer { address, tls } = peer;
            if let Some(sender) = request.extensions_mut().remove::<FileSender>() {
                let stand_in = move |file, offset, length| sender.stand_in(file, offset, length);
                request.extensions_mut().insert(FileSending::new(stand_in));
            }
            async move { endpoint.answer(request, Client { address, tls }).await }
        })?;
        Ok(Some(ServedBuckets {
            listener,
            settings,
            _expiry: expiry,
        }))
    }
}

impl ServedBuckets {
    /// Returns the bound address, with the real port where 0 was configured.
    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Returns the URL of the endpoint.
    pub(crate) fn url(&self) -> String {
        let scheme = match self.settings.certificate {
            Some(_) => "https",
            None => "http",
        };
        format!("{scheme}://{}", self.address())
    }

    /// Takes the certificate anew.
    pub(crate) fn renew(&self) -> Result<(), BucketsError> {
        self.listener.renew(tls(&self.settings)?);
        Ok(())
    }

    pub(crate) fn stop(self) {
        self.listener.stop();
    }
}

fn request_limits(limits: &BucketsLimits) -> Limits {
    Limits {
        requests: limits.requests_max,
        uploads: limits.uploads_max,
        body_silence: limits.body_timeout,
        body_rate_bytes: limits.body_rate_min,
        ..Limits::default()
    }
}

fn side_limits(limits: &BucketsLimits) -> SideLimits {
    SideLimits {
        connections: limits.connections_max,
        network_connections: limits.connections_per_network_max,
        head_size_bytes: limits.head_size_bytes_max,
        head_timeout: limits.head_timeout,
        write_timeout: limits.write_timeout,
    }
}

/// Opens the folder of buckets; makes it if there is none.
pub(crate) fn open_folder(settings: &BucketsSettings) -> Result<Arc<BucketsFolder>, BucketsError> {
    let folder = &settings.folder;
    let fault = |reason: String| BucketsError::Folder {
        folder: folder.clone(),
        reason,
    };
    std::fs::create_dir_all(folder).map_err(|error| fault(error.to_string()))?;
    let own = privet_objects::Settings {
        sync: settings.sync,
        content_type,
        ..privet_objects::Settings::default()
    };
    BucketsFolder::shared(folder, &own).map_err(|error| fault(error.to_string()))
}

fn tls(settings: &BucketsSettings) -> Result<Option<Arc<ServerConfig>>, BucketsError> {
    let certificate = settings.certificate.as_ref();
    let config = certificate.map(tls_config).transpose();
    config.map_err(BucketsError::Certificate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use privet_objects::{Headers, Key, UploadsRequest};

    #[test]
    fn an_upload_is_forgotten_at_its_age_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let own = privet_objects::Settings::default();
        let buckets = BucketsFolder::open(folder.path(), &own).unwrap();
        let bucket = buckets.create(&BucketName::new("articles").unwrap());
        let bucket = bucket.unwrap();
        let key = Key::new("talk.mp4").unwrap();
        bucket
            .create_upload(&key, Headers::default(), None)
            .unwrap();
        let all = UploadsRequest {
            max: 10,
            ..UploadsRequest::default()
        };
        let count = || bucket.uploads(&all).unwrap().entries.len();
        let (now, age_max) = (SystemTime::now(), Duration::from_secs(3600));
        expire(&buckets, now + Duration::from_secs(3500), age_max);
        assert_eq!(count(), 1);
        expire(&buckets, now + Duration::from_secs(3700), age_max);
        assert_eq!(count(), 0);
    }
}
