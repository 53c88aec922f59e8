//! What `privet check` says of an origin. Secrets are never among it.

use privet_distribution::config::{
    CredentialSource, Distribution, HttpOrigin, Origin, OriginProtocolPolicy, OriginSource,
    PathReading, S3Addressing, S3Origin, SigningBehavior,
};

/// One line.
pub(super) fn origin_summary(origin: &Origin) -> String {
    let source = match &origin.source {
        OriginSource::Folder { root } => format!("folder {}", root.display()),
        OriginSource::S3(bucket) => bucket_summary(bucket),
        OriginSource::Http(http) => http_summary(http),
    };
    let path = match origin.origin_path.as_str() {
        "" => String::new(),
        path => format!(", below {path}"),
    };
    format!("origin {}: {source}{path}", origin.id)
}

/// Whether answers come over plain HTTP from another machine.
pub(super) fn in_the_clear(origin: &Origin) -> bool {
    let (is_tls, host) = match &origin.source {
        OriginSource::Folder { .. } => return false,
        OriginSource::S3(bucket) => (bucket.endpoint.is_tls, &bucket.endpoint.host),
        OriginSource::Http(http) => {
            let is_tls = http.protocol == OriginProtocolPolicy::HttpsOnly;
            (is_tls, &http.host)
        }
    };
    let address = host.parse::<std::net::IpAddr>();
    let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    !is_tls && !is_here
}

/// Where more hangs on how an origin reads paths than is known of it; `None` where nothing does.
///
/// A bucket of Amazon's takes keys as they are, and has nothing in front of it. Another endpoint may have a proxy that
/// merges slashes or resolves dots, or be a gateway that keeps files and does so itself, and then `/public/../private/a` is
/// no key of its own; in the path of an endpoint, `/../other/a` is even another bucket's.
pub(super) fn about_paths(distribution: &Distribution, origin: &Origin) -> Option<String> {
    let behaviors = &distribution.behaviors;
    let is_restricted = behaviors
        .iter()
        .any(|behavior| behavior.trusted_keys.is_some());
    let bucket = match &origin.source {
        OriginSource::S3(bucket) => bucket,
        OriginSource::Folder { .. } | OriginSource::Http(_) => return None,
    };
    let host = &bucket.endpoint.host;
    let has_neighbours = !origin.origin_path.is_empty() || bucket.addressing == S3Addressing::Path;
    let matters = is_restricted || has_neighbours;
    let is_amazon = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
    let is_assumed = origin.paths == PathReading::Literal && !origin.are_paths_stated;
    (matters && is_assumed && !is_amazon).then(|| {
        format!(
            "origin {} of distribution {}: {host} is taken to read keys literally; write paths = \"canonical\" if \
             it resolves dots or merges slashes (as MinIO and other gateways that keep files do), or something in \
             front of it may, and paths = \"literal\" if not",
            origin.id, distribution.id
        )
    })
}

fn bucket_summary(bucket: &S3Origin) -> String {
    let endpoint = &bucket.endpoint;
    let scheme = if endpoint.is_tls { "https" } else { "http" };
    let host = bracketed(&endpoint.host);
    let url = match bucket.addressing {
        S3Addressing::Path => format!("{scheme}://{host}:{}/{}", endpoint.port, bucket.bucket),
        S3Addressing::VirtualHost => {
            format!("{scheme}://{}.{host}:{}", bucket.bucket, endpoint.port)
        }
    };
    let signing = match (bucket.signing, &bucket.credentials) {
        (SigningBehavior::Never, _) => "not signed".to_owned(),
        (
            SigningBehavior::Always | SigningBehavior::NoOverride,
            CredentialSource::Static { access_key_id, .. },
        ) => format!("signed by {access_key_id}"),
        (
            SigningBehavior::Always | SigningBehavior::NoOverride,
            CredentialSource::Chain {
                profile: Some(profile),
            },
        ) => format!("signed by profile {profile}"),
        (
            SigningBehavior::Always | SigningBehavior::NoOverride,
            CredentialSource::Chain { profile: None },
        ) => "signed by the keys found at run time".to_owned(),
    };
    format!("bucket {url} ({}, {signing})", bucket.region)
}

