//! Puts grants on the URIs of lists that others wrote; everything else stays as it was, byte for byte.

use std::borrow::Cow;

use super::TEXT_SIZE_BYTES_MAX;
use super::suffix::push_uri;
use crate::Refusal;

mod hls;
mod manifest;
mod mpd;
mod reference;

pub use reference::resolve;

/// Rewrites an m3u8 (RFC 8216).
///
/// `sign` gets each URI as it stands, without its fragment, and gives the one to write instead; `None` leaves it. URIs of
/// other schemes than `http` and `https`, and those with variables of `EXT-X-DEFINE`, are left without asking.
///
/// # Errors
///
/// `Unsupported` when it is no m3u8, `TooLarge` beyond [`TEXT_SIZE_BYTES_MAX`] or, with the grants, [`SIZE_BYTES_MAX`].
pub fn hls(text: &str, sign: &mut dyn FnMut(&str) -> Option<String>) -> Result<String, Refusal> {
    check_size(text)?;
    hls::rewrite(text, sign)
}

/// Rewrites an mpd (ISO 23009-1).
///
/// `sign` gets each URI as it resolves against the `BaseURL`s above it, so that another host is seen as such, and without
/// its fragment. It gives it back with something appended, or another one to write instead; `None` leaves it. A URI that
/// has several bases is asked for with each, and left when one of them is. Templates have their `$Number$`.
///
/// A `BaseURL` is asked for only where it names a file: what it has behind the path does not reach URIs below it
/// (RFC 3986 5.2.2).
///
/// # Errors
///
/// `Unsupported` when it is no manifest, has a document type, or would need several grants at one place; `Corrupt` when it
/// is not well-formed; `TooLarge` beyond [`TEXT_SIZE_BYTES_MAX`], [`SIZE_BYTES_MAX`] or the limits of [`DEPTH_MAX`].
pub fn dash(text: &str, sign: &mut dyn FnMut(&str) -> Option<String>) -> Result<String, Refusal> {
    check_size(text)?;
    mpd::rewrite(text, sign)
}

/// A playlist with its grants is no longer than this.
pub const SIZE_BYTES_MAX: usize = 32 << 20;

/// Elements of a manifest are nested no deeper.
pub const DEPTH_MAX: usize = 32;

fn check_size(text: &str) -> Result<(), Refusal> {
    match text.len() <= TEXT_SIZE_BYTES_MAX {
        true => Ok(()),
        false => Err(Refusal::TooLarge("a playlist")),
    }
}

/// A URI with its grant.
#[derive(PartialEq, Eq)]
enum Signed {
    /// Stands behind the path and query that are there.
    Appended(String),
    /// Stands in their place.
    Replaced(String),
}

/// Asks for the grant of a URI without fragment.
fn ask(asked: &str, sign: &mut dyn FnMut(&str) -> Option<String>) -> Option<Signed> {
    let answer = sign(asked)?;
    let clean = |uri| {
        let mut text = String::with_capacity(answer.len());
        push_uri(&mut text, uri);
        text
    };
    Some(match answer.strip_prefix(asked) {
        Some(rest) => Signed::Appended(clean(rest)),
        None => Signed::Replaced(clean(&answer)),
    })
}

/// The text from one place of a playlist to the next, with what stands between instead.
struct Copy<'a> {
    source: &'a str,
    copied: usize,
    text: String,
}

impl<'a> Copy<'a> {
    fn of(source: &'a str) -> Copy<'a> {
        Copy {
            source,
            copied: 0,
            text: String::with_capacity(source.len() * 2),
        }
    }

    /// Copies up to `start`, and writes `instead` for what is between `start` and `end`.
    fn replace(&mut self, start: usize, end: usize, instead: &str) -> Result<(), Refusal> {
        self.text.push_str(&self.source[self.copied..start]);
        self.text.push_str(instead);
        self.copied = end;
        match self.text.len() <= SIZE_BYTES_MAX {
            true => Ok(()),
            false => Err(Refusal::TooLarge("a playlist with grants")),
        }
    }

    fn end(mut self) -> String {
        self.text.push_str(&self.source[self.copied..]);
        self.text
    }
}

/// The URI and, from `#` on, its fragment.
fn cut_fragment(uri: &str) -> (&str, &str) {
    uri.split_at(uri.find('#').unwrap_or(uri.len()))
}

/// A dollar sign in what is appended to a template is written twice (ISO 23009-1 5.3.9.4.4).
fn for_template(text: &str) -> Cow<'_, str> {
    match text.contains('$') {
        true => Cow::Owned(text.replace('$', "$$")),
        false => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests;
