//! Redemption: the store's answer whether a viewer's visit is a use of a limited link.
//!
//! One statement makes a use, and makes it only where it may be. Uses of a link have numbers; whoever makes one gives
//! it the number behind the last that it sees. Two that see the same uses give the same number, and the table keeps
//! one of them: so each use was made with all earlier ones in sight, whatever runs at the same time, and READ COMMITTED
//! is enough.

use super::{AttemptId, LinkDigest, RegisteredId, ViewerDigest};
use crate::limits::{GIVEN_BACK_MAX, ID_BYTES_MAX, LINK_USES_MAX};
use crate::names::check_text;
use crate::session::{Row, Session};
use crate::{Store, StoreError, Timestamp};

/// Tries of a use that another one was made beside. Writers follow each other, so that there is none.
const TRIES: usize = 3;

/// Attempt of a viewer to use a limited link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkUse {
    /// Id of the link, as its signed text has it.
    pub link: RegisteredId,
    /// Digest of its key and signed text. The store compares both: an id alone proves nothing.
    pub digest: LinkDigest,
    /// The attempt. Whoever has no answer asks again with the same one.
    pub attempt: AttemptId,
    /// The viewer.
    pub viewer: ViewerDigest,
    /// Time of the request.
    pub at: Timestamp,
    /// Id of the edge that asks.
    pub edge: String,
}

/// Answer to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UseAnswer {
    /// The attempt is a use. It is that again whenever it is asked again.
    Redeemed {
        /// Number of the use, from 1. Numbers of uses that were given back are not given again.
        use_number: u64,
        /// Time until which the viewer's next request belongs to it.
        window_until: Timestamp,
    },
    /// The viewer goes on with a use that it has.
    Again {
        /// Number of the use.
        use_number: u64,
        /// Time until which the viewer's next request belongs to it.
        window_until: Timestamp,
    },
    /// A use can be made now: the answer to a question that makes none.
    Open,
    /// All uses were made.
    UsedUp {
        /// Uses that count.
        uses: u64,
        /// Time of the last one.
        last_at: Timestamp,
    },
    /// All viewers that may use it have, and this is none of them.
    ViewersUsedUp,
    /// All bytes were sent.
    BytesUsedUp,
    /// The link is revoked.
    Revoked {
        /// Number of the revocation.
        revocation: u64,
    },
    /// The link has ended.
    Ended,
    /// This attempt was given back, and is no use any more.
    GivenBack,
    /// No limited link has this id and this digest.
    Unknown,
}

/// What became of a use that nothing was sent of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GiveBack {
    /// It does not count, nor will it if the attempt comes later.
    Returned,
    /// It counts: other requests of the viewer belong to it, or too many uses of the link were given back.
    Counted,
}

impl Store {
    /// Makes a use of a limited link, if it may have one more. Returns once the use is on disk, and on the standby's
    /// where PostgreSQL is set up for it.
    ///
    /// # Errors
    ///
    /// Those of the database. After [`StoreError::Unknown`], and after a wait that was given up, the use may have been
    /// made: ask again with the same attempt, and serve nothing before the answer. [`StoreError::Invalid`] for an
    /// attempt of another link or viewer.
    pub async fn redeem(&self, wanted: &LinkUse) -> Result<UseAnswer, StoreError> {
        // A refusal is found by reading, so that many of them keep nobody from writing. Whatever is served rests on a
        // commit: rows may be seen that the standby has not got, if whoever wrote them was not told so either.
        match self.peek(wanted).await? {
            UseAnswer::Open | UseAnswer::Redeemed { .. } | UseAnswer::Again { .. } => {}
            refused @ (UseAnswer::UsedUp { .. }
            | UseAnswer::ViewersUsedUp
            | UseAnswer::BytesUsedUp
            | UseAnswer::Revoked { .. }
            | UseAnswer::Ended
            | UseAnswer::GivenBack
            | UseAnswer::Unknown) => return Ok(refused),
        }
        let wanted = wanted.clone();
        let act = move |session: &mut dyn Session| redeem(session, &wanted);
        self.engine().write(act).await
    }

