//! The warnings and notes of `privet check`: about settings that are allowed but rarely intended.

use super::folders::about_written_folders;
use super::origins::about_paths;
use super::origins_of;
use crate::key::cloudfront_takes;
use crate::whole_file::{BYTES_MAX, read_whole};
use privet_distribution::config::{
    CacheBehavior, Certificate, Distribution, ListenerProtocol, Snapshot, ViewerProtocolPolicy,
};
use privet_edge::{certificate_notes, descriptors_note, unwritten_logs_note};
use privet_sign::{KeyPairId, Timestamp};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

/// Returns all notes.
pub(super) fn of(snapshot: &Snapshot, now: Timestamp) -> Vec<String> {
    let mut notes = about_openness(snapshot);
    for distribution in snapshot.distributions() {
        about_distribution(distribution, &mut notes);
    }
    about_streams_without_tls(snapshot, &mut notes);
    notes.extend(unwritten_logs_note(snapshot));
    notes.extend(descriptors_note(snapshot));
    notes.extend(about_written_folders(snapshot));
    about_key_files(snapshot, &mut notes);
    about_certificates(snapshot, now, &mut notes);
    about_keys(snapshot, &mut notes);
    notes
}

/// Returns the warnings, which `serve` prints as well: private files that are not private are worse than anything that
/// is noted.
pub(super) fn warnings(snapshot: &Snapshot) -> Vec<String> {
    let is_open = |distribution: &Distribution| {
        let mut behaviors = distribution.behaviors.iter();
        distribution.enabled && behaviors.all(|behavior| behavior.trusted_keys.is_none())
    };
    let open = snapshot.distributions().iter().filter(|one| is_open(one));
    let open = open.map(|distribution| {
        let id = &distribution.id;
        format!(
            "distribution {id} is open to everybody: add trusted_key_groups to its default_behavior, or to the behaviors \
             that should be private"
        )
    });
    open.chain(refused_origins(snapshot)).collect()
}

/// Warns of origins that an embedded bucket refuses: every request to them gets 403.
fn refused_origins(snapshot: &Snapshot) -> impl Iterator<Item = String> {
    let distributions = snapshot.distributions().iter();
    let enabled = distributions.filter(|distribution| distribution.enabled);
    enabled.flat_map(|distribution| {
        let origins = origins_of(distribution).into_iter();
        let refused = origins.filter_map(|origin| {
            let advice = origin.source.embedded()?.advice()?;
            let (id, of) = (&origin.id, &distribution.id);
            Some(format!("origin {id} of distribution {of}: {advice}"))
        });
        refused.collect::<Vec<String>>()
    })
}

/// Notes unencrypted connections, missing logs and the test clock.
fn about_openness(snapshot: &Snapshot) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |text: &str| notes.push(text.to_owned());
    let has_https = snapshot
        .node
        .listeners
        .iter()
        .any(|listener| listener.protocol == ListenerProtocol::Https);
    // If proxies are trusted, one of them terminates TLS.
    if !has_https && snapshot.node.trusted_proxies.is_empty() {
        note("no https listener: links and files are sent unencrypted");
    }
    if snapshot.node.log.is_none() {
        note("no [log] table: requests are not logged");
    }
    let buckets = snapshot.node.buckets.as_ref();
    let has_endpoint = buckets.is_some_and(|buckets| buckets.address.is_some());
    if has_endpoint && snapshot.node.store.is_none() {
        note(
            "[buckets] address: without [store] there are no operators, and nobody has an access key for it",
        );
    }
    if snapshot.node.test_clock {
        note(
            "[test] clock: anyone who can reach a listener and knows the secret that serve prints can set the time",
        );
    }
    let origins = snapshot.origins().iter();
    let in_the_clear = origins.filter(|origin| origin.source.comes_in_the_clear());
    notes.extend(in_the_clear.map(|origin| {
        let id = &origin.id;
        format!("origin {id} uses plain HTTP: its responses are sent unencrypted")
    }));
    notes
}

fn about_distribution(distribution: &Distribution, notes: &mut Vec<String>) {
    about_folders_in_groups(distribution, notes);
    let origins = origins_of(distribution).into_iter();
    notes.extend(origins.filter_map(|origin| about_paths(distribution, origin)));
}

