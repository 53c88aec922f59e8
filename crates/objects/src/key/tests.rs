use super::*;

fn check(text: &str, is_a_path: bool) {
    let key = Key::new(text).unwrap();
    assert_eq!(key.as_str(), text);
    assert_eq!(key.path().is_some(), is_a_path, "{text:?}");
}

#[test]
fn a_key_has_1_to_1024_bytes() {
    assert_eq!(Key::new(""), Err(KeyError::Empty));
    assert_eq!(Key::new("a".repeat(1025)), Err(KeyError::TooLong));
    assert_eq!(Key::new("é".repeat(513)), Err(KeyError::TooLong));
    assert!(Key::new("é".repeat(512)).is_ok());
}

#[test]
fn what_no_file_can_be_called_is_no_path() {
    for text in ["/", "//", "/a", "a/", "a//b", "a/", "trail/"] {
        check(text, false);
    }
    for text in [".", "..", "./a", "../a", "x/../y", "dot/./z", "a/.", "a/.."] {
        check(text, false);
    }
    for text in ["\0", "a\0b", "a\nb", "a/\u{7f}", "\t", "\r"] {
        check(text, false);
    }
    check(&"a".repeat(256), false);
    check(&format!("a/{}/b", "é".repeat(128)), false);
}

#[test]
fn reserved_names_are_no_paths_in_any_spelling() {
    for text in [".privet", ".privet/odd/x", ".privet-x", ".privets/a"] {
        check(text, false);
    }
    for text in [
        ".PRIVET/a",
        ".Privet",
        ".PR\u{130}VET",
        ".pr\u{131}vet",
        ".pri\u{200c}vet/x",
        "\u{feff}.privet",
    ] {
        check(text, false);
    }
    check(".prive", true);
    check("a/.privet", true);
    check("privet", true);
}

#[test]
fn everything_else_is_a_path() {
    for text in [
        "a",
        "a/b",
        "...",
        "a/..b",
        "~",
        "-",
        "é +%&",
        "a\\b",
        "*",
        " ",
        "a b",
        ":",
        "\u{85}",
        "日本/語",
    ] {
        check(text, true);
    }
    check(&"a".repeat(255), true);
    check(&vec!["a"; 512].join("/"), true);
}
