//! The edge's client for S3 and HTTP origins: one request, one response, within the origin's timeouts.
//!
//! Connections are kept in pools. Other modules decide which requests are sent and what becomes of the responses.

mod attempt;
mod body;
mod connect;
mod credentials;
mod denial;
mod deposit;
mod failover;
mod fault;
mod pool;
mod prepare;
mod privacy;
mod refusal;
mod request_body;
mod s3;
#[cfg(test)]
mod tests;
mod trust;

pub(crate) use body::OriginBody;
pub(crate) use denial::origin_denial;
pub(crate) use deposit::Deposit;
pub(crate) use fault::{OriginFault, OriginFaultKind};
pub(crate) use privacy::{Findings, KeyCheck, Privacy, PrivacyQuestion, Sight};
pub use privacy::{Writers, WritingCheck};
pub(crate) use request_body::OriginRequestBody;

use crate::notices::Notices;
use attempt::{Attempt, attempt};
use credentials::Credentials;
use http::{HeaderMap, Method, StatusCode};
use pool::{Checkout, Connection, ConnectionKind, Destination, Pools};
use prepare::Prepared;
use privet_distribution::config::Origin;
use privet_sign::Scheme;
use refusal::{Judged, RefusalComplaints};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use tokio::time::timeout;
use trust::Trust;

/// A client for the origins of all distributions. Each worker has one.
#[derive(Debug)]
pub(crate) struct OriginClient {
    shared: Arc<OriginClientShared>,
    pools: Pools,
}

/// State shared by the clients of all workers: trusted authorities, access keys, and the reports made to the operator.
#[derive(Debug)]
pub(crate) struct OriginClientShared {
    trust: Arc<Trust>,
    credentials: Credentials,
    complaints: RefusalComplaints,
}

impl Default for OriginClientShared {
    fn default() -> Self {
        OriginClientShared::new(Arc::default())
    }
}

impl OriginClientShared {
    /// Creates the state. Nothing is read or requested before the first request needs it.
    pub(crate) fn new(notices: Arc<Notices>) -> Self {
        let trust = Arc::new(Trust::default());
        OriginClientShared {
            credentials: Credentials::of_this_process(Arc::clone(&trust)),
            complaints: RefusalComplaints::new(notices),
            trust,
        }
    }
}

/// A request to an origin.
#[derive(Debug)]
pub(crate) struct OriginCall {
    pub(crate) method: Method,
    /// Raw path and query, with the origin path in front.
    pub(crate) target: String,
    /// Headers that the origin request policy lets pass. The client sets `Host`, everything that frames the message,
    /// the origin's own custom headers and the signature.
    pub(crate) headers: HeaderMap,
    pub(crate) body: OriginRequestBody,
    /// Scheme of the viewer's request, for origins that are to match.
    pub(crate) viewer_scheme: Scheme,
    /// Viewer whose share of the origin's connections is used; `None` for the edge's own requests.
    pub(crate) viewer: Option<IpAddr>,
}

/// The head of a response, and its body as it arrives.
#[derive(Debug)]
pub(crate) struct OriginResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: OriginBody,
}

impl OriginClient {
    /// Creates a client without connections.
    pub(crate) fn new(shared: Arc<OriginClientShared>) -> Rc<Self> {
        Rc::new(OriginClient {
            shared,
            pools: Pools::default(),
        })
    }

    /// Sends one request and waits for the head of its response.
    ///
    /// A bucket that refuses the edge itself is a fault, `Refused`, and is reported to the operator: its response is
    /// about no object, and may contain the access key's id and the session token. An origin that cannot be reached is
    /// reported as well.
    pub(crate) async fn send(
        &self,
        origin: &Origin,
        call: OriginCall,
    ) -> Result<OriginResponse, OriginFault> {
        match self.ask(origin, call).await {
            Err(fault) => {
                self.shared.complaints.hear_fault(origin, fault);
                Err(fault)
            }
            Ok(Judged::Response(response)) => Ok(*response),
            Ok(Judged::Refused(refused)) => {
                self.shared.complaints.hear(origin, &refused);
                Err(OriginFaultKind::Refused(refused.cause).into())
            }
        }
    }

