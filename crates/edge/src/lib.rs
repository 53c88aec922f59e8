//! The data plane: accepts connections, routes, authorizes, fetches, answers and logs.
//!
//! Every rule is decided in `privet-distribution`; this crate owns viewer sockets, folders and log files.

mod accept;
mod answer;
mod body;
mod cache;
mod clock;
mod connection;
mod countries;
mod edge;
mod exchange;
mod h2_watch;
mod log;
mod memory;
mod origin;
mod origin_client;
mod pipeline;
mod proxy_header;
mod request_id;
mod stand_in;
mod state;
mod test_clock;
mod tls;
mod viewer_io;
mod viewer_stream;
mod worker;

pub use clock::Clock;
pub use edge::{Edge, RunningEdge, StartError, StartOptions};
pub use log::LogStream;
pub use memory::VerifiedSignatures;
