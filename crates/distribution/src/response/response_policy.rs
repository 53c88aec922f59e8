//! Applies a response headers policy to a response.

use crate::config::{PolicyHeader, ResponseHeadersPolicy};
use crate::response::cors::{answer_headers, vary_by_origin};
use http::{HeaderMap, header};

/// Changes `response` to `request` by `policy`; also for errors that the edge makes itself.
///
/// Headers are removed first, so that the policy can put its own in their place (developer guide, "Understand response
/// headers policies"). CORS headers are only for requests with `Origin`. `Server-Timing` is made by
/// [`crate::response::server_timing`].
pub fn apply_response_policy(
    policy: &ResponseHeadersPolicy,
    request: &HeaderMap,
    response: &mut HeaderMap,
) {
    for name in &policy.remove {
        response.remove(name);
    }
    if let Some(cors) = &policy.cors {
        let headers = answer_headers(cors, request.get(header::ORIGIN));
        // The origin's own CORS headers count as a whole: a mixture of two policies would be neither.
        let is_the_origins =
            !cors.overrides && response.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN);
        if cors.overrides {
            response.remove(header::ACCESS_CONTROL_ALLOW_ORIGIN);
            response.remove(header::ACCESS_CONTROL_ALLOW_CREDENTIALS);
            if !cors.expose_headers.is_empty() {
                response.remove(header::ACCESS_CONTROL_EXPOSE_HEADERS);
            }
        }
        if !is_the_origins {
            for (name, value) in &headers {
                if !response.contains_key(name) {
                    response.insert(name.clone(), value.clone());
                }
            }
            vary_by_origin(cors, response);
        }
    }
    for PolicyHeader {
        name,
        value,
        overrides,
    } in &policy.headers
    {
        if *overrides || !response.contains_key(name) {
            response.insert(name.clone(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CorsPolicy;
    use http::{HeaderName, HeaderValue};

    fn headers(lines: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(": ").unwrap();
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn policy() -> ResponseHeadersPolicy {
        ResponseHeadersPolicy {
            id: "p".to_owned(),
            name: "p".to_owned(),
            cors: None,
            headers: Vec::new(),
            remove: Vec::new(),
            server_timing_percent: 0.0,
        }
    }

    fn cors(origin: &str, allow_credentials: bool, overrides: bool) -> ResponseHeadersPolicy {
        ResponseHeadersPolicy {
            cors: Some(CorsPolicy {
                allow_origins: vec![origin.to_owned()],
                allow_methods: vec!["GET".to_owned()],
                allow_headers: Vec::new(),
                expose_headers: vec!["ETag".to_owned()],
                allow_credentials,
                max_age: None,
                overrides,
            }),
            ..policy()
        }
    }

    #[track_caller]
    fn check(policy: &ResponseHeadersPolicy, request: &str, response: &str, expected: &str) {
        let mut changed = headers(response);
        apply_response_policy(policy, &headers(request), &mut changed);
        assert_eq!(changed, headers(expected));
    }

    #[test]
    fn no_cors_for_those_who_are_not_allowed() {
        let policy = cors("https://a.example", true, true);
        check(&policy, "", "", "vary: Origin");
        check(
            &policy,
            "origin: https://evil.example",
            "access-control-allow-origin: *",
            "vary: Origin",
        );
    }

    #[test]
    fn credentials_are_never_given_to_a_star() {
        check(
            &cors("*", true, false),
            "origin: https://a.example",
            "",
            "access-control-allow-origin: https://a.example
             access-control-allow-credentials: true
             access-control-expose-headers: ETag
             vary: Origin",
        );
    }

    #[test]
    fn a_star_is_the_same_for_everybody() {
        check(&cors("*", false, false), "", "", "");
        check(
            &cors("*", false, false),
            "origin: https://a.example",
            "vary: Accept-Encoding",
            "vary: Accept-Encoding
             access-control-allow-origin: *
             access-control-expose-headers: ETag",
        );
    }

    #[test]
    fn the_origins_cors_stays_unless_overridden() {
        let request = "origin: https://a.example";
        let response = "access-control-allow-origin: https://b.example";
        check(&cors("*", false, false), request, response, response);
        check(
            &cors("*", false, true),
            request,
            response,
            "access-control-allow-origin: *
             access-control-expose-headers: ETag",
        );
    }

    #[test]
    fn removal_comes_before_addition() {
        let policy = ResponseHeadersPolicy {
            remove: vec![HeaderName::from_static("x-powered-by"), header::SERVER],
            headers: vec![
                PolicyHeader {
                    name: header::SERVER,
                    value: HeaderValue::from_static("mine"),
                    overrides: false,
                },
                PolicyHeader {
                    name: header::X_FRAME_OPTIONS,
                    value: HeaderValue::from_static("DENY"),
                    overrides: false,
                },
                PolicyHeader {
                    name: header::X_CONTENT_TYPE_OPTIONS,
                    value: HeaderValue::from_static("nosniff"),
                    overrides: true,
                },
            ],
            ..policy()
        };
        check(
            &policy,
            "",
            "server: theirs
             x-powered-by: them
             x-frame-options: SAMEORIGIN
             x-content-type-options: sniff",
            "server: mine
             x-frame-options: SAMEORIGIN
             x-content-type-options: nosniff",
        );
    }
}
