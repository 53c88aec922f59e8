//! The names of what is made of an object, beneath the object's own name.
//!
//! ```text
//! video/talk.mp4/hls/master.m3u8                 all renditions
//! video/talk.mp4/hls/t1/media.m3u8               one track: 1 is the first in the file
//! video/talk.mp4/hls/t1/iframes.m3u8
//! video/talk.mp4/hls/t1/init.mp4
//! video/talk.mp4/hls/t1/7.m4s                    a segment: 1 is the first
//! video/talk.mp4/hls/t3/subtitles.vtt            a text track
//! video/talk.mp4/hls/r-720p/t1/7.m4s             a segment of another rendition
//! video/talk.mp4/hls/s-en/media.m3u8             subtitles of another object
//! video/talk.mp4/hls/s-en/subtitles.vtt
//! video/talk.mp4/hls/ts.m3u8                     video and audio together, for old players
//! video/talk.mp4/hls/ts/7.ts
//! video/talk.mp4/dash/manifest.mpd
//! ```

/// A name, parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VideoName<'a> {
    /// The path of the object, as the viewer spelled it: `/video/talk.mp4`.
    pub object_path: &'a str,
    /// Label of the rendition, if it is not the object's own.
    pub rendition: Option<&'a str>,
    /// Requested item.
    pub item: VideoItem<'a>,
}

