use super::*;

fn record() -> LogRecord<'static> {
    LogRecord {
        ended: Timestamp::from_secs(1_767_000_000),
        edge_location: "PRV50-C1",
        sc_bytes: 512,
        client: "192.0.2.77:50123".parse().unwrap(),
        method: "GET",
        distribution_id: "EDFDVBD6EXAMPLE",
        cs_host: "d111111abcdef8.cloudfront.net",
        uri_stem: "/private/a.txt",
        status: 403,
        referer: None,
        user_agent: Some("curl/8.5 (a b)"),
        uri_query: None,
        cookie: None,
        result: ResultType::Error,
        request_id: "abc-_==",
        host_header: "www.example.com",
        protocol: "https",
        cs_bytes: 300,
        time_taken: Duration::from_micros(1_999),
        forwarded_for: None,
        tls: Some(("TLSv1.3", "TLS_AES_128_GCM_SHA256")),
        response_result: ResultType::Error,
        version: Version::HTTP_11,
        time_to_first_byte: Duration::from_millis(61_001),
        detail: DetailedResult::Plain(ResultType::Error),
        content_type: Some("text/xml"),
        content_length: Some(146),
        range: None,
        own: OwnFields {
            refusal: Some("missing-key-pair-id"),
            grant: None,
        },
    }
}

fn columns(record: &LogRecord<'_>) -> Vec<String> {
    let mut out = Vec::new();
    record.write_w3c(&mut out);
    let line = String::from_utf8(out).unwrap();
    line.strip_suffix('\n')
        .unwrap()
        .split('\t')
        .map(str::to_owned)
        .collect()
}

#[test]
fn t110_values_never_break_the_line() {
    let mut record = record();
    record.user_agent = Some("a b~\t\n%<>\"#{}|\\^[]`'\u{7f}é");
    let columns = columns(&record);
    assert_eq!(columns.len(), 33);
    assert_eq!(
        columns[10],
        "a%20b%7E%09%0A%25%3C%3E%22%23%7B%7D%7C%5C%5E%5B%5D%60%27%7F%C3%A9"
    );
}

#[test]
fn t109_an_unsigned_request_has_33_columns() {
    let expected = "2025-12-29\t09:20:00\tPRV50-C1\t512\t192.0.2.77\tGET\td111111abcdef8.cloudfront.net\t/private/a.txt\t403\
        \t-\tcurl/8.5%20(a%20b)\t-\t-\tError\tabc-_==\twww.example.com\thttps\t300\t0.001\t-\tTLSv1.3\t\
        TLS_AES_128_GCM_SHA256\tError\tHTTP/1.1\t-\t-\t50123\t61.001\tError\ttext/xml\t146\t-\t-";
    assert_eq!(columns(&record()).join("\t"), expected);
}

#[test]
fn a_viewer_who_left_has_status_000() {
    let mut record = record();
    record.status = 0;
    record.range = Some(ByteRange {
        start: 0,
        end_inclusive: 99,
    });
    let columns = columns(&record);
    assert_eq!(columns[8], "000");
    assert_eq!(columns[31..], ["0", "99"]);
}

#[test]
fn signatures_in_the_referer_are_redacted() {
    let mut record = record();
    record.referer = Some("https://a/b?x=1&Signature=@@@&Policy=abc");
    assert_eq!(
        columns(&record)[9],
        "https://a/b?x=1&Signature=redacted&Policy=redacted"
    );
}

/// The path has an encoded `?`; the other fields are all headers that are logged.
#[test]
fn signatures_in_no_field_reach_the_log() {
    let mut record = record();
    record.method = "Signature%3DAAEC";
    record.uri_stem = "/private/a.txt%3FExpires=1%26Signature=AAEC";
    record.referer =
        Some("https://x/a%3FSignature=AAEC?next=https%3A%2F%2Fh%2Fa%3F%26Signature%3DAAEC&b");
    record.user_agent = Some("curl https://h/a?Signature=AAEC (b)");
    record.host_header = "h?Signature=AAEC";
    record.forwarded_for = Some("Signature=AAEC, 192.0.2.1");
    record.uri_query = Some("a=1");
    let columns = columns(&record);
    let label = "redacted";
    assert_eq!(columns[5], format!("Signature%253D{label}"));
    assert_eq!(
        columns[7],
        format!("/private/a.txt%253FExpires=1%2526Signature={label}")
    );
    assert_eq!(
        columns[9],
        format!(
            "https://x/a%253FSignature={label}?next=https%253A%252F%252Fh%252Fa%253F%2526Signature%253D{label}&b"
        )
    );
    assert_eq!(
        columns[10],
        format!("curl%20https://h/a?Signature={label}%20(b)")
    );
    assert_eq!(columns[15], format!("h?Signature={label}"));
    assert_eq!(columns[19], format!("Signature={label},%20192.0.2.1"));
    let mut json = Vec::new();
    record.write_json(&mut json);
    assert!(!String::from_utf8(json).unwrap().contains("AAEC"));
}

#[test]
fn the_header_names_the_fields() {
    let expected = "#Version: 1.0\n\
         #Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) \
         cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes \
         time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status \
         fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len \
         sc-range-start sc-range-end\n";
    assert_eq!(log_header(), expected);
}

#[test]
fn json_escapes_what_it_must() {
    let mut record = record();
    record.user_agent = Some("a\"\\\n\t\u{1}é/");
    let mut out = Vec::new();
    record.write_json(&mut out);
    let line = String::from_utf8(out).unwrap();
    assert!(
        line.starts_with("{\"date\":\"2025-12-29\",\"time\":\"09:20:00\","),
        "{line}"
    );
    assert!(
        line.contains("\"cs(User-Agent)\":\"a\\\"\\\\\\n\\t\\u0001é/\""),
        "{line}"
    );
    assert!(
        line.ends_with("\"sc-range-end\":\"-\",\"x-privet-refusal\":\"missing-key-pair-id\",\"x-privet-grant\":\"-\"}\n"),
        "{line}"
    );
}

/// Bidirectional formatting characters show a text in another order than it has.
#[test]
fn l3_json_has_no_marks_of_direction() {
    let mut record = record();
    record.user_agent =
        Some("\u{61c}\u{200e}\u{200f}\u{202a}\u{202e}\u{2066}\u{2069}\u{2010}\u{1f3ac}");
    let mut out = Vec::new();
    record.write_json(&mut out);
    let line = String::from_utf8(out).unwrap();
    assert!(
        line.contains("\"\\u061C\\u200E\\u200F\\u202A\\u202E\\u2066\\u2069\u{2010}\u{1f3ac}\""),
        "{line}"
    );
}

/// The live log is shown in terminals, which take U+009B for the beginning of a command.
#[test]
fn json_has_no_control_characters() {
    let mut record = record();
    record.user_agent = Some("\u{7f}\u{80}\u{9b}2J\u{9f}\u{a0}\u{c2}");
    let mut out = Vec::new();
    record.write_json(&mut out);
    let line = String::from_utf8(out).unwrap();
    assert!(
        line.contains("\"\\u007F\\u0080\\u009B2J\\u009F\u{a0}\u{c2}\""),
        "{line}"
    );
}

#[test]
fn files_are_named_by_the_hour() {
    assert_eq!(
        log_file_name("E1", Timestamp::from_secs(1_767_000_000), "a1b2c3d4"),
        "E1.2025-12-29-09.a1b2c3d4.gz"
    );
}
