//! CloudFront's managed policies, with the ids they have in every account.
//!
//! Source: developer guide, "Use managed cache policies", "Use managed origin request policies" and "Use managed
//! response headers policies". The four that only Amplify Hosting uses are left out.

use super::{
    CachePolicy, CorsPolicy, HeaderFilter, NameFilter, OriginRequestPolicy, PolicyHeader,
    ResponseHeadersPolicy,
};
use http::{HeaderName, HeaderValue, header};
use std::sync::LazyLock;
use std::time::Duration;

/// Headers that frameworks take for the method in place of the real one.
const METHOD_OVERRIDES: [&str; 3] = [
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

impl CachePolicy {
    /// Returns all managed cache policies.
    pub fn managed() -> &'static [Self] {
        static MANAGED: LazyLock<Vec<CachePolicy>> = LazyLock::new(CachePolicy::make_managed);
        &MANAGED
    }

    fn make_managed() -> Vec<Self> {
        let origin_headers: Vec<&'static str> = ["host", "origin"]
            .into_iter()
            .chain(METHOD_OVERRIDES)
            .collect();
        let by_origin = |id, name, query_strings| CachePolicy {
            query_strings,
            headers: names(&origin_headers),
            cookies: NameFilter::All,
            ..cache_policy(id, name, [0, 0, 31_536_000], Encodings::Normalized)
        };
        vec![
            CachePolicy {
                query_strings: NameFilter::All,
                headers: names(&["authorization", "cloudfront-viewer-country", "host"]),
                cookies: NameFilter::All,
                ..cache_policy(
                    "2e54312d-136d-493c-8eb9-b001f22f67d2",
                    "Managed-Amplify",
                    [2, 2, 600],
                    Encodings::Normalized,
                )
            },
            cache_policy(
                "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
                "Managed-CachingDisabled",
                [0, 0, 0],
                Encodings::Raw,
            ),
            CachePolicy::caching_optimized(),
            cache_policy(
                "b2884449-e4de-46a7-ac36-70bc7f1ddd6d",
                "Managed-CachingOptimizedForUncompressedObjects",
                [1, 86_400, 31_536_000],
                Encodings::Raw,
            ),
            CachePolicy {
                query_strings: only(&["aws.manifestfilter", "start", "end", "m"]),
                headers: names(&["origin"]),
                brotli: false,
                zstd: false,
                ..cache_policy(
                    "08627262-05a9-4f76-9ded-b50ca2e3a84f",
                    "Managed-Elemental-MediaPackage",
                    [0, 86_400, 31_536_000],
                    Encodings::Normalized,
                )
            },
            by_origin(
                "83da9c7e-98b4-4e11-a168-04f0df8e2c65",
                "UseOriginCacheControlHeaders",
                NameFilter::None,
            ),
            by_origin(
                "4cc15a8a-d715-48a4-82b8-cc0b614638fe",
                "UseOriginCacheControlHeaders-QueryStrings",
                NameFilter::All,
            ),
        ]
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encodings {
    /// Objects are cached in each encoding.
    Normalized,
    /// `Accept-Encoding` does not matter to the cache.
    Raw,
}

/// Makes a policy; `ttls` are minimum, default and maximum, in seconds.
fn cache_policy(id: &str, name: &str, ttls: [u64; 3], encodings: Encodings) -> CachePolicy {
    let [min_ttl, default_ttl, max_ttl] = ttls.map(Duration::from_secs);
    let is_normalized = encodings == Encodings::Normalized;
    CachePolicy {
        id: id.to_owned(),
        name: name.to_owned(),
        min_ttl,
        default_ttl,
        max_ttl,
        query_strings: NameFilter::None,
        headers: Vec::new(),
        cookies: NameFilter::None,
        gzip: is_normalized,
        brotli: is_normalized,
        zstd: is_normalized,
        cdn_cache_control: true,
        heuristic_percent: 0,
        normalize_accept_language: false,
    }
}

/// CloudFront's own headers as of June 2022.
const CLOUDFRONT_HEADERS_2022: [&str; 21] = [
    "cloudfront-forwarded-proto",
    "cloudfront-is-android-viewer",
    "cloudfront-is-desktop-viewer",
    "cloudfront-is-ios-viewer",
    "cloudfront-is-mobile-viewer",
    "cloudfront-is-smarttv-viewer",
    "cloudfront-is-tablet-viewer",
    "cloudfront-viewer-address",
    "cloudfront-viewer-asn",
    "cloudfront-viewer-city",
    "cloudfront-viewer-country",
    "cloudfront-viewer-country-name",
    "cloudfront-viewer-country-region",
    "cloudfront-viewer-country-region-name",
    "cloudfront-viewer-http-version",
    "cloudfront-viewer-latitude",
    "cloudfront-viewer-longitude",
    "cloudfront-viewer-metro-code",
    "cloudfront-viewer-postal-code",
    "cloudfront-viewer-time-zone",
    "cloudfront-viewer-tls",
];

const CORS_REQUEST_HEADERS: [&str; 3] = [
    "origin",
    "access-control-request-headers",
    "access-control-request-method",
];

impl OriginRequestPolicy {
    /// Returns all managed origin request policies.
    pub fn managed() -> &'static [Self] {
        static MANAGED: LazyLock<Vec<OriginRequestPolicy>> =
            LazyLock::new(OriginRequestPolicy::make_managed);
        &MANAGED
    }

    fn make_managed() -> Vec<Self> {
        let media_tailor: Vec<&str> = CORS_REQUEST_HEADERS
            .into_iter()
            .chain(["user-agent", "x-forwarded-for"])
            .collect();
        let all = |id, name, headers| OriginRequestPolicy {
            cookies: NameFilter::All,
            query_strings: NameFilter::All,
            ..request_policy(id, name, headers)
        };
        vec![
            all(
                "216adef6-5c7f-47e4-b989-5492eafa07d3",
                "Managed-AllViewer",
                HeaderFilter::AllViewer,
            ),
            all(
                "33f36d7e-f396-46d9-90e0-52428a34d9dc",
                "Managed-AllViewerAndCloudFrontHeaders-2022-06",
                HeaderFilter::AllViewerAndCloudFront(names(&CLOUDFRONT_HEADERS_2022)),
            ),
            all(
                "b689b0a8-53d0-40ab-baf2-68738e2966ac",
                "Managed-AllViewerExceptHostHeader",
                HeaderFilter::AllViewerExcept(names(&["host"])),
            ),
            request_policy(
                "59781a5b-3903-41f3-afcb-af62929ccde1",
                "Managed-CORS-CustomOrigin",
                HeaderFilter::Only(names(&["origin"])),
            ),
            request_policy(
                "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf",
                "Managed-CORS-S3Origin",
                HeaderFilter::Only(names(&CORS_REQUEST_HEADERS)),
            ),
            OriginRequestPolicy {
                query_strings: NameFilter::All,
                ..request_policy(
                    "775133bc-15f2-49f9-abea-afb2e0bf67d2",
                    "Managed-Elemental-MediaTailor-PersonalizedManifests",
                    HeaderFilter::Only(names(&media_tailor)),
                )
            },
            request_policy(
                "bf0718e1-ba1e-49d1-88b1-f726733018ae",
                "Managed-HostHeaderOnly",
                HeaderFilter::Only(names(&["host"])),
            ),
            request_policy(
                "acba4595-bd28-49b8-b9fe-13317c0390fa",
                "Managed-UserAgentRefererHeaders",
                HeaderFilter::Only(names(&["user-agent", "referer"])),
            ),
        ]
    }
}

fn request_policy(id: &str, name: &str, headers: HeaderFilter) -> OriginRequestPolicy {
    OriginRequestPolicy {
        id: id.to_owned(),
        name: name.to_owned(),
        headers,
        cookies: NameFilter::None,
        query_strings: NameFilter::None,
    }
}

impl ResponseHeadersPolicy {
    /// Returns all managed response headers policies.
    pub fn managed() -> &'static [Self] {
        static MANAGED: LazyLock<Vec<ResponseHeadersPolicy>> =
            LazyLock::new(ResponseHeadersPolicy::make_managed);
        &MANAGED
    }

    fn make_managed() -> Vec<Self> {
        let policy = |id: &str, name: &str, cors, headers| ResponseHeadersPolicy {
            id: id.to_owned(),
            name: name.to_owned(),
            cors,
            headers,
            remove: Vec::new(),
            server_timing_percent: 0.0,
        };
        vec![
            policy(
                "e61eb60c-9c35-4d20-a928-2b84e02af89c",
                "Managed-CORS-and-SecurityHeadersPolicy",
                Some(simple_cors()),
                security_headers(),
            ),
            policy(
                "5cc3b908-e619-4b99-88e5-2cf7f45965bd",
                "Managed-CORS-With-Preflight",
                Some(cors_with_preflight()),
                Vec::new(),
            ),
            policy(
                "eaab4381-ed33-4a86-88ca-d9558dc6cd63",
                "Managed-CORS-with-preflight-and-SecurityHeadersPolicy",
                Some(cors_with_preflight()),
                security_headers(),
            ),
            policy(
                "67f7725c-6f97-4210-82d7-5512b31e9d03",
                "Managed-SecurityHeadersPolicy",
                None,
                security_headers(),
            ),
            policy(
                "60669652-455b-4ae9-85a4-c4c02393f86c",
                "Managed-SimpleCORS",
                Some(simple_cors()),
                Vec::new(),
            ),
        ]
    }
}

