//! Registered links: those that are counted, and those that an operator wants to find and revoke.
//!
//! What a link is stands in its signed text; here are its terms, and who used it. Neither a URL nor a signature is
//! ever stored.

mod bytes;
mod filter;
mod ids;
mod redemption;
mod registered;
mod uses;

pub use bytes::ByteAnswer;
pub(crate) use filter::Conditions;
pub use filter::{LinkFilter, LinkState, PathFilter};
pub use ids::{AttemptId, LinkDigest, RegisteredId, SubjectDigest, ViewerDigest};
pub use redemption::{GiveBack, LinkUse, UseAnswer};
pub(crate) use registered::check_object;
pub use registered::{LinkConfirm, LinkKind, NewLink, StoredLink};
pub use uses::StoredUse;

use crate::audit::{self, Entry, Outcome};
use crate::names::{check_limit, check_short};
use crate::session::{Cell, Session};
use crate::{Actor, DocumentName, Page, SealingKey, Store, StoreError, Timestamp};

use registered::{COLUMNS, link_of};

/// Kind by which links are named in errors and in the audit trail.
pub(crate) const LINK_KIND: &str = "link";

impl Store {
    /// Registers a link; returns its number.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for terms that break a limit or a link that has ended, [`StoreError::Exists`] where its
    /// id or its digest is registered.
    pub async fn create_link(
        &self,
        new: &NewLink,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        new.check()?;
        check_short("operator", &actor.operator)?;
        if new.ends_at <= now {
            return Err(StoreError::invalid("end", "is in the past"));
        }
        let (new, actor, key) = (new.clone(), actor.clone(), self.inner.key.clone());
        let act = move |session: &mut dyn Session| create(session, &key, &new, (&actor, now));
        self.engine().write(act).await
    }

    /// Returns a registered link, or `None`.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn link(&self, id: &RegisteredId) -> Result<Option<StoredLink>, StoreError> {
        let id = *id;
        let act = move |session: &mut dyn Session| one(session, "l.id = $1", id.into());
        self.engine().look_up(act).await
    }

    /// Returns the registered link with this digest, or `None`.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn link_by_digest(
        &self,
        digest: &LinkDigest,
    ) -> Result<Option<StoredLink>, StoreError> {
        let digest = *digest;
        let act = move |session: &mut dyn Session| one(session, "l.digest = $1", digest.into());
        self.engine().look_up(act).await
    }

    /// Returns registered links, newest first. [`Page::after`] is a link's number.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for a filter or a page that cannot be.
    pub async fn links(
        &self,
        filter: &LinkFilter,
        page: &Page,
    ) -> Result<Vec<StoredLink>, StoreError> {
        filter.check()?;
        let (filter, page) = (filter.clone(), page.clone());
        let act = move |session: &mut dyn Session| list(session, &filter, &page);
        self.engine().read(act).await
    }

    /// Returns how many links a filter has.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for a filter that cannot be.
    pub async fn count_links(&self, filter: &LinkFilter) -> Result<u64, StoreError> {
        filter.check()?;
        let filter = filter.clone();
        let act = move |session: &mut dyn Session| {
            let mut conditions = Conditions::new(Vec::new());
            filter.add_to(&mut conditions);
            let sql = format!("SELECT COUNT(*) FROM links AS l WHERE {}", conditions.sql());
            let row = session.query_first(&sql, conditions.parameters)?;
            row.map_or(Ok(0), |mut row| row.count())
        };
        self.engine().read(act).await
    }
}

fn create(
    session: &mut dyn Session,
    key: &SealingKey,
    new: &NewLink,
    (actor, now): (&Actor, Timestamp),
) -> Result<u64, StoreError> {
    let last = session.query_first("SELECT COALESCE(MAX(number), 0) FROM links", Vec::new())?;
    let number = last.map_or(Ok(0), |mut row| row.count())? + 1;
    let mut parameters: Vec<Cell> = vec![number.into()];
    parameters.extend(new.cells());
    parameters.extend([now.seconds().into(), (&actor.operator).into()]);
    let places: Vec<String> = (1..=parameters.len())
        .map(|place| format!("${place}"))
        .collect();
    let sql = format!(
        "INSERT INTO links ({COLUMNS}) VALUES ({}, NULL, 0) ON CONFLICT DO NOTHING",
        places.join(", ")
    );
    let name = DocumentName::new(LINK_KIND, new.id.to_string());
    if session.execute(&sql, parameters)? == 0 {
        return Err(StoreError::Exists(name));
    }
    // The link itself may have been revoked before anybody registered it.
    let sql = "UPDATE links SET revoked_by = (SELECT MAX(r.seq) FROM revocations AS r WHERE r.kind = 'link' \
               AND r.value = links.digest AND r.lifted_at IS NULL) WHERE number = $1";
    session.execute(sql, vec![number.into()])?;
    let after = new.trail_body().to_string();
    let entry = Entry {
        actor,
        at: now,
        operation: "create_link",
        outcome: Outcome::Done,
        document: Some(&name),
        before: None,
        after: Some(&after),
        detail: None,
    };
    audit::append(session, key, &[entry])?;
    Ok(number)
}

/// Columns of a link with its uses, over `links AS l`.
fn select() -> String {
    let columns: Vec<String> = COLUMNS
        .split(", ")
        .map(|column| format!("l.{column}"))
        .collect();
    format!(
        "SELECT {}, {} FROM links AS l",
        columns.join(", "),
        uses::COUNT
    )
}

fn one(
    session: &mut dyn Session,
    condition: &str,
    value: Cell,
) -> Result<Option<StoredLink>, StoreError> {
    let sql = format!("{} WHERE {condition}", select());
    let row = session.query_first(&sql, vec![value])?;
    row.map(link_of).transpose()
}

fn list(
    session: &mut dyn Session,
    filter: &LinkFilter,
    page: &Page,
) -> Result<Vec<StoredLink>, StoreError> {
    let limit = check_limit(page.limit)?;
    let before = match &page.after {
        None => i64::MAX,
        Some(number) => number
            .parse()
            .map_err(|_| StoreError::invalid("after", "is not the number of a link"))?,
    };
    let mut conditions = Conditions::new(vec![before.into(), limit.into()]);
    filter.add_to(&mut conditions);
    let sql = format!(
        "{} WHERE l.number < $1 AND {} ORDER BY l.number DESC LIMIT $2",
        select(),
        conditions.sql()
    );
    let rows = session.query(&sql, conditions.parameters)?;
    rows.into_iter().map(link_of).collect()
}
