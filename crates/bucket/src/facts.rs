//! What the endpoint tells the operations about a request besides what the router reads: who sent it, and the header fields
//! that the router would read otherwise than RFC 9110 does.

use crate::body::TrailerSlot;
use crate::operators::Holder;
use http::header::{
    EXPIRES, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE,
};
use http::{HeaderMap, HeaderName};

/// Facts of a request.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) holder: Holder,
    pub(crate) fields: Fields,
    /// The trailer of the body, once that was read.
    pub(crate) trailer: Option<TrailerSlot>,
    /// Names of the header fields that the trailer will have.
    pub(crate) trailer_names: Vec<String>,
}

/// Header fields that the operations read themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    pub(crate) range: Option<String>,
    pub(crate) if_range: Option<String>,
    pub(crate) if_match: Option<String>,
    pub(crate) if_none_match: Option<String>,
    pub(crate) if_modified_since: Option<String>,
    pub(crate) if_unmodified_since: Option<String>,
    pub(crate) expires: Option<String>,
}

impl Fields {
    /// Takes the fields out of a head.
    pub(crate) fn take(headers: &mut HeaderMap) -> Self {
        let mut take = |name: HeaderName| {
            let values: Vec<String> = headers
                .get_all(&name)
                .iter()
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                .collect();
            headers.remove(&name);
            (!values.is_empty()).then(|| values.join(", "))
        };
        Fields {
            range: take(RANGE),
            if_range: take(IF_RANGE),
            if_match: take(IF_MATCH),
            if_none_match: take(IF_NONE_MATCH),
            if_modified_since: take(IF_MODIFIED_SINCE),
            if_unmodified_since: take(IF_UNMODIFIED_SINCE),
            expires: take(EXPIRES),
        }
    }
}
