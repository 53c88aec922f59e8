//! Pages of a list: which keys and common prefixes come next, in bytewise order of whole keys (S3, `ListObjectsV2`).

use crate::walk::{Step, Walk};
use crate::{BucketFolder, Key, Metadata, ObjectError};

/// What is to be listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListRequest {
    /// Keys that begin with this.
    pub prefix: String,
    /// Keys in which this text follows somewhere after the prefix are listed once for all that begin alike, up to and
    /// with it. An empty text is none.
    pub delimiter: Option<String>,
    /// Only what comes after this text: `start-after`, `marker`, or [`Page::next`] of the page before. A common prefix
    /// that this text begins with is not listed again.
    pub after: Option<String>,
    /// Maximum number of entries.
    pub max: usize,
}

/// One entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// An object.
    Object(Key, Metadata),
    /// What several keys begin with, up to and with the delimiter.
    CommonPrefix(String),
}

/// A page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Objects and common prefixes in one order.
    pub entries: Vec<Entry>,
    /// The `after` of the next page, if there is more.
    pub next: Option<String>,
}

impl BucketFolder {
    /// Lists objects and common prefixes. What was written before the call is in the list; what is written meanwhile may
    /// be.
    ///
    /// Errors: the system's.
    pub fn list(&self, request: &ListRequest) -> Result<Page, ObjectError> {
        let mut walk = Walk::new(&self.shared, request);
        let next = |cursor: &[u8]| walk.next(cursor);
        let metadata = |key: &Key| match self.metadata(key) {
            Ok(metadata) => Ok(Some(metadata)),
            // It was deleted meanwhile, or is a mount point.
            Err(ObjectError::NotFound) => Ok(None),
            Err(error) => Err(error),
        };
        page(request, next, metadata)
    }
}

impl ListRequest {
    pub(crate) fn delimiter(&self) -> Option<&str> {
        self.delimiter
            .as_deref()
            .filter(|delimiter| !delimiter.is_empty())
    }

    /// Returns what `text` is listed as if that is not itself: its beginning up to and with the delimiter.
    pub(crate) fn common_prefix<'text>(&self, text: &'text str) -> Option<&'text str> {
        let delimiter = self.delimiter()?;
        let rest = text.strip_prefix(&self.prefix)?;
        let place = rest.find(delimiter)?;
        text.get(..self.prefix.len() + place + delimiter.len())
    }

    /// Returns the least text that may be in the list.
    fn start(&self) -> Vec<u8> {
        match &self.after {
            Some(after) if *after >= self.prefix => match self.common_prefix(after) {
                Some(common) => behind(common),
                None => follower(after),
            },
            Some(_) | None => self.prefix.clone().into_bytes(),
        }
    }
}

/// Makes a page of what `next` finds at or after a text. Objects for which `metadata` finds nothing are left out.
fn page(
    request: &ListRequest,
    mut next: impl FnMut(&[u8]) -> Result<Option<Step>, ObjectError>,
    mut metadata: impl FnMut(&Key) -> Result<Option<Metadata>, ObjectError>,
) -> Result<Page, ObjectError> {
    let mut page = Page::default();
    if request.max == 0 {
        return Ok(page);
    }
    let mut cursor = request.start();
    let mut last = String::new();
    while let Some(step) = next(&cursor)? {
        if page.entries.len() >= request.max {
            page.next = Some(last);
            break;
        }
        let text = match &step {
            Step::Object(key) => key.as_str(),
            Step::Beneath(folder) => folder,
        };
        let common = request.common_prefix(text).map(str::to_owned);
        match (common, step) {
            (Some(common), _) => {
                cursor = behind(&common);
                last.clone_from(&common);
                page.entries.push(Entry::CommonPrefix(common));
            }
            (None, Step::Object(key)) => {
                cursor = follower(key.as_str());
                if let Some(metadata) = metadata(&key)? {
                    key.as_str().clone_into(&mut last);
                    page.entries.push(Entry::Object(key, metadata));
                }
            }
            // The walk goes beneath a folder unless the folder's path has a delimiter.
            (None, Step::Beneath(folder)) => cursor = behind(&folder),
        }
    }
    Ok(page)
}

/// Returns the least text after all that begin with `prefix`, which is not empty.
fn behind(prefix: &str) -> Vec<u8> {
    let mut bytes = prefix.as_bytes().to_vec();
    // UTF-8 has no byte of 255.
    if let Some(last) = bytes.last_mut() {
        *last += 1;
    }
    bytes
}

/// Returns the least text after `text`.
fn follower(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0);
    bytes
}