    /// Does the same without a report to the operator.
    async fn ask(&self, origin: &Origin, mut call: OriginCall) -> Result<Judged, OriginFault> {
        let telling = refusal::telling(&call);
        call.body = call.body.begun().await?;
        let (prepared, signer) = prepare::prepare(&self.shared.credentials, origin, call).await?;
        let response = self.exchange(origin, prepared).await?;
        if !origin.source.knows_keys() {
            return Ok(Judged::Response(Box::new(response)));
        }
        let Some(telling) = telling.filter(|_| refusal::needs_telling(response.status, &signer))
        else {
            return refusal::judge(origin, &signer, response).await;
        };
        let (prepared, signer) =
            prepare::prepare(&self.shared.credentials, origin, telling).await?;
        let told = self.exchange(origin, prepared).await?;
        match refusal::judge(origin, &signer, told).await? {
            Judged::Refused(refused) => Ok(Judged::Refused(refused)),
            Judged::Response(told) => {
                told.body.discard();
                Ok(Judged::Response(Box::new(response)))
            }
        }
    }

    /// Sends one request on a connection and returns its response as it is.
    ///
    /// GET and HEAD are sent again when the connection ends before the head, and to HTTP origins also when there is no
    /// response in time, up to the origin's connection attempts (developer guide, "Connection attempts"). Other methods
    /// are sent again only if nothing of them was; a viewer's body is never sent twice. A connection is taken only when
    /// the first piece of that body has arrived.
    async fn exchange(
        &self,
        origin: &Origin,
        mut prepared: Prepared,
    ) -> Result<OriginResponse, OriginFault> {
        let mut wanted = ConnectionKind::Any;
        let mut attempts_left = origin.patience.connection_attempts.max(1);
        loop {
            let connection = match self.connection(origin, &prepared, wanted).await {
                Ok(connection) => connection,
                Err(fault) => {
                    attempts_left -= 1;
                    if attempts_left == 0 || !may_reconnect(fault.kind) {
                        return Err(fault);
                    }
                    continue;
                }
            };
            match attempt(origin, connection, prepared).await {
                Attempt::Response(response) => return Ok(response),
                Attempt::Stale(again) => prepared = again,
                Attempt::Failed { fault, again } => {
                    attempts_left -= 1;
                    match again {
                        Some(again) if attempts_left > 0 => prepared = again,
                        Some(_) | None => return Err(fault),
                    }
                }
            }
            wanted = ConnectionKind::Fresh;
        }
    }

    /// Returns a connection for this request: it is waited for and opened, each within the connect timeout.
    async fn connection(
        &self,
        origin: &Origin,
        prepared: &Prepared,
        wanted: ConnectionKind,
    ) -> Result<Connection, OriginFault> {
        let patience = &origin.patience;
        let destination = Destination {
            server: &prepared.server,
            addresses: patience.addresses,
            roots_pem: patience.trusted_roots_pem.as_deref(),
        };
        let pool = self.pools.of(&destination);
        let checkout = pool.checkout(wanted, prepared.viewer, patience.connections_max);
        let place = match timeout(patience.connect_timeout, checkout).await {
            Err(_) => return Err(OriginFaultKind::Capacity.into()),
            Ok(Checkout::Reused(connection)) => return Ok(connection),
            Ok(Checkout::Open(place)) => place,
        };
        let trust = &self.shared.trust;
        let (sender, task) = connect::open(trust, &destination, patience.connect_timeout).await?;
        Ok(place.fill(sender, task, patience.keep_alive_timeout))
    }
}

/// Returns true if another attempt may help. A certificate does not become better, and callers who waited for a free
/// connection have waited long enough.
fn may_reconnect(kind: OriginFaultKind) -> bool {
    matches!(
        kind,
        OriginFaultKind::Dns | OriginFaultKind::Connect | OriginFaultKind::ConnectTimeout
    )
}
