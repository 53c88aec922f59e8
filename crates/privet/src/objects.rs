//! `privet object`: objects of buckets that this machine keeps, read and written where they lie, whether the edge runs
//! or not.
//!
//! On other machines the S3 endpoint serves the same objects to any client of S3.

use crate::bucket_fault::BucketFault;
use crate::command_error::CommandError;
use crate::config_file::ConfigOption;
use crate::local_buckets::{LocalBucket, Place, key};
use crate::progress::bytes_progress;
use crate::report::{counted, finish, say_all, say_json};
use crate::table::table;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use privet_objects::{
    DeleteConditions, Deleted, Digests, Entry, Headers, Key, ListRequest, Metadata, WriteConditions,
};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;
use tempfile::NamedTempFile;

/// Bytes that are copied at once.
const CHUNK_SIZE_BYTES: usize = 1024 * 1024;
/// Entries that are asked for at once.
const PAGE: usize = 1_000;

/// Arguments of `privet object`.
#[derive(Debug, Args)]
pub(crate) struct ObjectArguments {
    #[command(subcommand)]
    command: ObjectCommand,
}

#[derive(Debug, Subcommand)]
enum ObjectCommand {
    /// Put a file into a bucket.
    Put(PutArguments),
    /// List the objects of a bucket.
    List(ListArguments),
    /// Get an object out of a bucket.
    Get(GetArguments),
    /// Delete objects.
    Delete(DeleteArguments),
}

