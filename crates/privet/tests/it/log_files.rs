//! The access log as its reader finds it: files, fields, and nothing that gives access.

use crate::support::*;
use serde_json::Value;
use std::path::Path;

/// The header line with the fields of the developer guide, "Standard log file fields".
const FIELDS: &str = "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end";

/// Starts the fixture with more lines in its `[log]` table.
fn with_log(lines: &str) -> TestEdge {
    TestEdge::configured(&format!("{}{lines}\n", fixture()))
}

fn logs(folder: &Path) -> Vec<std::path::PathBuf> {
    files_beneath(&folder.join("logs"))
}

#[test]
fn no_traffic_no_file() {
    let (folder, live) = TestEdge::new().stop();
    assert_eq!(logs(folder.path()).len(), 0);
    assert_eq!(live.text(), "");
}

#[test]
fn names_and_header_lines() {
    let edge = with_log("prefix = \"videos\"");
    edge.get(&format!("{U}/public/a"));
    edge.set_clock(NOW + 3600);
    edge.get(&format!("{U}/public/a"));
    let (folder, _) = edge.stop();
    let files = files_beneath(&folder.path().join("logs/videos"));
    assert_eq!(files.len(), 2);
    for (file, hour) in files.iter().zip(["09", "10"]) {
        let name = file.file_name().unwrap().to_str().unwrap();
        let unique = name.strip_prefix(&format!("EDFDVBD6EXAMPLE.2025-12-29-{hour}."));
        let unique = unique.and_then(|rest| rest.strip_suffix(".gz")).unwrap();
        assert_eq!(unique.len(), 8, "{name}");
        assert!(
            unique.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "{name}"
        );
        let text = gunzip(file);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..2], ["#Version: 1.0", FIELDS]);
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[2].split('\t').count(), 33);
        assert!(lines[2].starts_with(&format!("2025-12-29\t{hour}:20:00\t")));
    }
}

#[test]
fn a_file_of_an_earlier_run_gets_its_name() {
    let mut edge = TestEdge::new();
    let earlier = edge.folder().join("earlier");
    std::fs::create_dir(&earlier).unwrap();
    std::fs::write(earlier.join("E1.2025-12-29-09.aaaaaaaa.gz.part"), b"").unwrap();
    edge.get(&format!("{U}/public/a"));
    edge.live.wait_for(1);
    edge.reload(&fixture().replace("\"logs\"", "\"earlier\""))
        .unwrap();
    edge.get(&format!("{U}/public/b"));
    let (folder, _) = edge.stop();
    let files = files_beneath(&folder.path().join("earlier"));
    assert!(
        files
            .iter()
            .any(|file| file.ends_with("E1.2025-12-29-09.aaaaaaaa.gz"))
    );
    std::fs::remove_file(folder.path().join("earlier/E1.2025-12-29-09.aaaaaaaa.gz")).unwrap();
    let stems = |name: &str| -> Vec<String> {
        let records = file_records(&folder.path().join(name));
        records.iter().map(|record| record[7].clone()).collect()
    };
    assert_eq!(
        (stems("logs"), stems("earlier")),
        (vec!["/public/a".into()], vec!["/public/b".into()])
    );
}

/// Checks the fields of one request whose values are known beforehand, in the file and in the live copy.
#[track_caller]
fn check(record: &Value, fields: &[String], expected: &[(&str, &str)]) {
    let names: Vec<&str> = FIELDS.split(' ').skip(1).collect();
    for (name, value) in expected {
        let position = names.iter().position(|known| known == name).unwrap();
        assert_eq!(fields[position], *value, "{name}");
        assert_eq!(record[*name].as_str().unwrap(), *value, "{name}");
    }
}

