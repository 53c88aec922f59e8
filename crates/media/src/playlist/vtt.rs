//! WebVTT as HLS requires it: in UTF-8, with an `X-TIMESTAMP-MAP` (RFC 8216 3.5).

use std::borrow::Cow;
use std::fmt::Write;

use super::{CUES_MAX, TEXT_SIZE_BYTES_MAX};
use crate::Refusal;

/// Checks ready-made WebVTT, and adds the `X-TIMESTAMP-MAP` that HLS requires.
///
/// A map that is already there is replaced: it belongs to other segments, while those of a video begin at 0. Bytes that
/// are not UTF-8 become replacement characters, as in every reader of WebVTT. The rest is unchanged.
///
/// # Errors
///
/// `Unsupported` if it does not begin as WebVTT does, `TooLarge` beyond [`TEXT_SIZE_BYTES_MAX`] or [`CUES_MAX`].
pub fn vtt_checked(text: &[u8]) -> Result<String, Refusal> {
    check_size(text)?;
    let text = match utf16(text) {
        Some(text) => Cow::Owned(text),
        None => String::from_utf8_lossy(text),
    };
    let text = text.trim_start_matches('\u{feff}');
    if !is_vtt(text) {
        return Err(Refusal::Unsupported(
            "subtitles that do not begin with WEBVTT",
        ));
    }
    if text.matches(ARROW).take(CUES_MAX + 1).count() > CUES_MAX {
        return Err(Refusal::TooLarge("cues of subtitles"));
    }
    let (first, mut rest) = cut_line(text);
    let mut checked = String::with_capacity(text.len() + 64);
    checked.push_str(first);
    checked.push('\n');
    checked.push_str(TIMESTAMP_MAP);
    if cut_line(rest).0.contains(ARROW) {
        checked.push('\n');
    }
    // The rest of the header, up to the first empty line.
    while let (line, after) = cut_line(rest)
        && !line.is_empty()
        && !line.contains(ARROW)
    {
        if !line.starts_with("X-TIMESTAMP-MAP") {
            checked.push_str(&rest[..rest.len() - after.len()]);
        }
        rest = after;
    }
    checked.push_str(rest);
    Ok(checked)
}

