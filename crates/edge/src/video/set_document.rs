//! `.video.json`: a set of renditions and subtitles, as an object in the bucket describes it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use privet_media::name::{LABEL_SIZE_BYTES_MAX, VIDEO_EXTENSIONS, is_label};
use serde::Deserialize;
use std::collections::HashSet;

/// Maximum size of a description in bytes.
pub const SET_SIZE_BYTES_MAX: u64 = 64 * 1024;
const RENDITIONS_MAX: usize = 16;
const SUBTITLES_MAX: usize = 32;
const FILE_NAME_SIZE_BYTES_MAX: usize = 1024;
const NAME_SIZE_BYTES_MAX: usize = 256;

/// Characters that a path segment may contain unescaped.
const UNESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Renditions and subtitles that make one video.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VideoSet {
    /// Renditions in the order of the description.
    pub renditions: Vec<SetRendition>,
    /// Subtitles in the order of the description.
    pub subtitles: Vec<SetSubtitles>,
}

/// One rendition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetRendition {
    /// Label; `None` for the requested object itself.
    pub label: Option<String>,
    /// Path as in a URL.
    pub path: String,
}

/// Subtitles in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetSubtitles {
    /// Name of their folder in playlists.
    pub label: String,
    /// Language as a BCP 47 tag.
    pub language: Option<String>,
    /// Name shown to viewers.
    pub name: String,
    /// True if players show them by default.
    pub is_default: bool,
    /// Paths as in a URL; of several, the first one that exists counts.
    pub paths: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetDocument {
    renditions: Vec<RenditionDocument>,
    #[serde(default)]
    subtitles: Vec<SubtitlesDocument>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RenditionDocument {
    file: String,
    label: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubtitlesDocument {
    file: String,
    label: Option<String>,
    language: Option<String>,
    name: Option<String>,
    #[serde(default)]
    default: bool,
}

impl VideoSet {
    /// Reads the description stored at `path`, a path as in a URL.
    ///
    /// # Errors
    /// A text for the author that says what is wrong with it.
    pub fn read(path: &str, text: &[u8]) -> Result<Self, String> {
        let document: SetDocument = serde_json::from_slice(without_mark(text)?)
            .map_err(|error| format!("not a set: {error}"))?;
        if document.renditions.is_empty() || document.renditions.len() > RENDITIONS_MAX {
            return Err(format!("a set has 1 to {RENDITIONS_MAX} renditions"));
        }
        if document.subtitles.len() > SUBTITLES_MAX {
            return Err(format!("a set has at most {SUBTITLES_MAX} subtitles"));
        }
        let folder = path.rfind('/').map_or("/", |slash| &path[..=slash]);
        let name = path[folder.len().min(path.len())..].to_ascii_lowercase();
        if name.contains("%2f") || name.contains("%5c") {
            // An origin would take it to lie in another folder.
            return Err("a set has to be requested with plain slashes in its path".to_owned());
        }
        let mut labels = HashSet::new();
        let mut renditions = Vec::new();
        for rendition in document.renditions {
            let is_video = VIDEO_EXTENSIONS.iter().any(|extension| {
                *extension != ".video.json" && has_extension(&rendition.file, extension)
            });
            if !is_video {
                return Err(format!(
                    "{:?} is not a video; name an .mp4, .m4v, .m4a, .mov or .cmfv",
                    rendition.file
                ));
            }
            renditions.push(SetRendition {
                path: member_path(folder, &rendition.file)?,
                label: Some(fresh_label(&mut labels, rendition.label)?),
            });
        }
        labels.clear();
        let mut subtitles = Vec::new();
        for text in document.subtitles {
            if ![".vtt", ".srt"]
                .iter()
                .any(|extension| has_extension(&text.file, extension))
            {
                return Err(format!("{:?} is neither .vtt nor .srt", text.file));
            }
            let language = text.language.filter(|language| is_label(language));
            let Some(label) = text.label.or_else(|| language.clone()) else {
                return Err(format!(
                    "{:?} has neither language nor label; add one",
                    text.file
                ));
            };
            let label = fresh_label(&mut labels, label)?;
            let name = text.name.unwrap_or_else(|| label.clone());
            if name.len() > NAME_SIZE_BYTES_MAX || name.chars().any(char::is_control) {
                return Err(format!("the name of the subtitles {label} is invalid"));
            }
            subtitles.push(SetSubtitles {
                paths: vec![member_path(folder, &text.file)?],
                language,
                name,
                is_default: text.default,
                label,
            });
        }
        Ok(VideoSet {
            renditions,
            subtitles,
        })
    }

    /// Returns the objects beside the video at `path` that the operator's labels name: `talk.480p.mp4`, `talk.en.vtt`.
    pub(crate) fn beside(path: &str, renditions: &[String], subtitles: &[String]) -> Self {
        let (stem, extension) = match path.rfind('.') {
            Some(dot) => path.split_at(dot),
            None => (path, ""),
        };
        let own = SetRendition {
            label: None,
            path: path.to_owned(),
        };
        let others = renditions.iter().map(|label| SetRendition {
            label: Some(label.clone()),
            path: format!("{stem}.{label}{extension}"),
        });
        let subtitles = subtitles.iter().map(|label| SetSubtitles {
            label: label.clone(),
            language: Some(label.clone()),
            name: label.clone(),
            is_default: false,
            paths: vec![format!("{stem}.{label}.vtt"), format!("{stem}.{label}.srt")],
        });
        VideoSet {
            renditions: std::iter::once(own).chain(others).collect(),
            subtitles: subtitles.collect(),
        }
    }
}

/// Returns the text without the byte order mark that editors put before UTF-8. RFC 8259 8.1 lets readers ignore it.
fn without_mark(text: &[u8]) -> Result<&[u8], String> {
    if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
        return Err("not a set: it is in UTF-16; save it in UTF-8".to_owned());
    }
    Ok(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text))
}

fn has_extension(name: &str, extension: &str) -> bool {
    let start = name
        .len()
        .checked_sub(extension.len())
        .filter(|start| *start > 0);
    let tail = start.and_then(|start| name.get(start..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(extension))
}

fn fresh_label(labels: &mut HashSet<String>, label: String) -> Result<String, String> {
    if !is_label(&label) {
        return Err(format!(
            "{label:?} is not a label; write 1 to {LABEL_SIZE_BYTES_MAX} of a-z, A-Z, 0-9, - and _"
        ));
    }
    if !labels.insert(label.clone()) {
        return Err(format!("the label {label} is used twice"));
    }
    Ok(label)
}

/// Returns the path of a file in `folder` or beneath it.
fn member_path(folder: &str, file: &str) -> Result<String, String> {
    let is_bad = |segment: &str| {
        matches!(segment, "" | "." | "..")
            || segment.contains(|c: char| c.is_control() || c == '\\')
    };
    if file.len() > FILE_NAME_SIZE_BYTES_MAX || file.split('/').any(is_bad) {
        return Err(format!(
            "{file:?} is not in the folder of the set, or beneath it"
        ));
    }
    let segments: Vec<String> = file
        .split('/')
        .map(|segment| utf8_percent_encode(segment, UNESCAPED).to_string())
        .collect();
    Ok(format!("{folder}{}", segments.join("/")))
}

#[cfg(test)]
mod tests;
