//! An S3 endpoint over plain folders: what clients of S3 say to buckets, on objects that are files.
//!
//! [`Endpoint::answer`] is the way in: one request, one answer. Who may do what, and what is set for a bucket, is known
//! by those who implement [`Operators`]; connections are theirs too. [`policy`] reads bucket policies, purely. Beside
//! it [`deliver`] decides when log files go into buckets.

mod access;
pub mod access_log;
mod body;
mod cors;
pub mod deliver;
mod digests;
mod encoding;
mod endpoint;
mod error;
mod facts;
mod file_sending;
mod form;
#[doc(hidden)]
pub mod fuzzed;
mod operations;
mod operators;
pub mod policy;
mod query;
mod records;
mod settings;
mod sigv2;
mod sigv4;
mod target;

pub use endpoint::{AccessLog, AnswerBody, Client, Endpoint};
pub use file_sending::{FileSending, SentFile};
pub use operators::{
    AccessKey, Act, Asked, Holder, HolderFacts, Operators, OperatorsError, Permission,
};
pub use records::{BucketPolicy, BucketRecord, Change, CorsRule, Logging, PublicAccessBlock};
pub use settings::{Limits, Settings};
