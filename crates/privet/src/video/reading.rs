//! Reads the input of `privet video check`: files on this machine, and objects on servers.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use privet_edge::{ObjectUrl, RangeSupport, RemoteFault, RemoteObject, RemoteReader};
use privet_media::Refusal;
use privet_media::mp4::{Limits, Locator, Step};
use privet_media::survey::Survey;
use rustix::fs::OFlags;

use super::Refused;
use crate::reason::reason;
use crate::whole_file::read_whole;

/// The default of `segment_duration`.
const SEGMENT_DURATION: Duration = Duration::from_secs(6);

/// The location of a video or a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum InputLocation {
    File(PathBuf),
    Url(ObjectUrl),
}

impl InputLocation {
    /// Returns the path, for its extension.
    pub(super) fn path(&self) -> String {
        match self {
            InputLocation::File(path) => path.to_string_lossy().into_owned(),
            InputLocation::Url(url) => url.path().to_owned(),
        }
    }
}

/// Shows the location without the query of a URL.
impl fmt::Display for InputLocation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InputLocation::File(path) => path.display().fmt(formatter),
            InputLocation::Url(url) => url.fmt(formatter),
        }
    }
}

/// Why something was not read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// It does not exist.
    Missing(String),
    /// The edge would refuse it.
    Refused(Refused),
    /// It cannot be read from here.
    Fault(String),
}

/// A reader that collects notes.
#[derive(Debug, Default)]
pub(super) struct Reading {
    remote: Option<RemoteReader>,
    notes: BTreeSet<String>,
}

impl Reading {
    /// Returns the notes, with control characters not escaped.
    pub(super) fn notes(&self) -> impl Iterator<Item = &String> {
        self.notes.iter()
    }

    /// Reads the index of a video, and returns what would be generated from it.
    pub(super) fn video(&mut self, place: &InputLocation) -> Result<Survey, Unread> {
        match place {
            InputLocation::File(path) => {
                let unread = |error: &io::Error| unread_file(place, error);
                let (file, size_bytes) = open(path).map_err(|error| unread(&error))?;
                let read =
                    |range: &Range<u64>| read_range(&file, range).map_err(|error| unread(&error));
                survey(size_bytes, read)
            }
            InputLocation::Url(url) => self.remote_video(place, url),
        }
    }

    /// Reads a whole text of at most `size_bytes_max` bytes.
    pub(super) fn text(
        &mut self,
        place: &InputLocation,
        size_bytes_max: u64,
    ) -> Result<Vec<u8>, Unread> {
        match place {
            InputLocation::File(path) => {
                let read = read_whole(path, size_bytes_max);
                read.map_err(|error| unread_file(place, &error))
            }
            InputLocation::Url(url) => {
                let remote = remote(&mut self.remote)?;
                let read = remote.read_text(url, size_bytes_max);
                read.map_err(|fault| unread_object(place, &fault))
            }
        }
    }

    fn remote_video(&mut self, place: &InputLocation, url: &ObjectUrl) -> Result<Survey, Unread> {
        let unread = |fault: RemoteFault| unread_object(place, &fault);
        let remote = remote(&mut self.remote)?;
        let mut object: RemoteObject = remote.open(url).map_err(unread)?;
        if object.ranges() == RangeSupport::Ignored {
            self.notes.insert(format!(
                "{place}: the server ignores Range: an edge in front of it has to fetch the whole video"
            ));
        }
        survey(object.size_bytes(), |range| {
            remote.read(&mut object, range).map_err(unread)
        })
    }
}

fn remote(remote: &mut Option<RemoteReader>) -> Result<&mut RemoteReader, Unread> {
    match remote {
        Some(remote) => Ok(remote),
        None => {
            let new = RemoteReader::new();
            let new = new.map_err(|error| Unread::Fault(reason(&error)))?;
            Ok(remote.insert(new))
        }
    }
}

fn survey(
    size_bytes: u64,
    mut read: impl FnMut(&Range<u64>) -> Result<Vec<u8>, Unread>,
) -> Result<Survey, Unread> {
    let refused = |refusal: Refusal| Unread::Refused(refusal.into());
    let limits = Limits::default();
    let mut locator = Locator::new(size_bytes, limits);
    while let Step::Read(range) = locator.step() {
        locator.supply(&read(&range)?).map_err(refused)?;
    }
    let index = Arc::new(locator.finish().map_err(refused)?);
    Survey::of(&index, SEGMENT_DURATION, &limits).map_err(refused)
}

fn open(path: &Path) -> io::Result<(File, u64)> {
    // Without this flag, opening a FIFO would wait for its writer. For regular files it has no effect.
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let mut options = OpenOptions::new();
    let file = options.read(true).custom_flags(nonblocking).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    Ok((file, metadata.len()))
}

fn read_range(file: &File, range: &Range<u64>) -> io::Result<Vec<u8>> {
    let size_bytes = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
    let mut bytes = vec![0; size_bytes];
    file.read_exact_at(&mut bytes, range.start)?;
    Ok(bytes)
}

fn unread_file(place: &InputLocation, error: &io::Error) -> Unread {
    let text = format!("cannot read {place}: {}", reason(error));
    match error.kind() == io::ErrorKind::NotFound {
        true => Unread::Missing(text),
        false => Unread::Fault(text),
    }
}

fn unread_object(place: &InputLocation, fault: &RemoteFault) -> Unread {
    let text = format!("cannot read {place}: {fault}");
    match fault {
        RemoteFault::Missing => Unread::Missing(text),
        RemoteFault::Encoded => Unread::Refused(Refused {
            reason: fault.to_string(),
            code: "video-encoded",
        }),
        RemoteFault::Forbidden
        | RemoteFault::Redirect(_)
        | RemoteFault::Status(_)
        | RemoteFault::Unanswered(_)
        | RemoteFault::NoRanges
        | RemoteFault::Changed
        | RemoteFault::TooLong
        | RemoteFault::Late => Unread::Fault(text),
    }
}
