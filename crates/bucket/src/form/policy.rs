//! The policy of a form: what its signer lets a browser upload (S3 API Reference, "POST Policy"). Pure.

use crate::form::Fields;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use std::ops::RangeInclusive;
use thiserror::Error;

/// Fields that no condition has to name: the signature itself, and what follows from it.
const UNCOVERED: [&str; 3] = ["x-amz-signature", "policy", "file"];
const IGNORED_PREFIX: &str = "x-ignore-";

/// The reason why an upload is refused by its policy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum FormPolicyError {
    #[error("Invalid Policy: {0}")]
    Malformed(&'static str),
    #[error("Invalid according to Policy: Policy expired.")]
    Expired,
    #[error("Invalid according to Policy: Policy Condition failed: {0}")]
    Failed(String),
    #[error("Invalid according to Policy: Extra input fields: {0}")]
    Uncovered(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    expiration: String,
    conditions: Vec<Value>,
}

/// Checks an upload against its policy, and returns the sizes that the file may have. `policy` is the field as sent,
/// `now` in seconds since 1970.
pub(crate) fn check(
    policy: &str,
    fields: &Fields,
    bucket: &str,
    now: i64,
) -> Result<RangeInclusive<u64>, FormPolicyError> {
    let malformed = FormPolicyError::Malformed;
    let text = BASE64_STANDARD
        .decode(policy)
        .map_err(|_| malformed("it is not Base64"))?;
    let document: Document = serde_json::from_slice(&text)
        .map_err(|_| malformed("it is not JSON of the form of policies"))?;
    let expiration: Timestamp = document
        .expiration
        .parse()
        .map_err(|_| malformed("its expiration is no time"))?;
    if now >= expiration.as_second() {
        return Err(FormPolicyError::Expired);
    }
    let mut upload = Upload {
        fields,
        key: fields.key(),
        bucket,
        covered: Vec::new(),
        sizes: 0..=u64::MAX,
    };
    for condition in &document.conditions {
        upload.meet(condition)?;
    }
    upload.check_covered()?;
    Ok(upload.sizes)
}

struct Upload<'a> {
    fields: &'a Fields,
    /// Key with the file's name in it.
    key: Option<String>,
    bucket: &'a str,
    covered: Vec<String>,
    sizes: RangeInclusive<u64>,
}

impl Upload<'_> {
    fn meet(&mut self, condition: &Value) -> Result<(), FormPolicyError> {
        match condition {
            Value::Object(pairs) => pairs
                .iter()
                .try_for_each(|(name, wanted)| self.compare("eq", name, wanted)),
            Value::Array(parts) => self.meet_list(parts),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Err(
                FormPolicyError::Malformed("a condition is neither an object nor a list"),
            ),
        }
    }

    fn meet_list(&mut self, parts: &[Value]) -> Result<(), FormPolicyError> {
        let malformed = FormPolicyError::Malformed("a condition is not understood");
        let [Value::String(operator), second, third] = parts else {
            return Err(malformed);
        };
        let operator = operator.to_ascii_lowercase();
        if operator == "content-length-range" {
            let (Some(least), Some(most)) = (number(second), number(third)) else {
                return Err(malformed);
            };
            // Of several ranges all hold.
            self.sizes = least.max(*self.sizes.start())..=most.min(*self.sizes.end());
            return Ok(());
        }
        let name = second.as_str().and_then(|name| name.strip_prefix('$'));
        match (operator.as_str(), name) {
            ("eq" | "starts-with", Some(name)) => self.compare(&operator, name, third),
            (_, _) => Err(malformed),
        }
    }

    fn compare(
        &mut self,
        operator: &str,
        name: &str,
        wanted: &Value,
    ) -> Result<(), FormPolicyError> {
        let name = name.to_ascii_lowercase();
        let wanted = wanted
            .as_str()
            .ok_or(FormPolicyError::Malformed("a condition has no text"))?;
        let sent = self.value(&name).unwrap_or_default();
        let is_met = match operator {
            "eq" => sent == wanted,
            // Content types may be lists.
            _ if name == "content-type" => {
                sent.split(',').all(|part| part.trim().starts_with(wanted))
            }
            _ => sent.starts_with(wanted),
        };
        if !is_met {
            return Err(FormPolicyError::Failed(format!(
                "[\"{operator}\", \"${name}\", \"{wanted}\"]"
            )));
        }
        self.covered.push(name);
        Ok(())
    }

    fn value(&self, name: &str) -> Option<&str> {
        match name {
            "bucket" => Some(self.bucket),
            "key" => self.key.as_deref(),
            _ => self.fields.get(name),
        }
    }

    /// Every field is part of what was signed, so that a browser adds none; the bucket counts as one.
    fn check_covered(&self) -> Result<(), FormPolicyError> {
        let names = self.fields.values.iter().map(|(name, _)| name.as_str());
        for name in names.chain(["bucket"]) {
            let is_free = UNCOVERED.contains(&name) || name.starts_with(IGNORED_PREFIX);
            if !is_free && !self.covered.iter().any(|covered| covered == name) {
                return Err(FormPolicyError::Uncovered(name.to_owned()));
            }
        }
        match self.fields.get("bucket") {
            Some(bucket) if bucket != self.bucket => Err(FormPolicyError::Failed(
                "the bucket is another one".to_owned(),
            )),
            Some(_) | None => Ok(()),
        }
    }
}

/// Reads a size; some signers write numbers as text.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
