//! What lists say of a film: tracks, codecs, sizes, segments; free of the index that it was read from.
