//! Checks that a distribution may be served over the connection that a request came by.
//!
//! The handshake chooses versions by the server name. A viewer may send requests for other hosts over the same
//! connection afterwards, as browsers do where one certificate covers both (RFC 9113 9.1.1).

use crate::config::{Distribution, HttpVersions, MinimumTlsVersion};
use crate::request::denial::Denial;
use http::Version;

/// Checks the versions of HTTP and TLS. `tls_version` is the connection's, as the log names it, such as `TLSv1.3`;
/// `None` without TLS, where neither is limited.
///
/// # Errors
/// [`Denial::MisdirectedRequest`], after which a viewer may open another connection.
pub fn check_connection(
    distribution: &Distribution,
    version: Version,
    tls_version: Option<&str>,
) -> Result<(), Denial> {
    let Some(tls_version) = tls_version else {
        return Ok(());
    };
    let is_new_enough = match distribution.minimum_tls {
        MinimumTlsVersion::Tls12 => true,
        MinimumTlsVersion::Tls13 => tls_version == "TLSv1.3",
    };
    let is_spoken = match distribution.http_versions {
        HttpVersions::Http1 => version != Version::HTTP_2,
        HttpVersions::Http2 => true,
    };
    match is_new_enough && is_spoken {
        true => Ok(()),
        false => Err(Denial::MisdirectedRequest),
    }
}
