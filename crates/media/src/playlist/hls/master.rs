//! The master playlist: the variants, what each needs from a player, and the groups that go with them.

use std::fmt::Write;

use super::i_frames;
use crate::describe::TrackDescription;
use crate::mp4::VideoRange;
use crate::playlist::presentation::{AudioGroup, Picture, Presentation, Title};
use crate::playlist::suffix::Suffix;
use crate::playlist::{Propagation, Rendition, SideText};

/// Writes `hls/master.m3u8`: all renditions, languages and subtitles.
///
/// Each audio codec has its own group and its own variants, so that a player without one of the codecs chooses another.
/// The audio of the first rendition that has any is used for all.
pub fn hls_master(
    renditions: &[Rendition<'_>],
    side: &[SideText<'_>],
    grant: &Propagation<'_>,
) -> String {
    let presentation = Presentation::of(renditions, side);
    let suffix = Suffix::of(grant);
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:7\n");
    if presentation.starts_with_sync {
        text.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
    }
    for group in &presentation.groups {
        if is_group_needed(&presentation, group) {
            push_audio_tracks(&mut text, group, &suffix);
        }
    }
    for rendition in &presentation.texts {
        let uri = format!("{}media.m3u8{}", rendition.folder, suffix.as_str());
        let media = Media {
            kind: "SUBTITLES",
            group: TEXT_GROUP,
            title: &rendition.title,
            channels: None,
            uri: &uri,
        };
        push_media(&mut text, &media);
    }
    if presentation.pictures.is_empty() {
        push_audio_variants(&mut text, &presentation, &suffix);
        return text;
    }
    if presentation.groups.is_empty() {
        push_variants(&mut text, &presentation, None, &suffix);
    }
    for group in &presentation.groups {
        push_variants(&mut text, &presentation, Some(group), &suffix);
    }
    for picture in &presentation.pictures {
        push_i_frame_variant(&mut text, picture, &suffix);
    }
    text
}

/// Returns false for an audio-only presentation with one track: its variant is the track itself.
fn is_group_needed(presentation: &Presentation<'_>, group: &AudioGroup<'_>) -> bool {
    !presentation.pictures.is_empty() || group.audio_tracks.len() > 1
}

fn push_audio_tracks(text: &mut String, group: &AudioGroup<'_>, suffix: &Suffix) {
    for audio in &group.audio_tracks {
        let uri = format!("{}media.m3u8{}", audio.folder, suffix.as_str());
        let media = Media {
            kind: "AUDIO",
            group: &group.id,
            title: &audio.title,
            channels: Some(audio.track.channels),
            uri: &uri,
        };
        push_media(text, &media);
    }
}

/// A sound or text track among those of its group (RFC 8216 4.3.4.1).
struct Media<'a> {
    kind: &'static str,
    group: &'a str,
    title: &'a Title,
    channels: Option<u16>,
    uri: &'a str,
}

fn push_media(text: &mut String, media: &Media<'_>) {
    let Media {
        kind,
        group,
        title,
        channels,
        uri,
    } = media;
    let _ = write!(text, "#EXT-X-MEDIA:TYPE={kind},GROUP-ID=\"{group}\"");
    if let Some(language) = &title.language {
        let _ = write!(text, ",LANGUAGE=\"{language}\"");
    }
    let yes_or_no = |is_so| if is_so { "YES" } else { "NO" };
    let _ = write!(
        text,
        ",NAME=\"{}\",DEFAULT={},AUTOSELECT={}",
        title.name,
        yes_or_no(title.is_default),
        yes_or_no(title.is_selectable)
    );
    if title.purpose.is_forced {
        text.push_str(",FORCED=YES");
    }
    if !title.purpose.characteristics.is_empty() {
        let _ = write!(
            text,
            ",CHARACTERISTICS=\"{}\"",
            title.purpose.characteristics
        );
    }
    if let Some(channels) = channels.filter(|channels| *channels > 0) {
        let _ = write!(text, ",CHANNELS=\"{channels}\"");
    }
    let _ = writeln!(text, ",URI=\"{uri}\"");
}

/// Appends a variant for each video rendition, with the audio of one group.
fn push_variants(
    text: &mut String,
    presentation: &Presentation<'_>,
    group: Option<&AudioGroup<'_>>,
    suffix: &Suffix,
) {
    for picture in &presentation.pictures {
        let track = picture.track;
        let audio_tracks = || {
            group
                .iter()
                .flat_map(|group| &group.audio_tracks)
                .map(|audio| audio.track)
        };
        let peak = audio_tracks()
            .map(|audio| audio.peak_bits_per_sec)
            .max()
            .unwrap_or(0);
        let average = audio_tracks()
            .map(|audio| audio.average_bits_per_sec)
            .max()
            .unwrap_or(0);
        let _ = write!(
            text,
            "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{}\"",
            track.peak_bits_per_sec.saturating_add(peak).max(1),
            track.average_bits_per_sec.saturating_add(average).max(1),
            codecs(std::iter::once(track).chain(audio_tracks()))
        );
        push_picture(text, picture);
        if let Some((numerator, denominator)) =
            track.frame_rate.filter(|(_, denominator)| *denominator > 0)
        {
            let _ = write!(
                text,
                ",FRAME-RATE={:.3}",
                f64::from(numerator) / f64::from(denominator)
            );
        }
        if let Some(group) = group {
            let _ = write!(text, ",AUDIO=\"{}\"", group.id);
        }
        push_variant_end(text, presentation, &picture.folder, suffix);
    }
}

/// Appends a variant for each group; its playlist is that of the group's default track.
fn push_audio_variants(text: &mut String, presentation: &Presentation<'_>, suffix: &Suffix) {
    for group in &presentation.groups {
        let Some(default) = group
            .audio_tracks
            .iter()
            .find(|audio| audio.title.is_default)
        else {
            continue;
        };
        let tracks = || group.audio_tracks.iter().map(|audio| audio.track);
        let _ = write!(
            text,
            "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{}\"",
            tracks()
                .map(|track| track.peak_bits_per_sec)
                .max()
                .unwrap_or(0)
                .max(1),
            tracks()
                .map(|track| track.average_bits_per_sec)
                .max()
                .unwrap_or(0)
                .max(1),
            codecs(tracks())
        );
        if is_group_needed(presentation, group) {
            let _ = write!(text, ",AUDIO=\"{}\"", group.id);
        }
        push_variant_end(text, presentation, &default.folder, suffix);
    }
}

fn push_variant_end(
    text: &mut String,
    presentation: &Presentation<'_>,
    folder: &str,
    suffix: &Suffix,
) {
    if !presentation.texts.is_empty() {
        let _ = write!(text, ",SUBTITLES=\"{TEXT_GROUP}\"");
    }
    if !presentation.pictures.is_empty() {
        text.push_str(",CLOSED-CAPTIONS=NONE");
    }
    let _ = writeln!(text, "\n{folder}media.m3u8{}", suffix.as_str());
}

fn push_i_frame_variant(text: &mut String, picture: &Picture<'_>, suffix: &Suffix) {
    let Some(entries) = i_frames(picture.track) else {
        return;
    };
    let bits_per_sec = |size_bytes: u64, duration_ms: u64| {
        size_bytes.saturating_mul(8000).div_ceil(duration_ms.max(1))
    };
    let peak = entries
        .iter()
        .map(|entry| bits_per_sec(entry.size_bytes, entry.duration_ms))
        .fold(1, u64::max);
    let size_bytes = entries
        .iter()
        .map(|entry| entry.size_bytes)
        .fold(0, u64::saturating_add);
    let duration_ms = entries
        .iter()
        .map(|entry| entry.duration_ms)
        .fold(0, u64::saturating_add);
    let _ = write!(
        text,
        "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={},CODECS=\"{}\"",
        bits_per_sec(size_bytes, duration_ms).max(1),
        picture.track.codecs
    );
    push_picture(text, picture);
    let _ = writeln!(
        text,
        ",URI=\"{}iframes.m3u8{}\"",
        picture.folder,
        suffix.as_str()
    );
}

/// Appends what a display must support to show a video track.
fn push_picture(text: &mut String, picture: &Picture<'_>) {
    let track = picture.track;
    if let Some(codecs) = &track.supplemental_codecs {
        let _ = write!(text, ",SUPPLEMENTAL-CODECS=\"{codecs}\"");
    }
    if track.width > 0 && track.height > 0 {
        let _ = write!(text, ",RESOLUTION={}x{}", track.width, track.height);
    }
    if let Some(range) = picture.range {
        let _ = write!(text, ",VIDEO-RANGE={}", video_range(range));
    }
}

/// Returns the value of VIDEO-RANGE (RFC 8216bis 4.4.6.2).
fn video_range(range: VideoRange) -> &'static str {
    match range {
        VideoRange::Sdr => "SDR",
        VideoRange::Hlg => "HLG",
        VideoRange::Pq => "PQ",
    }
}

/// Returns each codec once, with commas between.
fn codecs<'a>(tracks: impl Iterator<Item = &'a TrackDescription>) -> String {
    let mut codecs: Vec<&str> = Vec::new();
    for track in tracks {
        if !codecs.contains(&track.codecs.as_str()) {
            codecs.push(&track.codecs);
        }
    }
    codecs.join(",")
}

/// Id of the one group of subtitles.
const TEXT_GROUP: &str = "text";
