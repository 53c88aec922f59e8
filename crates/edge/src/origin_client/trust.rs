//! Trusted certificate authorities, and the TLS settings for origins.

use super::fault::OriginFaultKind;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// Maximum number of private authorities whose settings are kept; origins beyond that shake hands without resumption.
const PRIVATE_ROOTS_MAX: usize = 256;

/// TLS settings by trusted authorities, kept so that sessions can be resumed.
#[derive(Debug, Default)]
pub(super) struct Trust {
    system: OnceCell<Arc<ClientConfig>>,
    private: Mutex<Vec<PrivateRoots>>,
}

#[derive(Debug)]
struct PrivateRoots {
    pem: Vec<u8>,
    config: Arc<ClientConfig>,
}

impl Trust {
    /// Returns settings that trust the authorities in `roots_pem`, or the system's. TLS 1.2 and 1.3.
    ///
    /// Errors: `Tls` when there is no authority to trust.
    pub(super) async fn client_config(
        &self,
        roots_pem: Option<&[u8]>,
    ) -> Result<Arc<ClientConfig>, OriginFaultKind> {
        match roots_pem {
            Some(pem) => self.private(pem),
            None => self.system().await,
        }
    }

    async fn system(&self) -> Result<Arc<ClientConfig>, OriginFaultKind> {
        let config = self.system.get_or_try_init(|| async {
            // This reads some hundred files.
            let loaded = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs)
                .await
                .map_err(|_| OriginFaultKind::Tls)?;
            client_config(loaded.certs)
        });
        config.await.map(Arc::clone)
    }

    fn private(&self, pem: &[u8]) -> Result<Arc<ClientConfig>, OriginFaultKind> {
        let mut private = self.private.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = private.iter().find(|known| known.pem == pem) {
            return Ok(Arc::clone(&known.config));
        }
        let certificates = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| OriginFaultKind::Tls)?;
        let config = client_config(certificates)?;
        if private.len() < PRIVATE_ROOTS_MAX {
            private.push(PrivateRoots {
                pem: pem.to_vec(),
                config: Arc::clone(&config),
            });
        }
        Ok(config)
    }
}

fn client_config(
    certificates: Vec<CertificateDer<'static>>,
) -> Result<Arc<ClientConfig>, OriginFaultKind> {
    let mut roots = RootCertStore::empty();
    // Systems carry some certificates that are too old to be parsed.
    roots.add_parsable_certificates(certificates);
    if roots.is_empty() {
        return Err(OriginFaultKind::Tls);
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| OriginFaultKind::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
