//! Reads 3GPP timed text (ETSI TS 126 245).

use std::time::Duration;

/// WebVTT from samples: when each is shown first, when no longer, and its bytes.
pub fn vtt_from_tx3g(_samples: impl Iterator<Item = (Duration, Duration, Vec<u8>)>) -> String {
    String::new()
}
