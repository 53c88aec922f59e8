//! CORS as S3 has it: rules of a bucket, the answer to a preflight, and the header fields of other answers. Pure.

use crate::records::CorsRule;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use thiserror::Error;

const RULES_MAX: usize = 100;
/// Size of the texts of all rules (S3 User Guide, "Elements of a CORS configuration": 64 KB).
const SIZE_BYTES_MAX: usize = 64 * 1024;
const METHODS: [&str; 5] = ["GET", "PUT", "POST", "DELETE", "HEAD"];

/// The reason why rules are refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum CorsError {
    #[error("a CORS configuration has 1 to 100 rules")]
    Rules,
    #[error("a CORS configuration has at most 64 KiB")]
    TooLarge,
    #[error("found unsupported HTTP method in CORS config. Unsupported method is {0}")]
    Method(String),
    #[error("AllowedOrigin \"{0}\" cannot have more than one wildcard.")]
    Origin(String),
    #[error("AllowedHeader \"{0}\" cannot have more than one wildcard.")]
    Header(String),
    #[error("ExposeHeader \"{0}\" is not the name of a header field.")]
    Exposed(String),
    #[error("a rule needs an AllowedOrigin and an AllowedMethod")]
    Incomplete,
}

/// Checks rules by S3's limits.
pub(crate) fn check(rules: &[CorsRule]) -> Result<(), CorsError> {
    if rules.is_empty() || rules.len() > RULES_MAX {
        return Err(CorsError::Rules);
    }
    let texts = rules.iter().flat_map(|rule| {
        let lists = [
            &rule.allowed_origins,
            &rule.allowed_methods,
            &rule.allowed_headers,
            &rule.expose_headers,
        ];
        lists.into_iter().flatten().chain(&rule.id)
    });
    // Each text counts for at least one byte: every request of a browser is compared with them.
    if texts.map(|text| text.len() + 1).sum::<usize>() > SIZE_BYTES_MAX {
        return Err(CorsError::TooLarge);
    }
    let wildcards = |text: &str| text.bytes().filter(|byte| *byte == b'*').count();
    for rule in rules {
        if rule.allowed_origins.is_empty() || rule.allowed_methods.is_empty() {
            return Err(CorsError::Incomplete);
        }
        let mut methods = rule.allowed_methods.iter();
        if let Some(method) = methods.find(|method| !METHODS.contains(&method.as_str())) {
            return Err(CorsError::Method(method.clone()));
        }
        let mut origins = rule.allowed_origins.iter();
        if let Some(origin) = origins.find(|origin| wildcards(origin) > 1) {
            return Err(CorsError::Origin(origin.clone()));
        }
        let mut headers = rule.allowed_headers.iter();
        if let Some(header) = headers.find(|header| wildcards(header) > 1) {
            return Err(CorsError::Header(header.clone()));
        }
        let mut exposed = rule.expose_headers.iter();
        if let Some(name) = exposed.find(|name| HeaderName::from_bytes(name.as_bytes()).is_err()) {
            return Err(CorsError::Exposed(name.clone()));
        }
    }
    Ok(())
}

/// The answer to a preflight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Preflight {
    /// A rule allows it, with these header fields.
    Allowed(HeaderMap),
    /// No rule does.
    Denied,
    /// It is no preflight: `Origin` or the method is missing.
    Incomplete,
}

/// Answers a preflight by the first rule that allows it.
pub(crate) fn preflight(rules: &[CorsRule], request: &HeaderMap) -> Preflight {
    let text = |name: HeaderName| request.get(name).and_then(|value| value.to_str().ok());
    let (Some(origin), Some(method)) = (text(ORIGIN), text(ACCESS_CONTROL_REQUEST_METHOD)) else {
        return Preflight::Incomplete;
    };
    let wanted: Vec<&str> = text(ACCESS_CONTROL_REQUEST_HEADERS)
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    let is_allowed = |rule: &&CorsRule| {
        let is_header = |name: &&str| {
            let name = name.to_ascii_lowercase();
            let mut patterns = rule.allowed_headers.iter();
            patterns.any(|pattern| matches(&pattern.to_ascii_lowercase(), &name))
        };
        is_origin(rule, origin) && has_method(rule, method) && wanted.iter().all(is_header)
    };
    match rules.iter().find(is_allowed) {
        None => Preflight::Denied,
        Some(rule) => Preflight::Allowed(allowing(rule, origin, &wanted)),
    }
}

/// Returns the header fields for the answer to a request of a browser at another site; none if no rule allows it.
pub(crate) fn answer(rules: &[CorsRule], method: &str, request: &HeaderMap) -> HeaderMap {
    let origin = request.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    let Some(origin) = origin else {
        return HeaderMap::new();
    };
    let mut rules = rules.iter();
    match rules.find(|rule| is_origin(rule, origin) && has_method(rule, method)) {
        Some(rule) => allowing(rule, origin, &[]),
        None => HeaderMap::new(),
    }
}

fn is_origin(rule: &CorsRule, origin: &str) -> bool {
    let mut patterns = rule.allowed_origins.iter();
    patterns.any(|pattern| matches(pattern, origin))
}