#[test]
fn fields_of_an_answer() {
    let edge = TestEdge::new();
    edge.put("public/video.mp4", b"0123456789");
    let ask = Ask::get(format!("{U}/public/video.mp4?a=1"))
        .header("Range", "bytes=2-5")
        .header("Referer", "https://player.example/")
        .header("X-Forwarded-For", "198.51.100.7")
        .header("Cookie", "path_token=1")
        .by_address("127.0.0.9");
    let mut viewer = Viewer::tls(edge.https(), ask.source);
    let answer = viewer.ask(&ask);
    let sent = answer.head_size_bytes + answer.body.len();
    let port = viewer.local().port();
    let (folder, live) = edge.stop();
    let records = live.records();
    let fields = file_records(&folder.path().join("logs"));
    assert_eq!((records.len(), fields.len()), (1, 1));
    check(
        &records[0],
        &fields[0],
        &[
            ("x-edge-location", "PRV50-C1"),
            ("sc-bytes", &sent.to_string()),
            ("c-ip", "127.0.0.9"),
            ("cs-method", "GET"),
            ("cs(Host)", HOST),
            ("cs-uri-stem", "/public/video.mp4"),
            ("sc-status", "206"),
            ("cs(Referer)", "https://player.example/"),
            ("cs(User-Agent)", "-"),
            ("cs-uri-query", "a=1"),
            ("cs(Cookie)", "-"),
            ("x-edge-result-type", "Miss"),
            ("x-edge-request-id", answer.header("X-Amz-Cf-Id").unwrap()),
            ("x-host-header", HOST),
            ("cs-protocol", "https"),
            ("cs-bytes", &ask.bytes().len().to_string()),
            ("x-forwarded-for", "198.51.100.7"),
            ("ssl-protocol", "TLSv1.3"),
            ("cs-protocol-version", "HTTP/1.1"),
            ("c-port", &port.to_string()),
            ("sc-content-type", "video/mp4"),
            ("sc-content-len", "4"),
            ("sc-range-start", "2"),
            ("sc-range-end", "5"),
        ],
    );
}

#[test]
fn fields_of_http2_and_of_a_refusal() {
    let edge = TestEdge::new();
    ask_multiplexed(&edge, &[Ask::get(format!("{U}/private/a"))]);
    let (folder, live) = edge.stop();
    let fields = file_records(&folder.path().join("logs"));
    let record = &live.records()[0];
    check(
        record,
        &fields[0],
        &[
            ("cs-protocol-version", "HTTP/2.0"),
            ("x-host-header", HOST),
            ("sc-status", "403"),
            ("x-edge-detailed-result-type", "Error"),
            ("sc-content-len", "146"),
        ],
    );
    assert_eq!(record["x-privet-grant"], "-");
    assert_ne!(record["x-privet-refusal"], "-");
}

/// Returns all text of the log: the files, and the live copy.
fn everything(folder: &Path, live: &LiveLog) -> String {
    let mut text = live.text();
    for file in logs(folder) {
        text.push_str(&gunzip(&file));
    }
    text
}

/// Undoes every escape that a link can have, however often it was applied.
fn unescaped(text: &str) -> String {
    let mut text = text.to_owned();
    while text.contains("%25") {
        text = text.replace("%25", "%");
    }
    for (escape, sign) in [("%7E", "~"), ("%5F", "_"), ("%2D", "-"), ("%53", "S")] {
        text = text.replace(escape, sign);
    }
    text
}

