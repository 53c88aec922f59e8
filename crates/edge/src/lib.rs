//! The data plane: accepts connections, routes, authorizes, fetches, responds and logs.
//!
//! Every rule is decided in `privet-distribution`; this crate owns viewer sockets, folders and log files.

mod accept;
mod admission;
mod answer;
mod answer_memory;
mod body;
mod cache;
mod clock;
mod connection;
mod connection_state;
mod connections_by_address;
mod context;
mod countries;
mod departures;
mod descriptors;
mod edge;
mod ends;
mod exchange;
mod file_placeholder;
mod guests;
mod h2_watch;
mod handle;
mod links;
mod listeners;
mod log;
mod memory;
mod notices;
mod operator;
mod origin;
mod origin_client;
mod own_files;
mod pace;
mod pipeline;
mod proxy_header;
mod readiness;
mod redeem;
mod remote_object;
mod request_body;
mod request_id;
mod rtmp;
mod serve;
pub mod standard_error;
mod start_error;
mod state;
mod test_clock;
mod tls;
mod unwritten_logs;
mod video;
mod viewer_end;
mod viewer_io;
mod viewer_stream;
mod worker;
mod workers;

pub use cache::{Invalidation, InvalidationItem, InvalidationReach};
pub use clock::Clock;
pub use descriptors::descriptors_note;
pub use edge::{RunningEdge, StartOptions};
pub use ends::EndTotals;
pub use exchange::object_paths;
pub use handle::EdgeHandle;
pub use links::{
    EdgeLinks, LinkCounts, LinkFuture, LinkRefusals, LinkStore, LinkTerms, TermsHeard,
};
pub use log::{
    AccessLogLine, AccessLogged, BucketDelivery, DeliveryFault, Dropped, LogDeliveryFacts,
    LogStream, UndeliveredLog, UndeliveredLogs,
};
pub use memory::VerifiedSignatures;
pub use operator::{
    ChangeError, INVALIDATION_ITEMS_MAX, INVALIDATION_SIZE_BYTES_MAX, INVALIDATION_WILDCARDS_MAX,
    InvalidationError, KnownObject, LogCourier, OriginAccess, OriginPrivacy, ProbeError,
    ProbeScope, Prober, Probing, UnseenCause, check_invalidation, probe_origins,
};
pub use origin_client::{Writers, WritingCheck};
pub use own_files::is_own_file;
pub use privet_cache::Statistics as CacheStatistics;
pub use readiness::{
    StartFault, all_certificate_faults, certificate_faults, certificate_notes, database_fault,
    own_file_faults, start_faults,
};
pub use remote_object::{
    ObjectUrl, ObjectUrlFault, RangeSupport, RemoteFault, RemoteObject, RemoteReader,
};
pub use start_error::{ListenFault, StartError};
pub use unwritten_logs::unwritten_logs_note;
pub use video::{SET_SIZE_BYTES_MAX, SetRendition, SetSubtitles, VideoSet};
