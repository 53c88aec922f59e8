//! Reading who used a link.

use super::{AttemptId, RegisteredId, ViewerDigest};
use crate::names::check_limit;
use crate::session::{Row, Session};
use crate::{Page, Store, StoreError, Timestamp};

/// Uses of `links AS l` that count.
pub(super) const COUNT: &str = "(SELECT COALESCE(MAX(u.number), 0) FROM link_uses AS u WHERE u.link = l.id) \
    - (SELECT COUNT(*) FROM link_uses AS u WHERE u.link = l.id AND u.given_back = 1 AND u.number > 0)";

/// Use of a link, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredUse {
    /// Number of the use, from 1.
    pub number: u64,
    /// Attempt that it was made by.
    pub attempt: AttemptId,
    /// The viewer.
    pub viewer: ViewerDigest,
    /// Time at which it was made.
    pub at: Timestamp,
    /// Time until which the viewer's next request belongs to it.
    pub window_until: Timestamp,
    /// Edge that asked.
    pub edge: String,
    /// Whether it was given back, and does not count.
    pub given_back: bool,
}

impl Store {
    /// Returns uses of a link, the last ones first. [`Page::after`] is a use's number.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for a page that cannot be.
    pub async fn link_uses(
        &self,
        id: &RegisteredId,
        page: &Page,
    ) -> Result<Vec<StoredUse>, StoreError> {
        let (id, page) = (*id, page.clone());
        let act = move |session: &mut dyn Session| list(session, id, &page);
        self.engine().read(act).await
    }
}

fn list(
    session: &mut dyn Session,
    id: RegisteredId,
    page: &Page,
) -> Result<Vec<StoredUse>, StoreError> {
    let limit = check_limit(page.limit)?;
    let before: i64 = match &page.after {
        None => i64::MAX,
        Some(number) => number
            .parse()
            .map_err(|_| StoreError::invalid("after", "is not the number of a use"))?,
    };
    let sql = "SELECT number, attempt, viewer, at, window_until, edge, given_back FROM link_uses \
               WHERE link = $1 AND number < $2 ORDER BY number DESC LIMIT $3";
    let rows = session.query(sql, vec![id.into(), before.into(), limit.into()])?;
    rows.into_iter().map(use_of).collect()
}

fn use_of(mut row: Row) -> Result<StoredUse, StoreError> {
    Ok(StoredUse {
        number: row.count()?,
        attempt: AttemptId::stored(&row.text()?)?,
        viewer: ViewerDigest::stored(&row.text()?)?,
        at: Timestamp::from_seconds(row.number()?),
        window_until: Timestamp::from_seconds(row.number()?),
        edge: row.text()?,
        given_back: row.number()? != 0,
    })
}
