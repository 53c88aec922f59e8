//! Certificates by server name, and the names that the log uses for version and cipher suite.

use crate::start_error::StartError;
use privet_distribution::config::{Certificate, Snapshot};
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert, ServerConnection, ServerSessionMemoryCache};
use rustls::sign::CertifiedKey;
use rustls::{ProtocolVersion, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// The TLS version and cipher suite as the log names them, e.g. `TLSv1.3` and `TLS_AES_128_GCM_SHA256`.
pub(crate) type TlsNames = (&'static str, String);

/// Maximum number of resumable sessions stored for TLS 1.2 viewers.
const SESSIONS_MAX: usize = 4_096;

/// Selects the certificate by the viewer's server name; the first one if that is missing or unknown.
#[derive(Debug)]
struct CertStore {
    by_name: HashMap<String, Arc<CertifiedKey>>,
    /// Wildcard certificates by the part after `*.`.
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

/// Returns the TLS configuration of all HTTPS listeners: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1 by ALPN.
///
/// Errors: a chain or key that cannot be read, or that do not belong together.
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

/// Returns the TLS configuration of all RTMPS listeners.
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
    // librtmp over GnuTLS mistakes a ticket for a failed read, and connections last too long to be resumed.
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

/// A certificate, and the names that it serves.
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
    certified_pair(&certificate.chain_pem, &certificate.key_pem).map_err(|fault| {
        StartError::Certificate {
            path: certificate.path.clone(),
            reason: fault.to_string(),
        }
    })
}

/// Reason why a chain and a key do not make a usable certificate. The texts never contain anything of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PairFault {
    /// The chain cannot be read.
    Chain(String),
    /// The key cannot be read, or is of a kind that TLS does not have.
    Key(String),
    /// Each holds what the other should.
    Swapped,
    /// The key belongs to a later certificate of the chain, counted from 1.
    LeafNotFirst(usize),
    /// The key belongs to none of them.
    Mismatch,
}

impl fmt::Display for PairFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PairFault::Chain(reason) => write!(formatter, "the chain: {reason}"),
            PairFault::Key(reason) => write!(formatter, "the key: {reason}"),
            PairFault::Swapped => formatter.write_str("chain and key are swapped"),
            PairFault::LeafNotFirst(position) => write!(
                formatter,
                "the key belongs to certificate {position} of the chain: put that one first"
            ),
            PairFault::Mismatch => {
                formatter.write_str("the key is not that of the first certificate in the chain")
            }
        }
    }
}

/// Returns the certificates of a PEM text.
///
/// # Errors
/// [`PairFault::Chain`] for a text without any, or with a broken one.
pub(crate) fn chain_certificates(
    chain_pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, PairFault> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain_pem)
        .collect::<Result<_, _>>()
        .map_err(|error| PairFault::Chain(error.to_string()))?;
    if chain.is_empty() {
        let reason = "no certificate in it; give a PEM file";
        return Err(PairFault::Chain(reason.to_owned()));
    }
    Ok(chain)
}

/// Returns a chain with its key, ready for TLS.
///
/// # Errors
/// A [`PairFault`] that says which of the two is at fault.
pub(crate) fn certified_pair(chain_pem: &[u8], key_pem: &[u8]) -> Result<CertifiedKey, PairFault> {
    let chain = chain_certificates(chain_pem);
    let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(|error| key_fault(key_pem, &error));
    let (chain, key) = match (chain, key) {
        (Err(_), Err(_)) if are_swapped(chain_pem, key_pem) => return Err(PairFault::Swapped),
        (chain, key) => (chain?, key?),
    };
    let provider = aws_lc_rs::default_provider();
    let pair = |chain| CertifiedKey::from_der(chain, key.clone_key(), &provider);
    let error = match pair(chain.clone()) {
        Ok(pair) => return Ok(pair),
        Err(rustls::Error::InconsistentKeys(_)) => PairFault::Mismatch,
        Err(rustls::Error::InvalidCertificate(reason)) => PairFault::Chain(reason.to_string()),
        Err(other) => PairFault::Key(other.to_string()),
    };
    let its_own = chain.iter().position(|one| pair(vec![one.clone()]).is_ok());
    match (error, its_own) {
        (PairFault::Mismatch, Some(position)) => Err(PairFault::LeafNotFirst(position + 1)),
        (error, _) => Err(error),
    }
}

fn key_fault(key_pem: &[u8], error: &rustls_pki_types::pem::Error) -> PairFault {
    let is_encrypted = |mark: &[u8]| key_pem.windows(mark.len()).any(|window| window == mark);
    PairFault::Key(
        if is_encrypted(b"BEGIN ENCRYPTED PRIVATE KEY") || is_encrypted(b"Proc-Type: 4,ENCRYPTED") {
            "it has a passphrase, which the edge cannot ask for; remove it with openssl pkey"
                .to_owned()
        } else if matches!(error, rustls_pki_types::pem::Error::NoItemsFound) {
            "no private key in it; give a PEM file".to_owned()
        } else {
            error.to_string()
        },
    )
}

fn are_swapped(chain_pem: &[u8], key_pem: &[u8]) -> bool {
    PrivateKeyDer::from_pem_slice(chain_pem).is_ok() && chain_certificates(key_pem).is_ok()
}

/// Returns a session's version and cipher suite as the log names them.
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
