//! Everything that a store serves, as items with their secrets in clear.

use crate::command_error::CommandError;
use privet_distribution::config::{ServiceItem, ServiceKind};
use privet_store::{Page, Store};

/// Documents that are read at once.
const PAGE_ROWS: u32 = 1_000;

/// An item as it is stored now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredItem {
    /// The item, with its secrets in clear.
    pub(crate) item: ServiceItem,
    /// ETag of this version.
    pub(crate) etag: String,
}

/// Reads all items, by kind and id.
///
/// # Errors
/// [`CommandError::Store`].
pub(crate) async fn stored_items(store: &Store) -> Result<Vec<StoredItem>, CommandError> {
    let mut items = Vec::new();
    for kind in ServiceKind::ALL {
        let mut page = Page::first(PAGE_ROWS);
        loop {
            let documents = store.documents(kind.as_str(), &page).await?;
            let Some(last) = documents.last() else { break };
            page.after = Some(last.id.clone());
            for document in documents {
                let value = store.unseal(&document.kind, &document.id, &document.body)?;
                items.push(StoredItem {
                    item: ServiceItem {
                        kind,
                        id: document.id,
                        value,
                    },
                    etag: document.etag,
                });
            }
        }
    }
    Ok(items)
}
