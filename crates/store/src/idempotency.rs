//! Writes that are answered once: a repeated request gets the answer that the first one got.

use serde_json::{Value, json};

use crate::limits::REMEMBERED_SECONDS;
use crate::session::Session;
use crate::{DocumentName, Store, StoreError, Write, Written, WrittenDocument, documents};

/// What is remembered of a write with an idempotency key, for a day.
#[derive(Clone, Debug, PartialEq)]
pub struct Remembered {
    /// Digest of the request; another one with the same key is a mistake of the client.
    pub request_digest: String,
    /// What the writer has given for its answer.
    pub response: Value,
    /// What the write has made.
    pub written: Written,
}

impl Store {
    /// Returns what is remembered of an operator's write with this idempotency key.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn remembered(
        &self,
        operator: &str,
        key: &str,
    ) -> Result<Option<Remembered>, StoreError> {
        let (operator, key) = (operator.to_owned(), key.to_owned());
        let act = move |session: &mut dyn Session| remembered(session, &operator, &key);
        self.engine().look_up(act).await
    }
}

/// Forgets what is a day old, and refuses a write whose key is remembered.
pub(crate) fn refuse_repeated(session: &mut dyn Session, write: &Write) -> Result<(), StoreError> {
    let Some(idempotency) = &write.idempotency else {
        return Ok(());
    };
    let oldest = write.at.seconds() - REMEMBERED_SECONDS;
    session.execute("DELETE FROM idempotency WHERE at < $1", vec![oldest.into()])?;
    match remembered(session, &write.actor.operator, &idempotency.key)? {
        None => Ok(()),
        Some(_) => Err(StoreError::Repeated {
            key: idempotency.key.clone(),
        }),
    }
}

/// Remembers a write with an idempotency key, in its own transaction.
pub(crate) fn remember(
    session: &mut dyn Session,
    write: &Write,
    written: &Written,
) -> Result<(), StoreError> {
    let Some(idempotency) = &write.idempotency else {
        return Ok(());
    };
    let sql = "INSERT INTO idempotency (operator, name, request_digest, response, written, at) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    let parameters = vec![
        (&write.actor.operator).into(),
        (&idempotency.key).into(),
        (&idempotency.request_digest).into(),
        idempotency.response.to_string().into(),
        to_json(written).to_string().into(),
        write.at.seconds().into(),
    ];
    session.execute(sql, parameters)?;
    Ok(())
}

fn remembered(
    session: &mut dyn Session,
    operator: &str,
    key: &str,
) -> Result<Option<Remembered>, StoreError> {
    let sql = "SELECT request_digest, response, written FROM idempotency WHERE operator = $1 AND name = $2";
    let Some(mut row) = session.query_first(sql, vec![operator.into(), key.into()])? else {
        return Ok(None);
    };
    Ok(Some(Remembered {
        request_digest: row.text()?,
        response: documents::json(&row.text()?)?,
        written: from_json(&documents::json(&row.text()?)?)
            .ok_or_else(|| StoreError::damaged("a remembered answer has another form"))?,
    }))
}

fn to_json(written: &Written) -> Value {
    let documents = written.documents.iter().map(|document| {
        let DocumentName { kind, id } = &document.name;
        json!([kind, id, document.etag, document.version])
    });
    json!({ "change": written.change, "documents": documents.collect::<Vec<_>>() })
}

fn from_json(value: &Value) -> Option<Written> {
    let documents = value.get("documents")?.as_array()?.iter().map(|document| {
        let text = |index| document.get(index)?.as_str().map(str::to_owned);
        Some(WrittenDocument {
            name: DocumentName::new(text(0)?, text(1)?),
            etag: text(2)?,
            version: document.get(3)?.as_u64()?,
        })
    });
    Some(Written {
        change: value.get("change")?.as_u64()?,
        documents: documents.collect::<Option<_>>()?,
    })
}
