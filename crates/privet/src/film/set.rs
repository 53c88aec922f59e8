//! Sets (`.film.json`): each quality and each subtitle that they name, and what is left out and why.

use privet_edge::{FilmSet, SET_SIZE_BYTES_MAX, SetSubtitles};
use privet_media::list::{TEXT_SIZE_BYTES_MAX, vtt_checked, vtt_from_srt};

use super::reading::{Place, Reading, Unread};
use super::{Finding, Refused, Verdict, film};

/// What was found out about a set.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SetFinding {
    pub(super) qualities: Vec<QualityFinding>,
    pub(super) subtitles: Vec<SubtitlesFinding>,
}

/// One quality: what would be made of it, or why it is left out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct QualityFinding {
    pub(super) label: String,
    pub(super) file: String,
    pub(super) finding: Finding,
}

/// Subtitles in one language.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SubtitlesFinding {
    pub(super) label: String,
    pub(super) language: Option<String>,
    pub(super) name: String,
    pub(super) file: String,
    /// Why they are, if they are.
    pub(super) left_out: Option<String>,
}

impl SetFinding {
    /// A set plays if one quality does.
    pub(super) fn verdict(&self) -> Verdict {
        let verdicts = self
            .qualities
            .iter()
            .map(|quality| quality.finding.verdict());
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

/// Reads a set and all that it names.
pub(super) fn find(reading: &mut Reading, place: &Place) -> Finding {
    let text = match reading.text(place, SET_SIZE_BYTES_MAX) {
        Ok(text) => text,
        Err(unread) => return unread.into(),
    };
    let set = match FilmSet::read(&path(place), &text) {
        Ok(set) => set,
        Err(reason) => {
            let code = "film-set";
            return Finding::Refused(Refused { reason, code });
        }
    };
    let qualities = set.qualities.iter().map(|quality| {
        let member = member(place, &quality.path);
        let finding = match reading.film(&member) {
            Ok(survey) => film(survey),
            Err(Unread::Missing(reason)) => Finding::Refused(Refused {
                reason,
                code: "not-found",
            }),
            Err(unread) => unread.into(),
        };
        QualityFinding {
            label: quality.label.clone().unwrap_or_default(),
            file: member.to_string(),
            finding,
        }
    });
    let qualities = qualities.collect();
    let subtitles = set.subtitles.iter();
    let subtitles = subtitles.map(|subtitles| subtitles_of(reading, place, subtitles));
    Finding::Set(Box::new(SetFinding {
        qualities,
        subtitles: subtitles.collect(),
    }))
}

fn subtitles_of(reading: &mut Reading, set: &Place, subtitles: &SetSubtitles) -> SubtitlesFinding {
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

/// Where the set lies, as in a URL; the folder of a file is the root.
fn path(set: &Place) -> String {
    match set {
        Place::File(_) => "/".to_owned(),
        Place::Url(url) => url.path().to_owned(),
    }
}

/// Where a member is: its path is percent-encoded, and beneath the folder of the set.
fn member(set: &Place, path: &str) -> Place {
    match set {
        Place::File(file) => {
            let relative = path.trim_start_matches('/');
            let relative = percent_encoding::percent_decode_str(relative).decode_utf8_lossy();
            let folder = file.parent().unwrap_or(file);
            Place::File(folder.join(relative.as_ref()))
        }
        Place::Url(url) => Place::Url(url.beside(path)),
    }
}
