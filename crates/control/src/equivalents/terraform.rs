//! Resources of Terraform's AWS provider, with an import block for an item that is there already.
//!
//! They are made of the configuration in CloudFront's words, whose members most attributes are named after.

mod distribution;

use crate::cloudfront::said::{Said, said};
use crate::equivalents::hcl::{self, Entry, attribute, block};
use crate::equivalents::secrets::{Masked, Sealed, mask};
use crate::equivalents::{Equivalent, Operation, Target};
use crate::operation_error::OperationError;
use privet_distribution::config::ServiceKind;
use serde_json::{Value, json};

/// Members that the provider sets itself.
const OWN_MEMBERS: [&str; 1] = ["CallerReference"];

/// Returns the resource of an operation.
pub(super) fn text(operation: &Operation) -> Result<Equivalent, OperationError> {
    let text = match operation {
        Operation::Create { kind, document } => {
            let masked = mask(*kind, document, Sealed::Replaced)?;
            resource(*kind, &masked, None)
        }
        Operation::Update { target, document } => {
            let mut masked = mask(target.kind, document, Sealed::Replaced)?;
            if let Some(members) = masked.document.as_object_mut() {
                members.insert(target.kind.id_key().to_owned(), target.id.as_str().into());
            }
            resource(target.kind, &masked, Some(target))
        }
        Operation::Delete(target) => {
            resource_type(target.kind).and(Err("take the resource out and apply".to_owned()))
        }
        Operation::Switch { target, .. } => resource_type(target.kind).and(Err(
            "set enabled in the resource of the distribution and apply".to_owned(),
        )),
        Operation::Restore { .. } => Err("Terraform has no earlier versions".to_owned()),
        Operation::Invalidate(_) => Err("Terraform's provider invalidates nothing".to_owned()),
        Operation::List(_) | Operation::Get(..) => {
            Err("Terraform reads what it has made or imported alone".to_owned())
        }
        Operation::CreateOperator(_)
        | Operation::UpdateOperator { .. }
        | Operation::DeleteOperator(_)
        | Operation::CreateAccessKey(_)
        | Operation::UpdateAccessKey { .. }
        | Operation::DeleteAccessKey(_)
        | Operation::RotateAccessKey { .. }
        | Operation::SetRotation { .. }
        | Operation::EndRotation(_)
        | Operation::RotateNow(_)
        | Operation::ForgetEdge(_) => Err("Terraform's provider has no such resource".to_owned()),
    };
    Ok(text)
}

fn resource_type(kind: ServiceKind) -> Equivalent {
    let name = match kind {
        ServiceKind::PublicKey => "public_key",
        ServiceKind::KeyGroup => "key_group",
        ServiceKind::CachePolicy => "cache_policy",
        ServiceKind::OriginRequestPolicy => "origin_request_policy",
        ServiceKind::ResponseHeadersPolicy => "response_headers_policy",
        ServiceKind::OriginAccessIdentity => "origin_access_identity",
        ServiceKind::OriginAccessControl => "origin_access_control",
        ServiceKind::Distribution => "distribution",
        ServiceKind::StreamingDistribution
        | ServiceKind::TrustedSigner
        | ServiceKind::Certificate
        | ServiceKind::Bucket => {
            return Err("Terraform's provider has no such resource".to_owned());
        }
    };
    Ok(format!("aws_cloudfront_{name}"))
}

