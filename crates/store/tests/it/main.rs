//! The store against SQLite, and against PostgreSQL where its server program is found.

mod audit;
mod backup;
mod documents;
mod feed;
mod kill;
mod lost_commit;
mod model;
mod opening;
mod operators;
mod replica;
mod secrets;
mod support;
