//! Errors of distributions, with the codes that CloudFront's model has for each member.

use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::call::Input;
use crate::cloudfront::members::ConfigFault;
use crate::operation_error::{Fault, OperationError};
use privet_distribution::config::ServiceKind;
use privet_store::StoreError;

/// Message of a host name that no bucket has, as CloudFront's.
const NO_BUCKET: &str = "The parameter Origin DomainName does not refer to a valid S3 bucket.";

/// The codes of errors that differ between the kinds of distributions.
#[derive(Clone, Copy, Debug)]
pub(super) struct LifeCycleCodes {
    pub(super) absent: &'static str,
    pub(super) exists: &'static str,
    pub(super) not_disabled: &'static str,
    pub(super) too_many: &'static str,
}

/// Returns an error of an item that is absent with its code, and any other as it is.
pub(super) fn absent(code: &'static str, error: OperationError) -> ApiError {
    match &error {
        OperationError::NotFound { .. } => ApiError::new(code, &error),
        _ => error.into(),
    }
}

/// Returns the error of a configuration that is refused.
pub(super) fn fault(input: &Input, fault: &ConfigFault) -> ApiError {
    ApiError::new(of_operation(input, fault.code), fault)
}

/// Returns the error of an operation that was refused.
pub(super) fn refusal(input: &Input, codes: LifeCycleCodes, error: OperationError) -> ApiError {
    let code = match &error {
        OperationError::NotFound { .. } => codes.absent,
        OperationError::NotDisabled(_) => codes.not_disabled,
        OperationError::ClaimedOutside(_) => "CNAMEAlreadyExists",
        OperationError::Store(StoreError::Claimed { name, .. }) if name.contains("host ") => {
            "CNAMEAlreadyExists"
        }
        OperationError::Store(StoreError::NoSuchReference { to, .. }) => {
            match to.kind.parse().map(reference_code) {
                Ok(Some(code)) => code,
                Ok(None) | Err(_) => return error.into(),
            }
        }
        OperationError::Invalid(faults) => match faults.first() {
            Some(fault) if key_of(fault) == "bucket_host" => {
                return ApiError::argument(&format!("{NO_BUCKET} It {}", fault.message));
            }
            Some(fault) => {
                let code = of_operation(input, fault_code(fault));
                return match code {
                    "InvalidArgument" => error.into(),
                    code => ApiError::new(code, &fault.message),
                };
            }
            None => return error.into(),
        },
        _ => return error.into(),
    };
    ApiError::new(of_operation(input, code), &error)
}

/// Returns the code, if the operation has it.
fn of_operation(input: &Input, code: &'static str) -> &'static str {
    let form = input.operation.form.as_ref();
    match form.is_some_and(|form| form.errors.contains(&code)) {
        true => code,
        false => "InvalidArgument",
    }
}

/// Returns the code for a reference to what is not there; `None` for those of all resources.
fn reference_code(kind: ServiceKind) -> Option<&'static str> {
    match kind {
        ServiceKind::OriginAccessControl => Some("InvalidOriginAccessControl"),
        ServiceKind::OriginAccessIdentity => Some("InvalidOriginAccessIdentity"),
        ServiceKind::PublicKey
        | ServiceKind::KeyGroup
        | ServiceKind::TrustedSigner
        | ServiceKind::CachePolicy
        | ServiceKind::OriginRequestPolicy
        | ServiceKind::ResponseHeadersPolicy
        | ServiceKind::Certificate
        | ServiceKind::Bucket
        | ServiceKind::Distribution
        | ServiceKind::StreamingDistribution => None,
    }
}

/// Returns the last key in the place of a fault, without positions.
fn key_of(fault: &Fault) -> &str {
    let key = fault.field.rsplit('.').next().unwrap_or_default();
    key.split_once('[').map_or(key, |(key, _)| key)
}

/// Returns the code for a fault of a document.
fn fault_code(fault: &Fault) -> &'static str {
    // A name of another distribution is found by the check of the whole service, before the store is asked.
    if fault.message.contains("is already taken by") {
        return "CNAMEAlreadyExists";
    }
    if fault.field.starts_with("document.tags") {
        return "InvalidTagging";
    }
    match key_of(fault) {
        "certificate" => "InvalidViewerCertificate",
        "default_root_object" => "InvalidDefaultRootObject",
        "geo" | "allow" | "block" => "InvalidGeoRestrictionParameter",
        "page" => "InvalidRelativePath",
        "page_status" => "InvalidResponseCode",
        "status" => "InvalidErrorCode",
        _ => "InvalidArgument",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_have_the_codes_of_their_members() {
        let code = |field: &str, message: &str| fault_code(&Fault::new(field, message));
        assert_eq!(
            code("document", "\"a\" is already taken by E1; remove one"),
            "CNAMEAlreadyExists"
        );
        assert_eq!(code("document.tags.x", "is bad"), "InvalidTagging");
        assert_eq!(
            code("document.geo.allow[3]", "is bad"),
            "InvalidGeoRestrictionParameter"
        );
        assert_eq!(
            code("document.certificate", "is bad"),
            "InvalidViewerCertificate"
        );
        assert_eq!(
            code("document.custom_errors[1].page", "is bad"),
            "InvalidRelativePath"
        );
        assert_eq!(
            code("document.behaviors[1].path_pattern", "is bad"),
            "InvalidArgument"
        );
        assert_eq!(
            key_of(&Fault::new("document.origins[0].bucket_host", "")),
            "bucket_host"
        );
    }
}
