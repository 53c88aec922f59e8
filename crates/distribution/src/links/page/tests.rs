use super::*;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;

const UNTIL: Timestamp = Timestamp::from_secs(1_767_290_400);

fn facts(language: PageLanguage) -> ConfirmationPage<'static> {
    ConfirmationPage {
        language,
        file_name: "契約書.pdf",
        until: UNTIL,
        sender: Some("Sato & Co"),
        uses: Some(1),
        confirmation: "AbC-_9",
    }
}

#[test]
fn text_of_others_is_escaped() {
    let hostile = "</bdi><script>alert('x')</script>\" onload=\"x";
    let page = confirmation_page(&ConfirmationPage {
        file_name: hostile,
        sender: Some(hostile),
        confirmation: hostile,
        ..facts(PageLanguage::English)
    });
    assert!(!page.body.contains("<script"), "{}", page.body);
    assert!(!page.body.contains("\" onload"), "{}", page.body);
    assert!(!page.body.contains("alert('x')"), "{}", page.body);
    assert_eq!(page.body.matches("&lt;script&gt;").count(), 3);
}

#[test]
fn forms_of_others_press_no_button() {
    for body in [
        &b""[..],
        b"privet-confirmation",
        b"privet-confirmation=",
        b"privet-confirmation=a&b=c",
        b"privet-confirmation=a b",
        b"privet-confirmation=a%20",
        b"privet-confirmation=a\n",
        b" privet-confirmation=a",
        b"Privet-confirmation=a",
        b"a=b&privet-confirmation=a",
        b"privet-confirmation=\xff",
    ] {
        assert_eq!(pressed(body), None, "{body:?}");
    }
    let long = format!("{CONFIRMATION_FIELD}={}", "a".repeat(FORM_SIZE_BYTES_MAX));
    assert_eq!(pressed(long.as_bytes()), None);
    assert_eq!(pressed(b"privet-confirmation=AbC-_9"), Some(&b"AbC-_9"[..]));
}

#[test]
fn the_page_says_what_the_link_is() {
    let page = confirmation_page(&facts(PageLanguage::English));
    assert_eq!(page.status, StatusCode::OK);
    for part in [
        "<html lang=\"en\">",
        "<h1><bdi>契約書.pdf</bdi></h1>",
        "Sent by <bdi>Sato &amp; Co</bdi>.",
        "<time datetime=\"2026-01-01T18:00:00Z\">2026-01-01 18:00 UTC</time>",
        "can be used once",
        "<form method=\"post\">",
        "name=\"privet-confirmation\" value=\"AbC-_9\"",
        ">Open the file</button>",
    ] {
        assert!(page.body.contains(part), "{part}\n{}", page.body);
    }
    let japanese = confirmation_page(&facts(PageLanguage::Japanese));
    for part in [
        "<html lang=\"ja\">",
        "送信者：<bdi>Sato &amp; Co</bdi>",
        "<time datetime=\"2026-01-01T18:00:00Z\">日本時間 2026年1月2日 3:00</time>",
        "一度だけ",
    ] {
        assert!(japanese.body.contains(part), "{part}\n{}", japanese.body);
    }
    let few = confirmation_page(&ConfirmationPage {
        sender: None,
        uses: Some(5),
        file_name: "\u{202e}",
        ..facts(PageLanguage::English)
    });
    assert!(few.body.contains("used 5 times") && few.body.contains("A file for you"));
    assert!(!few.body.contains("Sent by"));
    let any = confirmation_page(&ConfirmationPage {
        uses: None,
        ..facts(PageLanguage::English)
    });
    assert!(!any.body.contains("can be used"));
}

