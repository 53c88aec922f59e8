//! The table of SECURITY.md, "What reaches an origin", checked from outside: every name that S3, compatible gateways
//! and the common rerouting tricks know, in every spelling, at an origin that records and at one that reads CGI
//! variables.

use crate::support::*;
use serde_json::Value;
use std::collections::BTreeSet;

/// The value that a test sends in every header, so that it is found wherever it arrives.
const WORD: &str = "viewers-word";

const METHODS: &str = "allowed_methods = [\"GET\", \"HEAD\", \"OPTIONS\", \"PUT\", \"POST\", \"PATCH\", \"DELETE\"]\n\
     cache_policy = \"Managed-CachingDisabled\"\n";

/// Returns a configuration with a bucket at a recording origin, behind policies that pass everything.
fn before_recorder(origin: &FakeOrigin) -> Remote {
    let s3 = format!(
        "s3 = {{ bucket = \"videos\", region = \"us-east-1\", endpoint = {:?}, addressing = \"path\", \
         access_key_id = \"AK\", secret_access_key = \"SK\" }}",
        origin.url()
    );
    let listed: Vec<String> = known_parameters()
        .iter()
        .map(|known| format!("{:?}", known.name))
        .collect();
    let policies = format!(
        "[[origin_request_policies]]\nid = \"all-but\"\nheaders_except = [\"X-Not\"]\n\
         query_strings_except = [\"not\"]\ncookies_except = [\"not\"]\n\
         [[origin_request_policies]]\nid = \"listed\"\nquery_strings = [{}]\n",
        listed.join(", ")
    );
    let behavior = |policy: &str| {
        format!("{METHODS}origin = \"bucket\"\norigin_request_policy = {policy:?}\n")
    };
    Remote::new(origin)
        .origin("bucket", &s3)
        .tables(&policies)
        .path("/all/*", &behavior("Managed-AllViewerExceptHostHeader"))
        .path("/but/*", &behavior("all-but"))
        .path("/listed/*", &behavior("listed"))
        .behavior(&format!(
            "{METHODS}origin = \"app\"\norigin_request_policy = \"Managed-AllViewer\"\n"
        ))
}

/// Starts an origin whose response is the request it received, line by line.
fn recorder() -> FakeOrigin {
    FakeOrigin::start(|ask| {
        let lines = ask.headers.iter();
        let lines = lines.map(|(name, value)| format!("\n{name}: {value}"));
        let body = ask.target.clone() + &lines.collect::<String>();
        OriginAnswer::whole(200, &[], body)
    })
}

fn ask_with(method: &str, path: &str, header: &str) -> Ask {
    Ask::get(url(path)).method(method).header(header, WORD)
}

/// Returns the names under which the viewer's word has arrived, in lower case.
fn names_of_word(answer: &Answer) -> BTreeSet<String> {
    let headers = answer
        .text()
        .lines()
        .filter_map(|line| line.split_once(':'));
    headers
        .filter(|(_, value)| value.contains(WORD))
        .map(|(name, _)| name.to_ascii_lowercase())
        .collect()
}

/// Sends every header in every spelling to `path`, with both methods. It must arrive under its own name where the table
/// has `places` (for reads, for changes), and nowhere else.
fn check_headers(edge: &TestEdge, path: &str, places: [char; 2]) {
    let mut viewer = edge.plain();
    for known in known_headers() {
        for spelling in header_spellings(known.name) {
            if known.has('f') && spelling.is_faithful {
                continue;
            }
            for (method, place) in ["GET", "PUT"].into_iter().zip(places) {
                let answer = viewer.ask(&ask_with(method, path, &spelling.text));
                assert_eq!(answer.status(), 200, "{spelling:?}");
                let mut expected = BTreeSet::new();
                if known.has(place) && spelling.is_faithful {
                    expected.insert(known.name.to_owned());
                }
                let arrived = names_of_word(&answer);
                assert_eq!(arrived, expected, "{method} {path} {spelling:?}");
            }
        }
    }
}

