use super::*;
use crate::logging::redact::redact_viewer_text;
use proptest::prelude::*;

/// Returns a text as long as an RSA signature, in either alphabet.
fn signature(standard: bool) -> String {
    let text = "Ab3-~".repeat(68) + "AA__";
    if standard {
        text.replace('-', "+").replace('~', "/").replace('_', "=")
    } else {
        text
    }
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(redact_viewer_text(text), expected, "{text}");
    assert_eq!(redact_viewer_text(expected), expected, "twice");
}

/// Checks that `SIGNATURE` in `text` is replaced by its label, which is the same in every form.
#[track_caller]
fn check_signature(text: &str) {
    let name = label(&signature(false));
    assert!(name.starts_with("grant:"));
    for standard in [false, true] {
        let value = signature(standard);
        check(
            &text.replace("SIGNATURE", &value),
            &text.replace("SIGNATURE", &name),
        );
        let encoded = value.replace('+', "%2B").replace('/', "%2f");
        let encoded = encoded.replace('=', "%3D").replace('~', "%7E");
        check(
            &text.replace("SIGNATURE", &encoded),
            &text.replace("SIGNATURE", &name),
        );
        let twice = encoded.replace('%', "%25");
        check(
            &text.replace("SIGNATURE", &twice),
            &text.replace("SIGNATURE", &name),
        );
    }
}

#[test]
fn links_with_an_encoded_query_are_redacted() {
    check_signature("/private/a.txt%3FExpires=1%26Signature=SIGNATURE");
    check_signature("/private/a.txt%3fExpires%3d1%26Signature%3dSIGNATURE%26Key-Pair-Id%3dK1");
    check_signature(
        "/private/a.txt%253FExpires%253D1%2526Signature%253DSIGNATURE%2526Key-Pair-Id%253DK1",
    );
}

#[test]
fn links_within_links_are_redacted() {
    check_signature(
        "https://x/?next=https%3A%2F%2Fh%2Fa%3FExpires%3D1%26Signature%3DSIGNATURE&b=%20",
    );
    check_signature("curl (https://h/a?Signature=SIGNATURE) é");
    check_signature("https://h/a?Signature=SIGNATURE, 192.0.2.1");
    check_signature("{\"u\":\"https://h/a?b\\u0026Signature=SIGNATURE\"}");
}

#[test]
fn names_may_be_escaped() {
    check_signature("/a%3F%53ignature=SIGNATURE");
    check_signature("/a%3FSignatur%65%3DSIGNATURE");
    check_signature("/a%3FSi%2567nature%253DSIGNATURE");
    check_signature("/a?%25%35%33ignature=SIGNATURE");
    check_signature("/a?%%35%33ignature=SIGNATURE");
}

#[test]
fn misspelt_names_of_long_values_are_redacted() {
    check_signature("/a%3Fsignature=SIGNATURE");
    check_signature("/a%3FxSIGNature%3DSIGNATURE");
}

#[test]
fn spaces_that_were_plus_signs_are_redacted() {
    let value = signature(true).replace('+', " ");
    let name = label(&signature(true));
    check(
        &format!("a Signature={value}. b"),
        &format!("a Signature={name}. b"),
    );
    check("a Signature=abcde. b", "a Signature=redacted. b");
    check("a Signature=@ b", "a Signature=@ b");
    check("a Signature=abcde b", "a Signature=redacted b");
}

#[test]
fn policies_bear_the_name_of_the_signature() {
    let value = signature(false);
    let name = label(&value);
    check(
        &format!("/a%3FPolicy=e30_%26Signature%3D{value}%26Key-Pair-Id=K1"),
        &format!("/a%3FPolicy={name}%26Signature%3D{name}%26Key-Pair-Id=K1"),
    );
    check("/a%3FPolicy=e30_", "/a%3FPolicy=redacted");
    let hints = Hints {
        policy_label: Some("grant:0123456789abcdef"),
        cuts: &[],
    };
    let given = redact_text("next=Policy%3De30_", Scope::Anything, hints);
    assert_eq!(given.unwrap(), "next=Policy%3Dgrant:0123456789abcdef");
}

