//! The operator's access to a running edge: a Unix socket that speaks HTTP/1.1 and JSON.
//!
//! [`Control`] is the thread that serves it. The edge itself carries out the requests, through its handle.

mod api;
mod attempts;
mod diff;
mod operator_server;
mod replay;
pub mod sigv4;
mod socket;
mod thread;

pub use diff::{CutOff, CutOffKind, Difference, cut_off, differences};
pub use socket::SocketError;
pub use thread::{Control, SocketChange};
