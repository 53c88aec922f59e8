//! Notes of `privet check` about configurations that are allowed but seldom intended.

use crate::cli::Folder;

/// Checks a configuration that serves everything from a group whose two origins are `members`.
#[track_caller]
fn check(members: &str, expected: Option<&str>) {
    let folder = Folder::new();
    let config = format!(
        "listeners = [{{ address = '127.0.0.1:80' }}]
[[distributions]]
id = 'E1'
domain_name = 'd.example'
origins = [{{ id = 'disk', folder = '.' }}, {{ id = 'web', url = 'http://[::1]' }}, {{ id = 'far', url = 'https://a' }}]
origin_groups = [{{ id = 'both', origins = {members}, failover_statuses = [502] }}]
default_behavior = {{ origin = 'both' }}"
    );
    folder.write("privet.toml", &config);
    let said = folder.run(&["check"]);
    assert_eq!(said.code, 0, "{said:?}");
    let noted = said.err.lines().find(|line| line.contains("failover"));
    assert_eq!(noted, expected);
}

#[test]
fn folders_take_no_part_in_failover() {
    let expected = "note: origin disk is a folder, which does not support failover: behavior * of distribution E1 has no \
                    second origin; use a bucket or a server";
    check("['disk', 'web']", Some(expected));
    check("['web', 'disk']", Some(expected));
    check("['web', 'far']", None);
}

#[test]
fn videos_and_streams_are_shown() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("f")).unwrap();
    folder.write(
        "privet.toml",
        "listeners = [{ address = '127.0.0.1:80' }, { address = '127.0.0.1:1935', protocol = 'rtmp' }]
[[distributions]]
id = 'E1'
domain_name = 'd.example'
origins = [{ id = 'disk', folder = 'f' }]
behaviors = [
    { path_pattern = '/a/*', origin = 'disk', video = false },
    { path_pattern = '/b/*', origin = 'disk', video = { renditions = ['480p'], subtitles = ['en'] } },
]
default_behavior = { origin = 'disk' }
[[streaming_distributions]]
id = 'S1'
domain_name = 's.example'
distribution = 'E1'
[[streaming_distributions]]
id = 'S2'
domain_name = 't.example'
aliases = ['u.example']
enabled = false
origin = { id = 'disk', folder = 'f' }
",
    );
    let said = folder.run(&["check"]);
    assert_eq!(said.code, 0, "{said:?}");
    let lines: Vec<&str> = said.out.lines().map(str::trim).collect();
    for expected in [
        "listener rtmp://127.0.0.1:1935",
        "/a/*                     open to everybody, from disk, no videos",
        "/b/*                     open to everybody, from disk, videos with 480p, en",
        "*                        open to everybody, from disk",
        "streaming distribution S1: s.example",
        "open, except what behaviors restrict, videos of distribution E1",
        "streaming distribution S2 (disabled): t.example, u.example",
        "open, except what behaviors restrict, from disk",
    ] {
        assert!(lines.contains(&expected), "{expected}: {}", said.out);
    }
}

/// Returns a distribution with a folder; `lines` has its behaviors and other settings.
fn of_folder(id: &str, lines: &str) -> String {
    format!(
        "[[distributions]]
id = '{id}'
domain_name = '{id}.example'
origins = [{{ id = 'disk', folder = '.' }}]
{lines}
"
    )
}

const OPEN: &str = "default_behavior = { origin = 'disk' }";
const KEYS: &str = "listeners = [{ address = '127.0.0.1:80' }]
public_keys = [{ id = 'K1', file = 'key.pub.pem' }]
key_groups = [{ id = 'mine', public_keys = ['K1'] }]
";

#[test]
fn a_distribution_that_is_open_to_everybody_is_a_warning() {
    let folder = Folder::new();
    let private = "default_behavior = { origin = 'disk', trusted_key_groups = ['mine'] }";
    let mixed = format!(
        "behaviors = [{{ path_pattern = '/a/*', origin = 'disk', trusted_key_groups = ['mine'] }}]\n{OPEN}"
    );
    let config = [
        KEYS,
        &of_folder("EOPEN", OPEN),
        &of_folder("EOFF", &format!("enabled = false\n{OPEN}")),
        &of_folder("EPRIVATE", private),
        &of_folder("EMIXED", &mixed),
    ]
    .concat();
    folder.write("privet.toml", &config);
    let said = folder.run(&["check"]);
    assert_eq!(said.code, 0, "{said:?}");
    let warnings: Vec<&str> = said
        .err
        .lines()
        .filter(|line| line.starts_with("warning:"))
        .collect();
    assert_eq!(
        warnings,
        [
            "warning: distribution EOPEN is open to everybody: add trusted_key_groups to its default_behavior, or to the \
             behaviors that should be private"
        ]
    );
    assert!(!said.err.contains("no private behavior"), "{said:?}");
    let said = folder.run(&["check", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(json["warnings"].as_array().unwrap().len(), 1, "{json}");
    assert_eq!(said.err, "");
}

#[test]
fn behind_trusted_proxies_nobody_hears_that_links_travel_in_the_clear() {
    let folder = Folder::new();
    let note = "links and files are sent unencrypted";
    let noted = |edge: &str| {
        folder.write(
            "privet.toml",
            &[edge, KEYS, &of_folder("E1", OPEN)].concat(),
        );
        let said = folder.run(&["check"]);
        assert_eq!(said.code, 0, "{said:?}");
        said.err.contains(note)
    };
    assert!(noted(""));
    assert!(!noted("edge = { trusted_proxies = ['127.0.0.1'] }\n"));
}

#[test]
fn the_admin_socket_is_called_what_it_is() {
    let folder = Folder::new();
    let config = [
        "admin = { socket = 'privet.sock' }\n",
        KEYS,
        &of_folder("E1", OPEN),
    ];
    folder.write("privet.toml", &config.concat());
    let said = folder.run(&["check"]);
    assert!(
        said.out
            .lines()
            .any(|line| line.ends_with("privet.sock") && line.starts_with("admin socket ")),
        "{said:?}"
    );
}
