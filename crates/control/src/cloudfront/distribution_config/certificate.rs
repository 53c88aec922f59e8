//! The certificate for viewers: a certificate of the service by its id, in the ways in which CloudFront names one.

use crate::cloudfront::config_parts::ConfigContext;
use crate::cloudfront::members::{ConfigFault, Keys, Members, set};
use serde_json::{Value, json};

const CODE: &str = "InvalidViewerCertificate";
const VERSION_DEFAULT: &str = "TLSv1";

/// Reads `ViewerCertificate`. One in ACM is `arn:aws:acm:us-east-1:ACCOUNT:certificate/ID`, with the account of this
/// service and the id of a certificate; one in IAM is the id itself.
pub(super) fn read_certificate(
    config: &Members<'_>,
    context: &ConfigContext<'_>,
    keys: &mut Keys,
) -> Result<(), ConfigFault> {
    let viewer = &config.inner("ViewerCertificate");
    let version = viewer.text("MinimumProtocolVersion");
    set(keys, "minimum_protocol_version", version);
    match viewer.text("SSLSupportMethod") {
        None | Some("sni-only") => {}
        Some(_) => {
            let message = "is not supported but for sni-only: the edge has no addresses of its own for a certificate";
            return Err(viewer.fault("SSLSupportMethod", CODE, message));
        }
    }
    match named(viewer)? {
        None => {
            set(keys, "certificate", context.default_certificate);
            set(keys, "certificate_source", Some("cloudfront"));
        }
        Some(Named::Acm(arn)) => {
            let prefix = arn_prefix(context);
            let id = arn.strip_prefix(&prefix).filter(|id| !id.is_empty());
            let fault = || {
                let message = format!("is not {prefix} with the id of a certificate behind it");
                viewer.fault("ACMCertificateArn", CODE, &message)
            };
            set(keys, "certificate", Some(id.ok_or_else(fault)?));
            set(keys, "certificate_source", Some("acm"));
        }
        Some(Named::Iam(id)) => {
            set(keys, "certificate", Some(id));
            set(keys, "certificate_source", Some("iam"));
        }
    }
    Ok(())
}

enum Named<'v> {
    Acm(&'v str),
    Iam(&'v str),
}

/// Returns the certificate that is named, in today's members or in the older `Certificate` with `CertificateSource`;
/// `None` for CloudFront's own.
fn named<'v>(viewer: &Members<'v>) -> Result<Option<Named<'v>>, ConfigFault> {
    let older = viewer.text("Certificate");
    let source = viewer.text("CertificateSource");
    let acm = viewer.text("ACMCertificateArn");
    let iam = viewer.text("IAMCertificateId");
    let is_default = viewer.flag("CloudFrontDefaultCertificate");
    let twice = |name: &str| {
        let message = "is one of several certificates, and one has to be named";
        Err(viewer.fault(name, CODE, message))
    };
    let (acm, iam) = match (older, source) {
        (Some(older), Some("acm")) if acm.is_none_or(|acm| acm == older) => (Some(older), iam),
        (Some(older), Some("iam")) if iam.is_none_or(|iam| iam == older) => (acm, Some(older)),
        (Some(_), Some("acm" | "iam")) => return twice("Certificate"),
        (None, _) | (Some(_), _) => (acm, iam),
    };
    match (acm, iam) {
        (Some(_), Some(_)) => twice("IAMCertificateId"),
        (Some(_), None) if is_default => twice("ACMCertificateArn"),
        (None, Some(_)) if is_default => twice("IAMCertificateId"),
        (Some(arn), None) => Ok(Some(Named::Acm(arn))),
        (None, Some(id)) => Ok(Some(Named::Iam(id))),
        (None, None) => Ok(None),
    }
}

fn arn_prefix(context: &ConfigContext<'_>) -> String {
    format!("arn:aws:acm:us-east-1:{}:certificate/", context.account)
}

/// Shows `ViewerCertificate`. Files of the edge are shown as CloudFront's own certificate.
pub(super) fn show_certificate(document: &Members<'_>, context: &ConfigContext<'_>) -> Value {
    let version = document.text("minimum_protocol_version");
    let version = version.unwrap_or(VERSION_DEFAULT);
    let source = document.text("certificate_source");
    let id = document.text("certificate").filter(|id| match source {
        Some(source) => source != "cloudfront",
        None => Some(*id) != context.default_certificate,
    });
    let Some(id) = id else {
        return json!({
            "CloudFrontDefaultCertificate": true,
            "MinimumProtocolVersion": version,
            "CertificateSource": "cloudfront",
        });
    };
    let (member, name, source) = match source {
        Some("iam") => ("IAMCertificateId", id.to_owned(), "iam"),
        Some(_) | None => {
            let arn = format!("{}{id}", arn_prefix(context));
            ("ACMCertificateArn", arn, "acm")
        }
    };
    json!({
        "CloudFrontDefaultCertificate": false,
        member: name,
        "SSLSupportMethod": "sni-only",
        "MinimumProtocolVersion": version,
        "Certificate": name,
        "CertificateSource": source,
    })
}

/// Returns the keys that a change of `ViewerCertificate` replaces: a certificate that stays the same is kept as the
/// document has it, which may be files.
pub(super) fn replaced_keys(shown: &Value, wanted: &Value) -> &'static [&'static str] {
    match shown.get("Certificate") == wanted.get("Certificate") {
        true => &["minimum_protocol_version"],
        false => &[
            "certificate",
            "certificate_source",
            "minimum_protocol_version",
        ],
    }
}