#[test]
fn nothing_in_the_log_opens_anything() {
    let edge = with_log("include_cookies = true");
    let url = format!("{U}/private/a.txt");
    let policy = policy(&format!("{U}/private/*"));
    let (canned, custom) = (signed(&url, E), with_policy(&url, &policy));
    let cookies = policy_cookies(EC, &policy);
    let secrets: Vec<String> = [&canned, &custom, &cookies]
        .iter()
        .flat_map(|text| text.split(['?', '&', ';', ' ']))
        .filter_map(|piece| {
            piece
                .split_once("Signature=")
                .or(piece.split_once("Policy="))
        })
        .map(|(_, value)| value.to_owned())
        .collect();
    assert_eq!(secrets.len(), 5);
    let percent = |text: &str| {
        text.replace('~', "%7E")
            .replace('_', "%5F")
            .replace('-', "%2D")
    };
    let escaped = |text: &str| {
        let mut text = percent(text).replace('%', "%25");
        for (sign, escape) in [(":", "%3A"), ("/", "%2F"), ("?", "%3F"), ("&", "%26")] {
            text = text.replace(sign, escape);
        }
        text.replace('=', "%3d")
    };
    let plain = |text: &str| text.replace('-', "+").replace('_', "=").replace('~', "/");
    let with_cookies = |cookies: &str| Ask::get(&url).header("Cookie", cookies);
    let asks = [
        Ask::get(&canned),
        Ask::get(&custom),
        with_cookies(&cookies),
        with_cookies(&cookies.replace("; ", ";")),
        with_cookies(&cookies.to_uppercase()),
        Ask::get(canned.replace("Signature", "Si%67nature")),
        Ask::get(format!("{}&Signature=@@@", percent(&canned))),
        Ask::get(percent(&custom)),
        Ask::get(plain(&custom)),
        Ask::get(custom.replace("https:", "http:")),
        Ask::get(canned.replace("KRSA", "KUNKNOWN")),
        Ask::get(canned.replace("/private/", "/public/")),
        Ask::get(&url).header("Referer", &custom),
        Ask::get(&url).header("Referer", percent(&canned)),
        Ask::get(canned.replace('?', "%3F").replace('&', "%26")),
        Ask::get(custom.replace('?', "%3F").replace('&', "%26")),
        Ask::get(custom.replace("?Policy", "%3f%50olicy")),
        Ask::get(format!("{url}%3Fnext={}", escaped(&escaped(&custom)))),
        Ask::get(format!("{url}?next={}&a=1", escaped(&canned))),
        Ask::get(format!("{canned}&next={}", escaped(&custom))),
        Ask::get(&url).header("Referer", format!("https://x/?next={}", escaped(&canned))),
        Ask::get(&url).header(
            "Referer",
            format!("https://x/{}", escaped(&escaped(&custom))),
        ),
        Ask::get(&url).header("User-Agent", format!("player/1 ({canned}) {custom}")),
        Ask::get(&url).header("X-Forwarded-For", format!("{custom}, 192.0.2.1")),
        with_cookies(&format!("back={}; a=1", escaped(&custom))),
    ];
    for ask in &asks {
        edge.ask(ask);
    }
    ask_multiplexed(&edge, &[Ask::get(&custom), with_cookies(&cookies)]);
    let (folder, live) = edge.stop();
    let text = everything(folder.path(), &live);
    let text = format!("{text}{}", unescaped(&text));
    assert_eq!(live.records().len(), asks.len() + 2);
    for secret in &secrets {
        let middle = &secret[20..secret.len() - 20];
        for spelling in [
            middle.to_owned(),
            percent(middle),
            plain(middle),
            middle.to_uppercase(),
        ] {
            // `%` is itself encoded in the files.
            let logged = spelling.replace('%', "%25").replace('~', "%7E");
            assert!(
                !text.contains(&spelling) && !text.contains(&logged),
                "{spelling}"
            );
        }
        assert!(!text.contains(&secret[..40]), "the beginning of {secret}");
    }
}

#[test]
fn grants_are_named_alike_everywhere() {
    let edge = TestEdge::new();
    edge.put("private/a.txt", b"alpha");
    let url = format!("{U}/private/a.txt");
    let link = signed(&url, E);
    edge.get(&link);
    edge.get(&link.replace('~', "%7E").replace('_', "%5F"));
    let fingerprint = privet_sign::fingerprint(&canned_signature(RSA, &url, E)).unwrap();
    let (folder, live) = edge.stop();
    let label = format!("Signature=grant:{fingerprint}&");
    for record in live.records() {
        assert_eq!(record["x-privet-grant"], fingerprint.as_str());
        assert!(record["cs-uri-query"].as_str().unwrap().contains(&label));
    }
    for record in file_records(&folder.path().join("logs")) {
        assert_eq!(record[8], "200");
        assert!(record[11].contains(&label), "{}", record[11]);
    }
}

#[test]
fn one_record_a_request_under_concurrency() {
    let edge = TestEdge::new();
    edge.put("public/a", b"alpha");
    edge.put("public/b", &vec![7; 40_000]);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let edge = &edge;
            scope.spawn(move || {
                let mut viewer = if thread % 2 == 0 {
                    edge.plain()
                } else {
                    edge.tls()
                };
                for number in 0..200 {
                    let name = ["a", "b", "missing"][number % 3];
                    viewer.get(&format!("http://{HOST}/public/{name}?{thread}-{number}"));
                }
            });
        }
    });
    let (folder, live) = edge.stop();
    let mut expected: Vec<String> = (0..8)
        .flat_map(|thread| (0..200).map(move |number| format!("{thread}-{number}")))
        .collect();
    expected.sort();
    let records = file_records(&folder.path().join("logs"));
    let mut in_files: Vec<String> = records.iter().map(|record| record[11].clone()).collect();
    in_files.sort();
    assert!(in_files == expected, "{} records", in_files.len());
    let records = live.records();
    let query = |record: &Value| record["cs-uri-query"].as_str().unwrap().to_owned();
    let mut in_copy: Vec<String> = records.iter().map(query).collect();
    in_copy.sort();
    assert!(in_copy == expected, "{} records", in_copy.len());
    let mut ids: Vec<&str> = records
        .iter()
        .map(|record| record["x-edge-request-id"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 1600);
}
