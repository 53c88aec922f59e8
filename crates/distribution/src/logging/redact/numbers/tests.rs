use super::*;

#[track_caller]
fn check(text: &str, expected: bool) {
    let lists = number_lists(text.as_bytes(), &mut Budget::of(text)).unwrap();
    assert_eq!(!lists.is_empty(), expected, "{text}");
    assert!(may_have_numbers(text.as_bytes()) || !expected, "{text}");
}

#[test]
fn what_has_few_numbers_is_no_list() {
    let addresses = ["198.51.100.7"; 20].join(", ");
    for text in [
        "",
        "1",
        "/a/1/2/3",
        &addresses,
        &"77,84,".repeat(31),
        &"1234,".repeat(200),
        &"item 12 of the list is not as long as that one ".repeat(100),
    ] {
        check(text, false);
    }
}

#[test]
fn lists_of_numbers_are_found() {
    let number = |write: &str| write.repeat(90);
    for text in [
        "77,",
        "77, ",
        "077:",
        "x4d,",
        "0x4d, ",
        "4d:",
        "4D 54 ",
        "CHAR(77)||",
        "chr(77) . ",
        "U+004D ",
        "\"77\",",
        "+String.fromCharCode(77)",
    ] {
        check(&number(text), true);
    }
    let text = format!("1 word {}", "CHAR(77)||".repeat(86));
    check(&text, true);
}
