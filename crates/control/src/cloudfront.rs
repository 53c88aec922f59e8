//! CloudFront's API at the root of the operators' interface: dated paths, bodies in XML, over the same operations.
//!
//! `routing` finds the operation of a request in the `model`, `interface` reads it and finds its handler in `handlers`.
//! There is a file for each resource: it says how its configuration in XML becomes a document and back.

mod api_error;
mod cache_policies;
mod call;
#[cfg(test)]
mod config_parts;
#[cfg(test)]
mod distribution_config;
mod handled;
mod handlers;
mod interface;
mod invalidations;
mod key_groups;
#[cfg(test)]
mod members;
pub mod model;
mod origin_request_policies;
mod policy_filters;
mod public_keys;
mod resource;
mod response_headers_policies;
mod routing;
mod settings;
#[cfg(test)]
mod streaming_config;
pub mod xml;

pub(crate) use interface::root;
pub(crate) use routing::is_dated;

#[cfg(test)]
mod tests;
