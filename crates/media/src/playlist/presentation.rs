//! Chooses the tracks that playlists offer: video renditions, groups of audio, subtitles; their names, and the
//! defaults.
//!
//! HLS and DASH are written from the same choice. The first video track of each rendition is offered. The audio is that
//! of the first rendition that has any, so that a player that changes the video rendition keeps its audio; tracks in
//! languages that only other renditions have are added.

use std::borrow::Cow;

use super::language::{language_name, language_tag};
use super::{Rendition, SideText};
use crate::describe::TrackDescription;
use crate::mp4::{Codec, Colour, Role, Roles, TrackKind, VideoRange};

/// The tracks that playlists offer.
pub(super) struct Presentation<'a> {
    pub(super) pictures: Vec<Picture<'a>>,
    pub(super) groups: Vec<AudioGroup<'a>>,
    pub(super) texts: Vec<Text>,
    /// True if decoding can begin with any segment of any video and audio track.
    pub(super) starts_with_sync: bool,
}

/// One rendition of the video track.
pub(super) struct Picture<'a> {
    pub(super) folder: String,
    pub(super) track: &'a TrackDescription,
    /// Video range; `None` if the file does not state it, and no other rendition has a high range.
    pub(super) range: Option<VideoRange>,
}

/// Audio tracks of one codec: a viewer changes between them, never between groups (Chromium refuses a variant that
/// names two audio codecs).
pub(super) struct AudioGroup<'a> {
    pub(super) id: String,
    pub(super) audio_tracks: Vec<Audio<'a>>,
}

/// One audio track.
pub(super) struct Audio<'a> {
    pub(super) folder: String,
    pub(super) track: &'a TrackDescription,
    pub(super) title: Title,
}

/// One subtitle track.
pub(super) struct Text {
    /// Folder: `t3/` or `s-en/`, with the rendition before it.
    pub(super) folder: String,
    pub(super) title: Title,
}

/// The attributes by which a viewer finds an audio or subtitle track.
pub(super) struct Title {
    /// Language by BCP 47.
    pub(super) language: Option<String>,
    /// Name, unique in its group.
    pub(super) name: String,
    pub(super) is_default: bool,
    /// True if a player may choose it by its language: only one track of each language and purpose may state this
    /// (RFC 8216bis 4.4.6.1).
    pub(super) is_selectable: bool,
    pub(super) purpose: Purpose,
}

/// The purpose of an audio or subtitle track, as HLS and DASH state it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Purpose {
    pub(super) roles: Roles,
    /// Addition to the name of the language, so that a viewer can tell tracks apart.
    name: Option<&'static str>,
    /// Value of CHARACTERISTICS in HLS; empty if there are none.
    pub(super) characteristics: &'static str,
    /// True for subtitles that are shown to viewers who selected none.
    pub(super) is_forced: bool,
}

impl Purpose {
    fn of(track: &TrackDescription) -> Purpose {
        let roles = track.roles;
        Purpose {
            roles,
            name: purpose_name(track.kind, roles),
            characteristics: characteristics(track.kind, roles),
            is_forced: track.kind == TrackKind::Text && roles.has(Role::ForcedSubtitle),
        }
    }
}

fn purpose_name(kind: TrackKind, roles: Roles) -> Option<&'static str> {
    const SOUND: &[(Role, &str)] = &[
        (Role::Description, "audio description"),
        (Role::Commentary, "commentary"),
        (Role::EnhancedAudioIntelligibility, "hard of hearing"),
        (Role::Caption, "hard of hearing"),
    ];
    const TEXT: &[(Role, &str)] = &[
        (Role::ForcedSubtitle, "forced"),
        (Role::Commentary, "commentary"),
        (Role::Description, "descriptions"),
        (Role::Caption, "captions"),
        (Role::EasyReader, "easy to read"),
    ];
    let mut names = match kind {
        TrackKind::Video => return None,
        TrackKind::Audio => SOUND.iter(),
        TrackKind::Text => TEXT.iter(),
    };
    names.find_map(|(role, name)| roles.has(*role).then_some(*name))
}

/// Returns CHARACTERISTICS (RFC 8216bis 4.4.6.1): the accessibility features of a rendition.
fn characteristics(kind: TrackKind, roles: Roles) -> &'static str {
    match kind {
        TrackKind::Video => "",
        TrackKind::Audio if roles.has(Role::Description) => "public.accessibility.describes-video",
        TrackKind::Audio => "",
        TrackKind::Text if roles.has(Role::Caption) => {
            "public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound"
        }
        TrackKind::Text if roles.has(Role::EasyReader) => "public.easy-to-read",
        TrackKind::Text => "",
    }
}

