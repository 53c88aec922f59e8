//! Selects the URIs of third-party playlists that may carry the viewer's grant: those that lead here, however a player
//! reads them.

use privet_sign::Scheme;

/// Returns `uri` with the grant, if it leads to this host and has none of its own.
pub(crate) fn signed(uri: &str, here: (Scheme, &str), carried: &str) -> Option<String> {
    let (before, fragment) = match uri.split_once('#') {
        Some((before, fragment)) => (before, Some(fragment)),
        None => (uri, None),
    };
    let query = before.split_once('?').map(|(_, query)| query);
    let has_grant = query.is_some_and(|query| {
        query
            .split('&')
            .any(|parameter| parameter.starts_with("Signature="))
    });
    if has_grant || !stays_here(before, here) {
        return None;
    }
    let separator = match query {
        None => "?",
        Some("") => "",
        Some(query) if query.ends_with('&') => "",
        Some(_) => "&",
    };
    let fragment = fragment.map(|fragment| format!("#{fragment}"));
    let fragment = fragment.unwrap_or_default();
    Some(format!("{before}{separator}{carried}{fragment}"))
}

/// Returns true if every reading of `uri` leads to this host, and to no unencrypted URL if the viewer came over TLS.
///
/// Players differ in what they take for white space and drop, at the ends or anywhere, and in whether they take `\` for
/// `/`. So a URI may have only visible ASCII characters, except blanks and letters of other scripts in its middle, and
/// must stay here without those as well.
fn stays_here(uri: &str, here: (Scheme, &str)) -> bool {
    let visible: String = uri.chars().filter(char::is_ascii_graphic).collect();
    uri.chars().all(is_harmless)
        && !uri.starts_with(' ')
        && !uri.ends_with(' ')
        && leads_here(uri, here)
        && (visible.len() == uri.len() || leads_here(&visible, here))
}

/// Returns true for the characters allowed in a URI; beyond ASCII only letters and digits are.
fn is_harmless(character: char) -> bool {
    match character {
        '\\' => false,
        ' ' | '!'..='~' => true,
        other => !other.is_ascii() && other.is_alphanumeric(),
    }
}

/// Parses `uri` by the grammar of RFC 3986, which is that of browsers if all characters satisfy [`is_harmless`].
fn leads_here(uri: &str, (own_scheme, host): (Scheme, &str)) -> bool {
    if let Some(rest) = uri.strip_prefix("//") {
        return is_authority(rest, host, None);
    }
    let end = uri.find(['/', '?']).unwrap_or(uri.len());
    match uri[..end].split_once(':') {
        None => !has_hidden_authority(uri),
        Some((scheme, _)) => {
            let port = if scheme.eq_ignore_ascii_case("https") {
                ":443"
            } else if scheme.eq_ignore_ascii_case("http") && own_scheme == Scheme::Http {
                ":80"
            } else {
                return false;
            };
            let rest = uri[scheme.len() + 1..].strip_prefix("//");
            rest.is_some_and(|rest| is_authority(rest, host, Some(port)))
        }
    }
}

/// Returns true for a path that hides an authority: `/.//evil.test/a` is a path, but becomes `//evil.test/a` when its
/// dots are removed and it is parsed again.
fn has_hidden_authority(uri: &str) -> bool {
    let path = uri.split('?').next().unwrap_or(uri);
    let is_dots = |segment: &&str| {
        let dots = segment.to_ascii_lowercase().replace("%2e", ".");
        matches!(&*dots, "." | "..")
    };
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/');
    let mut behind = segments.by_ref().skip_while(is_dots);
    // An empty segment that is not the last one.
    behind.next() == Some("") && behind.next().is_some()
}

fn is_authority(rest: &str, host: &str, default_port: Option<&str>) -> bool {
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let bare = |authority: &str| {
        let authority = authority.to_ascii_lowercase();
        let without_port = default_port.and_then(|port| authority.strip_suffix(port));
        without_port.map(str::to_owned).unwrap_or(authority)
    };
    bare(&rest[..end]) == bare(host)
}

#[cfg(test)]
mod tests {
    use super::signed;
    use privet_sign::Scheme;

    fn check(uri: &str, expected: Option<&str>) {
        let here = (Scheme::Https, "Videos.example.com");
        let signed = signed(uri, here, "Policy=P&Signature=S");
        assert_eq!(signed.as_deref(), expected, "{uri}");
    }

