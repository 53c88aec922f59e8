//! The public rules, seen from outside: a configuration, a request, an answer.
#![allow(clippy::unwrap_used, missing_docs)]

mod conformance;
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
