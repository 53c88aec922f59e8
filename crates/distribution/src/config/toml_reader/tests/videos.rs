//! Tests of video settings and streaming distributions.

use super::*;
use crate::config::document::{StreamingSourceDocument, VideosDocument};
use crate::config::video_settings::VideoSettings;
use std::collections::BTreeSet;

const LISTENER: &str = "listeners = [{ address = '127.0.0.1:80' }]\n";
const RTMP: &str = "listeners = [{ address = '127.0.0.1:80' }, { address = '127.0.0.1:1935', protocol = 'rtmp' }]\n";
const FOLDER: &str = "origin = { id = 'o', folder = 'f' }";

/// Returns a distribution on one line, with `videos` appended to its default behavior.
fn with_behavior(videos: &str) -> String {
    format!(
        "{LISTENER}distributions = [{{ id = 'E', domain_name = 'd', origins = [{{ id = 'o', folder = 'f' }}], \
         default_behavior = {{ origin = 'o'{videos} }} }}]"
    )
}

fn videos_of(behavior: &str) -> Option<VideoSettings> {
    let (document, _) = read_toml(&with_behavior(behavior), Path::new("p.toml")).unwrap();
    document.service.distributions[0]
        .default_behavior
        .videos
        .clone()
}

#[test]
fn faults_of_a_behaviors_videos() {
    let place = "distributions[0].default_behavior.video";
    let check_videos = |videos: &str, expected: &str| {
        let text = with_behavior(videos);
        let found = errors(&text);
        // The text is a single line, and its columns do not matter here.
        let found: Vec<&str> = found
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(_, line)| line)
            .collect();
        assert_eq!(found, [format!("{place}{expected}")]);
    };
    check_videos(
        ", video = 'yes'",
        ": is a string; write true, false or a table",
    );
    check_videos(
        ", video = { segments = 6 }",
        ".segments: is not a key of this table",
    );
    for out in ["'1s'", "11", "'1999ms'"] {
        check_videos(
            &format!(", video = {{ segment_duration = {out} }}"),
            ".segment_duration: is out of range; write a value from 2s to 10s",
        );
    }
    check_videos(
        ", video = { renditions = ['a.b'] }",
        ".renditions[0]: \"a.b\" is not a label; write 1 to 32 of a-z, A-Z, 0-9, - and _",
    );
    check_videos(
        ", video = { subtitles = ['en', 'en'] }",
        ".subtitles[1]: \"en\" is used twice; remove one",
    );
    let many: Vec<String> = (1..=17).map(|number| format!("'q{number}'")).collect();
    let many = many.join(", ");
    check_videos(
        &format!(", video = {{ renditions = [{many}] }}"),
        ".renditions: has 17 entries; remove some, the maximum is 16",
    );
}

#[test]
fn videos_are_on_unless_they_are_off() {
    assert_eq!(videos_of(", video = false"), None);
    for on in ["", ", video = true", ", video = {}"] {
        assert_eq!(videos_of(on), Some(VideoSettings::default()), "{on}");
    }
    let set = videos_of(
        ", video = { segment_duration = '4s', object_grant = false, renditions = ['480p'], subtitles = ['en'], rewrite_playlists = false }",
    );
    let expected = VideoSettings {
        segment_target: Duration::from_secs(4),
        object_grant: false,
        renditions: vec!["480p".to_owned()],
        subtitles: vec!["en".to_owned()],
        rewrite_playlists: false,
    };
    assert_eq!(set, Some(expected));
}

#[test]
fn a_secret_has_32_bytes() {
    let text = format!("{LISTENER}video = {{ path_token_secret_file = 'short.secret' }}");
    check(
        &text,
        "2:36: video.path_token_secret_file: /etc/short.secret has fewer than 32 bytes; fill it with random ones, as openssl rand -hex 32 does",
    );
    let text = text.replace("short.secret", "missing");
    check(
        &text,
        "2:36: video.path_token_secret_file: cannot read /etc/missing: entity not found",
    );
    let text = text.replace("missing", "long");
    check(&text, "");
    let (document, places) = read_toml(&text, Path::new("/etc/privet.toml")).unwrap();
    let snapshot = Snapshot::build(document, &places, &mut |_| Ok(KEY.to_vec())).unwrap();
    assert!(snapshot.node.videos.path_token_secret.is_some());
    assert_eq!(*snapshot.files, BTreeSet::from(["/etc/long".into()]));
    check(
        &format!("{LISTENER}video = {{ index_memory = '1 MiB' }}"),
        "2:26: video.index_memory: is out of range; write a value from 16 MiB to 1048576 GiB",
    );
    assert_eq!(
        read_toml(LISTENER, Path::new("p")).unwrap().0.node.videos,
        VideosDocument::default()
    );
}

#[test]
fn listeners_and_streaming_distributions_need_each_other() {
    check(
        RTMP,
        "1:85: listeners[1].protocol: is for streaming distributions, and there is none; add a [[streaming_distributions]] table",
    );
    let streaming = format!("[[streaming_distributions]]\nid = 'S'\ndomain_name = 's'\n{FOLDER}\n");
    check(
        &format!("{LISTENER}{streaming}"),
        "2:1: streaming_distributions[0].enabled: is enabled, and nobody can reach it; add a listener with protocol = \"rtmp\" or \"rtmps\"",
    );
    check(&format!("{LISTENER}{streaming}enabled = false"), "");
    check(&format!("{RTMP}{streaming}"), "");
    let rtmps = RTMP.replace("'rtmp'", "'rtmps'");
    check(
        &format!("{rtmps}{streaming}"),
        "2:1: streaming_distributions[0].certificate: is missing, and there is an rtmps listener; add certificate = { chain = \"…\", key = \"…\" }",
    );
}

