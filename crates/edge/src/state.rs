//! The running form of one snapshot: open folders, parsed certificates, prepared header values.

use crate::countries::Countries;
use crate::origin::{Buckets, FileChanges, FolderOrigin, OriginReader};
use crate::own_files::OwnPaths;
use crate::redeem::Redeemed;
use crate::standard_error;
use crate::start_error::StartError;
use crate::tls::{TlsKind, TlsState};
use http::HeaderValue;
use privet_distribution::config::{ListenerProtocol, Origin, Slots, Snapshot};
use privet_distribution::request::Denial;
use privet_sign::PathTokenSecret;
use rustls::ServerConfig;
use std::cell::LazyCell;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

/// The running form of a snapshot. Immutable; swapped whole at a reload, kept by every request to its end.
#[derive(Debug)]
pub(crate) struct EdgeState {
    pub(crate) snapshot: Arc<Snapshot>,
    /// TLS of HTTPS listeners; `None` if there are none.
    https: Option<TlsState>,
    /// TLS of RTMPS listeners; `None` if there are none.
    rtmps: Option<TlsState>,
    pub(crate) server: HeaderValue,
    pub(crate) location: HeaderValue,
    /// Secret that path tokens are made and checked with.
    pub(crate) path_token_secret: PathTokenSecret,
    countries: Option<Arc<Countries>>,
    /// Readers of the origins, by `Origin::index`.
    origins: Slots<OriginReader>,
}

impl EdgeState {
    /// Opens everything that the snapshot names. Errors name the folder or certificate at fault. `path_token_secret` is
    /// for configurations without one; `changes` outlast it.
    pub(crate) fn prepare(
        snapshot: Arc<Snapshot>,
        path_token_secret: &PathTokenSecret,
        changes: &Arc<FileChanges>,
    ) -> Result<Self, StartError> {
        let node = &snapshot.node;
        let configured = node.videos.path_token_secret.as_ref();
        let tls = |kind, protocol: ListenerProtocol| {
            let mut listeners = node.listeners.iter();
            let is_spoken = listeners.any(|listener| listener.protocol == protocol);
            is_spoken
                .then(|| TlsState::new(kind, &snapshot, None))
                .transpose()
        };
        Ok(EdgeState {
            https: tls(TlsKind::Https, ListenerProtocol::Https)?,
            rtmps: tls(TlsKind::Rtmps, ListenerProtocol::Rtmps)?,
            server: header_value(&node.edge.server)?,
            location: header_value(&node.edge.location)?,
            countries: node
                .geo_database
                .as_ref()
                .map(|database| Countries::open(database).map(Arc::new))
                .transpose()?,
            origins: open_origins(&snapshot, None, changes)?,
            path_token_secret: configured.unwrap_or(path_token_secret).clone(),
            snapshot,
        })
    }

    /// Opens what the snapshot has in addition to that of this state, or instead of it; the node's settings are the
    /// same. Everything else is the very same: folders and the objects remembered of them, certificates, sessions.
    ///
    /// Errors: as those of [`EdgeState::prepare`].
    pub(crate) fn changed(
        &self,
        snapshot: Arc<Snapshot>,
        changes: &Arc<FileChanges>,
    ) -> Result<Self, StartError> {
        let tls = |kind, state: &Option<TlsState>| {
            let state = state.as_ref();
            state
                .map(|state| TlsState::new(kind, &snapshot, Some((&self.snapshot, state))))
                .transpose()
        };
        let before = (self.snapshot.origins(), &self.origins);
        Ok(EdgeState {
            https: tls(TlsKind::Https, &self.https)?,
            rtmps: tls(TlsKind::Rtmps, &self.rtmps)?,
            server: self.server.clone(),
            location: self.location.clone(),
            countries: self.countries.clone(),
            origins: open_origins(&snapshot, Some(before), changes)?,
            path_token_secret: self.path_token_secret.clone(),
            snapshot,
        })
    }

