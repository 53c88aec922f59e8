//! Forms that are refused, and those that browsers send.

use super::policy::{self, FormPolicyError};
use super::*;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

const TYPE: &str = "multipart/form-data; boundary=xx";

/// Reads a form whose bytes arrive `step` at a time.
fn read(body: &[u8], step: usize) -> Result<(Fields, Vec<u8>), FormError> {
    let mut reader = FormReader::new(TYPE)?;
    let mut fields = Fields::default();
    let mut file = Vec::new();
    for bytes in body.chunks(step) {
        reader.feed(bytes)?;
        loop {
            match reader.next()? {
                Found::Fields(found) => fields = found,
                Found::File(piece) => file.extend_from_slice(&piece),
                Found::End => {}
                Found::More => break,
            }
        }
    }
    reader.finish()?;
    Ok((fields, file))
}

/// Fields in order, and the file.
type Form<'a> = (&'a [(&'a str, &'a str)], &'a str);

#[track_caller]
#[expect(
    clippy::needless_pass_by_value,
    reason = "a case is written as a value"
)]
fn check(body: &str, expected: Result<Form<'_>, FormError>) {
    for step in [1, 7, body.len().max(1)] {
        let read = read(body.as_bytes(), step);
        let expected = expected.clone().map(|(fields, file)| {
            let fields = fields.iter();
            let fields: Vec<(String, String)> = fields
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            (fields, file.as_bytes().to_vec())
        });
        assert_eq!(
            read.map(|(fields, file)| (fields.values, file)),
            expected,
            "{step}"
        );
    }
}

