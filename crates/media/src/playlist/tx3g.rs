//! Converts 3GPP timed text (ETSI TS 126 245) to WebVTT.

use std::borrow::Cow;
use std::time::Duration;

use super::vtt::{VttText, push_escaped, utf16};
use super::{CUES_MAX, TEXT_SIZE_BYTES_MAX};

/// Makes WebVTT from samples: the start, the end and the bytes of each.
///
/// Styles and other records after the text are dropped. Samples without text are the pauses between cues. Samples
/// beyond [`CUES_MAX`] or [`TEXT_SIZE_BYTES_MAX`] are not read.
pub fn vtt_from_tx3g(samples: impl Iterator<Item = (Duration, Duration, Vec<u8>)>) -> String {
    let mut vtt = VttText::new();
    let mut size_bytes = 0_usize;
    let with_text = samples.filter(|(_, _, sample)| !text(sample).is_empty());
    for (start, end, sample) in with_text.take(CUES_MAX) {
        size_bytes = size_bytes.saturating_add(sample.len());
        if size_bytes > TEXT_SIZE_BYTES_MAX {
            break;
        }
        let mut body = String::with_capacity(sample.len());
        for character in decoded(text(&sample)).chars() {
            // Lines end with CR, LF, both, or the line separator.
            match character {
                '\r' | '\u{2028}' => body.push('\n'),
                character => push_escaped(&mut body, character),
            }
        }
        vtt.push_cue(milliseconds(start), milliseconds(end), &body);
    }
    vtt.into_text()
}

/// Returns the text of a sample, which is preceded by its length.
fn text(sample: &[u8]) -> &[u8] {
    let Some((length, rest)) = sample.split_first_chunk::<2>() else {
        return &[];
    };
    let length = usize::from(u16::from_be_bytes(*length));
    rest.get(..length).unwrap_or(rest)
}

fn decoded(text: &[u8]) -> Cow<'_, str> {
    match utf16(text) {
        Some(text) => Cow::Owned(text),
        None => String::from_utf8_lossy(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)),
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(samples: &[(u64, u64, &[u8])], expected: &str) {
        let samples = samples.iter().map(|(start, end, sample)| {
            (
                Duration::from_millis(*start),
                Duration::from_millis(*end),
                sample.to_vec(),
            )
        });
        let vtt = vtt_from_tx3g(samples);
        let header = "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\n";
        assert_eq!(vtt.strip_prefix(header), Some(expected));
    }

    #[test]
    fn what_has_no_text_or_no_time_is_a_pause() {
        check(&[], "");
        check(
            &[
                (0, 1000, b""),
                (0, 1000, b"\0"),
                (0, 1000, b"\0\0"),
                (0, 1000, b"\0\x02 \n"),
            ],
            "",
        );
        check(&[(1000, 1000, b"\0\x01a"), (2000, 1000, b"\0\x01a")], "");
    }

    #[test]
    fn texts_become_cues_and_styles_go() {
        check(
            &[
                (
                    0,
                    1500,
                    b"\0\x05a<b&c\0\0\0\x16styl\0\x01\0\0\0\x01\0\x01\x01\x12\0\0\0\xff",
                ),
                (1500, 2000, b"\0\0"),
                (2000, 3_600_000, b"\0\x06caf\xc3\xa9"),
                (3_600_000, 3_601_000, b"\0\x06\xfe\xff\0a\0b"),
                (3_601_000, 3_602_000, b"\0\x06a\r\n\r\nb"),
            ],
            "00:00:00.000 --> 00:00:01.500\na&lt;b&amp;c\n\n00:00:02.000 --> 01:00:00.000\ncafé\n\n\
             01:00:00.000 --> 01:00:01.000\nab\n\n01:00:01.000 --> 01:00:02.000\na\nb\n\n",
        );
    }

    #[test]
    fn a_length_beyond_the_sample_takes_what_is_there() {
        check(
            &[(0, 1000, b"\xff\xffa")],
            "00:00:00.000 --> 00:00:01.000\na\n\n",
        );
    }
}
