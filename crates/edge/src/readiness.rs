//! Checks what could keep an edge from starting: folders and certificates of a document, before anything is started.
//!
//! The faults are those that a start would fail with; the notes are about usable certificates that viewers will not
//! accept.

use crate::countries::Countries;
use crate::origin::FolderOrigin;
use crate::own_files::OwnPaths;
use crate::start_error::StartError;
use crate::tls::{PairFault, certified_pair, chain_certificates};
use privet_distribution::config::{
    BucketLocationDocument, Certificate, CertificateDocument, CertificateFiles, CertificateSource,
    Document, ItemFacts, ListenerProtocol, OriginDocument, OwnFiles, Secret, ServiceDocument,
    ServiceKind, Snapshot, StreamingSourceDocument,
};
use privet_sign::Timestamp;
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, RootCertStore};
use rustls_pki_types::{ServerName, UnixTime};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A fault that keeps an edge from starting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartFault {
    /// Path of the value in the document, such as `distributions[0].certificate.key`.
    pub path: String,
    /// Description of the fault, and advice.
    pub message: String,
}

/// Returns every folder that cannot be opened and every certificate that cannot be used where a listener would serve
/// it, in the order of the document.
///
/// `read_file` reads certificates and keys; those that it cannot read are left to `Snapshot::build`, which reports
/// them.
pub fn start_faults(
    document: &Document,
    read_file: &mut dyn FnMut(&Path) -> io::Result<Vec<u8>>,
) -> Vec<StartFault> {
    let listens = |protocol| {
        let mut listeners = document.node.listeners.iter();
        listeners.any(|listener| listener.protocol == protocol)
    };
    let (https, rtmps) = (
        listens(ListenerProtocol::Https),
        listens(ListenerProtocol::Rtmps),
    );
    let mut faults = certificate_faults(&document.service, read_file);
    faults.extend(bucket_faults(&document.service));
    for (position, distribution) in document.service.distributions.iter().enumerate() {
        let path = format!("distributions[{position}]");
        if let Some(certificate) = distribution.certificate.as_ref().filter(|_| https) {
            faults.extend(certificate_fault(certificate, &path, read_file));
        }
        for (position, origin) in distribution.origins.iter().enumerate() {
            faults.extend(folder_fault(origin, &format!("{path}.origins[{position}]")));
        }
    }
    for (position, streaming) in document.service.streaming_distributions.iter().enumerate() {
        let path = format!("streaming_distributions[{position}]");
        if let Some(certificate) = streaming.certificate.as_ref().filter(|_| rtmps) {
            faults.extend(certificate_fault(certificate, &path, read_file));
        }
        if let StreamingSourceDocument::Origin(origin) = &streaming.source {
            faults.extend(folder_fault(origin, &format!("{path}.origin")));
        }
    }
    faults
}

/// Returns every folder that is to be served and has files of the edge itself in it, in the order of the document.
pub fn own_file_faults(service: &ServiceDocument, own: &OwnFiles) -> Vec<StartFault> {
    let own = OwnPaths::new(own.clone());
    let fault = |root: Option<&Path>, path: String| {
        let root = root?;
        let file = own.touching(root)?;
        let is_around = own.within(root).is_some();
        let (folder, file) = (root.display(), file.display());
        Some(StartFault {
            path: format!("{path}.folder"),
            message: match is_around {
                true => format!(
                    "{folder} has {file} in it, which nobody may be served; use a folder of its own for the objects"
                ),
                false => format!(
                    "{folder} is in the folder of buckets {file}, which decide themselves who may read; name the bucket"
                ),
            },
        })
    };
    let mut faults = Vec::new();
    for (position, distribution) in service.distributions.iter().enumerate() {
        for (origin, document) in distribution.origins.iter().enumerate() {
            let path = format!("distributions[{position}].origins[{origin}]");
            faults.extend(fault(document.source.folder_root(), path));
        }
    }
    for (position, streaming) in service.streaming_distributions.iter().enumerate() {
        if let StreamingSourceDocument::Origin(origin) = &streaming.source {
            let path = format!("streaming_distributions[{position}].origin");
            faults.extend(fault(origin.source.folder_root(), path));
        }
    }
    for (position, bucket) in service.buckets.iter().enumerate() {
        if let BucketLocationDocument::Folder(root) = &bucket.location {
            faults.extend(fault(Some(root), format!("buckets.bucket[{position}]")));
        }
    }
    faults
}

