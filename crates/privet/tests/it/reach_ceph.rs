//! Ceph's gateway behind an edge whose keys may do everything: what a viewer may request of it, and what no spelling
//! requests.

use crate::support::*;

const METHODS: &str = "allowed_methods = [\"GET\", \"HEAD\", \"OPTIONS\", \"PUT\", \"POST\", \"PATCH\", \"DELETE\"]\n\
     cache_policy = \"Managed-CachingDisabled\"\n";
const EVERYBODY: &str = "uri=\"http://acs.amazonaws.com/groups/global/AllUsers\"";
const PUBLIC_ACL: &str = r#"<AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>tests</ID></Owner><AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>"#;
const CORS: &str = "<CORSConfiguration><CORSRule><AllowedOrigin>https://player.example</AllowedOrigin>\
     <AllowedMethod>PUT</AllowedMethod><AllowedMethod>GET</AllowedMethod><AllowedHeader>*</AllowedHeader></CORSRule></CORSConfiguration>";

/// Starts an edge with open folders in one bucket, with policies that pass everything, nothing, and what they list.
fn before(bucket: &Bucket) -> TestEdge {
    let tables = "[[origin_request_policies]]\nid = \"all-but\"\nheaders_except = [\"X-Not\"]\n\
         query_strings_except = [\"not\"]\n\
         [[origin_request_policies]]\nid = \"listed\"\nheaders = [\"Origin\", \"X-Amz-Meta-A\"]\n\
         query_strings = [\"uploads\", \"uploadId\", \"partNumber\", \"versionId\", \"acl\"]\n";
    let behavior =
        |policy: &str| format!("{METHODS}origin_request_policy = {policy:?}\norigin = \"app\"\n");
    Remote::without_origin()
        .origin("app", &bucket.origin_lines())
        .tables(tables)
        .path("/all/*", &behavior("Managed-AllViewerExceptHostHeader"))
        .path("/but/*", &behavior("all-but"))
        .path("/listed/*", &behavior("listed"))
        .behavior(METHODS)
        .start()
}

fn put(target: &str, body: &str) -> Ask {
    let mut ask = Ask::get(url(target)).method("PUT");
    ask.body = body.as_bytes().to_vec();
    ask
}

/// Returns a header value that would do harm.
fn harm(name: &str, secret: &str) -> String {
    if name.contains("source") || name.contains("copy") {
        secret.to_owned()
    } else if name.contains("grant") {
        EVERYBODY.to_owned()
    } else if name.contains("acl") {
        "public-read".to_owned()
    } else {
        "1".to_owned()
    }
}

#[test]
fn s1_no_spelling_of_a_header_steers_the_gateway() {
    let (Some(bucket), Some(other)) = (Bucket::create("reach"), Bucket::create("reach-other"))
    else {
        return;
    };
    bucket.put("private/s.txt", "TOP-SECRET");
    other.put("secret.txt", "OTHER-BUCKETS-SECRET");
    let edge = before(&bucket);
    let secrets = [
        format!("/{}/private/s.txt", bucket.name()),
        format!("/{}/secret.txt", other.name()),
    ];
    let names = known_headers();
    let steering = names.iter().filter(|known| known.name.starts_with("x-"));
    for (number, known) in steering.enumerate() {
        let folder = ["all", "but", "none"][number % 3];
        let target = format!("/{folder}/{number}");
        let mut ask = put(&target, "plain");
        // All spellings are sent at once: one that passed would take effect among the others too.
        for (position, spelling) in header_spellings(known.name).iter().enumerate() {
            ask = ask.header(&spelling.text, harm(known.name, &secrets[position % 2]));
        }
        assert_eq!(edge.ask(&ask).status(), 200, "{known:?}");
        assert_eq!(edge.fetch(&target).text(), "plain", "{known:?}");
        let status = bucket.anonymous_status(&target[1..]);
        assert_eq!(status, 403, "{known:?} made an object public");
    }
}

/// The original attack, one spelling at a time.
#[test]
fn s1_no_spelling_copies_what_is_restricted_or_opens_what_is_written() {
    let Some(bucket) = Bucket::create("copies") else {
        return;
    };
    bucket.put("private/s.txt", "TOP-SECRET");
    let edge = before(&bucket);
    let secret = format!("/{}/private/s.txt", bucket.name());
    for name in ["x-amz-copy-source", "x-amz-acl", "x-amz-grant-read"] {
        for (position, spelling) in header_spellings(name).iter().enumerate() {
            let target = format!("/all/{name}-{position}");
            let ask = put(&target, "plain").header(&spelling.text, harm(name, &secret));
            assert_eq!(edge.ask(&ask).status(), 200, "{spelling:?}");
            assert_eq!(edge.fetch(&target).text(), "plain", "{spelling:?}");
            assert_eq!(bucket.anonymous_status(&target[1..]), 403, "{spelling:?}");
        }
    }
}

