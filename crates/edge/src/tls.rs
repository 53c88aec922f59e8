//! Certificates by server name, and the names that the log uses for version and cipher suite.

use crate::standard_error;
use crate::start_error::StartError;
use privet_distribution::config::{
    Certificate, Distribution, HttpVersions, MinimumTlsVersion, Slots, Snapshot,
};
use rustls::crypto::aws_lc_rs;
use rustls::server::{
    ClientHello, ResolvesServerCert, ResolvesServerCertUsingSni, ServerConnection,
    ServerSessionMemoryCache,
};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ProtocolVersion, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::sync::Arc;

/// The TLS version and cipher suite as the log names them, e.g. `TLSv1.3` and `TLS_AES_128_GCM_SHA256`.
pub(crate) type TlsNames = (&'static str, String);

/// Maximum number of resumable sessions stored for TLS 1.2 viewers.
const SESSIONS_MAX: usize = 4_096;

/// The TLS configurations of all listeners of a kind, and the certificates that they serve.
#[derive(Clone, Debug)]
pub(crate) struct TlsState {
    configs: Configs,
    /// Certificates at the positions of the distributions; kept to be served under the next snapshot as well.
    certificates: Slots<ServedCertificate>,
}

/// TLS configurations by the versions that a distribution allows. They share certificates, sessions and tickets.
#[derive(Clone, Debug)]
struct Configs {
    /// TLS 1.2 and 1.3, with HTTP/2.
    usual: Arc<ServerConfig>,
    /// TLS 1.2 and 1.3, without HTTP/2.
    http1: Arc<ServerConfig>,
    /// TLS 1.3, with HTTP/2.
    tls13: Arc<ServerConfig>,
    /// TLS 1.3, without HTTP/2.
    tls13_http1: Arc<ServerConfig>,
}

/// A distribution's certificate; `None` if it has none.
#[derive(Debug)]
struct ServedCertificate(Option<Arc<CertifiedKey>>);

/// Selects the certificate by the viewer's server name; the first one if that is missing or unknown. Without any
/// certificate, handshakes fail.
#[derive(Debug)]
struct CertificateResolver {
    kind: TlsKind,
    snapshot: Arc<Snapshot>,
    certificates: Slots<ServedCertificate>,
    first: Option<Arc<CertifiedKey>>,
}

/// The protocol over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsKind {
    /// HTTP/2 and HTTP/1.1 by ALPN, for distributions.
    Https,
    /// RTMP, for streaming distributions.
    Rtmps,
}

impl ResolvesServerCert for CertificateResolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let found = hello.server_name().and_then(|name| match self.kind {
            TlsKind::Https => self.of_any(self.snapshot.positions_for_server_name(name)),
            TlsKind::Rtmps => self.of_any(self.snapshot.streaming_positions_for_server_name(name)),
        });
        found.or(self.first.as_ref()).cloned()
    }
}

impl CertificateResolver {
    fn of_any(&self, positions: impl Iterator<Item = usize>) -> Option<&Arc<CertifiedKey>> {
        let mut certificates =
            positions.filter_map(|position| self.certificates.get(position)?.0.as_ref());
        certificates.next()
    }
}

impl TlsState {
    /// Returns the TLS configurations of all listeners of a kind: TLS 1.2 and 1.3. What `previous` has parsed and
    /// agreed on with viewers stays: certificates of distributions that are the same, and sessions to resume.
    ///
    /// Errors: a chain or key that cannot be read, or that do not belong together; no certificate at all where the
    /// configuration comes from a file.
    pub(crate) fn new(
        kind: TlsKind,
        snapshot: &Arc<Snapshot>,
        previous: Option<(&Snapshot, &TlsState)>,
    ) -> Result<Self, StartError> {
        let certificates = certificates(kind, snapshot, previous)?;
        let first = certificates.iter().find_map(|served| served.0.clone());
        // What is served from a store may come later.
        if first.is_none() && snapshot.node.store.is_none() {
            return Err(StartError::NoCertificate);
        }
        let resolver = CertificateResolver {
            kind,
            snapshot: Arc::clone(snapshot),
            certificates: certificates.clone(),
            first,
        };
        let configs = match previous {
            Some((_, previous)) => previous.configs.clone(),
            None => Configs::new(kind)?,
        };
        Ok(TlsState {
            configs: configs.with_resolver(&Arc::new(resolver)),
            certificates,
        })
    }

    /// Returns the configuration for the viewers of a distribution; `None` is one that nobody knows yet.
    pub(crate) fn config(&self, distribution: Option<&Distribution>) -> Arc<ServerConfig> {
        let allowed = distribution.map(|distribution| {
            let Distribution {
                http_versions,
                minimum_tls,
                ..
            } = distribution;
            (*http_versions, *minimum_tls)
        });
        let configs = &self.configs;
        Arc::clone(match allowed.unwrap_or_default() {
            (HttpVersions::Http2, MinimumTlsVersion::Tls12) => &configs.usual,
            (HttpVersions::Http1, MinimumTlsVersion::Tls12) => &configs.http1,
            (HttpVersions::Http2, MinimumTlsVersion::Tls13) => &configs.tls13,
            (HttpVersions::Http1, MinimumTlsVersion::Tls13) => &configs.tls13_http1,
        })
    }
}

