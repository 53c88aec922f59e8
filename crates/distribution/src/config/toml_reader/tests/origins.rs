//! Tests of origins, origin groups, custom errors, countries and the tables of the edge itself.

use super::*;
use crate::config::origin::{
    CredentialSource, HttpServer, OriginProtocolPolicy, OriginSource, S3Addressing, S3Origin,
    SigningBehavior,
};

const HEAD: &str = "
[[listeners]]
address = '127.0.0.1:8080'
[[distributions]]
id = 'E1'
domain_name = 'd1.example'
";

pub(super) fn config(origins: &str, rest: &str) -> String {
    format!("{HEAD}origins = [{origins}]\ndefault_behavior = {{ origin = 'o' }}\n{rest}")
}

#[track_caller]
pub(super) fn check_origins(origins: &str, rest: &str, expected: &str) {
    check(&config(origins, rest), expected);
}

pub(super) fn snapshot(text: &str) -> Snapshot {
    let (document, places) = read_toml(text, Path::new("/etc/privet.toml")).unwrap();
    Snapshot::build(document, &places, &mut |_: &Path| {
        Ok(b" a secret of a file\n"[3..9].to_vec())
    })
    .unwrap()
}

#[test]
fn an_origin_has_one_source() {
    check_origins(
        "{ id = 'o' }",
        "",
        "7:12: distributions[0].origins[0].folder: has no source; add folder = \"…\", url = \"…\", s3 = { bucket = \"…\" }, bucket = { name = \"…\" } or bucket_host = \"…\"",
    );
    check_origins(
        "{ id = 'o', folder = 'a', url = 'http://a' }",
        "",
        "7:44: distributions[0].origins[0].url: cannot be combined with folder; remove one of them",
    );
    check_origins(
        "{ id = 'o', folder = 'a', http_port = 80, connect_timeout = 1 }",
        "",
        "7:50: distributions[0].origins[0].http_port: is only for url; remove it
         7:72: distributions[0].origins[0].connect_timeout: is only for url, s3, bucket and bucket_host; remove it",
    );
}

#[test]
fn addresses_of_servers() {
    check_origins(
        "{ id = 'o', url = 'https://user:hidden@a' }",
        "",
        "7:30: distributions[0].origins[0].url: is not an address of a server; write it like https://app.example.com:8443, with origin_path for a path",
    );
    check_origins(
        "{ id = 'o', url = 'http://a:81', http_port = 444 }, { id = 'p', url = 'https://a', https_port = 444 }",
        "",
        "7:57: distributions[0].origins[0].http_port: is the port of url, without protocol = \"match-viewer\"; write it there
         7:108: distributions[0].origins[1].https_port: is the port of url, without protocol = \"match-viewer\"; write it there",
    );
    for other in [
        "url = 'http://a:81', https_port = 444",
        "url = 'https://a:444', http_port = 81",
    ] {
        let text = config(&format!("{{ id = 'o', {other} }}"), "");
        let origin = snapshot(&text).distributions().get(0).unwrap().behaviors[0]
            .origin
            .primary
            .clone();
        let OriginSource::Http(http) = &origin.source else {
            panic!("{origin:?}");
        };
        assert_eq!((http.http_port, http.https_port), (81, 444));
    }
    let snapshot = snapshot(&config(
        "{ id = 'o', url = 'http://a:81', protocol = 'match-viewer', https_port = 444 }",
        "",
    ));
    let origin = &snapshot.distributions().get(0).unwrap().behaviors[0]
        .origin
        .primary;
    let OriginSource::Http(http) = &origin.source else {
        panic!("{origin:?}");
    };
    assert_eq!((http.http_port, http.https_port), (81, 444));
    assert_eq!(http.protocol, OriginProtocolPolicy::MatchViewer);
}

#[test]
fn patience_has_limits() {
    check_origins(
        "{ id = 'o', url = 'http://a', connect_timeout = '11s', connection_attempts = 4, response_timeout = '121s', keep_alive_timeout = '500ms', connections_max = 0 }",
        "",
        "7:60: distributions[0].origins[0].connect_timeout: is out of range; write a value from 1s to 10s
         7:89: distributions[0].origins[0].connection_attempts: is out of range; write a value from 1 to 3
         7:111: distributions[0].origins[0].response_timeout: is out of range; write a value from 1s to 2m
         7:140: distributions[0].origins[0].keep_alive_timeout: is out of range; write a value from 1s to 2m
         7:167: distributions[0].origins[0].connections_max: is out of range; write a value from 1 to 65536",
    );
}

#[test]
fn headers_for_a_bucket_are_text() {
    check_origins(
        "{ id = 'o', s3 = { bucket = 'b' }, headers = { X-Name = 'é', X-Plain = 'e' } }, { id = 'p', url = 'http://a', headers = { X-Name = 'é' } }",
        "",
        "7:57: distributions[0].origins[0].headers.x-name: has characters other than ASCII, which a bucket's signature cannot cover",
    );
}