fn has_method(rule: &CorsRule, method: &str) -> bool {
    rule.allowed_methods.iter().any(|known| known == method)
}

/// Returns true if a text fits a pattern with at most one `*`.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => {
            text.len() >= before.len() + after.len()
                && text.starts_with(before)
                && text.ends_with(after)
        }
    }
}

fn allowing(rule: &CorsRule, origin: &str, wanted: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut insert = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    let is_anybody = rule.allowed_origins.iter().any(|pattern| pattern == "*");
    match is_anybody {
        true => insert(ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        false => {
            insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        }
    }
    insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        &rule.allowed_methods.join(", "),
    );
    if !wanted.is_empty() {
        insert(
            ACCESS_CONTROL_ALLOW_HEADERS,
            &wanted.join(", ").to_ascii_lowercase(),
        );
    }
    if !rule.expose_headers.is_empty() {
        insert(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            &rule.expose_headers.join(", "),
        );
    }
    if let Some(secs) = rule.max_age_secs {
        insert(ACCESS_CONTROL_MAX_AGE, &secs.to_string());
    }
    insert(
        VARY,
        "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
    );
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(origins: &[&str], methods: &[&str], headers: &[&str]) -> CorsRule {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        CorsRule {
            allowed_origins: texts(origins),
            allowed_methods: texts(methods),
            allowed_headers: texts(headers),
            expose_headers: vec!["ETag".to_owned()],
            max_age_secs: Some(60),
            id: None,
        }
    }

    fn request(fields: &[(HeaderName, &str)]) -> HeaderMap {
        let fields = fields.iter().cloned();
        fields
            .map(|(name, value)| (name, value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn rules_beyond_the_limits_are_refused() {
        let refused = |rule: CorsRule| check(&[rule]).unwrap_err();
        assert_eq!(check(&[]), Err(CorsError::Rules));
        let good = rule(&["*"], &["GET"], &["*"]);
        assert_eq!(check(&vec![good.clone(); 101]), Err(CorsError::Rules));
        let many = ["https://a.example.com"; 4_000];
        assert_eq!(refused(rule(&many, &["GET"], &[])), CorsError::TooLarge);
        assert_eq!(refused(rule(&[], &["GET"], &[])), CorsError::Incomplete);
        assert_eq!(
            refused(rule(&["*"], &["get"], &[])),
            CorsError::Method("get".to_owned())
        );
        assert_eq!(
            refused(rule(&["*.*"], &["GET"], &[])),
            CorsError::Origin("*.*".to_owned())
        );
        assert_eq!(
            refused(rule(&["*"], &["GET"], &["**"])),
            CorsError::Header("**".to_owned())
        );
        let exposing = CorsRule {
            expose_headers: vec!["a\r\nb".to_owned()],
            ..good.clone()
        };
        assert_eq!(refused(exposing), CorsError::Exposed("a\r\nb".to_owned()));
        assert_eq!(check(&[good]), Ok(()));
    }

    #[test]
    fn a_preflight_needs_a_rule_for_all_that_it_asks() {
        let rules = [rule(
            &["https://*.example.com"],
            &["PUT"],
            &["x-amz-*", "Content-Type"],
        )];
        let ask = |origin: &str, method: &str, headers: &str| {
            let fields = [
                (ORIGIN, origin),
                (ACCESS_CONTROL_REQUEST_METHOD, method),
                (ACCESS_CONTROL_REQUEST_HEADERS, headers),
            ];
            preflight(&rules, &request(&fields))
        };
        assert_eq!(preflight(&rules, &HeaderMap::new()), Preflight::Incomplete);
        assert_eq!(ask("https://example.com", "PUT", ""), Preflight::Denied);
        assert_eq!(ask("http://a.example.com", "PUT", ""), Preflight::Denied);
        assert_eq!(ask("https://a.example.com", "GET", ""), Preflight::Denied);
        assert_eq!(
            ask("https://a.example.com", "PUT", "authorization"),
            Preflight::Denied
        );
        let Preflight::Allowed(headers) =
            ask("https://a.example.com", "PUT", "content-type, X-Amz-Date")
        else {
            panic!("the rule allows it");
        };
        assert_eq!(
            headers[ACCESS_CONTROL_ALLOW_ORIGIN],
            "https://a.example.com"
        );
        assert_eq!(
            headers[ACCESS_CONTROL_ALLOW_HEADERS],
            "content-type, x-amz-date"
        );
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
        assert_eq!(headers[ACCESS_CONTROL_MAX_AGE], "60");
    }

    #[test]
    fn other_answers_say_who_may_read_them() {
        let rules = [rule(&["*"], &["GET"], &[])];
        let from = request(&[(ORIGIN, "https://a.test")]);
        assert!(answer(&rules, "PUT", &from).is_empty());
        assert!(answer(&rules, "GET", &HeaderMap::new()).is_empty());
        let headers = answer(&rules, "GET", &from);
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert!(!headers.contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS));
        assert_eq!(headers[ACCESS_CONTROL_EXPOSE_HEADERS], "ETag");
    }
}
