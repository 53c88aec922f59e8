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
/// Most uses of a link, and those of a limited link that names no number.
pub const LINK_USES_MAX: u64 = 1_000_000;
/// Most viewers that a link may be limited to.
pub const LINK_VIEWERS_MAX: u64 = 10_000;
/// Most bytes that a link may be limited to: 1 PiB.
pub const LINK_BYTES_MAX: u64 = 1 << 50;
/// Longest time, in seconds, in which a viewer goes on with a use: a week.
pub const LINK_WINDOW_SECONDS_MAX: u32 = 7 * 24 * 60 * 60;
/// Longest host or path of a link's object, in bytes.
pub const LINK_TEXT_BYTES_MAX: usize = 4096;
/// Most uses of one link that are given back: those after them count.
pub const GIVEN_BACK_MAX: u64 = 1000;
/// Most revocations that are in force at a time.
pub const REVOCATIONS_MAX: u64 = 1_000_000;
/// Most entries of one batch for the ledger.
pub const LEDGER_ENTRIES_MAX: usize = 10_000;
/// Most addresses that the ledger keeps of one link: the last ones.
pub const LEDGER_ADDRESSES_MAX: usize = 100;
/// Most reasons for refusals that the ledger tells apart for one link.
pub const LEDGER_REASONS_MAX: usize = 32;
/// Most rows of a table that one sweep removes.
pub const SWEEP_ROWS_MAX: u32 = 10_000;

/// Operations that may wait for a thread of the store.
pub(crate) const QUEUE_MAX: usize = 10_000;
/// Writes that are committed together at most.
pub(crate) const GROUP_MAX: usize = 64;
/// Longest line of a backup, in bytes: what is remembered of a write with the most changes, escaped once more.
pub(crate) const BACKUP_LINE_BYTES_MAX: usize = 128 * 1024 * 1024;
