//! What is stored of a link, and its checks: the object that it opens, never its URL, which is a secret.

use serde_json::{Value, json};

use super::{LinkDigest, RegisteredId, SubjectDigest};
use crate::limits::{
    ID_BYTES_MAX, LINK_BYTES_MAX, LINK_TEXT_BYTES_MAX, LINK_USES_MAX, LINK_VIEWERS_MAX,
    LINK_WINDOW_SECONDS_MAX,
};
use crate::names::{check_short, check_text};
use crate::session::{Cell, Row};
use crate::{StoreError, Timestamp};

/// Link to be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLink {
    /// Id of the link: that of its signed text, if that says that it is limited.
    pub id: RegisteredId,
    /// Digest of its key and signed text.
    pub digest: LinkDigest,
    /// Whether its signed text says that it is limited.
    pub kind: LinkKind,
    /// Id of the key that it is signed with.
    pub key_pair_id: String,
    /// Host of the object, or `*`.
    pub host: String,
    /// Path of the object as clients send it, with `*` where the link opens several. It has no query.
    pub path: String,
    /// Most uses; `None` for [`LINK_USES_MAX`](crate::limits::LINK_USES_MAX).
    pub uses_max: Option<u64>,
    /// Most viewers.
    pub viewers_max: Option<u64>,
    /// Most bytes that are sent, over all uses.
    pub bytes_max: Option<u64>,
    /// Whether a person confirms before a use counts.
    pub confirm: LinkConfirm,
    /// Seconds after a viewer's last request in which it goes on with the same use.
    pub window_seconds: u32,
    /// Owner of the link, a name for people and filters.
    pub owner: Option<String>,
    /// Subject that the link was made for.
    pub subject: Option<String>,
    /// Digest of the subject, as it stands in the signed text.
    pub subject_digest: Option<SubjectDigest>,
    /// Sender that the page for viewers names.
    pub sender: Option<String>,
    /// Label by which links are found together.
    pub label: Option<String>,
    /// Note for people.
    pub note: Option<String>,
    /// Name of the file that the page for viewers shows.
    pub file_name: Option<String>,
    /// End of the link by its signed text.
    pub ends_at: Timestamp,
}

/// Whether a link is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// Its signed text says that it is limited: it opens nothing before the store has counted the use.
    Limited,
    /// It is registered to be found and revoked, and opens its object without the store.
    Ordinary,
}

/// Whether a person confirms before a use of a link counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkConfirm {
    /// Always.
    Always,
    /// Never.
    Never,
    /// Where the request may be that of a preview or a scanner.
    Auto,
}

impl LinkConfirm {
    /// Returns the word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Never => "never",
            Self::Auto => "auto",
        }
    }

    /// Reads the word for it.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Always, Self::Never, Self::Auto]
            .into_iter()
            .find(|confirm| confirm.as_str() == word)
    }
}

/// Registered link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLink {
    /// Number of the link, from 1: links that were registered later have higher ones.
    pub number: u64,
    /// The link and its terms.
    pub link: NewLink,
    /// Time at which it was registered.
    pub made_at: Timestamp,
    /// Operator who registered it.
    pub made_by: String,
    /// Uses that count.
    pub uses: u64,
    /// Bytes that were sent or may be.
    pub bytes_reserved: u64,
    /// Number of the revocation that the link itself is refused by. One of an object pattern is not written here.
    pub revoked_by: Option<u64>,
}

impl NewLink {
    pub(super) fn check(&self) -> Result<(), StoreError> {
        check_text("key pair id", &self.key_pair_id, ID_BYTES_MAX)?;
        check_object(&self.host, &self.path)?;
        check_maximum("uses", self.uses_max, LINK_USES_MAX)?;
        check_maximum("viewers", self.viewers_max, LINK_VIEWERS_MAX)?;
        check_maximum("bytes", self.bytes_max, LINK_BYTES_MAX)?;
        if !(1..=LINK_WINDOW_SECONDS_MAX).contains(&self.window_seconds) {
            let problem = format!("has 1 to {LINK_WINDOW_SECONDS_MAX} seconds");
            return Err(StoreError::invalid("window", problem));
        }
        let counted = [self.uses_max, self.viewers_max, self.bytes_max];
        if self.kind == LinkKind::Ordinary && counted.iter().any(Option::is_some) {
            let problem = "is not limited by its signed text: sign it again with its limits";
            return Err(StoreError::invalid("link", problem));
        }
        for (field, text) in self.texts() {
            text.map_or(Ok(()), |text| check_short(field, text))?;
        }
        Ok(())
    }

