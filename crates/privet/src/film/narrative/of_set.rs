//! What was found out about a set, as text for people, or as JSON for programs.

use serde_json::{Value, json};

use crate::film::set::{QualityFinding, SetFinding, SubtitlesFinding};
use crate::film::{Finding, Verdict};

/// The verdict, then each member; what is said of a quality stands beneath it.
pub(super) fn lines(name: &str, set: &SetFinding) -> Vec<String> {
    let verdict = match set.verdict() {
        Verdict::Plays => "plays",
        Verdict::Refused => "does not play",
        Verdict::CannotTell => "cannot be told",
    };
    let mut lines = vec![format!("{name} {verdict}: {}", counts(set))];
    for quality in &set.qualities {
        quality_lines(quality, &mut lines);
    }
    lines.extend(set.subtitles.iter().map(subtitles_line));
    lines
}

fn counts(set: &SetFinding) -> String {
    let plays = |quality: &&QualityFinding| quality.finding.verdict() == Verdict::Plays;
    let offered = |subtitles: &&SubtitlesFinding| subtitles.left_out.is_none();
    let (qualities, subtitles) = (&set.qualities, &set.subtitles);
    format!(
        "{} of {} qualities, {} of {} subtitles",
        qualities.iter().filter(plays).count(),
        qualities.len(),
        subtitles.iter().filter(offered).count(),
        subtitles.len()
    )
}

fn quality_lines(quality: &QualityFinding, lines: &mut Vec<String>) {
    let QualityFinding {
        label,
        file,
        finding,
    } = quality;
    let reason = match finding {
        Finding::Refused(refused) => &refused.reason,
        Finding::Untold(reason) => reason,
        Finding::Film(_) | Finding::Set(_) => {
            let of_film = super::lines(file, finding);
            let mut of_film = of_film.into_iter();
            let first = of_film.next().unwrap_or_default();
            lines.push(format!("quality {label}  {first}"));
            lines.extend(of_film.map(|line| format!("  {line}")));
            return;
        }
    };
    lines.push(format!("quality {label}  {file}  left out: {reason}"));
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

/// The members of the object.
pub(super) fn json(set: &SetFinding) -> Value {
    let qualities = set.qualities.iter().map(|quality| {
        let mut object = super::json(&quality.file, &quality.finding);
        object["label"] = Value::from(quality.label.as_str());
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
        "qualities": qualities.collect::<Vec<_>>(),
        "subtitles": subtitles.collect::<Vec<_>>(),
    })
}
