//! Writes the result for a video as text for people, or as JSON for programs.

use std::time::Duration;

use privet_media::Refusal;
use privet_media::describe::TrackDescription;
use privet_media::mp4::{Colour, TrackKind, VideoRange};
use privet_media::survey::{Survey, SurveyedTrack};
use serde_json::{Value, json};

use super::{Finding, Refused, Verdict, has_video_extension};

mod of_set;

/// The formats in which a video is played, as they are named in text.
const FORMS: [&str; 3] = ["HLS and DASH", "HLS in ts", "RTMP"];

/// Returns the verdict, a line for each track, and a line for each format.
pub(super) fn lines(file: &str, finding: &Finding) -> Vec<String> {
    let mut lines = match finding {
        Finding::Video(survey) => video_lines(file, survey),
        Finding::Set(set) => of_set::lines(file, set),
        Finding::Refused(Refused { reason, code }) => vec![
            format!("{file} does not play: {reason}"),
            format!("the log has x-privet-refusal: {code}; the file itself is served"),
        ],
        Finding::Untold(reason) => vec![reason.clone()],
    };
    if finding.verdict() == Verdict::Plays && !has_video_extension(file) {
        lines.push(
            "with this name it plays over RTMP only: for HLS and DASH give it the extension .mp4"
                .to_owned(),
        );
    }
    lines
}

fn video_lines(file: &str, survey: &Survey) -> Vec<String> {
    let verdict = if survey.plays() {
        "plays"
    } else {
        "does not play"
    };
    let count = survey.segment_count;
    let segments = if count == 1 { "segment" } else { "segments" };
    let duration = clock(survey.video.duration);
    let mut lines = vec![format!("{file} {verdict}: {duration}, {count} {segments}")];
    for track in &survey.tracks {
        lines.push(track_line(track, survey.offered(track.number)));
    }
    for (form, outcome) in FORMS.iter().zip(outcomes(survey)) {
        lines.push(match outcome {
            Ok(tracks) => format!("{form:<12}  yes{tracks}"),
            Err(refusal) => format!("{form:<12}  no: {}", form_reason(form, refusal)),
        });
    }
    lines
}

/// Returns for each format the text about its tracks, or why it is not available.
fn outcomes(survey: &Survey) -> [Result<String, Refusal>; 3] {
    let numbers = survey.transport_stream.as_ref().map(|tracks| {
        let numbers: Vec<String> = tracks.iter().map(u32::to_string).collect();
        let word = if tracks.len() == 1 { "track" } else { "tracks" };
        format!(", {word} {}", numbers.join(" and "))
    });
    [
        survey.fragments.map(|()| String::new()),
        numbers.map_err(|refusal| *refusal),
        survey.rtmp.map(|()| String::new()),
    ]
}

/// Returns why a format is not available; for a missing track, what the format carries.
fn form_reason(form: &str, refusal: Refusal) -> String {
    match (form, refusal) {
        ("HLS in ts", Refusal::NoTrack) => "it carries H.264 with AAC, AC-3 or MP3".to_owned(),
        ("RTMP", Refusal::NoTrack | Refusal::Unsupported("codec in rtmp")) => {
            "it carries H.264 with AAC or MP3".to_owned()
        }
        (_, refusal) => refusal.to_string(),
    }
}

/// Returns number, kind and codec of a track; then what playlists say of it, or why it is left out.
fn track_line(track: &SurveyedTrack, offered: Option<&TrackDescription>) -> String {
    let codecs = match track.codecs.as_str() {
        "" => "-",
        codecs => codecs,
    };
    let mut line = format!("track {}  {:<8}  {codecs}", track.number, kind_name(track));
    match (track.left_out, offered) {
        (Some(reason), _) => line.push_str(&format!("  left out: {reason}")),
        (None, Some(offered)) => {
            for fact in facts(track, offered) {
                line.push_str("  ");
                line.push_str(&fact);
            }
        }
        (None, None) => {}
    }
    line
}

fn kind_name(track: &SurveyedTrack) -> &'static str {
    match track.kind {
        TrackKind::Video => "video",
        TrackKind::Audio => "audio",
        TrackKind::Text => "text",
    }
}

