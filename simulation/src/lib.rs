//! A simulation of links that end early and links that count: a fleet of edges, a store that is killed, clocks that
//! jump, messages that are lost, doubled and late, viewers who come back, and operators who revoke.
//!
//! Everything follows from a seed: there are no threads and no clocks. What decides is the code that decides in the
//! edge ([`privet_distribution::links`]); the store, the network and the viewers are models.

mod checker;
mod edge;
mod random;
mod store;
mod world;

pub use store::Acknowledged;
pub use world::{Settings, World};

#[cfg(test)]
mod tests;
