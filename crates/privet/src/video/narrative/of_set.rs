//! Writes the result for a set as text for people, or as JSON for programs.

use serde_json::{Value, json};

use crate::video::set::{RenditionFinding, SetFinding, SubtitlesFinding};
use crate::video::{Finding, Verdict};

/// Returns the verdict, then each member, with the lines about a rendition beneath it.
pub(super) fn lines(name: &str, set: &SetFinding) -> Vec<String> {
    let verdict = match set.verdict() {
        Verdict::Plays => "plays",
        Verdict::Refused => "does not play",
        Verdict::CannotTell => "cannot be checked",
    };
    let mut lines = vec![format!("{name} {verdict}: {}", counts(set))];
    for rendition in &set.renditions {
        rendition_lines(rendition, &mut lines);
    }
    lines.extend(set.subtitles.iter().map(subtitles_line));
    lines
}

fn counts(set: &SetFinding) -> String {
    let plays = |rendition: &&RenditionFinding| rendition.finding.verdict() == Verdict::Plays;
    let offered = |subtitles: &&SubtitlesFinding| subtitles.left_out.is_none();
    let (renditions, subtitles) = (&set.renditions, &set.subtitles);
    format!(
        "{} of {} renditions, {} of {} subtitles",
        renditions.iter().filter(plays).count(),
        renditions.len(),
        subtitles.iter().filter(offered).count(),
        subtitles.len()
    )
}

fn rendition_lines(rendition: &RenditionFinding, lines: &mut Vec<String>) {
    let RenditionFinding {
        label,
        file,
        finding,
    } = rendition;
    let reason = match finding {
        Finding::Refused(refused) => &refused.reason,
        Finding::Untold(reason) => reason,
        Finding::Video(_) | Finding::Set(_) => {
            let of_video = super::lines(file, finding);
            let mut of_video = of_video.into_iter();
            let first = of_video.next().unwrap_or_default();
            lines.push(format!("rendition {label}  {first}"));
            lines.extend(of_video.map(|line| format!("  {line}")));
            return;
        }
    };
    lines.push(format!("rendition {label}  {file}  left out: {reason}"));
}

fn subtitles_line(subtitles: &SubtitlesFinding) -> String {
    let SubtitlesFinding {
        label,
        file,
        left_out,
        ..
    } = subtitles;
    match left_out {
        None => format!("subtitles {label}  {file}"),
        Some(reason) => format!("subtitles {label}  {file}  left out: {reason}"),
    }
}

/// Returns the members of the JSON object.
pub(super) fn json(set: &SetFinding) -> Value {
    let renditions = set.renditions.iter().map(|rendition| {
        let mut object = super::json(&rendition.file, &rendition.finding);
        object["label"] = Value::from(rendition.label.as_str());
        object
    });
    let subtitles = set.subtitles.iter().map(|subtitles| {
        json!({
            "label": subtitles.label,
            "language": subtitles.language,
            "name": subtitles.name,
            "file": subtitles.file,
            "left_out": subtitles.left_out,
        })
    });
    json!({
        "renditions": renditions.collect::<Vec<_>>(),
        "subtitles": subtitles.collect::<Vec<_>>(),
    })
}