    /// Answers what [`Store::redeem`] would, and makes no use.
    ///
    /// # Errors
    ///
    /// Those of the database; [`StoreError::Invalid`] as there.
    pub async fn peek(&self, wanted: &LinkUse) -> Result<UseAnswer, StoreError> {
        check_text("edge id", &wanted.edge, ID_BYTES_MAX)?;
        let wanted = wanted.clone();
        let act = move |session: &mut dyn Session| Ok(judge(session, &wanted)?.0);
        self.engine().look_up(act).await
    }

    /// Gives a use back that nothing was sent of. An attempt that has not come yet is no use if it comes later.
    ///
    /// # Errors
    ///
    /// Those of the database, after which it may be tried again.
    pub async fn give_back(&self, unused: &LinkUse) -> Result<GiveBack, StoreError> {
        check_text("edge id", &unused.edge, ID_BYTES_MAX)?;
        let unused = unused.clone();
        let act = move |session: &mut dyn Session| give_back(session, &unused);
        self.engine().write(act).await
    }
}

/// Makes the use and nothing else: one row, or none. Each condition is one that [`answer`] names.
const REDEEM: &str = "INSERT INTO link_uses \
    (link, number, attempt, viewer, at, window_until, edge, joined, given_back) \
    SELECT l.id, l.top + 1, CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS BIGINT), \
    CAST($5 AS BIGINT) + l.window_seconds, CAST($6 AS TEXT), 0, 0 FROM \
    (SELECT links.*, \
      (SELECT COALESCE(MAX(u.number), 0) FROM link_uses AS u WHERE u.link = links.id) AS top, \
      (SELECT COUNT(*) FROM link_uses AS u WHERE u.link = links.id AND u.given_back = 1 AND u.number > 0) AS gone \
      FROM links WHERE links.id = $1) AS l \
    WHERE l.digest = $2 AND l.limited = 1 AND l.revoked_by IS NULL AND l.ends_at > $5 \
    AND l.top - l.gone < COALESCE(l.uses_max, $7) \
    AND (l.bytes_max IS NULL OR l.bytes_reserved < l.bytes_max) \
    AND NOT EXISTS (SELECT 1 FROM link_uses AS u WHERE u.attempt = $3) \
    AND NOT EXISTS (SELECT 1 FROM link_uses AS u WHERE u.link = l.id AND u.viewer = $4 AND u.given_back = 0 \
      AND u.window_until > $5) \
    AND (l.viewers_max IS NULL \
      OR EXISTS (SELECT 1 FROM link_uses AS u WHERE u.link = l.id AND u.viewer = $4 AND u.given_back = 0) \
      OR (SELECT COUNT(DISTINCT u.viewer) FROM link_uses AS u WHERE u.link = l.id AND u.given_back = 0) \
        < l.viewers_max) \
    ON CONFLICT DO NOTHING RETURNING number, window_until";

/// The link, with what its limits have left.
const STATE: &str = "SELECT l.revoked_by, l.ends_at, l.window_seconds, COALESCE(l.uses_max, $3), l.viewers_max, \
    l.bytes_max, l.bytes_reserved, \
    (SELECT COALESCE(MAX(u.number), 0) FROM link_uses AS u WHERE u.link = l.id) \
      - (SELECT COUNT(*) FROM link_uses AS u WHERE u.link = l.id AND u.given_back = 1 AND u.number > 0), \
    COALESCE((SELECT u.at FROM link_uses AS u WHERE u.link = l.id AND u.given_back = 0 \
      ORDER BY u.number DESC LIMIT 1), 0), \
    CASE WHEN l.viewers_max IS NULL THEN 0 ELSE (SELECT COUNT(DISTINCT u.viewer) FROM link_uses AS u \
      WHERE u.link = l.id AND u.given_back = 0) END \
    FROM links AS l WHERE l.id = $1 AND l.digest = $2 AND l.limited = 1";

