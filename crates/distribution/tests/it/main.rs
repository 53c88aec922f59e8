//! The public rules, seen from outside: a configuration, a request, an answer.
#![allow(clippy::unwrap_used, missing_docs)]

mod buckets;
mod conformance;
mod cookie_keys;
mod error_pages;
mod films;
mod objects;
mod options;
mod path_models;
mod path_readings;
mod reach;
mod reach_gate;
mod remote;
mod sessions;
mod spellings;
mod streams;
mod support;
mod viewer_headers;
