//! Every rule of the edge that can be decided without IO.
//!
//! Its rooms, in their order: each knows those before it, and [`logging`], which knows none.
//!
//! 1. [`config`]: what an operator writes. [`read_toml`](config::read_toml) reads it, and
//!    [`Snapshot::build`](config::Snapshot::build) resolves it.
//! 2. [`request`]: what a request may have. [`route`](request::route) finds the behavior,
//!    [`authorize`](request::authorize) is the restriction; what is refused is a [`Denial`](request::Denial).
//! 3. [`caching`]: what is kept. [`cache_key`](caching::cache_key) says under which name, [`storage`](caching::storage)
//!    whether and for how long.
//! 4. [`response`]: what a viewer is answered. [`select`](response::select) applies conditions and ranges,
//!    [`denial_page`](response::denial_page) is for what was refused.
//! 5. [`logging`]: the one [`LogRecord`](logging::LogRecord) that there is in the end.
//!
//! Nothing here knows a clock, a file or a socket. What stands beside the rooms is shared by them.

pub mod caching;
pub mod config;
pub mod logging;
pub mod request;
pub mod response;

mod byte_range;
mod calendar;
mod cookies;
mod header_names;
mod http_date;
mod languages;
mod percent;
mod selecting_value;

pub use byte_range::{ByteRange, ContentRange, RangeSpec, Span};
pub use http_date::{date_value, parse_date};
