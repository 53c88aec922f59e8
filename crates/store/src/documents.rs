//! Reading documents, their versions, and who refers to whom.

use serde_json::Value;

use crate::limits::BODY_BYTES_MAX;
use crate::names::check_limit;
use crate::session::{Row, Session};
use crate::{DocumentName, Page, Store, StoreError, Timestamp};

/// Users that are read where they are asked for; more are left to the threads that read.
const USERS_AT_ONCE: i64 = 100;

/// Document as it is stored now.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredDocument {
    /// Kind of the document.
    pub kind: String,
    /// Id within the kind.
    pub id: String,
    /// Number of this version, from 1.
    pub version: u64,
    /// ETag of this version: `E` and 12 of A-Z and 0-9, random.
    pub etag: String,
    /// Body, in which secrets are sealed.
    pub body: Value,
    /// Time of the first version since the document was last created.
    pub created_at: Timestamp,
    /// Time of this version.
    pub updated_at: Timestamp,
    /// Operator who wrote this version.
    pub made_by: String,
}

/// One version of a document, which stays readable when newer ones are written and when the document is deleted.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredVersion {
    /// Kind of the document.
    pub kind: String,
    /// Id within the kind.
    pub id: String,
    /// Number of the version, from 1.
    pub number: u64,
    /// ETag that the document had or has with this version.
    pub etag: String,
    /// Body, in which secrets are sealed; `None` where this version deleted the document.
    pub body: Option<Value>,
    /// Time of the write.
    pub at: Timestamp,
    /// Operator who wrote it.
    pub made_by: String,
    /// Operation that wrote it.
    pub operation: String,
}

impl Store {
    /// Returns a document, or `None` where there is none of this name.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn document(
        &self,
        kind: &str,
        id: &str,
    ) -> Result<Option<StoredDocument>, StoreError> {
        let name = DocumentName::new(kind, id);
        let act = move |session: &mut dyn Session| document(session, &name);
        self.engine().look_up(act).await
    }

    /// Returns documents of a kind, by id.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for a page without rows or with too many.
    pub async fn documents(
        &self,
        kind: &str,
        page: &Page,
    ) -> Result<Vec<StoredDocument>, StoreError> {
        let (kind, page) = (kind.to_owned(), page.clone());
        let act = move |session: &mut dyn Session| documents(session, &kind, &page);
        self.engine().read(act).await
    }

    /// Returns versions of a document, newest first, of a deleted one too. [`Page::after`] is a version's number.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for a page that cannot be.
    pub async fn versions(
        &self,
        kind: &str,
        id: &str,
        page: &Page,
    ) -> Result<Vec<StoredVersion>, StoreError> {
        let (name, page) = (DocumentName::new(kind, id), page.clone());
        let act = move |session: &mut dyn Session| versions(session, &name, &page);
        self.engine().read(act).await
    }

    /// Returns one version of a document, or `None`.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn version(
        &self,
        kind: &str,
        id: &str,
        number: u64,
    ) -> Result<Option<StoredVersion>, StoreError> {
        let name = DocumentName::new(kind, id);
        let act = move |session: &mut dyn Session| version(session, &name, number);
        self.engine().look_up(act).await
    }

    /// Returns the documents that refer to this one, by name.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn used_by(&self, kind: &str, id: &str) -> Result<Vec<DocumentName>, StoreError> {
        let name = DocumentName::new(kind, id);
        let few = name.clone();
        let act = move |session: &mut dyn Session| used_by(session, &few, USERS_AT_ONCE + 1);
        let users = self.engine().look_up(act).await?;
        if i64::try_from(users.len()).is_ok_and(|count| count <= USERS_AT_ONCE) {
            return Ok(users);
        }
        let act = move |session: &mut dyn Session| used_by(session, &name, i64::MAX);
        self.engine().read(act).await
    }
}

const DOCUMENT_COLUMNS: &str =
    "kind, id, version, etag, body, created_at, updated_at, made_by FROM documents";
const VERSION_COLUMNS: &str = "kind, id, number, etag, body, at, made_by, operation FROM versions";