    /// Returns the TLS configuration of HTTPS listeners for viewers that ask for a server name; `None` if there are no
    /// such listeners.
    pub(crate) fn https_config(&self, server_name: Option<&str>) -> Option<Arc<ServerConfig>> {
        let tls = self.https.as_ref()?;
        let distribution = server_name.and_then(|name| self.snapshot.distribution_for(name));
        Some(tls.config(distribution.map(|distribution| &**distribution)))
    }

    /// Returns the TLS configuration of RTMPS listeners; `None` if there are none.
    pub(crate) fn rtmps_config(&self) -> Option<Arc<ServerConfig>> {
        self.rtmps.as_ref().map(|tls| tls.config(None))
    }

    /// Returns the folder of the authorized request's behavior; `None` when its origin is another server.
    ///
    /// Errors: the origin is a bucket that does not let it read.
    pub(crate) fn folder(
        &self,
        authorized: &Redeemed<'_>,
    ) -> Result<Option<&FolderOrigin>, Denial> {
        let index = authorized.routed().behavior.origin.primary.index;
        match self.origins.get(index).map(|reader| &**reader) {
            Some(OriginReader::Folder(folder)) => Ok(Some(folder)),
            Some(OriginReader::NotGranted { advice }) => Err(Denial::BucketNotGranted {
                advice: advice.to_string(),
            }),
            Some(OriginReader::Remote) | None => Ok(None),
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
        for origin in self.origins.iter() {
            origin.forget_idle();
        }
    }
}

/// Opens the folders of the snapshot, except those that are open already.
fn open_origins(
    snapshot: &Snapshot,
    before: Option<(&Slots<Origin>, &Slots<OriginReader>)>,
    changes: &Arc<FileChanges>,
) -> Result<Slots<OriginReader>, StartError> {
    let limits = &snapshot.node.limits;
    let own_paths = OwnPaths::new(snapshot.node.own_files.clone());
    // Counted when the first folder is opened: a change to a server of another distribution need not look at all.
    let folders = LazyCell::new(|| {
        let origins = snapshot.origins().iter();
        let folders = origins.filter(|origin| !origin.source.is_remote());
        folders.count().max(1)
    });
    let sizes = || {
        let files_max = limits.open_files_max / *folders;
        let size_bytes_max = limits.hot_objects_size_bytes_max / *folders;
        (files_max, size_bytes_max)
    };
    let buckets = LazyCell::new(|| {
        let settings = snapshot.node.buckets.as_ref();
        let folder = settings.map(|settings| settings.folder.as_path());
        Arc::new(Buckets::new(folder.unwrap_or(Path::new(""))))
    });
    snapshot.origins().map_changed(before, |origin| {
        let changes = Arc::clone(changes);
        if let Some(embedded) = origin.source.embedded() {
            let reader = match embedded.advice() {
                Some(advice) => OriginReader::NotGranted {
                    advice: advice.into(),
                },
                None => OriginReader::Folder(FolderOrigin::of_bucket(
                    embedded,
                    Arc::clone(&buckets),
                    sizes(),
                    (changes, own_paths.clone()),
                )),
            };
            return Ok(Arc::new(reader));
        }
        let Some(root) = origin.source.folder_root() else {
            return Ok(Arc::new(OriginReader::Remote));
        };
        let sizes = sizes();
        let (folder, fault) = FolderOrigin::open_late(root, sizes, changes, own_paths.clone());
        if let Some(fault) = fault {
            let error = StartError::Folder {
                folder: root.to_owned(),
                error: fault.to_string(),
            };
            // What is served from a store may have been meant for another machine: all else has to go on.
            match snapshot.node.store {
                Some(_) => standard_error::warning(error),
                None => return Err(error),
            }
        }
        Ok(Arc::new(OriginReader::Folder(folder)))
    })
}

fn header_value(text: &str) -> Result<HeaderValue, StartError> {
    HeaderValue::from_str(text).map_err(|_| StartError::HeaderText(text.to_owned()))
}
