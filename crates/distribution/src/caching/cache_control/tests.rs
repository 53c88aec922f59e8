use super::*;
use http::HeaderValue;
use proptest::prelude::*;

/// Reads a response with one line of the field for each line of `text`.
fn read(text: &str) -> CacheControl {
    let mut headers = HeaderMap::new();
    for line in text.lines() {
        headers.append(
            header::CACHE_CONTROL,
            HeaderValue::from_bytes(line.as_bytes()).unwrap(),
        );
    }
    CacheControl::of(&headers)
}

#[track_caller]
fn check_max_age(text: &str, expected: Seconds) {
    assert_eq!(read(text).max_age, expected, "{text}");
}

#[test]
fn invalid_numbers_are_invalid() {
    for bad in [
        "max-age",
        "max-age=",
        "max-age=-3600",
        "max-age=+1",
        "max-age='3600'",
        "max-age=3600.0",
        "max-age=3600a",
        "max-age=a3600",
        "max-age =3600",
        "max-age= 3600",
        "max-age=36 00",
        "max-age=\"\"",
        "max-age=\" 1\"",
        "max-age=1, max-age=1800",
        "max-age=1800\nmax-age=1",
        "max-age=5, max-age=x, max-age=5",
        "max-age=\"1\"2",
    ] {
        check_max_age(bad, Seconds::Invalid);
    }
}

#[test]
fn what_is_no_max_age() {
    for other in [
        "",
        ",, ,",
        "xmax-age=1",
        "max-age2=1",
        "extension=\"max-age=3600\"",
        "extension=\"a\\\", max-age=3600, \\\"b\"",
        "max\u{e4}-age=5",
    ] {
        check_max_age(other, Seconds::Absent);
    }
}

#[test]
fn numbers() {
    check_max_age("max-age=0", Seconds::Of(0));
    check_max_age("MaX-aGe=3600", Seconds::Of(3600));
    check_max_age("max-age=003600", Seconds::Of(3600));
    check_max_age("max-age=\"3600\"", Seconds::Of(3600));
    check_max_age("max-age=60, max-age=60", Seconds::Of(60));
    check_max_age("foobar,\tmax-age=5 ,", Seconds::Of(5));
    check_max_age("extension=\"max-age=3600\", max-age=1", Seconds::Of(1));
    check_max_age("max-age=1, extension=\"max-age=3600\"", Seconds::Of(1));
    check_max_age("max-age=2147483649", Seconds::Of(1 << 31));
    check_max_age("max-age=99999999999999999999999999", Seconds::Of(1 << 31));
}

#[test]
fn an_open_quote_stores_nothing() {
    assert!(read("max-age=60, a=\"b, no-cache").no_store);
    assert!(read("a=\"b\\\", max-age=60").no_store);
    assert!(!read("a=\"b\\\\\", max-age=60").no_store);
}

#[test]
fn flags() {
    assert!(read("No-StOrE").no_store);
    assert!(read("no-store=1").no_store);
    assert!(read("no-store =1").no_store);
    assert!(read("a, must-revalidate").must_revalidate);
    assert!(read("proxy-revalidate\npublic").proxy_revalidate);
    assert!(read("must-understand").must_understand);
    assert!(read("immutable, no-transform").immutable);
    assert!(!read("a=\"no-store\", xno-store, no-store-x").no_store);
}

#[track_caller]
fn check_private(text: &str, expected: &Scope) {
    assert_eq!(&read(text).private, expected, "{text}");
}

#[test]
fn doubtful_lists_mean_everything() {
    for whole in [
        "private",
        "private=a",
        "private=\"\"",
        "private=\"a b\"",
        "private=\"a\", private",
        "private, private=\"a\"",
    ] {
        check_private(whole, &Scope::Response);
    }
    assert_eq!(read("no-cache=\"\"").no_cache, Scope::Response);
}

#[test]
fn lists_of_fields() {
    let names = |names: &[&'static str]| {
        Scope::Fields(
            names
                .iter()
                .map(|name| HeaderName::from_static(name))
                .collect(),
        )
    };
    check_private("private=\"Set-Cookie\"", &names(&["set-cookie"]));
    check_private("private=\"a, b\", private=\"c\"", &names(&["a", "b", "c"]));
    check_private("max-age=1", &Scope::Absent);
}

proptest! {
    /// No text before or after makes a response storable that must not be stored.
    #[test]
    fn no_store_is_always_found(before in "([a-z=\" ]{0,6},)?", after in "(,[a-z=\",\\\\ ]{0,9})?") {
        prop_assume!(before.matches('"').count() != 1 || after.is_empty());
        let inside = before.matches('"').count() % 2 == 1;
        let text = format!("{before}no-store{after}");
        prop_assert!(read(&text).no_store || inside, "{}", text);
    }

    #[test]
    fn no_text_is_too_strange(text in proptest::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(value) = HeaderValue::from_bytes(&text) {
            let mut headers = HeaderMap::new();
            headers.append(header::CACHE_CONTROL, value);
            let _ = CacheControl::of(&headers);
        }
    }
}