    #[test]
    fn a_grant_never_goes_to_another_host() {
        for uri in [
            "https://other.example.com/a.ts",
            "https://videos.example.com.evil.net/a.ts",
            "https://videos.example.com@evil.net/a.ts",
            "https://videos.example.com:8443/a.ts",
            "http:a.ts",
            "//evil.net/a.ts",
            "/\\evil.net/a.ts",
            "\\\\evil.net/a.ts",
            "/\t/evil.net/a.ts",
            " //evil.net/a.ts",
            "\u{a0}//evil.net/a.ts",
            "\u{2028}//evil.net/a.ts",
            "///evil.net/a.ts",
            "/.//evil.net/a.ts",
            "/..//evil.net/a.ts",
            ".//evil.net/a.ts",
            "../%2E//evil.net/a.ts",
            "/%2e%2E/.//evil.net/a.ts",
            "http://videos.example.com/a.ts",
            "http://videos.example.com:443/a.ts",
            "data:text/plain,a",
            "skd://key",
            "a.ts?Signature=own",
        ] {
            check(uri, None);
        }
    }

    /// JavaScript's `trim()` removes U+FEFF, Rust's does not; browsers drop tabs and line breaks anywhere.
    #[test]
    fn f10_what_players_may_drop_hides_no_host() {
        let dropped = [
            "\u{feff}",
            "\u{a0}",
            "\u{85}",
            "\u{180e}",
            "\u{200b}",
            "\u{200e}",
            "\u{2028}",
            "\u{202e}",
            "\u{2060}",
            "\u{3000}",
            "\u{ad}",
            "\u{3164}",
            "\u{115f}",
            "\u{fffd}",
            "\u{e0020}",
            " ",
            "\t",
            "\n",
            "\r",
            "\u{b}",
            "\u{c}",
            "\0",
            "\u{1f}",
            "\u{7f}",
            "é",
            "ＡＢ",
        ];
        for white in dropped {
            for uri in [
                format!("{white}//evil.net/a.ts"),
                format!("/{white}/evil.net/a.ts"),
                format!("//{white}evil.net/a.ts"),
                format!("//evil.net{white}/a.ts"),
                format!("h{white}ttps://evil.net/a.ts"),
                format!("https:{white}//evil.net/a.ts"),
                format!("https://{white}evil.net/a.ts"),
                format!("{white}\\\\evil.net/a.ts"),
                format!("https{white}://evil.net/a.ts"),
            ] {
                check(&uri, None);
            }
        }
        for uri in [
            "/\u{ff0f}evil.net/a",
            "\u{ff0f}\u{ff0f}evil.net",
            "https\u{ff1a}//evil.net",
            "/\u{2044}evil.net",
            "\u{ff3c}\u{ff3c}evil.net",
        ] {
            check(uri, None);
        }
        // These stay here in every reading, but no playlist needs them.
        for uri in [
            "\u{feff}a.ts",
            "\u{a0}a.ts",
            " a.ts",
            "a.ts ",
            "a\u{200b}.ts",
            "a\tb.ts",
            "a\\b.ts",
        ] {
            check(uri, None);
        }
    }

    #[test]
    fn f10_names_of_files_may_be_of_any_script() {
        check("über.ts", Some("über.ts?Policy=P&Signature=S"));
        check("日本/映画.ts", Some("日本/映画.ts?Policy=P&Signature=S"));
        check("/a//b.ts", Some("/a//b.ts?Policy=P&Signature=S"));
        check("a/", Some("a/?Policy=P&Signature=S"));
        check("./", Some("./?Policy=P&Signature=S"));
    }

    #[test]
    fn what_stays_on_the_host_gets_the_grant() {
        check("a.ts", Some("a.ts?Policy=P&Signature=S"));
        check("../b c/a.ts", Some("../b c/a.ts?Policy=P&Signature=S"));
        check("/a.ts?x=1", Some("/a.ts?x=1&Policy=P&Signature=S"));
        check("a.ts?", Some("a.ts?Policy=P&Signature=S"));
        check("a.ts#t=1", Some("a.ts?Policy=P&Signature=S#t=1"));
        check(
            "a.ts?u=http://evil.net",
            Some("a.ts?u=http://evil.net&Policy=P&Signature=S"),
        );
        let own = "https://videos.EXAMPLE.com:443/a.ts";
        check(
            own,
            Some("https://videos.EXAMPLE.com:443/a.ts?Policy=P&Signature=S"),
        );
        check(
            "//videos.example.com/a.ts",
            Some("//videos.example.com/a.ts?Policy=P&Signature=S"),
        );
    }

    #[test]
    fn what_is_asked_for_in_the_clear_may_stay_so() {
        let signed = |uri| signed(uri, (Scheme::Http, "videos.example.com"), "Policy=P");
        for uri in [
            "http://videos.example.com/a.ts",
            "https://videos.example.com/a.ts",
        ] {
            assert_eq!(signed(uri), Some(format!("{uri}?Policy=P")));
        }
    }
}
