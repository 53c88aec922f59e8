//! The manifest of DASH (ISO 23009-1), with the same segments as HLS.

use std::fmt::Write;

use super::presentation::{AudioGroup, Picture, Presentation, Title};
use super::suffix::Suffix;
use super::timeline::Timeline;
use super::{Propagation, Rendition, SideText};
use crate::describe::TrackDescription;
use crate::mp4::{Colour, Role, VideoRange};

/// Writes `dash/manifest.mpd`: all renditions, languages and subtitles.
///
/// Text tracks of the video itself are offered as WebVTT, like subtitles of other objects.
pub fn dash(
    renditions: &[Rendition<'_>],
    side: &[SideText<'_>],
    grant: &Propagation<'_>,
) -> String {
    let presentation = Presentation::of(renditions, side);
    let tracks = || {
        let audio_tracks = presentation
            .groups
            .iter()
            .flat_map(|group| &group.audio_tracks);
        let pictures = presentation.pictures.iter().map(|picture| picture.track);
        pictures.chain(audio_tracks.map(|audio| audio.track))
    };
    let longest_ms = tracks()
        .flat_map(|track| Timeline::of(track).durations_ms().max())
        .fold(1000, u64::max);
    let video_ms = renditions
        .iter()
        .map(|rendition| u64::try_from(rendition.video.duration.as_millis()).unwrap_or(u64::MAX))
        .max()
        .unwrap_or(0);
    let mut manifest = Manifest {
        text: String::new(),
        plain: escaped(Suffix::of(grant).as_str()),
        template: escaped(Suffix::of_templates(grant).as_str()),
    };
    let _ = writeln!(
        manifest.text,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" type=\"static\" \
         mediaPresentationDuration=\"{}\" maxSegmentDuration=\"{}\" minBufferTime=\"{}\">\n<Period id=\"0\" start=\"PT0S\">",
        seconds(video_ms),
        seconds(longest_ms),
        seconds(longest_ms.min(BUFFER_MS_MAX)),
    );
    manifest.push_pictures(&presentation.pictures);
    for group in &presentation.groups {
        manifest.push_audio_tracks(group);
    }
    for text in &presentation.texts {
        manifest.push_text(&text.folder, &text.title);
    }
    manifest.text.push_str("</Period>\n</MPD>\n");
    manifest.text
}

/// A manifest that is being written.
struct Manifest {
    text: String,
    /// Suffix of a file's URI.
    plain: String,
    /// Suffix of a template's URI.
    template: String,
}

impl Manifest {
    /// Appends an adaptation set for each codec and range, since players change between the representations of one set.
    fn push_pictures(&mut self, pictures: &[Picture<'_>]) {
        for (place, first) in pictures.iter().enumerate() {
            let is_alike = |other: &&Picture<'_>| {
                other.track.codec == first.track.codec && range(other) == range(first)
            };
            if pictures[..place].iter().any(|other| is_alike(&other)) {
                continue;
            }
            let alike: Vec<_> = pictures.iter().filter(is_alike).collect();
            let tracks: Vec<_> = alike.iter().map(|picture| picture.track).collect();
            self.begin_set("video", "video/mp4", None);
            self.push_alignment(&tracks);
            self.text.push_str(">\n");
            let has_other_range = pictures.iter().any(|other| range(other) != range(first));
            self.push_colour(&tracks, has_other_range);
            for picture in alike {
                self.begin_representation(&picture.folder, picture.track);
                let track = picture.track;
                if track.width > 0 && track.height > 0 {
                    let _ = write!(
                        self.text,
                        " width=\"{}\" height=\"{}\"",
                        track.width, track.height
                    );
                }
                match track.frame_rate {
                    Some((rate, 1)) => drop(write!(self.text, " frameRate=\"{rate}\"")),
                    Some((rate, per)) if per > 0 => {
                        let _ = write!(self.text, " frameRate=\"{rate}/{per}\"");
                    }
                    Some(_) | None => {}
                }
                self.text.push_str(">\n");
                self.push_template(&picture.folder, track);
                self.text.push_str("</Representation>\n");
            }
            self.text.push_str("</AdaptationSet>\n");
        }
    }

    /// Appends the colours that all video tracks of a set have in common (ISO 23009-1 5.8.4.9, with the names of ISO
    /// 23001-8).
    ///
    /// If there is another set for other screens, a player that does not support PQ ignores this one; if there is none,
    /// it shows what it can.
    fn push_colour(&mut self, tracks: &[&TrackDescription], has_other_range: bool) {
        let common = |code_point: fn(&Colour) -> u8| {
            let of = |track: &&TrackDescription| track.colour.as_ref().map(code_point);
            let first = tracks.first().and_then(of)?;
            let is_said = first != Colour::UNSPECIFIED;
            (is_said && tracks.iter().all(|track| of(track) == Some(first))).then_some(first)
        };
        let is_pq = tracks.iter().any(|track| {
            track
                .colour
                .is_some_and(|colour| colour.range() == Some(VideoRange::Pq))
        });
        let element = match is_pq && has_other_range {
            true => "EssentialProperty",
            false => "SupplementalProperty",
        };
        for (name, value) in [
            ("ColourPrimaries", common(|colour| colour.primaries)),
            ("TransferCharacteristics", common(|colour| colour.transfer)),
            ("MatrixCoefficients", common(|colour| colour.matrix)),
        ] {
            if let Some(value) = value {
                let _ = writeln!(
                    self.text,
                    "<{element} schemeIdUri=\"urn:mpeg:mpegB:cicp:{name}\" value=\"{value}\"/>"
                );
            }
        }
    }

    /// Appends a set for each audio track.
    fn push_audio_tracks(&mut self, group: &AudioGroup<'_>) {
        for audio in &group.audio_tracks {
            let track = audio.track;
            self.begin_set("audio", "audio/mp4", audio.title.language.as_deref());
            self.push_alignment(&[track]);
            self.text.push_str(">\n");
            self.push_label(&audio.title);
            self.push_purpose(&audio_purpose(&audio.title));
            self.begin_representation(&audio.folder, track);
            if track.sample_rate > 0 {
                let _ = write!(self.text, " audioSamplingRate=\"{}\"", track.sample_rate);
            }
            self.text.push_str(">\n");
            if let Some(configuration) = channel_configuration(track.channels) {
                let _ = writeln!(
                    self.text,
                    "<AudioChannelConfiguration schemeIdUri=\"urn:mpeg:dash:23003:3:audio_channel_configuration:2011\" \
                     value=\"{configuration}\"/>"
                );
            }
            self.push_template(&audio.folder, track);
            self.text.push_str("</Representation>\n</AdaptationSet>\n");
        }
    }

    fn push_text(&mut self, folder: &str, title: &Title) {
        self.begin_set("text", "text/vtt", title.language.as_deref());
        self.text.push_str(">\n");
        self.push_label(title);
        self.push_purpose(&text_purpose(title));
        let _ = writeln!(
            self.text,
            "<Representation id=\"{}\" bandwidth=\"{TEXT_BITS_PER_SEC}\">\n<BaseURL>../hls/{folder}subtitles.vtt{}</BaseURL>\n\
             </Representation>\n</AdaptationSet>",
            id(folder),
            self.plain
        );
    }

    /// Appends the start tag of a set without its end, so that more attributes can follow.
    fn begin_set(&mut self, content: &str, mime_type: &str, language: Option<&str>) {
        let _ = write!(
            self.text,
            "<AdaptationSet contentType=\"{content}\" mimeType=\"{mime_type}\""
        );
        if let Some(language) = language {
            let _ = write!(self.text, " lang=\"{language}\"");
        }
    }

    fn push_alignment(&mut self, tracks: &[&TrackDescription]) {
        let cuts =
            |track: &TrackDescription| Timeline::of(track).durations_ms().collect::<Vec<_>>();
        let first = tracks.first().map(|track| cuts(track));
        if tracks
            .iter()
            .skip(1)
            .all(|track| Some(cuts(track)) == first)
        {
            self.text.push_str(" segmentAlignment=\"true\"");
        }
        if tracks.iter().all(|track| track.starts_with_sync) {
            self.text.push_str(" startWithSAP=\"1\"");
        }
    }

    fn push_label(&mut self, title: &Title) {
        let _ = writeln!(self.text, "<Label>{}</Label>", escaped(&title.name));
    }

    fn push_purpose(&mut self, purpose: &DashPurpose) {
        if let Some(value) = purpose.audio_purpose {
            let _ = writeln!(
                self.text,
                "<Accessibility schemeIdUri=\"urn:tva:metadata:cs:AudioPurposeCS:2007\" value=\"{value}\"/>"
            );
        }
        for role in &purpose.roles {
            let _ = writeln!(
                self.text,
                "<Role schemeIdUri=\"urn:mpeg:dash:role:2011\" value=\"{}\"/>",
                role.value()
            );
        }
    }

    fn begin_representation(&mut self, folder: &str, track: &TrackDescription) {
        let _ = write!(
            self.text,
            "<Representation id=\"{}\" codecs=\"{}\" bandwidth=\"{}\"",
            id(folder),
            escaped(&track.codecs),
            track.peak_bits_per_sec.clamp(1, u64::from(u32::MAX))
        );
    }

    fn push_template(&mut self, folder: &str, track: &TrackDescription) {
        let _ = writeln!(
            self.text,
            "<SegmentTemplate timescale=\"{}\" presentationTimeOffset=\"0\" startNumber=\"1\" \
             initialization=\"../hls/{folder}init.mp4{}\" media=\"../hls/{folder}$Number$.m4s{}\">\n<SegmentTimeline>",
            track.timescale.max(1),
            self.template,
            self.template
        );
        let timeline = Timeline::of(track);
        let mut durations = timeline.durations().peekable();
        let mut time = " t=\"0\"";
        while let Some(duration) = durations.next() {
            let mut repeats = 0_u32;
            while durations.next_if_eq(&duration).is_some() {
                repeats += 1;
            }
            let _ = match repeats {
                0 => writeln!(self.text, "<S{time} d=\"{duration}\"/>"),
                repeats => writeln!(self.text, "<S{time} d=\"{duration}\" r=\"{repeats}\"/>"),
            };
            time = "";
        }
        self.text
            .push_str("</SegmentTimeline>\n</SegmentTemplate>\n");
    }
}

/// The purpose of a set, as DASH states it.
struct DashPurpose {
    /// TV-Anytime's audio purpose: 1 for the visually impaired, 2 for the hard of hearing (ETSI TS 103 285 7.1.2).
    audio_purpose: Option<u8>,
    roles: Vec<Role>,
}

/// Returns the purpose of an audio track. The default one is the main one; others are main only if the file says so.
fn audio_purpose(title: &Title) -> DashPurpose {
    let roles = title.purpose.roles;
    let first = match title.is_default || roles.has(Role::Main) {
        true => Some(Role::Main),
        false if roles.are_beside_the_video() => None,
        false => Some(Role::Alternate),
    };
    // Roles of subtitles mean nothing here.
    let is_further = |role: &Role| match role {
        Role::Supplementary
        | Role::Commentary
        | Role::Dub
        | Role::Description
        | Role::Sign
        | Role::EnhancedAudioIntelligibility => true,
        Role::Main
        | Role::Alternate
        | Role::Caption
        | Role::Subtitle
        | Role::ForcedSubtitle
        | Role::EasyReader => false,
    };
    DashPurpose {
        audio_purpose: match () {
            () if roles.has(Role::Description) => Some(1),
            () if roles.are_hard_of_hearing() => Some(2),
            () => None,
        },
        roles: first
            .into_iter()
            .chain(roles.iter().filter(is_further))
            .collect(),
    }
}

/// Returns the purpose of subtitles: they are captions, forced, or plain subtitles, with the file's further roles.
fn text_purpose(title: &Title) -> DashPurpose {
    let roles = title.purpose.roles;
    let is_told = roles.has(Role::Caption) || roles.has(Role::ForcedSubtitle);
    let first = (!is_told).then_some(Role::Subtitle);
    let is_further = |role: &Role| !matches!(role, Role::Main | Role::Alternate | Role::Subtitle);
    DashPurpose {
        audio_purpose: roles.has(Role::Caption).then_some(2),
        roles: first
            .into_iter()
            .chain(roles.iter().filter(is_further))
            .collect(),
    }
}

/// Returns the range of a video track, which is SDR if the file does not state it.
fn range(picture: &Picture<'_>) -> VideoRange {
    picture.range.unwrap_or(VideoRange::Sdr)
}

/// Returns `r-720p/t1/` without slashes, as an id.
fn id(folder: &str) -> String {
    folder.trim_end_matches('/').replace('/', "-")
}

/// Returns the channel configuration of ISO 23003-3, table 68: up to six channels have their number, eight are 7.1.
fn channel_configuration(channels: u16) -> Option<u16> {
    match channels {
        1..=6 => Some(channels),
        8 => Some(7),
        _ => None,
    }
}

/// Formats a duration: `PT6.006S`.
fn seconds(milliseconds: u64) -> String {
    format!("PT{}.{:03}S", milliseconds / 1000, milliseconds % 1000)
}

/// Escapes a text for attributes and content of XML.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            character => escaped.push(character),
        }
    }
    escaped
}

/// Time that players buffer before they begin; a video with long segments need not wait for a whole one.
const BUFFER_MS_MAX: u64 = 10_000;

/// Bitrate stated for subtitles; it only has to be small.
const TEXT_BITS_PER_SEC: u32 = 1000;
