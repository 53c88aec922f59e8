use super::*;
use crate::logging::redact::runs::{may_have_run, runs};
use proptest::prelude::*;

fn has_credential(text: &[u8]) -> bool {
    let budget = &mut Budget::of(&"x".repeat(text.len()));
    let profile = Profile::of(text, budget).unwrap();
    let mut is_found = |run| profile.may_be_credential(&run, budget).unwrap();
    runs(text).any(&mut is_found)
}

#[track_caller]
fn check(text: &str, expected: bool) {
    let is_found = has_credential(text.as_bytes());
    assert_eq!(is_found, expected, "{text}");
    assert!(may_have_run(text.as_bytes()) || !is_found, "{text}");
}

#[test]
fn names_of_files_are_no_credentials() {
    let sha512 = "0123456789abcdef".repeat(8);
    for text in [
        "",
        "/a.txt",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
        "/videos/2026/summer-holiday-at-the-seaside/some_long_name_of_a_folder/and/another/one/that/goes/on/and/on/for/more/than/a/hundred",
        "/Content/Media/Products/2026/WinterCollection/HighResolution/FrontView/Closeup/Model/Blue/ExtraLarge/Original",
        "/objects/3f2b8a10-77aa-4c1e-9b1f-0c5d8e6f7a90/versions/3f2b8a10-77aa-4c1e-9b1f-0c5d8e6f7a90/thumbnail",
        "The quick brown fox jumps over the lazy dog and goes on with that for a while until a line of a hundred is full",
        &sha512,
        &sha512.to_uppercase(),
        &format!("/{sha512}/talk"),
        &"-".repeat(500),
        &"z".repeat(500),
        &format!("/{}", "long-words-in-small-letters/".repeat(20)),
    ] {
        check(text, false);
    }
}

#[test]
fn hexadecimal_beyond_a_digest_is_redacted() {
    check(&"0123456789abcdef".repeat(9), true);
    check(&"x41x42".repeat(30), true);
    check(&"=4A=6B".repeat(30), true);
}

#[test]
fn path_tokens_are_found_whatever_they_are_made_of() {
    check(&format!("S1{}", "a".repeat(109)), false);
    check(&format!("S1{}", "a".repeat(110)), true);
    check(&format!("xyS1{}", "-".repeat(110)), true);
}

#[test]
fn the_shortest_texts_are_found() {
    // The shortest P-256 signature and the shortest policy, one without a resource.
    let signature = "MEQCIF4vJ8Zx0bq9Ytk1WmSl6UdRp3oN7cAhGe2yQsKfTzXuAiBv5LwMjDiCrEgPaHnO4tBqVyFxZ8k1RmSl6UdRp3oN7A";
    check(signature, true);
    let policy = "eyJTdGF0ZW1lbnQiOlt7IkNvbmRpdGlvbiI6eyJEYXRlTGVzc1RoYW4iOnsiQVdTOkVwb2NoVGltZSI6MTc2NzAwMzYwMH19fV19";
    check(policy, true);
    let broken: Vec<&str> = signature.split_inclusive('x').collect();
    check(&broken.join("\r\n\t"), true);
    check(&broken.join("\u{200b}"), true);
}

proptest! {
    /// Text as long as the shortest P-256 signatures is found, all but once in a million.
    #[test]
    fn random_base64_is_found(digits in prop::collection::vec(0..64usize, 91..=96)) {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~";
        let text: Vec<u8> = digits.iter().map(|digit| alphabet[*digit]).collect();
        prop_assert!(has_credential(&text));
        prop_assert!(may_have_run(&text));
    }
}
