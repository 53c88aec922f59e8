//! CloudFront's API at the root of the operators' interface: dated paths, bodies in XML, over the same operations.

mod config_parts;
mod distribution_config;
mod members;
mod streaming_config;
