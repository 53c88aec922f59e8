//! Adds grants to the URIs of ready-made playlists; the rest is unchanged, byte for byte.

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
/// `sign` gets each URI as it is written, without its fragment, and returns the one to write instead; `None` leaves it
/// unchanged. URIs with schemes other than `http` and `https`, and those with variables of `EXT-X-DEFINE`, are left
/// unchanged without a call.
///
/// # Errors
///
/// `Unsupported` if it is no m3u8, `TooLarge` beyond [`TEXT_SIZE_BYTES_MAX`] or, with the grants, [`SIZE_BYTES_MAX`].
pub fn hls(text: &str, sign: &mut dyn FnMut(&str) -> Option<String>) -> Result<String, Refusal> {
    check_size(text)?;
    hls::rewrite(text, sign)
}

/// Rewrites an mpd (ISO 23009-1).
///
/// `sign` gets each URI resolved against the `BaseURL`s above it, so that it sees other hosts, and without its
/// fragment. It returns the URI with something appended, or another to write instead; `None` leaves it unchanged. A URI
/// that has several bases is passed with each, and is left unchanged if `sign` returns `None` for one of them.
/// Templates are passed with their `$Number$`.
///
/// A `BaseURL` is passed only if it names a file: its query does not carry over to URIs below it (RFC 3986 5.2.2).
///
/// # Errors
///
/// `Unsupported` if it is no manifest, has a document type, or would need several grants for one URI; `Corrupt` if it
/// is not well-formed; `TooLarge` beyond [`TEXT_SIZE_BYTES_MAX`], [`SIZE_BYTES_MAX`] or the limits of [`DEPTH_MAX`].
pub fn dash(text: &str, sign: &mut dyn FnMut(&str) -> Option<String>) -> Result<String, Refusal> {
    check_size(text)?;
    mpd::rewrite(text, sign)
}

/// Size limit of a playlist with its grants.
pub const SIZE_BYTES_MAX: usize = 32 << 20;

/// Nesting depth of a manifest's elements.
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
    /// Text to append to the path and query.
    Appended(String),
    /// URI to write instead.
    Replaced(String),
}

/// Signs a URI without fragment.
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

/// A copy of a playlist in which ranges are replaced.
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

    /// Copies up to `start`, and writes `instead` in place of the text between `start` and `end`.
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

/// Splits a URI before `#`, with which its fragment begins.
fn cut_fragment(uri: &str) -> (&str, &str) {
    uri.split_at(uri.find('#').unwrap_or(uri.len()))
}

/// Doubles dollar signs in text that is appended to a template (ISO 23009-1 5.3.9.4.4).
fn for_template(text: &str) -> Cow<'_, str> {
    match text.contains('$') {
        true => Cow::Owned(text.replace('$', "$$")),
        false => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests;