/// Returns every certificate with an id of its own that cannot be used, in the order of the document.
///
/// `read_file` reads certificates and keys; those that it cannot read are left to `Snapshot::build`, which reports
/// them.
pub fn certificate_faults(
    service: &ServiceDocument,
    read_file: &mut dyn FnMut(&Path) -> io::Result<Vec<u8>>,
) -> Vec<StartFault> {
    let mut faults = Vec::new();
    for (position, certificate) in service.certificates.iter().enumerate() {
        let path = format!("certificates[{position}]");
        match &certificate.source {
            CertificateSource::Files(files) => faults.extend(files_fault(files, &path, read_file)),
            CertificateSource::Pem { chain, key } => faults.extend(pem_fault(chain, key, &path)),
        }
    }
    faults
}

/// Returns every certificate that cannot be used, those with an id of their own and those of distributions, whether a
/// listener would serve them or not.
///
/// `read_file` is as for [`certificate_faults`].
pub fn all_certificate_faults(
    service: &ServiceDocument,
    read_file: &mut dyn FnMut(&Path) -> io::Result<Vec<u8>>,
) -> Vec<StartFault> {
    let mut faults = certificate_faults(service, read_file);
    let distributions = service.distributions.iter().enumerate();
    let distributions = distributions.map(|(position, distribution)| {
        let path = format!("distributions[{position}]");
        (path, distribution.certificate.as_ref())
    });
    let streaming = service.streaming_distributions.iter().enumerate();
    let streaming = streaming.map(|(position, streaming)| {
        let path = format!("streaming_distributions[{position}]");
        (path, streaming.certificate.as_ref())
    });
    for (path, certificate) in distributions.chain(streaming) {
        faults.extend(
            certificate.and_then(|certificate| certificate_fault(certificate, &path, read_file)),
        );
    }
    faults
}

/// Returns the fault of the database of countries, if there is one.
pub fn database_fault(snapshot: &Snapshot) -> Option<StartFault> {
    let reason = match Countries::open(snapshot.node.geo_database.as_ref()?) {
        Err(StartError::GeoDatabase { file, reason }) => {
            format!("{} cannot be used: {reason}", file.display())
        }
        Err(other) => other.to_string(),
        Ok(_) => return None,
    };
    Some(StartFault {
        path: "geo.database".to_owned(),
        message: reason,
    })
}

/// Returns the faults of the folders of buckets that origins name.
fn bucket_faults(service: &ServiceDocument) -> Vec<StartFault> {
    let named = ItemFacts::references_of(service);
    let buckets = service.buckets.iter().enumerate();
    let used = buckets.filter(|(_, bucket)| {
        let name = (ServiceKind::Bucket, bucket.name.clone());
        named.contains(&name)
    });
    let faults = used.filter_map(|(position, bucket)| match &bucket.location {
        BucketLocationDocument::Folder(root) => {
            root_fault(root, &format!("buckets.bucket[{position}]"))
        }
        // A folder of its own is made with the bucket.
        BucketLocationDocument::Embedded(_) | BucketLocationDocument::Endpoint { .. } => None,
    });
    faults.collect()
}

fn folder_fault(origin: &OriginDocument, path: &str) -> Option<StartFault> {
    root_fault(origin.source.folder_root()?, path)
}

fn root_fault(root: &Path, path: &str) -> Option<StartFault> {
    let error = FolderOrigin::open(root, 1, 1, Arc::default()).err()?;
    let shown = root.display();
    let is_missing = error.kind() == io::ErrorKind::NotFound;
    let message = if is_missing && names_a_variable(root) {
        // Such paths are written by people who expect a shell between themselves and the file.
        format!("there is no folder {shown}: ~ and $ are not expanded here; write the full path")
    } else if is_missing {
        format!("there is no folder {shown}; create it, or correct the path")
    } else if error.kind() == io::ErrorKind::NotADirectory {
        format!("{shown} is not a folder; correct the path")
    } else {
        format!("the folder {shown} cannot be opened: {error}")
    };
    Some(StartFault {
        path: format!("{path}.folder"),
        message,
    })
}

fn names_a_variable(path: &Path) -> bool {
    let mut components = path.components();
    components.any(|component| {
        let text = component.as_os_str().as_encoded_bytes();
        text.starts_with(b"~") || text.starts_with(b"$")
    })
}

fn certificate_fault(
    certificate: &CertificateDocument,
    path: &str,
    read_file: &mut dyn FnMut(&Path) -> io::Result<Vec<u8>>,
) -> Option<StartFault> {
    let certificate = match certificate {
        CertificateDocument::Files(files) => files,
        // The certificate that is named is looked at by itself.
        CertificateDocument::Named(_) => return None,
    };
    let path = format!("{path}.certificate");
    files_fault(certificate, &path, read_file)
}

