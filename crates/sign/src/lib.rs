//! Makes, checks and explains CloudFront signed URLs and signed cookies.
//!
//! Pure: no clock, no files, no sockets. The caller passes `now`, key bytes and addresses.

pub mod contract_stub;
pub use contract_stub::*;
