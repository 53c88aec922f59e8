//! The three kinds of policies, and those that every account has.

use super::*;
use privet_distribution::config::{CachePolicy, OriginRequestPolicy, ResponseHeadersPolicy};

fn cache_policy(name: &str, inner: &str) -> String {
    format!(
        "<CachePolicyConfig><Name>{name}</Name><MinTTL>1</MinTTL><DefaultTTL>60</DefaultTTL><MaxTTL>3600</MaxTTL>\
         <ParametersInCacheKeyAndForwardedToOrigin><EnableAcceptEncodingGzip>true</EnableAcceptEncodingGzip>{inner}\
         </ParametersInCacheKeyAndForwardedToOrigin></CachePolicyConfig>"
    )
}

fn names(config: &str, behavior: &str, (word, names): (&str, &[&str]), list: &str) -> String {
    let items: String = names
        .iter()
        .map(|name| format!("<Name>{name}</Name>"))
        .collect();
    let list = match names.is_empty() {
        true => String::new(),
        false => format!(
            "<{list}><Quantity>{}</Quantity><Items>{items}</Items></{list}>",
            names.len()
        ),
    };
    format!("<{config}><{behavior}>{word}</{behavior}>{list}</{config}>")
}

fn headers(choice: (&str, &[&str])) -> String {
    names("HeadersConfig", "HeaderBehavior", choice, "Headers")
}

fn cookies(choice: (&str, &[&str])) -> String {
    names("CookiesConfig", "CookieBehavior", choice, "Cookies")
}

fn query_strings(choice: (&str, &[&str])) -> String {
    names(
        "QueryStringsConfig",
        "QueryStringBehavior",
        choice,
        "QueryStrings",
    )
}

#[test]
fn choices_that_do_not_go_together_are_refused() {
    let fixture = Fixture::new();
    let client = Client::new(&fixture);
    let none: (&str, &[&str]) = ("none", &[]);
    let post = |inner: [String; 3], expected| {
        let body = cache_policy("p", &inner.concat());
        client.refused(("POST", "/cache-policy", &body), expected);
    };
    let argument = (400, "InvalidArgument");
    post(
        [
            headers(("whitelist", &[])),
            cookies(none),
            query_strings(none),
        ],
        argument,
    );
    post(
        [headers(none), cookies(("all", &["a"])), query_strings(none)],
        argument,
    );
    post(
        [headers(("all", &[])), cookies(none), query_strings(none)],
        argument,
    );
    post(
        [
            headers(("whitelist", &["a b"])),
            cookies(none),
            query_strings(none),
        ],
        argument,
    );
    post(
        [headers(none), cookies(none), String::new()],
        (400, "MalformedXML"),
    );
    let many = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
    let many = ("whitelist", &many[..]);
    let codes =
        ["Headers", "Cookies", "QueryStrings"].map(|what| format!("TooMany{what}InCachePolicy"));
    post(
        [headers(many), cookies(none), query_strings(none)],
        (400, &codes[0]),
    );
    post(
        [headers(none), cookies(many), query_strings(none)],
        (400, &codes[1]),
    );
    post(
        [headers(none), cookies(none), query_strings(many)],
        (400, &codes[2]),
    );
    let order = cache_policy(
        "p",
        &[headers(none), cookies(none), query_strings(none)].concat(),
    );
    let order = order.replace("<MaxTTL>3600<", "<MaxTTL>30<");
    client.refused(("POST", "/cache-policy", &order), argument);
}

#[test]
fn a_cache_policy_comes_back_as_it_was_and_keeps_what_is_privets() {
    let fixture = Fixture::new();
    let client = Client::new(&fixture);
    let inner = [
        headers(("whitelist", &["CloudFront-Viewer-Country", "X-Own"])),
        cookies(("allExcept", &["session"])),
        query_strings(("all", &[])),
    ];
    let body = cache_policy("p", &inner.concat());
    let (id, _) = client.create("/cache-policy", &body);
    let got = client.ask("GET", &format!("/cache-policy/{id}/config"), "");
    for part in &inner {
        assert!(got.text.contains(part.as_str()), "{part} {got:?}");
    }
    assert_eq!(element(&got.text, "DefaultTTL"), Some("60"));
    assert_eq!(
        element(&got.text, "EnableAcceptEncodingBrotli"),
        Some("false")
    );
    client.refused(
        ("POST", "/cache-policy", &body),
        (409, "CachePolicyAlreadyExists"),
    );
    let v1 = format!("/v1/policies/cache/{id}");
    let item = fixture.ask_socket(&Ask::get(&v1));
    assert_eq!(item.json["document"]["zstd"], false);
    let mut document = item.json["document"].clone();
    document["heuristic_percent"] = 10.into();
    document["max_ttl"] = "2h".into();
    let ask = Ask::new("PUT", &v1).json(&document);
    let changed = fixture.ask_socket(&ask.header("if-match", item.json["etag"].as_str().unwrap()));
    assert_eq!(changed.status, 200, "{changed:?}");
    let got = client.ask("GET", &format!("/cache-policy/{id}"), "");
    assert_eq!(element(&got.text, "MaxTTL"), Some("7200"));
    let updated = client.ask_with("PUT", &format!("/cache-policy/{id}"), etag(&got), &body);
    assert_eq!(updated.status, 200, "{updated:?}");
    let item = fixture.ask_socket(&Ask::get(&v1));
    assert_eq!(item.json["document"]["heuristic_percent"], 10);
    assert_eq!(item.json["document"]["max_ttl"], 3600);
}