#[test]
fn custom_headers() {
    check_origins(
        "{ id = 'o', url = 'http://a', headers = { Host = 'b', X-Amz-Acl = 'c', 'a b' = 'd', X-Line = \"e\\nf\", Range = 5 } }",
        "",
        "7:52: distributions[0].origins[0].headers.host: cannot be added to origin requests; remove it
         7:52: distributions[0].origins[0].headers.x-amz-acl: cannot be added to origin requests; remove it
         7:91: distributions[0].origins[0].headers.a b: \"a b\" is not a header name
         7:105: distributions[0].origins[0].headers.X-Line: has characters that a header cannot have
         7:121: distributions[0].origins[0].headers.Range: is an integer; write a string in quotes",
    );
}

#[test]
fn buckets_and_their_keys() {
    check_origins(
        "{ id = 'o', s3 = { bucket = 'a/b', region = 'x y', secret_access_key = 'hidden' } }",
        "",
        "7:29: distributions[0].origins[0].s3.access_key_id: is required with the secret access key; add it
         7:40: distributions[0].origins[0].s3.bucket: \"a/b\" is not the name of a bucket
         7:56: distributions[0].origins[0].s3.region: is not the name of a region, such as us-east-1",
    );
    check_origins(
        "{ id = 'o', s3 = { bucket = 'b', access_key_id = 'A' } }",
        "",
        "7:29: distributions[0].origins[0].s3.secret_access_key: is required with access_key_id; add it or secret_access_key_file",
    );
    check_origins(
        "{ id = 'o', s3 = { bucket = 'b', access_key_id = 'A', secret_access_key_file = 'missing' } }",
        "",
        "7:91: distributions[0].origins[0].s3.secret_access_key_file: cannot read /etc/missing: entity not found",
    );
    check_origins(
        "{ id = 'o', s3 = { bucket = 'a:b', addressing = 'virtual-host', session_token = 't' } }",
        "",
        "7:60: distributions[0].origins[0].s3.addressing: \"a:b\" cannot be part of a host name; write \"path\"
         7:92: distributions[0].origins[0].s3.session_token: is only for access_key_id; remove it",
    );
}

#[test]
fn a_bucket_at_amazon_and_one_elsewhere() {
    let found = |s3: &str| {
        let snapshot = snapshot(&config(&format!("{{ id = 'o', s3 = {{ {s3} }} }}"), ""));
        let origin = &snapshot.distributions().get(0).unwrap().behaviors[0]
            .origin
            .primary;
        match &origin.source {
            OriginSource::S3(bucket) => bucket.clone(),
            other @ (OriginSource::Folder { .. }
            | OriginSource::Embedded(_)
            | OriginSource::Http(_)) => panic!("{other:?}"),
        }
    };
    let amazon = S3Origin {
        endpoint: HttpServer {
            is_tls: true,
            host: "s3.us-east-1.amazonaws.com".to_owned(),
            port: 443,
        },
        bucket: "videos".to_owned(),
        region: "us-east-1".to_owned(),
        addressing: S3Addressing::VirtualHost,
        signing: SigningBehavior::Always,
        credentials: CredentialSource::Chain { profile: None },
    };
    assert_eq!(found("bucket = 'videos'"), amazon);
    assert_eq!(
        found("bucket = 'videos.example'").addressing,
        S3Addressing::Path
    );
    let elsewhere = found(
        "bucket = 'videos', endpoint = 'http://127.0.0.1:7480', access_key_id = 'A', secret_access_key_file = 'k'",
    );
    assert_eq!(elsewhere.addressing, S3Addressing::Path);
    assert_eq!(elsewhere.endpoint.port, 7480);
    let CredentialSource::Static {
        secret_access_key, ..
    } = &elsewhere.credentials
    else {
        panic!("{elsewhere:?}");
    };
    assert_eq!(secret_access_key, "secret");
    assert!(!format!("{elsewhere:?}").contains("secret"));
}

#[test]
fn secrets_are_not_shown() {
    let text = config(
        "{ id = 'o', s3 = { bucket = 'b', access_key_id = 'A', secret_access_key = 'hidden', session_token = 'hidden' }, headers = { X-Word = 'hidden' } }",
        "",
    );
    let (document, _) = read_toml(&text, Path::new("p.toml")).unwrap();
    assert!(!format!("{document:?}").contains("hidden"));
    assert!(!format!("{:?}", snapshot(&text)).contains("hidden"));
}

