//! Origin groups and the cache: a cached response of the second origin is for requests that would look the same to it.

use crate::support::*;

const GROUP: &str = "[[distributions.origin_groups]]\nid = 'both'\norigins = ['app', 'second']\n\
                     failover_statuses = [403, 404]";

/// Starts an origin that responds with the viewer's own headers.
fn second(vary: &'static str) -> FakeOrigin {
    FakeOrigin::start(move |ask| {
        let words = ["Authorization", "Cookie", "Accept-Language", "X-Name"];
        let said = words.map(|name| ask.header(name).unwrap_or("-").to_owned());
        let headers = [("Vary", vary), ("ETag", "\"a\"")];
        let headers = &headers[usize::from(vary.is_empty())..];
        OriginAnswer::whole(200, headers, said.join("|"))
    })
}

fn group(app: &str, second: &FakeOrigin) -> TestEdge {
    Remote::without_origin()
        .origin("app", app)
        .origin("second", &format!("url = {:?}", second.url()))
        .behavior("origin = 'both'\norigin_request_policy = 'Managed-AllViewerExceptHostHeader'")
        .distribution(GROUP)
        .start()
}

/// A bucket receives little of a request: keyed by that alone, one viewer's page was served to another.
#[test]
fn what_the_second_origin_hears_tells_its_answers_apart() {
    let nothing = FakeOrigin::start(|_| {
        let body = "<Error><Code>NoSuchKey</Code></Error>";
        OriginAnswer::whole(404, &[], body)
    });
    let bucket = format!(
        "s3 = {{ bucket = 'videos', endpoint = {:?}, region = 'eu-central-1', addressing = 'path', \
         access_key_id = 'AKIAIOSFODNN7EXAMPLE', secret_access_key = 'secret' }}",
        nothing.url()
    );
    // An origin's own header replaces the viewer's.
    let server = format!("url = {:?}\nheaders = {{ X-Name = 'edge' }}", nothing.url());
    for app in [&bucket, &server] {
        for (vary, name) in [
            ("", "Authorization"),
            ("Cookie", "Cookie"),
            ("Accept-Language", "Accept-Language"),
            ("X-Name", "X-Name"),
        ] {
            let second = second(vary);
            let edge = group(app, &second);
            for value in ["alice=1", "bob=2", "alice=1"] {
                let answer = edge.fetch_with("/account", &[(name, value)]);
                assert!(answer.text().contains(value), "{name}: {}", answer.text());
            }
            assert_eq!(edge.fetch("/account").text(), "-|-|-|-", "{name}");
        }
    }
}

/// A response to requests that look the same to both origins is cached as usual.
#[test]
fn the_second_origins_answers_are_shared() {
    let nothing = FakeOrigin::start(|_| OriginAnswer::whole(404, &[], ""));
    let second = second("Accept-Language");
    let edge = group(&format!("url = {:?}", nothing.url()), &second);
    for _ in 0..3 {
        edge.fetch_with("/a", &[("Accept-Language", "de"), ("X-Name", "no matter")]);
    }
    assert_eq!(second.asks().len(), 1);
}
