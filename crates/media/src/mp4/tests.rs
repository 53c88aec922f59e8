//! Tests of the reader: first that hostile objects are refused, then that objects are read as they were written.

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
