use proptest::prelude::*;

use super::*;
use crate::link_mark::{Limited, LimitedId, LinkNonce, SubjectDigest};

const GOOD: &str =
    r#"{"Statement":[{"Resource":"r","Condition":{"DateLessThan":{"AWS:EpochTime":9}}}]}"#;

fn parse(text: &str) -> Result<Policy<'_>, PolicyError> {
    Policy::parse(text.as_bytes(), StatementForm::Array)
}

fn check_refused(from: &str, to: &str, expected: &str) {
    let text = GOOD.replace(from, to);
    assert_ne!(text, GOOD);
    let error = parse(&text).expect_err(&text).to_string();
    assert!(error.contains(expected), "{text}\n{error}");
}

#[test]
fn policies_are_read_strictly() {
    check_refused(
        "{\"Statement\"",
        "{\"Statement\":[],\"Statement\"",
        "there is no Statement",
    );
    check_refused("[{", "[[{", "expected a statement object");
    check_refused("}]}", "}],\"Statement\":[]}", "Statement occurs twice");
    check_refused(
        "\"Resource\":\"r\"",
        "\"Resource\":\"r\",\"Resource\":\"*\"",
        "Resource occurs twice",
    );
    check_refused(
        "\"Resource\":\"r\"",
        "\"Resource\":\"r\",\"Reso\\u0075rce\":\"*\"",
        "Resource occurs twice",
    );
    check_refused(
        "\"Resource\"",
        "\"resource\"",
        "not a name that a policy knows",
    );
    check_refused(
        "\"Resource\"",
        "\"NotResource\"",
        "not a name that a policy knows",
    );
    check_refused("\"r\"", "[\"r\"]", "got an array");
    check_refused("\"r\"", "null", "Resource as one string");
    check_refused("\"r\"", "1", "Resource as one string");
    check_refused(
        "\"Resource\"",
        "\"Sid\":1,\"Sid\":2,\"Resource\"",
        "Sid occurs twice",
    );
    check_refused(
        "\"Condition\"",
        "\"Conditions\"",
        "not a name that a policy knows",
    );
    check_refused(
        "\"Condition\"",
        "\"Condition\":{\"DateLessThan\":{\"AWS:EpochTime\":1}},\"Condition\"",
        "Condition occurs twice",
    );
    check_refused(
        "\"DateLessThan\":{",
        "\"StringLike\":{},\"DateLessThan\":{",
        "unknown condition StringLike",
    );
    check_refused(
        "\"DateLessThan\":{",
        "\"DateLessThan\":{\"AWS:EpochTime\":1},\"DateLessThan\":{",
        "occurs twice",
    );
    check_refused("AWS:EpochTime", "EpochTime", "expected AWS:EpochTime");
    check_refused(":9}", ":9,\"AWS:EpochTime\":9}", "occurs twice");
    check_refused("{\"AWS:EpochTime\":9}", "{}", "AWS:EpochTime is missing");
    check_refused("}]}", "}]} x", "trailing characters");
    check_refused("{\"Statement\"", "\u{feff}{\"Statement\"", "expected value");
}

/// Each of these names granted every file of every distribution that trusts the key.
#[test]
fn f9_misspelt_resources_are_refused() {
    for name in [
        "resource",
        "Resources",
        "Ressource",
        "Resource ",
        " Resource",
        "Resource\\u200b",
        "Resource\u{200b}",
        "Res\u{ad}ource",
        "R\u{435}source",
        "Resourcce",
        "Recource",
        "Resoruce",
        "ResourceUrl",
        "NotResource",
        "NotResources",
        "Not-Resource",
    ] {
        let quoted = format!("\"{name}\"");
        check_refused("\"Resource\"", &quoted, "not a name that a policy knows");
        let beside = format!("{quoted}:\"x\",\"Resource\"");
        check_refused("\"Resource\"", &beside, "not a name that a policy knows");
    }
    for name in [
        "Url",
        "URL",
        "Path",
        "Ressourcename",
        "Action",
        "Principal",
        "",
        "Id",
        "sid",
        "R",
    ] {
        let quoted = format!("\"{name}\"");
        let text = GOOD.replace("\"Resource\"", &quoted);
        assert!(parse(&text).is_err(), "{text}");
    }
    let all = |text: &str| {
        let text = GOOD.replace("\"Resource\":\"r\"", text);
        parse(&text).map(|policy| policy.resource.map(Cow::into_owned))
    };
    assert_eq!(all("\"Sid\":\"all of it\""), Ok(None));
    assert_eq!(all("\"Effect\":\"Allow\",\"Sid\":1"), Ok(None));
}