/// An item that is made of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VideoItem<'a> {
    /// `hls/master.m3u8`.
    Master,
    /// `hls/ts.m3u8`.
    TsMedia,
    /// `hls/ts/7.ts`, from 1.
    TsSegment(u32),
    /// `hls/t1/media.m3u8`, from 1.
    Media(u32),
    /// `hls/t1/iframes.m3u8`.
    IFrames(u32),
    /// `hls/t1/init.mp4`.
    Init(u32),
    /// `hls/t1/7.m4s`: track and segment.
    Segment(u32, u32),
    /// `hls/t3/subtitles.vtt`.
    Subtitles(u32),
    /// `hls/s-en/media.m3u8`.
    SideMedia(&'a str),
    /// `hls/s-en/subtitles.vtt`.
    SideSubtitles(&'a str),
    /// `dash/manifest.mpd`.
    Dash,
}

/// Extensions of objects from which videos are made. A set of renditions is described by an object that ends in
/// `.video.json`.
pub const VIDEO_EXTENSIONS: [&str; 6] = [".mp4", ".m4v", ".m4a", ".mov", ".cmfv", ".video.json"];

/// Size limit of the label of a rendition or of subtitles.
pub const LABEL_SIZE_BYTES_MAX: usize = 32;

/// Returns true if a text is a label: it consists of letters, digits, `-` and `_`.
pub fn is_label(text: &str) -> bool {
    (1..=LABEL_SIZE_BYTES_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Parses a request's path; returns `None` if it names nothing that is made of an object.
///
/// The object's path may be spelled in any way; the rest has one spelling.
pub fn video_name(path: &str) -> Option<VideoName<'_>> {
    let (at, dash) = match (path.rfind("/hls/"), path.rfind("/dash/")) {
        (Some(hls), Some(dash)) if dash > hls => (dash, true),
        (Some(hls), Some(_) | None) => (hls, false),
        (None, Some(dash)) => (dash, true),
        (None, None) => return None,
    };
    let (object_path, rest) = path.split_at(at);
    let has_extension = VIDEO_EXTENSIONS.iter().any(|extension| {
        object_path.len() > extension.len() + 1
            && object_path.is_char_boundary(object_path.len() - extension.len())
            && object_path[object_path.len() - extension.len()..].eq_ignore_ascii_case(extension)
    });
    if !has_extension {
        return None;
    }
    let (rendition, item) = if dash {
        (
            None,
            (rest == "/dash/manifest.mpd").then_some(VideoItem::Dash)?,
        )
    } else {
        hls_item(rest.strip_prefix("/hls/")?)?
    };
    Some(VideoName {
        object_path,
        rendition,
        item,
    })
}

fn hls_item(rest: &str) -> Option<(Option<&str>, VideoItem<'_>)> {
    let (rendition, rest) = match rest.strip_prefix("r-") {
        Some(labelled) => {
            let (label, rest) = labelled.split_once('/')?;
            (Some(Some(label).filter(|label| is_label(label))?), rest)
        }
        None => (None, rest),
    };
    if rest.starts_with("r-") {
        return None;
    }
    let item = match rest.split_once('/') {
        None => match rest {
            "master.m3u8" => VideoItem::Master,
            "ts.m3u8" => VideoItem::TsMedia,
            _ => return None,
        },
        Some(("ts", file)) => VideoItem::TsSegment(number(file.strip_suffix(".ts")?)?),
        Some((folder, file)) => match folder.strip_prefix("s-") {
            Some(label) if is_label(label) => match file {
                "media.m3u8" => VideoItem::SideMedia(label),
                "subtitles.vtt" => VideoItem::SideSubtitles(label),
                _ => return None,
            },
            Some(_) => return None,
            None => track_item(number(folder.strip_prefix('t')?)?, file)?,
        },
    };
    Some((rendition, item))
}

fn track_item(track: u32, file: &str) -> Option<VideoItem<'static>> {
    Some(match file {
        "media.m3u8" => VideoItem::Media(track),
        "iframes.m3u8" => VideoItem::IFrames(track),
        "init.mp4" => VideoItem::Init(track),
        "subtitles.vtt" => VideoItem::Subtitles(track),
        _ => VideoItem::Segment(track, number(file.strip_suffix(".m4s")?)?),
    })
}

/// Parses a number from 1, in its one spelling.
fn number(text: &str) -> Option<u32> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Option<(&str, Option<&str>, VideoItem<'_>)>) {
        let expected = expected.map(|(object_path, rendition, item)| VideoName {
            object_path,
            rendition,
            item,
        });
        assert_eq!(video_name(path), expected, "{path}");
    }

    #[test]
    fn what_is_no_name_of_ours_is_an_ordinary_path() {
        for path in [
            "/",
            "/talk.mp4",
            "/hls/master.m3u8",
            "/.mp4/hls/master.m3u8",
            "/talk.txt/hls/master.m3u8",
            "/talk.mp4/hls/",
            "/talk.mp4/hls/other.m3u8",
            "/talk.mp4/hls/t0/media.m3u8",
            "/talk.mp4/hls/t01/media.m3u8",
            "/talk.mp4/hls/t1/+1.m4s",
            "/talk.mp4/hls/t1/0.m4s",
            "/talk.mp4/hls/t1/99999999999.m4s",
            "/talk.mp4/hls/t1/1.m4s/x",
            "/talk.mp4/hls/r-/t1/1.m4s",
            "/talk.mp4/hls/r-a/r-b/t1/1.m4s",
            "/talk.mp4/hls/s-é/media.m3u8",
            "/talk.mp4/dash/other.mpd",
            "/talk.mp4/HLS/master.m3u8",
            "/talk.mp4%2Fhls/master.m3u8",
        ] {
            check(path, None);
        }
    }

    #[test]
    fn every_name_is_taken_apart() {
        use VideoItem::{
            Dash, IFrames, Init, Master, Media, Segment, SideMedia, SideSubtitles, Subtitles,
            TsMedia, TsSegment,
        };
        for (rest, rendition, item) in [
            ("hls/master.m3u8", None, Master),
            ("hls/ts.m3u8", None, TsMedia),
            ("hls/ts/7.ts", None, TsSegment(7)),
            ("hls/t1/media.m3u8", None, Media(1)),
            ("hls/t1/iframes.m3u8", None, IFrames(1)),
            ("hls/t12/init.mp4", None, Init(12)),
            ("hls/t1/70.m4s", None, Segment(1, 70)),
            ("hls/t3/subtitles.vtt", None, Subtitles(3)),
            ("hls/r-720p/t1/7.m4s", Some("720p"), Segment(1, 7)),
            ("hls/r-720p/ts.m3u8", Some("720p"), TsMedia),
            ("hls/s-en/media.m3u8", None, SideMedia("en")),
            ("hls/s-en/subtitles.vtt", None, SideSubtitles("en")),
            ("dash/manifest.mpd", None, Dash),
        ] {
            for object in [
                "/a/talk.mp4",
                "/a/T%20é.MP4",
                "/hls/x.mp4/hls/y.mov",
                "/s.video.json",
            ] {
                let path = format!("{object}/{rest}");
                check(&path, Some((object, rendition, item)));
            }
        }
    }
}
