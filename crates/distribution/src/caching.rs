//! Decides what is cached, under which key, for how long, and in what form.
//!
//! [`cache_key`] names an object, [`storage`] decides whether and for how long it is stored, [`freshened`] applies a
//! 304, and [`InvalidationPath`] covers what is removed; [`compressed_headers`] are the fields of a compressed form.

mod cache_control;
mod cache_key;
mod cache_status;
mod compression;
mod content_encoding;
mod invalidation;
mod lifetime;
mod revalidation;
mod vary;

pub use cache_control::{CacheControl, Scope, Seconds};
pub(crate) use cache_control::{Directive, delta_seconds, directives};
pub use cache_key::{CacheKey, cache_key, filtered_query, normalized_accept_encoding};
pub use cache_status::{CacheStatus, ForwardReason, Handling};
pub use compression::{
    COMPRESSED_SIZE_BYTES, ContentCoding, coding_for, coding_for_text, compressed_headers,
    is_compressible, vary_by_coding,
};
pub use content_encoding::{AppliedCoding, AppliedCodings};
pub use invalidation::{
    CACHE_TAG_FIELDS, CACHE_TAG_SIZE_BYTES_MAX, CACHE_TAGS_MAX, INVALIDATION_PATH_SIZE_BYTES_MAX,
    InvalidationPath, also_invalidated, cache_tags, changed_at_origin, unsafe_method_invalidates,
};
pub use lifetime::{
    Collapsing, Freshness, LIFETIME_SIZE_BYTES, Lifetime, Moments, OriginExchange, Storage,
    Unstorable, collapsing, storage,
};
pub use revalidation::{
    DateStrength, date_strength, end_to_end_headers, freshened, matches_stored,
    revalidation_headers, storable_headers,
};
pub use vary::{VARY_NAMES_MAX, VaryNames, VaryRule, vary_rule};
