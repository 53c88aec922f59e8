//! What viewers are told of an origin's faults.

use super::fault::OriginFaultKind;
use crate::standard_error;
use privet_distribution::request::Denial;
use std::cell::Cell;
use std::time::{Duration, Instant};

const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// What the viewer is told of an origin's fault.
pub(crate) fn origin_denial(kind: OriginFaultKind) -> Denial {
    match kind {
        OriginFaultKind::Dns => Denial::OriginDns,
        OriginFaultKind::Connect => Denial::OriginConnect,
        OriginFaultKind::Credentials => {
            complain_of_keys();
            Denial::OriginCredentials
        }
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

thread_local! {
    /// When this worker last told the operator that keys are missing.
    static COMPLAINED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Tells the operator, once a minute from each worker: viewers only see that a connection failed.
fn complain_of_keys() {
    let is_recent = COMPLAINED
        .get()
        .is_some_and(|last| last.elapsed() < COMPLAIN_EVERY);
    if !is_recent {
        COMPLAINED.set(Some(Instant::now()));
        standard_error::warning(
            "no valid access keys for a bucket; set access_key_id and secret_access_key at the origin, \
             AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile",
        );
    }
}