#[test]
fn s1_headers_reach_a_bucket_by_the_table() {
    let origin = recorder();
    let edge = before_recorder(&origin).start();
    check_headers(&edge, "/all/a", ['b', 'B']);
    check_headers(&edge, "/but/a", ['b', 'B']);
}

#[test]
fn s1_headers_reach_a_server_by_the_table() {
    let origin = recorder();
    let edge = before_recorder(&origin).start();
    check_headers(&edge, "/app", ['s', 'S']);
}

/// The headers that a signature covers, and names that a careless reader could take for one of them.
#[test]
fn s1_a_bucket_is_sent_no_header_twice_and_none_unsigned() {
    let origin = recorder();
    let edge = before_recorder(&origin).start();
    let mut ask = Ask::get(url("/all/a")).method("PUT");
    ask.body = b"body".to_vec();
    for known in known_headers().iter().filter(|known| !known.has('f')) {
        for spelling in header_spellings(known.name).iter().take(5) {
            ask = ask.header(&spelling.text, "1  2");
        }
        if ask.headers.len() < 60 {
            continue;
        }
        assert_eq!(edge.ask(&ask).status(), 200);
        ask.headers.clear();
    }
    for ask in origin.asks() {
        let authorization = ask.header("Authorization").expect("it is signed");
        let (_, signed) = authorization.split_once("SignedHeaders=").unwrap();
        let signed: Vec<&str> = signed.split(',').next().unwrap().split(';').collect();
        let mut seen = BTreeSet::new();
        for (name, _) in &ask.headers {
            assert!(seen.insert(careless(name)), "{name} is there twice");
            let name = name.to_ascii_lowercase();
            let is_framing =
                ["authorization", "connection", "content-length"].contains(&name.as_str());
            assert!(
                is_framing || signed.contains(&name.as_str()),
                "{name} is not signed"
            );
        }
    }
}

/// Returns the names under which one parameter arrives.
fn arrived(viewer: &mut Viewer, path: &str, piece: &str) -> Vec<String> {
    let answer = viewer.get(&url(&format!("{path}?{piece}")));
    assert_eq!(answer.status(), 200, "{piece}");
    let target = answer.text().lines().next().unwrap();
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let pieces = query.split('&').filter(|piece| !piece.is_empty());
    let names = pieces.map(|piece| piece.split('=').next().unwrap());
    names.map(str::to_owned).collect()
}

/// Sends every parameter in every spelling to `path`. It must arrive, under its own name, where `passes` says so.
fn check_parameters(path: &str, passes: impl Fn(&Known) -> bool) {
    let origin = recorder();
    let edge = before_recorder(&origin).start();
    let mut viewer = edge.plain();
    for known in known_parameters() {
        for spelling in parameter_spellings(known.name) {
            let expected: &[&str] = if passes(&known) && spelling.is_faithful {
                &[known.name]
            } else {
                &[]
            };
            let names = arrived(&mut viewer, path, &spelling.text);
            assert_eq!(names, expected, "{path} {spelling:?}");
        }
    }
}

#[test]
fn s3_parameters_reach_a_bucket_by_a_managed_policy() {
    check_parameters("/all/a", |known| known.has('m'));
}

#[test]
fn s3_parameters_reach_a_bucket_by_a_policy_that_excepts() {
    check_parameters("/but/a", |known| known.has('m') || known.has('a'));
}

#[test]
fn s3_parameters_reach_a_bucket_by_a_policy_that_lists_them() {
    check_parameters("/listed/a", |_| true);
}

