//! What `privet check` notes about certificates and keys that are served and that others will not take.

use crate::key::cloudfront_takes;
use crate::report::note_line;
use privet_distribution::{Certificate, Snapshot};
use privet_edge::certificate_notes;
use privet_sign::{KeyPairId, Timestamp};
use std::collections::BTreeSet;

/// Certificates whose time is not now, and names that they are not for.
pub(super) fn about_certificates(snapshot: &Snapshot, now: Timestamp) {
    for distribution in snapshot.distributions() {
        let names = std::iter::once(&distribution.domain_name).chain(&distribution.aliases);
        about_certificate(
            &distribution.id,
            distribution.certificate.as_ref(),
            names,
            now,
        );
    }
    for streaming in snapshot.streaming_distributions() {
        let names = std::iter::once(&streaming.domain_name).chain(&streaming.aliases);
        about_certificate(&streaming.id, streaming.certificate.as_ref(), names, now);
    }
}

fn about_certificate<'n>(
    id: &str,
    certificate: Option<&Certificate>,
    names: impl Iterator<Item = &'n String>,
    now: Timestamp,
) {
    let Some(certificate) = certificate else {
        return;
    };
    // Nobody but Amazon has a certificate for such a name, and viewers come by the others.
    let names = names.filter(|name| !name.ends_with(".cloudfront.net"));
    for note in certificate_notes(certificate, names, now) {
        note_line(format_args!("the certificate of distribution {id} {note}"));
    }
}

/// Keys that Privet takes and CloudFront does not.
pub(super) fn about_keys(snapshot: &Snapshot) {
    let distributions = snapshot.distributions().iter();
    let of_behaviors = distributions
        .flat_map(|distribution| &distribution.behaviors)
        .filter_map(|behavior| behavior.trusted_keys.as_ref());
    let streaming = snapshot.streaming_distributions().iter();
    let of_streams = streaming.filter_map(|streaming| streaming.trusted_keys.as_ref());
    let mut told: BTreeSet<&KeyPairId> = BTreeSet::new();
    for (id, key) in of_behaviors.chain(of_streams).flat_map(|keys| keys.iter()) {
        if !cloudfront_takes(key.kind()) && told.insert(id) {
            note_line(format_args!(
                "public key {} is {}: CloudFront takes RSA 2048 and ECDSA P-256 keys only, and privet sign wants \
                 --allow-legacy to sign with it",
                id.as_str(),
                key.kind()
            ));
        }
    }
}
