//! The walk over a bucket's folders in the bytewise order of whole keys, from any text on.

use crate::index::{Listed, Next};
use crate::list_request::{ListRequest, follower};
use crate::names::ODD_FOLDER;
use crate::shared::Shared;
use crate::{KEY_BYTES_MAX, Key, ObjectError};
use std::collections::HashMap;

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
    folders: HashMap<String, Option<Listed>>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(shared: &'a Shared, request: &'a ListRequest) -> Self {
        Walk {
            shared,
            request,
            folders: HashMap::new(),
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
        // No key is longer.
        if folder.len() >= KEY_BYTES_MAX {
            return Ok(None);
        }
        let rest = match cursor.strip_prefix(folder.as_bytes()) {
            Some(rest) => rest,
            None if cursor < folder.as_bytes() => b"",
            None => return Ok(None),
        };
        // A cursor within a folder begins with the folder, which stands before it.
        let slash = rest.iter().position(|byte| *byte == b'/');
        let mut from = slash.map_or(rest, |slash| &rest[..=slash]).to_vec();
        while let Some(name) = self.name(folder, &from)? {
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
            from = follower(&name);
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
        // No key is longer.
        if folder.len() >= KEY_BYTES_MAX {
            return Ok(false);
        }
        let mut from = Vec::new();
        while let Some(name) = self.name(folder, &from)? {
            let path = format!("{folder}{name}");
            let has = if name.ends_with('/') {
                self.has_object(&path)?
            } else {
                Key::new(path).is_ok()
            };
            if has {
                return Ok(true);
            }
            from = follower(&name);
        }
        Ok(false)
    }

    /// Returns the next key among those that are no paths.
    fn next_odd(&mut self, cursor: &[u8]) -> Result<Option<Key>, ObjectError> {
        let prefix = &self.request.prefix;
        let name = self.name(ODD_FOLDER, cursor.max(prefix.as_bytes()))?;
        let name = name.filter(|name| name.starts_with(prefix.as_str()));
        Ok(name.and_then(|name| Key::new(name).ok()))
    }

    /// Returns the first name at or after `from` in the folder, if there is such a folder.
    fn name(&mut self, folder: &str, from: &[u8]) -> Result<Option<String>, ObjectError> {
        let listed = self.folders.get(folder);
        match listed.map(|listed| {
            listed
                .as_ref()
                .map_or(Next::End, |listed| listed.at_or_after(from))
        }) {
            Some(Next::Name(name)) => return Ok(Some(name)),
            Some(Next::End) => return Ok(None),
            Some(Next::Unknown) | None => {}
        }
        let path = folder.trim_end_matches('/');
        let listed = self.shared.indexes.list(self.shared, path, from)?;
        let next = listed
            .as_ref()
            .map_or(Next::End, |listed| listed.at_or_after(from));
        self.folders.insert(folder.to_owned(), listed);
        match next {
            Next::Name(name) => Ok(Some(name)),
            Next::End | Next::Unknown => Ok(None),
        }
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
