//! Denials that viewers get for an origin's faults.

use super::fault::OriginFaultKind;
use privet_distribution::request::Denial;

/// Returns the denial that the viewer gets for an origin's fault.
pub(crate) fn origin_denial(kind: OriginFaultKind) -> Denial {
    match kind {
        OriginFaultKind::Dns => Denial::OriginDns,
        OriginFaultKind::Connect => Denial::OriginConnect,
        OriginFaultKind::Credentials => Denial::OriginCredentials,
        OriginFaultKind::Refused(refusal) => Denial::OriginRefusesEdge(refusal),
        OriginFaultKind::Tls => Denial::OriginTls,
        OriginFaultKind::ConnectTimeout | OriginFaultKind::ResponseTimeout => Denial::OriginTimeout,
        OriginFaultKind::Closed | OriginFaultKind::Truncated => Denial::OriginClosed,
        OriginFaultKind::InvalidHead => Denial::OriginInvalidResponse,
        OriginFaultKind::HeadTooLarge => Denial::OriginHeaderTooBig,
        OriginFaultKind::InvalidTarget => Denial::NotFound,
        OriginFaultKind::RequestBody => Denial::BadRequest,
        OriginFaultKind::RequestBodyTimeout => Denial::BodyTimeout,
        OriginFaultKind::Capacity => Denial::CapacityExceeded,
    }
}
