//! `privet bucket sync`: puts into a bucket of this machine what is new or has changed in a folder.

use crate::bucket_fault::BucketFault;
use crate::command_error::CommandError;
use crate::config_file::ConfigOption;
use crate::local_buckets::{LocalBucket, Place};
use crate::objects::{each_entry, key_beneath, upload};
use crate::report::{counted, say_all, say_json};
use clap::Args;
use privet_objects::{DeleteConditions, Entry, Headers, Key, Metadata};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Depth of folders that are gone into.
const DEPTH_MAX: usize = 128;

#[derive(Debug, Args)]
pub(super) struct SyncArguments {
    /// Folder whose files are put into the bucket; links in it are left out
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// BUCKET, or BUCKET/PREFIX
    #[arg(value_name = "PLACE")]
    place: String,
    /// Delete objects that are not in the folder
    #[arg(long)]
    delete: bool,
    /// Show what would be put and deleted, without doing it
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    config: ConfigOption,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// A file of the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
struct LocalFile {
    path: PathBuf,
    size_bytes: u64,
    modified: SystemTime,
}

pub(super) fn run(arguments: &SyncArguments) -> Result<(), CommandError> {
    let mut place = Place::parse(&arguments.place)?;
    if !place.key.is_empty() && !place.key.ends_with('/') {
        place.key.push('/');
    }
    let mut files = BTreeMap::new();
    walk(&arguments.folder, "", DEPTH_MAX, &mut files)?;
    let bucket = LocalBucket::open(&arguments.config, &place.bucket)?;
    let mut objects = objects_of(&bucket, &place.key)?;
    let (mut put, mut deleted) = (Vec::new(), Vec::new());
    for (path, file) in &files {
        let key = key_beneath(&place.key, path)?;
        let present = objects.remove(&key);
        if present.is_some_and(|object| is_same(file, &object)) {
            continue;
        }
        if !arguments.dry_run {
            put_file(&bucket, &key, file)?;
        }
        put.push(format!("{}/{key}", bucket.name));
    }
    if arguments.delete {
        for key in objects.keys() {
            if !arguments.dry_run {
                let done = bucket.objects.delete(key, &DeleteConditions::default());
                done.map_err(|error| bucket.fault(key, error))?;
            }
            deleted.push(format!("{}/{key}", bucket.name));
        }
    }
    tell(arguments, &put, &deleted)
}

fn tell(arguments: &SyncArguments, put: &[String], deleted: &[String]) -> Result<(), CommandError> {
    let dry_run = arguments.dry_run;
    if arguments.json {
        return say_json(&json!({ "put": put, "deleted": deleted, "dry_run": dry_run }));
    }
    let would = if dry_run { "would be " } else { "" };
    let put_lines = put.iter().map(|one| format!("{one}: {would}put"));
    let deleted_lines = deleted.iter().map(|one| format!("{one}: {would}deleted"));
    let mut lines: Vec<String> = put_lines.chain(deleted_lines).collect();
    let count = |items: &[String]| u64::try_from(items.len()).unwrap_or(u64::MAX);
    lines.push(format!(
        "{} {would}put, {} {would}deleted",
        counted(count(put), "object", "objects"),
        counted(count(deleted), "object", "objects")
    ));
    say_all(&lines)
}

fn put_file(bucket: &LocalBucket, key: &Key, file: &LocalFile) -> Result<(), CommandError> {
    let name = file.path.display().to_string();
    let mut opened = File::open(&file.path).map_err(|error| CommandError::read(name, &error))?;
    let source = (&mut opened as &mut dyn io::Read, file.size_bytes);
    upload(bucket, key, Headers::default(), source)?;
    Ok(())
}

/// Returns true if the object is the file, as far as sizes and times tell: it is as long, and was written later.
fn is_same(file: &LocalFile, object: &Metadata) -> bool {
    object.size == file.size_bytes && object.modified >= file.modified
}

fn objects_of(bucket: &LocalBucket, prefix: &str) -> Result<BTreeMap<Key, Metadata>, CommandError> {
    let mut objects = BTreeMap::new();
    each_entry(bucket, (prefix, None), |entry| {
        if let Entry::Object(key, metadata) = entry {
            objects.insert(key, metadata);
        }
        Ok(())
    })?;
    Ok(objects)
}

/// Collects the files of a folder by their paths beneath it, with slashes between the parts. Links, devices and the
/// like are left out.
fn walk(
    folder: &Path,
    prefix: &str,
    depth_left: usize,
    files: &mut BTreeMap<String, LocalFile>,
) -> Result<(), CommandError> {
    let fault = |error: &io::Error| CommandError::read(folder.display().to_string(), error);
    if depth_left == 0 {
        return Err(fault(&io::Error::other("its folders are too deep")));
    }
    for entry in fs::read_dir(folder).map_err(|error| fault(&error))? {
        let entry = entry.map_err(|error| fault(&error))?;
        let kind = entry.file_type().map_err(|error| fault(&error))?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            let shown = entry.path().display().to_string();
            return Err(BucketFault::FileName(shown).into());
        };
        let path = format!("{prefix}{name}");
        if kind.is_dir() {
            walk(&entry.path(), &format!("{path}/"), depth_left - 1, files)?;
        } else if kind.is_file() {
            let metadata = entry.metadata().map_err(|error| fault(&error))?;
            let file = LocalFile {
                path: entry.path(),
                size_bytes: metadata.len(),
                modified: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            };
            files.insert(path, file);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn files_are_found_and_links_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/b")).unwrap();
        fs::write(folder.path().join("a/b/c"), "12").unwrap();
        fs::write(folder.path().join("d"), "").unwrap();
        symlink("/etc", folder.path().join("out")).unwrap();
        symlink("/etc/passwd", folder.path().join("passwd")).unwrap();
        let mut files = BTreeMap::new();
        walk(folder.path(), "", DEPTH_MAX, &mut files).unwrap();
        let found: Vec<(&str, u64)> = files
            .iter()
            .map(|(path, file)| (path.as_str(), file.size_bytes))
            .collect();
        assert_eq!(found, [("a/b/c", 2), ("d", 0)]);
        assert!(walk(folder.path(), "", 1, &mut files).is_err());
    }
}
