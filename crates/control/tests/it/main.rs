//! The operators' interface over real sockets: an edge, a store, and clients that sign or carry tokens.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod audit;
mod cloudfront;
mod cloudfront_distributions;
mod documents;
mod invalidations;
mod listener;
mod openapi;
mod operators;
mod reading_files;
mod schema_driven;
mod scopes;
mod sizes;
mod support;