impl<'a> Presentation<'a> {
    pub(super) fn of(renditions: &[Rendition<'a>], side: &[SideText<'a>]) -> Presentation<'a> {
        let pictures = pictures(renditions);
        let groups = groups(renditions, !pictures.is_empty());
        let audio_tracks = groups.iter().flat_map(|group| &group.audio_tracks);
        let starts_with_sync = pictures
            .iter()
            .map(|picture| picture.track)
            .chain(audio_tracks.map(|audio| audio.track))
            .all(|track| track.starts_with_sync);
        Presentation {
            pictures,
            groups,
            texts: texts(renditions, side),
            starts_with_sync,
        }
    }
}

fn pictures<'a>(renditions: &[Rendition<'a>]) -> Vec<Picture<'a>> {
    let mut pictures: Vec<Picture<'a>> = renditions
        .iter()
        .filter_map(|rendition| {
            let track = offered(rendition, TrackKind::Video).next()?;
            Some(Picture {
                folder: folder(rendition, track),
                track,
                range: track.colour.as_ref().and_then(Colour::range),
            })
        })
        .collect();
    // If one has a high range, all state theirs: Apple's players expect VIDEO-RANGE on all variants or on none.
    let is_high = |range| matches!(range, Some(VideoRange::Hlg | VideoRange::Pq));
    if pictures.iter().any(|picture| is_high(picture.range)) {
        for picture in &mut pictures {
            picture.range.get_or_insert(VideoRange::Sdr);
        }
    }
    pictures
}

/// Returns the groups of the first rendition that has audio, with tracks in further languages added. Without video,
/// returns the groups of all renditions, since they are then what a player chooses from.
fn groups<'a>(renditions: &[Rendition<'a>], has_picture: bool) -> Vec<AudioGroup<'a>> {
    let with_audio: Vec<_> = renditions
        .iter()
        .filter(|rendition| offered(rendition, TrackKind::Audio).next().is_some())
        .collect();
    let count = if has_picture { 1 } else { usize::MAX };
    let (leading, others) = with_audio.split_at(count.min(with_audio.len()));
    let mut groups: Vec<AudioGroup<'_>> = Vec::new();
    for rendition in leading {
        for (codec, token) in AUDIO_CODECS {
            let tracks: Vec<_> = offered(rendition, TrackKind::Audio)
                .filter(|track| track.codec == codec)
                .collect();
            if tracks.is_empty() {
                continue;
            }
            let id = match rendition.label {
                Some(label) if !has_picture => format!("{token}-{label}"),
                Some(_) | None => token.to_owned(),
            };
            let mut titles = Titles::default();
            let mut audio_tracks = audio_tracks(rendition, &tracks, &mut titles);
            // Tracks of other codecs are not added: a player changes groups for their bitrate, which must not change
            // the language.
            for other in others {
                audio_tracks.extend(further_audio_tracks(other, codec, &mut titles));
            }
            groups.push(AudioGroup { id, audio_tracks });
        }
    }
    groups
}

/// Returns the audio tracks of another rendition in languages that `titles` does not have.
fn further_audio_tracks<'a>(
    rendition: &Rendition<'a>,
    codec: Codec,
    titles: &mut Titles,
) -> Vec<Audio<'a>> {
    let known = titles.languages.clone();
    let tracks = offered(rendition, TrackKind::Audio).filter(|track| track.codec == codec);
    tracks
        .filter(|track| has_further_language(track, &known))
        .map(|track| Audio {
            folder: folder(rendition, track),
            track,
            title: titles.of_track(track, "Audio"),
        })
        .collect()
}

/// Returns true if a track states its language, and it is none of `known`.
fn has_further_language(track: &TrackDescription, known: &[Option<String>]) -> bool {
    let language = track.language.as_deref().and_then(language_tag);
    language.is_some_and(|language| !known.contains(&Some(language.into_owned())))
}

fn audio_tracks<'a>(
    rendition: &Rendition<'a>,
    tracks: &[&'a TrackDescription],
    titles: &mut Titles,
) -> Vec<Audio<'a>> {
    let default = (0..tracks.len())
        .min_by_key(|place| tracks[*place].roles.lateness(tracks[*place].is_default))
        .unwrap_or(0);
    let mut audio_tracks = Vec::with_capacity(tracks.len());
    // The default track goes first, so that it is the selectable one of its language.
    let order = std::iter::once(default).chain((0..tracks.len()).filter(|place| *place != default));
    for place in order {
        let track = tracks[place];
        let mut title = titles.of_track(track, "Audio");
        title.is_default = place == default;
        title.is_selectable |= title.is_default;
        audio_tracks.push(Audio {
            folder: folder(rendition, track),
            track,
            title,
        });
    }
    audio_tracks.sort_by_key(|audio| audio.track.number);
    audio_tracks
}

