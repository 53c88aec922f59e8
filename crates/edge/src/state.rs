//! The running form of one snapshot: open folders, parsed certificates, prepared header values.

use crate::countries::Countries;
use crate::origin::{FileChanges, FolderOrigin, OriginReader};
use crate::redeem::Redeemed;
use crate::start_error::StartError;
use crate::tls;
use http::HeaderValue;
use privet_distribution::config::{ListenerProtocol, Origin, Snapshot};
use privet_sign::PathTokenSecret;
use std::net::IpAddr;
use std::sync::Arc;

/// The running form of a snapshot. Immutable; swapped whole at a reload, kept by every request to its end.
#[derive(Debug)]
pub(crate) struct EdgeState {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) tls: Option<Arc<rustls::ServerConfig>>,
    /// TLS configuration of RTMPS listeners.
    pub(crate) rtmps: Option<Arc<rustls::ServerConfig>>,
    pub(crate) server: HeaderValue,
    pub(crate) location: HeaderValue,
    /// Secret that path tokens are made and checked with.
    pub(crate) path_token_secret: PathTokenSecret,
    countries: Option<Countries>,
    /// Readers of the origins, by `Origin::index`.
    origins: Vec<OriginReader>,
}

impl EdgeState {
    /// Opens everything that the snapshot names. Errors name the folder or certificate at fault. `path_token_secret` is
    /// for configurations without one; `changes` outlast it.
    pub(crate) fn prepare(
        snapshot: Arc<Snapshot>,
        path_token_secret: &PathTokenSecret,
        changes: &Arc<FileChanges>,
    ) -> Result<Self, StartError> {
        let configured = snapshot.videos.path_token_secret.as_ref();
        let path_token_secret = configured.unwrap_or(path_token_secret).clone();
        let listens = |protocol| {
            let mut listeners = snapshot.listeners.iter();
            listeners.any(|listener| listener.protocol == protocol)
        };
        let (https, rtmps) = (
            listens(ListenerProtocol::Https),
            listens(ListenerProtocol::Rtmps),
        );
        Ok(EdgeState {
            tls: https.then(|| tls::server_config(&snapshot)).transpose()?,
            rtmps: rtmps.then(|| tls::rtmps_config(&snapshot)).transpose()?,
            server: header_value(&snapshot.edge.server)?,
            location: header_value(&snapshot.edge.location)?,
            countries: snapshot
                .geo_database
                .as_ref()
                .map(Countries::open)
                .transpose()?,
            origins: open_origins(&snapshot, changes)?,
            path_token_secret,
            snapshot,
        })
    }

    /// Returns the folder of the authorized request's behavior; `None` when its origin is another server.
    pub(crate) fn folder(&self, authorized: &Redeemed<'_>) -> Option<&FolderOrigin> {
        let index = authorized.routed().behavior.origin.primary.index;
        match self.origins.get(index)? {
            OriginReader::Folder(folder) => Some(folder),
            OriginReader::Remote => None,
        }
    }

    /// Notes that the object of `origin` under `key`, including the origin path, has changed. This concerns origins
    /// that the edge reads by itself.
    pub(crate) fn tell_of_change(&self, origin: &Origin, key: &str) {
        if let Some(reader) = self.origins.get(origin.index) {
            reader.tell_of_change(key);
        }
    }

    /// Returns the viewer's country, if it is known.
    pub(crate) fn country(&self, viewer: IpAddr) -> Option<&str> {
        self.countries.as_ref()?.country(viewer)
    }

    /// Closes files that were not requested recently.
    pub(crate) fn forget_idle(&self) {
        for origin in &self.origins {
            origin.forget_idle();
        }
    }
}

fn open_origins(
    snapshot: &Snapshot,
    changes: &Arc<FileChanges>,
) -> Result<Vec<OriginReader>, StartError> {
    let origins = snapshot.origins();
    let folders = origins
        .iter()
        .filter(|origin| origin.source.folder_root().is_some())
        .count();
    let share = |total: usize| total / folders.max(1);
    let files_max = share(snapshot.limits.open_files_max);
    let size_bytes_max = share(snapshot.limits.hot_objects_size_bytes_max);
    let mut readers = Vec::with_capacity(origins.len());
    for origin in origins {
        let Some(root) = origin.source.folder_root() else {
            readers.push(OriginReader::Remote);
            continue;
        };
        let folder = FolderOrigin::open(root, files_max, size_bytes_max, Arc::clone(changes));
        let folder = folder.map_err(|error| StartError::Folder {
            folder: root.to_owned(),
            error: error.to_string(),
        })?;
        readers.push(OriginReader::Folder(folder));
    }
    Ok(readers)
}

fn header_value(text: &str) -> Result<HeaderValue, StartError> {
    HeaderValue::from_str(text).map_err(|_| StartError::HeaderText(text.to_owned()))
}
