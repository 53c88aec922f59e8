//! Reasons why nothing is made of a video.

use super::indexes::VideoFault;
use crate::cache::ReadFault;
use crate::origin_client::origin_denial;
use privet_distribution::request::Denial;
use privet_media::Refusal;

/// Reason why nothing was made.
#[derive(Debug)]
pub(crate) enum MakeFault {
    Denied(Denial),
    /// The object has changed meanwhile.
    Lost,
}

impl From<Denial> for MakeFault {
    fn from(denial: Denial) -> Self {
        MakeFault::Denied(denial)
    }
}

impl From<Refusal> for MakeFault {
    fn from(refusal: Refusal) -> Self {
        MakeFault::Denied(refused(&refusal))
    }
}

impl From<ReadFault> for MakeFault {
    fn from(fault: ReadFault) -> Self {
        match fault {
            ReadFault::Origin(kind) => MakeFault::Denied(origin_denial(kind)),
            ReadFault::Lost => MakeFault::Lost,
        }
    }
}

impl From<VideoFault> for MakeFault {
    fn from(fault: VideoFault) -> Self {
        match fault {
            VideoFault::Refused(refusal) => refusal.into(),
            VideoFault::Read(fault) => fault.into(),
        }
    }
}

pub(crate) fn refused(refusal: &Refusal) -> Denial {
    Denial::Video {
        token: refusal.token(),
        reason: refusal.to_string(),
    }
}
