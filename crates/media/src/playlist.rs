//! The texts of HLS and DASH, and subtitles.
//!
//! Written from a [`VideoDescription`]; whose grant goes along in the URIs is said by a [`Propagation`]. All URIs are
//! relative, and their names are those of [`crate::name`].

use crate::describe::VideoDescription;

mod dash;
mod hls;
mod language;
mod presentation;
pub mod rewrite;
mod srt;
mod suffix;
mod timeline;
mod tx3g;
mod vtt;
mod windows_1252;
mod wvtt;

pub use dash::dash;
pub use hls::{hls_i_frames, hls_master, hls_media, hls_subtitles, hls_ts};
pub use srt::vtt_from_srt;
pub use tx3g::vtt_from_tx3g;
pub use vtt::vtt_checked;
pub use wvtt::vtt_from_wvtt;

/// Text of subtitles, and lists that others wrote, are no longer than this.
pub const TEXT_SIZE_BYTES_MAX: usize = 8 << 20;

/// Subtitles have no more cues than this.
pub const CUES_MAX: usize = 100_000;

/// How a viewer's grant reaches what a playlist names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation<'a> {
    /// By itself: a cookie, a path, or nothing is restricted.
    None,
    /// By these signing parameters behind each URI, as received, without `?`.
    Query(&'a str),
}

/// One of the renditions that a video is offered in.
#[derive(Clone, Copy, Debug)]
pub struct Rendition<'a> {
    /// Its folder is `r-LABEL/`; `None` for the object that was asked for.
    pub label: Option<&'a str>,
    /// What is in it.
    pub video: &'a VideoDescription,
}

/// Subtitles of another object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SideText<'a> {
    /// Its folder is `s-LABEL/`.
    pub label: &'a str,
    /// BCP 47, or ISO 639-2.
    pub language: Option<&'a str>,
    /// What players call it.
    pub name: &'a str,
    /// Whether players show it unasked.
    pub is_default: bool,
}

#[cfg(test)]
mod tests;