#[test]
fn s2_changes_reach_a_bucket_by_the_table() {
    let origin = recorder();
    let edge = before_recorder(&origin).start();
    let status = |method: &str, target: &str, content_type: Option<&str>| {
        let mut ask = Ask::get(url(target)).method(method);
        if let Some(content_type) = content_type {
            ask = ask.header("Content-Type", content_type);
        }
        ask.body = b"body".to_vec();
        edge.ask(&ask).status()
    };
    for path in ["/all/a", "/but/a", "/listed/a"] {
        for query in ["", "?delete", "?x=uploads", "?uploads%3D", "?versionId=1"] {
            assert_eq!(
                status("POST", &format!("{path}{query}"), None),
                405,
                "{path}{query}"
            );
        }
        assert_eq!(status("PATCH", &format!("{path}?uploads"), None), 405);
    }
    let form = Some("Multipart/Form-Data; boundary=x");
    assert_eq!(status("POST", "/all/a?uploads", None), 405);
    assert_eq!(status("POST", "/listed/a?uploads", form), 405);
    assert!(origin.asks().is_empty());
    for query in ["uploads", "uploadId=1", "restore", "select&select-type=2"] {
        assert_eq!(
            status("POST", &format!("/listed/a?{query}"), Some("text/xml")),
            200
        );
    }
    for method in ["PUT", "DELETE"] {
        assert_eq!(status(method, "/all/a", form), 200);
    }
    for method in ["POST", "PATCH"] {
        assert_eq!(status(method, "/app", form), 200);
    }
}

/// Some servers treat a trailer as a header, and it is not covered by the signature.
#[test]
fn trailers_reach_nobody() {
    let origin = recorder();
    let edge = before_recorder(&origin).start();
    for path in ["/all/a", "/app"] {
        let mut viewer = edge.plain();
        viewer.send(
            format!(
                "PUT {path} HTTP/1.1\r\nHost: {HOST}\r\nTrailer: x-amz-acl\r\nTE: trailers\r\n\
                 Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nx-amz-acl: {WORD}\r\n\r\n"
            )
            .as_bytes(),
        );
        assert_eq!(viewer.framed_answer().0.status(), 200);
    }
    for ask in origin.asks() {
        assert_eq!(ask.body, b"body");
        assert!(ask.header("x-amz-acl").is_none());
    }
    // Nothing is left on the connections that could be taken for a request.
    assert_eq!(origin.wait_for_asks(2).len(), 2);
    assert_eq!(edge.fetch("/app").status(), 200);
}

#[test]
fn f7_a_referer_reaches_an_origin_without_its_grant() {
    let origin = recorder();
    let edge = before_recorder(&origin).start();
    let link = signed(&url("/private/page?x=1"), E);
    let ask = Ask::get(url("/app")).header("Referer", link.as_str());
    assert_eq!(edge.ask(&ask).status(), 200);
    let asks = origin.wait_for_asks(1);
    assert_eq!(
        asks[0].header("Referer"),
        Some(url("/private/page?x=1").as_str())
    );
}

/// Returns the variables in which a WSGI application received the viewer's word.
fn variables_of_word(told: &Value) -> BTreeSet<String> {
    let told = told.as_object().unwrap().iter();
    told.filter(|(_, value)| value.as_str().unwrap().contains(WORD))
        .map(|(name, _)| name.trim_start_matches("HTTP_").to_owned())
        .collect()
}

#[test]
fn s1_an_application_that_reads_cgi_variables_hears_no_other_spelling() {
    let application = WsgiApplication::start();
    let edge = Remote::without_origin()
        .origin("app", &format!("url = {:?}", application.url()))
        .behavior(&format!(
            "{METHODS}origin_request_policy = \"Managed-AllViewer\"\n"
        ))
        .start();
    let mut viewer = edge.plain();
    for known in known_headers() {
        for spelling in header_spellings(known.name) {
            if known.has('f') && spelling.is_faithful {
                continue;
            }
            for (method, place) in [("GET", 's'), ("PUT", 'S')] {
                let answer = viewer.ask(&ask_with(method, "/app", &spelling.text));
                let told = serde_json::from_slice(&answer.body).unwrap();
                let mut expected = BTreeSet::new();
                if known.has(place) && spelling.is_faithful {
                    expected.insert(known.name.replace('-', "_").to_uppercase());
                }
                assert_eq!(variables_of_word(&told), expected, "{method} {spelling:?}");
            }
        }
    }
}
