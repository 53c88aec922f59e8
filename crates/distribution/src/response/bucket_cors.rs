//! CORS of an embedded bucket behind the edge: what S3 answers to what the behavior passes on (CloudFront developer
//! guide, "Configure CloudFront to respect CORS settings"). A bucket whose behavior does not pass `Origin` on never
//! hears of it.

use crate::config::CorsRule;
use crate::request::{Authorized, ViewerRequest, is_passed};
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Returns the header fields that let a script of another site read an object of an embedded bucket; none if no rule of
/// the bucket allows it.
///
/// They are a function of the method and of `Origin`, if that is passed on. Nothing of an embedded bucket is stored by
/// the edge's cache, so that no key has to have it; caches behind the edge are told by `Vary`, as S3 tells them.
pub fn bucket_cors(authorized: &Authorized<'_>, request: &ViewerRequest<'_>) -> HeaderMap {
    let behavior = authorized.routed().behavior;
    let origin = &behavior.origin.primary;
    let is_told = is_passed(behavior, origin, request, &header::ORIGIN);
    let site = request.headers.get(header::ORIGIN).filter(|_| is_told);
    let site = site.and_then(|site| site.to_str().ok());
    match (origin.source.embedded(), site) {
        (Some(bucket), Some(site)) => fields(&bucket.cors, request.method.as_str(), site),
        (Some(_) | None, _) => HeaderMap::new(),
    }
}

/// Returns the fields of the first rule that allows the method to the site.
fn fields(rules: &[CorsRule], method: &str, site: &str) -> HeaderMap {
    let is_allowed = |rule: &&CorsRule| {
        let mut sites = rule.allowed_origins.iter();
        let has_method = rule.allowed_methods.iter().any(|known| known == method);
        has_method && sites.any(|pattern| matches(pattern, site))
    };
    let mut fields = HeaderMap::new();
    let Some(rule) = rules.iter().find(is_allowed) else {
        return fields;
    };
    let mut insert = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            fields.insert(name, value);
        }
    };
    let is_anybody = rule.allowed_origins.iter().any(|pattern| pattern == "*");
    match is_anybody {
        true => insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        false => {
            insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, site);
            insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        }
    }
    let methods = rule.allowed_methods.join(", ");
    insert(header::ACCESS_CONTROL_ALLOW_METHODS, &methods);
    if !rule.expose_headers.is_empty() {
        let exposed = rule.expose_headers.join(", ");
        insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, &exposed);
    }
    if let Some(secs) = rule.max_age_secs {
        insert(header::ACCESS_CONTROL_MAX_AGE, &secs.to_string());
    }
    insert(
        header::VARY,
        "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
    );
    fields
}

/// Returns true if a site fits a pattern with at most one `*`.
fn matches(pattern: &str, site: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == site,
        Some((before, after)) => {
            let is_long_enough = site.len() >= before.len() + after.len();
            is_long_enough && site.starts_with(before) && site.ends_with(after)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(site: &str, method: &str) -> CorsRule {
        CorsRule {
            allowed_origins: vec![site.to_owned()],
            allowed_methods: vec![method.to_owned()],
            expose_headers: vec!["ETag".to_owned()],
            max_age_secs: Some(60),
            ..CorsRule::default()
        }
    }

    #[track_caller]
    fn check(rules: &[CorsRule], method: &str, site: &str, expected: &[(&str, &str)]) {
        let fields = fields(rules, method, site);
        let text = |name: &str| fields.get(name).map(|value| value.to_str().unwrap());
        for (name, value) in expected {
            assert_eq!(text(name), Some(*value), "{name}");
        }
        assert_eq!(expected.is_empty(), fields.is_empty(), "{fields:?}");
    }

    #[test]
    fn no_rule_no_fields() {
        let rules = [rule("https://*.example", "GET")];
        check(&[], "GET", "https://a.example", &[]);
        check(&rules, "HEAD", "https://a.example", &[]);
        check(&rules, "GET", "https://a.example.test", &[]);
        check(&rules, "GET", "http://a.example", &[]);
        check(&[rule("https://a*a", "GET")], "GET", "https://a", &[]);
    }

    #[test]
    fn a_site_that_a_rule_names_may_send_cookies_and_anybody_may_not() {
        let site = "https://a.example";
        let rules = [rule("*", "PUT"), rule("https://*.example", "GET")];
        check(
            &rules,
            "GET",
            site,
            &[
                ("access-control-allow-origin", site),
                ("access-control-allow-credentials", "true"),
                ("access-control-allow-methods", "GET"),
                ("access-control-expose-headers", "ETag"),
                ("access-control-max-age", "60"),
            ],
        );
        let anybody = fields(&[rule("*", "GET")], "GET", site);
        assert_eq!(anybody["access-control-allow-origin"], "*");
        assert!(!anybody.contains_key("access-control-allow-credentials"));
    }
}
