//! Decides whether a request may open its URL now.
//!
//! The checks run in one order, and the first failure wins: id, key, signature text, policy text, hash name, signature,
//! resource, start, expiry, address. Where CloudFront's behavior is unpublished, [`Leniency`] decides.

use std::net::IpAddr;
use std::sync::Arc;

use crate::checks::FirstRefusal;
use crate::confirmed::ConfirmedPolicy;
use crate::credentials::{CredentialSource, Credentials, Field, has_reserved_name};
use crate::grant::{ConfirmedSignature, Grant};
use crate::key_set::KeySet;
use crate::leniency::Leniency;
use crate::memory::SignatureMemory;
use crate::object::Object;
use crate::refusal::Refusal;
use crate::time::Timestamp;
use crate::viewer::ViewerUrl;
pub(crate) use walk::Walk;

mod walk;

/// The trusted keys, and the facts of a request that any check may need.
///
/// Its methods run the same checks in the same order; they differ in what is requested, and by which credentials.
#[derive(Clone, Copy)]
pub struct Verifier<'a> {
    /// Keys that the behavior trusts.
    pub keys: &'a KeySet,
    /// Time of the request.
    pub now: Timestamp,
    /// Address that the viewer connected from, after the caller's rules about proxies.
    pub client: IpAddr,
    /// Operator's choices where CloudFront's are unpublished.
    pub leniency: &'a Leniency,
    /// Memory for the results of public-key checks; [`crate::NoMemory`] remembers nothing.
    pub memory: &'a dyn SignatureMemory,
}

/// The text that a valid signature was made over.
pub(crate) enum Granted {
    /// The rebuilt text of a canned policy.
    Canned(Arc<ConfirmedSignature>),
    /// A custom policy.
    Custom(ConfirmedPolicy),
}

impl Verifier<'_> {
    /// Runs all checks in order for a URL. Returns the grant, or the first reason against it.
    ///
    /// Start and expiry are both exclusive: the grant holds while `start < now < expiry`.
    ///
    /// # Errors
    /// The [`Refusal`], for the log; the viewer may only know its `error_code`.
    pub fn url(
        &self,
        url: &ViewerUrl<'_>,
        credentials: &Credentials<'_>,
    ) -> Result<Grant, Refusal> {
        let (grant, _) = self.granted(&Object::of_url(url), credentials)?;
        Ok(grant)
    }

    /// As [`Verifier::url`], for a stream of an RTMP connection (developer guide of 2017, "streaming distributions").
    ///
    /// `names` are the spellings under which the stream may have been signed: with and without `mp4:` or extension. A
    /// canned signature must be valid for one of them; a custom resource must cover one of them, and cannot be missing.
    ///
    /// # Errors
    /// As [`Verifier::url`].
    pub fn stream(&self, names: &[&str], credentials: &Credentials<'_>) -> Result<Grant, Refusal> {
        let (grant, _) = self.granted(&Object::Stream(names), credentials)?;
        Ok(grant)
    }

    /// As [`Verifier::url`], for a request with its cookie headers. Repeated cookies that the memory knows are not
    /// verified again.
    ///
    /// # Errors
    /// As [`Verifier::url`].
    pub fn request<'h>(
        &self,
        url: &ViewerUrl<'h>,
        mut cookie_headers: impl Iterator<Item = &'h [u8]>,
    ) -> Result<Grant, Refusal> {
        let object = Object::of_url(url);
        let (first, second) = (cookie_headers.next(), cookie_headers.next());
        // Only a single header is remembered: another may hold cookies of the same names, of which the first counts.
        let only = first.filter(|_| second.is_none());
        if let Some(cookies) = only
            && let Some(confirmed) = self.memory.recall(cookies)
            && confirmed.holds_for(self.keys, self.leniency)
            && !url.query.is_some_and(has_reserved_name)
        {
            return self.permitted(&confirmed, &object);
        }
        let cookie_headers = first.into_iter().chain(second).chain(cookie_headers);
        let credentials = Credentials::from_request(url.query, cookie_headers);
        match (only, credentials.field(Field::Policy)) {
            (Some(cookies), Some(policy)) if credentials.source == CredentialSource::Cookies => {
                let confirmed = Arc::new(self.confirmed(&credentials, policy)?);
                self.memory.keep(cookies, &confirmed);
                self.permitted(&confirmed, &object)
            }
            (Some(_) | None, Some(_) | None) => {
                self.granted(&object, &credentials).map(|(grant, _)| grant)
            }
        }
    }

    /// As [`Verifier::url`], for any object. Also returns the signed text.
    pub(crate) fn granted(
        &self,
        object: &Object<'_>,
        credentials: &Credentials<'_>,
    ) -> Result<(Grant, Granted), Refusal> {
        let checks = &mut FirstRefusal;
        let mut walk = Walk {
            verifier: self,
            credentials,
            checks,
        };
        let Ok(granted) = walk.run(object)?;
        Ok(granted)
    }

    /// Makes the checks of a custom policy that do not depend on the request.
    fn confirmed(
        &self,
        credentials: &Credentials<'_>,
        policy: &str,
    ) -> Result<ConfirmedPolicy, Refusal> {
        let checks = &mut FirstRefusal;
        let mut walk = Walk {
            verifier: self,
            credentials,
            checks,
        };
        let Ok(custom) = walk.confirm(policy)?;
        let (Ok(policy), Ok(signed)) = (custom.policy, custom.signed);
        Ok(walk.confirmed(policy, signed))
    }

    fn permitted(
        &self,
        confirmed: &ConfirmedPolicy,
        object: &Object<'_>,
    ) -> Result<Grant, Refusal> {
        let Ok(()) = walk::permit(self, &confirmed.policy, object, &mut FirstRefusal)?;
        Ok(confirmed.grant())
    }
}
