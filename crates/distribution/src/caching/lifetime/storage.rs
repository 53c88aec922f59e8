//! Decides whether a response is stored (RFC 9111 3 and 3.5), and for how long by the TTLs of CloudFront's cache
//! policies (developer guide, "Manage how long content stays in the cache" and "How CloudFront caches HTTP status
//! codes").

use super::explicit::{Explicit, capped, initial_age_secs, unchanged_secs};
use super::{Lifetime, Moments, ServeStale, Spans};
use crate::caching::cache_control::CacheControl;
use crate::config::{CacheBehavior, CachePolicy, ERROR_MIN_TTL_DEFAULT, NameFilter};
use http::{HeaderMap, Method, StatusCode, header};
use privet_sign::Timestamp;
use std::time::Duration;

/// The decision of [`storage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// The response is stored, with this lifetime.
    Store(Lifetime),
    /// The response is not stored, for this reason.
    Refuse(Unstorable),
}

/// Reason why a response is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unstorable {
    /// The policy's maximum TTL is 0.
    Disabled,
    /// Only responses to GET are stored.
    Method,
    /// The status is never stored, or only with a `max-age` that the response lacks.
    Status,
    /// The body is longer than any object that is stored.
    TooLarge,
    /// RFC 9111 5.2.2.3: `must-understand` beside a status that the edge does not understand.
    MustUnderstand,
    /// RFC 9111 5.2.2.5: `no-store`.
    NoStore,
    /// RFC 9111 5.2.2.7: `private`.
    Private,
    /// RFC 9111 3.5: the request had `Authorization`, and the response does not permit sharing.
    Authorization,
    /// `Set-Cookie` in a response to cookies that are not in the cache key: somebody's session.
    SetCookie,
    /// `Vary: *`.
    VaryEverything,
    /// The response arrived stale, has no validator, and may not be served stale.
    Stale,
}

impl Unstorable {
    /// Returns the token for `detail` of `Cache-Status` (RFC 9211 2.8).
    pub fn token(self) -> &'static str {
        match self {
            Unstorable::Disabled => "caching-disabled",
            Unstorable::Method => "method",
            Unstorable::Status => "status",
            Unstorable::TooLarge => "too-large",
            Unstorable::MustUnderstand => "must-understand",
            Unstorable::NoStore => "no-store",
            Unstorable::Private => "private",
            Unstorable::Authorization => "authorization",
            Unstorable::SetCookie => "set-cookie",
            Unstorable::VaryEverything => "vary",
            Unstorable::Stale => "stale",
        }
    }
}

/// A request to an origin and the response that came.
#[derive(Clone, Copy, Debug)]
pub struct OriginExchange<'a> {
    /// The method of the request.
    pub method: &'a Method,
    /// The fields of the request as it was sent, without a signature of the edge's own: an `Authorization` in them is
    /// the viewer's.
    pub request: &'a HeaderMap,
    /// The status of the response; 200 for a whole object put together from 206 responses.
    pub status: StatusCode,
    /// The fields of the response.
    pub response: &'a HeaderMap,
}

/// Decides whether a response is stored, and how long it stays fresh and may be served stale.
///
/// `request` is the request as it was sent to the origin, without the edge's own signature: an `Authorization` in it is
/// the viewer's. `status` is 200 for a whole object assembled from 206 responses. `error_min_ttl` is the TTL that a
/// custom error response configures for this status; `None` when none does, which means 10 s for the errors that
/// CloudFront always caches. After a 304, it is called again with the stored status and the freshened fields.
///
/// With a minimum TTL above 0 the policy overrides `no-store`, `no-cache` and `private`, as CloudFront's does; it
/// overrides RFC 9111 3.5 only where `Authorization` is in the cache key.
pub fn storage(
    exchange: &OriginExchange<'_>,
    policy: &CachePolicy,
    error_min_ttl: Option<Duration>,
    moments: &Moments,
) -> Storage {
    let OriginExchange {
        method,
        request,
        status,
        response,
    } = *exchange;
    let said = ResponseFacts {
        status,
        response,
        cache_control: CacheControl::for_audience(response, policy.audience()),
        class: StatusClass::of(status),
        policy,
        error_min_ttl,
    };
    match said
        .may_be_stored(method, request)
        .and_then(|()| said.lifetime(moments))
    {
        Ok(lifetime) => Storage::Store(lifetime),
        Err(unstorable) => Storage::Refuse(unstorable),
    }
}

