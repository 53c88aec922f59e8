use super::schema::SCHEMA;
use super::*;
use crate::config::snapshot::Snapshot;

mod bucket_access;
mod descriptions;
mod embedded_buckets;
mod origins;
mod policies;
mod videos;

const DEFAULT_CONFIG: &str = include_str!("../../../../../docs/default-config.toml");
const KEY: &[u8] = include_bytes!("../../../../sign/tests/keys/rsa2048.pub.pem");

/// Returns all errors of reading and building, one per line; files whose name contains `missing` cannot be read.
fn errors(text: &str) -> String {
    let errors = match read_toml(text, Path::new("/etc/privet.toml")) {
        Err(errors) => errors,
        Ok((document, places)) => {
            let mut read_file = |path: &Path| {
                if path.to_string_lossy().contains("missing") {
                    return Err(std::io::Error::from(std::io::ErrorKind::NotFound));
                }
                if path
                    .extension()
                    .is_some_and(|extension| extension == "secret")
                {
                    return Ok(b"wJalrXUtnFEMI\n".to_vec());
                }
                Ok(KEY.to_vec())
            };
            Snapshot::build(document, &places, &mut read_file)
                .err()
                .unwrap_or_default()
        }
    };
    let lines = errors.iter().map(|error| {
        let line = error.to_string();
        line.strip_prefix("/etc/privet.toml:")
            .unwrap_or(&line)
            .trim()
            .to_owned()
            + "\n"
    });
    lines.collect()
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let expected: String = expected
        .lines()
        .map(|line| line.trim().to_owned() + "\n")
        .collect();
    assert_eq!(errors(text), expected, "\n{}", errors(text));
}

#[test]
fn every_syntax_error_is_told() {
    check(
        "[edge\nlocation = \n[limits]\nhead_timeout = 'x\n",
        "1:6: unclosed table, expected `]`
         4:18: invalid literal string, expected `'`",
    );
}

#[test]
fn every_fault_of_a_value_is_told_at_once() {
    check(
        "edge = 5
         lisstners = []
         [[listeners]]
         address = 'localhost:80'
         protocol = 'htps'
         [limits]
         head_timeout = 'soon'
         idle_timeout = '2 h'
         write_timeout = true
         h2_streams_max = 0
         ranges_max = -1
         url_size_bytes_max = '8 KB'
         head_size_bytes_max = '1 GiB'
         connections_max = 0x10
         [log]
         folder = ''
         prefix = '../x'
         include_cookies = 'no'
         rotate_size = 1.5
         [[distributions]]
         id = 'e-1'
         aliases = ['a b', 5, 'a.*.b']
         origins = [5]
         ",
        "1:8: edge: is an integer; write a table
         2:10: lisstners: is not a key of this table; did you mean \"listeners\"?
         4:20: listeners[0].address: \"localhost:80\" is not an address; write it like 127.0.0.1:8443 or [::1]:8443
         5:21: listeners[0].protocol: \"htps\" is not one of https, http, rtmp, rtmps; did you mean \"https\"?
         7:25: limits.head_timeout: \"soon\" is not a duration; write it as \"30s\" (ms, s, m, h, d) or as an integer of seconds
         8:25: limits.idle_timeout: is out of range; write a value from 1s to 1h
         9:26: limits.write_timeout: is a boolean; write it as \"30s\" (ms, s, m, h, d) or as an integer of seconds
         10:27: limits.h2_streams_max: is out of range; write a value from 1 to 10000
         11:23: limits.ranges_max: is out of range; write a value from 1 to 1000
         12:31: limits.url_size_bytes_max: \"8 KB\" is not a size; write bytes as an integer or as \"32 MiB\" (B, KiB, MiB, GiB)
         13:32: limits.head_size_bytes_max: is out of range; write a value from 1 KiB to 1 MiB
         16:19: log.folder: is empty; fill it in
         17:19: log.prefix: must be a path below log.folder, without a leading slash and without ..
         18:28: log.include_cookies: is a string; write true or false
         19:24: log.rotate_size: is a float; write bytes as an integer or as \"32 MiB\" (B, KiB, MiB, GiB)
         20:10: distributions[0].default_behavior: is missing; add [distributions.default_behavior] with an origin
         20:10: distributions[0].domain_name: is missing; add it
         21:15: distributions[0].id: must be 1 to 64 of A-Z and 0-9; it names the log files
         22:21: distributions[0].aliases[0]: \"a b\" is not a host name; write it like www.example.com, without port (aliases also *.example.com)
         22:28: distributions[0].aliases[1]: is an integer; write a string in quotes
         22:31: distributions[0].aliases[2]: \"a.*.b\" is not a host name; write it like www.example.com, without port (aliases also *.example.com)
         23:21: distributions[0].origins[0]: is an integer; write [[distributions.origins]], one table for each",
    );
}

