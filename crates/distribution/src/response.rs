//! Decides the response to a viewer.
//!
//! [`select`] applies conditions and ranges to an object; [`apply_response_policy`] and [`capped_by_grant`] change its
//! headers; [`preflight()`] and [`options`] respond to OPTIONS. [`denial_page`] turns a refusal into HTTP.

mod bucket_cors;
mod content_type;
mod cors;
mod grant_cap;
mod pages;
mod preflight;
mod ranges;
mod respond;
mod response_policy;
mod server_timing;

pub use bucket_cors::bucket_cors;
pub use content_type::content_type;
pub use grant_cap::{GrantCap, capped_by_grant};
pub use pages::{Page, PageAuthor, denial_page, no_such_key_page, path_token_page};
pub use preflight::{PreflightAnswer, options, preflight};
pub use ranges::{multipart_end, multipart_part_head};
pub use respond::{Representation, Selection, Validators, select, select_by};
pub use response_policy::apply_response_policy;
pub use server_timing::server_timing;
