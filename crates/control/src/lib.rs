//! The operators' side: what they can see and change of a service and of a running edge, over a Unix socket and over a
//! listener of its own.
//!
//! [`Control`] is the thread that serves both. [`Operations`] are what every interface calls; the edge carries out what
//! is about itself, through its handle, and the store keeps everything else.

mod answers;
mod app;
mod attempts;
mod authentication;
mod bodies;
mod call;
pub mod cloudfront;
mod collection;
mod connection;
mod connections;
mod date_signature;
mod diff;
mod edge_state;
mod equivalents;
mod follower;
mod hosts;
mod interface;
mod item_file;
mod json_interface;
mod late_store;
mod link_access;
mod listener;
mod networks;
mod operation_error;
mod operations;
mod operator;
mod operator_server;
mod places;
mod problem;
mod query;
mod refusals;
mod replay;
mod request_error;
mod rotation;
mod routes;
mod service;
pub mod shell;
mod side_listener;
pub mod sigv4;
mod socket;
mod socket_api;
mod store_links;
pub mod strict_json;
mod thread;
mod tls;
mod turns;
mod visible;

pub use authentication::{
    AccessError, Authentication, KeyHolder, Peer, Prechecked, Presented, Recognized, Signatures,
    holder_of,
};
pub use date_signature::{DATE_SKEW_SECS_MAX, DateRefusal, FIRST_USE_SECS_MAX};
pub use diff::{CutOff, CutOffKind, Difference, cut_off, differences};
pub use edge_state::{FollowerState, ItemFailure, PutBack};
pub use equivalents::{AccessKeyName, Equivalent, Equivalents, Operation, Target, equivalents};
pub use follower::{Follower, FollowerOptions, LocalCopy};
pub use late_store::LateStore;
pub use link_access::{Access, LinkAccess, host_and_path};
pub use listener::ListenerOptions;
pub use operation_error::{Fault, OperationError};
pub use operations::{
    AUTOPILOT, Applied, AuditQuery, BucketChange, ChangeRequest, Changed, EmbeddedBucket,
    ExplainRequest, FileService, GrantChange, Imported, InvalidationRequest, Item, ItemVersion,
    Job, JobState, KeyPart, KeyUsage, LinkRules, Listed, MadeBy, MakeLinkRequest, Mode,
    NewOperatorRequest, Operations, OperationsOptions, OperatorPatch, Outcome, PageRequest, Plan,
    ProbeRequest, RevocationOutcome, RevocationRequest, RevokeTarget, Running, ScopedBuckets,
    ShownLink, ShownRotation, ShownState, SigningKey, Source, Switch, Tended, ThisEdge, Undo,
    signing_key,
};
pub use operator::{
    Admin, Authenticated, Caller, Entry, Operator, Publish, Rank, Read, RoleTooLow, Scope,
};
pub use replay::ReplayRefusal;
pub use rotation::{CurrentKey, KeyType, NextKey, RetiringKey, Rotation as KeyRotation, Schedule};
pub use side_listener::{
    BoundSideListener, FileSender, SentFile, SideLimits, SideListener, SidePeer,
};
pub use socket::SocketError;
pub use thread::{Control, ControlOptions, ListenerChange, SocketChange};
pub use tls::server_config;
