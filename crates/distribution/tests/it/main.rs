//! The public rules, seen from outside: a configuration, a request, an answer.
#![allow(clippy::unwrap_used, missing_docs)]

mod conformance;
mod objects;
mod options;
mod remote;
mod support;
