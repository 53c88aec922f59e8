//! The reasons why no video can be made of an object.

use thiserror::Error;

/// The reason why an object is no video, or cannot be output in some form. The object itself is still served as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum Refusal {
    /// Not an mp4, flv or mp3 object at all.
    #[error("not a video: no index was found")]
    NotAVideo,
    /// The object ends before the index does.
    #[error("the index is truncated")]
    Truncated,
    /// A box, tag or table that contradicts itself or its surroundings.
    #[error("the index is corrupt: {0}")]
    Corrupt(&'static str),
    /// More than the limits allow.
    #[error("too large: {0}")]
    TooLarge(&'static str),
    /// A valid video, but of a kind that cannot be repackaged.
    #[error("not supported: {0}")]
    Unsupported(&'static str),
    /// Its media is encrypted.
    #[error("encrypted media is not repackaged")]
    Encrypted,
    /// No track that the output can carry.
    #[error("no track for this format")]
    NoTrack,
}

impl Refusal {
    /// Returns a lower-case token for the operator's log.
    pub fn token(&self) -> &'static str {
        match self {
            Refusal::NotAVideo => "not-a-video",
            Refusal::Truncated => "video-truncated",
            Refusal::Corrupt(_) => "video-corrupt",
            Refusal::TooLarge(_) => "video-too-large",
            Refusal::Unsupported(_) => "video-unsupported",
            Refusal::Encrypted => "video-encrypted",
            Refusal::NoTrack => "video-no-track",
        }
    }
}