#[test]
fn s2_no_form_writes_a_key() {
    let Some(bucket) = Bucket::create("forms") else {
        return;
    };
    bucket.put("private/s.txt", "TOP-SECRET");
    let edge = before(&bucket);
    let field = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let form = [
        field("key", "private/s.txt"),
        field("acl", "public-read"),
        field("file", "PLANTED"),
        "--b--\r\n".to_owned(),
    ]
    .concat();
    for path in ["/all/any", "/but/any", "/listed/any", "/none/any"] {
        for query in ["", "?uploads", "?uploadId=x", "?uploads%3D", "?acl"] {
            for content_type in [
                "multipart/form-data; boundary=b",
                "MULTIPART/form-data;boundary=b",
            ] {
                let mut ask = Ask::get(url(&format!("{path}{query}"))).method("POST");
                ask.body = form.clone().into_bytes();
                let ask = ask.header("Content-Type", content_type);
                assert_eq!(edge.ask(&ask).status(), 405, "{path}{query}");
            }
        }
    }
    let kept = bucket.request("GET", "/private/s.txt", None);
    assert_eq!(kept["body"], "TOP-SECRET");
    assert_eq!(bucket.anonymous_status("private/s.txt"), 403);
}

#[test]
fn s3_no_spelling_of_a_parameter_asks_for_anything_else() {
    let Some(bucket) = Bucket::create("parameters") else {
        return;
    };
    bucket.put("all/x.txt", "up");
    bucket.put("but/x.txt", "up");
    let edge = before(&bucket);
    let mut viewer = edge.plain();
    let plain = edge.fetch("/all/x.txt");
    let content_type = plain.field("Content-Type").map(str::to_owned);
    let mut check = |folder: &str, query: &str| {
        let answer = viewer.get(&url(&format!("/{folder}/x.txt?{query}")));
        assert_eq!((answer.status(), answer.text()), (200, "up"), "{query}");
        assert_eq!(
            answer.field("Content-Type"),
            content_type.as_deref(),
            "{query}"
        );
    };
    for known in known_parameters() {
        let mut spellings = parameter_spellings(known.name);
        spellings.retain(|spelling| !spelling.is_faithful || !(known.has('m') || known.has('a')));
        let pieces: Vec<&str> = spellings
            .iter()
            .map(|spelling| spelling.text.as_str())
            .collect();
        // All spellings are sent at once: one that passed would take effect among the others too.
        check("all", &pieces.join("&"));
        check("but", &pieces.join("&"));
        let is_known_to_ceph = [
            "acl",
            "tagging",
            "uploads",
            "versionId",
            "torrent",
            "response-content-type",
        ];
        if is_known_to_ceph.contains(&known.name) {
            pieces.iter().for_each(|piece| check("all", piece));
        }
    }
    for spelling in parameter_spellings("acl") {
        let target = format!("/all/x.txt?{}", spelling.text);
        let before = edge.fetch("/all/x.txt").text().to_owned();
        // A change of rights whose parameter would not reach the bucket must not become a change of the object's bytes.
        let (status, after) = match spelling.is_faithful {
            true => (400, before.as_str()),
            false => (200, PUBLIC_ACL),
        };
        let answer = edge.ask(&put(&target, PUBLIC_ACL));
        assert_eq!(answer.status(), status, "{spelling:?}");
        assert_eq!(bucket.anonymous_status("all/x.txt"), 403, "{spelling:?}");
        assert_eq!(edge.fetch("/all/x.txt").text(), after, "{spelling:?}");
    }
}

/// Returns the text between two tags.
fn between<'t>(text: &'t str, tag: &str) -> &'t str {
    let (_, from) = text
        .split_once(&format!("<{tag}>"))
        .expect("the tag is there");
    from.split_once('<').unwrap().0
}

#[test]
fn what_a_policy_lists_works_at_the_gateway() {
    let Some(bucket) = Bucket::create("listed") else {
        return;
    };
    let edge = before(&bucket);
    let post = |target: &str, body: &str| {
        let mut ask = Ask::get(url(target))
            .method("POST")
            .header("Content-Type", "application/xml");
        ask.body = body.as_bytes().to_vec();
        edge.ask(&ask)
    };
    let begin = Ask::get(url("/listed/big?uploads"))
        .method("POST")
        .header("Content-Type", "video/mp4")
        .header("X-Amz-Meta-A", "two  blanks");
    let begun = edge.ask(&begin);
    assert_eq!(begun.status(), 200, "{}", begun.text());
    let id = between(begun.text(), "UploadId").to_owned();
    let part = edge.ask(&put(
        &format!("/listed/big?partNumber=1&uploadId={id}"),
        "first part",
    ));
    assert_eq!(part.status(), 200);
    let tag = part.field("ETag").unwrap();
    let list = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{tag}</ETag></Part></CompleteMultipartUpload>"
    );
    let ended = post(&format!("/listed/big?uploadId={id}"), &list);
    assert_eq!(ended.status(), 200, "{}", ended.text());
    let whole = edge.fetch("/listed/big");
    assert_eq!(whole.text(), "first part");
    assert_eq!(whole.field("Content-Type"), Some("video/mp4"));
    assert_eq!(whole.field("x-amz-meta-a"), Some("two blanks"));
    assert!(
        edge.fetch("/listed/big?acl")
            .text()
            .contains("AccessControlPolicy")
    );
}