const KEYS: &str = "
[[listeners]]
address = '127.0.0.1:8080'
[[public_keys]]
id = 'KRSA'
file = 'krsa.pem'
[[key_groups]]
id = 'viewers'
public_keys = ['KRSA']
[[key_groups]]
id = 'empty'
public_keys = []
";

/// Checks a default behavior whose lines are `behavior`.
#[track_caller]
fn check_behavior(behavior: &str, expected: &str) {
    let text = format!(
        "{KEYS}[[distributions]]
id = 'E1'
domain_name = 'd1.example'
[[distributions.origins]]
id = 'video'
folder = 'bucket'
[distributions.default_behavior]
{behavior}"
    );
    check(&text, expected);
}

#[test]
fn a_behavior_is_never_open_or_shut_by_accident() {
    check_behavior(
        "origin = 'video'\ntrusted_key_groups = []",
        "21:22: distributions[0].default_behavior.trusted_key_groups: is empty; remove the line to make the behavior open",
    );
    check_behavior(
        "origin = 'video'\ntrusted_signers = []",
        "21:19: distributions[0].default_behavior.trusted_signers: is empty; remove the line to make the behavior open",
    );
    check_behavior(
        "origin = 'video'\ntrusted_key_groups = ['empty']",
        "21:22: distributions[0].default_behavior.trusted_key_groups: contains no public key, so nobody could get in; add a key to one of them",
    );
    check_behavior(
        "origin = 'video'\ntrusted_key_groups = ['viewer', 'viewers']",
        "21:23: distributions[0].default_behavior.trusted_key_groups[0]: no key group is named \"viewer\"; did you mean \"viewers\"?",
    );
    check_behavior(
        "origin = 'video'\ntrusted_key_groups = [5]",
        "21:23: distributions[0].default_behavior.trusted_key_groups[0]: is an integer; write a string in quotes",
    );
}

#[test]
fn references_and_methods_of_a_behavior() {
    check_behavior(
        "origin = 'vidoe'\nallowed_methods = ['GET']\nviewer_protocol_policy = 'https'",
        "20:10: distributions[0].default_behavior.origin: no origin is named \"vidoe\"; did you mean \"video\"?
         21:19: distributions[0].default_behavior.allowed_methods: must be one of CloudFront's three sets: [\"GET\", \"HEAD\"], [\"GET\", \"HEAD\", \"OPTIONS\"], or GET, HEAD, OPTIONS, PUT, POST, PATCH and DELETE together
         22:26: distributions[0].default_behavior.viewer_protocol_policy: \"https\" is not one of allow-all, https-only, redirect-to-https",
    );
    check_behavior(
        "path_pattern = '*'",
        "19:1: distributions[0].default_behavior.origin: is missing; add it
         20:1: distributions[0].default_behavior.path_pattern: is not a key of this table",
    );
    check_behavior("origin = 'video'", "");
    check_behavior(
        "origin = 'video'\ntrusted_key_groups = ['viewers', 'empty']",
        "",
    );
}