/// Returns the resource of an item, and what Terraform needs beside it.
fn resource(kind: ServiceKind, masked: &Masked, target: Option<&Target>) -> Equivalent {
    let of_type = resource_type(kind)?;
    let said = said(kind, &masked.document)?;
    let label = label(kind, &masked.document);
    let body = match kind {
        ServiceKind::Distribution => distribution::body(&said)?,
        ServiceKind::PublicKey
        | ServiceKind::KeyGroup
        | ServiceKind::CachePolicy
        | ServiceKind::OriginRequestPolicy
        | ServiceKind::ResponseHeadersPolicy
        | ServiceKind::OriginAccessIdentity
        | ServiceKind::OriginAccessControl
        | ServiceKind::StreamingDistribution
        | ServiceKind::TrustedSigner
        | ServiceKind::Certificate
        | ServiceKind::Bucket => body(&said)?,
    };
    let mut blocks = Vec::new();
    for secret in &masked.secrets {
        let name = format!("variable \"{}\"", hcl::variable(secret));
        let about = format!("Secret at {}", secret.pointer);
        let of_type = Entry::Expression("type".to_owned(), "string".to_owned());
        let sensitive = attribute("sensitive", true);
        blocks.push(block(
            name,
            vec![of_type, attribute("description", about), sensitive],
        ));
    }
    if let Some(target) = target {
        let to = Entry::Expression("to".to_owned(), format!("{of_type}.{label}"));
        blocks.push(block(
            "import",
            vec![to, attribute("id", target.id.as_str())],
        ));
    }
    blocks.push(block(format!("resource \"{of_type}\" \"{label}\""), body));
    let texts = blocks.chunks(1);
    let texts: Vec<String> = texts.map(|one| hcl::text(one, &masked.secrets)).collect();
    Ok(texts.join("\n"))
}

/// Returns a label, which is made of letters, digits, `_` and `-` and begins with a letter.
fn label(kind: ServiceKind, document: &Value) -> String {
    let text = |key: &str| document.get(key).and_then(Value::as_str);
    let name = text("name").or(text(kind.id_key())).unwrap_or_default();
    let is_plain = |char: char| char.is_ascii_alphanumeric() || char == '_' || char == '-';
    let name: String = name
        .chars()
        .map(|char| if is_plain(char) { char } else { '_' })
        .collect();
    match name.chars().next() {
        Some(first) if first.is_ascii_alphabetic() => name,
        Some(_) => format!("item_{name}"),
        None => "item".to_owned(),
    }
}

/// Returns the body of a resource that has the members of its configuration.
fn body(said: &Said) -> Result<Vec<Entry>, String> {
    let mut config = said.config.clone();
    if let Some(members) = config.as_object_mut() {
        members.retain(|name, _| !OWN_MEMBERS.contains(&name.as_str()));
    }
    entries(&config)
}

/// Returns the entries of a structure: an attribute for a plain member, a block for a structure, and one for each
/// structure of a list. What is empty is left out.
pub(super) fn entries(structure: &Value) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    for (name, value) in structure.as_object().into_iter().flatten() {
        let attribute_name = snake(name);
        match value {
            Value::Null => {}
            Value::String(text) if text.is_empty() => {}
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                entries.push(attribute(attribute_name, value.clone()));
            }
            Value::Array(elements) if elements.iter().any(Value::is_object) => {
                for element in elements {
                    entries.push(block(attribute_name.clone(), self::entries(element)?));
                }
            }
            Value::Array(_) => entries.push(attribute(attribute_name, value.clone())),
            Value::Object(members) if members.is_empty() => {
                return Err(format!("Terraform's {attribute_name} is not empty"));
            }
            Value::Object(_) => entries.push(block(attribute_name, self::entries(value)?)),
        }
    }
    Ok(entries)
}

/// Returns a name as the provider spells it: `MinTTL` is `min_ttl`, and `XSSProtection` is `xss_protection`.
fn snake(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut spelled = String::new();
    for (position, char) in chars.iter().enumerate() {
        let before = position.checked_sub(1).and_then(|before| chars.get(before));
        let after = chars.get(position + 1);
        let begins = char.is_ascii_uppercase()
            && (before.is_some_and(|before| !before.is_ascii_uppercase())
                || after.is_some_and(char::is_ascii_lowercase));
        if begins && before.is_some() {
            spelled.push('_');
        }
        spelled.push(char.to_ascii_lowercase());
    }
    spelled
}

/// Returns the tags of a resource as a map.
fn tags(tags: &Value) -> Value {
    let items = tags.get("Items").and_then(Value::as_array);
    let mut map = json!({});
    for item in items.into_iter().flatten() {
        if let Some(key) = item.get("Key").and_then(Value::as_str) {
            map[key] = item.get("Value").cloned().unwrap_or_default();
        }
    }
    map
}