/// The attempt, and the viewer's uses of the link, the last one first.
const USES: &str = "SELECT attempt, link, viewer, number, window_until, given_back FROM link_uses \
    WHERE attempt = $3 UNION ALL \
    SELECT * FROM (SELECT attempt, link, viewer, number, window_until, given_back FROM link_uses \
    WHERE link = $1 AND viewer = $2 AND given_back = 0 ORDER BY window_until DESC LIMIT 1) AS newest";

/// Window and company of a use that its viewer goes on with.
const JOIN: &str = "UPDATE link_uses SET joined = 1, \
    window_until = CASE WHEN window_until < $2 THEN $2 ELSE window_until END \
    WHERE attempt = $1 AND given_back = 0";

const GIVE_BACK: &str = "INSERT INTO link_uses \
    (link, number, attempt, viewer, at, window_until, edge, joined, given_back) \
    SELECT l.id, CAST(NULL AS BIGINT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS BIGINT), CAST($4 AS BIGINT), \
    CAST($5 AS TEXT), 0, 1 FROM links AS l WHERE l.id = $1 \
    AND (SELECT COUNT(*) FROM link_uses AS u WHERE u.link = l.id AND u.given_back = 1) < $6 \
    ON CONFLICT (attempt) DO UPDATE SET given_back = 1 \
    WHERE link_uses.link = excluded.link AND link_uses.viewer = excluded.viewer AND link_uses.joined = 0";

fn redeem(session: &mut dyn Session, wanted: &LinkUse) -> Result<UseAnswer, StoreError> {
    for _ in 0..TRIES {
        let made = session.query_first(
            REDEEM,
            vec![
                wanted.link.into(),
                wanted.digest.into(),
                wanted.attempt.into(),
                wanted.viewer.into(),
                wanted.at.seconds().into(),
                (&wanted.edge).into(),
                LINK_USES_MAX.into(),
            ],
        )?;
        if let Some(mut row) = made {
            return Ok(UseAnswer::Redeemed {
                use_number: row.count()?,
                window_until: Timestamp::from_seconds(row.number()?),
            });
        }
        match judge(session, wanted)? {
            // Another use was made between the two statements.
            (UseAnswer::Open, _) => {}
            (again @ UseAnswer::Again { window_until, .. }, Some(joined)) => {
                let parameters = vec![joined.into(), window_until.seconds().into()];
                if session.execute(JOIN, parameters)? == 1 {
                    return Ok(again);
                }
            }
            (answer, _) => return Ok(answer),
        }
    }
    Err(StoreError::Busy)
}

fn give_back(session: &mut dyn Session, unused: &LinkUse) -> Result<GiveBack, StoreError> {
    let parameters = vec![
        unused.link.into(),
        unused.attempt.into(),
        unused.viewer.into(),
        unused.at.seconds().into(),
        (&unused.edge).into(),
        GIVEN_BACK_MAX.into(),
    ];
    Ok(match session.execute(GIVE_BACK, parameters)? {
        0 => GiveBack::Counted,
        _ => GiveBack::Returned,
    })
}

/// A link that may be used, as one statement has seen it.
struct LinkFacts {
    revoked_by: Option<u64>,
    ends_at: Timestamp,
    window_seconds: i64,
    uses_max: u64,
    viewers_max: Option<u64>,
    bytes_max: Option<u64>,
    bytes_reserved: u64,
    uses: u64,
    last_at: Timestamp,
    viewers: u64,
}

/// A use that may be the attempt's or the viewer's.
struct UseFacts {
    attempt: AttemptId,
    link: RegisteredId,
    viewer: String,
    number: Option<u64>,
    window_until: Timestamp,
    given_back: bool,
}

