//! Bytes of a link that may be sent: reserved before they are, and returned where they were not.

use super::{LinkDigest, RegisteredId};
use crate::limits::LINK_BYTES_MAX;
use crate::session::Session;
use crate::{Store, StoreError, Timestamp};

/// Answer to a reservation of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteAnswer {
    /// The bytes may be sent.
    Reserved,
    /// There are fewer left, of which none are reserved now.
    Short {
        /// Bytes that are left.
        left: u64,
    },
    /// The link is revoked, has ended, or is none that counts bytes.
    Refused,
}

impl Store {
    /// Reserves bytes of a link all together, or none. A reservation whose outcome is unknown counts.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] for no bytes or more than any link may have; those of the database.
    pub async fn reserve_bytes(
        &self,
        (id, digest): (&RegisteredId, &LinkDigest),
        count: u64,
        at: Timestamp,
    ) -> Result<ByteAnswer, StoreError> {
        check(count)?;
        let (id, digest) = (*id, *digest);
        let act = move |session: &mut dyn Session| {
            let sql = "UPDATE links SET bytes_reserved = bytes_reserved + $3 WHERE id = $1 AND digest = $2 \
                       AND limited = 1 AND revoked_by IS NULL AND ends_at > $4 AND bytes_reserved <= bytes_max - $3";
            let parameters = vec![id.into(), digest.into(), count.into(), at.seconds().into()];
            if session.execute(sql, parameters)? == 1 {
                return Ok(ByteAnswer::Reserved);
            }
            let sql = "SELECT bytes_max - bytes_reserved FROM links WHERE id = $1 AND digest = $2 \
                       AND limited = 1 AND revoked_by IS NULL AND ends_at > $3 AND bytes_max > 0";
            let parameters = vec![id.into(), digest.into(), at.seconds().into()];
            let left = session.query_first(sql, parameters)?;
            let left = left.map(|mut row| row.count()).transpose()?;
            Ok(left.map_or(ByteAnswer::Refused, |left| ByteAnswer::Short { left }))
        };
        self.engine().write(act).await
    }

    /// Returns bytes that were reserved and not sent. Never more than were reserved.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] as for the reservation; those of the database. After [`StoreError::Unknown`] it is not
    /// to be repeated: what was not returned counts as sent.
    pub async fn return_bytes(&self, id: &RegisteredId, count: u64) -> Result<(), StoreError> {
        check(count)?;
        let id = *id;
        let act = move |session: &mut dyn Session| {
            let sql = "UPDATE links SET bytes_reserved = bytes_reserved - $2 \
                       WHERE id = $1 AND bytes_reserved >= $2";
            session
                .execute(sql, vec![id.into(), count.into()])
                .map(drop)
        };
        self.engine().write(act).await
    }
}

fn check(count: u64) -> Result<(), StoreError> {
    if (1..=LINK_BYTES_MAX).contains(&count) {
        return Ok(());
    }
    let problem = format!("may be 1 to {LINK_BYTES_MAX}");
    Err(StoreError::invalid("bytes", problem))
}
