//! Decides what is not in a link's signed text: whether it was revoked, and whether it has a use left.
//!
//! [`RevocationTable`] is what an edge knows of revocations; every grant is judged by it. [`Redeeming`] decides what is
//! asked of the store about a limited link, and what its answers permit.

mod redemption;
mod revocations;

pub use redemption::{
    AttemptId, Confirmation, Heard, Moment, News, QuestionKind, Redeeming, RedemptionFacts,
    RedemptionRules, Step, StoreAnswer, StoreQuestion, UseMade, ViewerDigest, Visit, WhenStale,
};
pub use revocations::{
    GrantFacts, Judgement, LinkSource, NotTaken, OBJECT_PATTERN_SIZE_BYTES_MAX,
    OBJECT_PATTERNS_MAX, ObjectPattern, PatternError, RevocationChange, RevocationEntry,
    RevocationTable, Revoked, RevokedBy, RevokedObject, WhyNotTaken,
};
