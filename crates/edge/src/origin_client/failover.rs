//! Origin groups: the use of the second origin (developer guide, "Optimize high availability with origin failover").

use super::OriginRequestBody;
use super::{OriginCall, OriginClient, OriginFault, OriginFaultKind, OriginResponse};
use http::{Method, StatusCode};
use privet_distribution::config::{Origin, OriginChoice};

impl OriginClient {
    /// Sends a request to the primary origin, and to the secondary one if the first fails. `address` adapts the call to
    /// one origin: each has its own target and headers, and must not receive the other's.
    ///
    /// Errors: the fault of the last origin.
    pub(crate) async fn send_with_failover(
        &self,
        choice: &OriginChoice,
        mut call: OriginCall,
        address: impl Fn(&Origin, &mut OriginCall),
    ) -> Result<OriginResponse, OriginFault> {
        let second = choice
            .failover
            .as_ref()
            .and_then(|failover| Some((failover, repeat(&call)?)));
        address(&choice.primary, &mut call);
        let first = self.send(&choice.primary, call).await;
        let Some((failover, mut call)) = second else {
            return first;
        };
        if !leads_to_secondary(&first, &failover.statuses) {
            return first;
        }
        if let Ok(response) = first {
            response.body.discard();
        }
        address(&failover.secondary, &mut call);
        self.send(&failover.secondary, call).await
    }
}

/// Returns the same request for another origin, if its method fails over and it has no body.
fn repeat(call: &OriginCall) -> Option<OriginCall> {
    let fails_over = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&call.method);
    match &call.body {
        OriginRequestBody::Empty if fails_over => Some(OriginCall {
            method: call.method.clone(),
            target: String::new(),
            headers: call.headers.clone(),
            body: OriginRequestBody::Empty,
            viewer_scheme: call.viewer_scheme,
            viewer: call.viewer,
        }),
        OriginRequestBody::Empty | OriginRequestBody::Memory(_) | OriginRequestBody::Viewer(_) => {
            None
        }
    }
}

/// Decides whether to try the secondary origin. A fault that the viewer would see as a status fails over as that status
/// does.
fn leads_to_secondary(
    first: &Result<OriginResponse, OriginFault>,
    statuses: &[StatusCode],
) -> bool {
    let status = match first {
        Ok(response) => response.status,
        Err(fault) => match fault.kind {
            OriginFaultKind::Dns
            | OriginFaultKind::Connect
            | OriginFaultKind::Tls
            | OriginFaultKind::ConnectTimeout
            | OriginFaultKind::ResponseTimeout => return true,
            OriginFaultKind::Closed
            | OriginFaultKind::Truncated
            | OriginFaultKind::InvalidHead
            | OriginFaultKind::HeadTooLarge
            | OriginFaultKind::Credentials
            | OriginFaultKind::Refused(_) => StatusCode::BAD_GATEWAY,
            OriginFaultKind::Capacity => StatusCode::SERVICE_UNAVAILABLE,
            OriginFaultKind::InvalidTarget
            | OriginFaultKind::RequestBody
            | OriginFaultKind::RequestBodyTimeout => return false,
        },
    };
    statuses.contains(&status)
}
