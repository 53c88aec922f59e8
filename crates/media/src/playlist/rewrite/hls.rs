//! Finds the URIs of an m3u8: lines of their own, and attributes of tags (RFC 8216bis 4.4).

use super::{Copy, Signed, ask, cut_fragment, reference};
use crate::Refusal;

pub(super) fn rewrite(
    text: &str,
    sign: &mut dyn FnMut(&str) -> Option<String>,
) -> Result<String, Refusal> {
    if !text.trim_start_matches('\u{feff}').starts_with("#EXTM3U") {
        return Err(Refusal::Unsupported(
            "a playlist that does not begin with #EXTM3U",
        ));
    }
    let mut copy = Copy::of(text);
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        // Players differ in what else is white space: `sign` gets to see it.
        let trimmed = line.trim_ascii();
        let place = start + (line.len() - line.trim_ascii_start().len());
        if let Some(tag) = trimmed.strip_prefix("#EXT") {
            rewrite_tag(place + "#EXT".len(), tag, sign, &mut copy)?;
        } else if !trimmed.is_empty() && !trimmed.trim_start_matches('\u{feff}').starts_with('#') {
            rewrite_uri(place, trimmed, sign, &mut copy)?;
        }
        start = end;
    }
    Ok(copy.end())
}

/// Rewrites a tag; `tag` is the text after `#EXT`, at `place` of the playlist.
fn rewrite_tag(
    place: usize,
    tag: &str,
    sign: &mut dyn FnMut(&str) -> Option<String>,
    copy: &mut Copy<'_>,
) -> Result<(), Refusal> {
    let Some((name, attributes)) = tag.split_once(':') else {
        return Ok(());
    };
    let Some((_, with_uri)) = TAGS.iter().find(|(known, _)| *known == name) else {
        return Ok(());
    };
    let mut place = place + name.len() + 1;
    let mut rest = attributes;
    // NAME=VALUE, where commas within quotes do not end a value (RFC 8216 4.2).
    while let Some((name, value)) = rest.split_once('=') {
        place += name.len() + 1;
        let length = match value.strip_prefix('"') {
            Some(quoted) => {
                let Some(length) = quoted.find('"') else {
                    return Ok(());
                };
                if with_uri.contains(&name.trim()) {
                    rewrite_uri(place + 1, &quoted[..length], sign, copy)?;
                }
                length + 2
            }
            None => value.find(',').unwrap_or(value.len()),
        };
        let after = &value[length..];
        let comma = after.find(',').map_or(after.len(), |comma| comma + 1);
        rest = &after[comma..];
        place += length + comma;
    }
    Ok(())
}

fn rewrite_uri(
    place: usize,
    uri: &str,
    sign: &mut dyn FnMut(&str) -> Option<String>,
    copy: &mut Copy<'_>,
) -> Result<(), Refusal> {
    // The value of a variable is not known here, and so neither is the host.
    if uri.contains("{$") || !reference::can_be_signed(uri) {
        return Ok(());
    }
    let (uri, _) = cut_fragment(uri);
    let end = place + uri.len();
    match ask(uri, sign) {
        Some(Signed::Appended(grant)) => copy.replace(end, end, &grant),
        Some(Signed::Replaced(instead)) => copy.replace(place, end, &instead),
        None => Ok(()),
    }
}

/// Tags without `#EXT`, and their attributes that are URIs. The tag for images is not standard, but packagers write it.
const TAGS: [(&str, &[&str]); 12] = [
    ("-X-KEY", &["URI"]),
    ("-X-MAP", &["URI"]),
    ("-X-MEDIA", &["URI"]),
    ("-X-I-FRAME-STREAM-INF", &["URI"]),
    ("-X-IMAGE-STREAM-INF", &["URI"]),
    ("-X-PART", &["URI"]),
    ("-X-PRELOAD-HINT", &["URI"]),
    ("-X-RENDITION-REPORT", &["URI"]),
    ("-X-PATH_TOKEN-KEY", &["URI"]),
    ("-X-PATH_TOKEN-DATA", &["URI"]),
    ("-X-CONTENT-STEERING", &["SERVER-URI"]),
    ("-X-DATERANGE", &["X-ASSET-URI", "X-ASSET-LIST"]),
];