/// Options of every subcommand.
#[derive(Debug, Args)]
struct Common {
    #[command(flatten)]
    config: ConfigOption,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct PutArguments {
    /// File to put; - for standard input
    #[arg(value_name = "FILE")]
    file: String,
    /// BUCKET/KEY; without a key, or with one that ends with a slash, the name of the file is added
    #[arg(value_name = "PLACE")]
    place: String,
    /// Content-Type [default: by the end of the key]
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// Cache-Control
    #[arg(long, value_name = "TEXT")]
    cache_control: Option<String>,
    /// Content-Disposition
    #[arg(long, value_name = "TEXT")]
    content_disposition: Option<String>,
    /// Content-Encoding that the file is in
    #[arg(long, value_name = "CODING")]
    content_encoding: Option<String>,
    /// Content-Language
    #[arg(long, value_name = "TAG")]
    content_language: Option<String>,
    /// User metadata: x-amz-meta-NAME; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_pair)]
    metadata: Vec<(String, String)>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct ListArguments {
    /// BUCKET, or BUCKET/PREFIX
    #[arg(value_name = "PLACE")]
    place: String,
    /// List what lies beneath common prefixes as well
    #[arg(long)]
    recursive: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct GetArguments {
    /// BUCKET/KEY
    #[arg(value_name = "PLACE")]
    place: String,
    /// File to write; - for standard output [default: the last part of the key]
    #[arg(value_name = "FILE")]
    file: Option<String>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct DeleteArguments {
    /// BUCKET/KEY
    #[arg(value_name = "PLACE", required = true)]
    places: Vec<String>,
    /// Delete all objects whose keys begin with what is given
    #[arg(long)]
    recursive: bool,
    /// Show what would be deleted, without deleting it
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    common: Common,
}

fn parse_pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=');
    let (name, value) = pair.ok_or("write it like title=Talk")?;
    Ok((name.to_ascii_lowercase(), value.to_owned()))
}

/// Runs the command.
pub(crate) fn run(arguments: &ObjectArguments) -> ExitCode {
    finish(match &arguments.command {
        ObjectCommand::Put(arguments) => put(arguments),
        ObjectCommand::List(arguments) => list(arguments),
        ObjectCommand::Get(arguments) => get(arguments),
        ObjectCommand::Delete(arguments) => delete(arguments),
    })
}

fn put(arguments: &PutArguments) -> Result<(), CommandError> {
    let mut place = Place::parse(&arguments.place)?;
    if place.key.is_empty() || place.key.ends_with('/') {
        place.key.push_str(&file_name(&arguments.file)?);
    }
    let key = place.object()?;
    let bucket = LocalBucket::open(&arguments.common.config, &place.bucket)?;
    let headers = Headers {
        content_type: arguments.content_type.clone(),
        cache_control: arguments.cache_control.clone(),
        content_disposition: arguments.content_disposition.clone(),
        content_encoding: arguments.content_encoding.clone(),
        content_language: arguments.content_language.clone(),
        user: arguments.metadata.clone(),
        ..Headers::default()
    };
    let metadata = match arguments.file.as_str() {
        "-" => upload(&bucket, &key, headers, (&mut io::stdin().lock(), 0)),
        file => {
            let read = |error: io::Error| CommandError::read(file, &error);
            let mut opened = File::open(file).map_err(read)?;
            let size_bytes = opened.metadata().map_err(read)?.len();
            upload(&bucket, &key, headers, (&mut opened, size_bytes))
        }
    }?;
    match arguments.common.json {
        true => say_json(&shown(&key, &metadata)),
        false => say_all(&[format!(
            "{}/{key}: {}",
            bucket.name,
            counted(metadata.size, "byte", "bytes")
        )]),
    }
}

fn file_name(file: &str) -> Result<String, BucketFault> {
    let name = Path::new(file).file_name().filter(|_| file != "-");
    let name = name.and_then(|name| name.to_str());
    name.map(str::to_owned)
        .ok_or_else(|| BucketFault::NoKey(file.to_owned()))
}

/// Writes an object. `size_bytes` is that of the source as far as it is known, for the progress alone.
///
/// # Errors
/// [`CommandError::Read`], [`CommandError::Bucket`]; the object stays as it was then.
pub(crate) fn upload(
    bucket: &LocalBucket,
    key: &Key,
    headers: Headers,
    (source, size_bytes): (&mut dyn Read, u64),
) -> Result<Metadata, CommandError> {
    let progress = bytes_progress(size_bytes);
    let fault = |error| bucket.fault(key, error);
    let mut upload = bucket.objects.begin(key, headers).map_err(fault)?;
    let mut chunk = vec![0; CHUNK_SIZE_BYTES];
    loop {
        let length = match source.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(CommandError::read(key.as_str(), &error)),
        };
        upload.write(&chunk[..length]).map_err(fault)?;
        progress.inc(u64::try_from(length).unwrap_or_default());
    }
    let written = upload.commit(&WriteConditions::default(), &Digests::default());
    Ok(written.map_err(fault)?)
}

fn list(arguments: &ListArguments) -> Result<(), CommandError> {
    let place = Place::parse(&arguments.place)?;
    let bucket = LocalBucket::open(&arguments.common.config, &place.bucket)?;
    let delimiter = (!arguments.recursive).then(|| "/".to_owned());
    let mut rows: Vec<[String; 3]> = Vec::new();
    let json = arguments.common.json;
    each_entry(&bucket, (&place.key, delimiter), |entry| match entry {
        Entry::Object(key, metadata) if json => say_json(&shown(&key, &metadata)),
        Entry::CommonPrefix(prefix) if json => say_json(&json!({ "prefix": prefix })),
        Entry::Object(key, metadata) => {
            let cells = [
                time(metadata.modified),
                metadata.size.to_string(),
                key.to_string(),
            ];
            rows.push(cells);
            Ok(())
        }
        Entry::CommonPrefix(prefix) => {
            rows.push([String::new(), String::new(), prefix]);
            Ok(())
        }
    })?;
    match json {
        true => Ok(()),
        false => say_all(&table(["MODIFIED", "BYTES", "KEY"], &rows)),
    }
}

/// Passes the entries of a bucket to `each`, a page at a time.
///
/// # Errors
/// [`CommandError::Bucket`], and those of `each`.
pub(crate) fn each_entry(
    bucket: &LocalBucket,
    (prefix, delimiter): (&str, Option<String>),
    mut each: impl FnMut(Entry) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let mut request = ListRequest {
        prefix: prefix.to_owned(),
        delimiter,
        after: None,
        max: PAGE,
    };
    loop {
        let page = bucket.objects.list(&request);
        let page = page.map_err(|error| BucketFault::Folder(error.to_string()))?;
        page.entries.into_iter().try_for_each(&mut each)?;
        match page.next {
            Some(next) => request.after = Some(next),
            None => return Ok(()),
        }
    }
}

fn get(arguments: &GetArguments) -> Result<(), CommandError> {
    let place = Place::parse(&arguments.place)?;
    let key = place.object()?;
    let bucket = LocalBucket::open(&arguments.common.config, &place.bucket)?;
    let object = bucket.objects.open(&key);
    let mut object = object.map_err(|error| bucket.fault(&key, error))?;
    let last = key.as_str().rsplit('/').next().unwrap_or_default();
    let file = arguments.file.as_deref().unwrap_or(last);
    if file == "-" {
        let mut output = io::stdout().lock();
        return copy(&mut object.file, &mut output, (file, object.metadata.size));
    }
    if file.is_empty() || file == "." || file == ".." {
        return Err(BucketFault::NoKey(arguments.place.clone()).into());
    }
    // The file is there whole or not at all.
    let folder = Path::new(file)
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let write = |error: io::Error| CommandError::write(file, &error);
    let mut written = NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(write)?;
    copy(&mut object.file, &mut written, (file, object.metadata.size))?;
    let persisted = written.persist(file);
    persisted.map_err(|error| write(error.error))?;
    match arguments.common.json {
        true => say_json(&shown(&key, &object.metadata)),
        false => say_all(&[format!(
            "{file}: {}",
            counted(object.metadata.size, "byte", "bytes")
        )]),
    }
}

fn copy(
    source: &mut File,
    target: &mut dyn Write,
    (name, size_bytes): (&str, u64),
) -> Result<(), CommandError> {
    let progress = bytes_progress(size_bytes);
    let mut source = progress.wrap_read(source);
    let copied = io::copy(&mut source, target).and_then(|_| target.flush());
    copied.map_err(|error| CommandError::write(name, &error))
}

fn delete(arguments: &DeleteArguments) -> Result<(), CommandError> {
    let mut deleted = Vec::new();
    for place in &arguments.places {
        let place = Place::parse(place)?;
        let bucket = LocalBucket::open(&arguments.common.config, &place.bucket)?;
        let keys = match arguments.recursive {
            true => keys_beneath(&bucket, &place.key)?,
            false => vec![place.object()?],
        };
        for key in keys {
            if !arguments.dry_run {
                delete_one(&bucket, &key)?;
            }
            deleted.push(format!("{}/{key}", bucket.name));
        }
    }
    if arguments.common.json {
        let dry_run = arguments.dry_run;
        return say_json(&json!({ "deleted": deleted, "dry_run": dry_run }));
    }
    let verb = match arguments.dry_run {
        true => "would be deleted",
        false => "deleted",
    };
    let lines: Vec<String> = deleted.iter().map(|one| format!("{one}: {verb}")).collect();
    say_all(&lines)
}

fn keys_beneath(bucket: &LocalBucket, prefix: &str) -> Result<Vec<Key>, CommandError> {
    let mut keys = Vec::new();
    each_entry(bucket, (prefix, None), |entry| {
        if let Entry::Object(key, _) = entry {
            keys.push(key);
        }
        Ok(())
    })?;
    Ok(keys)
}

/// Deletes an object; one that is not there is a fault.
fn delete_one(bucket: &LocalBucket, key: &Key) -> Result<(), CommandError> {
    let deleted = bucket.objects.delete(key, &DeleteConditions::default());
    match deleted.map_err(|error| bucket.fault(key, error))? {
        Deleted::Removed => Ok(()),
        Deleted::Absent => {
            let error = privet_objects::ObjectError::NotFound;
            Err(bucket.fault(key, error).into())
        }
    }
}

fn shown(key: &Key, metadata: &Metadata) -> Value {
    json!({
        "key": key.as_str(),
        "size": metadata.size,
        "etag": metadata.etag.to_string(),
        "modified": time(metadata.modified),
        "content_type": metadata.headers.content_type,
    })
}

fn time(at: SystemTime) -> String {
    let seconds = at
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let at = Timestamp::from_second(i64::try_from(seconds).unwrap_or(i64::MAX));
    at.map_or_else(|_| String::new(), |at| at.to_string())
}

/// Returns the key of a file beneath a prefix.
///
/// # Errors
/// [`BucketFault::Key`].
pub(crate) fn key_beneath(prefix: &str, path: &str) -> Result<Key, BucketFault> {
    key(&format!("{prefix}{path}"))
}
