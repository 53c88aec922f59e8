//! Why the bytes of an object ended before they should.

use crate::origin_client::{OriginFault, OriginFaultKind};

/// Why a fetch ended before its bytes did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FetchFault {
    /// The origin failed.
    Origin(OriginFaultKind),
    /// The origin has other bytes by now.
    Changed,
    /// Nobody was interested any more.
    Abandoned,
    /// The origin answered something else than what was asked for.
    Unexpected,
}

impl From<OriginFault> for FetchFault {
    fn from(fault: OriginFault) -> Self {
        FetchFault::Origin(fault.kind)
    }
}