fn simple_cors() -> CorsPolicy {
    CorsPolicy {
        allow_origins: vec!["*".to_owned()],
        allow_methods: Vec::new(),
        allow_headers: Vec::new(),
        expose_headers: Vec::new(),
        allow_credentials: false,
        max_age: None,
        overrides: false,
    }
}

fn cors_with_preflight() -> CorsPolicy {
    CorsPolicy {
        allow_methods: vec!["ALL".to_owned()],
        expose_headers: vec!["*".to_owned()],
        ..simple_cors()
    }
}

fn security_headers() -> Vec<PolicyHeader> {
    let policy_header = |name, value, overrides| PolicyHeader {
        name,
        value: HeaderValue::from_static(value),
        overrides,
    };
    vec![
        policy_header(
            header::REFERRER_POLICY,
            "strict-origin-when-cross-origin",
            false,
        ),
        policy_header(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000", false),
        policy_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff", true),
        policy_header(header::X_FRAME_OPTIONS, "SAMEORIGIN", false),
        policy_header(header::X_XSS_PROTECTION, "1; mode=block", false),
    ]
}

fn names(texts: &[&'static str]) -> Vec<HeaderName> {
    texts
        .iter()
        .map(|text| HeaderName::from_static(text))
        .collect()
}

fn only(texts: &[&str]) -> NameFilter {
    NameFilter::Only(texts.iter().map(|text| (*text).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(listed: &[(String, String)], expected: &str) {
        let lines: Vec<String> = listed
            .iter()
            .map(|(id, name)| format!("{id} {name}"))
            .collect();
        let expected: Vec<&str> = expected.lines().map(str::trim).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn cache_policies() {
        let policies = CachePolicy::managed().iter();
        let policies = policies.map(|policy| (policy.id.clone(), policy.name.clone()));
        let listed: Vec<_> = policies.collect();
        check(
            &listed,
            "2e54312d-136d-493c-8eb9-b001f22f67d2 Managed-Amplify
             4135ea2d-6df8-44a3-9df3-4b5a84be39ad Managed-CachingDisabled
             658327ea-f89d-4fab-a63d-7e88639e58f6 Managed-CachingOptimized
             b2884449-e4de-46a7-ac36-70bc7f1ddd6d Managed-CachingOptimizedForUncompressedObjects
             08627262-05a9-4f76-9ded-b50ca2e3a84f Managed-Elemental-MediaPackage
             83da9c7e-98b4-4e11-a168-04f0df8e2c65 UseOriginCacheControlHeaders
             4cc15a8a-d715-48a4-82b8-cc0b614638fe UseOriginCacheControlHeaders-QueryStrings",
        );
    }

    #[test]
    fn origin_request_policies() {
        let policies = OriginRequestPolicy::managed().iter();
        let policies = policies.map(|policy| (policy.id.clone(), policy.name.clone()));
        let listed: Vec<_> = policies.collect();
        check(
            &listed,
            "216adef6-5c7f-47e4-b989-5492eafa07d3 Managed-AllViewer
             33f36d7e-f396-46d9-90e0-52428a34d9dc Managed-AllViewerAndCloudFrontHeaders-2022-06
             b689b0a8-53d0-40ab-baf2-68738e2966ac Managed-AllViewerExceptHostHeader
             59781a5b-3903-41f3-afcb-af62929ccde1 Managed-CORS-CustomOrigin
             88a5eaf4-2fd4-4709-b370-b4c650ea3fcf Managed-CORS-S3Origin
             775133bc-15f2-49f9-abea-afb2e0bf67d2 Managed-Elemental-MediaTailor-PersonalizedManifests
             bf0718e1-ba1e-49d1-88b1-f726733018ae Managed-HostHeaderOnly
             acba4595-bd28-49b8-b9fe-13317c0390fa Managed-UserAgentRefererHeaders",
        );
    }

    #[test]
    fn response_headers_policies() {
        let policies = ResponseHeadersPolicy::managed().iter();
        let policies = policies.map(|policy| (policy.id.clone(), policy.name.clone()));
        let listed: Vec<_> = policies.collect();
        check(
            &listed,
            "e61eb60c-9c35-4d20-a928-2b84e02af89c Managed-CORS-and-SecurityHeadersPolicy
             5cc3b908-e619-4b99-88e5-2cf7f45965bd Managed-CORS-With-Preflight
             eaab4381-ed33-4a86-88ca-d9558dc6cd63 Managed-CORS-with-preflight-and-SecurityHeadersPolicy
             67f7725c-6f97-4210-82d7-5512b31e9d03 Managed-SecurityHeadersPolicy
             60669652-455b-4ae9-85a4-c4c02393f86c Managed-SimpleCORS",
        );
    }

    #[test]
    fn only_one_of_them_disables_the_cache() {
        let mut disabled = CachePolicy::managed().to_vec();
        disabled.retain(CachePolicy::is_disabled);
        assert_eq!(disabled.len(), 1);
        assert!(!disabled[0].gzip && !disabled[0].brotli && !disabled[0].zstd);
    }
}
