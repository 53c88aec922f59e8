//! Reads SubRip subtitles as found in practice: with or without numbers, blank lines and hours, in several encodings.

use std::borrow::Cow;

use super::vtt::{ARROW, VttText, check_size, is_vtt, push_escaped, utf16, vtt_checked};
use super::{CUES_MAX, windows_1252};
use crate::Refusal;

/// Converts SubRip to WebVTT.
///
/// The text is UTF-8, or UTF-16 with a byte order mark; any other is read as Windows-1252. Bold, italic and underline
/// tags are kept, all others are removed. Cues whose times cannot be read, or that end before they begin, are left out.
/// WebVTT with a SubRip extension is treated as WebVTT.
///
/// # Errors
///
/// `Unsupported` if there is text but no cue, `TooLarge` beyond [`super::TEXT_SIZE_BYTES_MAX`] or [`CUES_MAX`].
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
        .map(trimmed)
        .take(LINES_MAX + 1)
        .collect();
    if lines.len() > LINES_MAX {
        return Err(Refusal::TooLarge("lines of subtitles"));
    }
    let mut cues = cues(&lines)?;
    if cues.is_empty() && lines.iter().any(|line| !line.is_empty()) {
        return Err(Refusal::Unsupported("subtitles without a single cue"));
    }
    // WebVTT orders cues by their start; files edited by hand do not.
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

/// Trims white space and byte order marks, which also occur inside files that were joined from several.
fn trimmed(line: &str) -> &str {
    line.trim_matches(|letter: char| letter.is_whitespace() || letter == '\u{feff}')
}

/// Returns the cues. Each extends from its timing line to the next, since texts may contain blank lines.
fn cues<'a>(lines: &'a [&'a str]) -> Result<Vec<Cue<'a>>, Refusal> {
    let places: Vec<usize> = (0..lines.len())
        .filter(|place| is_timing(lines[*place]))
        .collect();
    let mut numbers = Numbers::of(lines, &places);
    let mut cues = Vec::new();
    for (at, place) in places.iter().enumerate() {
        let next = places.get(at + 1);
        let text = &lines[place + 1..*next.unwrap_or(&lines.len())];
        // The number belongs to the cue after it, even if the times of this cue cannot be read.
        let text = match next {
            Some(_) => numbers.taken_from(text),
            None => text,
        };
        let Some((start_ms, end_ms)) = times(lines[*place]) else {
            continue;
        };
        if cues.len() == CUES_MAX {
            return Err(Refusal::TooLarge("cues of subtitles"));
        }
        cues.push(Cue {
            start_ms,
            end_ms,
            lines: text,
        });
    }
    Ok(cues)
}

fn is_timing(line: &str) -> bool {
    line.contains(ARROW) && line.starts_with(|first: char| first.is_ascii_digit() || first == '-')
}

/// Distinguishes the numbers of cues from numbers in their text.
struct Numbers {
    /// Number of the cue that was read last, if it has one.
    last: Option<u64>,
    /// True if a number stands before each timing line.
    are_everywhere: bool,
}

impl Numbers {
    fn of(lines: &[&str], places: &[usize]) -> Numbers {
        let before = |place: &usize| number_at_end(&lines[..*place]);
        Numbers {
            last: places.first().and_then(before).and_then(parsed),
            are_everywhere: places.iter().all(|place| before(place).is_some()),
        }
    }

    /// Returns the text of a cue without the number of the next one, which stands at its end.
    ///
    /// A number after a blank line, or alone, is the next cue's. Without a blank line it is so if it continues the
    /// count, or if every cue has a number. A file may also have a blank line after each line, and so between number
    /// and times.
    fn taken_from<'a>(&mut self, text: &'a [&'a str]) -> &'a [&'a str] {
        let followed_by = self.last.take().and_then(|last| last.checked_add(1));
        let Some(line) = number_at_end(text) else {
            return text;
        };
        let number = parsed(line);
        let length = text
            .iter()
            .rposition(|other| !other.is_empty())
            .unwrap_or(0);
        let rest = &text[..length];
        let is_apart = rest.last().is_none_or(|line| line.is_empty());
        let is_before_times = length + 1 == text.len();
        let is_counted = self.are_everywhere || number.is_some() && number == followed_by;
        let is_number = match (is_apart, is_before_times) {
            (true, true) => true,
            (true, false) | (false, true) => is_counted,
            (false, false) => false,
        };
        if !is_number {
            return text;
        }
        self.last = number;
        rest
    }
}

/// Returns the last line that is not empty, if it is a number.
fn number_at_end<'a>(lines: &[&'a str]) -> Option<&'a str> {
    let line = lines.iter().rfind(|line| !line.is_empty())?;
    line.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some(*line)
}

/// Parses a number; one too long to be counted is a number without a value.
fn parsed(number: &str) -> Option<u64> {
    number.parse().ok()
}

/// Returns start and end in milliseconds; the position that may follow them is dropped.
fn times(line: &str) -> Option<(u64, u64)> {
    let (start, end) = line.split_once(ARROW)?;
    let (start_ms, end_ms) = (
        time_ms(start.trim())?,
        time_ms(end.split_whitespace().next()?)?,
    );
    (start_ms < end_ms).then_some((start_ms, end_ms))
}

