//! CloudFront's API at the root of the operators' interface: dated paths, bodies in XML, over the same operations.
//!
//! `routing` finds the operation of a request in the `model`, `interface` reads it and finds its handler in `handlers`.
//! There is a file for each resource: it says how its configuration in XML becomes a document and back. For
//! distributions `life_cycle` has the operations, and `distribution_config` and `streaming_config` the mapping.

mod active_keys;
mod aliases;
mod api_error;
mod cache_policies;
mod call;
mod config_parts;
mod distribution_config;
mod distribution_error;
mod distributions;
mod document_change;
mod handled;
mod handlers;
mod interface;
mod invalidations;
mod key_groups;
mod knowledge;
mod life_cycle;
mod members;
pub mod model;
mod monitoring;
mod older_version;
mod origin_access_controls;
mod origin_access_identities;
mod origin_request_policies;
mod policy_filters;
mod public_keys;
mod resource;
mod response_headers_policies;
mod routing;
mod settings;
mod streaming_config;
mod streaming_distributions;
mod tags;
mod users;
mod web_acls;
pub mod xml;

pub(crate) use interface::root;
pub use origin_access_identities::canonical_user_id;
pub(crate) use routing::is_dated;
pub use settings::Settings;

#[cfg(test)]
mod tests;
