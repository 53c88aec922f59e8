//! Finds the media type of a file by its name.

/// Returns the media type for the last extension of `path`; `application/octet-stream` when it is unknown.
///
/// Text types have `; charset=utf-8`. Types that players and browsers insist on come from this file, the rest from
/// `mime_guess`.
pub fn content_type(path: &str) -> &'static str {
    const UNKNOWN: &str = "application/octet-stream";
    let name = path.rsplit('/').next().unwrap_or(path);
    let Some((_, extension)) = name.rsplit_once('.') else {
        return UNKNOWN;
    };
    let own = OWN
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(extension));
    if let Some((_, content_type)) = own {
        return content_type;
    }
    match mime_guess::from_ext(extension).first_raw() {
        Some(text) if text.starts_with("text/") => with_charset(text),
        Some(other) => other,
        None => UNKNOWN,
    }
}

/// Adds the charset to a listed text type. Text types outside the list are rare enough to do without.
fn with_charset(content_type: &'static str) -> &'static str {
    TEXT.iter()
        .find(|with| with.split(';').next() == Some(content_type))
        .unwrap_or(&content_type)
}

const OWN: [(&str, &str); 40] = [
    ("aac", "audio/aac"),
    ("avif", "image/avif"),
    ("css", "text/css; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("flac", "audio/flac"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("htm", "text/html; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("ico", "image/vnd.microsoft.icon"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("jxl", "image/jxl"),
    // RFC 8216 4.
    ("m3u8", "application/vnd.apple.mpegurl"),
    ("m4a", "audio/mp4"),
    ("m4s", "video/iso.segment"),
    ("m4v", "video/mp4"),
    ("map", "application/json"),
    ("md", "text/markdown; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("mpd", "application/dash+xml"),
    ("ogg", "audio/ogg"),
    ("opus", "audio/ogg"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("ts", "video/mp2t"),
    ("txt", "text/plain; charset=utf-8"),
    // W3C WebVTT 6.
    ("vtt", "text/vtt; charset=utf-8"),
    ("wasm", "application/wasm"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
    ("woff2", "font/woff2"),
    ("xml", "text/xml; charset=utf-8"),
    ("zip", "application/zip"),
];

const TEXT: [&str; 17] = [
    "text/cache-manifest; charset=utf-8",
    "text/calendar; charset=utf-8",
    "text/html; charset=utf-8",
    "text/javascript; charset=utf-8",
    "text/less; charset=utf-8",
    "text/markdown; charset=utf-8",
    "text/plain; charset=utf-8",
    "text/tab-separated-values; charset=utf-8",
    "text/turtle; charset=utf-8",
    "text/vcard; charset=utf-8",
    "text/x-c; charset=utf-8",
    "text/x-lua; charset=utf-8",
    "text/x-rust; charset=utf-8",
    "text/x-scss; charset=utf-8",
    "text/x-toml; charset=utf-8",
    "text/x-yaml; charset=utf-8",
    "text/xml; charset=utf-8",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: &str) {
        assert_eq!(content_type(path), expected, "{path}");
    }

    #[test]
    fn unknown_names() {
        check("", "application/octet-stream");
        check("/a.b/c", "application/octet-stream");
        check("/a.", "application/octet-stream");
        check("/a.nosuchthing", "application/octet-stream");
    }

    #[test]
    fn known_names() {
        check("/video.m3u8", "application/vnd.apple.mpegurl");
        check("/seg.TS", "video/mp2t");
        check("/a.tar.gz", "application/gzip");
        check("/app.mjs", "text/javascript; charset=utf-8");
        check("/a.log", "text/plain; charset=utf-8");
        check("/a.rs", "text/x-rust; charset=utf-8");
        check(
            "/a.docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        );
    }
}
