//! Errors of distributions, with the codes that CloudFront's model has for each member.

use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::call::Input;
use crate::cloudfront::members::ConfigFault;
use crate::operation_error::{Fault, OperationError};
use privet_distribution::config::ServiceKind;
use privet_store::StoreError;

/// Code of a host name that another distribution has.
const TAKEN: &str = "CNAMEAlreadyExists";
/// Messages of host names that no bucket has, as CloudFront's.
const NO_BUCKET: &str = "The parameter Origin DomainName does not refer to a valid S3 bucket.";
const NO_LOGGING_BUCKET: &str = "The parameter Logging Bucket does not refer to a valid S3 bucket.";

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
    match matches!(error, OperationError::NotFound { .. }) {
        true => ApiError::new(code, &error),
        false => error.into(),
    }
}

/// Returns the error of a configuration that is refused.
pub(super) fn fault(input: &Input, fault: &ConfigFault) -> ApiError {
    ApiError::new(of_operation(input, fault.code), fault)
}

/// Returns the error of an operation that was refused.
pub(super) fn refusal(input: &Input, codes: LifeCycleCodes, error: OperationError) -> ApiError {
    if let OperationError::Invalid(faults) = &error
        && let Some(fault) = faults.first()
    {
        return match (key_of(fault), of_operation(input, fault_code(fault))) {
            ("bucket_host", _) => ApiError::argument(&format!("{NO_BUCKET} It {}", fault.message)),
            ("bucket", _) if fault.field.ends_with("logging.bucket") => {
                ApiError::argument(&format!("{NO_LOGGING_BUCKET} It {}", fault.message))
            }
            (_, "InvalidArgument") => error.into(),
            (_, code) => ApiError::new(code, &fault.message),
        };
    }
    match code_of(codes, &error) {
        Some(code) => ApiError::new(of_operation(input, code), &error),
        None => error.into(),
    }
}

/// Returns the code of an error that has one of its own here.
fn code_of(codes: LifeCycleCodes, error: &OperationError) -> Option<&'static str> {
    if let OperationError::Store(error) = error {
        return store_code(error);
    }
    let own = [
        (
            matches!(error, OperationError::NotFound { .. }),
            codes.absent,
        ),
        (
            matches!(error, OperationError::NotDisabled(_)),
            codes.not_disabled,
        ),
        (matches!(error, OperationError::ClaimedOutside(_)), TAKEN),
    ];
    let own = own.into_iter().find(|(is_it, _)| *is_it);
    own.map(|(_, code)| code)
}

fn store_code(error: &StoreError) -> Option<&'static str> {
    if let StoreError::Claimed { name, .. } = error {
        return name.contains("host ").then_some(TAKEN);
    }
    let StoreError::NoSuchReference { to, .. } = error else {
        return None;
    };
    reference_code(to.kind.parse().ok()?)
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
        return TAKEN;
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
