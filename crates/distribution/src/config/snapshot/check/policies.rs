//! Faults of policies, and of the names by which behaviors refer to them.

use super::Checker;
use crate::config::document::{BehaviorDocument, ForwardedHeaderNames, ForwardedValuesDocument};
use crate::config::origin_pattern::is_origin_pattern;
use crate::config::policies::{
    CachePolicy, CorsPolicy, HeaderFilter, NameFilter, OriginRequestPolicy, ResponseHeadersPolicy,
};
use crate::header_names::{is_misspelt_own, is_never_forwarded, is_of_the_cache};
use http::{HeaderName, header};
use std::collections::HashSet;
use std::time::Duration;

const CORS_METHODS: [&str; 8] = [
    "GET", "DELETE", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "ALL",
];

impl Checker<'_> {
    pub(super) fn policies(&mut self) {
        let document = self.document;
        let managed = CachePolicy::managed();
        let own = &document.cache_policies;
        self.policy_names(
            "cache_policies",
            &titles(managed.iter().map(|policy| (&policy.id, &policy.name))),
            &titles(own.iter().map(|policy| (&policy.id, &policy.name))),
        );
        for (position, policy) in own.iter().enumerate() {
            self.cache_policy(policy, &format!("cache_policies[{position}]"));
        }
        let managed = OriginRequestPolicy::managed();
        let own = &document.origin_request_policies;
        self.policy_names(
            "origin_request_policies",
            &titles(managed.iter().map(|policy| (&policy.id, &policy.name))),
            &titles(own.iter().map(|policy| (&policy.id, &policy.name))),
        );
        for (position, policy) in own.iter().enumerate() {
            self.origin_request_policy(policy, &format!("origin_request_policies[{position}]"));
        }
        let managed = ResponseHeadersPolicy::managed();
        let own = &document.response_headers_policies;
        self.policy_names(
            "response_headers_policies",
            &titles(managed.iter().map(|policy| (&policy.id, &policy.name))),
            &titles(own.iter().map(|policy| (&policy.id, &policy.name))),
        );
        for (position, policy) in own.iter().enumerate() {
            let path = format!("response_headers_policies[{position}]");
            self.response_headers_policy(policy, &path);
        }
    }

    /// Checks that no id or name is used twice, because behaviors refer to policies by either.
    fn policy_names(&mut self, path: &str, managed: &[Title<'_>], own: &[Title<'_>]) {
        let managed: HashSet<&str> = managed
            .iter()
            .flat_map(|title| [title.id, title.name])
            .collect();
        let mut known = HashSet::new();
        for (position, title) in own.iter().enumerate() {
            let is_named = title.name != title.id;
            let texts = [("id", title.id), ("name", title.name)];
            for (key, text) in texts.into_iter().take(1 + usize::from(is_named)) {
                let path = format!("{path}[{position}].{key}");
                if text.is_empty() {
                    continue;
                }
                if managed.contains(text) {
                    let message =
                        format!("{text:?} is one of CloudFront's managed policies; rename it");
                    self.fault(&path, message);
                } else if !known.insert(text) {
                    let message = format!("{text:?} is used twice; rename or remove one");
                    self.fault(&path, message);
                }
            }
        }
    }

    /// Checks the policies that a behavior names.
    pub(super) fn behavior_policies(&mut self, behavior: &BehaviorDocument, path: &str) {
        let document = self.document;
        if let Some(values) = &behavior.forwarded_values {
            self.forwarded_values(values, path);
        }
        if let Some(name) = &behavior.cache_policy {
            let policies = CachePolicy::managed()
                .iter()
                .chain(&document.cache_policies);
            let known = policies.flat_map(|policy| [policy.name.as_str(), &policy.id]);
            let known: Vec<&str> = known.collect();
            self.policy_reference(
                &format!("{path}.cache_policy"),
                "cache policy",
                name,
                &known,
            );
        }
        if let Some(name) = &behavior.origin_request_policy {
            let own = &document.origin_request_policies;
            let policies = OriginRequestPolicy::managed().iter().chain(own);
            let known = policies.flat_map(|policy| [policy.name.as_str(), &policy.id]);
            let known: Vec<&str> = known.collect();
            let place = format!("{path}.origin_request_policy");
            self.policy_reference(&place, "origin request policy", name, &known);
        }
        if let Some(name) = &behavior.response_headers_policy {
            let own = &document.response_headers_policies;
            let policies = ResponseHeadersPolicy::managed().iter().chain(own);
            let known = policies.flat_map(|policy| [policy.name.as_str(), &policy.id]);
            let known: Vec<&str> = known.collect();
            let place = format!("{path}.response_headers_policy");
            self.policy_reference(&place, "response headers policy", name, &known);
        }
    }

    fn policy_reference(&mut self, path: &str, kind: &str, name: &str, known: &[&str]) {
        match name {
            "" => self.fault(path, "is empty; remove the line"),
            name => self.reference(path, kind, name, known),
        }
    }

    fn cache_policy(&mut self, policy: &CachePolicy, path: &str) {
        self.ttls(policy.min_ttl, policy.default_ttl, policy.max_ttl, path);
        let has_key = !policy.headers.is_empty()
            || policy.query_strings != NameFilter::None
            || policy.cookies != NameFilter::None
            || policy.gzip
            || policy.brotli
            || policy.zstd;
        if policy.is_disabled() && has_key {
            let message = "is 0, so nothing is cached and nothing can be in the cache key; name it in an origin request policy";
            self.fault(&format!("{path}.max_ttl"), message);
        }
        self.cookie_names(&policy.cookies, path);
        let is_normalized = policy.gzip || policy.brotli || policy.zstd;
        for (position, name) in policy.headers.iter().enumerate() {
            let place = format!("{path}.headers[{position}]");
            if name == header::ACCEPT_ENCODING && is_normalized {
                let message = "is in the cache key already, normalized; remove it, or set gzip, brotli and zstd to false";
                self.fault(&place, message);
            } else if !may_be_in_key(name) {
                let message = format!("{:?} cannot be in the cache key; remove it", name.as_str());
                self.fault(&place, message);
            }
        }
    }

    /// Checks the older cache settings of the behavior at `path`, beside which its TTLs stand.
    fn forwarded_values(&mut self, values: &ForwardedValuesDocument, path: &str) {
        self.ttls(values.min_ttl, values.default_ttl, values.max_ttl, path);
        let path = format!("{path}.forwarded_values");
        self.cookie_names(&values.cookies, &path);
        let names = match &values.headers {
            ForwardedHeaderNames::All => return,
            ForwardedHeaderNames::Only(names) => names,
        };
        for (position, name) in names.iter().enumerate() {
            if !may_be_in_key(name) {
                let message = format!("{:?} cannot be in the cache key; remove it", name.as_str());
                self.fault(&format!("{path}.headers[{position}]"), message);
            }
        }
    }

    fn ttls(&mut self, min: Duration, default: Duration, max: Duration, path: &str) {
        if min > default {
            self.fault(
                &format!("{path}.default_ttl"),
                "is less than min_ttl; raise it",
            );
        }
        if default > max {
            self.fault(
                &format!("{path}.max_ttl"),
                "is less than default_ttl; raise it",
            );
        }
    }

    /// Checks that each name may be that of a cookie: with any other name the policy would not mean what it says.
    fn cookie_names(&mut self, filter: &NameFilter, path: &str) {
        let (names, key) = match filter {
            NameFilter::None | NameFilter::All => return,
            NameFilter::Only(names) => (names, "cookies"),
            NameFilter::AllExcept(names) => (names, "cookies_except"),
        };
        for (position, name) in names.iter().enumerate() {
            if !may_name_a_cookie(name) {
                let message = format!(
                    "{name:?} cannot be the name of a cookie: that is ASCII, without blanks, \"=\" and \";\""
                );
                self.fault(&format!("{path}.{key}[{position}]"), message);
            }
        }
    }

    fn origin_request_policy(&mut self, policy: &OriginRequestPolicy, path: &str) {
        self.cookie_names(&policy.cookies, path);
        let HeaderFilter::Only(names) = &policy.headers else {
            return;
        };
        for name in names {
            if !may_be_forwarded(name) {
                let message = format!("{:?} cannot be passed on; remove it", name.as_str());
                self.fault(&format!("{path}.headers"), message);
            }
        }
    }

    fn response_headers_policy(&mut self, policy: &ResponseHeadersPolicy, path: &str) {
        if let Some(cors) = &policy.cors {
            self.cors(cors, &format!("{path}.cors"));
        }
        for name in &policy.remove {
            if !may_be_removed(name) {
                let message = format!("{:?} cannot be removed", name.as_str());
                self.fault(&format!("{path}.remove"), message);
            }
        }
        for (position, policy_header) in policy.headers.iter().enumerate() {
            if is_framing(&policy_header.name) {
                let message = format!(
                    "sets {:?}, which only the edge sets; remove it",
                    policy_header.name.as_str()
                );
                self.fault(&format!("{path}.custom"), message);
            }
            let mut before = policy.headers.iter().take(position);
            if before.any(|known| known.name == policy_header.name) {
                let message = format!("sets {:?} twice; remove one", policy_header.name.as_str());
                self.fault(&format!("{path}.custom"), message);
            }
        }
    }

    fn cors(&mut self, cors: &CorsPolicy, path: &str) {
        let origins = format!("{path}.allow_origins");
        if cors.allow_origins.is_empty() {
            self.fault(
                &origins,
                "is missing; add it, such as [\"https://*.example.com\"]",
            );
        }
        for (position, origin) in cors.allow_origins.iter().enumerate() {
            if !origin.is_empty() && !is_origin_pattern(origin) {
                let message = format!(
                    "{origin:?} is not an origin; write \"*\", or one like https://www.example.com or https://*.example.com"
                );
                self.fault(&format!("{origins}[{position}]"), message);
            }
        }
        for (position, method) in cors.allow_methods.iter().enumerate() {
            if !method.is_empty() && !CORS_METHODS.contains(&method.as_str()) {
                let message = format!("{method:?} is not one of {}", CORS_METHODS.join(", "));
                self.fault(&format!("{path}.allow_methods[{position}]"), message);
            }
        }
        for (key, names) in [
            ("allow_headers", &cors.allow_headers),
            ("expose_headers", &cors.expose_headers),
        ] {
            for (position, name) in names.iter().enumerate() {
                let is_name = name == "*" || name.parse::<HeaderName>().is_ok();
                if !name.is_empty() && !is_name {
                    let message = format!("{name:?} is not a header name");
                    self.fault(&format!("{path}.{key}[{position}]"), message);
                }
            }
        }
    }
}

