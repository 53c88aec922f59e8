//! Certificates by server name, and the names that the log uses for version and cipher suite.

use crate::connection::TlsNames;
use crate::edge::StartError;
use privet_distribution::{Certificate, Snapshot};
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert, ServerConnection, ServerSessionMemoryCache};
use rustls::sign::CertifiedKey;
use rustls::{ProtocolVersion, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::collections::HashMap;
use std::sync::Arc;

/// Resumable sessions kept for TLS 1.2 viewers.
const SESSIONS_MAX: usize = 4_096;

/// Picks the certificate by the name that the viewer asks for; the first one when it asks for none or another.
#[derive(Debug)]
struct CertStore {
    by_name: HashMap<String, Arc<CertifiedKey>>,
    /// By the part behind `*.`.
    by_parent: HashMap<String, Arc<CertifiedKey>>,
    first: Arc<CertifiedKey>,
}

impl ResolvesServerCert for CertStore {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let found = hello.server_name().and_then(|name| {
            let name = name.to_ascii_lowercase();
            let parent = name.split_once('.').map_or("", |(_, parent)| parent);
            self.by_name
                .get(&name)
                .or_else(|| self.by_parent.get(parent))
        });
        Some(Arc::clone(found.unwrap_or(&self.first)))
    }
}

/// The TLS side of all HTTPS listeners: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1 by ALPN.
///
/// Errors: a chain or key that can not be read, or that do not belong together.
pub(crate) fn server_config(snapshot: &Snapshot) -> Result<Arc<ServerConfig>, StartError> {
    let distributions = snapshot.distributions().iter();
    let store = cert_store(distributions.map(|distribution| Names {
        certificate: distribution.certificate.as_ref(),
        aliases: &distribution.aliases,
        domain_name: &distribution.domain_name,
    }))?;
    let mut config = config_of(store)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The TLS side of all RTMPS listeners.
///
/// Errors: as those of [`server_config`].
pub(crate) fn rtmps_config(snapshot: &Snapshot) -> Result<Arc<ServerConfig>, StartError> {
    let distributions = snapshot.streaming_distributions().iter();
    let store = cert_store(distributions.map(|distribution| Names {
        certificate: distribution.certificate.as_ref(),
        aliases: &distribution.aliases,
        domain_name: &distribution.domain_name,
    }))?;
    let mut config = config_of(store)?;
    // librtmp over GnuTLS takes a ticket for a failed read, and connections last too long to be resumed.
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

fn config_of(store: CertStore) -> Result<ServerConfig, StartError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| StartError::Tls(error.to_string()))?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(store));
    config.session_storage = ServerSessionMemoryCache::new(SESSIONS_MAX);
    config.ticketer =
        aws_lc_rs::Ticketer::new().map_err(|error| StartError::Tls(error.to_string()))?;
    Ok(config)
}

/// A certificate, and under which names it is shown.
struct Names<'a> {
    certificate: Option<&'a Certificate>,
    aliases: &'a [String],
    domain_name: &'a String,
}

fn cert_store<'a>(distributions: impl Iterator<Item = Names<'a>>) -> Result<CertStore, StartError> {
    let mut by_name = HashMap::new();
    let mut by_parent = HashMap::new();
    let mut first = None;
    for distribution in distributions {
        let Some(certificate) = distribution.certificate else {
            continue;
        };
        let key = Arc::new(certified_key(certificate)?);
        first.get_or_insert_with(|| Arc::clone(&key));
        for name in distribution
            .aliases
            .iter()
            .chain([distribution.domain_name])
        {
            let name = name.to_ascii_lowercase();
            let (names, name) = match name.strip_prefix("*.") {
                Some(parent) => (&mut by_parent, parent.to_owned()),
                None => (&mut by_name, name),
            };
            names.entry(name).or_insert_with(|| Arc::clone(&key));
        }
    }
    Ok(CertStore {
        by_name,
        by_parent,
        first: first.ok_or(StartError::NoCertificate)?,
    })
}

fn certified_key(certificate: &Certificate) -> Result<CertifiedKey, StartError> {
    let fault = |reason: String| StartError::Certificate {
        path: certificate.path.clone(),
        reason,
    };
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(&certificate.chain_pem)
            .collect::<Result<_, _>>()
            .map_err(|error| fault(error.to_string()))?;
    if chain.is_empty() {
        return Err(fault("no certificate in it; give a PEM file".into()));
    }
    let key = PrivateKeyDer::from_pem_slice(&certificate.key_pem)
        .map_err(|error| fault(format!("private key: {error}")))?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
        .map_err(|error| fault(error.to_string()))
}

/// What the log says of a session.
pub(crate) fn names(session: &ServerConnection) -> Option<TlsNames> {
    let version = session.protocol_version()?;
    let version = if version == ProtocolVersion::TLSv1_3 {
        "TLSv1.3"
    } else {
        "TLSv1.2"
    };
    let suite = session.negotiated_cipher_suite()?.suite();
    let name = suite.as_str()?.replace("TLS13_", "TLS_");
    Some((version, name))
}
