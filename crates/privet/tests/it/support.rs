//! A running edge in a folder of its own, viewers that send any bytes, and links as signers write them.

mod coded;
mod fake_origin;
mod h2_frames;
mod h2_verdict;
mod logs;
mod multiplexed;
mod patterned_object;
mod peer;
mod real_origins;
mod remote_fixture;
mod signing;
mod test_edge;
mod viewer;

pub use coded::*;
pub use fake_origin::*;
pub use h2_frames::*;
pub use h2_verdict::*;
pub use logs::*;
pub use multiplexed::*;
pub use patterned_object::*;
pub use peer::*;
pub use real_origins::*;
pub use remote_fixture::*;
pub use signing::*;
pub use test_edge::*;
pub use viewer::*;
