//! A running edge in a folder of its own, viewers that send any bytes, and links as signers write them.

mod balancer;
mod coded;
mod fake_origin;
mod h2_frames;
mod h2_verdict;
mod logs;
mod made_film;
mod multiplexed;
mod operator;
mod patterned_object;
mod peer;
mod proxy_headers;
mod real_origins;
mod remote_fixture;
mod rtmp_viewer;
mod signing;
mod test_edge;
mod viewer;

pub use balancer::*;
pub use coded::*;
pub use fake_origin::*;
pub use h2_frames::*;
pub use h2_verdict::*;
pub use logs::*;
pub use made_film::*;
pub use multiplexed::*;
pub use operator::*;
pub use patterned_object::*;
pub use peer::*;
pub use proxy_headers::*;
pub use real_origins::*;
pub use remote_fixture::*;
pub use rtmp_viewer::*;
pub use signing::*;
pub use test_edge::*;
pub use viewer::*;
