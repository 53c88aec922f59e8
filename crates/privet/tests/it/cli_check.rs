//! What `privet check` notes about configurations that are allowed but seldom meant.

use crate::cli::Folder;

/// `members` are the two origins of the group that everything is served from.
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
    let expected = "note: origin disk is a folder, which takes no part in failover: behavior * of distribution E1 has \
                    no second origin; use a bucket or a server";
    check("['disk', 'web']", Some(expected));
    check("['web', 'disk']", Some(expected));
    check("['web', 'far']", None);
}

#[test]
fn films_and_streams_are_shown() {
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
    { path_pattern = '/a/*', origin = 'disk', films = false },
    { path_pattern = '/b/*', origin = 'disk', films = { qualities = ['480p'], subtitles = ['en'] } },
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
        "/a/*                     open to everybody, from disk, no films",
        "/b/*                     open to everybody, from disk, films with 480p, en",
        "*                        open to everybody, from disk",
        "streaming distribution S1: s.example",
        "open, save what behaviors restrict, films of distribution E1",
        "streaming distribution S2 (disabled): t.example, u.example",
        "open, save what behaviors restrict, from disk",
    ] {
        assert!(lines.contains(&expected), "{expected}: {}", said.out);
    }
}
