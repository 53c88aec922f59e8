//! What each edge says of itself, so that "in force on 3 of 3" is a fact.

use serde_json::Value;

use crate::documents::{check_length, json};
use crate::limits::ID_BYTES_MAX;
use crate::names::{check_short, check_text};
use crate::session::{Row, Session};
use crate::{Store, StoreError, Timestamp};

/// Report of an edge.
#[derive(Clone, Debug, PartialEq)]
pub struct EdgeReport {
    /// Id of the edge, which stays when it is restarted.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Version of the program.
    pub version: String,
    /// Number of the last change that is in force there.
    pub applied_seq: u64,
    /// Further state.
    pub state: Value,
}

/// Last report of an edge.
#[derive(Clone, Debug, PartialEq)]
pub struct EdgeRecord {
    /// The report.
    pub report: EdgeReport,
    /// Time of the report.
    pub seen_at: Timestamp,
}

impl Store {
    /// Stores an edge's report in place of its last one.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for texts that break a limit, and with the field `edge state` for a state that is longer
    /// than [`BODY_BYTES_MAX`](crate::limits::BODY_BYTES_MAX) as JSON. The last report stays then.
    pub async fn report_edge(&self, report: &EdgeReport, now: Timestamp) -> Result<(), StoreError> {
        check_text("edge id", &report.id, ID_BYTES_MAX)?;
        check_short("edge name", &report.name)?;
        check_short("edge version", &report.version)?;
        let state = report.state.to_string();
        check_length("edge state", state.len())?;
        let parameters = vec![
            (&report.id).into(),
            (&report.name).into(),
            (&report.version).into(),
            report.applied_seq.into(),
            state.into(),
            now.seconds().into(),
        ];
        let act = move |session: &mut dyn Session| {
            let sql = "INSERT INTO edges (id, name, version, applied_seq, state, seen_at) \
                       VALUES ($1, $2, $3, $4, $5, $6) \
                       ON CONFLICT (id) DO UPDATE SET name = excluded.name, version = excluded.version, \
                       applied_seq = excluded.applied_seq, state = excluded.state, seen_at = excluded.seen_at";
            session.execute(sql, parameters.clone()).map(drop)
        };
        self.engine().write(act).await
    }

    /// Returns the last report of every edge, by id.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn edges(&self) -> Result<Vec<EdgeRecord>, StoreError> {
        let sql = "SELECT id, name, version, applied_seq, state, seen_at FROM edges ORDER BY id";
        let act = move |session: &mut dyn Session| {
            let rows = session.query(sql, Vec::new())?;
            rows.into_iter().map(record_of).collect()
        };
        self.engine().look_up(act).await
    }

    /// Forgets an edge that is no more; one that still runs comes back with its next report.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn forget_edge(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        let act = move |session: &mut dyn Session| {
            let sql = "DELETE FROM edges WHERE id = $1";
            session.execute(sql, vec![(&id).into()]).map(drop)
        };
        self.engine().write(act).await
    }
}

fn record_of(mut row: Row) -> Result<EdgeRecord, StoreError> {
    Ok(EdgeRecord {
        report: EdgeReport {
            id: row.text()?,
            name: row.text()?,
            version: row.text()?,
            applied_seq: row.count()?,
            state: json(&row.text()?)?,
        },
        seen_at: Timestamp::from_seconds(row.number()?),
    })
}
