//! Decides what a request may have, and which parts of it reach an origin.
//!
//! [`route`] finds the behavior, in every reading of the path; [`authorize`] checks the restriction, and [`Authorized`]
//! is the proof; videos and streams have checks of their own. Every refusal is a [`Denial`]. [`origin_request`] writes
//! the request to the origin.

mod authorize;
mod bucket_refusal;
mod bucket_root;
mod connection;
mod denial;
mod forwarded;
mod geo;
mod link_refusal;
mod origin_request;
mod path_token;
mod readings;
mod route;
mod stream;
mod stricter;
mod video;
mod viewer_request;

pub use crate::canonical_path::is_canonical;
pub(crate) use authorize::check_protocol;
pub use authorize::{Authorized, authorize, authorize_error_page};
pub use bucket_refusal::{
    BucketRefusal, RequestSignature, bucket_refusal, may_refuse_edge, names_identity, region_name,
    s3_error_code, s3_error_page, s3_error_region,
};
pub use connection::check_connection;
pub use denial::Denial;
pub use forwarded::{Asked, Forwarded, ForwardedFault, forwarded};
pub use geo::check_geo;
pub use link_refusal::{Lasting, LinkRefusal};
pub use origin_request::{
    OriginRequest, RequestFacts, cloudfront_header, keyed_headers, origin_request,
};
pub(crate) use origin_request::{
    buckets, forwarded_query, forwards_host, is_passed, takes_parameter, without_grants,
};
pub use path_token::{
    PathTokenIssuer, carried_query, check_path_token, object_query, path_token_location,
    split_path_token, wants_path_token, without_path_token,
};
pub use route::{Routed, route};
pub use stream::{StreamDenial, StreamRequest, authorize_stream, route_stream};
pub use video::{authorize_member, authorize_video, route_video};
pub use viewer_request::{PathTokenUrl, ViewerRequest};

#[cfg(test)]
pub(crate) use readings::Readings;
