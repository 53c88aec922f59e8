//! The operators' listener and CloudFront's API, as a configuration's `[control]` says.

use crate::whole_file::{BYTES_MAX, read_whole};
use privet_control::cloudfront::Settings;
use privet_control::{ListenerOptions, server_config};
use privet_distribution::config::{CertificateFiles, ControlSettings};
use rustls::ServerConfig;
use std::path::Path;
use std::sync::Arc;

/// Returns the listener of the operators' interface, with its certificate.
///
/// # Errors
/// The reason why the certificate cannot be used.
pub(crate) fn listener_options(
    settings: Option<&ControlSettings>,
) -> Result<Option<ListenerOptions>, String> {
    let Some(settings) = settings else {
        return Ok(None);
    };
    let certificate = settings.certificate.as_ref();
    Ok(Some(ListenerOptions {
        address: settings.address,
        hosts: settings.hosts.clone(),
        tls: certificate.map(tls_config).transpose()?,
    }))
}

/// Reads a certificate.
///
/// # Errors
/// The reason why it cannot be used.
pub(crate) fn tls_config(files: &CertificateFiles) -> Result<Arc<ServerConfig>, String> {
    let read = |file: &Path| {
        let bytes = read_whole(file, BYTES_MAX);
        bytes.map_err(|error| format!("cannot read {}: {error}", file.display()))
    };
    server_config(&read(&files.chain)?, &read(&files.key)?)
}

/// Returns what CloudFront's API says of the service.
pub(crate) fn cloudfront_settings(settings: Option<&ControlSettings>) -> Settings {
    let default = Settings::default();
    let Some(stated) = settings else {
        return default;
    };
    let or = |stated: &Option<String>, default: String| stated.clone().unwrap_or(default);
    Settings {
        base_url: or(&stated.base_url, default.base_url),
        account: or(&stated.account, default.account),
        domain_suffix: or(&stated.domain_suffix, default.domain_suffix),
    }
}