#[test]
fn what_a_cache_policy_leaves_out_is_filled_in() {
    let fixture = Fixture::new();
    let client = Client::new(&fixture);
    let body = "<CachePolicyConfig><Name>p</Name><MinTTL>0</MinTTL></CachePolicyConfig>";
    let (id, _) = client.create("/cache-policy", body);
    let got = client.ask("GET", &format!("/cache-policy/{id}"), "");
    assert_eq!(element(&got.text, "DefaultTTL"), Some("86400"));
    assert_eq!(element(&got.text, "MaxTTL"), Some("31536000"));
    assert_eq!(element(&got.text, "HeaderBehavior"), Some("none"));
}

#[test]
fn an_origin_request_policy_comes_back_as_it_was() {
    let fixture = Fixture::new();
    let client = Client::new(&fixture);
    let choices: [(&str, &[&str]); 5] = [
        ("none", &[]),
        ("whitelist", &["X-Own", "CloudFront-Viewer-City"]),
        ("allViewer", &[]),
        (
            "allViewerAndWhitelistCloudFront",
            &["CloudFront-Viewer-City"],
        ),
        ("allExcept", &["Host"]),
    ];
    for (number, choice) in choices.into_iter().enumerate() {
        let inner = [
            headers(choice),
            cookies(("all", &[])),
            query_strings(("none", &[])),
        ]
        .concat();
        let body = format!(
            "<OriginRequestPolicyConfig><Name>p{number}</Name>{inner}<Comment>c</Comment></OriginRequestPolicyConfig>"
        );
        let (id, _) = client.create("/origin-request-policy", &body);
        let got = client.ask("GET", &format!("/origin-request-policy/{id}"), "");
        assert!(got.text.contains(&inner), "{inner} {got:?}");
    }
    let foreign = headers(("allViewerAndWhitelistCloudFront", &["X-Own"]));
    let inner = [foreign, cookies(("all", &[])), query_strings(("none", &[]))].concat();
    let body =
        format!("<OriginRequestPolicyConfig><Name>p</Name>{inner}</OriginRequestPolicyConfig>");
    client.refused(
        ("POST", "/origin-request-policy", &body),
        (400, "InvalidArgument"),
    );
}

const RESPONSE: &str = "<Comment>c</Comment><Name>p</Name><CorsConfig><AccessControlAllowOrigins>\
<Quantity>1</Quantity><Items><Origin>https://example.com</Origin></Items></AccessControlAllowOrigins>\
<AccessControlAllowHeaders><Quantity>1</Quantity><Items><Header>X-Own</Header></Items></AccessControlAllowHeaders>\
<AccessControlAllowMethods><Quantity>2</Quantity><Items><Method>GET</Method><Method>HEAD</Method></Items>\
</AccessControlAllowMethods><AccessControlAllowCredentials>true</AccessControlAllowCredentials>\
<AccessControlMaxAgeSec>600</AccessControlMaxAgeSec><OriginOverride>true</OriginOverride></CorsConfig>\
<SecurityHeadersConfig><XSSProtection><Override>true</Override><Protection>true</Protection><ModeBlock>true</ModeBlock>\
</XSSProtection><FrameOptions><Override>false</Override><FrameOption>DENY</FrameOption></FrameOptions>\
<ReferrerPolicy><Override>true</Override><ReferrerPolicy>no-referrer</ReferrerPolicy></ReferrerPolicy>\
<ContentSecurityPolicy><Override>true</Override><ContentSecurityPolicy>default-src 'none'</ContentSecurityPolicy>\
</ContentSecurityPolicy><ContentTypeOptions><Override>true</Override></ContentTypeOptions><StrictTransportSecurity>\
<Override>true</Override><IncludeSubdomains>true</IncludeSubdomains><Preload>false</Preload>\
<AccessControlMaxAgeSec>63072000</AccessControlMaxAgeSec></StrictTransportSecurity></SecurityHeadersConfig>\
<ServerTimingHeadersConfig><Enabled>true</Enabled><SamplingRate>12.5</SamplingRate></ServerTimingHeadersConfig>\
<CustomHeadersConfig><Quantity>1</Quantity><Items><ResponseHeadersPolicyCustomHeader><Header>X-One</Header>\
<Value>1</Value><Override>true</Override></ResponseHeadersPolicyCustomHeader></Items></CustomHeadersConfig>\
<RemoveHeadersConfig><Quantity>1</Quantity><Items><ResponseHeadersPolicyRemoveHeader><Header>Server</Header>\
</ResponseHeadersPolicyRemoveHeader></Items></RemoveHeadersConfig>";

