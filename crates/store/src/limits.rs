//! Limits of what the store takes, by name.

/// Longest body of a document, and longest state of an edge, as JSON text, in bytes.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Deepest nesting of a body: below the depth at which readers of JSON give up.
pub const BODY_DEPTH_MAX: usize = 100;
/// Longest id of a document, of an operator or of an edge, in bytes.
pub const ID_BYTES_MAX: usize = 128;
/// Longest kind of a document, in bytes.
pub const KIND_BYTES_MAX: usize = 64;
/// Longest name of an operation, a claim, an idempotency key and other short texts, in bytes.
pub const TEXT_BYTES_MAX: usize = 512;
/// Longest detail of an entry of the audit trail, in bytes.
pub const DETAIL_BYTES_MAX: usize = 16 * 1024;
/// Most references of one document.
pub const REFERENCES_MAX: usize = 1000;
/// Most claims of one document.
pub const CLAIMS_MAX: usize = 1000;
/// Most changes of one write, which an import may need.
pub const CHANGES_MAX: usize = 200_000;
/// Most rows of one page.
pub const PAGE_ROWS_MAX: u32 = 1000;
/// Most access keys of one operator: two for a rotation with overlap, and some for programs.
pub const ACCESS_KEYS_MAX: usize = 10;
/// Most entries of an operator's scope.
pub const SCOPE_MAX: usize = 1000;
/// Documents that [`StoreError::InUse`](crate::StoreError::InUse) names.
pub const USERS_NAMED_MAX: u32 = 10;
/// Seconds for which the answer to a write with an idempotency key is remembered.
pub const REMEMBERED_SECONDS: i64 = 24 * 60 * 60;

/// Operations that may wait for a thread of the store.
pub(crate) const QUEUE_MAX: usize = 10_000;
/// Writes that are committed together at most.
pub(crate) const GROUP_MAX: usize = 64;
/// Longest line of a backup, in bytes: what is remembered of a write with the most changes, escaped once more.
pub(crate) const BACKUP_LINE_BYTES_MAX: usize = 128 * 1024 * 1024;
