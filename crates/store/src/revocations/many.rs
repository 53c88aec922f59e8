//! Revoking all links of a filter at once, in one transaction.

use serde_json::json;

use super::{Trail, changed, check_room, last_event, last_seq};
use crate::links::Conditions;
use crate::names::check_short;
use crate::session::{Cell, Session};
use crate::{Actor, LinkFilter, LinkState, Store, StoreError, Timestamp, random};

/// Links that were revoked together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevokedLinks {
    /// Links that were live and are revoked now.
    pub links: u64,
    /// Number of the last of their revocations, which follow each other; `None` where there were no links.
    pub last: Option<u64>,
}

impl Store {
    /// Revokes all live links of a filter, each by its own revocation, or none of them. How many they are can be
    /// counted before by [`Store::count_links`] with [`LinkState::Live`].
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for a filter that names nothing, or one that has more links than may be revoked.
    pub async fn revoke_links(
        &self,
        filter: &LinkFilter,
        (cut, note): (bool, Option<&str>),
        actor: &Actor,
        now: Timestamp,
    ) -> Result<RevokedLinks, StoreError> {
        filter.check()?;
        check_short("operator", &actor.operator)?;
        note.map_or(Ok(()), |note| check_short("note", note))?;
        if filter.is_everything() {
            let problem = "names no links: revoke a key to revoke all of its links";
            return Err(StoreError::invalid("filter", problem));
        }
        let many = Many {
            filter: LinkFilter {
                state: Some((LinkState::Live, now)),
                ..filter.clone()
            },
            cut,
            note: note.map(str::to_owned),
        };
        let trail = self.revocation_trail(actor, now);
        let act = move |session: &mut dyn Session| many.revoke(session, &trail);
        self.engine().write(act).await
    }
}

struct Many {
    filter: LinkFilter,
    cut: bool,
    note: Option<String>,
}

impl Many {
    fn revoke(&self, session: &mut dyn Session, trail: &Trail) -> Result<RevokedLinks, StoreError> {
        let before = last_seq(session)?;
        let links = self.insert(session, before, trail)?;
        if links == 0 {
            return Ok(RevokedLinks { links, last: None });
        }
        // Counted once they are there: the transaction is given up with them.
        check_room(session, 0, trail.at)?;
        // The rows are found by their links: who has been revoked is not asked again.
        let sql = "UPDATE links SET revoked_by = (SELECT r.seq FROM revocations AS r \
                   WHERE r.kind = 'link' AND r.value = links.digest AND r.seq > $1) \
                   WHERE digest IN (SELECT r.value FROM revocations AS r WHERE r.seq > $1)";
        session.execute(sql, vec![before.into()])?;
        let last = before + links;
        changed(session, "revoke_links", last, trail.at)?;
        let after = json!({
            "links": links,
            "first": before + 1,
            "last": last,
            "filter": self.filter_body(),
            "cut": self.cut,
            "note": self.note,
        });
        let after = after.to_string();
        trail.append(session, "revoke_links", last, (None, Some(&after)))?;
        let last = Some(last);
        Ok(RevokedLinks { links, last })
    }

    fn insert(
        &self,
        session: &mut dyn Session,
        before: u64,
        trail: &Trail,
    ) -> Result<u64, StoreError> {
        let parameters: Vec<Cell> = vec![
            before.into(),
            last_event(session)?.into(),
            random::etag()?.into(),
            i64::from(self.cut).into(),
            self.note.as_ref().into(),
            trail.at.seconds().into(),
            (&trail.actor.operator).into(),
        ];
        let mut conditions = Conditions::new(parameters);
        self.filter.add_to(&mut conditions);
        let sql = format!(
            "INSERT INTO revocations (seq, event, etag, kind, value, until, cut, note, made_at, made_by) \
             SELECT CAST($1 AS BIGINT) + ROW_NUMBER() OVER (ORDER BY l.number), \
             CAST($2 AS BIGINT) + ROW_NUMBER() OVER (ORDER BY l.number), CAST($3 AS TEXT), 'link', l.digest, \
             l.ends_at, CAST($4 AS BIGINT), CAST($5 AS TEXT), CAST($6 AS BIGINT), CAST($7 AS TEXT) \
             FROM links AS l WHERE {}",
            conditions.sql()
        );
        session.execute(&sql, conditions.parameters)
    }

    fn filter_body(&self) -> serde_json::Value {
        let path = self.filter.path.as_ref().map(|path| format!("{path:?}"));
        json!({
            "subject": self.filter.subject.map(|subject| subject.to_string()),
            "label": self.filter.label,
            "owner": self.filter.owner,
            "key_pair_id": self.filter.key_pair_id,
            "made_by": self.filter.made_by,
            "host": self.filter.host,
            "path": path,
        })
    }
}
