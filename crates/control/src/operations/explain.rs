//! Why a link opens or not, by the service that is in force in this process.

use crate::link_access::{Access, LinkAccess, host_and_path};
use crate::link_state::{LinkState, LinkStoreState};
use crate::operation_error::OperationError;
use crate::operations::{Operations, Running, Source};
use crate::operator::{Operator, Read, Scope};
use privet_distribution::config::Snapshot;
use privet_sign::{Check, Explanation, Outcome, Question, Timestamp, Verdict};
use serde::Deserialize;
use std::net::IpAddr;

/// A link, and the circumstances of its use.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with link, cookies, at and address"
)]
pub struct ExplainRequest {
    /// Link as pasted.
    pub link: String,
    /// Value of the `Cookie` header.
    pub cookies: Option<String>,
    /// Time of the request in seconds since 1970; now if it is not given.
    pub at: Option<u64>,
    /// Address of the viewer.
    pub address: Option<IpAddr>,
}

impl Operations {
    /// Explains a link, check by check: its signature, what is revoked, and what the store has counted.
    ///
    /// # Errors
    /// [`OperationError::NotFound`] for the host of a distribution out of scope.
    pub async fn explain(
        &self,
        operator: &Operator<Read>,
        request: &ExplainRequest,
    ) -> Result<Explanation, OperationError> {
        let snapshot = self.snapshot();
        check_host(&snapshot, &operator.caller().scope, &request.link)?;
        let known = LinkAccess::of(&snapshot, &request.link);
        let now = request
            .at
            .map_or_else(|| self.shared.clock.now(), Timestamp::from_secs);
        let mut explanation = match &known.access {
            Access::Checked => privet_sign::explain(&Question {
                url: &request.link,
                cookies: request.cookies.as_deref(),
                keys: &known.keys,
                now,
                client: request.address,
                leniency: known.leniency.clone(),
            }),
            Access::Open(found) => early("access", "open, or a link", found, Outcome::Passed),
            Access::Unserved(found) => early("host", "a host of the edge", found, Outcome::Failed),
            Access::NotGranted(found) => early("bucket", "a grant to read", found, Outcome::Failed),
        };
        explanation.hints.extend(known.hints);
        let table = match &self.shared.running {
            Running::Edge(edge) => Some(edge.links().revocations()),
            Running::Loaded(_) => None,
        };
        let state = LinkState {
            revocations: table.as_deref(),
            store: match &self.shared.source {
                Source::Store(store) => store
                    .get()
                    .map_or(LinkStoreState::Silent, LinkStoreState::Open),
                Source::File(_) => LinkStoreState::Absent,
            },
            allow_asynchronous_standby: snapshot.node.links.allow_asynchronous_standby,
        };
        state.check(&mut explanation, &request.link, now).await;
        Ok(explanation)
    }
}

/// Checks that a link's host is within a scope. A host outside it is as one that no distribution has.
pub(super) fn check_host(
    snapshot: &Snapshot,
    scope: &Scope,
    link: &str,
) -> Result<(), OperationError> {
    let host = host_and_path(link).map(|(host, _)| host);
    let found = host.and_then(|host| snapshot.distribution_for(host));
    match scope {
        Scope::All => Ok(()),
        Scope::Distributions(ids) if found.is_some_and(|found| ids.contains(&found.id)) => Ok(()),
        Scope::Distributions(_) => Err(OperationError::NotFound {
            what: "distribution with the host",
            id: host.unwrap_or_default().to_owned(),
        }),
    }
}

/// Returns the explanation of a decision that the edge makes before it looks at the link.
fn early(name: &'static str, expected: &str, found: &str, outcome: Outcome) -> Explanation {
    Explanation {
        verdict: match outcome {
            Outcome::Passed => Verdict::Opens,
            Outcome::Failed | Outcome::Unknown | Outcome::Skipped => {
                Verdict::CannotTell(found.to_owned())
            }
        },
        checks: vec![Check {
            name,
            outcome,
            expected: expected.to_owned(),
            found: found.to_owned(),
        }],
        hints: Vec::new(),
        policy_text: None,
        link_id: None,
        link_mark: None,
        key_pair_id: None,
        until: None,
    }
}
