//! The operators' interface over real sockets: an edge, a store, and clients that sign or carry tokens.

mod access;
mod audit;
mod documents;
mod invalidations;
mod openapi;
mod operators;
mod reading_files;
mod support;
