//! What is to be listed, and where a list begins.

/// What is to be listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListRequest {
    /// Keys that begin with this.
    pub prefix: String,
    /// Keys in which this text follows somewhere after the prefix are listed once for all that begin alike, up to and
    /// with it. An empty text is none.
    pub delimiter: Option<String>,
    /// Only what comes after this text: `start-after`, `marker`, or [`crate::Page::next`] of the page before. A common
    /// prefix that this text begins with is not listed again.
    pub after: Option<String>,
    /// Maximum number of entries.
    pub max: usize,
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
    pub(crate) fn start(&self) -> Vec<u8> {
        match &self.after {
            Some(after) if *after >= self.prefix => match self.common_prefix(after) {
                Some(common) => behind(common),
                None => follower(after),
            },
            Some(_) | None => self.prefix.clone().into_bytes(),
        }
    }
}

/// Returns the least text after all that begin with `prefix`, which is not empty.
pub(crate) fn behind(prefix: &str) -> Vec<u8> {
    let mut bytes = prefix.as_bytes().to_vec();
    // UTF-8 has no byte of 255.
    if let Some(last) = bytes.last_mut() {
        *last += 1;
    }
    bytes
}

/// Returns the least text after `text`.
pub(crate) fn follower(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0);
    bytes
}