    fn texts(&self) -> [(&'static str, Option<&str>); 6] {
        [
            ("owner", self.owner.as_deref()),
            ("subject", self.subject.as_deref()),
            ("sender", self.sender.as_deref()),
            ("label", self.label.as_deref()),
            ("note", self.note.as_deref()),
            ("file name", self.file_name.as_deref()),
        ]
    }

    /// Body for the audit trail.
    pub(super) fn trail_body(&self) -> Value {
        let mut body = json!({
            "digest": self.digest.to_string(),
            "limited": self.kind == LinkKind::Limited,
            "key_pair_id": self.key_pair_id,
            "object": format!("{}{}", self.host, self.path),
            "uses_max": self.uses_max,
            "viewers_max": self.viewers_max,
            "bytes_max": self.bytes_max,
            "confirm": self.confirm.as_str(),
            "ends_at": self.ends_at.seconds(),
        });
        for (field, text) in self.texts() {
            if let Some(text) = text {
                body[field.replace(' ', "_")] = text.into();
            }
        }
        body
    }

    /// Values of [`COLUMNS`] from `id` to `ends_at`.
    pub(super) fn cells(&self) -> Vec<Cell> {
        vec![
            self.id.into(),
            self.digest.into(),
            i64::from(self.kind == LinkKind::Limited).into(),
            (&self.key_pair_id).into(),
            (&self.host).into(),
            (&self.path).into(),
            self.uses_max.into(),
            self.viewers_max.into(),
            self.bytes_max.into(),
            self.confirm.as_str().into(),
            i64::from(self.window_seconds).into(),
            self.owner.as_ref().into(),
            self.subject.as_ref().into(),
            self.subject_digest.into(),
            self.sender.as_ref().into(),
            self.label.as_ref().into(),
            self.note.as_ref().into(),
            self.file_name.as_ref().into(),
            self.ends_at.seconds().into(),
        ]
    }
}

/// Columns that a link is made of, of which the first is its number.
pub(super) const COLUMNS: &str = "number, id, digest, limited, key_pair_id, host, path, uses_max, viewers_max, \
    bytes_max, confirm, window_seconds, owner, subject, subject_digest, sender, label, note, file_name, ends_at, \
    made_at, made_by, revoked_by, bytes_reserved";

pub(super) fn link_of(mut row: Row) -> Result<StoredLink, StoreError> {
    let number = row.count()?;
    let link = NewLink {
        id: RegisteredId::stored(&row.text()?)?,
        digest: LinkDigest::stored(&row.text()?)?,
        kind: match row.number()? {
            0 => LinkKind::Ordinary,
            _ => LinkKind::Limited,
        },
        key_pair_id: row.text()?,
        host: row.text()?,
        path: row.text()?,
        uses_max: row.maybe_count()?,
        viewers_max: row.maybe_count()?,
        bytes_max: row.maybe_count()?,
        confirm: LinkConfirm::parse(&row.text()?)
            .ok_or_else(|| StoreError::damaged("a link has another `confirm`"))?,
        window_seconds: u32::try_from(row.count()?)
            .map_err(|_| StoreError::damaged("a link has another window"))?,
        owner: row.maybe_text()?,
        subject: row.maybe_text()?,
        subject_digest: row
            .maybe_text()?
            .map(|text| SubjectDigest::stored(&text))
            .transpose()?,
        sender: row.maybe_text()?,
        label: row.maybe_text()?,
        note: row.maybe_text()?,
        file_name: row.maybe_text()?,
        ends_at: Timestamp::from_seconds(row.number()?),
    };
    Ok(StoredLink {
        number,
        link,
        made_at: Timestamp::from_seconds(row.number()?),
        made_by: row.text()?,
        revoked_by: row.maybe_count()?,
        bytes_reserved: row.count()?,
        uses: row.count()?,
    })
}

fn check_maximum(field: &'static str, maximum: Option<u64>, limit: u64) -> Result<(), StoreError> {
    match maximum {
        Some(maximum) if !(1..=limit).contains(&maximum) => {
            let problem = format!("may be at most 1 to {limit}");
            Err(StoreError::invalid(field, problem))
        }
        Some(_) | None => Ok(()),
    }
}

/// Refuses what is not the host and path of an object: a query may have a signature in it, which is a secret.
pub(crate) fn check_object(host: &str, path: &str) -> Result<(), StoreError> {
    check_wire("host", host, "/?#@ ")?;
    check_wire("path", path, "?# ")?;
    match path.starts_with('/') {
        true => Ok(()),
        false => Err(StoreError::invalid("path", "does not begin with a slash")),
    }
}

/// Refuses what is not visible ASCII, and the characters of `without`.
fn check_wire(field: &'static str, text: &str, without: &str) -> Result<(), StoreError> {
    check_text(field, text, LINK_TEXT_BYTES_MAX)?;
    let mut bytes = text.bytes();
    match bytes.all(|byte| byte.is_ascii_graphic() && !without.as_bytes().contains(&byte)) {
        true => Ok(()),
        false => Err(StoreError::invalid(
            field,
            "is not that of an object as clients send it, without a query",
        )),
    }
}