#[test]
fn objects_come_and_go_with_what_describes_them() {
    let Some(bucket) = Bucket::create("described") else {
        return;
    };
    let edge = before(&bucket);
    let described = put("/all/a.txt", "one")
        .header("Content-Type", "text/x-plain;  charset=utf-8")
        .header("Content-Disposition", "attachment; filename=\"a.txt\"")
        .header("Content-Language", "pt")
        .header("Cache-Control", "max-age=5,  public")
        .header("Cache-Control", "immutable")
        .header("If-None-Match", "*");
    assert_eq!(edge.ask(&described).status(), 200);
    let answer = edge.fetch("/all/a.txt");
    assert_eq!(answer.text(), "one");
    assert_eq!(
        answer.field("Content-Type"),
        Some("text/x-plain; charset=utf-8")
    );
    assert_eq!(
        answer.field("Content-Disposition"),
        Some("attachment; filename=\"a.txt\"")
    );
    assert_eq!(
        answer.field("Cache-Control"),
        Some("max-age=5, public,immutable")
    );
    let of_another = put("/all/a.txt", "two").header("If-Match", "\"another\"");
    assert_eq!(edge.ask(&of_another).status(), 412);
    assert_eq!(edge.fetch("/all/a.txt").text(), "one");
    let part = edge.fetch_with(
        "/all/a.txt",
        &[("Range", "bytes=1-1"), ("Accept-Encoding", "br")],
    );
    assert_eq!((part.status(), part.text()), (206, "n"));
    assert_eq!(
        edge.ask(&Ask::get(url("/all/a.txt")).method("DELETE"))
            .status(),
        204
    );
    assert_eq!(edge.fetch("/all/a.txt").status(), 404);
}

#[test]
fn versions_are_reached_by_name() {
    let Some(bucket) = Bucket::create("versions") else {
        return;
    };
    let versioning = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    assert_eq!(
        bucket.request("PUT", "?versioning", Some(versioning))["status"],
        200
    );
    let edge = before(&bucket);
    let versions = ["one", "two"].map(|body| {
        let answer = edge.ask(&put("/all/a.txt", body));
        answer.field("x-amz-version-id").unwrap().to_owned()
    });
    assert_eq!(edge.fetch("/all/a.txt").text(), "two");
    let first = format!("/all/a.txt?versionId={}", versions[0]);
    assert_eq!(edge.fetch(&first).text(), "one");
    let misspelt = format!("/all/a.txt?versionId%3D{}", versions[0]);
    assert_eq!(edge.fetch(&misspelt).text(), "two");
}

/// The gateway stores a version under `_:<version>_<name>`.
#[test]
fn c_a_version_never_reads_on_into_another_name() {
    let Some(bucket) = Bucket::create("splice") else {
        return;
    };
    let versioning = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    assert_eq!(
        bucket.request("PUT", "?versioning", Some(versioning))["status"],
        200
    );
    let edge = before(&bucket);
    let put = edge.ask(&put("/listed/private/2024_all/a.txt", "TOP-SECRET"));
    let version = put.field("x-amz-version-id").unwrap();
    for behavior in ["all", "but", "listed"] {
        for mark in [
            "_listed/private/2024",
            "_listed%2Fprivate%2F2024",
            "%5Flisted/private/2024",
        ] {
            let answer = edge.fetch(&format!("/{behavior}/a.txt?versionId={version}{mark}"));
            assert_eq!(answer.status(), 404, "{behavior} {mark}");
        }
    }
}

#[test]
fn preflights_are_answered_by_the_gateway() {
    let Some(bucket) = Bucket::create("cors") else {
        return;
    };
    bucket.put("all/a.txt", "text");
    let stored = bucket.request("PUT", "?cors", Some(CORS));
    assert_eq!(stored["status"], 200, "{stored}");
    let edge = before(&bucket);
    let preflight = Ask::get(url("/all/a.txt"))
        .method("OPTIONS")
        .header("Origin", "https://player.example")
        .header("Access-Control-Request-Method", "PUT")
        .header("Access-Control-Request-Headers", "content-type, x-amz-acl");
    let answer = edge.ask(&preflight);
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let allowed = answer.field("Access-Control-Allow-Origin");
    assert_eq!(allowed, Some("https://player.example"));
    let read = edge.fetch_with("/all/a.txt", &[("Origin", "https://player.example")]);
    assert_eq!(
        read.field("Access-Control-Allow-Origin"),
        Some("https://player.example")
    );
}
