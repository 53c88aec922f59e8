//! The endpoint, used by the clients that people have. Their scripts are in `tests-peers/s3`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod attacks;
mod clients;
mod corpora;
mod server;
