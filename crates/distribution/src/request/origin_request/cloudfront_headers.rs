//! CloudFront's own request headers: facts that the edge knows about a viewer.

use super::RequestFacts;
use crate::config::CachePolicy;
use crate::request::viewer_request::ViewerRequest;
use http::{HeaderMap, HeaderName, HeaderValue, Version, header};
use privet_sign::Scheme;
use std::borrow::Cow;
use std::net::SocketAddr;

/// Returns the value of one of CloudFront's own request headers (developer guide, "Add CloudFront request headers"),
/// such as `CloudFront-Viewer-Country`; `None` when it is not known, or for another header.
///
/// A value that a viewer sends under such a name is never believed: both the cache key and the origin get this value.
pub fn cloudfront_header(
    name: &HeaderName,
    request: &ViewerRequest<'_>,
    facts: &RequestFacts<'_>,
) -> Option<HeaderValue> {
    let device = || Device::of(request);
    let flag = |is_so: bool| {
        Some(HeaderValue::from_static(if is_so {
            "true"
        } else {
            "false"
        }))
    };
    match name.as_str().strip_prefix("cloudfront-")? {
        "forwarded-proto" => Some(HeaderValue::from_static(match request.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        })),
        "viewer-http-version" => http_version(request.version),
        "viewer-country" => HeaderValue::from_str(facts.country?).ok(),
        "viewer-address" => {
            let address = SocketAddr::new(facts.viewer, facts.viewer_port?);
            HeaderValue::try_from(address.to_string()).ok()
        }
        "is-mobile-viewer" => flag(device().is_mobile),
        "is-tablet-viewer" => flag(device().is_tablet),
        "is-smarttv-viewer" => flag(device().is_television),
        "is-desktop-viewer" => flag(device().is_desktop()),
        "is-ios-viewer" => flag(device().is_ios),
        "is-android-viewer" => flag(device().is_android),
        _ => None,
    }
}

/// Returns the viewer's headers for the cache key of `policy`: CloudFront's own headers that it names have the edge's
/// values, not the viewer's. Borrowed when it names none.
pub fn keyed_headers<'r>(
    policy: &CachePolicy,
    request: &ViewerRequest<'r>,
    facts: &RequestFacts<'_>,
) -> Cow<'r, HeaderMap> {
    let mut headers = Cow::Borrowed(request.headers);
    let is_own = |name: &&HeaderName| name.as_str().starts_with("cloudfront-");
    for name in policy.headers.iter().filter(is_own) {
        match cloudfront_header(name, request, facts) {
            Some(value) => {
                headers.to_mut().insert(name.clone(), value);
            }
            None => {
                headers.to_mut().remove(name);
            }
        }
    }
    headers
}

fn http_version(version: Version) -> Option<HeaderValue> {
    let text = match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_11 => "1.1",
        Version::HTTP_2 => "2.0",
        Version::HTTP_3 => "3.0",
        _ => return None,
    };
    Some(HeaderValue::from_static(text))
}

/// The kind of device, by the words that its makers put into `User-Agent`.
struct Device {
    is_mobile: bool,
    is_tablet: bool,
    is_television: bool,
    is_ios: bool,
    is_android: bool,
}

impl Device {
    fn of(request: &ViewerRequest<'_>) -> Self {
        let agent = request.headers.get(header::USER_AGENT);
        let agent = agent.map_or(&b""[..], HeaderValue::as_bytes);
        let has = |words: &[&str]| {
            words.iter().any(|word| {
                agent
                    .windows(word.len())
                    .any(|part| part == word.as_bytes())
            })
        };
        let is_television = has(&[
            "SmartTV",
            "SMART-TV",
            "Smart TV",
            "HbbTV",
            "AppleTV",
            "GoogleTV",
            "Android TV",
            "Web0S",
            "BRAVIA",
            "AFTT",
        ]);
        let is_android = has(&["Android"]);
        let is_tablet = !is_television
            && (has(&["iPad", "Tablet", "Kindle", "Silk/"]) || (is_android && !has(&["Mobile"])));
        let is_phone = has(&["iPhone", "iPod", "Windows Phone", "BlackBerry"])
            || (is_android && has(&["Mobile"]));
        Device {
            is_mobile: !is_television && (is_phone || is_tablet),
            is_tablet,
            is_television,
            is_ios: has(&["iPhone", "iPad", "iPod"]),
            is_android,
        }
    }

    fn is_desktop(&self) -> bool {
        !self.is_mobile && !self.is_television
    }
}
