//! The index of an mp4 object: where its samples are and when they are shown.
