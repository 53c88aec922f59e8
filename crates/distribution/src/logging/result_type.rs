//! How a request ended, in CloudFront's words: the log's two result fields, and `X-Cache`.

/// How a request ended, in CloudFront's words (developer guide, "Standard logging reference").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultType {
    /// Served from the cache.
    Hit,
    /// Served from the cache after the origin said that nothing changed.
    RefreshHit,
    /// Fetched from the origin.
    Miss,
    /// Refused by a quota.
    LimitExceeded,
    /// Refused for want of room.
    CapacityExceeded,
    /// Refused, failed, or left early by the viewer.
    Error,
    /// Sent from HTTP to HTTPS.
    Redirect,
}

impl ResultType {
    /// The word for the log.
    pub fn as_str(self) -> &'static str {
        match self {
            ResultType::Hit => "Hit",
            ResultType::RefreshHit => "RefreshHit",
            ResultType::Miss => "Miss",
            ResultType::LimitExceeded => "LimitExceeded",
            ResultType::CapacityExceeded => "CapacityExceeded",
            ResultType::Error => "Error",
            ResultType::Redirect => "Redirect",
        }
    }

    /// The value of `X-Cache`. A viewer is not told why an answer is an error.
    pub fn x_cache(self) -> &'static str {
        match self {
            ResultType::Hit => "Hit from cloudfront",
            ResultType::RefreshHit => "RefreshHit from cloudfront",
            ResultType::Miss => "Miss from cloudfront",
            ResultType::LimitExceeded | ResultType::CapacityExceeded | ResultType::Error => {
                "Error from cloudfront"
            }
            ResultType::Redirect => "Redirect from cloudfront",
        }
    }
}

/// Why a request ended so: `x-edge-detailed-result-type` (developer guide, "Standard logging reference").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DetailedResult {
    /// Nothing more is to be said than the result.
    Plain(ResultType),
    /// The viewer did not take the answer, or did not send its body, in time or at all.
    ClientCommError,
    /// The viewer's country is blocked.
    ClientGeoBlocked,
    /// The viewer left before there was an answer.
    ClientHungUpRequest,
    /// The request cannot be understood, or nothing of the kind is taken.
    InvalidRequest,
    /// The method is not among those of the behavior.
    InvalidRequestMethod,
    /// The origin broke off, or said nothing in time.
    OriginCommError,
    /// The origin cannot be connected to.
    OriginConnectError,
    /// The origin's name has no address.
    OriginDnsError,
    /// The origin answered with an error of its own.
    OriginError,
    /// The head of the origin's response is too large.
    OriginHeaderTooBigError,
    /// The origin's response is none by HTTP, or not what was asked for.
    OriginInvalidResponseError,
    /// A file of the origin cannot be read.
    OriginReadError,
}

impl DetailedResult {
    /// The word for the log.
    pub fn as_str(self) -> &'static str {
        match self {
            DetailedResult::Plain(result) => result.as_str(),
            DetailedResult::ClientCommError => "ClientCommError",
            DetailedResult::ClientGeoBlocked => "ClientGeoBlocked",
            DetailedResult::ClientHungUpRequest => "ClientHungUpRequest",
            DetailedResult::InvalidRequest => "InvalidRequest",
            DetailedResult::InvalidRequestMethod => "InvalidRequestMethod",
            DetailedResult::OriginCommError => "OriginCommError",
            DetailedResult::OriginConnectError => "OriginConnectError",
            DetailedResult::OriginDnsError => "OriginDnsError",
            DetailedResult::OriginError => "OriginError",
            DetailedResult::OriginHeaderTooBigError => "OriginHeaderTooBigError",
            DetailedResult::OriginInvalidResponseError => "OriginInvalidResponseError",
            DetailedResult::OriginReadError => "OriginReadError",
        }
    }

    /// Whether it is the origin's doing, which is told even where the viewer then left.
    pub fn is_of_origin(self) -> bool {
        match self {
            DetailedResult::OriginCommError
            | DetailedResult::OriginConnectError
            | DetailedResult::OriginDnsError
            | DetailedResult::OriginError
            | DetailedResult::OriginHeaderTooBigError
            | DetailedResult::OriginInvalidResponseError
            | DetailedResult::OriginReadError => true,
            DetailedResult::Plain(_)
            | DetailedResult::ClientCommError
            | DetailedResult::ClientGeoBlocked
            | DetailedResult::ClientHungUpRequest
            | DetailedResult::InvalidRequest
            | DetailedResult::InvalidRequestMethod => false,
        }
    }
}
