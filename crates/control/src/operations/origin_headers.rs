//! The values of the headers that origins get, for those who may change them.

use crate::operation_error::OperationError;
use crate::operations::{Item, Operations, Source};
use crate::operator::{Admin, Operator};
use privet_distribution::config::ServiceKind;
use serde_json::Value;

impl Operations {
    /// Returns the document of an item with the headers of its origins in clear; all other secrets stay sealed.
    ///
    /// CloudFront's API shows these values, and its clients compare them with what they would set.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) fn with_clear_headers(
        &self,
        _operator: &Operator<Admin>,
        kind: ServiceKind,
        item: &Item,
    ) -> Result<Value, OperationError> {
        let mut document = item.document.clone();
        let Source::Store(store) = &self.shared.source else {
            return Ok(document);
        };
        if !has_headers(&document) {
            return Ok(document);
        }
        let clear = store
            .opened()?
            .unseal(kind.as_str(), &item.id, &item.document)?;
        for place in places(&document) {
            if let (Some(value), Some(clear)) =
                (document.pointer_mut(&place), clear.pointer(&place))
            {
                *value = clear.clone();
            }
        }
        Ok(document)
    }
}

fn has_headers(document: &Value) -> bool {
    places(document)
        .iter()
        .any(|place| document.pointer(place).is_some())
}

/// Returns where a document may have headers.
fn places(document: &Value) -> Vec<String> {
    let origins = document.get("origins").and_then(Value::as_array);
    let origins = 0..origins.map_or(0, Vec::len);
    let places = origins.map(|position| format!("/origins/{position}/headers"));
    let own = ["/origin/headers".to_owned()];
    places.chain(own).collect()
}