fn field(name: &str, value: &str) -> String {
    format!("--xx\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

const FILE: &str =
    "--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n";

#[test]
fn broken_forms_are_refused() {
    for kind in [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=a\u{e9}",
    ] {
        assert_eq!(FormReader::new(kind).err(), Some(FormError::Boundary));
    }
    check("", Err(FormError::Incomplete));
    check("--xx--\r\n", Err(FormError::NoFile));
    check("--xxzz", Err(FormError::Malformed));
    check(&field("key", "a"), Err(FormError::Incomplete));
    check(&(field("key", "a") + "--xx--"), Err(FormError::NoFile));
    check(
        &(field("key", "a") + &field("KEY", "b")),
        Err(FormError::Twice("key".to_owned())),
    );
    check(&format!("{FILE}never ends"), Err(FormError::Incomplete));
    check(
        "--xx\r\nContent-Type: text/plain\r\n\r\na\r\n--xx",
        Err(FormError::Malformed),
    );
    check(&field("key", &"a".repeat(30_000)), Err(FormError::TooLarge));
    check(&"x".repeat(30_000), Err(FormError::Malformed));
}

#[test]
fn a_file_follows_its_fields() {
    let form = format!(
        "{}{FILE}a\r\n--x\r\n\r\n--xx--\r\n",
        field("Key", "u/${filename}")
    );
    check(&form, Ok((&[("key", "u/${filename}")], "a\r\n--x\r\n")));
    check(&format!("{FILE}\r\n--xx--"), Ok((&[], "")));
    let (fields, _) = read(format!("{FILE}a\r\n--xx--").as_bytes(), 3).unwrap();
    assert_eq!(fields.filename, "a.txt");
}

#[track_caller]
fn policy(conditions: &str, values: &[(&str, &str)], expected: &str) {
    let text = format!(r#"{{"expiration":"2026-12-01T12:00:00Z","conditions":[{conditions}]}}"#);
    let fields = Fields {
        values: values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..Fields::default()
    };
    let now = "2026-12-01T11:59:59Z"
        .parse::<jiff::Timestamp>()
        .unwrap()
        .as_second();
    let shown = match policy::check(&BASE64_STANDARD.encode(text), &fields, "photos", now) {
        Ok(sizes) => format!("{sizes:?}"),
        Err(error) => error.to_string(),
    };
    assert!(shown.contains(expected), "{shown}");
}

#[test]
fn a_policy_holds_for_everything_that_is_sent() {
    let fields = Fields::default();
    let check =
        |text: &str, now| policy::check(&BASE64_STANDARD.encode(text), &fields, "photos", now);
    assert!(matches!(check("{}", 0), Err(FormPolicyError::Malformed(_))));
    assert!(matches!(
        check(r#"{"expiration":"tomorrow","conditions":[]}"#, 0),
        Err(FormPolicyError::Malformed(_))
    ));
    let text = r#"{"expiration":"1970-01-01T00:01:00Z","conditions":[{"bucket":"photos"}]}"#;
    assert_eq!(check(text, 60), Err(FormPolicyError::Expired));
    assert_eq!(check(text, 59), Ok(0..=u64::MAX));
    let bucket = r#"{"bucket":"photos"}"#;
    policy("", &[], "Extra input fields: bucket");
    policy(r#"{"bucket":"other"}"#, &[], "Condition failed");
    policy(bucket, &[("bucket", "other")], "Condition failed");
    policy(bucket, &[("key", "a")], "Extra input fields: key");
    policy(
        &format!(r#"{bucket},["starts-with","$key","u/"]"#),
        &[("key", "v/a")],
        "Condition failed",
    );
    policy(
        &format!(r#"{bucket},["starts-with","$key","u/"]"#),
        &[],
        "Condition failed",
    );
    policy(
        &format!(r#"{bucket},["ends-with","$key","u/"]"#),
        &[("key", "a")],
        "not understood",
    );
    policy(
        &format!(r#"{bucket},["eq","key","u/"]"#),
        &[("key", "a")],
        "not understood",
    );
    policy(
        &format!(r#"{bucket},["content-length-range",-1,5]"#),
        &[],
        "not understood",
    );
    policy(
        &format!(
            r#"{bucket},["starts-with","$key","u/"],["content-length-range",1,5],["eq","$ACL","private"]"#
        ),
        &[
            ("key", "u/a"),
            ("acl", "private"),
            ("x-ignore-me", "1"),
            ("policy", "p"),
        ],
        "1..=5",
    );
}

fn fields(filename: &str, values: &[(&str, &str)]) -> Fields {
    let values = values.iter();
    Fields {
        values: values
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        filename: filename.to_owned(),
    }
}

/// What cannot be stored is not left out: the policy was held against the whole form.
#[test]
fn a_field_that_cannot_be_a_header_field_is_refused() {
    for (name, value) in [
        ("content-type", "image/png\r\n"),
        ("content-type", "image/png\nx: y"),
        ("x-amz-acl", "private\0"),
        ("x-amz-meta-a b", "c"),
        ("x-amz-meta-\u{e9}", "c"),
    ] {
        let refused = fields("", &[(name, value)]).stored().unwrap_err();
        assert_eq!(refused, FormError::Unsendable(name.to_owned()));
    }
    let twice = fields("", &[("acl", "private"), ("x-amz-acl", "public-read")]);
    assert_eq!(
        twice.stored(),
        Err(FormError::Twice("x-amz-acl".to_owned()))
    );
    let form = fields(
        "",
        &[("key", "a\n"), ("policy", "x"), ("content-type", "a/b")],
    );
    let stored = form.stored().unwrap();
    assert_eq!(stored.len(), 1);
    assert_eq!(stored["content-type"], "a/b");
}

/// No policy covers what the file's part says of itself.
#[test]
fn the_type_of_the_files_part_is_nobodys() {
    let form = "--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\nContent-Type: text/html\r\n\r\n\
                \r\n--xx--";
    let (fields, _) = read(form.as_bytes(), 1000).unwrap();
    assert!(fields.stored().unwrap().is_empty());
}

/// The policy is about the key that the object gets.
#[test]
fn the_files_name_is_in_the_key_before_the_policy_is_read() {
    let check = |filename: &str, condition: &str| {
        let text = format!(
            r#"{{"expiration":"2026-12-01T12:00:00Z","conditions":[{{"bucket":"photos"}},{condition}]}}"#
        );
        let form = fields(filename, &[("key", "u/${filename}")]);
        policy::check(&BASE64_STANDARD.encode(text), &form, "photos", 0).is_ok()
    };
    assert!(!check("a.txt", r#"{"key":"u/${filename}"}"#));
    assert!(!check("b.txt", r#"["starts-with","$key","u/a"]"#));
    assert!(check("a.txt", r#"["starts-with","$key","u/a"]"#));
    assert!(check("C:\\x\\a.txt", r#"{"key":"u/a.txt"}"#));
    assert!(check("../../a.txt", r#"{"key":"u/a.txt"}"#));
    assert!(check("", r#"{"key":"u/"}"#));
}