/// Returns the subtitles beside the video's object, and those in it. The latter are never the default: muxers enable
/// them by habit, and nobody wants to turn subtitles off first.
fn texts(renditions: &[Rendition<'_>], side: &[SideText<'_>]) -> Vec<Text> {
    let mut titles = Titles::default();
    let mut texts = Vec::new();
    let mut has_default = false;
    for text in side {
        let language = text.language.and_then(language_tag).map(Cow::into_owned);
        let mut title = titles.make(language, Some(text.name), "Subtitles", Purpose::default());
        title.is_default = text.is_default && !has_default;
        title.is_selectable |= title.is_default;
        has_default |= title.is_default;
        texts.push(Text {
            folder: format!("s-{}/", text.label),
            title,
        });
    }
    let mut with_text = renditions
        .iter()
        .filter(|rendition| offered(rendition, TrackKind::Text).next().is_some());
    let Some(first) = with_text.next() else {
        return texts;
    };
    for track in offered(first, TrackKind::Text) {
        texts.push(Text {
            folder: folder(first, track),
            title: titles.of_track(track, "Subtitles"),
        });
    }
    for rendition in with_text {
        let known = titles.languages.clone();
        let tracks = offered(rendition, TrackKind::Text);
        for track in tracks.filter(|track| has_further_language(track, &known)) {
            texts.push(Text {
                folder: folder(rendition, track),
                title: titles.of_track(track, "Subtitles"),
            });
        }
    }
    texts
}

fn offered<'a>(
    rendition: &Rendition<'a>,
    kind: TrackKind,
) -> impl Iterator<Item = &'a TrackDescription> {
    let tracks = rendition.video.tracks.iter();
    tracks.filter(move |track| track.is_offered && track.kind == kind)
}

fn folder(rendition: &Rendition<'_>, track: &TrackDescription) -> String {
    match rendition.label {
        Some(label) => format!("r-{label}/t{}/", track.number),
        None => format!("t{}/", track.number),
    }
}

/// The names, and the languages with their purposes, that a group has already.
#[derive(Default)]
struct Titles {
    names: Vec<String>,
    languages: Vec<Option<String>>,
    selectable: Vec<(Option<String>, &'static str, bool)>,
}

impl Titles {
    fn of_track(&mut self, track: &TrackDescription, otherwise: &str) -> Title {
        let language = track.language.as_deref().and_then(language_tag);
        let name = track.name.as_deref().filter(|name| !is_handler(name));
        self.make(
            language.map(Cow::into_owned),
            name,
            otherwise,
            Purpose::of(track),
        )
    }

    fn make(
        &mut self,
        language: Option<String>,
        name: Option<&str>,
        otherwise: &str,
        purpose: Purpose,
    ) -> Title {
        let given = name.map(printable).filter(|name| !name.is_empty());
        let name = given.unwrap_or_else(|| {
            let language = language.as_deref().map(spoken_name);
            let name = language.unwrap_or_else(|| otherwise.to_owned());
            match purpose.name {
                Some(purpose) => format!("{name} ({purpose})"),
                None => name,
            }
        });
        let mut unique = name.clone();
        let mut number = 1;
        while self.names.contains(&unique) {
            number += 1;
            unique = format!("{name} {number}");
        }
        self.names.push(unique.clone());
        self.languages.push(language.clone());
        // HLS has no characteristic for a commentary: a player must not choose it by language alone.
        let is_wanted =
            !purpose.roles.are_beside_the_video() || !purpose.characteristics.is_empty();
        let key = (language.clone(), purpose.characteristics, purpose.is_forced);
        let is_selectable = is_wanted && !self.selectable.contains(&key);
        if is_selectable {
            self.selectable.push(key);
        }
        Title {
            language,
            name: unique,
            is_default: false,
            is_selectable,
            purpose,
        }
    }
}

fn spoken_name(tag: &str) -> String {
    language_name(tag).unwrap_or(tag).to_owned()
}

/// Removes all that could end a quoted string or a line.
fn printable(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|character| match character {
            '"' => '\'',
            character if character.is_control() => ' ',
            character => character,
        })
        .collect();
    plain.trim().chars().take(NAME_CHARACTERS_MAX).collect()
}

/// Returns true for names that muxers write into every file, which nobody chose.
fn is_handler(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains("handler") || name.starts_with("core media") || name.starts_with("iso media file")
}

/// Length to which names are cut.
const NAME_CHARACTERS_MAX: usize = 100;

/// Audio codecs and their groups; the first is the one that every player supports.
const AUDIO_CODECS: [(Codec, &str); 6] = [
    (Codec::Aac, "aac"),
    (Codec::Mp3, "mp3"),
    (Codec::Ac3, "ac3"),
    (Codec::Eac3, "eac3"),
    (Codec::Opus, "opus"),
    (Codec::Flac, "flac"),
];

#[cfg(test)]
mod tests;