fn files_fault(
    certificate: &CertificateFiles,
    path: &str,
    read_file: &mut dyn FnMut(&Path) -> io::Result<Vec<u8>>,
) -> Option<StartFault> {
    let chain_pem = read_file(&certificate.chain).ok()?;
    let key_pem = read_file(&certificate.key).ok()?;
    let fault = certified_pair(&chain_pem, &key_pem).err()?;
    let (chain, key) = (certificate.chain.display(), certificate.key.display());
    let (name, message) = match fault {
        PairFault::Chain(reason) => ("chain", format!("{chain} cannot be used: {reason}")),
        PairFault::Key(reason) => ("key", format!("{key} cannot be used: {reason}")),
        PairFault::Swapped => (
            "chain",
            format!("{chain} holds a private key, and {key} a certificate: swap the two"),
        ),
        PairFault::LeafNotFirst(position) => (
            "chain",
            format!(
                "{key} belongs to certificate {position} of {chain}: put that one first, and its issuers after it"
            ),
        ),
        PairFault::Mismatch => (
            "key",
            format!(
                "{key} is not the key of the first certificate in {chain}; name the two that belong together"
            ),
        ),
    };
    Some(StartFault {
        path: format!("{path}.{name}"),
        message,
    })
}

fn pem_fault(chain: &str, key: &Secret, path: &str) -> Option<StartFault> {
    let fault = certified_pair(chain.as_bytes(), key.reveal().as_bytes()).err()?;
    let (name, message) = match fault {
        PairFault::Chain(reason) => ("chain_pem", format!("cannot be used: {reason}")),
        PairFault::Key(reason) => ("key_pem", format!("cannot be used: {reason}")),
        PairFault::Swapped => (
            "chain_pem",
            "is a private key, and key_pem a certificate: swap the two".to_owned(),
        ),
        PairFault::LeafNotFirst(position) => (
            "chain_pem",
            format!(
                "has the certificate of key_pem in position {position}: put that one first, and its issuers after it"
            ),
        ),
        PairFault::Mismatch => (
            "key_pem",
            "is not the key of the first certificate in chain_pem; give the two that belong together"
                .to_owned(),
        ),
    };
    Some(StartFault {
        path: format!("{path}.{name}"),
        message,
    })
}

/// Returns what viewers will not accept at `now` about a certificate that serves `names`: its validity period, and
/// names that it lacks.
pub fn certificate_notes<'n>(
    certificate: &Certificate,
    names: impl Iterator<Item = &'n String>,
    now: Timestamp,
) -> Vec<String> {
    let chain = chain_certificates(&certificate.chain_pem).unwrap_or_default();
    let Some(Ok(leaf)) = chain.first().map(ParsedCertificate::try_from) else {
        return Vec::new();
    };
    let mut notes: Vec<String> = validity_note(&leaf, now).into_iter().collect();
    let missing: Vec<&str> = names
        .map(String::as_str)
        .filter(|name| !covers(&leaf, name))
        .collect();
    if !missing.is_empty() {
        notes.push(format!(
            "is not valid for {}: browsers will warn there",
            missing.join(", ")
        ));
    }
    notes
}

fn covers(leaf: &ParsedCertificate<'_>, name: &str) -> bool {
    // A wildcard covers a name if it covers any one label in its position.
    let example = name.replacen("*.", "privet-example.", 1);
    ServerName::try_from(example).is_ok_and(|name| verify_server_name(leaf, &name).is_ok())
}

/// Checks the validity period. It is verified before anything else of a chain, so that no trust anchor is needed here.
fn validity_note(leaf: &ParsedCertificate<'_>, now: Timestamp) -> Option<String> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let verified = verify_server_cert_signed_by_trust_anchor(
        leaf,
        &RootCertStore::empty(),
        &[],
        UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs())),
        provider.signature_verification_algorithms.all,
    );
    let day = |time: UnixTime| Timestamp::from_secs(time.as_secs()).to_utc();
    match verified {
        Err(rustls::Error::InvalidCertificate(CertificateError::ExpiredContext {
            not_after,
            ..
        })) => Some(format!(
            "expired at {}: browsers reject it; renew it",
            day(not_after)
        )),
        Err(rustls::Error::InvalidCertificate(CertificateError::NotValidYetContext {
            not_before,
            ..
        })) => Some(format!(
            "is not valid before {}: browsers reject it until then",
            day(not_before)
        )),
        Ok(()) | Err(_) => None,
    }
}