/// Returns the answer, and the attempt whose use the viewer goes on with where it does.
fn judge(
    session: &mut dyn Session,
    wanted: &LinkUse,
) -> Result<(UseAnswer, Option<AttemptId>), StoreError> {
    let parameters = vec![
        wanted.link.into(),
        wanted.digest.into(),
        LINK_USES_MAX.into(),
    ];
    let Some(row) = session.query_first(STATE, parameters)? else {
        return Ok((UseAnswer::Unknown, None));
    };
    let link = link_facts(row)?;
    let parameters = vec![
        wanted.link.into(),
        wanted.viewer.into(),
        wanted.attempt.into(),
    ];
    let uses = session.query(USES, parameters)?;
    let uses: Vec<UseFacts> = uses.into_iter().map(use_facts).collect::<Result<_, _>>()?;
    let own = uses.iter().find(|used| used.attempt == wanted.attempt);
    if own.is_some_and(|own| own.link != wanted.link || own.viewer != wanted.viewer.to_string()) {
        let problem = "is that of another link or viewer";
        return Err(StoreError::invalid("attempt", problem));
    }
    // The attempt may be the viewer's last use.
    let before = uses.iter().rfind(|used| !used.given_back);
    let answer = answer(&link, own, before, wanted.at);
    Ok((answer, before.map(|used| used.attempt)))
}

/// Decides by what the database has of the link, of this attempt, and of the viewer's last use before. The first that
/// holds is told.
fn answer(
    link: &LinkFacts,
    own: Option<&UseFacts>,
    before: Option<&UseFacts>,
    at: Timestamp,
) -> UseAnswer {
    if let Some(revocation) = link.revoked_by {
        return UseAnswer::Revoked { revocation };
    }
    if let Some(own) = own {
        return match (own.given_back, own.number) {
            (false, Some(use_number)) => UseAnswer::Redeemed {
                use_number,
                window_until: own.window_until,
            },
            (true, _) | (false, None) => UseAnswer::GivenBack,
        };
    }
    if link.ends_at <= at {
        return UseAnswer::Ended;
    }
    let going_on = before.filter(|used| used.window_until > at);
    if let Some((going_on, use_number)) = going_on.and_then(|used| Some((used, used.number?))) {
        let extended = Timestamp::from_seconds(at.seconds().saturating_add(link.window_seconds));
        return UseAnswer::Again {
            use_number,
            window_until: extended.max(going_on.window_until),
        };
    }
    if link
        .bytes_max
        .is_some_and(|bytes_max| link.bytes_reserved >= bytes_max)
    {
        return UseAnswer::BytesUsedUp;
    }
    if link.uses >= link.uses_max {
        let (uses, last_at) = (link.uses, link.last_at);
        return UseAnswer::UsedUp { uses, last_at };
    }
    match link.viewers_max {
        Some(viewers_max) if before.is_none() && link.viewers >= viewers_max => {
            UseAnswer::ViewersUsedUp
        }
        Some(_) | None => UseAnswer::Open,
    }
}

fn link_facts(mut row: Row) -> Result<LinkFacts, StoreError> {
    Ok(LinkFacts {
        revoked_by: row.maybe_count()?,
        ends_at: Timestamp::from_seconds(row.number()?),
        window_seconds: row.number()?,
        uses_max: row.count()?,
        viewers_max: row.maybe_count()?,
        bytes_max: row.maybe_count()?,
        bytes_reserved: row.count()?,
        uses: row.count()?,
        last_at: Timestamp::from_seconds(row.number()?),
        viewers: row.count()?,
    })
}

fn use_facts(mut row: Row) -> Result<UseFacts, StoreError> {
    Ok(UseFacts {
        attempt: AttemptId::stored(&row.text()?)?,
        link: RegisteredId::stored(&row.text()?)?,
        viewer: row.text()?,
        number: row.maybe_count()?,
        window_until: Timestamp::from_seconds(row.number()?),
        given_back: row.number()? != 0,
    })
}