pub(crate) fn document(
    session: &mut dyn Session,
    name: &DocumentName,
) -> Result<Option<StoredDocument>, StoreError> {
    let sql = format!("SELECT {DOCUMENT_COLUMNS} WHERE kind = $1 AND id = $2");
    let row = session.query_first(&sql, vec![(&name.kind).into(), (&name.id).into()])?;
    row.map(document_of).transpose()
}

pub(crate) fn documents(
    session: &mut dyn Session,
    kind: &str,
    page: &Page,
) -> Result<Vec<StoredDocument>, StoreError> {
    let sql = format!("SELECT {DOCUMENT_COLUMNS} WHERE kind = $1 AND id > $2 ORDER BY id LIMIT $3");
    let limit = check_limit(page.limit)?;
    let after = page.after.as_deref().unwrap_or("");
    let rows = session.query(&sql, vec![kind.into(), after.into(), limit.into()])?;
    rows.into_iter().map(document_of).collect()
}

pub(crate) fn used_by(
    session: &mut dyn Session,
    name: &DocumentName,
    limit: i64,
) -> Result<Vec<DocumentName>, StoreError> {
    let sql = "SELECT kind, id FROM document_references WHERE to_kind = $1 AND to_id = $2 \
               ORDER BY kind, id LIMIT $3";
    let parameters = vec![(&name.kind).into(), (&name.id).into(), limit.into()];
    let rows = session.query(sql, parameters)?;
    let names = rows
        .into_iter()
        .map(|mut row| Ok(DocumentName::new(row.text()?, row.text()?)));
    names.collect()
}

fn versions(
    session: &mut dyn Session,
    name: &DocumentName,
    page: &Page,
) -> Result<Vec<StoredVersion>, StoreError> {
    let before = match &page.after {
        None => i64::MAX,
        Some(number) => number
            .parse()
            .map_err(|_| StoreError::invalid("after", "is not the number of a version"))?,
    };
    let sql = format!(
        "SELECT {VERSION_COLUMNS} WHERE kind = $1 AND id = $2 AND number < $3 ORDER BY number DESC LIMIT $4"
    );
    let limit = check_limit(page.limit)?;
    let parameters = vec![
        (&name.kind).into(),
        (&name.id).into(),
        before.into(),
        limit.into(),
    ];
    let rows = session.query(&sql, parameters)?;
    rows.into_iter().map(version_of).collect()
}

fn version(
    session: &mut dyn Session,
    name: &DocumentName,
    number: u64,
) -> Result<Option<StoredVersion>, StoreError> {
    let sql = format!("SELECT {VERSION_COLUMNS} WHERE kind = $1 AND id = $2 AND number = $3");
    let parameters = vec![(&name.kind).into(), (&name.id).into(), number.into()];
    let row = session.query_first(&sql, parameters)?;
    row.map(version_of).transpose()
}

fn document_of(mut row: Row) -> Result<StoredDocument, StoreError> {
    Ok(StoredDocument {
        kind: row.text()?,
        id: row.text()?,
        version: row.count()?,
        etag: row.text()?,
        body: json(&row.text()?)?,
        created_at: Timestamp::from_seconds(row.number()?),
        updated_at: Timestamp::from_seconds(row.number()?),
        made_by: row.text()?,
    })
}

fn version_of(mut row: Row) -> Result<StoredVersion, StoreError> {
    Ok(StoredVersion {
        kind: row.text()?,
        id: row.text()?,
        number: row.count()?,
        etag: row.text()?,
        body: row.maybe_text()?.as_deref().map(json).transpose()?,
        at: Timestamp::from_seconds(row.number()?),
        made_by: row.text()?,
        operation: row.text()?,
    })
}

/// Reads a stored body or another value that the store has written as JSON.
pub(crate) fn json(text: &str) -> Result<Value, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::damaged(format!("a body is not JSON: {error}")))
}

/// Refuses a value that is larger as text than a body may be.
pub(crate) fn check_size(field: &'static str, value: &Value) -> Result<(), StoreError> {
    check_length(field, value.to_string().len())
}

/// Refuses a text of JSON that is longer than a body may be.
pub(crate) fn check_length(field: &'static str, length: usize) -> Result<(), StoreError> {
    if length <= BODY_BYTES_MAX {
        return Ok(());
    }
    let problem = format!("has {length} bytes, and {BODY_BYTES_MAX} are allowed");
    Err(StoreError::invalid(field, problem))
}
