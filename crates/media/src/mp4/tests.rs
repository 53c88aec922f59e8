//! Tests of the reader: hostile objects first, then that what is read is what was written.

pub(crate) mod builder;
mod codecs;
mod colour;
mod edits;
mod fragments;
mod hostile;
mod mutated;
mod numbers;
mod oracles;
mod reading;
mod roles;
