//! An S3 endpoint over plain folders, and the delivery of logs into buckets.

pub mod access_log;
pub mod deliver;
