//! Which entries of the audit trail are asked for.

use super::{COLUMNS, Outcome};
use crate::names::check_limit;
use crate::session::Cell;
use crate::{StoreError, Timestamp};

/// Filter of the audit trail; what is `None` restricts nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Name of the operator.
    pub operator: Option<String>,
    /// Kind of the document.
    pub kind: Option<String>,
    /// Id of the document.
    pub id: Option<String>,
    /// Operation.
    pub operation: Option<String>,
    /// End of the operation.
    pub outcome: Option<Outcome>,
    /// First second.
    pub from: Option<Timestamp>,
    /// Last second.
    pub to: Option<Timestamp>,
    /// Only entries with smaller numbers: the page behind the entry with this one.
    pub before_seq: Option<u64>,
}

impl AuditFilter {
    /// Returns the query for the newest entries that match, and its parameters.
    ///
    /// Conditions that are not asked for are not in it, so that an index can be used for the others.
    pub(super) fn query(&self, limit: u32) -> Result<(String, Vec<Cell>), StoreError> {
        let conditions = [
            ("operator =", Cell::from(self.operator.as_ref())),
            ("kind =", Cell::from(self.kind.as_ref())),
            ("id =", Cell::from(self.id.as_ref())),
            ("operation =", Cell::from(self.operation.as_ref())),
            ("outcome =", Cell::from(self.outcome.map(Outcome::as_str))),
            ("at >=", Cell::from(self.from.map(Timestamp::seconds))),
            ("at <=", Cell::from(self.to.map(Timestamp::seconds))),
            ("seq <", Cell::from(self.before_seq)),
        ];
        let mut sql = format!("SELECT {COLUMNS} FROM audit");
        let mut parameters = Vec::new();
        for (condition, value) in conditions {
            if value != Cell::Null {
                let word = if parameters.is_empty() {
                    "WHERE"
                } else {
                    "AND"
                };
                parameters.push(value);
                sql.push_str(&format!(" {word} {condition} ${}", parameters.len()));
            }
        }
        parameters.push(check_limit(limit)?.into());
        sql.push_str(&format!(" ORDER BY seq DESC LIMIT ${}", parameters.len()));
        Ok((sql, parameters))
    }
}
