//! Reasons why the bytes of an object end early.

use crate::origin_client::{OriginFault, OriginFaultKind};

/// Reason why a fetch ended before its bytes did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FetchFault {
    /// The origin failed.
    Origin(OriginFaultKind),
    /// The origin has other bytes by now.
    Changed,
    /// Nobody wanted the bytes any more.
    Abandoned,
    /// The response is not what was requested.
    Unexpected,
}

impl From<OriginFault> for FetchFault {
    fn from(fault: OriginFault) -> Self {
        FetchFault::Origin(fault.kind)
    }
}
