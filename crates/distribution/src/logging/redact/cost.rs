//! Tests of the cost of redaction, and of texts that cost too much.

use super::embedded::{Hints, Scope, steps};
use super::{redact_cookies, redact_links, redact_query, redact_url, redact_viewer_text};

/// Parts of escapes, credentials and lists.
const INGREDIENTS: [&str; 40] = [
    "&a",
    "\\&a",
    "&%",
    "%",
    "\\",
    "&",
    "&#",
    "&#6",
    "&#65",
    "%25",
    "\\u",
    "\\u{0",
    "&#x4",
    "{",
    "}",
    ";",
    "Signature= ",
    "signature=",
    "Policy=a ",
    "~S1",
    "/~S1a",
    "=",
    "A1b",
    "41",
    "4 ",
    "77,",
    "&amp;",
    "&a;",
    "\u{ff21}",
    "%EF%BC%A1",
    "0x41,",
    "1.2.3.4, ",
    "ab:cd:",
    "1234567890,",
    "A b C 1 ",
    "signature= A1b",
    "Signature=redacted ",
    "Signature=grant:0123456789abcdef ",
    "AbC1dE2fG3hI4jK5lM6nO7pQ8rS9tU0v.",
    "0123456789abcdef0123456789abcdef0123456789abcdef.",
];
const TEXT_SIZE_BYTES: usize = 32 * 1024;

/// Returns a credential in nested entities, each of which must be undone before the next is visible.
fn nested(depth: usize) -> String {
    let core = "Ab3Qz9Xy7K".repeat(12);
    let zeros = "0".repeat(66);
    (0..depth).fold(core, |inner, _| format!("{zeros}&{inner};{zeros}"))
}

/// Returns a text that made redaction slow, completed with `filling`.
fn dear(filling: &str, depth: usize) -> String {
    let commas = ",".repeat(21);
    let begin = format!(
        "&#65 |%{}41|{commas}{}{commas}",
        "25".repeat(140),
        nested(depth)
    );
    let count = (TEXT_SIZE_BYTES - begin.len()) / filling.len();
    format!("{begin}{}", filling.repeat(count))
}

/// Returns texts of each ingredient and each pair: repeated, one after the other, and after nested entities.
fn families() -> impl Iterator<Item = String> {
    let filled = |text: &str, size_bytes: usize| text.repeat(size_bytes / text.len());
    INGREDIENTS
        .into_iter()
        .enumerate()
        .flat_map(move |(at, one)| {
            let alone = [0, 1, 3, 5, 9, 14].map(|depth| dear(one, depth));
            let pairs = INGREDIENTS
                .into_iter()
                .enumerate()
                .flat_map(move |(second, two)| {
                    let both = format!("{one}{two}");
                    let halves = [one, two].map(|text| filled(text, TEXT_SIZE_BYTES / 2));
                    match (at + second) % 3 {
                        0 => [filled(&both, TEXT_SIZE_BYTES)],
                        1 => [halves.concat()],
                        _ => [dear(&both, 9)],
                    }
                });
            alone.into_iter().chain(pairs)
        })
}

/// Texts of 19 KB took 190 ms. Steps are counted here instead of time.
#[test]
fn f8_no_text_costs_more_than_its_length_permits() {
    // A debug build is too slow for all of them.
    for text in families().step_by(17) {
        let spent = steps(&text, Scope::Anything, Hints::default());
        assert!(spent.steps <= spent.steps_max, "{text:.100}");
        let redacted = redact_viewer_text(&text);
        assert!(!spent.is_over || redacted == "redacted", "{text:.100}");
        assert!(!redacted.contains(&nested(0)), "{text:.100}");
    }
}

/// The texts are fixed: each of them exceeds the budget.
#[test]
fn f8_what_costs_too_much_is_redacted_altogether() {
    for text in ["\\&a", "&a", "&%"].map(|filling| dear(filling, 14)) {
        assert_eq!(redact_viewer_text(&text), "redacted");
        assert_eq!(redact_query(&text), "redacted");
        assert_eq!(redact_cookies(&text), "redacted");
        assert_eq!(redact_url(&text), "redacted");
    }
}

#[test]
fn f8_what_is_never_ready_is_redacted_altogether() {
    for depth in 0..24 {
        let redacted = redact_viewer_text(&nested(depth)).into_owned();
        assert_eq!(redact_viewer_text(&redacted), redacted, "{depth}");
        assert!(!redacted.contains(&nested(0)), "{depth}");
    }
    // More levels than anybody makes, in a text that has to be read level by level.
    let deep = format!("Signature=a &#65 %{}41", "25".repeat(40));
    assert_eq!(redact_viewer_text(&deep), "redacted");
}

#[test]
fn f8_a_header_that_costs_too_much_reaches_no_origin() {
    let text = format!("https://h/a?{}", dear("&%", 14));
    assert_eq!(redact_links(&text), None);
}

#[test]
fn f8_ordinary_texts_cost_little() {
    let signature = "Ab3-~".repeat(68) + "AA__";
    for text in [
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
        "https://www.example.com/videos/summer-holiday?lang=de&page=2&title=Summer%20Holiday",
        "/videos/2026/summer-holiday/hls/1080p/segment-00012.m4s",
    ] {
        assert_eq!(
            steps(text, Scope::Anything, Hints::default()).steps,
            0,
            "{text}"
        );
    }
    let link =
        format!("https://h/a%3FExpires=1%26Signature={signature}%26Key-Pair-Id=K2JCJMDEHXQW5F");
    let spent = steps(&link, Scope::Anything, Hints::default());
    assert!(spent.steps * 2 < spent.steps_max, "{}", spent.steps);
}
