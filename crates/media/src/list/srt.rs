//! Reads SubRip subtitles as they are found: with or without numbers, blank lines and hours, in several encodings.

use std::borrow::Cow;

use super::vtt::{ARROW, VttText, check_size, is_vtt, push_escaped, utf16, vtt_checked};
use super::{CUES_MAX, windows_1252};
use crate::Refusal;

/// WebVTT from SubRip.
///
/// The text is UTF-8, or UTF-16 with a byte order mark; what is neither is read as Windows-1252. Bold, italic and underlined
/// stay, all other tags go. Cues whose times can not be read, or that end before they begin, are left out. WebVTT under the
/// name of SubRip is taken as what it is.
///
/// # Errors
///
/// `Unsupported` when text is there and no cue at all, `TooLarge` beyond [`super::TEXT_SIZE_BYTES_MAX`] or [`CUES_MAX`].
pub fn vtt_from_srt(text: &[u8]) -> Result<String, Refusal> {
    check_size(text)?;
    let decoded = match (utf16(text), std::str::from_utf8(text)) {
        (Some(text), _) => Cow::Owned(text),
        (None, Ok(text)) => Cow::Borrowed(text),
        (None, Err(_)) => Cow::Owned(windows_1252::decode(text)),
    };
    let decoded = decoded.trim_start_matches('\u{feff}');
    if is_vtt(decoded) {
        return vtt_checked(decoded.as_bytes());
    }
    let lines: Vec<&str> = decoded
        .split('\n')
        .flat_map(|line| line.trim_end_matches('\r').split('\r'))
        .map(str::trim)
        .take(LINES_MAX + 1)
        .collect();
    if lines.len() > LINES_MAX {
        return Err(Refusal::TooLarge("lines of subtitles"));
    }
    let mut cues = cues(&lines)?;
    if cues.is_empty() && lines.iter().any(|line| !line.is_empty()) {
        return Err(Refusal::Unsupported("subtitles without a single cue"));
    }
    // WebVTT orders its cues by their begin; files that were edited by hand do not.
    cues.sort_by_key(|cue| cue.start_ms);
    let mut vtt = VttText::new();
    for cue in &cues {
        vtt.push_cue(cue.start_ms, cue.end_ms, &styled(&cue.lines.join("\n")));
    }
    Ok(vtt.into_text())
}

struct Cue<'a> {
    start_ms: u64,
    end_ms: u64,
    lines: &'a [&'a str],
}

