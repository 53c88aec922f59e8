//! What a request may have, and what of it an origin hears.
//!
//! [`route`] finds the behavior, in every reading of the path; [`authorize`] is the gate, and [`Authorized`] its proof; films
//! and streams have gates of their own. Whatever refuses is a [`Denial`]. [`origin_request`] writes what an origin is asked.

mod authorize;
mod bucket_refusal;
mod bucket_root;
mod canonical_path;
mod denial;
mod film;
mod forwarded;
mod geo;
mod origin_request;
mod readings;
mod route;
mod session;
mod stream;
mod stricter;
mod viewer_request;

pub(crate) use authorize::check_protocol;
pub use authorize::{Authorized, authorize, authorize_error_page};
pub use bucket_refusal::{
    BucketRefusal, RequestSignature, bucket_refusal, may_refuse_edge, names_identity, region_name,
    s3_error_code, s3_error_page, s3_error_region,
};
pub use canonical_path::is_canonical;
pub use denial::Denial;
pub use film::{authorize_film, authorize_member, route_film};
pub use forwarded::{Asked, Forwarded, ForwardedFault, forwarded};
pub use geo::check_geo;
pub use origin_request::{
    OriginRequest, RequestFacts, cloudfront_header, keyed_headers, origin_request,
};
pub(crate) use origin_request::{
    buckets, forwarded_query, forwards_host, takes_parameter, without_grants,
};
pub use route::{Routed, route};
pub use session::{
    carried_query, check_session, issue_session, object_query, session_location, split_session,
    wants_session, without_session,
};
pub use stream::{StreamDenial, StreamRequest, authorize_stream, route_stream};
pub use viewer_request::{PathSession, ViewerRequest};

#[cfg(test)]
pub(crate) use readings::Readings;