#[test]
fn f9_statements_that_deny_are_refused() {
    for effect in [
        "\"Deny\"",
        "\"allow\"",
        "\"Allow \"",
        "\"\"",
        "null",
        "true",
        "[\"Allow\"]",
        "{}",
    ] {
        let beside = format!("\"Effect\":{effect},\"Resource\"");
        let text = GOOD.replace("\"Resource\"", &beside);
        assert!(parse(&text).is_err(), "{text}");
    }
    for name in ["effect", "Effects", "Efect", "EFFECT", "Effect "] {
        let beside = format!("\"{name}\":\"Deny\",\"Resource\"");
        check_refused("\"Resource\"", &beside, "not a name that a policy knows");
    }
    check_refused(
        "\"Resource\"",
        "\"Effect\":\"Allow\",\"Effect\":\"Allow\",\"Resource\"",
        "Effect occurs twice",
    );
    assert!(parse(&GOOD.replace("\"Resource\"", "\"Effect\":\"Allow\",\"Resource\"")).is_ok());
}

#[test]
fn f9_misspelt_statements_and_conditions_are_refused() {
    for (name, near) in [
        ("Statement", "Statements"),
        ("Condition", "Conditions"),
        ("Condition", "Condtion"),
    ] {
        let quoted = format!("\"{name}\"");
        let beside = format!("\"{near}\":{{}},{quoted}");
        check_refused(&quoted, &beside, "not a name that a policy knows");
    }
    for name in [
        "DateLessThen",
        "dateLessThan",
        "DateLessThan ",
        "IpAdress",
        "NotIpAddress",
        "DateLessThanEquals",
    ] {
        let beside = format!("\"{name}\":{{}},\"DateLessThan\":{{");
        check_refused("\"DateLessThan\":{", &beside, "unknown condition");
    }
    for other in [
        "\"Version\":\"2012-10-17\"",
        "\"Id\":\"x\"",
        "\"Comment\":1",
    ] {
        let text = GOOD.replace("{\"Statement\"", &format!("{{{other},\"Statement\""));
        assert!(parse(&text).is_ok(), "{text}");
    }
}

#[test]
fn epochs_are_positive_integers() {
    for (epoch, expected) in [
        ("\"9\"", "must be an integer, got string"),
        ("9.5", "must be an integer"),
        ("9e3", "must be an integer"),
        ("0", "must be positive"),
        ("-9", "must be positive"),
        ("1767003600000", "looks like milliseconds"),
        ("253402300800", "out of range"),
        ("99999999999999999999", "must be an integer"),
        ("[9]", "without quotes"),
        ("true", "without quotes"),
        ("null", "without quotes"),
    ] {
        check_refused(":9}", &format!(":{epoch}}}"), expected);
    }
    assert!(parse(&GOOD.replace(":9}", ":253402300799}")).is_ok());
    let start = |epoch: &str| {
        GOOD.replace(
            "9}}",
            &format!("9}},\"DateGreaterThan\":{{\"AWS:EpochTime\":{epoch}}}}}"),
        )
    };
    assert_eq!(
        parse(&start("0")).map(|policy| policy.from),
        Ok(Some(Timestamp::from_secs(0)))
    );
}

#[test]
fn addresses_are_one_ipv4_range() {
    let with = |ip: &str| {
        GOOD.replace(
            "9}}",
            &format!("9}},\"IpAddress\":{{\"AWS:SourceIp\":{ip}}}}}"),
        )
    };
    for ip in [
        "\"2001:db8::/32\"",
        "\"10.0.0.1,10.0.0.2\"",
        "[\"10.0.0.1\"]",
        "{}",
        "\"\"",
    ] {
        assert_eq!(parse(&with(ip)), Err(PolicyError::SourceIp), "{ip}");
    }
    let range =
        parse(&with("\"10.1.2.3/8\"")).map(|policy| policy.ip.map(|range| range.to_string()));
    assert_eq!(range, Ok(Some("10.0.0.0/8".to_owned())));
}

#[test]
fn size_and_depth_are_bounded() {
    assert_eq!(parse(&" ".repeat(8193)), Err(PolicyError::TooLong(8193)));
    assert_eq!(parse(&"[".repeat(9)), Err(PolicyError::TooDeep));
    assert!(parse(&GOOD.replace("\"r\"", "\"[[[[[[[[[[{{{\"")).is_ok());
    assert!(parse(&GOOD.replace("\"Resource\"", "\"Sid\":[[[[1]]]],\"Resource\"")).is_ok());
    let longest = format!("{GOOD}{}", " ".repeat(8192 - GOOD.len()));
    assert!(parse(&longest).is_ok());
    assert_eq!(
        parse(&format!("{longest} ")),
        Err(PolicyError::TooLong(8193))
    );
}