#[test]
fn several_signatures_have_their_own_names() {
    let values = ["AAEC", "AAED"].map(|text| text.repeat(21) + "AA");
    let [one, two] = [label(&values[0]), label(&values[1])];
    assert_ne!(one, two);
    check(
        &format!("Signature={} Signature={}", values[0], values[1]),
        &format!("Signature={one} Signature={two}"),
    );
}

#[test]
fn what_is_no_credential_stays() {
    for text in [
        "",
        "/private/a.txt",
        "/a%20b/%E2%82%AC%3Fa%3Db",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "/Signature/Policy/%53ignature",
        "xPolicy=1&policy=2&%zz=3&Signature",
        "Signature=",
        "Signature%3D%26",
        "%",
        "%4",
        "=%25",
        "é=%C3%A9=é",
    ] {
        check(text, text);
    }
}

/// A text with many levels takes no more time than its length permits.
#[test]
fn deep_escapes_are_undone_in_one_pass() {
    let deep = format!("/a%3FSignature%{}3Dabcde", "25".repeat(50_000));
    assert!(redact_viewer_text(&deep).ends_with("3Dredacted"));
}

proptest! {
    /// Cuts fall between characters, and a second pass finds nothing more.
    #[test]
    fn any_text_can_be_redacted(pieces in prop::collection::vec(
        "(Signature|policy|Policy|=|%|%25|%3D|5|3|é|%C3|grant:|redacted|&| |,|<br>|(77,){30,90}|\\?|[a-f0-9]{20,80}|=[A-Za-z0-9]{10,90}|[0-9]{1,3}[.:]|&#[0-9]{2}|&zwj;|[A-Za-z0-9+/~_-]{0,70}|\\PC)", 0..12,
    )) {
        let once = redact_viewer_text(&pieces.concat()).into_owned();
        prop_assert_eq!(redact_viewer_text(&once), once.as_str());
    }
}

#[test]
fn path_tokens_are_redacted() {
    let token = format!("S1{}", "Ab3-_".repeat(40));
    for text in [
        "/~TOKEN/a.mp4/hls/t1/1.m4s",
        "/%7ETOKEN/a.mp4",
        "/%7eTOKEN",
        "https://h.de/~TOKEN/a.mp4?x=1&y=~",
        "https%3A%2F%2Fh.de%2F%257ETOKEN%2Fa.mp4",
        "next=/~TOKEN/a&back=/~TOKEN/b",
    ] {
        check(
            &text.replace("TOKEN", &token),
            &text.replace("TOKEN", "REDACTED"),
        );
    }
    // A token that is escaped itself.
    let escaped = format!("/~{}/a", token.replacen("S1", "%531", 1));
    check(&escaped, "/~REDACTED/a");
    for other in ["/~anna/a.mp4", "/~S1/a", "/~S1abc/a", "S1", "/~REDACTED/a"] {
        check(other, other);
    }
    for text in [
        "TOKEN",
        "~~TOKEN",
        "x=~TOKEN",
        "https://TOKEN.videos.example/a",
        "\"TOKEN\"",
        "TOKEN/a",
    ] {
        let redacted = redact_viewer_text(&text.replace("TOKEN", &token)).into_owned();
        assert!(!redacted.contains(&token[..60]), "{redacted}");
    }
}

