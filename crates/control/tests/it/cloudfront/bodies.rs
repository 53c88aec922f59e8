//! Bodies and queries that are not what an operation takes.

use super::*;

#[test]
fn bodies_that_are_not_the_operations_are_refused() {
    let fixture = Fixture::new();
    let client = Client::new(&fixture);
    let post = |body: &str, expected| client.refused(("POST", "/key-group", body), expected);
    post("", (400, "MissingBody"));
    let malformed = (400, "MalformedXML");
    post("{}", malformed);
    post("<KeyGroupConfig>", malformed);
    post("<KeyGroup/>", malformed);
    post("<KeyGroupConfig><Name>n</Name></KeyGroupConfig>", malformed);
    post(
        "<KeyGroupConfig><Name>n</Name><Title/><Items/></KeyGroupConfig>",
        malformed,
    );
    let entity = "<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>\
                  <KeyGroupConfig><Name>&e;</Name></KeyGroupConfig>";
    post(entity, malformed);
    let argument = (400, "InvalidArgument");
    post("<KeyGroupConfig><Name/><Items/></KeyGroupConfig>", argument);
    post(
        "<KeyGroupConfig><Name>n</Name><Items/></KeyGroupConfig>",
        argument,
    );
    let large = format!("<KeyGroupConfig>{}", " ".repeat(1024 * 1024));
    post(&large, (413, "RequestEntityTooLarge"));
    let answer = client.ask(
        "POST",
        "/key-group",
        "<KeyGroupConfig><Title/></KeyGroupConfig>",
    );
    let message = element(&answer.text, "Message");
    assert_eq!(
        message,
        Some("KeyGroupConfig/Title is not a member in this version of the API")
    );
}

#[test]
fn quantities_are_those_of_the_items() {
    let fixture = Fixture::new();
    fixture.furnish();
    let client = Client::new(&fixture);
    let batch = |quantity| {
        format!(
            "<InvalidationBatch><Paths><Quantity>{quantity}</Quantity><Items><Path>/a</Path></Items></Paths>\
             <CallerReference>r</CallerReference></InvalidationBatch>"
        )
    };
    let path = "/distribution/E1/invalidation";
    for quantity in [0, 2] {
        client.refused(
            ("POST", path, &batch(quantity)),
            (400, "InconsistentQuantities"),
        );
    }
    assert_eq!(client.ask("POST", path, &batch(1)).status, 201);
}

#[test]
fn bodies_and_parameters_that_nobody_reads_are_refused() {
    let fixture = Fixture::new();
    let client = Client::new(&fixture);
    let argument = (400, "InvalidArgument");
    client.refused(("GET", "/public-key", "<a/>"), argument);
    client.refused(("GET", "/public-key?Max=1", ""), argument);
    client.refused(("GET", "/public-key?MaxItems=1&MaxItems=2", ""), argument);
    for number in ["0", "1001", "-1", "x"] {
        client.refused(
            ("GET", &format!("/public-key?MaxItems={number}"), ""),
            argument,
        );
    }
    client.refused(("GET", "/cache-policy?Type=other", ""), argument);
    assert_eq!(
        client
            .ask("GET", "/public-key?MaxItems=&Marker=", "")
            .status,
        200
    );
}

#[test]
fn long_urls_and_headers_are_refused() {
    let fixture = Fixture::new();
    let client = Client::new(&fixture);
    let too_large = (413, "RequestEntityTooLarge");
    let path = |length: usize| format!("/public-key?Marker={}", "a".repeat(length));
    client.refused(("GET", &path(8192), ""), too_large);
    assert_eq!(client.ask("GET", &path(8000), "").status, 200);
    let ask = Ask::get("/2020-05-31/public-key").header("x-long", &"a".repeat(20_480));
    let answer = client.send(ask);
    assert_eq!((answer.status, code(&answer)), too_large);
}

#[test]
fn a_body_needs_no_type_and_may_have_any() {
    let fixture = Fixture::new();
    let client = Client::new(&fixture);
    for (number, kind) in ["application/xml", "text/xml", "application/json"]
        .iter()
        .enumerate()
    {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}",
            public_key(&format!("r{number}"), &format!("n{number}"), PUBLIC_KEY)
        );
        let ask = Ask::new("POST", &format!("{ROOT}/public-key")).xml(&body);
        let made = client.send(ask.header("content-type", kind));
        assert_eq!(made.status, 201, "{kind} {made:?}");
    }
}