#[test]
fn origin_groups() {
    let two = "{ id = 'o', folder = 'a' }, { id = 'p', folder = 'b' }";
    check_origins(
        two,
        "origin_groups = [{ id = 'o', origins = ['o'], failover_statuses = [] }, { id = 'g', origins = ['o', 'q'], failover_statuses = [401, 99, 'x'] }, { id = 'h', origins = ['o', 'o'], failover_statuses = [500] }]",
        "9:25: distributions[0].origin_groups[0].id: \"o\" is an origin's id too; rename one
         9:40: distributions[0].origin_groups[0].origins: must name two origins: the primary and the secondary one
         9:67: distributions[0].origin_groups[0].failover_statuses: names no status; add some, such as [500, 502, 503, 504]
         9:101: distributions[0].origin_groups[1].origins[1]: no origin is named \"q\"; did you mean \"o\"?
         9:127: distributions[0].origin_groups[1].failover_statuses: 401 is not one of 400, 403, 404, 416, 500, 502, 503, 504
         9:133: distributions[0].origin_groups[1].failover_statuses[1]: is out of range; write a value from 100 to 599
         9:137: distributions[0].origin_groups[1].failover_statuses[2]: is a string; write an integer
         9:167: distributions[0].origin_groups[2].origins: names one origin twice; name two",
    );
    let text = format!(
        "{HEAD}origins = [{two}]\ndefault_behavior = {{ origin = 'g' }}\norigin_groups = [{{ id = 'g', origins = ['p', 'o'], failover_statuses = [403, 404] }}]"
    );
    let snapshot = snapshot(&text);
    let choice = &snapshot.distributions().get(0).unwrap().behaviors[0].origin;
    assert_eq!(choice.primary.id, "p");
    let failover = choice.failover.as_ref().unwrap();
    assert_eq!(failover.secondary.id, "o");
    assert_eq!(failover.statuses, [403, 404]);
}

#[test]
fn custom_errors_and_countries() {
    let folder = "{ id = 'o', folder = 'a' }";
    check_origins(
        folder,
        "custom_errors = [{ status = 401 }, { status = 403, page = 'login', page_status = 201 }, { status = 403, page_status = 200 }, {}]\ngeo = { allow = ['br', 'BR'], block = [] }",
        "9:29: distributions[0].custom_errors[0].status: 401 is not one of 400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504
         9:59: distributions[0].custom_errors[1].page: must be the path of an object, percent-encoded and with a slash in front, such as /errors/404.html
         9:82: distributions[0].custom_errors[1].page_status: 201 is not one of 200, 400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504
         9:100: distributions[0].custom_errors[2].status: 403 is used twice; remove one
         9:119: distributions[0].custom_errors[2].page_status: is only for page; remove it
         9:126: distributions[0].custom_errors[3].status: is missing; add it
         10:7: distributions[0].geo: needs a database of countries; add geo.database = \"country.mmdb\"
         10:18: distributions[0].geo.allow[0]: \"br\" is not a country; write two capital letters (ISO 3166-1 alpha-2), such as BR
         10:39: distributions[0].geo.block: cannot be combined with allow; remove one of them",
    );
    check_origins(
        folder,
        "geo = { block = ['BR'] }\n[geo]\ndatabase = 'missing.mmdb'",
        "11:12: geo.database: cannot read /etc/missing.mmdb: entity not found",
    );
    let snapshot = snapshot(&config(
        folder,
        "geo = { block = ['BR'] }\ncustom_errors = [{ status = 404, page = '/404.html' }]\n[geo]\ndatabase = 'country.mmdb'",
    ));
    assert!(snapshot.node.geo_database.is_some());
    let distribution = &snapshot.distributions().get(0).unwrap();
    let missing = distribution
        .custom_error(http::StatusCode::NOT_FOUND)
        .unwrap();
    assert_eq!(missing.page.as_ref().unwrap().status, 404);
    assert_eq!(missing.min_ttl, Duration::from_secs(10));
    let found = crate::request::check_geo(distribution, Some("BR"));
    assert_eq!(found, Err(crate::request::Denial::CountryBlocked));
    assert_eq!(crate::request::check_geo(distribution, Some("PT")), Ok(()));
    assert_eq!(crate::request::check_geo(distribution, None), Ok(()));
}

#[test]
fn the_edges_own_tables() {
    let long = "s".repeat(110);
    check(
        &format!(
            "edge = {{ trusted_proxies = ['10.0.0.0/33', 'x'] }}
cache = {{ memory = '1 MiB', disk = '1 GiB', block_size = '100 KiB' }}
admin = {{ socket = '{long}' }}
[[listeners]]
address = '127.0.0.1:80'
proxy_protocol = true
"
        ),
        "1:29: edge.trusted_proxies[0]: \"10.0.0.0/33\" is not a range; write it like 10.0.0.0/8 or 2001:db8::/32
         1:44: edge.trusted_proxies[1]: \"x\" is not a range; write it like 10.0.0.0/8 or 2001:db8::/32
         2:20: cache.memory: is out of range; write a value from 16 MiB to 1048576 GiB
         2:36: cache.disk: is a size without a folder; add folder = \"…\"
         2:58: cache.block_size: is not a power of two; write a value such as \"1 MiB\"
         3:20: admin.socket: is 115 bytes long, with the folder of this file in front; shorten it to 107
         6:18: listeners[0].proxy_protocol: is true, but no proxy is trusted; add edge.trusted_proxies",
    );
}