/// Each of these once left a whole signature in the log.
#[test]
fn f8_signatures_are_redacted_however_their_name_is_written() {
    check_signature("{\"a\": \"b\", \"Signature\": \"SIGNATURE\"}");
    check_signature("?a=1\\u0026Signature\\u003dSIGNATURE\\u0026b");
    check_signature("Signature:SIGNATURE");
    check_signature("Signature: SIGNATURE,");
    check_signature("Signature[]=SIGNATURE");
    check_signature("Signature&#61;SIGNATURE&#38;b");
    check_signature("Signature&equals;SIGNATURE&amp;b");
    check_signature("Signature%5B%5D=SIGNATURE");
    check_signature("SIGNATURE");
    check_signature("<a>SIGNATURE</a>");
    check_signature("sig=SIGNATURE");
    for text in [
        "Signature = SIGNATURE",
        "Signature=+SIGNATURE",
        "a/SIGNATURE/b",
        "SIGNATURESIGNATURE",
    ] {
        let redacted =
            redact_viewer_text(&text.replace("SIGNATURE", &signature(false))).into_owned();
        assert!(!redacted.contains(&signature(false)[..60]), "{redacted}");
    }
}

#[test]
fn f8_signatures_are_redacted_however_they_are_broken_or_escaped() {
    let value = signature(true);
    let each = |write: &dyn Fn(u32) -> String| -> String {
        value.chars().map(|digit| write(u32::from(digit))).collect()
    };
    let lines = |between: &str| {
        let pieces: Vec<&str> = value
            .as_bytes()
            .chunks(76)
            .filter_map(|line| str::from_utf8(line).ok())
            .collect();
        pieces.join(between)
    };
    for text in [
        each(&|digit| format!("%{digit:02X}")),
        each(&|digit| format!("%25{digit:02x}")),
        each(&|digit| format!("%u{digit:04x}")),
        each(&|digit| format!("\\u{digit:04x}")),
        each(&|digit| format!("\\x{digit:02x}")),
        each(&|digit| format!("\\{digit:03o}")),
        each(&|digit| format!("&#{digit};")),
        each(&|digit| format!("&#x{digit:x};")),
        each(&|digit| format!("&amp;#{digit};")),
        each(&|digit| format!("{digit:02x}")),
        each(&|digit| format!("={digit:02X}")),
        lines("\n"),
        lines("\r\n "),
        lines("%0A"),
        lines("%0D%0A"),
        lines("\\n"),
        lines("=\r\n"),
        lines("\u{200b}"),
        value.replace('/', "\\/"),
    ] {
        for around in [
            "TEXT",
            "{\"Signature\":\"TEXT\"}",
            "Signature=TEXT",
            "/a?Signature%3DTEXT%26b",
            "x TEXT y",
        ] {
            let redacted = redact_viewer_text(&around.replace("TEXT", &text)).into_owned();
            assert!(redacted.len() < around.len() + 40, "{redacted}");
        }
    }
}

#[test]
fn f8_pieces_are_found_of_the_shortest_signatures_and_among_words() {
    let value = "MEQCIF4vJ8Zx0bq9Ytk1WmSl6UdRp3oN7cAhGe2yQsKfTzXuAiBv5LwMjDiCrEgPaHnO4tBqVyFxZ8k1RmSl6UdRp3oN7A";
    for length in [47, 60, 70] {
        let (one, two) = value.split_at(length);
        for text in [
            format!("{one},{two}"),
            format!("a b c d e f {one}<br>{two} a b c d e f"),
        ] {
            let redacted = redact_viewer_text(&text).into_owned();
            assert!(
                !redacted.contains(&one[..40]) && !redacted.contains(two),
                "{redacted}"
            );
        }
    }
}

/// Long texts of the most expensive parts take no more time than their length permits.
#[test]
fn f8_long_lists_and_many_pieces_are_read_in_one_pass() {
    let piece = "MEQCIF4vJ8Zx0bq9Ytk1WmSl6UdRp3oN7cAhGe2yQsKf";
    let lists = "7 ".repeat(200_000);
    let pieces = format!("{piece},").repeat(5_000);
    let apart = format!("{piece}.................,").repeat(5_000);
    let entities = "&a".repeat(200_000);
    assert_eq!(redact_viewer_text(&lists), "redacted ");
    assert!(!redact_viewer_text(&pieces).contains(piece));
    assert_eq!(redact_viewer_text(&apart), apart);
    assert_eq!(redact_viewer_text(&entities), entities);
}

