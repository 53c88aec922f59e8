//! Pages of a list: which keys and common prefixes come next, in bytewise order of whole keys (S3, `ListObjectsV2`).

use crate::list_request::{ListRequest, behind, follower};
use crate::walk::{Step, Walk};
use crate::{BucketFolder, Key, Metadata, ObjectError};

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

#[cfg(test)]
mod tests;
