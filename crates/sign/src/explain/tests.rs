use super::*;

#[test]
fn quotes_around_links_are_ignored() {
    assert_eq!(unquote(" \"https://h/\" \n"), "https://h/");
    assert_eq!(unquote("<https://h/>"), "https://h/");
    assert_eq!(unquote("\""), "\"");
    assert_eq!(unquote("https://h/?a='"), "https://h/?a='");
}
