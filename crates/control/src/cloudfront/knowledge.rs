//! What the mapping of configurations has to know of the service, read from it beforehand.

use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::config_parts::ConfigContext;
use crate::cloudfront::members::Members;
use crate::cloudfront::resource::gather;
use crate::cloudfront::settings::Settings;
use crate::operation_error::OperationError;
use crate::operations::Operations;
use crate::operator::{Operator, Read};
use privet_distribution::config::{
    ApiLimits, CachePolicy, OriginRequestPolicy, ResponseHeadersPolicy, ServiceKind,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Id of the certificate that stands for CloudFront's own, where the service has one.
pub(super) const DEFAULT_CERTIFICATE: &str = "default";
/// Most policies that are searched for a name.
const POLICIES_MAX: usize = 1_000;
/// The kinds of policies and the keys of behaviors that name them.
const POLICY_KEYS: [(ServiceKind, &str); 3] = [
    (ServiceKind::CachePolicy, "cache_policy"),
    (ServiceKind::OriginRequestPolicy, "origin_request_policy"),
    (
        ServiceKind::ResponseHeadersPolicy,
        "response_headers_policy",
    ),
];

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Knowledge {
    account: String,
    has_default_certificate: bool,
    policies: BTreeMap<(ServiceKind, String), String>,
    limits: ApiLimits,
}

impl Knowledge {
    /// Reads what is needed for these documents.
    pub(super) async fn of(
        operations: &Operations,
        operator: &Operator<Read>,
        settings: &Settings,
        documents: &[&Value],
    ) -> Result<Self, ApiError> {
        let kind = ServiceKind::Certificate;
        let certificate = operations.item(operator, kind, DEFAULT_CERTIFICATE).await;
        Ok(Knowledge {
            account: settings.account.clone(),
            has_default_certificate: is_there(certificate)?,
            policies: policies(operations, operator, documents).await?,
            limits: settings.limits.clone(),
        })
    }

    /// Returns what the mapping takes.
    pub(super) fn context(&self) -> ConfigContext<'_> {
        ConfigContext {
            account: &self.account,
            default_certificate: self.has_default_certificate.then_some(DEFAULT_CERTIFICATE),
            policies: &self.policies,
            limits: &self.limits,
        }
    }
}

fn is_there<T>(found: Result<T, OperationError>) -> Result<bool, ApiError> {
    match found {
        Ok(_) => Ok(true),
        Err(OperationError::NotFound { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Returns the ids of the operator's policies that documents name by their names.
async fn policies(
    operations: &Operations,
    operator: &Operator<Read>,
    documents: &[&Value],
) -> Result<BTreeMap<(ServiceKind, String), String>, ApiError> {
    let mut ids = BTreeMap::new();
    for (kind, key) in POLICY_KEYS {
        let mut is_searched = false;
        for name in named(documents, key) {
            let is_known = managed_name(kind, name).is_some();
            let is_id = is_known || is_there(operations.item(operator, kind, name).await)?;
            is_searched |= !is_id;
        }
        if !is_searched {
            continue;
        }
        let listed = gather(operations, operator, (kind, None), POLICIES_MAX).await?;
        for item in listed.items {
            if let Some(name) = Members::of(&item.document, "").text("name") {
                ids.insert((kind, name.to_owned()), item.id.clone());
            }
        }
    }
    Ok(ids)
}

/// Returns the texts that behaviors have under a key, each once.
fn named<'d>(documents: &[&'d Value], key: &str) -> BTreeSet<&'d str> {
    let mut names = BTreeSet::new();
    for document in documents {
        let document = Members::of(document, "");
        names.extend(document.inner("default_behavior").text(key));
        let behaviors = document.array("behaviors").iter();
        names.extend(behaviors.filter_map(|behavior| Members::of(behavior, "").text(key)));
    }
    names
}

/// Returns the name of one of CloudFront's own policies by its id or its name; `None` for any other.
fn managed_name(kind: ServiceKind, name: &str) -> Option<String> {
    let titles: Vec<(&String, &String)> = match kind {
        ServiceKind::CachePolicy => {
            let policies = CachePolicy::managed().iter();
            policies.map(|policy| (&policy.id, &policy.name)).collect()
        }
        ServiceKind::OriginRequestPolicy => {
            let policies = OriginRequestPolicy::managed().iter();
            policies.map(|policy| (&policy.id, &policy.name)).collect()
        }
        ServiceKind::ResponseHeadersPolicy => {
            let policies = ResponseHeadersPolicy::managed().iter();
            policies.map(|policy| (&policy.id, &policy.name)).collect()
        }
        ServiceKind::PublicKey
        | ServiceKind::KeyGroup
        | ServiceKind::TrustedSigner
        | ServiceKind::Certificate
        | ServiceKind::Bucket
        | ServiceKind::OriginAccessIdentity
        | ServiceKind::OriginAccessControl
        | ServiceKind::Distribution
        | ServiceKind::StreamingDistribution => Vec::new(),
    };
    let mut titles = titles.into_iter();
    let found = titles.find(|(id, title)| *id == name || *title == name);
    found.map(|(_, title)| title.clone())
}
