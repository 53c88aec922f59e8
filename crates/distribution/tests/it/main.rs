//! The public rules from outside: a configuration, a request, a response.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod buckets;
mod conformance;
mod cookie_keys;
mod error_pages;
mod forwarded_values;
mod items;
mod objects;

mod options;
mod path_models;
mod path_readings;
mod path_tokens;
mod reach;
mod reach_restriction;
mod remote;
mod snapshot_changes;
mod spellings;
mod streams;
mod support;
mod videos;
mod viewer_headers;
