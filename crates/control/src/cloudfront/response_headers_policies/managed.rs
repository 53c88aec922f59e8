//! The documents of the response headers policies that every account has.

use privet_distribution::config::{PolicyHeader, ResponseHeadersPolicy};
use serde_json::{Value, json};

pub(super) fn documents() -> Vec<Value> {
    ResponseHeadersPolicy::managed()
        .iter()
        .map(document)
        .collect()
}

fn document(policy: &ResponseHeadersPolicy) -> Value {
    let mut document = json!({ "id": policy.id, "name": policy.name });
    if let Some(cors) = &policy.cors {
        document["cors"] = json!({
            "allow_origins": cors.allow_origins,
            "allow_methods": cors.allow_methods,
            "allow_headers": cors.allow_headers,
            "expose_headers": cors.expose_headers,
            "allow_credentials": cors.allow_credentials,
            "override": cors.overrides,
        });
    }
    let mut security = json!({});
    for header in &policy.headers {
        if let Some((key, table)) = security_header(header) {
            security[key] = table;
        }
    }
    if !policy.headers.is_empty() {
        document["security"] = security;
    }
    document
}

/// Returns a header as documents have it; the managed policies have these five, with these values.
fn security_header(header: &PolicyHeader) -> Option<(&'static str, Value)> {
    let value = header.value.to_str().ok()?;
    let overrides = header.overrides;
    let table = match header.name.as_str() {
        "referrer-policy" => (
            "referrer_policy",
            json!({ "value": value, "override": overrides }),
        ),
        "x-frame-options" => (
            "frame_options",
            json!({ "value": value, "override": overrides }),
        ),
        "x-content-type-options" => ("content_type_options", json!({ "override": overrides })),
        "strict-transport-security" => {
            let seconds: u64 = value.strip_prefix("max-age=")?.parse().ok()?;
            (
                "strict_transport_security",
                json!({ "max_age": seconds, "override": overrides }),
            )
        }
        "x-xss-protection" => (
            "xss_protection",
            json!({ "protection": true, "block": value == "1; mode=block", "override": overrides }),
        ),
        _ => return None,
    };
    Some(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_managed_policy_is_lost() {
        for policy in ResponseHeadersPolicy::managed() {
            let security = document(policy)["security"]
                .as_object()
                .map_or(0, |table| table.len());
            assert_eq!(security, policy.headers.len(), "{}", policy.name);
        }
    }
}