#[test]
fn names_are_unique() {
    let distribution = "
[[distributions]]
id = 'E1'
domain_name = 'd1.example'
aliases = ['WWW.example', '*.example']
origins = [{ id = 'o', folder = 'a' }, { id = 'o', folder = 'b', origin_path = 'videos/' }]
default_behavior = { origin = 'o' }
behaviors = [{ path_pattern = '/a', origin = 'o' }, { path_pattern = '/a', origin = 'o' }]
";
    check(
        &format!("listeners = [{{ address = '[::1]:80' }}, {{ address = '[::1]:80' }}]\n{distribution}{distribution}"),
        "1:52: listeners[1].address: [::1]:80 is used twice; remove one
         7:47: distributions[0].origins[1].id: \"o\" is used twice; rename or remove one
         7:80: distributions[0].origins[1].origin_path: must be a path, percent-encoded, that begins with a slash and does not end with one, such as /videos
         9:70: distributions[0].behaviors[1].path_pattern: \"/a\" is used twice; rename or remove one
         12:6: distributions[1].id: \"E1\" is used twice; rename or remove one
         13:15: distributions[1].domain_name: \"d1.example\" is already taken by distributions[0].domain_name; remove one
         14:12: distributions[1].aliases[0]: \"WWW.example\" is already taken by distributions[0].aliases[0]; remove one
         14:27: distributions[1].aliases[1]: \"*.example\" is already taken by distributions[0].aliases[1]; remove one
         15:47: distributions[1].origins[1].id: \"o\" is used twice; rename or remove one
         15:80: distributions[1].origins[1].origin_path: must be a path, percent-encoded, that begins with a slash and does not end with one, such as /videos
         17:70: distributions[1].behaviors[1].path_pattern: \"/a\" is used twice; rename or remove one",
    );
}

#[test]
fn limits_of_cloudfront() {
    let aliases: Vec<String> = (0..101).map(|n| format!("'a{n}.example'")).collect();
    let behaviors: Vec<String> = (0..76)
        .map(|n| format!("{{ path_pattern = '{n}', origin = 'o' }}"))
        .collect();
    let long = "x".repeat(256);
    check(
        &format!(
            "listeners = [{{ address = '0.0.0.0:80' }}]
test = {{ clock = true }}
[[distributions]]
id = 'E1'
domain_name = 'd1.example'
default_root_object = '/index.html'
aliases = [{}]
origins = [{{ id = 'o', folder = 'a' }}]
default_behavior = {{ origin = 'o' }}
behaviors = [{}]
[[distributions]]
id = 'E2'
domain_name = 'd2.example:80'
origins = [{{ id = 'o', folder = 'a' }}]
default_behavior = {{ origin = 'o' }}
behaviors = [{{ path_pattern = '{long}', origin = 'o' }}, {{ path_pattern = 'ä', origin = 'o' }}]",
            aliases.join(","),
            behaviors.join(",")
        ),
        "1:26: listeners[0].address: 0.0.0.0:80 is not a loopback address, and test.clock is only for those; remove test.clock
         6:23: distributions[0].default_root_object: must be 1 to 255 characters of an object's name, percent-encoded and without a slash in front, such as index.html
         7:11: distributions[0].aliases: has 101 entries; remove some, the maximum is 100
         10:13: distributions[0].behaviors: has 76 entries; remove some, the maximum is 75
         13:15: distributions[1].domain_name: \"d2.example:80\" is not a host name; write it like www.example.com, without port (aliases also *.example.com)
         16:31: distributions[1].behaviors[0].path_pattern: is 256 characters long; shorten it to 255
         16:324: distributions[1].behaviors[1].path_pattern: contains 'ä', which no request path does; write it percent-encoded",
    );
}

/// Operators of every role see these texts.
#[test]
fn no_private_key_is_in_a_public_text() {
    let key = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----";
    let public = std::str::from_utf8(KEY).unwrap();
    let errors = errors(&format!(
        "[[public_keys]]
id = 'K1'
pem = \"\"\"{public}{key}\"\"\"
[[certificates]]
id = 'C1'
chain_pem = \"\"\"{key}\"\"\"
key_pem = 'x'"
    ));
    for place in ["public_keys[0].pem", "certificates[0].chain_pem"] {
        let expected = format!("{place}: contains a private key");
        assert!(errors.contains(&expected), "{errors}");
    }
}