#[test]
fn faults_of_streaming_distributions() {
    check(
        &format!(
            "{RTMP}
            [[distributions]]
            id = 'E'
            domain_name = 'd'
            origins = [{{ id = 'o', folder = 'f' }}]
            default_behavior = {{ origin = 'o' }}
            [[streaming_distributions]]
            id = 'E'
            domain_name = 'd'
            [[streaming_distributions]]
            id = 's'
            domain_name = 'd'
            distribution = 'F'
            trusted_key_groups = []
            [[streaming_distributions]]
            id = 'S'
            domain_name = 'a b'
            distribution = 'E'
            trusted_signers = ['nobody']
            {FOLDER}
            [[streaming_distributions]]
            id = 'S'
            domain_name = 'e'
            origin = {{ id = 'o', folder = 'f', url = 'http://h', origin_path = 'x' }}
            cookies = 'all'"
        ),
        "8:13: streaming_distributions[0].distribution: is missing; add distribution = \"…\", or an origin table
         9:18: streaming_distributions[0].id: \"E\" is used twice; rename or remove one
         12:18: streaming_distributions[1].id: must be 1 to 64 of A-Z and 0-9; it names the log files
         13:27: streaming_distributions[1].domain_name: \"d\" is already taken by streaming_distributions[0].domain_name; remove one
         14:28: streaming_distributions[1].distribution: no distribution is named \"F\"; did you mean \"E\"?
         15:34: streaming_distributions[1].trusted_key_groups: is empty; remove the line to make the behavior open
         18:27: streaming_distributions[2].domain_name: \"a b\" is not a host name; write it like www.example.com, without port (aliases also *.example.com)
         19:28: streaming_distributions[2].distribution: cannot be combined with origin; remove one of them
         20:32: streaming_distributions[2].trusted_signers[0]: no trusted signer is named \"nobody\"
         23:18: streaming_distributions[3].id: \"S\" is used twice; rename or remove one
         25:54: streaming_distributions[3].origin.url: cannot be combined with folder; remove one of them
         25:80: streaming_distributions[3].origin.origin_path: must be a path, percent-encoded, that begins with a slash and does not end with one, such as /videos
         26:13: streaming_distributions[3].cookies: is not a key of this table",
    );
}

#[test]
fn a_streaming_distribution_has_its_own_host_table() {
    let text = format!(
        "{RTMP}
        [[distributions]]
        id = 'E'
        domain_name = 'd.example'
        origins = [{{ id = 'o', folder = 'f' }}]
        default_behavior = {{ origin = 'o' }}
        [[streaming_distributions]]
        id = 'S1'
        domain_name = 'd.example'
        distribution = 'E'
        [[streaming_distributions]]
        id = 'S2'
        domain_name = 's.example'
        aliases = ['*.s.example']
        {FOLDER}"
    );
    let (document, places) = read_toml(&text, Path::new("p.toml")).unwrap();
    let source = &document.service.streaming_distributions[0].source;
    assert_eq!(
        *source,
        StreamingSourceDocument::Distribution("E".to_owned())
    );
    let snapshot = Snapshot::build(document, &places, &mut |_| Ok(KEY.to_vec())).unwrap();
    let videos_of = |host| {
        let streaming = snapshot.streaming_distribution_for(host)?;
        Some((streaming.id.as_str(), streaming.videos.id.as_str()))
    };
    assert_eq!(videos_of("d.example:1935"), Some(("S1", "E")));
    assert_eq!(videos_of("a.s.example"), Some(("S2", "S2")));
    assert_eq!(videos_of("t.example"), None);
    assert!(snapshot.distribution_for("s.example").is_none());
    let origins: Vec<usize> = snapshot
        .origins()
        .iter()
        .map(|origin| origin.index)
        .collect();
    assert_eq!(origins, [0, 1]);
}

#[test]
fn keys_of_earlier_versions_lead_to_their_present_names() {
    let text = "films = {}\n\
        [limits]\nanswers_size_bytes_max = 1\n\
        [video]\nsession_secret_file = 's'\n\
        [[distributions]]\nid = 'E1'\ndomain_name = 'a.test'\n\
        origins = [{ id = 'o', folder = 'f' }]\n\
        [distributions.default_behavior]\norigin = 'o'\nfilms = true\n\
        [distributions.default_behavior.video]\nqualities = ['480p']\n";
    let errors = read_toml(text, Path::new("privet.toml")).unwrap_err();
    let messages: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
    let is_called = |name: &str| format!("is not a key of this table; it is called {name:?} now");
    for name in [
        "video",
        "responses_size_bytes_max",
        "path_token_secret_file",
        "renditions",
    ] {
        assert!(
            messages.contains(&&*is_called(name)),
            "{name}: {messages:?}"
        );
    }
    assert_eq!(
        messages
            .iter()
            .filter(|message| message.ends_with("now"))
            .count(),
        5
    );
}
