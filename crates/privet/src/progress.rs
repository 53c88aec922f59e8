//! The progress of long work, on standard error and on a terminal alone.

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

/// Shorter work ends before anybody has read how far it is.
const COUNT_MIN: usize = 1_000;

/// Returns the progress of `count` steps, which is cleared when the last is done.
pub(crate) fn progress(count: usize, message: &'static str) -> ProgressBar {
    if count < COUNT_MIN {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}");
    ProgressBar::new(u64::try_from(count).unwrap_or(u64::MAX))
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_message(message)
        .with_finish(ProgressFinish::AndClear)
}

/// Fewer bytes are there before anybody has read how far they are.
const BYTES_MIN: u64 = 8 * 1024 * 1024;

/// Returns the progress of copying `size_bytes`, which is cleared at the end.
pub(crate) fn bytes_progress(size_bytes: u64) -> ProgressBar {
    if size_bytes < BYTES_MIN {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(
        "{wide_bar} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta}",
    );
    ProgressBar::new(size_bytes)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_finish(ProgressFinish::AndClear)
}
