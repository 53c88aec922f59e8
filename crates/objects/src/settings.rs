//! Limits and choices for a folder of buckets.

use std::time::Duration;

/// Limits and choices for a folder of buckets.
#[derive(Clone, Debug)]
pub struct Settings {
    /// True if what is acknowledged is on the disk (fsync).
    pub sync: bool,
    /// Maximum size of an object in bytes.
    pub object_size_bytes_max: u64,
    /// Minimum size of a part that is not the last one, in bytes.
    pub part_size_bytes_min: u64,
    /// Maximum number of multipart uploads in progress in a bucket.
    pub uploads_max: usize,
    /// Maximum memory for the names of files, over all buckets, in bytes.
    pub index_bytes_max: usize,
    /// How long a completed multipart upload gives its answer again.
    pub completed_for: Duration,
    /// Returns the content type of a file that was put into a folder by hand, by its key.
    pub content_type: fn(&str) -> &'static str,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            sync: true,
            object_size_bytes_max: 5 << 40,
            part_size_bytes_min: 5 << 20,
            uploads_max: 10_000,
            index_bytes_max: 256 << 20,
            completed_for: Duration::from_secs(24 * 60 * 60),
            content_type: |_| "application/octet-stream",
        }
    }
}
