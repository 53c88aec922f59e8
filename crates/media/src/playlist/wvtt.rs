//! Converts WebVTT in mp4 (ISO 14496-30) back to a WebVTT text.

use std::time::Duration;

use super::vtt::{ARROW, VttText, vtt_checked};
use super::{CUES_MAX, TEXT_SIZE_BYTES_MAX};

/// Makes WebVTT from samples of a `wvtt` track: the start, the end and the bytes of each.
///
/// `head` is the header, with styles and regions: the payload of `vttC`. Cues keep their settings. Samples beyond
/// [`CUES_MAX`] or [`TEXT_SIZE_BYTES_MAX`] are not read.
pub fn vtt_from_wvtt(
    head: Option<&[u8]>,
    samples: impl Iterator<Item = (Duration, Duration, Vec<u8>)>,
) -> String {
    // A header without its first word, or one that is too long, counts as missing.
    let mut vtt = match head.and_then(|head| vtt_checked(head).ok()) {
        Some(head) => VttText::with_head(&head),
        None => VttText::new(),
    };
    let (mut cue_count, mut size_bytes) = (0_usize, 0_usize);
    for (start, end, sample) in samples {
        size_bytes = size_bytes.saturating_add(sample.len());
        for (_, cue) in boxes(&sample).filter(|(kind, _)| kind == b"vttc") {
            cue_count += 1;
            if cue_count > CUES_MAX || size_bytes > TEXT_SIZE_BYTES_MAX {
                return vtt.into_text();
            }
            let settings = text_of(cue, b"sttg").replace(['\r', '\n'], " ");
            let body = text_of(cue, b"payl").replace('\r', "\n");
            let is_one_cue = |text: &str| !text.contains(ARROW);
            vtt.push_placed_cue(
                milliseconds(start),
                milliseconds(end),
                if is_one_cue(&settings) {
                    settings.trim()
                } else {
                    ""
                },
                &body.replace(ARROW, "--&gt;"),
            );
        }
    }
    vtt.into_text()
}

/// Returns the text of the first box of this kind.
fn text_of(cue: &[u8], kind: &[u8; 4]) -> String {
    let payload = boxes(cue).find(|(found, _)| found == kind);
    payload.map_or_else(String::new, |(_, payload)| {
        String::from_utf8_lossy(payload).replace('\0', "\u{fffd}")
    })
}

/// Yields kind and payload of each box, up to the first that is broken.
fn boxes(bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (size, after) = rest.split_first_chunk::<4>()?;
        let (kind, _) = after.split_first_chunk::<4>()?;
        let size = usize::try_from(u32::from_be_bytes(*size)).ok()?;
        let payload = rest.get(8..size)?;
        rest = rest.get(size..)?;
        Some((*kind, payload))
    })
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
        let size = u32::try_from(payload.len() + 8).unwrap();
        [&size.to_be_bytes(), &kind[..], payload].concat()
    }

    fn cue(settings: &str, body: &str) -> Vec<u8> {
        let inner = [
            boxed(b"sttg", settings.as_bytes()),
            boxed(b"payl", body.as_bytes()),
        ];
        boxed(b"vttc", &inner.concat())
    }

    fn check(head: Option<&[u8]>, samples: &[&[u8]], expected: &str) {
        let samples = (0..).zip(samples).map(|(second, sample)| {
            let start = Duration::from_secs(second);
            (start, start + Duration::from_secs(1), sample.to_vec())
        });
        assert_eq!(vtt_from_wvtt(head, samples), expected);
    }

    const HEAD: &str = "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\n";

    #[test]
    fn broken_boxes_end_a_sample() {
        let whole = cue("", "a");
        for length in 0..whole.len() {
            check(None, &[&whole[..length]], HEAD);
        }
        check(
            None,
            &[b"\0\0\0\x04vttc", b"\xff\xff\xff\xffvttc", b"\0\0\0\0vttc"],
            HEAD,
        );
        check(Some(b"no head"), &[&boxed(b"vtte", b"")], HEAD);
    }

    #[test]
    fn cues_keep_text_and_settings() {
        check(
            Some(b"WEBVTT\n\nSTYLE\n::cue { color: red }"),
            &[
                &[
                    cue("line:0 align:left", "<b>a</b> &amp;\n\nb"),
                    cue("", "c"),
                ]
                .concat(),
                &boxed(b"vtte", b""),
                &cue("a --> b", "x --> y"),
            ],
            "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\nSTYLE\n::cue { color: red }\n\n\
             00:00:00.000 --> 00:00:01.000 line:0 align:left\n<b>a</b> &amp;\nb\n\n\
             00:00:00.000 --> 00:00:01.000\nc\n\n00:00:02.000 --> 00:00:03.000\nx --&gt; y\n\n",
        );
    }
}
