//! The way to tell a running edge something: a Unix socket that takes HTTP/1.1 and JSON.
//!
//! [`Control`] is the thread that serves it. What is asked for is done by the edge itself, through its handle.

mod api;
mod operator_server;
mod socket;
mod thread;

pub use socket::SocketError;
pub use thread::{Control, SocketChange};
