//! Connections to PostgreSQL: TLS by the URL's `sslmode`, and limits of time on both ends.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::time::timeout;
use tokio_postgres::config::Config;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{connect_failure, failure};
use crate::StoreError;
use crate::location::{PostgresUrl, Verification};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Limit for name look-up, connection, TLS and log-in together.
const READY_TIMEOUT: Duration = Duration::from_secs(10);
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(20);
const KEEPALIVE_IDLE: Duration = Duration::from_secs(15);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_RETRIES: u32 = 3;

/// A statement that takes longer has failed; a transaction that its program has forgotten gives the lock back.
const LIMITS: &str =
    "SET statement_timeout = '30s'; SET idle_in_transaction_session_timeout = '20s'";

/// Makes connections to one database.
#[derive(Clone)]
pub(crate) struct Connector {
    config: Config,
    tls: MakeRustlsConnect,
}

/// Connection that has to be driven for its client to get answers.
pub(crate) type Driven = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

impl Connector {
    pub(crate) fn new(url: &PostgresUrl) -> Result<Self, StoreError> {
        let mut config = url.config().clone();
        config
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_user_timeout(TCP_USER_TIMEOUT)
            .keepalives_idle(KEEPALIVE_IDLE)
            .keepalives_interval(KEEPALIVE_INTERVAL)
            .keepalives_retries(KEEPALIVE_RETRIES)
            .application_name("privet");
        Ok(Self {
            config,
            tls: MakeRustlsConnect::new(tls_config(url)?),
        })
    }

    pub(crate) async fn connect(&self) -> Result<(Client, Driven), StoreError> {
        let connecting = self.config.connect(self.tls.clone());
        match timeout(READY_TIMEOUT, connecting).await {
            Ok(connected) => connected.map_err(|error| connect_failure(&error)),
            Err(_) => Err(StoreError::Unreachable {
                cause: "the server does not answer".to_owned(),
            }),
        }
    }
}

/// Sets the limits of time of a new connection.
pub(super) async fn set_up(client: &Client) -> Result<(), StoreError> {
    let set_up = client.batch_execute(LIMITS).await;
    set_up.map_err(|error| failure(&error))
}

fn tls_config(url: &PostgresUrl) -> Result<ClientConfig, StoreError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone());
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(|error| malformed(&error.to_string()))?;
    let config = match url.verification() {
        Verification::ChainAndName => builder
            .with_root_certificates(roots(url.root_certificates())?)
            .with_no_client_auth(),
        Verification::Chain => {
            let roots = Some(roots(url.root_certificates())?);
            let verifier = Arc::new(WithoutName { roots, provider });
            let builder = builder.dangerous();
            builder
                .with_custom_certificate_verifier(verifier)
                .with_no_client_auth()
        }
        Verification::Nothing => {
            let verifier = WithoutName {
                roots: None,
                provider,
            };
            let builder = builder.dangerous();
            builder
                .with_custom_certificate_verifier(Arc::new(verifier))
                .with_no_client_auth()
        }
    };
    Ok(config)
}

/// Reads the trust anchors of a file, or the system's.
fn roots(file: Option<&Path>) -> Result<RootCertStore, StoreError> {
    let mut roots = RootCertStore::empty();
    let Some(path) = file else {
        let native = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(native.certs);
        return Ok(roots);
    };
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<CertificateDer<'_>>, _>>);
    let certificates = certificates.map_err(|error| StoreError::File {
        path: path.display().to_string(),
        cause: error.to_string(),
    })?;
    for certificate in certificates {
        let added = roots.add(certificate);
        added.map_err(|error| malformed(&format!("`sslrootcert`: {error}")))?;
    }
    Ok(roots)
}

/// Verifies what libpq verifies short of `verify-full`: the chain, or nothing; never the name.
#[derive(Debug)]
struct WithoutName {
    roots: Option<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for WithoutName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(roots) = &self.roots {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(
                &certificate,
                roots,
                intermediates,
                now,
                algorithms,
            )?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

fn malformed(problem: &str) -> StoreError {
    StoreError::MalformedUrl {
        problem: problem.to_owned(),
    }
}
