//! Videos: reads the index of an mp4, flv or mp3 object, and says which bytes HLS, DASH and RTMP are made of.
//!
//! Nothing here does IO or knows a clock. A [`mp4::Locator`] says which bytes of an object it needs, an [`mp4::Index`]
//! is read from them, a [`segmentation::Segmentation`] cuts it into segments, and [`mux`] returns each segment as
//! [`Parts`]: headers made here, and ranges of the object. No sample is copied.

pub mod describe;
pub mod mp4;
pub mod mux;
pub mod name;
mod part;
pub mod playlist;
mod refusal;
pub mod rtmp;
pub mod segmentation;
pub mod stream;
pub mod survey;

pub use part::{Part, Parts};
pub use refusal::Refusal;
