//! Cuts the tracks of a film into segments.
