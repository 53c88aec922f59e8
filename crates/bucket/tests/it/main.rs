//! The endpoint, used by the clients that people have. Their scripts are in `tests-peers/s3`.

mod clients;
mod corpora;
mod server;