/// The edge asks for these paths by itself, without a viewer's signature that covers them, and signs its requests to a
/// bucket.
#[test]
fn paths_of_the_operator_have_one_reading() {
    for odd in [
        "?list-type=2",
        "?",
        "a#b",
        "../other/secret",
        "x/../restricted/a",
        "%2e%2e/secret",
        "a%2fb",
        "a//b",
        "./a",
        "a/",
        "a\\\\b",
        "a\\r\\nb",
        "a b",
        "",
    ] {
        let text = format!(
            "[[distributions]]
id = 'E1'
domain_name = 'd1.example'
default_root_object = \"{odd}\"
origins = [{{ id = 'o', url = 'http://h', origin_path = \"/{odd}\" }}]
default_behavior = {{ origin = 'o' }}
custom_errors = [{{ status = 404, page = \"/{odd}\" }}]"
        );
        let errors = errors(&text);
        let places = [
            "default_root_object",
            "origins[0].origin_path",
            "custom_errors[0].page",
        ];
        for place in places {
            let place = format!("distributions[0].{place}: must be ");
            assert!(errors.contains(&place), "{odd:?}: {errors}");
        }
    }
}

#[test]
fn keys_and_certificates() {
    check(
        "[[listeners]]
address = '127.0.0.1:443'
protocol = 'https'
[[public_keys]]
id = 'K-1'
file = 'a.pem'
pem = ''
[[public_keys]]
id = 'K2'
",
        "5:6: public_keys[0].id: a key pair id has capital letters and digits only, such as K2JCJMDEHXQW5F
         7:7: public_keys[0].pem: cannot be combined with file; remove one of them
         8:1: public_keys[1].file: is missing; add file = \"…\" or pem = \"…\"",
    );
    check(
        "[[listeners]]
address = '127.0.0.1:443'
protocol = 'https'
[[public_keys]]
id = 'K1'
file = 'missing.pem'
[[public_keys]]
id = 'K2'
pem = 'nonsense'
[[distributions]]
id = 'E1'
domain_name = 'd1.example'
origins = [{ id = 'o', folder = 'a' }]
default_behavior = { origin = 'o' }
[[distributions]]
id = 'E2'
domain_name = 'd2.example'
certificate = { chain = 'chain.pem', key = '/missing/key.pem' }
origins = [{ id = 'o', folder = 'a' }]
default_behavior = { origin = 'o' }
",
        "6:8: public_keys[0].file: cannot read /etc/missing.pem: entity not found
         9:7: public_keys[1].pem: this is not a key that can be read: give a PEM file (BEGIN … KEY) or DER
         10:1: distributions[0].certificate: is missing, and there is an https listener; add certificate = { chain = \"…\", key = \"…\" }
         18:44: distributions[1].certificate.key: cannot read /missing/key.pem: entity not found",
    );
}

#[test]
fn a_restricted_object_is_not_open_under_the_name_of_the_root() {
    let config = |behavior: &str, default: &str| {
        format!(
            "[[listeners]]
address = '127.0.0.1:80'
[[public_keys]]
id = 'K1'
pem = \"\"\"
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAzCNIdtFBGcNjQJwsdJKtuwdRyoq
kKKAGMdlY8kNMlBHGyYG8GjX7dOliy6JxUVkkM5ubl+YQliVr7GASLer8w==
-----END PUBLIC KEY-----
\"\"\"
[[key_groups]]
id = 'g'
public_keys = ['K1']
[[distributions]]
id = 'E1'
domain_name = 'd1.example'
default_root_object = 'index.html'
origins = [{{ id = 'o', folder = 'a' }}]
behaviors = [{{ path_pattern = '*.html', origin = 'o' {behavior} }}]
default_behavior = {{ origin = 'o' {default} }}"
        )
    };
    let keys = ", trusted_key_groups = ['g']";
    check(
        &config(keys, ""),
        "17:23: distributions[0].default_root_object: \"/\" is open to everybody and would serve \"index.html\", which is restricted; give \"/\" a behavior with the same keys",
    );
    check(&config(keys, keys), "");
    check(&config("", keys), "");
    check(&config("", ""), "");
}

#[test]
fn an_empty_document_listens_nowhere() {
    check("", "listeners: is empty; add a [[listeners]] table");
}

/// Returns the documented configuration with the unset keys enabled.
fn everything() -> String {
    let lines = DEFAULT_CONFIG
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if !key.starts_with(' ') => key,
            Some(_) | None => line,
        });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_default_configuration_is_valid_as_it_is() {
    check(DEFAULT_CONFIG, "");
    let (mut document, _) = read_toml(DEFAULT_CONFIG, Path::new("p.toml")).unwrap();
    assert_eq!(std::mem::take(&mut document.node.file), Path::new("p.toml"));
    assert_eq!(document, Document::default());
}

#[test]
fn the_default_configuration_is_valid_with_every_key_and_tells_the_defaults() {
    check(&everything(), "");
    let (document, _) = read_toml(&everything(), Path::new("/etc/p.toml")).unwrap();
    assert_eq!(document.node.limits, Limits::default());
    assert_eq!(document.node.edge, EdgeIdentity::default());
    let cache = document.node.cache;
    let disk = cache.disk.unwrap();
    assert_eq!(disk.folder, Path::new("/etc/cache"));
    assert_eq!(
        disk.size_bytes_max,
        crate::config::document::DiskCacheSettings::SIZE_BYTES_MAX_DEFAULT
    );
    let without_disk = CacheSettings {
        disk: None,
        ..cache
    };
    assert_eq!(without_disk, CacheSettings::default());
    let videos = crate::config::document::VideosDocument {
        path_token_secret_file: None,
        ..document.node.videos
    };
    assert_eq!(videos, crate::config::document::VideosDocument::default());
    let behavior = document.service.distributions[0].behaviors[0]
        .videos
        .clone();
    let behavior = crate::config::video_settings::VideoSettings {
        renditions: Vec::new(),
        subtitles: Vec::new(),
        ..behavior.unwrap()
    };
    assert_eq!(
        behavior,
        crate::config::video_settings::VideoSettings::default()
    );
    let app = &document.service.distributions[0].origins[1];
    assert_eq!(
        app.patience,
        crate::config::origin::OriginPatience::default()
    );
    let log = document.node.log.unwrap();
    assert_eq!(log.folder, Path::new("/etc/logs"));
    let bare = read_toml("log = { folder = 'logs' }", Path::new("/etc/p.toml"));
    assert_eq!(bare.unwrap().0.node.log.unwrap(), log);
}

/// Keys that cannot stand beside those that the documented configuration sets, and are comments in it.
const ALTERNATIVES: [(&str, &str); 2] = [("store", "url"), ("store", "copy")];

#[test]
fn the_default_configuration_has_every_key() {
    let text = everything();
    let root = DeTable::parse(&text).unwrap();
    for schema in SCHEMA {
        let mut tables = vec![root.get_ref()];
        for name in schema.name.split('.').filter(|name| !name.is_empty()) {
            tables = tables
                .into_iter()
                .flat_map(|table| below(table, name))
                .collect();
        }
        for key in schema.keys {
            if ALTERNATIVES.contains(&(schema.name, key)) {
                let line = format!("\n# {key} = ");
                assert!(DEFAULT_CONFIG.contains(&line), "{}.{key}", schema.name);
                continue;
            }
            let is_there = tables.iter().any(|table| table.contains_key(*key));
            assert!(is_there, "{}.{key}", schema.name);
        }
    }
}

/// Returns the tables under `name`, whether that is a table or an array of tables.
fn below<'t>(table: &'t DeTable<'t>, name: &str) -> Vec<&'t DeTable<'t>> {
    let Some(value) = table.get(name) else {
        return Vec::new();
    };
    match value.get_ref().as_array() {
        Some(array) => array
            .iter()
            .filter_map(|v| v.get_ref().as_table())
            .collect(),
        None => value.get_ref().as_table().into_iter().collect(),
    }
}

#[test]
fn what_cloudfronts_api_says_of_the_service_is_plain() {
    check(
        "[[listeners]]
address = '127.0.0.1:80'
protocol = 'http'
[control]
address = '127.0.0.1:9443'
account = '12345678901'
domain_suffix = 'cloudfront.net'
base_url = 'https://example.com/'
",
        "6:11: control.account: is not a number of 12 digits
         7:17: control.domain_suffix: is not the end of a host name, such as .example.com
         8:12: control.base_url: is not a URL without a slash at its end, such as https://cloudfront.amazonaws.com",
    );
    let text = "[[listeners]]
address = '127.0.0.1:80'
protocol = 'http'
[control]
address = '127.0.0.1:9443'
account = '123456789012'
domain_suffix = '.cdn.example'
base_url = 'https://api.example/cf'
";
    let (document, _) = read_toml(text, Path::new("privet.toml")).unwrap();
    let control = document.node.control.unwrap();
    assert_eq!(control.account.as_deref(), Some("123456789012"));
    assert_eq!(control.domain_suffix.as_deref(), Some(".cdn.example"));
    assert_eq!(control.base_url.as_deref(), Some("https://api.example/cf"));
}