/// Each of these once left a whole signature, or a long rest of it, in the log.
#[test]
fn f8_signatures_are_redacted_however_they_are_listed_or_cut() {
    let value = signature(true);
    let each = |write: &dyn Fn(u32) -> String, between: &str| -> String {
        let numbers: Vec<_> = value.bytes().map(|byte| write(byte.into())).collect();
        numbers.join(between)
    };
    let cut = |length: usize, between: &str| {
        let pieces = value.as_bytes().chunks(length);
        let pieces: Vec<_> = pieces
            .filter_map(|piece| str::from_utf8(piece).ok())
            .collect();
        pieces.join(between)
    };
    let decimal = |byte: u32| byte.to_string();
    let hexadecimal = |byte: u32| format!("{byte:02x}");
    let character = |byte: u32| char::from_u32(byte).unwrap_or_default().to_string();
    let mut texts = vec![
        each(&decimal, ","),
        each(&decimal, ", "),
        each(&decimal, ")||CHAR("),
        each(&decimal, ")+String.fromCharCode("),
        each(&decimal, "%2C"),
        each(&hexadecimal, ":"),
        each(&hexadecimal, ","),
        each(&hexadecimal, " "),
        each(&|byte| format!("0x{byte:x}"), ","),
        each(&|byte| format!("\\o{{{byte:o}}}"), ""),
        each(&|byte| format!("\\u{{{byte:040x}}}"), ""),
        each(&|byte| format!("&#{byte:040};"), ""),
        each(&|byte| format!("&#x{byte:040x};"), ""),
        each(&character, "&zwj;"),
        each(&character, "&shy;"),
        each(&character, "&ZeroWidthSpace;"),
        value.replace('_', "&UnderBar;"),
    ];
    for between in [",", ".", "\"+\"", "<br>", ":", ";", "|", "\", \"", "%2C"] {
        texts.extend([60, 75, 85, 90, 120].map(|length| cut(length, between)));
    }
    for text in texts {
        for around in [
            "TEXT",
            "{\"Signature\":\"TEXT\"}",
            "Signature=TEXT",
            "x [TEXT] y",
        ] {
            let redacted = redact_viewer_text(&around.replace("TEXT", &text)).into_owned();
            assert!(!redacted.contains(&text[..40]), "{redacted}");
            assert!(redacted.len() < around.len() + 160, "{redacted}");
            assert_eq!(redact_viewer_text(&redacted), redacted, "twice");
        }
    }
}

#[test]
fn f8_names_and_prose_stay_readable() {
    for text in [
        "/objects/3f2b8a10-77aa-4c1e-9b1f-0c5d8e6f7a90/3F2B8A10-77AA-4C1E-9B1F-0C5D8E6F7A90.bin,v1",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/138.0.7204.119 Mobile/15E148 Safari/604.1 (compatible; ExampleBot/2.1; +https://www.example.com/bots/about-our-crawler.html)",
        "{\"firstName\":\"Maximilian\",\"lastName\":\"Example\",\"streetAddress\":\"1 Long Street\",\"postalCode\":\"12345\",\"favoriteColours\":[\"Red\",\"Green\"]}",
        "Here Is A Title Of Many Words In Which Each Has A Capital Letter, And Then Another One Which Is Just As Long As The First",
        "https://h.example/watch?v=dQw4w9WgXcQ&list=PLrAXtmErZgOeiKm4sgNOknGvNjby9efdf&index=12&t=30s",
        "198.51.100.7, 203.0.113.9, 192.0.2.1, 198.51.100.8, 2001:db8:85a3:8d3:1319:8a2e:370:7348",
    ] {
        check(text, text);
    }
    let around = "a=1&Signature=SIGNATURE&Key-Pair-Id=K2JCJMDEHXQW5F&Expires=1767003600";
    check_signature(around);
}
