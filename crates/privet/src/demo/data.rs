//! The folder of the demo: created once, then used as it is.

use super::config_files::{self, ServedFrom};
use super::demo_error::DemoError;
use super::ports::Moved;
use crate::new_key;
use privet_objects::{
    BucketFolder, BucketName, BucketsFolder, Digests, Headers, Key, ObjectError, Settings,
    WriteConditions,
};
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

/// Folder of the buckets, and the name of the one that is in it.
const BUCKETS: &str = "buckets";
pub(super) const BUCKET: &str = "privet-demo";
/// Bucket of earlier versions: a plain folder.
const OLDER_BUCKET: &str = "bucket";

/// A prepared folder.
#[derive(Debug)]
pub(super) struct DemoData {
    folder: PathBuf,
    key_pair_id: KeyPairId,
    /// True for a folder of an earlier version, whose bucket is a plain folder.
    is_older: bool,
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
        for name in ["keys", "tls"] {
            make_folder(&folder.join(name))?;
        }
        let is_older = folder.join(OLDER_BUCKET).exists();
        match is_older {
            // Its configuration names the folder, and stays as it is.
            true => make_files(&folder.join(OLDER_BUCKET))?,
            false => make_objects(&folder.join(BUCKETS))?,
        }
        let key_pair_id = key_pair(&folder.join("keys"))?;
        make_certificate(&folder.join("tls"))?;
        let prepared = config_files::prepare(folder, &key_pair_id, port)?;
        Ok(DemoData {
            folder: folder.to_owned(),
            key_pair_id,
            is_older,
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
        match self.is_older {
            true => self.folder.join(OLDER_BUCKET),
            false => self.folder.join(BUCKETS).join(BUCKET),
        }
    }

    /// Returns true for a folder of an earlier version, whose bucket is a plain folder.
    pub(super) fn has_plain_folder(&self) -> bool {
        self.is_older
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

fn make_files(bucket: &Path) -> Result<(), DemoError> {
    make_folder(&bucket.join("public"))?;
    for (name, bytes) in OBJECTS {
        make_file(&bucket.join(name), bytes, 0o644)?;
    }
    Ok(())
}

/// Makes the bucket, and puts the objects into it that it does not have.
fn make_objects(folder: &Path) -> Result<(), DemoError> {
    make_folder(folder)?;
    let fault = |reason: String| DemoError::Bucket {
        folder: folder.to_owned(),
        reason,
    };
    let buckets = BucketsFolder::open(folder, &Settings::default());
    let buckets = buckets.map_err(|error| fault(error.to_string()))?;
    let name = BucketName::new(BUCKET).map_err(|error| fault(error.to_string()))?;
    let bucket = match buckets.bucket(&name) {
        Ok(Some(bucket)) => Ok(bucket),
        Ok(None) => buckets.create(&name),
        Err(error) => Err(error),
    };
    let bucket = bucket.map_err(|error| fault(error.to_string()))?;
    for (name, bytes) in OBJECTS {
        let put = put_object(&bucket, name, bytes);
        put.map_err(|error| fault(error.to_string()))?;
    }
    Ok(())
}

fn put_object(bucket: &BucketFolder, name: &str, bytes: &[u8]) -> Result<(), ObjectError> {
    // The names are those of this file, and keys.
    let key = Key::new(name).map_err(|_| ObjectError::NotFound)?;
    if bucket.metadata(&key).is_ok() {
        return Ok(());
    }
    let mut upload = bucket.begin(&key, Headers::default())?;
    upload.write(bytes)?;
    upload.commit(&WriteConditions::default(), &Digests::default())?;
    Ok(())
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