impl Configs {
    /// Makes the configurations of a kind. No handshake succeeds before they have certificates.
    fn new(kind: TlsKind) -> Result<Self, StartError> {
        let usual = new_config(kind, &[&TLS13, &TLS12])?;
        let mut tls13 = new_config(kind, &[&TLS13])?;
        tls13.session_storage = Arc::clone(&usual.session_storage);
        tls13.ticketer = Arc::clone(&usual.ticketer);
        Ok(Configs {
            http1: Arc::new(without_http2(usual.clone())),
            tls13_http1: Arc::new(without_http2(tls13.clone())),
            usual: Arc::new(usual),
            tls13: Arc::new(tls13),
        })
    }

    fn with_resolver(&self, resolver: &Arc<CertificateResolver>) -> Self {
        let with_resolver = |config: &Arc<ServerConfig>| {
            let mut config = (**config).clone();
            config.cert_resolver = Arc::<CertificateResolver>::clone(resolver);
            Arc::new(config)
        };
        Configs {
            usual: with_resolver(&self.usual),
            http1: with_resolver(&self.http1),
            tls13: with_resolver(&self.tls13),
            tls13_http1: with_resolver(&self.tls13_http1),
        }
    }
}

fn without_http2(mut config: ServerConfig) -> ServerConfig {
    config.alpn_protocols.retain(|protocol| protocol != b"h2");
    config
}

fn new_config(
    kind: TlsKind,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<ServerConfig, StartError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|error| StartError::Tls(error.to_string()))?
        .with_no_client_auth()
        // Replaced by the caller; until then no handshake succeeds.
        .with_cert_resolver(Arc::new(ResolvesServerCertUsingSni::new()));
    config.session_storage = ServerSessionMemoryCache::new(SESSIONS_MAX);
    config.ticketer =
        aws_lc_rs::Ticketer::new().map_err(|error| StartError::Tls(error.to_string()))?;
    match kind {
        TlsKind::Https => config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        // librtmp over GnuTLS mistakes a ticket for a failed read, and connections last too long to be resumed.
        TlsKind::Rtmps => config.send_tls13_tickets = 0,
    }
    Ok(config)
}

/// Parses the certificates of all distributions, each once, except those that were parsed before.
fn certificates(
    kind: TlsKind,
    snapshot: &Snapshot,
    previous: Option<(&Snapshot, &TlsState)>,
) -> Result<Slots<ServedCertificate>, StartError> {
    let mut parsed = Parsed {
        certificates: Vec::new(),
        unusable: match snapshot.node.store {
            Some(_) => Unusable::IsLeftOut,
            None => Unusable::IsFault,
        },
    };
    match kind {
        TlsKind::Https => {
            let before = previous.map(|(old, state)| (old.distributions(), &state.certificates));
            snapshot
                .distributions()
                .map_changed(before, |distribution| {
                    parsed.served(distribution.certificate.as_ref())
                })
        }
        TlsKind::Rtmps => {
            let before =
                previous.map(|(old, state)| (old.streaming_distributions(), &state.certificates));
            let streaming = snapshot.streaming_distributions();
            streaming.map_changed(before, |streaming| {
                parsed.served(streaming.certificate.as_ref())
            })
        }
    }
}

/// Certificates parsed so far: many distributions may share one.
struct Parsed {
    certificates: Vec<(Arc<Certificate>, Arc<CertifiedKey>)>,
    unusable: Unusable,
}

/// The consequence of a certificate that cannot be used.
#[derive(Clone, Copy)]
enum Unusable {
    /// The configuration is not taken.
    IsFault,
    /// Its distribution has none. What is served from a store may have been meant for another machine: all else has to
    /// go on.
    IsLeftOut,
}

impl Parsed {
    fn served(
        &mut self,
        certificate: Option<&Arc<Certificate>>,
    ) -> Result<Arc<ServedCertificate>, StartError> {
        let Some(certificate) = certificate else {
            return Ok(Arc::new(ServedCertificate(None)));
        };
        // Those that share one follow each other more often than not, so the latest few suffice.
        const REMEMBERED: usize = 64;
        let mut latest = self.certificates.iter().rev().take(REMEMBERED);
        let known = latest.find(|(known, _)| Arc::ptr_eq(known, certificate));
        let key = match known {
            Some((_, key)) => Arc::clone(key),
            None => {
                let key = match (certified_key(certificate), self.unusable) {
                    (Ok(key), _) => Arc::new(key),
                    (Err(error), Unusable::IsFault) => return Err(error),
                    (Err(error), Unusable::IsLeftOut) => {
                        standard_error::warning(error);
                        return Ok(Arc::new(ServedCertificate(None)));
                    }
                };
                let parsed = (Arc::clone(certificate), Arc::clone(&key));
                self.certificates.push(parsed);
                key
            }
        };
        Ok(Arc::new(ServedCertificate(Some(key))))
    }
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
