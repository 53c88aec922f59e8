//! Every rule of the edge that can be decided without IO.

pub mod contract_stub;
pub use contract_stub::*;
