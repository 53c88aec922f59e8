//! The terms that a caller wants to grant, checked and turned into the text to be signed.
//!
//! Terms that CloudFront would refuse later are refused here, with the reason.

use std::borrow::Cow;
use std::sync::Arc;

use crate::ip::IpRange;
use crate::link_mark::LinkMark;
use crate::policy::{self, Policy, StatementForm};
use crate::resource::{self, Sections, Target};
use crate::sign_error::SignError;
use crate::time::Timestamp;
use crate::wire::{WireParts, WireUrl};

/// The terms of a grant. Start with [`Terms::until`], then set fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Expiry, exclusive: 1 to [`Timestamp::MAX_EXPIRY`]. Ignored with `policy`.
    pub until: Timestamp,
    /// Start, exclusive.
    pub from: Option<Timestamp>,
    /// Range of the only addresses that may use the link.
    pub ip: Option<IpRange>,
    /// Resource, if other than the URL. Wildcards (`*`, `?`) are allowed, and `http*://` is accepted.
    pub resource: Option<String>,
    /// Mark of the link. A link with one always has a custom policy. Ids and nonces are the caller's random bytes.
    pub mark: Option<LinkMark>,
    /// Ready-made policy JSON, minified and then signed. `from`, `ip`, `resource` and `mark` must be unset; `until` is
    /// ignored.
    pub policy: Option<String>,
    /// Set to allow a resource that covers every host, or a policy without one.
    pub allow_broad: bool,
}

impl Terms {
    /// Makes the plainest terms: one URL, until this time.
    pub fn until(until: Timestamp) -> Self {
        Terms {
            until,
            from: None,
            ip: None,
            resource: None,
            mark: None,
            policy: None,
            allow_broad: false,
        }
    }

    /// True if the short, canned form can express the terms.
    fn is_canned(&self) -> bool {
        self.from.is_none()
            && self.ip.is_none()
            && self.resource.is_none()
            && self.mark.is_none()
            && self.policy.is_none()
    }
}

/// The purpose of the signature, which decides the resources that make sense.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose<'a> {
    Url(&'a WireUrl),
    Cookies(Option<&'a WireUrl>),
    /// Name without its `mp4:` prefix.
    Stream(&'a str),
    /// A signature for many URLs.
    Stamp,
}

/// Checked terms, ready to be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    Canned {
        message: Vec<u8>,
        until: Timestamp,
    },
    /// `resource` is that of the text, for later checks.
    Custom {
        text: String,
        resource: Option<String>,
    },
}

impl Plan {
    /// Checks `terms` for `purpose`. The plan is canned whenever that suffices.
    pub(crate) fn make(terms: &Terms, purpose: Purpose<'_>) -> Result<Self, SignError> {
        if let Some(text) = &terms.policy {
            return ready_made(text, terms, purpose);
        }
        check_dates(terms)?;
        check_mark(terms)?;
        let own = match purpose {
            Purpose::Url(url) | Purpose::Cookies(Some(url)) => Some(url.as_str()),
            Purpose::Stream(name) => Some(name),
            Purpose::Cookies(None) | Purpose::Stamp => None,
        };
        let resource = match (&terms.resource, own) {
            (Some(resource), _) => Some(wire_resource(resource, purpose)?),
            (None, Some(own)) => {
                refuse_wildcards(own, terms)?;
                None
            }
            (None, None) if matches!(purpose, Purpose::Stamp) => {
                return Err(SignError::ResourceMissing);
            }
            (None, None) => return Err(SignError::NothingToGrant),
        };
        match (resource, own) {
            (None, Some(own)) if terms.is_canned() => Ok(canned(own, terms.until)),
            (resource, own) => {
                let resource = resource
                    .or(own.map(Cow::Borrowed))
                    .ok_or(SignError::ResourceMissing)?;
                custom(resource, terms, purpose)
            }
        }
    }
}

fn canned(resource: &str, until: Timestamp) -> Plan {
    let mut message = Vec::with_capacity(resource.len() + 96);
    policy::canned_into(&[resource], &until.as_secs().to_string(), &mut message);
    Plan::Canned { message, until }
}