/// The depth counts brackets that are open at once, outside of strings.
#[test]
fn brackets_in_strings_and_closed_ones_are_no_depth() {
    let with = |value: &str| GOOD.replace("\"Resource\"", &format!("\"Sid\":{value},\"Resource\""));
    let check = |value: &str, expected: Option<PolicyError>| {
        assert_eq!(parse(&with(value)).err(), expected, "{value}");
    };
    // A policy and its statement are three deep already.
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    check(&nested(6), Some(PolicyError::TooDeep));
    check(&nested(5), None);
    check(&format!("[{},{}]", nested(4), nested(4)), None);
    check(
        &format!("[{},{}]", nested(4), nested(5)),
        Some(PolicyError::TooDeep),
    );
    check(r#""[[[[[[[[[""#, None);
    check(r#""\"[[[[[[[[[""#, None);
    check(r#""\\","A":"[[[[[[[[[""#, None);
    check(
        &format!(r#"["\"",{}]"#, nested(5)),
        Some(PolicyError::TooDeep),
    );
    check(
        &format!(r#"["\\",{}]"#, nested(5)),
        Some(PolicyError::TooDeep),
    );
}

#[test]
fn a_statement_without_array_needs_leniency() {
    let object = GOOD.replace(['[', ']'], "");
    assert_eq!(parse(&object), Err(PolicyError::StatementObject));
    assert!(Policy::parse(object.as_bytes(), StatementForm::ArrayOrObject).is_ok());
}

#[test]
fn escapes_are_read_as_they_were_meant() {
    let resource = |text: &str| parse(text).map(|policy| policy.resource.map(Cow::into_owned));
    assert_eq!(
        resource(&GOOD.replace("\"r\"", r#""a\?b""#)),
        Ok(Some(r"a\?b".to_owned()))
    );
    assert_eq!(
        resource(&GOOD.replace("\"r\"", r#""a\\?b\u0026""#)),
        Ok(Some(r"a\?b&".to_owned()))
    );
    assert!(resource(&GOOD.replace("\"r\"", r#""a\xb""#)).is_err());
    assert_eq!(resource(&GOOD.replace("\"Resource\":\"r\",", "")), Ok(None));
}

#[test]
fn expiries_are_plain_digits() {
    for text in [
        "",
        "0",
        "01",
        "+1",
        "-1",
        " 1",
        "1.0",
        "abc",
        "253402300800",
        "1767003600000",
    ] {
        assert_eq!(canned_expiry(text), None, "{text}");
    }
    assert_eq!(canned_expiry("253402300799"), Some(Timestamp::MAX_EXPIRY));
}

#[test]
fn only_space_between_tokens_is_taken_out() {
    assert_eq!(
        minify("{ \"a b\" :\t\"\\\" \\\\\" ,\r\n1 }"),
        "{\"a b\":\"\\\" \\\\\",1}"
    );
}

/// Makes any mark that is not empty, or none.
fn mark() -> impl Strategy<Value = Option<LinkMark>> {
    use proptest::option;
    let limited = option::of(any::<([u8; 16], [u8; 16])>());
    let made = option::of(1..Timestamp::MAX_EXPIRY.as_secs());
    let parts = (limited, made, option::of(any::<[u8; 16]>()));
    parts.prop_map(|(limited, made, subject)| {
        let mark = LinkMark {
            limited: limited.map(|(id, nonce)| Limited {
                id: LimitedId::from_bytes(id),
                nonce: LinkNonce::from_bytes(nonce),
            }),
            made: made.map(Timestamp::from_secs),
            subject: subject.map(SubjectDigest::from_bytes),
        };
        Some(mark).filter(|mark| !mark.is_empty())
    })
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Policy::parse(&bytes, StatementForm::ArrayOrObject);
    }

    #[test]
    fn broken_policies_never_panic(text in r#"[\[\]{}",:\\?0-9a-z ]{0,80}"#, at in 0..80usize) {
        let mut policy = GOOD.to_owned();
        policy.insert_str(at, &text);
        let _ = parse(&policy);
    }

    #[test]
    fn what_is_written_is_read(
        resource in any::<String>(),
        until in 1..1000u64,
        from in proptest::option::of(0..1000u64),
        mark in mark(),
    ) {
        let policy = Policy {
            resource: Some(Cow::Owned(resource)),
            until: Timestamp::from_secs(until),
            from: from.map(Timestamp::from_secs),
            ip: None,
            mark: mark.map(Arc::new),
        };
        let text = custom_text(&policy);
        prop_assert_eq!(parse(&text), Ok(policy.clone()));
    }
}
