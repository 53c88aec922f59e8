//! What an interface adds to the way of a request: how it is read, which operation it is for, and how it is answered.
//!
//! The way itself, with all checks, is the same for every interface: `app` goes it.

use crate::authentication::{AccessError, Signatures};
use crate::operation_error::OperationError;
use crate::operations::Operations;
use crate::operator::{Authenticated, Caller};
use crate::request_error::RequestError;
use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use privet_store::DocumentName;
use std::collections::BTreeMap;

/// What a request leads to in one interface.
pub(crate) trait Interface: Clone + Send + Sync + 'static {
    /// An error as clients of the interface receive it.
    type Failure: Failure;
    /// A request that was read, and that its sender may make.
    type Prepared: Send + 'static;

    /// Header in which an answer has the id of its request.
    const REQUEST_ID: &'static str;

    /// Returns the kinds of signatures that are taken of this request.
    fn signatures(&self) -> Signatures;

    /// Returns the name of the operation in the audit trail.
    fn operation(&self) -> &str;

    /// Returns which calls are written down.
    fn note(&self) -> Note;

    /// Returns what a call is about, for the audit trail.
    fn subject(&self, parameters: &BTreeMap<String, String>) -> Option<DocumentName>;

    /// Returns how a change is known that comes again; `None` if the interface has no way to say that it does.
    fn repetition(&self, parts: &Parts) -> Option<Repetition>;

    /// Reads a request, if its sender has the role for it.
    fn prepare(&self, caller: &Caller, received: Received)
    -> Result<Self::Prepared, Self::Failure>;

    /// Does what is asked.
    fn perform(
        self,
        operations: Operations,
        authenticated: Authenticated,
        prepared: Self::Prepared,
    ) -> impl Future<Output = Result<Response<Bytes>, Self::Failure>> + Send + 'static;

    /// Returns the response to a request that failed.
    fn refuse(&self, failure: &Self::Failure, request_id: &str) -> Response<Bytes>;
}

/// An error as an interface tells it.
pub(crate) trait Failure:
    From<RequestError> + From<AccessError> + From<OperationError> + Send + Sync + 'static
{
    /// Returns the status of the response.
    fn status(&self) -> StatusCode;

    /// Returns the word for it, which stays the same in later versions.
    fn code(&self) -> &str;
}

/// A request whose sender is known.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) parts: Parts,
    pub(crate) body: Bytes,
    /// Parameters of the path, where the router has found any.
    pub(crate) parameters: BTreeMap<String, String>,
}

/// Whether a call goes into the audit trail by itself: writes of the store make their own entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// Refusals alone.
    Refusals,
    /// Every call.
    Calls,
}

/// How a client says that it sends a change again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repetition {
    /// Id that all attempts have in common.
    pub(crate) invocation: Option<String>,
    /// Number of the attempt, from 1.
    pub(crate) attempt: u32,
}