fn about_key_files(snapshot: &Snapshot, notes: &mut Vec<String>) {
    const MARK: &[u8] = b"PRIVATE KEY";
    for file in snapshot.files.iter() {
        let is_key = read_whole(file, BYTES_MAX)
            .is_ok_and(|bytes| bytes.windows(MARK.len()).any(|window| window == MARK));
        let mode = std::fs::metadata(file).map_or(0, |metadata| metadata.permissions().mode());
        if is_key && mode & 0o077 != 0 {
            notes.push(format!(
                "{} holds a private key that others can read; chmod 600 it",
                file.display()
            ));
        }
    }
}

/// Notes streaming distributions whose videos require HTTPS, so that they play over rtmps alone, and that no rtmps
/// listener serves.
fn about_streams_without_tls(snapshot: &Snapshot, notes: &mut Vec<String>) {
    let mut listeners = snapshot.node.listeners.iter();
    if listeners.any(|listener| listener.protocol == ListenerProtocol::Rtmps) {
        return;
    }
    let is_for_tls = |behavior: &&CacheBehavior| {
        behavior.viewer_protocol_policy != ViewerProtocolPolicy::AllowAll
    };
    for streaming in snapshot.streaming_distributions() {
        let mut behaviors = streaming.videos.behaviors.iter();
        let wants_tls = behaviors.find(is_for_tls).filter(|_| streaming.enabled);
        if let Some(behavior) = wants_tls {
            notes.push(format!(
                "streaming distribution {}: videos of behavior {} require HTTPS, and play over rtmps only; add a listener \
                 with protocol = \"rtmps\"",
                streaming.id,
                behavior.path_pattern.as_str()
            ));
        }
    }
}

/// Notes folders in origin groups: a folder is read directly, so it neither fails over nor serves as a second origin.
fn about_folders_in_groups(distribution: &Distribution, notes: &mut Vec<String>) {
    for behavior in &distribution.behaviors {
        let Some(failover) = &behavior.origin.failover else {
            continue;
        };
        let members = [&*behavior.origin.primary, &*failover.secondary];
        for folder in members
            .into_iter()
            .filter(|origin| !origin.source.is_remote())
        {
            notes.push(format!(
                "origin {} is a folder, which does not support failover: behavior {} of distribution {} has no second \
                 origin; use a bucket or a server",
                folder.id,
                behavior.path_pattern.as_str(),
                distribution.id
            ));
        }
    }
}

/// Notes certificates that are not valid now, or not for a name of their distribution.
fn about_certificates(snapshot: &Snapshot, now: Timestamp, notes: &mut Vec<String>) {
    for distribution in snapshot.distributions() {
        let names = std::iter::once(&distribution.domain_name).chain(&distribution.aliases);
        let certificate = distribution.certificate.as_deref();
        notes.extend(about_certificate(&distribution.id, certificate, names, now));
    }
    for streaming in snapshot.streaming_distributions() {
        let names = std::iter::once(&streaming.domain_name).chain(&streaming.aliases);
        let certificate = streaming.certificate.as_deref();
        notes.extend(about_certificate(&streaming.id, certificate, names, now));
    }
}

fn about_certificate<'n>(
    id: &str,
    certificate: Option<&Certificate>,
    names: impl Iterator<Item = &'n String>,
    now: Timestamp,
) -> Vec<String> {
    let Some(certificate) = certificate else {
        return Vec::new();
    };
    // Nobody but Amazon has a certificate for such a name, and viewers use the other names.
    let names = names.filter(|name| !name.ends_with(".cloudfront.net"));
    let found = certificate_notes(certificate, names, now);
    let told = found
        .iter()
        .map(|note| format!("the certificate of distribution {id} {note}"));
    told.collect()
}

/// Notes keys that Privet accepts and CloudFront does not.
fn about_keys(snapshot: &Snapshot, notes: &mut Vec<String>) {
    let distributions = snapshot.distributions().iter();
    let of_behaviors = distributions
        .flat_map(|distribution| &distribution.behaviors)
        .filter_map(|behavior| behavior.trusted_keys.as_ref());
    let streaming = snapshot.streaming_distributions().iter();
    let of_streams = streaming.filter_map(|streaming| streaming.trusted_keys.as_ref());
    let mut told: BTreeSet<&KeyPairId> = BTreeSet::new();
    for (id, key) in of_behaviors.chain(of_streams).flat_map(|keys| keys.iter()) {
        if !cloudfront_takes(key.kind()) && told.insert(id) {
            notes.push(format!(
                "public key {} is {}: CloudFront accepts RSA 2048 and ECDSA P-256 keys only, and privet sign needs \
                 --allow-legacy to sign with it",
                id.as_str(),
                key.kind()
            ));
        }
    }
}
