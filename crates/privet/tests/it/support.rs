//! A running edge in a folder of its own, viewers that send any bytes, and links as signers write them.

mod h2_frames;
mod h2_verdict;
mod logs;
mod multiplexed;
mod peer;
mod signing;
mod test_edge;
mod viewer;

pub use h2_frames::*;
pub use h2_verdict::*;
pub use logs::*;
pub use multiplexed::*;
pub use peer::*;
pub use signing::*;
pub use test_edge::*;
pub use viewer::*;