/// The policy lets the page's own style be used, and nothing else.
#[test]
fn nothing_is_loaded_and_nothing_is_kept() {
    let style = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    assert!(POLICY.contains(&format!("'sha256-{style}'")), "{style}");
    let pages = [
        confirmation_page(&facts(PageLanguage::Japanese)),
        ending_page(LinkRefusal::Ended, PageLanguage::English),
        ending_page(LinkRefusal::StoreSilent, PageLanguage::Japanese),
    ];
    for page in pages {
        for (name, value) in [
            ("cache-control", "no-store"),
            ("content-security-policy", POLICY),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
        ] {
            assert!(page.headers.contains(&(name, value)), "{name}");
        }
        for part in [
            "<script", "http://", "https://", "src=", "href=", "style=\"", "url(",
        ] {
            assert!(!page.body.contains(part), "{part}");
        }
        assert!(page.body.contains(&format!("<style>{STYLE}</style>")));
    }
}

#[test]
fn endings_say_why_and_no_more() {
    let last_at = UNTIL;
    for (refusal, status, english, japanese) in [
        (
            LinkRefusal::UsedUp { uses: 1, last_at },
            403,
            "been used already",
            "すでに使用",
        ),
        (
            LinkRefusal::ViewersUsedUp,
            403,
            "as often as it can be",
            "上限",
        ),
        (
            LinkRefusal::BytesUsedUp,
            403,
            "as often as it can be",
            "上限",
        ),
        (
            LinkRefusal::Revoked { revocation: 7 },
            403,
            "been revoked",
            "取り消され",
        ),
        (LinkRefusal::Ended, 403, "has ended", "有効期限が切れ"),
        (LinkRefusal::NotRegistered, 403, "not valid", "無効"),
        (LinkRefusal::StoreStale, 503, "at the moment", "現在"),
        (LinkRefusal::StoreSilent, 503, "at the moment", "現在"),
        (
            LinkRefusal::RevocationsForgotten,
            503,
            "at the moment",
            "現在",
        ),
    ] {
        for (language, words) in [
            (PageLanguage::English, english),
            (PageLanguage::Japanese, japanese),
        ] {
            let page = ending_page(refusal, language);
            assert_eq!(page.status.as_u16(), status, "{refusal:?}");
            assert!(page.body.contains(words), "{refusal:?}\n{}", page.body);
            assert!(!page.body.contains("<form"), "{refusal:?}");
            assert!(!page.body.contains(refusal.token()), "{refusal:?}");
            let retries = page.headers.iter().any(|(name, _)| *name == "retry-after");
            assert_eq!(retries, status == 503, "{refusal:?}");
        }
    }
}

#[test]
fn names_are_those_of_files() {
    for (path, expected) in [
        ("/", ""),
        ("/v/", ""),
        ("/v/a.pdf", "a.pdf"),
        ("/v/%E5%A5%91%E7%B4%84.pdf", "契約.pdf"),
        ("/v/a%2Fb", "a/b"),
        ("/v/%FF", "\u{fffd}"),
        ("/v/%", "%"),
        ("a", "a"),
    ] {
        assert_eq!(file_name_of(path), expected, "{path}");
    }
}

#[test]
fn the_language_is_the_viewers() {
    let of = |fields: &[&'static str]| {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(header::ACCEPT_LANGUAGE, HeaderValue::from_static(field));
        }
        PageLanguage::of(&headers)
    };
    assert_eq!(of(&[]), PageLanguage::English);
    assert_eq!(of(&["de-DE,de;q=0.9"]), PageLanguage::English);
    assert_eq!(of(&["JA-JP, en;q=0.8"]), PageLanguage::Japanese);
    assert_eq!(of(&["de", "ja;q=0.5"]), PageLanguage::Japanese);
}

#[test]
fn moments_beyond_the_calendar_are_told() {
    let late = Timestamp::from_secs(u64::MAX);
    assert_eq!(moment(late, PageLanguage::Japanese), "beyond year 9999");
    let last = moment(Timestamp::MAX_EXPIRY, PageLanguage::Japanese);
    assert!(last.contains("10000年1月1日"), "{last}");
}
