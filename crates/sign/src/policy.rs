//! Policies: the canned text, and strict parsing of custom ones.
//!
//! Source: developer guide, "Create a signed URL using a custom policy". Parsing fails closed: duplicate keys, several
//! statements and unknown conditions are refused, never skipped.

use std::borrow::Cow;
use std::sync::Arc;

use crate::ip::IpRange;
use crate::link_mark::{LinkMark, member_into};
use crate::policy_error::PolicyError;
use crate::time::Timestamp;

mod level;
mod mark;
mod names;
mod read;

/// Maximum size of a decoded policy.
pub(crate) const POLICY_BYTES_MAX: usize = 8 * 1024;
/// Maximum nesting of the JSON.
const DEPTH_MAX: usize = 8;

/// A parsed policy. Without `resource` it covers every URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy<'a> {
    pub(crate) resource: Option<Cow<'a, str>>,
    pub(crate) until: Timestamp,
    pub(crate) from: Option<Timestamp>,
    pub(crate) ip: Option<IpRange>,
    /// Privet's own member.
    pub(crate) mark: Option<Arc<LinkMark>>,
}

/// The accepted forms of `Statement`: an array alone, or `"Statement":{…}` too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatementForm {
    Array,
    ArrayOrObject,
}

impl<'a> Policy<'a> {
    /// Parses a decoded policy.
    pub(crate) fn parse(bytes: &'a [u8], form: StatementForm) -> Result<Self, PolicyError> {
        match Self::parse_strictly(bytes, form) {
            Err(PolicyError::Json(error)) => match escape_bare_question_marks(bytes) {
                Some(repaired) => read::policy(&repaired, form).map(Policy::into_owned),
                None => Err(PolicyError::Json(error)),
            },
            result => result,
        }
    }

    /// As [`Policy::parse`], but `\\?` must be escaped as JSON requires.
    pub(crate) fn parse_strictly(
        bytes: &'a [u8],
        form: StatementForm,
    ) -> Result<Self, PolicyError> {
        if bytes.len() > POLICY_BYTES_MAX {
            return Err(PolicyError::TooLong(bytes.len()));
        }
        // Counting all brackets first is faster, and enough for nearly all policies.
        let opened = bytes
            .iter()
            .filter(|byte| matches!(byte, b'{' | b'['))
            .count();
        if opened > DEPTH_MAX && depth(bytes) > DEPTH_MAX {
            return Err(PolicyError::TooDeep);
        }
        read::policy(bytes, form)
    }

    pub(crate) fn into_owned<'b>(self) -> Policy<'b> {
        Policy {
            resource: self
                .resource
                .map(|resource| Cow::Owned(resource.into_owned())),
            until: self.until,
            from: self.from,
            ip: self.ip,
            mark: self.mark,
        }
    }
}

/// Appends the text that a canned signature is made over (developer guide, "canned policy"): no white space,
/// nothing escaped.
pub(crate) fn canned_into(resource: &[&str], until: &str, text: &mut Vec<u8>) {
    text.extend_from_slice(b"{\"Statement\":[{\"Resource\":\"");
    for part in resource {
        text.extend_from_slice(part.as_bytes());
    }
    text.extend_from_slice(b"\",\"Condition\":{\"DateLessThan\":{\"AWS:EpochTime\":");
    text.extend_from_slice(until.as_bytes());
    text.extend_from_slice(b"}}}]}");
}

/// Returns the resource of a text that [`canned_into`] made from a resource without quotes.
pub(crate) fn canned_resource(text: &[u8]) -> Option<&str> {
    let resource = text.strip_prefix(b"{\"Statement\":[{\"Resource\":\"")?;
    let end = resource.iter().position(|byte| *byte == b'"')?;
    std::str::from_utf8(&resource[..end]).ok()
}

/// Returns the text of a custom policy, compact: resource, mark, then the conditions in botocore's order, which is
/// expiry, address, start.
pub(crate) fn custom_text(policy: &Policy<'_>) -> String {
    let mut text = String::from("{\"Statement\":[{");
    if let Some(resource) = &policy.resource {
        text.push_str("\"Resource\":");
        // The resource is serialized as a JSON string, so that no resource can end it.
        text.push_str(&serde_json::Value::from(resource.as_ref()).to_string());
        text.push(',');
    }
    if let Some(mark) = &policy.mark {
        member_into(mark, &mut text);
        text.push(',');
    }
    text.push_str(&format!(
        "\"Condition\":{{\"DateLessThan\":{{\"AWS:EpochTime\":{}}}",
        policy.until.as_secs()
    ));
    if let Some(ip) = policy.ip {
        text.push_str(&format!(",\"IpAddress\":{{\"AWS:SourceIp\":\"{ip}\"}}"));
    }
    if let Some(from) = policy.from {
        text.push_str(&format!(
            ",\"DateGreaterThan\":{{\"AWS:EpochTime\":{}}}",
            from.as_secs()
        ));
    }
    text.push_str("}}]}");
    text
}

/// Removes the white space between the tokens of a policy that was parsed.
pub(crate) fn minify(text: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let keep = |char: &char| {
        match char {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            _ => {}
        }
        in_string || !char.is_ascii_whitespace()
    };
    text.chars().filter(keep).collect()
}

/// Parses the epoch of a canned URL: decimal digits, no sign, no leading zero, in range.
pub(crate) fn canned_expiry(text: &str) -> Option<Timestamp> {
    let plain = (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if !plain || text.starts_with('0') {
        return None;
    }
    let until = Timestamp::from_secs(text.parse().ok()?);
    (until <= Timestamp::MAX_EXPIRY).then_some(until)
}

/// Returns the deepest nesting of objects and arrays; brackets inside strings do not count.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in bytes {
        match (in_string, *byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'{' | b'[') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Escapes the bare `\?` of policies of 2023, as the guide of that year printed it. Returns `None` if there is none.
fn escape_bare_question_marks(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut repaired = Vec::with_capacity(bytes.len() + 8);
    let mut index = 0;
    while index < bytes.len() {
        match (bytes[index], bytes.get(index + 1)) {
            (b'\\', Some(b'?')) => repaired.extend_from_slice(b"\\\\?"),
            (b'\\', Some(next)) => repaired.extend_from_slice(&[b'\\', *next]),
            (byte, _) => {
                repaired.push(byte);
                index += 1;
                continue;
            }
        }
        index += 2;
    }
    (repaired.len() != bytes.len()).then_some(repaired)
}

#[cfg(test)]
mod tests;
