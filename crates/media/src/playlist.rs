//! The playlists of HLS and DASH, and subtitles.
//!
//! They are written from a [`VideoDescription`]; a [`Propagation`] says which grant their URIs carry. All URIs are
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

/// Size limit of subtitles, and of ready-made playlists.
pub const TEXT_SIZE_BYTES_MAX: usize = 8 << 20;

/// Number of cues that subtitles may have.
pub const CUES_MAX: usize = 100_000;

/// The way in which a viewer's grant reaches the URIs of a playlist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation<'a> {
    /// No URI needs to carry it: it is in a cookie or the path, or nothing is restricted.
    None,
    /// Each URI carries these signing parameters, as received, without `?`.
    Query(&'a str),
}

/// One of the renditions that a video is offered in.
#[derive(Clone, Copy, Debug)]
pub struct Rendition<'a> {
    /// Label of its folder, `r-LABEL/`; `None` for the requested object itself.
    pub label: Option<&'a str>,
    /// Description of its tracks.
    pub video: &'a VideoDescription,
}

/// Subtitles of another object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SideText<'a> {
    /// Label of its folder, `s-LABEL/`.
    pub label: &'a str,
    /// Language by BCP 47 or ISO 639-2.
    pub language: Option<&'a str>,
    /// Name that players show.
    pub name: &'a str,
    /// True if players show it by default.
    pub is_default: bool,
}

#[cfg(test)]
mod tests;
