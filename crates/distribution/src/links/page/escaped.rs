//! Text of owners and viewers, made fit for a page.

/// Returns `text` as HTML character data, which is also fit for an attribute in quotes.
pub(super) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// Returns a name as it is shown: without characters that cannot be seen or that turn others around, and not longer
/// than `characters_max`. The end stays, since a file's extension says what it is.
pub(super) fn display_name(name: &str, characters_max: usize) -> String {
    let visible = |character: &char| !character.is_control() && !is_invisible(*character);
    let shown: Vec<char> = name.chars().filter(visible).collect();
    if shown.len() <= characters_max {
        return shown.into_iter().collect::<String>().trim().to_owned();
    }
    const END: usize = 20;
    let end = END.min(characters_max / 2);
    let start = characters_max - end - 1;
    let kept = shown[..start]
        .iter()
        .chain(&['…'])
        .chain(&shown[shown.len() - end..]);
    kept.collect::<String>().trim().to_owned()
}

/// True for characters that set a direction, join or separate without being seen, by which `fdp.exe` may look like
/// `exe.pdf` (Unicode Technical Report 36, 2.10).
fn is_invisible(character: char) -> bool {
    matches!(
        u32::from(character),
        0x00ad | 0x034f | 0x061c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f
            | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb
            | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text() {
        assert_eq!(
            text("<script>alert(\"x\")</script> & 'y'"),
            "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;y&#39;"
        );
        assert_eq!(text("\" onfocus=\"x"), "&quot; onfocus=&quot;x");
    }

    #[test]
    fn names_are_seen_as_they_are() {
        let check =
            |name: &str, expected: &str| assert_eq!(display_name(name, 30), expected, "{name}");
        check("", "");
        check(" \u{200b}\t\0\n ", "");
        check("annual\u{202e}fdp.exe", "annualfdp.exe");
        check("\u{2066}a\u{2069}\u{feff}b\u{7f}.pdf", "ab.pdf");
        check("契約書（最終版）.pdf", "契約書（最終版）.pdf");
        check(&"x".repeat(30), &"x".repeat(30));
        let long = format!("{}.pdf", "x".repeat(500));
        let shown = display_name(&long, 30);
        assert_eq!(shown.chars().count(), 30);
        assert!(shown.ends_with(".pdf") && shown.contains('…'), "{shown}");
    }
}