/// Returns true if a text, whose byte order mark was removed, begins as WebVTT does.
pub(super) fn is_vtt(text: &str) -> bool {
    text.strip_prefix("WEBVTT")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// Checks the size of a text.
///
/// # Errors
///
/// `TooLarge` beyond [`TEXT_SIZE_BYTES_MAX`].
pub(super) fn check_size(text: &[u8]) -> Result<(), Refusal> {
    match text.len() <= TEXT_SIZE_BYTES_MAX {
        true => Ok(()),
        false => Err(Refusal::TooLarge("text of subtitles")),
    }
}

/// Decodes UTF-16; returns `None` without its byte order mark.
pub(super) fn utf16(text: &[u8]) -> Option<String> {
    let unit: fn([u8; 2]) -> u16 = match text {
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        _ => return None,
    };
    let units = text
        .chunks_exact(2)
        .skip(1)
        .map(|pair| unit([pair[0], pair[1]]));
    Some(
        char::decode_utf16(units)
            .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect(),
    )
}

/// Splits off a line without its end; lines end with CRLF, LF or CR.
fn cut_line(text: &str) -> (&str, &str) {
    let Some(end) = text.find(['\r', '\n']) else {
        return (text, "");
    };
    let (line, rest) = text.split_at(end);
    (line, rest.strip_prefix("\r\n").unwrap_or(&rest[1..]))
}

/// WebVTT that is being written.
pub(super) struct VttText(String);

impl VttText {
    pub(super) fn new() -> VttText {
        VttText(format!("WEBVTT\n{TIMESTAMP_MAP}\n"))
    }

    /// Continues after the header of a text, which [`vtt_checked`] has checked.
    pub(super) fn with_head(head: &str) -> VttText {
        VttText(format!("{}\n\n", head.trim_end()))
    }

    /// Appends a cue. `body` is already escaped; its empty lines, which would end the cue, are left out.
    pub(super) fn push_cue(&mut self, start_ms: u64, end_ms: u64, body: &str) {
        self.push_placed_cue(start_ms, end_ms, "", body);
    }

    /// Appends a cue as [`Self::push_cue`] does; `settings` position it.
    pub(super) fn push_placed_cue(
        &mut self,
        start_ms: u64,
        end_ms: u64,
        settings: &str,
        body: &str,
    ) {
        let mut lines = body
            .lines()
            .map(str::trim_end)
            .filter(|line| !line.is_empty())
            .peekable();
        if start_ms >= end_ms || lines.peek().is_none() {
            return;
        }
        self.push_time(start_ms);
        self.0.push_str(" --> ");
        self.push_time(end_ms);
        if !settings.is_empty() {
            self.0.push(' ');
            self.0.push_str(settings);
        }
        self.0.push('\n');
        for line in lines {
            self.0.push_str(line);
            self.0.push('\n');
        }
        self.0.push('\n');
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }

    fn push_time(&mut self, time_ms: u64) {
        let (seconds, milliseconds) = (time_ms / 1000, time_ms % 1000);
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let _ = write!(
            self.0,
            "{hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03}"
        );
    }
}

/// Appends a character of a cue's text, escaped so that it is shown as it is.
pub(super) fn push_escaped(text: &mut String, plain: char) {
    match plain {
        '&' => text.push_str("&amp;"),
        '<' => text.push_str("&lt;"),
        '>' => text.push_str("&gt;"),
        '\0' => text.push(char::REPLACEMENT_CHARACTER),
        plain => text.push(plain),
    }
}

/// The separator of a cue's times.
pub(super) const ARROW: &str = "-->";

/// The map to time 0, where fMP4 segments begin, as the subtitles do.
const TIMESTAMP_MAP: &str = "X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &[u8], expected: Result<&str, Refusal>) {
        let expected = expected.map(|rest| rest.replace("{MAP}", TIMESTAMP_MAP));
        assert_eq!(vtt_checked(text), expected, "{}", text.escape_ascii());
    }

    #[test]
    fn what_is_no_vtt_is_refused() {
        let refusal = Refusal::Unsupported("subtitles that do not begin with WEBVTT");
        for text in [
            "",
            "WEBVT",
            "WEBVTTX\n",
            " WEBVTT",
            "webvtt",
            "1\n00:00:01,000 --> 00:00:02,000\nx",
        ] {
            check(text.as_bytes(), Err(refusal));
        }
        let large = vec![b'\n'; TEXT_SIZE_BYTES_MAX + 1];
        check(&large, Err(Refusal::TooLarge("text of subtitles")));
        let many = format!("WEBVTT\n\n{}", "-->\n".repeat(CUES_MAX + 1));
        check(many.as_bytes(), Err(Refusal::TooLarge("cues of subtitles")));
    }

    #[test]
    fn the_map_is_there_once() {
        check(b"WEBVTT", Ok("WEBVTT\n{MAP}"));
        check(
            b"\xef\xbb\xbfWEBVTT - x\r\n\r\ncue",
            Ok("WEBVTT - x\n{MAP}\r\ncue"),
        );
        check(
            b"WEBVTT\n\nX-TIMESTAMP-MAP is a word",
            Ok("WEBVTT\n{MAP}\nX-TIMESTAMP-MAP is a word"),
        );
        check(
            b"WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000\nLanguage: en\n\n1\n00:01.000 --> 00:02.000\na\n",
            Ok("WEBVTT\n{MAP}Language: en\n\n1\n00:01.000 --> 00:02.000\na\n"),
        );
        check(
            b"WEBVTT\n00:01.000 --> 00:02.000\na",
            Ok("WEBVTT\n{MAP}\n00:01.000 --> 00:02.000\na"),
        );
        check(b"WEBVTT\rKind: x\r\ra", Ok("WEBVTT\n{MAP}Kind: x\r\ra"));
        check(
            b"\xff\xfeW\0E\0B\0V\0T\0T\0\n\0\n\0a\0",
            Ok("WEBVTT\n{MAP}\na"),
        );
        check(b"WEBVTT\n\n\xff", Ok("WEBVTT\n{MAP}\n\u{fffd}"));
    }

    #[test]
    fn what_was_checked_stays_as_it_is() {
        let once =
            vtt_checked(b"WEBVTT x\r\nKind: y\r\n\r\n00:01.000 --> 00:02.000\r\na\r\n").unwrap();
        assert_eq!(vtt_checked(once.as_bytes()).unwrap(), once);
    }
}
