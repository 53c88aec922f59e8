//! The folder of the demo: created once, then used as it is.

use super::config_files::{self, ServedFrom};
use super::demo_error::DemoError;
use super::ports::Moved;
use crate::new_key;
use privet_sign::{KeyPairId, MessageSigner, PrivateKey};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The initial contents of the private bucket.
const OBJECTS: [(&str, &[u8]); 4] = [
    ("picture.jpg", include_bytes!("../../assets/picture.jpg")),
    ("video.mp4", VIDEO),
    ("public/video.mp4", VIDEO),
    ("hello.txt", include_bytes!("../../assets/hello.txt")),
];
const VIDEO: &[u8] = include_bytes!("../../assets/video.mp4");

/// A prepared folder.
#[derive(Debug)]
pub(super) struct DemoData {
    folder: PathBuf,
    key_pair_id: KeyPairId,
    pub(super) served_from: ServedFrom,
    /// Ports that were in use and have been replaced.
    pub(super) moved: Vec<Moved>,
    /// The lock on the folder, held while this demo runs: another one would replace its ports.
    _lock: File,
}

impl DemoData {
    /// Creates missing files, and replaces ports that are in use. `port` is the one that was requested.
    pub(super) fn prepare(folder: &Path, port: Option<u16>) -> Result<Self, DemoError> {
        make_folder(folder)?;
        let lock = lock(folder)?;
        for name in ["bucket", "bucket/public", "keys", "tls"] {
            make_folder(&folder.join(name))?;
        }
        for (name, bytes) in OBJECTS {
            make_file(&folder.join("bucket").join(name), bytes, 0o644)?;
        }
        let key_pair_id = key_pair(&folder.join("keys"))?;
        make_certificate(&folder.join("tls"))?;
        let prepared = config_files::prepare(folder, &key_pair_id, port)?;
        Ok(DemoData {
            folder: folder.to_owned(),
            key_pair_id,
            served_from: prepared.served_from,
            moved: prepared.moved,
            _lock: lock,
        })
    }

    pub(super) fn config(&self) -> PathBuf {
        self.folder.join("privet.toml")
    }

    /// Returns the file of the demo's own items, if they go into a store.
    pub(super) fn service(&self) -> Option<PathBuf> {
        match self.served_from {
            ServedFrom::Store => Some(self.folder.join("service.toml")),
            ServedFrom::Configuration => None,
        }
    }

    pub(super) fn bucket(&self) -> PathBuf {
        self.folder.join("bucket")
    }

    pub(super) fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    pub(super) fn certificate(&self) -> PathBuf {
        self.folder.join("tls/certificate.pem")
    }

    pub(super) fn key_pair_id(&self) -> &KeyPairId {
        &self.key_pair_id
    }

    pub(super) fn private_key(&self) -> PathBuf {
        let id = self.key_pair_id.as_str();
        self.folder.join("keys").join(format!("{id}.pem"))
    }

    pub(super) fn public_key(&self) -> PathBuf {
        let id = self.key_pair_id.as_str();
        self.folder.join("keys").join(format!("{id}.pub.pem"))
    }

    pub(super) fn read_private_key(&self) -> Result<Arc<dyn MessageSigner>, DemoError> {
        let file = self.private_key();
        let bytes = read(&file)?;
        match PrivateKey::parse(&bytes, None) {
            Ok(key) => Ok(Arc::new(key)),
            Err(error) => Err(DemoError::Key { file, error }),
        }
    }
}

/// Reads `file`.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, DemoError> {
    fs::read(file).map_err(|error| DemoError::File {
        file: file.to_owned(),
        error,
    })
}

fn make_folder(folder: &Path) -> Result<(), DemoError> {
    fs::create_dir_all(folder).map_err(|error| DemoError::File {
        file: folder.to_owned(),
        error,
    })
}

fn lock(folder: &Path) -> Result<File, DemoError> {
    let fault = |error: io::Error| DemoError::File {
        file: folder.to_owned(),
        error,
    };
    let file = File::open(folder).map_err(fault)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DemoError::Running(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(fault(error)),
    }
}

/// Writes a file, unless it exists.
fn make_file(file: &Path, bytes: &[u8], mode: u32) -> Result<(), DemoError> {
    let opened = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(file);
    let written = match opened {
        Ok(mut opened) => opened.write_all(bytes),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    };
    written.map_err(|error| DemoError::File {
        file: file.to_owned(),
        error,
    })
}

/// Returns the id of the key pair in `folder`; makes a pair if the folder is empty.
fn key_pair(folder: &Path) -> Result<KeyPairId, DemoError> {
    let entries = fs::read_dir(folder).map_err(|error| DemoError::File {
        file: folder.to_owned(),
        error,
    })?;
    let ids: Vec<KeyPairId> = entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            KeyPairId::parse(name.strip_suffix(".pub.pem")?).ok()
        })
        .collect();
    match ids.as_slice() {
        [id] => Ok(id.clone()),
        [] => {
            let id = new_key::random_id();
            let private = folder.join(format!("{}.pem", id.as_str()));
            let public = folder.join(format!("{}.pub.pem", id.as_str()));
            new_key::create(new_key::NewKeyType::Rsa, &private, &public)
                .map_err(|error| DemoError::NewKey(error.to_string()))?;
            Ok(id)
        }
        _ => Err(DemoError::NoKey(folder.to_owned())),
    }
}

/// Makes a self-signed certificate for localhost.
fn make_certificate(folder: &Path) -> Result<(), DemoError> {
    let (chain, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    if chain.exists() && key.exists() {
        return Ok(());
    }
    // A certificate without its key, or the reverse, is left over from an interrupted start.
    for file in [&chain, &key] {
        if file.exists() {
            fs::remove_file(file).map_err(|error| DemoError::File {
                file: file.clone(),
                error,
            })?;
        }
    }
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let made = rcgen::generate_simple_self_signed(names)
        .map_err(|error| DemoError::Certificate(error.to_string()))?;
    make_file(&key, made.signing_key.serialize_pem().as_bytes(), 0o600)?;
    make_file(&chain, made.cert.pem().as_bytes(), 0o644)
}