/// Returns what playlists say of a track, without unknown values.
fn facts(track: &SurveyedTrack, offered: &TrackDescription) -> Vec<String> {
    let mut facts = Vec::new();
    if offered.width > 0 {
        facts.push(format!("{}x{}", offered.width, offered.height));
    }
    if let Some((numerator, denominator)) = offered.frame_rate {
        let rate = f64::from(numerator) / f64::from(denominator);
        facts.push(format!("{rate:.3} fps"));
    }
    facts.extend(range(offered).map(str::to_owned));
    facts.extend(offered.supplemental_codecs.clone());
    if offered.sample_rate > 0 {
        facts.push(format!("{} Hz", offered.sample_rate));
        facts.push(format!("{} ch", offered.channels));
    }
    facts.extend(offered.language.clone());
    facts.extend(roles(offered).map(str::to_owned));
    facts.push(clock(track.duration));
    facts.push(match offered.segments.len() {
        1 => "1 segment".to_owned(),
        count => format!("{count} segments"),
    });
    if offered.kind != TrackKind::Text {
        facts.push(format!("{} kbit/s", offered.average_bits_per_sec / 1000));
    }
    facts
}

fn range(track: &TrackDescription) -> Option<&'static str> {
    let range = track.colour.as_ref().and_then(Colour::range)?;
    Some(match range {
        VideoRange::Sdr => "SDR",
        VideoRange::Hlg => "HLG",
        VideoRange::Pq => "PQ",
    })
}

fn roles(track: &TrackDescription) -> impl Iterator<Item = &'static str> {
    track.roles.iter().map(|role| role.value())
}

/// Formats a duration as `0:12:34.567`.
fn clock(duration: Duration) -> String {
    let (secs, milliseconds) = (duration.as_secs(), duration.subsec_millis());
    let (hours, minutes) = (secs / 3600, secs / 60 % 60);
    format!("{hours}:{minutes:02}:{:02}.{milliseconds:03}", secs % 60)
}

/// Returns one JSON object.
pub(super) fn json(file: &str, finding: &Finding) -> Value {
    let verdict = match finding.verdict() {
        Verdict::Plays => "plays",
        Verdict::Refused => "refused",
        Verdict::CannotTell => "cannot-tell",
    };
    let mut object = json!({ "file": file, "verdict": verdict });
    let facts = match finding {
        Finding::Video(survey) => video_json(file, survey),
        Finding::Set(set) => of_set::json(set),
        Finding::Refused(Refused { reason, code }) => json!({ "reason": reason, "code": code }),
        Finding::Untold(reason) => json!({ "reason": reason }),
    };
    if let (Some(object), Value::Object(facts)) = (object.as_object_mut(), facts) {
        object.extend(facts);
    }
    object
}

fn video_json(file: &str, survey: &Survey) -> Value {
    let form = |outcome: Result<(), Refusal>| match outcome {
        Ok(()) => json!({ "made": true }),
        Err(refusal) => {
            json!({ "made": false, "reason": refusal.to_string(), "code": refusal.token() })
        }
    };
    let tracks = survey.tracks.iter();
    let tracks: Vec<Value> = tracks
        .map(|track| track_json(track, survey.offered(track.number)))
        .collect();
    json!({
        "has_video_extension": has_video_extension(file),
        "duration_ms": milliseconds(survey.video.duration),
        "segments": survey.segment_count,
        "tracks": tracks,
        "hls": form(survey.fragments),
        "dash": form(survey.fragments),
        "transport_stream": form(survey.transport_stream.as_ref().map(|_| ()).map_err(|refusal| *refusal)),
        "transport_stream_tracks": survey.transport_stream.as_deref().unwrap_or_default(),
        "rtmp": form(survey.rtmp),
    })
}

fn track_json(track: &SurveyedTrack, offered: Option<&TrackDescription>) -> Value {
    let mut object = json!({
        "number": track.number,
        "kind": kind_name(track),
        "codecs": track.codecs,
        "duration_ms": milliseconds(track.duration),
        "left_out": track.left_out.map(|reason| reason.to_string()),
    });
    let facts = offered.map(|offered| {
        json!({
            "language": offered.language,
            "name": offered.name,
            "default": offered.is_default,
            "roles": roles(offered).collect::<Vec<_>>(),
            "width": offered.width,
            "height": offered.height,
            "frame_rate": offered.frame_rate.map(|(rate, per)| f64::from(rate) / f64::from(per)),
            "video_range": range(offered),
            "supplemental_codecs": offered.supplemental_codecs,
            "channels": offered.channels,
            "sample_rate": offered.sample_rate,
            "average_bits_per_sec": offered.average_bits_per_sec,
            "peak_bits_per_sec": offered.peak_bits_per_sec,
            "segments": offered.segments.len(),
        })
    });
    if let (Some(object), Some(Value::Object(facts))) = (object.as_object_mut(), facts) {
        object.extend(facts);
    }
    object
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
