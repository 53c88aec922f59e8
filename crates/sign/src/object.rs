//! The object of a request, and the comparison of signatures and resources with it.

use std::borrow::Cow;

use crate::credentials::own_query;
use crate::grant::QueryUse;
use crate::leniency::Leniency;
use crate::policy;
use crate::resource::{self, Target};
use crate::viewer::ViewerUrl;

/// The object of a request.
pub(crate) enum Object<'a> {
    /// A file, with the viewer's own part of the query.
    Url {
        url: &'a ViewerUrl<'a>,
        query: Cow<'a, str>,
    },
    /// The possible names of one stream.
    Stream(&'a [&'a str]),
}

impl<'a> Object<'a> {
    /// Makes the object of the file that a URL names.
    pub(crate) fn of_url(url: &'a ViewerUrl<'a>) -> Self {
        Object::Url {
            url,
            query: own_query(url.query),
        }
    }

    /// Returns the use that a signature over exactly this object makes of the query.
    pub(crate) fn query_use(&self) -> QueryUse {
        match self {
            Object::Url { query, .. } if !query.is_empty() => QueryUse::Compared,
            Object::Url { .. } | Object::Stream(_) => QueryUse::Ignored,
        }
    }
}

/// Returns the canned text for the spelling of the object over which the signature is valid.
pub(crate) fn canned_text(
    object: &Object<'_>,
    expires: &str,
    leniency: &Leniency,
    verifies: impl Fn(&[u8]) -> bool,
) -> Option<Vec<u8>> {
    let mut message = Vec::with_capacity(256);
    let mut good = |resource: &[&str]| {
        // A quote would end the Resource inside the rebuilt text; no client sends one.
        if resource.iter().any(|part| part.contains('"')) {
            return false;
        }
        message.clear();
        policy::canned_into(resource, expires, &mut message);
        verifies(&message)
    };
    let is_good = match object {
        Object::Url { url, query } => {
            let mut hosts = url.hosts(leniency);
            hosts.any(|host| good(&url.exact(&host, query)))
        }
        Object::Stream(names) => names.iter().any(|name| good(&[name])),
    };
    is_good.then_some(message)
}

/// True if the resource of a custom policy covers the object. A missing resource covers every URL, but no stream.
pub(crate) fn covers(resource: Option<&str>, object: &Object<'_>, leniency: &Leniency) -> bool {
    match (object, resource) {
        (Object::Url { .. }, None) => true,
        (Object::Url { url, query }, Some(resource)) => url.hosts(leniency).any(|host| {
            let target = Target {
                scheme: url.scheme.as_str(),
                host: &host,
                path: url.path,
                query,
            };
            resource::covers(resource, &target)
        }),
        (Object::Stream(_), None) => false,
        (Object::Stream(names), Some(resource)) => names
            .iter()
            .any(|name| resource::covers_stream(resource, name)),
    }
}