/// The way in which simultaneous requests for the same key reach the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collapsing {
    /// They wait for one response of the origin.
    Together,
    /// Each goes to the origin by itself.
    Apart,
}

/// Returns whether requests to `behavior` may wait for each other (developer guide, "Simultaneous requests for the same
/// object").
///
/// They may not where nothing is cached or cookies are passed on. Requests that waited share a response only if it is
/// stored and was fresh on arrival; otherwise each goes to the origin by itself, which is CloudFront's exception for
/// `private`, `no-store`, `no-cache` and `max-age=0` with a minimum TTL of 0.
pub fn collapsing(behavior: &CacheBehavior) -> Collapsing {
    let passes_cookies = behavior.cache_policy.cookies != NameFilter::None
        || behavior
            .origin_request_policy
            .as_ref()
            .is_some_and(|policy| policy.cookies != NameFilter::None);
    if behavior.cache_policy.is_disabled() || passes_cookies {
        Collapsing::Apart
    } else {
        Collapsing::Together
    }
}

/// The way in which CloudFront caches a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StatusClass {
    /// A status that is cached even without explicit freshness (RFC 9110 15.1).
    Heuristic,
    /// A status that is cached only with explicit freshness.
    Explicit,
    /// An error that CloudFront always caches, for the error minimum TTL.
    CachedError,
    /// An error that is cached only with `max-age` or `s-maxage`, or when a minimum TTL is configured for it.
    ExplicitError,
    Never,
}

impl StatusClass {
    fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            // 206 and 304 are not whole responses, and 416 is about one request only.
            0..=199 | 206 | 304 | 416 => StatusClass::Never,
            200 | 203 | 204 | 300 | 301 | 308 | 410 => StatusClass::Heuristic,
            404 | 414 | 500..=504 => StatusClass::CachedError,
            400 | 403 | 405 | 412 | 415 => StatusClass::ExplicitError,
            _ => StatusClass::Explicit,
        }
    }
}

/// The facts on which the decision rests.
struct ResponseFacts<'a> {
    status: StatusCode,
    response: &'a HeaderMap,
    cache_control: CacheControl,
    class: StatusClass,
    policy: &'a CachePolicy,
    error_min_ttl: Option<Duration>,
}

