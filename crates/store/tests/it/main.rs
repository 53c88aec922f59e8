//! The store against SQLite, and against PostgreSQL where its server program is found.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod audit;
mod backup;
mod documents;
mod feed;
mod kill;
mod links;
mod lost_commit;
mod model;
mod opening;
mod operators;
mod redemption;
mod replica;
mod revocations;
mod secrets;
mod support;
mod tls;