fn custom(resource: Cow<'_, str>, terms: &Terms, purpose: Purpose<'_>) -> Result<Plan, SignError> {
    check_resource(Some(&resource), terms, purpose)?;
    let policy = Policy {
        resource: Some(resource),
        until: terms.until,
        from: terms.from,
        ip: terms.ip,
        mark: terms.mark.map(Arc::new),
    };
    let text = policy::custom_text(&policy);
    Ok(Plan::Custom {
        text,
        resource: policy.resource.map(Cow::into_owned),
    })
}

/// Makes a plan of the caller's own policy, from which only white space is removed.
fn ready_made(text: &str, terms: &Terms, purpose: Purpose<'_>) -> Result<Plan, SignError> {
    if terms.from.is_some()
        || terms.ip.is_some()
        || terms.resource.is_some()
        || terms.mark.is_some()
    {
        return Err(SignError::PolicyAndTerms);
    }
    let policy = Policy::parse_strictly(text.as_bytes(), StatementForm::Array)?;
    if let Some(from) = policy.from.filter(|from| *from >= policy.until) {
        return Err(SignError::NeverValid {
            from,
            until: policy.until,
        });
    }
    check_resource(policy.resource.as_deref(), terms, purpose)?;
    Ok(Plan::Custom {
        text: policy::minify(text),
        resource: policy.resource.map(Cow::into_owned),
    })
}

/// Refuses a mark that would be refused when it is read.
fn check_mark(terms: &Terms) -> Result<(), SignError> {
    let Some(mark) = &terms.mark else {
        return Ok(());
    };
    if mark.is_empty() {
        return Err(SignError::EmptyMark);
    }
    match mark.made {
        Some(made) if made.as_secs() == 0 => Err(SignError::MadeAtNoTime),
        Some(made) => check_late(made),
        None => Ok(()),
    }
}

fn check_dates(terms: &Terms) -> Result<(), SignError> {
    if terms.until.as_secs() == 0 {
        return Err(SignError::ExpiryNotPositive);
    }
    for moment in [Some(terms.until), terms.from].into_iter().flatten() {
        check_late(moment)?;
    }
    match terms.from {
        Some(from) if from >= terms.until => Err(SignError::NeverValid {
            from,
            until: terms.until,
        }),
        Some(_) | None => Ok(()),
    }
}

/// Refuses times that no policy may have.
fn check_late(moment: Timestamp) -> Result<(), SignError> {
    if moment <= Timestamp::MAX_EXPIRY {
        return Ok(());
    }
    let seconds = Timestamp::from_secs(moment.as_secs() / 1000);
    Err(if seconds <= Timestamp::MAX_EXPIRY {
        SignError::Milliseconds(moment)
    } else {
        SignError::TooLate(moment)
    })
}

/// Refuses a `*` that was not given as a resource. A canned policy takes one in a query literally.
fn refuse_wildcards(own: &str, terms: &Terms) -> Result<(), SignError> {
    let path = if terms.is_canned() {
        own.split('?').next().unwrap_or(own)
    } else {
        own
    };
    if path.contains('*') {
        Err(SignError::WildcardInUrl)
    } else {
        Ok(())
    }
}

/// Spells the resource as clients will spell the URLs it covers: host in lower case, special characters
/// percent-encoded.
fn wire_resource<'a>(resource: &'a str, purpose: Purpose<'_>) -> Result<Cow<'a, str>, SignError> {
    if resource.contains(|char: char| char.is_ascii_control()) || resource.trim() != resource {
        return Err(SignError::ControlCharacters);
    }
    let encoded = encode_resource(resource);
    refuse_cookie_scheme(&encoded, purpose)?;
    let host = match (resource::sections(&encoded), purpose) {
        (_, Purpose::Stream(_)) if encoded.contains("://") => {
            return Err(SignError::StreamResource);
        }
        (_, Purpose::Stream(_)) | (Sections::Everything, _) => return Ok(encoded),
        (Sections::Nothing, _) => return Err(SignError::ResourceShape(resource.to_owned())),
        (Sections::Url { host, .. }, _) => host.to_owned(),
    };
    if host.contains(['%', '@', '\\']) {
        return Err(SignError::ResourceShape(resource.to_owned()));
    }
    let star_scheme = encoded.strip_prefix("http*://");
    let changed = star_scheme.is_some() || host.bytes().any(|byte| byte.is_ascii_uppercase());
    if !changed {
        return Ok(encoded);
    }
    let spelled = star_scheme.map_or_else(|| encoded.to_string(), |rest| format!("*://{rest}"));
    Ok(Cow::Owned(spelled.replacen(
        &host,
        &host.to_ascii_lowercase(),
        1,
    )))
}

