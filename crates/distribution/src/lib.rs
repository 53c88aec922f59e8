//! All rules of the edge that can be decided without I/O.
//!
//! The modules in their order; each depends only on those before it and on [`logging`], which depends on none:
//!
//! 1. [`config`]: the configuration. [`read_toml`](config::read_toml) reads it, and
//!    [`Snapshot::build`](config::Snapshot::build) resolves it.
//! 2. [`request`]: the rules of requests. [`route`](request::route) finds the behavior,
//!    [`authorize`](request::authorize) checks its restriction; every refusal is a [`Denial`](request::Denial).
//! 3. [`links`]: what is not in a link's signed text. [`RevocationTable`](links::RevocationTable) says whether it was
//!    revoked, [`Redeeming`](links::Redeeming) whether it has a use left.
//! 4. [`caching`]: the rules of the cache. [`cache_key`](caching::cache_key) names an object,
//!    [`storage`](caching::storage) decides whether and for how long it is stored.
//! 5. [`response`]: the rules of responses. [`select`](response::select) applies conditions and ranges,
//!    [`denial_page`](response::denial_page) is the response to what was refused.
//! 6. [`logging`]: the [`LogRecord`](logging::LogRecord) that every request ends with.
//!
//! No module has access to a clock, a file or a socket. The private modules are shared by all.

pub mod caching;
pub mod config;
pub mod links;
pub mod logging;
pub mod request;
pub mod response;

mod byte_range;
mod calendar;
mod canonical_path;
mod cookies;
mod header_names;
mod http_date;
mod languages;
mod percent;
mod selecting_value;

pub use byte_range::{ByteRange, ContentRange, RangeSpec, Span};
pub use http_date::{date_value, parse_date};
