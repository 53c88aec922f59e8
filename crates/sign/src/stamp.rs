//! One signature for many URLs.

use crate::resource;
use crate::sign_error::SignError;
use crate::terms::target_of;
use crate::wire::{self, WireParts, WireUrl, check_length};

/// A signature made once, for any number of URLs that its resource covers.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// Signing parameters: `Policy=…&Signature=…&Key-Pair-Id=…`.
    parameters: String,
    /// Resource of the policy; `None` covers everything.
    resource: Option<String>,
}

impl Stamp {
    pub(crate) fn new(parameters: String, resource: Option<String>) -> Self {
        Stamp {
            parameters,
            resource,
        }
    }

    /// Appends the signed form of `url` to `out`.
    ///
    /// # Errors
    /// [`SignError::NotCovered`] if the resource does not cover the URL, or [`SignError::TooLong`]; `out` is
    /// then unchanged.
    pub fn apply(&self, url: &WireUrl, out: &mut String) -> Result<(), SignError> {
        self.append(url.as_str(), &url.parts(), out)
    }

    /// As [`Stamp::apply`], for raw text. A URL already in wire form is not parsed.
    ///
    /// # Errors
    /// As [`Stamp::apply`] and [`WireUrl::parse`].
    pub fn apply_text(&self, url: &str, out: &mut String) -> Result<(), SignError> {
        match wire::parts_if_wire(url) {
            Some(parts) => self.append(url, &parts, out),
            None => self.apply(&WireUrl::parse(url)?, out),
        }
    }

    /// Returns the parameters alone, `Policy=…&Signature=…&Key-Pair-Id=…`, for writers of playlists.
    pub fn parameters(&self) -> &str {
        &self.parameters
    }

    fn append(&self, url: &str, parts: &WireParts<'_>, out: &mut String) -> Result<(), SignError> {
        if let Some(resource) = &self.resource
            && !resource::covers(resource, &target_of(parts))
        {
            return Err(SignError::NotCovered {
                resource: resource.clone(),
                url: url.to_owned(),
            });
        }
        let length = url.len() + 1 + self.parameters.len();
        check_length(length)?;
        out.reserve(length);
        out.push_str(url);
        out.push(if parts.query.is_some() { '&' } else { '?' });
        out.push_str(&self.parameters);
        Ok(())
    }
}
