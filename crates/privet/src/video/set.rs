//! Checks sets (`.video.json`): each rendition and each subtitles file that they name, and what is left out and why.

use privet_edge::{SET_SIZE_BYTES_MAX, SetSubtitles, VideoSet};
use privet_media::playlist::{TEXT_SIZE_BYTES_MAX, vtt_checked, vtt_from_srt};

use super::reading::{InputLocation, Reading, Unread};
use super::{Finding, Refused, Verdict, video};

/// The result for a set.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SetFinding {
    pub(super) renditions: Vec<RenditionFinding>,
    pub(super) subtitles: Vec<SubtitlesFinding>,
}

/// The result for a rendition: what would be generated from it, or why it is left out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RenditionFinding {
    pub(super) label: String,
    pub(super) file: String,
    pub(super) finding: Finding,
}

/// The result for subtitles in one language.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SubtitlesFinding {
    pub(super) label: String,
    pub(super) language: Option<String>,
    pub(super) name: String,
    pub(super) file: String,
    /// The reason, if they are left out.
    pub(super) left_out: Option<String>,
}

impl SetFinding {
    /// Returns the verdict: a set plays if one rendition does.
    pub(super) fn verdict(&self) -> Verdict {
        let verdicts = self
            .renditions
            .iter()
            .map(|rendition| rendition.finding.verdict());
        let verdicts: Vec<Verdict> = verdicts.collect();
        if verdicts.contains(&Verdict::Plays) {
            Verdict::Plays
        } else if verdicts.contains(&Verdict::CannotTell) {
            Verdict::CannotTell
        } else {
            Verdict::Refused
        }
    }
}

/// Reads a set and all files that it names.
pub(super) fn find(reading: &mut Reading, place: &InputLocation) -> Finding {
    let text = match reading.text(place, SET_SIZE_BYTES_MAX) {
        Ok(text) => text,
        Err(unread) => return unread.into(),
    };
    let set = match VideoSet::read(&path(place), &text) {
        Ok(set) => set,
        Err(reason) => {
            let code = "video-set";
            return Finding::Refused(Refused { reason, code });
        }
    };
    let renditions = set.renditions.iter().map(|rendition| {
        let member = member(place, &rendition.path);
        let finding = match reading.video(&member) {
            Ok(survey) => video(survey),
            Err(Unread::Missing(reason)) => Finding::Refused(Refused {
                reason,
                code: "not-found",
            }),
            Err(unread) => unread.into(),
        };
        RenditionFinding {
            label: rendition.label.clone().unwrap_or_default(),
            file: member.to_string(),
            finding,
        }
    });
    let renditions = renditions.collect();
    let subtitles = set.subtitles.iter();
    let subtitles = subtitles.map(|subtitles| subtitles_of(reading, place, subtitles));
    Finding::Set(Box::new(SetFinding {
        renditions,
        subtitles: subtitles.collect(),
    }))
}

fn subtitles_of(
    reading: &mut Reading,
    set: &InputLocation,
    subtitles: &SetSubtitles,
) -> SubtitlesFinding {
    let path = subtitles.paths.first().map_or("", String::as_str);
    let member = member(set, path);
    let left_out = match reading.text(&member, TEXT_SIZE_BYTES_MAX as u64) {
        Ok(text) => refused_text(path, &text),
        Err(Unread::Missing(reason) | Unread::Fault(reason)) => Some(reason),
        Err(Unread::Refused(refused)) => Some(refused.reason),
    };
    SubtitlesFinding {
        label: subtitles.label.clone(),
        language: subtitles.language.clone(),
        name: subtitles.name.clone(),
        file: member.to_string(),
        left_out,
    }
}

fn refused_text(path: &str, text: &[u8]) -> Option<String> {
    let webvtt = match path.to_ascii_lowercase().ends_with(".srt") {
        true => vtt_from_srt(text),
        false => vtt_checked(text),
    };
    webvtt.err().map(|refusal| refusal.to_string())
}

/// Returns the path of the set, as in a URL; the folder of a file is the root.
fn path(set: &InputLocation) -> String {
    match set {
        InputLocation::File(_) => "/".to_owned(),
        InputLocation::Url(url) => url.path().to_owned(),
    }
}

/// Returns the location of a member. Its path is percent-encoded, and beneath the folder of the set.
fn member(set: &InputLocation, path: &str) -> InputLocation {
    match set {
        InputLocation::File(file) => {
            let relative = path.trim_start_matches('/');
            let relative = percent_encoding::percent_decode_str(relative).decode_utf8_lossy();
            let folder = file.parent().unwrap_or(file);
            InputLocation::File(folder.join(relative.as_ref()))
        }
        InputLocation::Url(url) => InputLocation::Url(url.beside(path)),
    }
}
