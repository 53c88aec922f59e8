//! Tests of the reader: hostile objects first, then that what is read is what was written.

pub(crate) mod builder;
mod codecs;
mod edits;
mod fragments;
mod hostile;
mod mutated;
mod oracles;
mod reading;
mod roles;
