//! Visits of a limited link: the cookie that proves one, and which viewer sends a request that has none.
//!
//! A viewer without a cookie is an address, since programs keep no cookies, and the parts of one download may come over
//! several connections. That an address is one viewer stops, for navigations, as soon as the viewer has shown a cookie:
//! from then on a navigation without it comes from somebody else behind the same address.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::cookies::{self, VISIT_COOKIE_PREFIX};
use crate::links::arrival::Arrival;
use crate::links::redemption::{AttemptId, ViewerDigest, Visit};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use privet_sign::{LinkId, PathTokenSecret, Timestamp};

/// Version of the values of cookies and confirmations.
const VERSION: u8 = 1;
/// Size of the MACs at their ends.
const MAC_SIZE_BYTES: usize = 16;
/// Number of cookies of one name that are looked at. Browsers send one.
const COOKIES_MAX: usize = 4;
/// Length of the longest text that is decoded; all that are made are shorter.
const TEXT_LENGTH_MAX: usize = 128;

/// Purposes of the secret.
const COOKIE: &str = "privet visit";
const ADDRESS: &str = "privet viewer at an address";
const NEWCOMER: &str = "privet viewer of an attempt";
const CONFIRMATION: &str = "privet confirmation";

/// Time for which the button of a page works.
pub const CONFIRMATION_SECS: u64 = 3600;

/// Makes and checks what proves visits of one link. All of it is bound to the link, and to the edges' secret.
#[derive(Clone, Copy, Debug)]
pub struct VisitSeal<'a> {
    /// The secret that the edges of a site share.
    pub secret: &'a PathTokenSecret,
    /// The identity of the link.
    pub link: LinkId,
}

/// What is known of the viewer of a request.
#[derive(Clone, Copy, Debug)]
pub struct ViewerFacts<'a> {
    /// The visit that a cookie proves, whether it has ended or not.
    pub visit: Option<Visit>,
    /// The viewer whom a pressed button names ([`VisitSeal::confirmed`]).
    pub confirmed: Option<ViewerDigest>,
    /// The viewer's address, after the rules about proxies.
    pub client: IpAddr,
    /// What kind of request it is.
    pub arrival: Arrival,
    /// A fresh random number.
    pub attempt: AttemptId,
    /// The viewers who have shown a cookie.
    pub shown: &'a ShownVisits,
}

impl VisitSeal<'_> {
    /// Returns the visit that a cookie of the request proves, whether it has ended or not.
    pub fn visit(&self, headers: &HeaderMap) -> Option<Visit> {
        let name = self.cookie_name();
        cookies::values(headers, &name)
            .take(COOKIES_MAX)
            .find_map(|value| self.opened(value))
    }

    /// Returns the value of `Set-Cookie` for a visit. `now` is the time of the response.
    ///
    /// The cookie is for HTTPS alone: over HTTP browsers drop it, and a viewer is an address.
    pub fn set_cookie(&self, visit: &Visit, now: Timestamp) -> String {
        let name = self.cookie_name();
        let value = self.sealed(visit);
        let age_secs = visit.until.as_secs().saturating_sub(now.as_secs());
        format!("{name}={value}; Path=/; Max-Age={age_secs}; Secure; HttpOnly; SameSite=Lax")
    }

    /// Returns the viewer who sends a request.
    pub fn viewer(&self, facts: &ViewerFacts<'_>) -> ViewerDigest {
        if let Some(visit) = facts.visit {
            return visit.viewer;
        }
        let at_address = self.viewer_at(facts.client);
        let viewer = facts.confirmed.unwrap_or(at_address);
        let is_somebody_else = match facts.arrival {
            Arrival::Navigation | Arrival::Robot => {
                viewer == at_address && facts.shown.contains(viewer)
            }
            Arrival::Program => false,
        };
        if is_somebody_else {
            self.newcomer(facts.attempt)
        } else {
            viewer
        }
    }

    /// Returns what the page's button sends for a viewer, so that pressing it is this viewer's use at this address.
    pub fn confirmation(&self, viewer: ViewerDigest, client: IpAddr, now: Timestamp) -> String {
        let until = now.as_secs().saturating_add(CONFIRMATION_SECS);
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&viewer.0);
        bytes.extend_from_slice(&until.to_be_bytes());
        let mac = self.mac(CONFIRMATION, &[&bytes, &network(client)]);
        bytes.extend_from_slice(&mac);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Returns the viewer whom the text of a pressed button names. `None` if the text was not made for this link and
    /// address, or an hour ago.
    pub fn confirmed(&self, text: &[u8], client: IpAddr, now: Timestamp) -> Option<ViewerDigest> {
        let bytes = decoded(text)?;
        let (body, mac) = bytes.split_last_chunk::<MAC_SIZE_BYTES>()?;
        let parts: &[&[u8]] = &[self.link.as_bytes(), body, &network(client)];
        if !self.secret.confirms(CONFIRMATION, parts, mac) {
            return None;
        }
        let (&[version], rest) = body.split_first_chunk()?;
        let (viewer, rest) = rest.split_first_chunk()?;
        let until = u64::from_be_bytes(rest.try_into().ok()?);
        (version == VERSION && now.as_secs() < until).then_some(ViewerDigest(*viewer))
    }

    /// Returns the viewer that an address stands for: all addresses of an IPv6 network of 64 bits are one viewer.
    ///
    /// The digest is another one for each link, and without the secret nobody can try which address it is.
    fn viewer_at(&self, client: IpAddr) -> ViewerDigest {
        ViewerDigest(self.mac(ADDRESS, &[&network(client)]))
    }

    /// Returns a viewer whom only a cookie will know again.
    fn newcomer(&self, attempt: AttemptId) -> ViewerDigest {
        ViewerDigest(self.mac(NEWCOMER, &[&attempt.0]))
    }

    fn cookie_name(&self) -> String {
        let [a, b, c, d, ..] = *self.link.as_bytes();
        format!("{VISIT_COOKIE_PREFIX}{a:02x}{b:02x}{c:02x}{d:02x}")
    }

    fn sealed(&self, visit: &Visit) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&visit.use_number.to_be_bytes());
        bytes.extend_from_slice(&visit.viewer.0);
        bytes.extend_from_slice(&visit.until.as_secs().to_be_bytes());
        let mac = self.mac(COOKIE, &[&bytes]);
        bytes.extend_from_slice(&mac);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn opened(&self, value: &[u8]) -> Option<Visit> {
        let bytes = decoded(value)?;
        let (body, mac) = bytes.split_last_chunk::<MAC_SIZE_BYTES>()?;
        if !self
            .secret
            .confirms(COOKIE, &[self.link.as_bytes(), body], mac)
        {
            return None;
        }
        let (&[version], rest) = body.split_first_chunk()?;
        let (use_number, rest) = rest.split_first_chunk()?;
        let (viewer, rest) = rest.split_first_chunk()?;
        let until = rest.try_into().ok()?;
        (version == VERSION).then(|| Visit {
            use_number: u32::from_be_bytes(*use_number),
            viewer: ViewerDigest(*viewer),
            until: Timestamp::from_secs(u64::from_be_bytes(until)),
        })
    }

    /// Returns a MAC of the link and some parts, as long as those are that are sent.
    fn mac(&self, purpose: &str, parts: &[&[u8]]) -> [u8; MAC_SIZE_BYTES] {
        let link: &[u8] = self.link.as_bytes();
        let parts: Vec<&[u8]> = std::iter::once(link).chain(parts.iter().copied()).collect();
        let whole = self.secret.mac(purpose, &parts);
        std::array::from_fn(|index| whole[index])
    }
}

