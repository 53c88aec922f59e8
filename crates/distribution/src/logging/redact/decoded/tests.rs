use super::*;
use proptest::prelude::*;

fn of(text: &str) -> Decoded<'_> {
    Decoded::of(text, &mut Budget::of(text)).unwrap()
}

fn by_levels(text: &str) -> Decoded<'_> {
    Decoded::by_levels(text, &mut Budget::of(text)).unwrap()
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(
        of(text).bytes,
        expected.replace('\u{fffd}', "\u{0}").as_bytes(),
        "{text}"
    );
}

#[test]
fn what_is_no_escape_stays() {
    for text in [
        "", "%", "%4", "%zz", "\\", "\\u00", "\\u00zz", "\\x4", "\\8", "&", "&;", "&#;", "&#x;",
        "&amp", "&a-b;", "&1a;", "{}", "a\\u{}b", "&#61", "é",
    ] {
        let expected = text.replace("&#61", "=");
        check(text, &expected);
    }
}

#[test]
fn every_spelling_of_an_equals_sign_is_read() {
    for text in [
        "%3D",
        "%3d",
        "%253D",
        "%25253d",
        "%%33D",
        "%3%44",
        "%u003d",
        "\\u003D",
        "\\\\u003D",
        "\\U0000003D",
        "\\u{3d}",
        "\\u{00003d}",
        "\\x3d",
        "\\x{3d}",
        "\\o{75}",
        "\\u{0000000000000000000000000000003d}",
        "&#x0000000000000000000000000000003d;",
        "&#0000000000000000000000000000061;",
        "\\u&lcub;3d&rcub;",
        "&amp;#61&semi;",
        "\\075",
        "&#61;",
        "&#061;",
        "&#0000061;",
        "&#x3D;",
        "&#X3d;",
        "&equals;",
        "&EQUALS;",
        "&#61",
        "%26%2361%3B",
        "&amp;#61;",
        "&amp;amp;#61;",
        "&#37;3D",
        "\\u00253D",
        "%5Cu003d",
        "\\u005cu003d",
    ] {
        let backslash = if text.starts_with("\\\\") { "\\" } else { "" };
        check(&format!("a{text}.b"), &format!("a{backslash}=.b"));
        check(text, &format!("{backslash}="));
    }
}

#[test]
fn f8_entities_of_any_name_are_read() {
    for name in [
        "zwj",
        "shy",
        "ZeroWidthSpace",
        "nosuch",
        "frac12",
        "CounterClockwiseContourIntegral",
    ] {
        assert_eq!(of(&format!("a&{name};b")).bytes, b"a\x80b");
        assert_eq!(by_levels(&format!("a&{name};b")).bytes, b"a\x80b");
    }
    check("&UnderBar;&lowbar;", "__");
    let long = format!("&{};", "a".repeat(40));
    check(&long, &long);
}

#[test]
fn f8_zeros_take_no_longer_than_their_length() {
    for mark in ["&#", "&#x", "\\u{"] {
        let zeros = format!("{mark}{}", "0".repeat(200_000)).repeat(2);
        assert!(of(&zeros).bytes.len() < 20);
        assert!(by_levels(&zeros).bytes.len() <= zeros.len());
    }
    let zeros = format!("\\u{{{}5a}}", "0".repeat(1000));
    assert_eq!(by_levels(&zeros).bytes, b"Z");
}

#[test]
fn entities_without_an_end_are_read_in_both_ways() {
    let nested = "&#38;&#35;&#120;&#52;&#68;&#59;";
    assert_eq!(of(nested).bytes, b"M");
    let open = "&#53&#54&#x41&#x42.";
    assert_eq!(by_levels(open).bytes, b"56AB.");
    // A text full of entities is decoded in a loop, not recursively.
    let many = "&#65".repeat(50_000);
    assert_eq!(of(&many).bytes.len(), 50_000);
    assert_eq!(by_levels(&many).bytes.len(), 50_000);
}

#[test]
fn escaped_characters_outside_ascii_are_one_byte() {
    for text in ["\\u20ac", "%u20AC", "&#8364;", "&nbsp;", "\\u{1f600}"] {
        assert_eq!(of(text).bytes, [FOREIGN], "{text}");
    }
    assert_eq!(of("%C3%A9").bytes, "é".as_bytes());
}

#[test]
fn places_cover_whole_escapes() {
    let decoded = of("a%2541b&#67;d");
    assert_eq!(decoded.bytes, b"aAbCd");
    assert_eq!(decoded.place(&(1..2)), 1..6);
    assert_eq!(decoded.place(&(3..4)), 7..12);
    assert_eq!(decoded.place(&(4..5)), 12..13);
}

proptest! {
    /// The position of each byte is known, and positions are in order.
    #[test]
    fn any_text_is_read(text in "([%\\\\&#;{}xuU]|[0-9a-f]|amp|é|\\PC){0,40}") {
        let decoded = of(&text);
        prop_assert_eq!(decoded.bytes.len(), decoded.starts.len());
        prop_assert!(decoded.starts.is_sorted());
    }
}
