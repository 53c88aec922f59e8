//! The summary that `privet check` prints of an origin, without any secrets.

use privet_distribution::config::{Distribution, Origin};

/// Returns one line about an origin.
pub(super) fn origin_summary(origin: &Origin) -> String {
    let source = origin.source.summary();
    let path = match origin.origin_path.as_str() {
        "" => String::new(),
        path => format!(", below {path}"),
    };
    format!("origin {}: {source}{path}", origin.id)
}

/// Returns a note about a bucket whose reading of paths matters and is only assumed; `None` for all others.
///
/// Amazon's buckets take keys literally, and have nothing in front of them. Another endpoint may have a proxy that
/// merges slashes or resolves dots, or be a gateway that stores files and does so itself, and then
/// `/public/../private/a` is not a key of its own; with the bucket in the path, `/../other/a` is even another bucket's.
pub(super) fn about_paths(distribution: &Distribution, origin: &Origin) -> Option<String> {
    let behaviors = &distribution.behaviors;
    let is_restricted = behaviors
        .iter()
        .any(|behavior| behavior.trusted_keys.is_some());
    let host = origin.assumed_literal()?;
    let matters = is_restricted || origin.has_neighbours();
    matters.then(|| {
        format!(
            "origin {} of distribution {}: {host} is assumed to read keys literally; write paths = \"canonical\" if \
             it resolves dots or merges slashes (as MinIO and other gateways that store files do), or something in \
             front of it may, and paths = \"literal\" if not",
            origin.id, distribution.id
        )
    })
}

#[cfg(test)]
mod tests {
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
        let origin = &snapshot.origins().get(0).unwrap();
        assert_eq!(origin_summary(origin), expected);
        assert_eq!(origin.source.comes_in_the_clear(), expected_in_the_clear);
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
            "origin o: http://a:80 or https://a:443, like the viewer",
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
        let warning = about_paths(
            snapshot.distributions().get(0).unwrap(),
            snapshot.origins().get(0).unwrap(),
        );
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
