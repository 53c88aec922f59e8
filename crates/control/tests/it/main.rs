//! The operators' interface over real sockets: an edge, a store, and clients that sign or carry tokens.

#![allow(clippy::unwrap_used)]

mod access;
mod audit;
mod documents;
mod invalidations;
mod openapi;
mod operators;
mod reading_files;
mod schema_driven;
mod support;
