//! Segments: fMP4 and transport streams.
