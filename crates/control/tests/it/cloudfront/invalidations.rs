//! Invalidations of a distribution.

use super::*;
use serde_json::json;

fn batch(reference: &str, paths: &[&str]) -> String {
    let items: String = paths
        .iter()
        .map(|path| format!("<Path>{path}</Path>"))
        .collect();
    format!(
        "<InvalidationBatch><Paths><Quantity>{}</Quantity><Items>{items}</Items></Paths>\
         <CallerReference>{reference}</CallerReference></InvalidationBatch>",
        paths.len()
    )
}

const PATH: &str = "/distribution/E1/invalidation";

#[test]
fn invalidations_of_nothing_are_refused() {
    let fixture = Fixture::new();
    fixture.furnish();
    let client = Client::new(&fixture);
    let post = |body: &str, expected| client.refused(("POST", PATH, body), expected);
    post(&batch("", &["/a"]), (400, "InvalidArgument"));
    post(&batch("r", &[]), (400, "InvalidArgument"));
    post(&batch("r", &["a"]), (400, "InvalidArgument"));
    post(&batch("r", &["/b c.html"]), (400, "InvalidArgument"));
    let blank = client.ask("POST", PATH, &batch("r", &["/b c.html"]));
    let words = "Your request contains one or more invalid invalidation paths. paths[0] ";
    let message = element(&blank.text, "Message").unwrap();
    assert!(message.starts_with(words), "{message}");
    post(&batch("r", &["/a"; 3001]), (413, "BatchTooLarge"));
    let elsewhere = ("POST", "/distribution/E9/invalidation", batch("r", &["/a"]));
    let no_distribution = (404, "NoSuchDistribution");
    client.refused((elsewhere.0, elsewhere.1, &elsewhere.2), no_distribution);
    client.refused(("GET", elsewhere.1, ""), no_distribution);
    client.refused(
        ("GET", "/distribution/E9/invalidation/I1", ""),
        no_distribution,
    );
    client.refused(
        ("GET", &format!("{PATH}/I1"), ""),
        (404, "NoSuchInvalidation"),
    );
}

#[test]
fn an_invalidation_is_known_by_its_reference() {
    let fixture = Fixture::new();
    fixture.furnish();
    let mut other = distribution("E2", "two.example");
    other["aliases"] = json!([]);
    fixture.put("/v1/distributions", &other);
    let client = Client::new(&fixture);
    let made = client.ask("POST", PATH, &batch("r", &["/a/*", "/b%20c.html"]));
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.header("etag"), None);
    let id = element(&made.text, "Id").unwrap();
    let location = format!("https://cloudfront.amazonaws.com{ROOT}{PATH}/{id}");
    assert_eq!(made.header("location"), Some(location.as_str()));
    assert_eq!(
        element(&made.text, "CreateTime"),
        Some("2030-01-01T00:00:00Z")
    );
    assert_eq!(
        element(&made.text, "Status"),
        Some("Completed"),
        "no edge follows the store here"
    );
    let again = client.ask("POST", PATH, &batch("r", &["/b%20c.html", "/a/*"]));
    assert_eq!(element(&again.text, "Id"), Some(id), "{again:?}");
    let changed = ("POST", PATH, batch("r", &["/c"]));
    let exists = (409, "InvalidationBatchAlreadyExists");
    client.refused((changed.0, changed.1, &changed.2), exists);
    let elsewhere = client.ask("POST", "/distribution/E2/invalidation", &changed.2);
    assert_eq!(elsewhere.status, 201, "{elsewhere:?}");
    let got = client.ask("GET", &format!("{PATH}/{id}"), "");
    assert_eq!(element(&got.text, "CallerReference"), Some("r"));
    assert_eq!(
        element(&got.text, "Items"),
        Some("<Path>/a/*</Path><Path>/b%20c.html</Path>")
    );
    let other = format!("/distribution/E2/invalidation/{id}");
    client.refused(("GET", &other, ""), (404, "NoSuchInvalidation"));
    client.ask("POST", PATH, &batch("r2", &["/a"]));
    let list = client.ask("GET", &format!("{PATH}?MaxItems=1"), "");
    assert_eq!(element(&list.text, "IsTruncated"), Some("true"), "{list:?}");
    let next = element(&list.text, "NextMarker").unwrap();
    let rest = client.ask("GET", &format!("{PATH}?MaxItems=1&Marker={next}"), "");
    assert_eq!(element(&rest.text, "IsTruncated"), Some("false"));
    assert_eq!(element(&rest.text, "Quantity"), Some("1"));
}
