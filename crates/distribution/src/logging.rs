//! What an operator's log says, and never says: signatures, policies and tokens.
//!
//! [`LogRecord`] and [`StreamLogRecord`] are written as lines, and every value of a viewer's goes through the
//! redaction. This room knows none of the others.

mod log_record;
mod redact;
mod result_type;
mod stream_log;

pub use log_record::{LOG_FIELDS, LogRecord, OwnFields, log_file_name, log_header};
pub(crate) use redact::redact_links;
pub use redact::{redact_cookies, redact_query, redact_viewer_text};
pub use result_type::{DetailedResult, ResultType};
pub use stream_log::{
    LoggedStream, STREAM_LOG_FIELDS, StreamEvent, StreamLogRecord, stream_log_header,
};