/// The id and the name by which behaviors refer to a policy.
#[derive(Clone, Copy)]
struct Title<'p> {
    id: &'p str,
    name: &'p str,
}

fn titles<'p>(policies: impl Iterator<Item = (&'p String, &'p String)>) -> Vec<Title<'p>> {
    policies.map(|(id, name)| Title { id, name }).collect()
}

fn may_be_in_key(name: &HeaderName) -> bool {
    let others = [header::CACHE_CONTROL, header::PRAGMA, header::MAX_FORWARDS];
    may_be_forwarded(name) && !is_of_the_cache(name) && !others.contains(name)
}

fn may_be_forwarded(name: &HeaderName) -> bool {
    !is_never_forwarded(name) && name != header::COOKIE && !is_misspelt_own(name)
}

/// Returns true unless the developer guide lists the header ("Headers that you can't remove").
fn may_be_removed(name: &HeaderName) -> bool {
    const OTHERS: [&str; 8] = [
        "x-accel-buffering",
        "x-accel-charset",
        "x-accel-limit-rate",
        "x-accel-redirect",
        "x-cache",
        "x-forwarded-proto",
        "x-real-ip",
        "proxy-connection",
    ];
    let known = [
        header::CONTENT_ENCODING,
        header::EXPECT,
        header::HOST,
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        header::VIA,
        header::WARNING,
    ];
    let text = name.as_str();
    !(known.contains(name)
        || is_framing(name)
        || OTHERS.contains(&text)
        || text.starts_with("x-amz-cf-")
        || text.starts_with("x-amzn-")
        || text.starts_with("x-edge-"))
}

/// Returns true for headers that decide where a response ends and what becomes of its connection (RFC 9110 7.6.1, RFC
/// 9112 6).
fn is_framing(name: &HeaderName) -> bool {
    let known = [
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ];
    known.contains(name) || name == "keep-alive"
}

fn may_name_a_cookie(name: &str) -> bool {
    name.bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"=;".contains(&byte))
}
