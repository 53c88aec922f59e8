//! The lines of an operator's logs, which never contain signatures, policies or tokens.
//!
//! [`LogRecord`] and [`StreamLogRecord`] are written as lines, in which every value from a viewer is redacted. This
//! module depends on none of the others of this crate.

mod layout;
mod log_record;
mod redact;
mod result_type;
mod stream_log;

pub use layout::{LayoutFault, LogFormat, LogKind, LogLayout};
pub use log_record::{
    LOG_FIELDS, LogRecord, OwnFields, access_log_file_name, log_file_name, log_header,
};
pub(crate) use redact::redact_links;
pub use redact::{redact_cookies, redact_query, redact_viewer_text};
pub use result_type::{DetailedResult, ResultType};
pub use stream_log::{
    LoggedStream, STREAM_LOG_FIELDS, StreamEvent, StreamLogRecord, stream_log_header,
};