impl ResponseFacts<'_> {
    fn may_be_stored(&self, method: &Method, request: &HeaderMap) -> Result<(), Unstorable> {
        if self.policy.is_disabled() {
            return Err(Unstorable::Disabled);
        }
        if method != Method::GET {
            return Err(Unstorable::Method);
        }
        if self.class == StatusClass::Never || self.lacks_location() {
            return Err(Unstorable::Status);
        }
        let understood = is_understood(self.status);
        if self.cache_control.must_understand && !understood {
            return Err(Unstorable::MustUnderstand);
        }
        if !self.overrules() {
            // RFC 9111 5.2.2.3: `no-store` beside `must-understand` is for caches that do not understand.
            if self.cache_control.no_store && !self.cache_control.must_understand {
                return Err(Unstorable::NoStore);
            }
            if self.cache_control.private.is_whole() {
                return Err(Unstorable::Private);
            }
        }
        if request.contains_key(header::AUTHORIZATION) && !self.is_for_others() {
            return Err(Unstorable::Authorization);
        }
        if self.policy.cookies == NameFilter::None
            && self.response.contains_key(header::SET_COOKIE)
            && request.contains_key(header::COOKIE)
        {
            return Err(Unstorable::SetCookie);
        }
        if crate::caching::vary::varies_by_everything(self.response) {
            return Err(Unstorable::VaryEverything);
        }
        Ok(())
    }

    /// A permanent redirect without a `Location` is useless, and says nothing about the object: S3, for one, sends it
    /// to clients that ask in the wrong region. Stored, it would stay for the default TTL.
    fn lacks_location(&self) -> bool {
        let location = self.response.get(header::LOCATION);
        matches!(self.status.as_u16(), 301 | 308)
            && location.is_none_or(|location| location.as_bytes().trim_ascii().is_empty())
    }

    /// Developer guide, "Manage how long content stays in the cache": a minimum TTL above 0 overrides directives that
    /// forbid caching. Errors have TTLs of their own.
    fn overrules(&self) -> bool {
        !self.policy.min_ttl.is_zero() && !self.is_error()
    }

    fn is_error(&self) -> bool {
        match self.class {
            StatusClass::CachedError | StatusClass::ExplicitError => true,
            StatusClass::Heuristic | StatusClass::Explicit | StatusClass::Never => false,
        }
    }

    /// RFC 9111 3.5: true if the response may be shared although the request had `Authorization`.
    fn is_for_others(&self) -> bool {
        let cache_control = &self.cache_control;
        let in_key = self.policy.headers.contains(&header::AUTHORIZATION);
        cache_control.public
            || cache_control.must_revalidate
            || cache_control.s_maxage.or_stale().is_some()
            || (in_key && self.overrules())
    }

    fn lifetime(&self, moments: &Moments) -> Result<Lifetime, Unstorable> {
        let cache_control = &self.cache_control;
        let explicit = Explicit::of(self.response, cache_control, moments.received);
        let (freshness_secs, min_fresh_secs) = if self.is_error() {
            self.error_ttls(explicit, moments)?
        } else {
            self.object_ttls(explicit, moments)?
        };
        let max_secs = seconds(self.policy.max_ttl);
        let forbidden = cache_control.must_revalidate
            || cache_control.proxy_revalidate
            || (cache_control.no_cache.is_whole() && !self.overrules());
        let stale_while_revalidate_secs = match cache_control.stale_while_revalidate.or_stale() {
            Some(seconds) if !forbidden => seconds.min(max_secs),
            Some(_) | None => 0,
        };
        let serve_stale = if forbidden {
            ServeStale::Never
        } else {
            self.serve_stale(freshness_secs.max(min_fresh_secs))
        };
        let spans = Spans {
            initial_age_secs: initial_age_secs(self.response, moments),
            freshness_secs,
            min_fresh_secs,
            stale_while_revalidate_secs,
        };
        let lifetime = Lifetime::new(moments.received, spans, serve_stale);
        if lifetime.is_of_use(moments.received) || has_validator(self.response) {
            Ok(lifetime)
        } else {
            Err(Unstorable::Stale)
        }
    }

    /// Returns the freshness lifetime, and the minimum lifetime that the policy guarantees from reception on.
    fn object_ttls(&self, explicit: Explicit, moments: &Moments) -> Result<(u32, u32), Unstorable> {
        let min_secs = seconds(self.policy.min_ttl);
        let max_secs = seconds(self.policy.max_ttl);
        // The configuration refuses a minimum above the maximum; here the maximum counts.
        let min_fresh_secs = min_secs.min(max_secs);
        let cache_control = &self.cache_control;
        let forbids = cache_control.no_store && !cache_control.must_understand
            || cache_control.no_cache.is_whole()
            || cache_control.private.is_whole();
        if forbids {
            return Ok((min_fresh_secs, min_fresh_secs));
        }
        let wanted = match explicit {
            Explicit::Directive(seconds) | Explicit::Expires(seconds) => seconds,
            // RFC 9111 4.2.2: `public` permits a heuristic as much as a status that is cacheable by default.
            Explicit::Absent
                if self.class == StatusClass::Heuristic || self.cache_control.public =>
            {
                self.heuristic_secs(moments)
                    .unwrap_or_else(|| seconds(self.policy.default_ttl))
            }
            Explicit::Absent => return Err(Unstorable::Status),
        };
        Ok((wanted.max(min_secs).min(max_secs), min_fresh_secs))
    }

    fn error_ttls(&self, explicit: Explicit, moments: &Moments) -> Result<(u32, u32), Unstorable> {
        let min_ttl = match (self.class, self.error_min_ttl) {
            (StatusClass::CachedError, None) => Some(ERROR_MIN_TTL_DEFAULT),
            (_, configured) => configured,
        };
        let explicit_secs = match (explicit, self.class) {
            (Explicit::Directive(seconds), _) => Some(seconds),
            (Explicit::Expires(seconds), StatusClass::CachedError) => Some(seconds),
            (Explicit::Absent, _) if is_heuristic_error(self.status) => {
                self.heuristic_secs(moments)
            }
            (Explicit::Expires(_) | Explicit::Absent, _) => None,
        };
        if self.cache_control.no_cache.is_whole() {
            return Ok((0, 0));
        }
        if min_ttl.is_none() && explicit_secs.is_none() {
            return Err(Unstorable::Status);
        }
        let min_fresh_secs = min_ttl.map_or(0, seconds);
        let wanted = explicit_secs.unwrap_or(0).min(seconds(self.policy.max_ttl));
        Ok((wanted.max(min_fresh_secs), min_fresh_secs))
    }

    /// RFC 9111 4.2.2: returns a share of the time for which the object had not changed when it was sent. `None` if the
    /// policy has no heuristic, or the response has nothing to estimate from.
    fn heuristic_secs(&self, moments: &Moments) -> Option<u32> {
        let percent = u64::from(self.policy.heuristic_percent);
        let unchanged_secs = unchanged_secs(self.response, moments).filter(|_| percent > 0)?;
        Some(capped(unchanged_secs / 100 * percent))
    }

    /// RFC 9111 4.2.4 and RFC 5861 4, unless forbidden. A stored server error is useless as a fallback, and a
    /// response that was never fresh was not meant to be stored.
    fn serve_stale(&self, fresh_secs: u32) -> ServeStale {
        if self.status.is_server_error() {
            return ServeStale::Never;
        }
        match self.cache_control.stale_if_error.or_stale() {
            Some(0) => ServeStale::Never,
            Some(seconds) => ServeStale::Seconds(seconds),
            // RFC 9111 5.2.2.10: `s-maxage` includes `proxy-revalidate`.
            None if self.cache_control.s_maxage.or_stale().is_some() => ServeStale::Never,
            None if fresh_secs == 0 => ServeStale::Never,
            None => ServeStale::Always,
        }
    }
}

impl Lifetime {
    /// True if the response can be served at all without a validator.
    fn is_of_use(&self, received: Timestamp) -> bool {
        self.fresh_secs > 0
            || i64::from(self.stale_while_revalidate_secs) > -self.fresh_secs
            || self.may_serve_stale(received)
    }
}

/// The final statuses of RFC 9110 15 and the registry that have no caching requirements but the general ones.
fn is_understood(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200..=205 | 207 | 208 | 300..=303 | 305 | 307 | 308 | 400..=415 | 417 | 421..=426 | 428
            | 429 | 431 | 451 | 500..=508 | 511
    )
}

/// The errors that may be cached by a heuristic (RFC 9110 15.1).
fn is_heuristic_error(status: StatusCode) -> bool {
    matches!(status.as_u16(), 404 | 405 | 410 | 414 | 501)
}

/// True if the response can be revalidated with a conditional request.
fn has_validator(response: &HeaderMap) -> bool {
    response.contains_key(header::ETAG) || response.contains_key(header::LAST_MODIFIED)
}

/// Whole seconds, at most as many as a lifetime can have.
fn seconds(duration: Duration) -> u32 {
    capped(duration.as_secs())
}