/// From each line of times to the next: blank lines are found in the midst of texts too.
fn cues<'a>(lines: &'a [&'a str]) -> Result<Vec<Cue<'a>>, Refusal> {
    let is_timing = |line: &str| {
        line.contains(ARROW)
            && line.starts_with(|first: char| first.is_ascii_digit() || first == '-')
    };
    let mut cues = Vec::new();
    let mut next = lines.iter().position(|line| is_timing(line));
    while let Some(place) = next {
        next = lines[place + 1..]
            .iter()
            .position(|line| is_timing(line))
            .map(|distance| place + 1 + distance);
        let Some((start_ms, end_ms)) = times(lines[place]) else {
            continue;
        };
        if cues.len() == CUES_MAX {
            return Err(Refusal::TooLarge("cues of subtitles"));
        }
        let mut text = &lines[place + 1..next.unwrap_or(lines.len())];
        if next.is_some() {
            text = without_number(text);
        }
        cues.push(Cue {
            start_ms,
            end_ms,
            lines: text,
        });
    }
    Ok(cues)
}

/// Without the number of the next cue, which stands behind an empty line or alone.
fn without_number<'a>(text: &'a [&'a str]) -> &'a [&'a str] {
    let is_number = |line: &str| !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit());
    match text {
        [rest @ .., number]
            if is_number(number) && rest.last().is_none_or(|line| line.is_empty()) =>
        {
            rest
        }
        text => text,
    }
}

/// Begin and end in milliseconds; what stands behind them is a position, and goes.
fn times(line: &str) -> Option<(u64, u64)> {
    let (start, end) = line.split_once(ARROW)?;
    let (start_ms, end_ms) = (
        time_ms(start.trim())?,
        time_ms(end.split_whitespace().next()?)?,
    );
    (start_ms < end_ms).then_some((start_ms, end_ms))
}

/// `00:01:02,345`; hours and fraction may be missing, and a point may stand for the comma.
fn time_ms(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once([',', '.']).unwrap_or((text, ""));
    let digits = |text: &str, length_max: usize| {
        let is_plain = text.len() <= length_max && text.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| text.parse::<u64>().ok()).flatten()
    };
    let mut parts = whole.rsplit(':');
    let seconds = digits(parts.next()?.trim(), 2)?;
    let minutes = digits(parts.next()?.trim(), 2)?;
    let hours = parts
        .next()
        .map_or(Some(0), |hours| digits(hours.trim(), 4))?;
    if parts.next().is_some() || minutes > 59 || seconds > 59 {
        return None;
    }
    let milliseconds = match fraction.trim() {
        "" => 0,
        // Tenths and hundredths are written without their zeros by some.
        fraction => digits(fraction, 3)? * 10_u64.pow(3 - fraction.len().min(3) as u32),
    };
    Some(((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds)
}

/// Text of a cue in WebVTT.
fn styled(text: &str) -> String {
    let mut styled = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some((tag, after)) = tag(rest) {
            styled.push_str(tag);
            rest = after;
            continue;
        }
        match first {
            '&' if is_escape(rest) => styled.push('&'),
            first => push_escaped(&mut styled, first),
        }
        rest = &rest[first.len_utf8()..];
    }
    styled
}

/// What WebVTT has for the tag that `text` begins with, and the text behind it.
fn tag(text: &str) -> Option<(&'static str, &str)> {
    if text.starts_with("{\\") {
        // Positions and colours of SubStation, such as {\an8}.
        let (inner, after) = cut_tag(&text[1..], b'}')?;
        return (!inner.contains(['{', '\n'])).then_some(("", after));
    }
    let (inner, after) = cut_tag(text.strip_prefix('<')?, b'>')?;
    let is_end = inner.starts_with('/');
    let name = inner.trim_start_matches('/');
    let begins_as_one = name.starts_with(|first: char| first.is_ascii_alphabetic());
    if !begins_as_one || inner.contains('<') {
        return None;
    }
    let name = name.split([' ', '\t', '\n', '/']).next().unwrap_or(name);
    let kept = match (name.to_ascii_lowercase().as_str(), is_end) {
        ("b", false) => "<b>",
        ("b", true) => "</b>",
        ("i", false) => "<i>",
        ("i", true) => "</i>",
        ("u", false) => "<u>",
        ("u", true) => "</u>",
        ("br", _) => "\n",
        _ => "",
    };
    Some((kept, after))
}

/// What is in a tag and what is behind it. Only so far is its end looked for that text full of beginnings costs nothing.
fn cut_tag(text: &str, end: u8) -> Option<(&str, &str)> {
    let place = text
        .bytes()
        .take(TAG_SIZE_BYTES_MAX)
        .position(|byte| byte == end)?;
    Some((&text[..place], &text[place + 1..]))
}

/// Whether an ampersand is written as WebVTT writes it already.
fn is_escape(text: &str) -> bool {
    ["&amp;", "&lt;", "&gt;", "&nbsp;", "&lrm;", "&rlm;"]
        .iter()
        .any(|escape| text.starts_with(escape))
}

/// Files have no more lines than this.
const LINES_MAX: usize = 1_000_000;

/// What is longer is text between two signs.
const TAG_SIZE_BYTES_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn check_bytes(text: &[u8], expected: Result<&str, Refusal>) {
        let header = "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\n";
        let found = vtt_from_srt(text).map(|vtt| vtt.strip_prefix(header).map(str::to_owned));
        assert_eq!(
            found,
            expected.map(|cues| Some(cues.to_owned())),
            "{}",
            text.escape_ascii()
        );
    }

    fn check(text: &str, expected: &str) {
        check_bytes(text.as_bytes(), Ok(expected));
    }

    /// What becomes of the text of a cue.
    fn check_text(text: &str, expected: &str) {
        let srt = format!("1\n00:00:01,000 --> 00:00:02,000\n{text}\n");
        check(
            &srt,
            &format!("00:00:01.000 --> 00:00:02.000\n{expected}\n\n"),
        );
    }

    #[test]
    fn what_has_no_cue_is_refused() {
        let refusal = Refusal::Unsupported("subtitles without a single cue");
        for text in [
            "x",
            "1\n2\n3",
            "a --> b",
            "00:00:02,000 --> 00:00:01,000\nx",
            "1:2 --> 1:2:3:4\nx",
        ] {
            check_bytes(text.as_bytes(), Err(refusal));
        }
        let large = vec![b'\n'; super::super::TEXT_SIZE_BYTES_MAX + 1];
        check_bytes(&large, Err(Refusal::TooLarge("text of subtitles")));
        let many = "0:0,1-->0:1\nx\n".repeat(CUES_MAX + 1);
        check_bytes(many.as_bytes(), Err(Refusal::TooLarge("cues of subtitles")));
        let lines = "\n".repeat(LINES_MAX + 1);
        check_bytes(
            lines.as_bytes(),
            Err(Refusal::TooLarge("lines of subtitles")),
        );
        check("", "");
        check("\r\n\n", "");
    }

    #[test]
    fn bad_cues_go_and_good_ones_stay() {
        check(
            "1\n00:00:01,000 --> 00:00:02,000\na\n\n2\n00:00:99,000 --> 00:01:02,000\nlost\n\n3\n00:00:03,000 --> 00:00:04,000\nb",
            "00:00:01.000 --> 00:00:02.000\na\n\n00:00:03.000 --> 00:00:04.000\nb\n\n",
        );
        check(
            "1\n-00:00:01,000 --> 00:00:02,000\nlost\n\n2\n00:00:01,000 --> 00:00:02,000\n\n",
            "",
        );
    }

    #[test]
    fn times_are_written_in_many_ways() {
        for times in [
            "00:00:01,500 --> 00:01:02,250",
            "0:0:1,5-->0:1:2,25",
            "00:01.500 --> 01:02.250 X1:10 X2:20",
            " 00:00:01.500  -->  00:01:02.250 ",
        ] {
            check(
                &format!("7\r\n{times}\r\nx\r\n"),
                "00:00:01.500 --> 00:01:02.250\nx\n\n",
            );
        }
        check(
            "100:00:00 --> 100:00:01\nx",
            "100:00:00.000 --> 100:00:01.000\nx\n\n",
        );
    }

    #[test]
    fn cues_are_found_without_blank_lines_and_with_too_many() {
        let expected =
            "00:00:01.000 --> 00:00:02.000\na\nb\n\n00:00:03.000 --> 00:00:04.000\n42\n\n";
        for text in [
            "1\n00:00:01,000 --> 00:00:02,000\na\n\n\nb\n\n2\n00:00:03,000 --> 00:00:04,000\n42\n",
            "00:00:01,000 --> 00:00:02,000\na\nb\n00:00:03,000 --> 00:00:04,000\n42",
            "\u{feff}1\r00:00:01,000 --> 00:00:02,000\ra\rb\r\r2\r00:00:03,000 --> 00:00:04,000\r42",
            "2\n00:00:03,000 --> 00:00:04,000\n42\n\n1\n00:00:01,000 --> 00:00:02,000\na\nb",
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn styles_that_webvtt_has_stay() {
        check_text(
            "<I>a</I> <b class='x'>b</b> <u>c</u>",
            "<i>a</i> <b>b</b> <u>c</u>",
        );
        check_text("<font color=\"#fff\">a</font><s>b</s>", "ab");
        check_text("{\\an8}{\\c&H00FF00&}a {b}", "a {b}");
        check_text("a<br/>b", "a\nb");
    }

    #[test]
    fn what_is_no_tag_is_shown() {
        check_text(
            "I <3 you & me, a < b > c",
            "I &lt;3 you &amp; me, a &lt; b &gt; c",
        );
        check_text("AT&amp;T&nbsp;x", "AT&amp;T&nbsp;x");
        check_text("go --> there", "go --&gt; there");
        check_text("<i", "&lt;i");
        check_text(&"<".repeat(100_000), &"&lt;".repeat(100_000));
        check_text("{\\an8", "{\\an8");
    }

    #[test]
    fn encodings() {
        let cue = "00:00:01.000 --> 00:00:02.000\ncafé “x” €\n\n";
        let text = "0:1 --> 0:2\ncafé “x” €";
        check(text, cue);
        check_bytes(b"0:1 --> 0:2\ncaf\xe9 \x93x\x94 \x80", Ok(cue));
        let units = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            std::iter::once(0xfeff)
                .chain(text.encode_utf16())
                .flat_map(bytes)
                .collect()
        };
        check_bytes(&units(u16::to_le_bytes), Ok(cue));
        check_bytes(&units(u16::to_be_bytes), Ok(cue));
        check("WEBVTT\n\n0:1 --> 0:2\nx", "0:1 --> 0:2\nx");
    }
}