fn http_summary(http: &HttpOrigin) -> String {
    let host = bracketed(&http.host);
    match http.protocol {
        OriginProtocolPolicy::HttpOnly => format!("http://{host}:{}", http.http_port),
        OriginProtocolPolicy::HttpsOnly => format!("https://{host}:{}", http.https_port),
        OriginProtocolPolicy::MatchViewer => format!(
            "http://{host}:{} or https://{host}:{}, as the viewer",
            http.http_port, http.https_port
        ),
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use privet_distribution::config::{Snapshot, read_toml};
    use std::path::Path;

    /// `source` are the keys of an origin besides its id.
    #[track_caller]
    fn check(source: &str, expected: &str, expected_in_the_clear: bool) {
        let text = format!(
            "listeners = [{{ address = '127.0.0.1:80' }}]
[[distributions]]
id = 'E1'
domain_name = 'd.example'
origins = [{{ id = 'o', {source} }}]
default_behavior = {{ origin = 'o' }}"
        );
        let (document, places) = read_toml(&text, Path::new("/etc/p.toml")).unwrap();
        let snapshot = Snapshot::build(document, &places, &mut |_: &Path| Ok(Vec::new())).unwrap();
        let origin = &snapshot.origins()[0];
        assert_eq!(origin_summary(origin), expected);
        assert_eq!(in_the_clear(origin), expected_in_the_clear);
    }

    #[test]
    fn origins_are_told_without_secrets() {
        check(
            "folder = 'a', origin_path = '/b'",
            "origin o: folder /etc/a, below /b",
            false,
        );
        check("url = 'http://a:81'", "origin o: http://a:81", true);
        check("url = 'http://[::1]'", "origin o: http://[::1]:80", false);
        check(
            "url = 'https://a', protocol = 'match-viewer'",
            "origin o: http://a:80 or https://a:443, as the viewer",
            true,
        );
        check(
            "s3 = { bucket = 'videos', region = 'eu-west-1' }",
            "origin o: bucket https://videos.s3.eu-west-1.amazonaws.com:443 (eu-west-1, signed by the keys found at run time)",
            false,
        );
        check(
            "s3 = { bucket = 'videos', endpoint = 'http://127.0.0.1:7480', access_key_id = 'AKID', secret_access_key = 'hidden' }, origin_path = '/x'",
            "origin o: bucket http://127.0.0.1:7480/videos (us-east-1, signed by AKID), below /x",
            false,
        );
    }

    /// Whether a warning is told of an origin in a distribution with these behaviors.
    #[track_caller]
    fn check_paths(source: &str, expected: bool) {
        let text = format!(
            "listeners = [{{ address = '127.0.0.1:80' }}]
public_keys = [{{ id = 'K1', file = 'k' }}]
key_groups = [{{ id = 'g', public_keys = ['K1'] }}]
[[distributions]]
id = 'E1'
domain_name = 'd.example'
origins = [{{ id = 'o', {source} }}]
behaviors = [{{ path_pattern = '/public/*', origin = 'o' }}]
default_behavior = {{ origin = 'o', trusted_key_groups = ['g'] }}"
        );
        let (document, places) = read_toml(&text, Path::new("/etc/p.toml")).unwrap();
        let key = include_bytes!("../../../sign/tests/keys/rsa2048.pub.pem");
        let snapshot =
            Snapshot::build(document, &places, &mut |_: &Path| Ok(key.to_vec())).unwrap();
        let warning = about_paths(&snapshot.distributions()[0], &snapshot.origins()[0]);
        assert_eq!(warning.is_some(), expected, "{source}: {warning:?}");
    }

    #[test]
    fn what_may_stand_before_a_bucket_is_warned_of() {
        let elsewhere = "s3 = { bucket = 'videos', endpoint = 'https://s3.example' }";
        check_paths(elsewhere, true);
        check_paths(&format!("{elsewhere}, paths = 'literal'"), false);
        check_paths(&format!("{elsewhere}, paths = 'canonical'"), false);
        check_paths("s3 = { bucket = 'videos' }", false);
        check_paths("url = 'http://a'", false);
        check_paths("folder = 'a'", false);
    }
}