/// The viewers who have shown a cookie, as many as fit: the oldest are forgotten first.
///
/// Somebody who is forgotten is an address again, which lets another viewer at this address take part in the visit, and
/// makes no use more.
#[derive(Clone, Debug)]
pub struct ShownVisits {
    capacity: usize,
    recent: HashMap<ViewerDigest, Timestamp>,
    older: HashMap<ViewerDigest, Timestamp>,
}

impl ShownVisits {
    /// Makes an empty table for at most about `capacity` viewers.
    pub fn new(capacity: usize) -> Self {
        ShownVisits {
            capacity: capacity.max(2),
            recent: HashMap::new(),
            older: HashMap::new(),
        }
    }

    /// Notes that a viewer has shown the cookie of a visit.
    pub fn note(&mut self, visit: &Visit) {
        if self.recent.len() >= self.capacity / 2 && !self.recent.contains_key(&visit.viewer) {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(visit.viewer, visit.until);
    }

    /// Forgets the viewers whose visits have ended. It costs a look at each of them.
    pub fn sweep(&mut self, now: Timestamp) {
        for viewers in [&mut self.recent, &mut self.older] {
            viewers.retain(|_, until| now < *until);
        }
    }

    /// True if the viewer is known to have shown a cookie.
    pub fn contains(&self, viewer: ViewerDigest) -> bool {
        self.recent.contains_key(&viewer) || self.older.contains_key(&viewer)
    }

    /// Returns how many viewers are known.
    pub fn len(&self) -> usize {
        let repeated = self.older.keys();
        let repeated = repeated.filter(|viewer| self.recent.contains_key(viewer));
        self.recent.len() + self.older.len() - repeated.count()
    }

    /// True if no viewer is known.
    pub fn is_empty(&self) -> bool {
        self.recent.is_empty() && self.older.is_empty()
    }
}

/// Returns the bytes of the network that counts as one address: IPv6 providers give 64 bits to one household.
fn network(client: IpAddr) -> [u8; 9] {
    let mut bytes = [0; 9];
    match client.to_canonical() {
        IpAddr::V4(address) => {
            bytes[0] = 4;
            bytes[1..5].copy_from_slice(&address.octets());
        }
        IpAddr::V6(address) => {
            bytes[0] = 6;
            bytes[1..].copy_from_slice(&address.octets()[..8]);
        }
    }
    bytes
}

fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() > TEXT_LENGTH_MAX {
        return None;
    }
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests;
