//! The edge's side towards S3 and HTTP origins: one request, one response, within the origin's time limits.
//!
//! Connections are kept in pools. What is asked of an origin, and what is made of its response, is decided elsewhere.

mod body;
mod connect;
mod credentials;
mod failover;
mod fault;
mod pool;
mod privacy;
mod request_body;
mod s3;

pub(crate) use body::OriginBody;
pub(crate) use failover::Answered;
pub(crate) use fault::{OriginFault, OriginFaultKind, Retry};
pub(crate) use privacy::Privacy;
pub(crate) use request_body::OriginRequestBody;

use http::{HeaderMap, Method, StatusCode, Version};
use privet_distribution::Origin;
use privet_sign::Scheme;
use std::rc::Rc;
use std::sync::Arc;

/// Sends requests to all origins of all distributions. One for each worker.
#[derive(Debug)]
pub(crate) struct OriginClient {
    shared: Arc<OriginClientShared>,
}

/// What the clients of all workers share: trusted authorities and access keys.
#[derive(Debug, Default)]
pub(crate) struct OriginClientShared {}

/// A request to an origin.
#[derive(Debug)]
pub(crate) struct OriginCall {
    pub(crate) method: Method,
    /// Raw path and query, with the origin path before it.
    pub(crate) target: String,
    /// What the origin request policy lets pass. `Host`, everything that frames the message, the origin's own custom
    /// headers and the signature are set by the client.
    pub(crate) headers: HeaderMap,
    pub(crate) body: OriginRequestBody,
    /// For origins that are asked the way the viewer asks.
    pub(crate) viewer_scheme: Scheme,
}

/// The head of a response, and its body as it arrives.
#[derive(Debug)]
pub(crate) struct OriginResponse {
    pub(crate) status: StatusCode,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) body: OriginBody,
}

impl OriginClient {
    /// A client without connections.
    pub(crate) fn new(shared: Arc<OriginClientShared>) -> Rc<Self> {
        Rc::new(OriginClient { shared })
    }

    /// Sends one request and waits for the head of its response.
    ///
    /// GET and HEAD are sent again when the connection ends before the head; a viewer's body is never sent twice.
    pub(crate) async fn send(
        &self,
        origin: &Origin,
        call: OriginCall,
    ) -> Result<OriginResponse, OriginFault> {
        let _ = (origin, call, &self.shared);
        Err(OriginFaultKind::Connect.into())
    }
}
