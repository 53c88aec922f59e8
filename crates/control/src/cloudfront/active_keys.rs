//! The keys that open a distribution: `ActiveTrustedSigners` and `ActiveTrustedKeyGroups`.

use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::members::Members;
use crate::operation_error::OperationError;
use crate::operations::Operations;
use crate::operator::{Operator, Read};
use privet_distribution::config::ServiceKind;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The names of signers and of key groups in a document, each once.
#[derive(Debug, Default, PartialEq, Eq)]
struct Trusted<'d> {
    signers: BTreeSet<&'d str>,
    key_groups: BTreeSet<&'d str>,
}

impl<'d> Trusted<'d> {
    /// Collects them from a document of either kind of distribution.
    fn of(document: &'d Value) -> Self {
        let document = Members::of(document, "");
        let mut trusted = Trusted::default();
        trusted.add(&document);
        trusted.add(&document.inner("default_behavior"));
        for behavior in document.array("behaviors") {
            trusted.add(&Members::of(behavior, ""));
        }
        trusted
    }

    fn add(&mut self, table: &Members<'d>) {
        self.signers.extend(table.array_of_texts("trusted_signers"));
        self.key_groups
            .extend(table.array_of_texts("trusted_key_groups"));
    }
}

/// Returns `ActiveTrustedSigners` of a document.
pub(super) async fn active_signers(
    operations: &Operations,
    operator: &Operator<Read>,
    document: &Value,
) -> Result<Value, ApiError> {
    let mut items = Vec::new();
    for name in Trusted::of(document).signers {
        let kind = (ServiceKind::TrustedSigner, "key_pairs");
        let keys = keys_of(operations, operator, kind, name).await?;
        items.push(json!({ "AwsAccountNumber": name, "KeyPairIds": { "Items": keys } }));
    }
    Ok(json!({ "Enabled": !items.is_empty(), "Items": items }))
}

/// Returns `ActiveTrustedKeyGroups` of a document.
pub(super) async fn active_key_groups(
    operations: &Operations,
    operator: &Operator<Read>,
    document: &Value,
) -> Result<Value, ApiError> {
    let mut items = Vec::new();
    for id in Trusted::of(document).key_groups {
        let kind = (ServiceKind::KeyGroup, "public_keys");
        let keys = keys_of(operations, operator, kind, id).await?;
        items.push(json!({ "KeyGroupId": id, "KeyPairIds": { "Items": keys } }));
    }
    Ok(json!({ "Enabled": !items.is_empty(), "Items": items }))
}

/// Returns the ids of the keys that an item names; none if it was deleted since.
async fn keys_of(
    operations: &Operations,
    operator: &Operator<Read>,
    (kind, key): (ServiceKind, &str),
    id: &str,
) -> Result<Vec<String>, ApiError> {
    match operations.item(operator, kind, id).await {
        Ok(item) => {
            let keys = Members::of(&item.document, "").array_of_texts(key);
            Ok(keys.into_iter().map(str::to_owned).collect())
        }
        Err(OperationError::NotFound { .. }) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_once() {
        let document = json!({
            "trusted_signers": ["self"],
            "default_behavior": { "trusted_signers": ["self", "1"], "trusted_key_groups": ["b"] },
            "behaviors": [{ "trusted_key_groups": ["a", "b"] }, { "origin": "x" }],
        });
        let trusted = Trusted::of(&document);
        assert_eq!(trusted.signers, BTreeSet::from(["1", "self"]));
        assert_eq!(trusted.key_groups, BTreeSet::from(["a", "b"]));
        assert_eq!(Trusted::of(&json!({})), Trusted::default());
    }
}