/// Parses `00:01:02,345`; hours and fraction may be missing, and a point may replace the comma.
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
        // Some write tenths and hundredths without trailing zeros, others write fractions of a millisecond.
        fraction => {
            let nanoseconds = digits(fraction, 9)? * 10_u64.pow(9 - fraction.len().min(9) as u32);
            nanoseconds / 1_000_000
        }
    };
    Some(((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds)
}

/// Converts the text of a cue to WebVTT.
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

/// Returns WebVTT's equivalent of the tag that `text` begins with, and the text after it.
fn tag(text: &str) -> Option<(&'static str, &str)> {
    if text.starts_with("{\\") {
        // SubStation's override codes for positions and colours, such as {\an8}.
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

/// Returns the content of a tag and the text after it. The search is bounded, so that a text full of `<` is read in
/// linear time.
fn cut_tag(text: &str, end: u8) -> Option<(&str, &str)> {
    let place = text
        .bytes()
        .take(TAG_SIZE_BYTES_MAX)
        .position(|byte| byte == end)?;
    Some((&text[..place], &text[place + 1..]))
}

/// Returns true if `text` begins with an escape of WebVTT.
fn is_escape(text: &str) -> bool {
    ["&amp;", "&lt;", "&gt;", "&nbsp;", "&lrm;", "&rlm;"]
        .iter()
        .any(|escape| text.starts_with(escape))
}

/// Number of lines that a file may have.
const LINES_MAX: usize = 1_000_000;

/// Size limit of a tag; anything longer is text.
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

    /// Checks the conversion of a cue's text.
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
    fn l1_numbers_that_are_text_stay_without_blank_lines() {
        // The text of the first cue ends with a number that is not the next cue's: the cues have none.
        check(
            "0:1 --> 0:2\nin\n1999\n0:3 --> 0:4\nb",
            "00:00:01.000 --> 00:00:02.000\nin\n1999\n\n00:00:03.000 --> 00:00:04.000\nb\n\n",
        );
        // The number does not continue the count, and the next cue has none.
        check(
            "1\n0:1 --> 0:2\na\n7\n0:3 --> 0:4\nb\n0:5 --> 0:6\nc",
            "00:00:01.000 --> 00:00:02.000\na\n7\n\n00:00:03.000 --> 00:00:04.000\nb\n\n\
             00:00:05.000 --> 00:00:06.000\nc\n\n",
        );
        // The number continues the count, but stands at the end of a text, and the next cue has none.
        check(
            "1\n0:1 --> 0:2\nlevel\n2\n\n0:3 --> 0:4\nb\n\n0:5 --> 0:6\nc",
            "00:00:01.000 --> 00:00:02.000\nlevel\n2\n\n00:00:03.000 --> 00:00:04.000\nb\n\n\
             00:00:05.000 --> 00:00:06.000\nc\n\n",
        );
        // The text is a countdown, and each cue has a number.
        check(
            "1\n0:1 --> 0:2\n3\n2\n0:3 --> 0:4\n2\n3\n0:5 --> 0:6\n1",
            "00:00:01.000 --> 00:00:02.000\n3\n\n00:00:03.000 --> 00:00:04.000\n2\n\n\
             00:00:05.000 --> 00:00:06.000\n1\n\n",
        );
    }

    #[test]
    fn l1_cues_are_numbered_without_blank_lines() {
        let expected = "00:00:01.000 --> 00:00:02.000\nfirst\n\n00:00:03.000 --> 00:00:04.000\nsecond\n\n\
                        00:00:05.000 --> 00:00:06.000\nthird\n\n";
        let plain = "1\n00:00:01,000 --> 00:00:02,000\nfirst\n2\n00:00:03,000 --> 00:00:04,000\nsecond\n3\n\
                     00:00:05,000 --> 00:00:06,000\nthird\n";
        check(plain, expected);
        check(&plain.replace('\n', "\r\n"), expected);
        check(&plain.replace('\n', "\r"), expected);
        check(&format!("\u{feff}{plain}"), expected);
        check(
            &format!("\u{feff}{}", plain.replace('\n', "\r\n")),
            expected,
        );
        check(&plain.replace('\n', "\n\n"), expected);
        check(&plain.replace("\n2\n", "\n 002 \n"), expected);
        // Joined files, and a file from which a cue was removed.
        check(&plain.replace("\n3\n", "\n\u{feff}1\n"), expected);
        check(&plain.replace("\n3\n", "\n9\n"), expected);
        // The count continues past a cue whose times cannot be read, and past one without a number.
        check(
            "1\n0:1 --> 0:2\na\n2\n0:99 --> 1:4\nlost\n3\n0:5 --> 0:6\nb\n0:7 --> 0:8\nc",
            "00:00:01.000 --> 00:00:02.000\na\n\n00:00:05.000 --> 00:00:06.000\nb\n\n\
             00:00:07.000 --> 00:00:08.000\nc\n\n",
        );
    }

    #[test]
    fn l1_fractions_may_have_more_than_three_digits() {
        check(
            "00:00:01,0005 --> 00:00:02,2504\na",
            "00:00:01.000 --> 00:00:02.250\na\n\n",
        );
        check(
            "00:00:01.999999999 --> 00:00:02.5\na",
            "00:00:01.999 --> 00:00:02.500\na\n\n",
        );
        let refusal = Refusal::Unsupported("subtitles without a single cue");
        check_bytes(b"0:1,0123456789 --> 0:2\na", Err(refusal));
        check_bytes(b"0:1,00x5 --> 0:2\na", Err(refusal));
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
