//! The texts of HLS and DASH, and subtitles.