/// Refuses `http*://` for cookies: the cookie guide allows `http://`, `https://` and `*` as beginnings, nothing else.
fn refuse_cookie_scheme(resource: &str, purpose: Purpose<'_>) -> Result<(), SignError> {
    if matches!(purpose, Purpose::Cookies(_)) && resource.starts_with("http*://") {
        return Err(SignError::CookieResourceScheme);
    }
    Ok(())
}

/// Percent-encodes the characters that clients encode in path and query alike.
fn encode_resource(resource: &str) -> Cow<'_, str> {
    let needs = |byte: u8| !byte.is_ascii() || matches!(byte, b' ' | b'"' | b'<' | b'>');
    if !resource.bytes().any(needs) {
        return Cow::Borrowed(resource);
    }
    let mut encoded = String::with_capacity(resource.len() + 16);
    for byte in resource.bytes() {
        if needs(byte) {
            encoded.push_str(&format!("%{byte:02X}"));
        } else {
            encoded.push(char::from(byte));
        }
    }
    Cow::Owned(encoded)
}

/// Checks a resource's breadth, shape and coverage.
fn check_resource(
    resource: Option<&str>,
    terms: &Terms,
    purpose: Purpose<'_>,
) -> Result<(), SignError> {
    if is_broad(resource, purpose) && !terms.allow_broad {
        return Err(SignError::TooBroad);
    }
    let Some(resource) = resource else {
        return Ok(());
    };
    refuse_cookie_scheme(resource, purpose)?;
    if !matches!(purpose, Purpose::Stream(_)) && resource::sections(resource) == Sections::Nothing {
        return Err(SignError::ResourceShape(resource.to_owned()));
    }
    match purpose {
        Purpose::Url(url) | Purpose::Cookies(Some(url)) => check_covers(resource, url.as_str()),
        Purpose::Stream(name) if !resource::covers_stream(resource, name) => {
            Err(SignError::NotCovered {
                resource: resource.to_owned(),
                url: name.to_owned(),
            })
        }
        Purpose::Stream(_) | Purpose::Cookies(None) | Purpose::Stamp => Ok(()),
    }
}

fn check_covers(resource: &str, url: &str) -> Result<(), SignError> {
    if resource::covers(resource, &target_of(&WireParts::cut(url))) {
        return Ok(());
    }
    Err(SignError::NotCovered {
        resource: resource.to_owned(),
        url: url.to_owned(),
    })
}

pub(crate) fn target_of<'a>(parts: &WireParts<'a>) -> Target<'a> {
    Target {
        scheme: parts.scheme,
        host: parts.host,
        path: parts.path,
        query: parts.query.unwrap_or_default(),
    }
}

/// True if the policy is valid at every distribution that trusts the key, since its host has no name.
fn is_broad(resource: Option<&str>, purpose: Purpose<'_>) -> bool {
    let Some(resource) = resource else {
        return true;
    };
    if matches!(purpose, Purpose::Stream(_)) {
        return resource.bytes().all(|byte| matches!(byte, b'*' | b'?'));
    }
    match resource::sections(resource) {
        Sections::Everything => true,
        Sections::Url { host, .. } => !host.bytes().any(|byte| byte.is_ascii_alphanumeric()),
        Sections::Nothing => false,
    }
}
