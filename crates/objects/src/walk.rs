//! The walk over a bucket's folders in the bytewise order of whole keys, from any text on.

use crate::names::{Names, read_odd_keys, scan};
use crate::shared::Shared;
use crate::system::{is_absence, open_folder};
use crate::{Key, ListRequest, ObjectError};
use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

/// What the walk comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Object(Key),
    /// At least one object lies beneath this folder, whose path ends with a slash, and all that do are listed as one
    /// common prefix.
    Beneath(String),
}

/// The walk of one request. What it has seen of a folder stays valid to its end.
pub(crate) struct Walk<'a> {
    shared: &'a Shared,
    request: &'a ListRequest,
    folders: HashMap<String, Option<Arc<Names>>>,
    odd: Option<BTreeSet<String>>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(shared: &'a Shared, request: &'a ListRequest) -> Self {
        Walk {
            shared,
            request,
            folders: HashMap::new(),
            odd: None,
        }
    }

    /// Returns the first that is at or after `cursor` and begins with the prefix.
    pub(crate) fn next(&mut self, cursor: &[u8]) -> Result<Option<Step>, ObjectError> {
        let at_path = self.next_beneath("", cursor)?;
        let odd = self.next_odd(cursor)?;
        Ok(match (at_path, odd) {
            (Some(step), Some(odd)) if odd.as_str().as_bytes() < step.text().as_bytes() => {
                Some(Step::Object(odd))
            }
            (Some(step), _) => Some(step),
            (None, odd) => odd.map(Step::Object),
        })
    }

    /// As `next`, among the objects beneath `folder`, whose path is empty or ends with a slash.
    fn next_beneath(&mut self, folder: &str, cursor: &[u8]) -> Result<Option<Step>, ObjectError> {
        let Some(names) = self.names(folder)? else {
            return Ok(None);
        };
        let rest = match cursor.strip_prefix(folder.as_bytes()) {
            Some(rest) => rest,
            None if cursor < folder.as_bytes() => b"",
            None => return Ok(None),
        };
        // A cursor within a folder begins with the folder, which stands before it.
        let slash = rest.iter().position(|byte| *byte == b'/');
        let mut from = slash.map_or(rest, |slash| &rest[..=slash]).to_vec();
        while let Some(name) = names.at_or_after(&from) {
            let path = format!("{folder}{name}");
            if !self.is_in_reach(&path) {
                if path > self.request.prefix {
                    return Ok(None);
                }
            } else if !name.ends_with('/') {
                if let Ok(key) = Key::new(path) {
                    return Ok(Some(Step::Object(key)));
                }
            } else if cursor <= path.as_bytes() && self.request.common_prefix(&path).is_some() {
                if self.has_object(&path)? {
                    return Ok(Some(Step::Beneath(path)));
                }
            } else if let Some(step) = self.next_beneath(&path, cursor)? {
                return Ok(Some(step));
            }
            from.clear();
            from.extend_from_slice(name.as_bytes());
            from.push(0);
        }
        Ok(None)
    }

    /// Returns true if the path, or one that begins with it, may begin with the prefix.
    fn is_in_reach(&self, path: &str) -> bool {
        let prefix = &self.request.prefix;
        path.starts_with(prefix.as_str()) || path.ends_with('/') && prefix.starts_with(path)
    }

    /// Returns true if an object lies beneath the folder.
    fn has_object(&mut self, folder: &str) -> Result<bool, ObjectError> {
        let Some(names) = self.names(folder)? else {
            return Ok(false);
        };
        let mut from = Vec::new();
        while let Some(name) = names.at_or_after(&from) {
            let path = format!("{folder}{name}");
            let has = if name.ends_with('/') {
                self.has_object(&path)?
            } else {
                Key::new(path).is_ok()
            };
            if has {
                return Ok(true);
            }
            from = [name.as_bytes(), b"\0"].concat();
        }
        Ok(false)
    }

    fn next_odd(&mut self, cursor: &[u8]) -> Result<Option<Key>, ObjectError> {
        let odd = match &mut self.odd {
            Some(odd) => odd,
            none => none.insert(read_odd_keys(self.shared)?),
        };
        // The set has texts, the cursor may end within a character: all that begin with its text are tried.
        let text = match std::str::from_utf8(cursor) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&cursor[..error.valid_up_to()]).unwrap_or_default(),
        };
        let found = odd.range::<str, _>((Bound::Included(text), Bound::Unbounded));
        let mut found = found.filter(|key| key.as_bytes() >= cursor);
        let found = found
            .next()
            .filter(|key| key.starts_with(&self.request.prefix));
        Ok(found.and_then(|key| Key::new(key.as_str()).ok()))
    }

    /// Returns the names in the folder, if there is such a folder.
    fn names(&mut self, folder: &str) -> Result<Option<Arc<Names>>, ObjectError> {
        if let Some(names) = self.folders.get(folder) {
            return Ok(names.clone());
        }
        let opened = open_folder(&self.shared.root, folder.trim_end_matches('/'));
        let names = match opened {
            Ok(opened) => Some(Arc::new(scan(&opened, folder.is_empty())?)),
            Err(errno) if is_absence(errno) => None,
            Err(errno) => return Err(errno.into()),
        };
        self.folders.insert(folder.to_owned(), names.clone());
        Ok(names)
    }
}

impl Step {
    fn text(&self) -> &str {
        match self {
            Step::Object(key) => key.as_str(),
            Step::Beneath(folder) => folder,
        }
    }
}
