//! Public keys that items name by their files: the texts, to be shown where a form has nothing but a text.

use crate::item_file::read_file;
use crate::operation_error::OperationError;
use crate::operations::{Item, Operations};
use privet_distribution::config::{OwnFiles, ServiceKind};
use privet_sign::PublicKey;
use serde_json::Value;
use std::path::Path;

impl Operations {
    /// Returns the item with the text of its key as `pem` beside `file`, if it is a public key that is named so; any
    /// other item as it is. Where the file cannot be read on this machine, the text says why.
    ///
    /// # Errors
    /// [`OperationError::System`] if the thread that reads the file has failed.
    pub(crate) async fn with_key_text(
        &self,
        kind: ServiceKind,
        mut item: Item,
    ) -> Result<Item, OperationError> {
        let file = item.document.get("file").and_then(Value::as_str);
        let Some(file) = file.filter(|_| kind == ServiceKind::PublicKey) else {
            return Ok(item);
        };
        let (base, path) = (self.snapshot(), self.shared.folder.join(file));
        // The disk may have to be waited for.
        let read = tokio::task::spawn_blocking(move || text(&path, &base.node.own_files));
        let lost = |_| OperationError::System("the thread for this has failed");
        item.document["pem"] = read.await.map_err(lost)?.into();
        Ok(item)
    }
}

/// Returns the key in its usual form, or the reason why there is none. What else a file may have in it, such as a
/// private key, is not shown.
fn text(path: &Path, own_files: &OwnFiles) -> String {
    let key = match read_file(path, own_files) {
        Ok(bytes) => PublicKey::parse(&bytes).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match key {
        Ok(key) => key.to_pem(),
        Err(reason) => format!("(no key can be read from the file: {reason})"),
    }
}