#[test]
fn a_response_headers_policy_comes_back_as_it_was() {
    let fixture = Fixture::new();
    let client = Client::new(&fixture);
    let path = "/response-headers-policy";
    let body =
        |inner: &str| format!("<ResponseHeadersPolicyConfig>{inner}</ResponseHeadersPolicyConfig>");
    let off = "<Enabled>false</Enabled><SamplingRate>12.5</SamplingRate>";
    let lost = RESPONSE.replace(
        "<Enabled>true</Enabled><SamplingRate>12.5</SamplingRate>",
        off,
    );
    client.refused(("POST", path, &body(&lost)), (400, "InvalidArgument"));
    let long = RESPONSE.replace("default-src 'none'", &"a".repeat(1784));
    client.refused(
        ("POST", path, &body(&long)),
        (400, "TooLongCSPInResponseHeadersPolicy"),
    );
    let (id, etag) = client.create(path, &body(RESPONSE));
    let got = client.ask("GET", &format!("{path}/{id}/config"), "");
    assert!(got.text.contains(RESPONSE), "{got:?}");
    let bare = "<Comment></Comment><Name>q</Name>";
    let updated = client.ask_with("PUT", &format!("{path}/{id}"), &etag, &body(bare));
    assert_eq!(
        element(&updated.text, "ResponseHeadersPolicyConfig"),
        Some(bare),
        "{updated:?}"
    );
}

#[test]
fn every_account_has_the_managed_policies_and_keeps_them() {
    let fixture = Fixture::new();
    let client = Client::new(&fixture);
    let own = [
        headers(("none", &[])),
        cookies(("none", &[])),
        query_strings(("none", &[])),
    ]
    .concat();
    client.create("/cache-policy", &cache_policy("own", &own));
    for (path, count) in [
        ("/cache-policy", CachePolicy::managed().len()),
        (
            "/origin-request-policy",
            OriginRequestPolicy::managed().len(),
        ),
        (
            "/response-headers-policy",
            ResponseHeadersPolicy::managed().len(),
        ),
    ] {
        let list = client.ask("GET", &format!("{path}?Type=managed"), "");
        let quantity = count.to_string();
        assert_eq!(
            element(&list.text, "Quantity"),
            Some(quantity.as_str()),
            "{list:?}"
        );
        assert!(!list.text.contains("<Type>custom</Type>"), "{list:?}");
    }
    let both = client.ask("GET", "/cache-policy", "");
    let count = |word: &str| both.text.matches(&format!("<Type>{word}</Type>")).count();
    assert_eq!(
        (count("managed"), count("custom")),
        (CachePolicy::managed().len(), 1)
    );
    let custom = client.ask("GET", "/cache-policy?Type=custom", "");
    assert_eq!(element(&custom.text, "Quantity"), Some("1"));
    let path = "/cache-policy/4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
    let got = client.ask("GET", path, "");
    assert_eq!(element(&got.text, "Name"), Some("Managed-CachingDisabled"));
    assert_eq!(element(&got.text, "MaxTTL"), Some("0"));
    let body = cache_policy("p", &own);
    let updated = client.ask_with("PUT", path, etag(&got), &body);
    assert_eq!((updated.status, code(&updated)), (400, "IllegalUpdate"));
    let deleted = client.ask_with("DELETE", path, etag(&got), "");
    assert_eq!((deleted.status, code(&deleted)), (400, "IllegalDelete"));
}
