//! CloudFront's API at the root of the operators' interface: dated paths, bodies in XML, over the same operations.

pub mod model;
pub mod xml;
