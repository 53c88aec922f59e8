//! Decides what is not in a link's signed text: whether it was revoked, and whether it has a use left.
//!
//! [`RevocationTable`] is what an edge knows of revocations; every grant is judged by it. [`Redeeming`] decides what is
//! asked of the store about a limited link, and what its answers permit. [`VisitSeal`] proves a visit to the edges, and
//! says which viewer sends a request; [`arrival()`] judges what sends it, so that no preview uses a link up;
//! [`confirmation_page`] and [`ending_page`] are what people see.

mod arrival;
mod page;
mod redemption;
mod revocations;
mod visit;

pub use arrival::{Arrival, ConfirmSetting, arrival};
pub use page::{
    CONFIRMATION_FIELD, ConfirmationPage, LinkPage, PageLanguage, confirmation_page, ending_page,
    file_name_of, pressed,
};
pub use redemption::{
    AttemptId, Confirmation, Heard, Moment, News, QuestionKind, Redeeming, RedemptionFacts,
    RedemptionRules, Step, StoreAnswer, StoreQuestion, UseMade, ViewerDigest, Visit, WhenStale,
};
pub use revocations::{
    GrantFacts, Judgement, LinkSource, NotTaken, OBJECT_PATTERN_SIZE_BYTES_MAX,
    OBJECT_PATTERNS_MAX, ObjectPattern, PatternError, RevocationChange, RevocationEntry,
    RevocationTable, Revoked, RevokedBy, RevokedObject, WhyNotTaken,
};
pub use visit::{CONFIRMATION_SECS, ShownVisits, ViewerFacts, VisitSeal};
