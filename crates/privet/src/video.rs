//! `privet video check`: says what the edge would generate from a file, track by track, and what is left out and why.
//!
//! The index of a file or a URL is read as the edge reads it, by a few ranges; nothing is written and no edge is
//! contacted.

use std::process::ExitCode;

use privet_edge::ObjectUrl;
use privet_media::Refusal;
use privet_media::name::VIDEO_EXTENSIONS;
use privet_media::survey::Survey;

use crate::input;
use crate::printable::json_line;
use crate::report;
use reading::{InputLocation, Reading, Unread};
use set::SetFinding;

mod narrative;
mod reading;
mod set;

/// The longest URL on standard input.
const URL_SIZE_BYTES_MAX: usize = 16 * 1024;

/// Arguments of `privet video`.
#[derive(clap::Args)]
pub(crate) struct VideoArguments {
    #[command(subcommand)]
    command: VideoCommand,
}

#[derive(clap::Subcommand)]
enum VideoCommand {
    /// Say what would be generated from a video, track by track, and what is left out and why.
    ///
    /// Only the index is read, as the edge reads it. Segments have the default duration, six seconds; a behavior may
    /// set another one (segment_duration). For a set (.video.json), each member is checked.
    ///
    /// A URL is requested with its query, which is never shown; the members of its set are requested with the same
    /// query. Redirects are not followed.
    #[command(after_help = "\
Examples:
  privet video check talk.mp4
  privet video check --json talk.mp4
  privet video check talk.video.json
  privet video check 'https://HOST/talk.mp4?Expires=...&Signature=...'
  privet video check - < link.txt     # a link that other users of this machine must not see

Exit codes: 0 it plays, 1 it does not, 2 cannot tell, or wrong usage")]
    Check(VideoCheckArguments),
}

#[derive(clap::Args)]
struct VideoCheckArguments {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// The video or the set: a file on this machine, an http or https URL, or - for a URL on standard input
    #[arg(value_name = "FILE")]
    file: String,
}

/// The result for a file.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    /// A video, and what would be generated from it.
    Video(Box<Survey>),
    /// A set, and what would be generated from it.
    Set(Box<SetFinding>),
    /// A file from which nothing is generated.
    Refused(Refused),
    /// A file of which nothing can be said; the text says why.
    Untold(String),
}

impl Finding {
    fn verdict(&self) -> Verdict {
        match self {
            Finding::Video(survey) if survey.plays() => Verdict::Plays,
            Finding::Set(set) => set.verdict(),
            Finding::Video(_) | Finding::Refused(_) => Verdict::Refused,
            Finding::Untold(_) => Verdict::CannotTell,
        }
    }
}

impl From<Unread> for Finding {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Missing(reason) | Unread::Fault(reason) => Finding::Untold(reason),
            Unread::Refused(refused) => Finding::Refused(refused),
        }
    }
}

/// Why nothing is generated from an object.
#[derive(Debug, PartialEq, Eq)]
struct Refused {
    reason: String,
    /// The token in the log.
    code: &'static str,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Refused {
            reason: refusal.to_string(),
            code: refusal.token(),
        }
    }
}

/// The result in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Plays,
    Refused,
    CannotTell,
}

impl Verdict {
    fn exit_code(self) -> ExitCode {
        match self {
            Verdict::Plays => ExitCode::SUCCESS,
            Verdict::Refused => ExitCode::from(1),
            Verdict::CannotTell => ExitCode::from(2),
        }
    }
}

/// Runs the command that was asked for.
pub(crate) fn run(arguments: &VideoArguments) -> ExitCode {
    match &arguments.command {
        VideoCommand::Check(arguments) => check(arguments),
    }
}

fn check(arguments: &VideoCheckArguments) -> ExitCode {
    let (name, finding) = match place(&arguments.file) {
        Ok(place) => (place.to_string(), find(&place)),
        Err(reason) => (shown(unquoted(&arguments.file)), Finding::Untold(reason)),
    };
    let verdict = finding.verdict();
    if let Finding::Untold(reason) = &finding
        && !arguments.json
    {
        report::error_line(reason);
        return verdict.exit_code();
    }
    let lines = match arguments.json {
        true => vec![json_line(&narrative::json(&name, &finding))],
        false => narrative::lines(&name, &finding),
    };
    match report::say_all(&lines) {
        Ok(()) => verdict.exit_code(),
        // If nobody reads the output any more, the verdict is still the same.
        Err(crate::command_error::CommandError::BrokenPipe) => verdict.exit_code(),
        Err(error) => report::fail(&error),
    }
}

/// Returns the location of the video, or why the argument names none.
fn place(argument: &str) -> Result<InputLocation, String> {
    if argument != "-" {
        return place_of(argument);
    }
    let read = input::read_up_to("-", URL_SIZE_BYTES_MAX).map_err(|error| error.to_string())?;
    let text = String::from_utf8(read).map_err(|_| "standard input: not a URL".to_owned())?;
    match text.trim() {
        url if url.contains("://") => place_of(url),
        _ => {
            Err("standard input: not a URL: write one line, with https:// and the host".to_owned())
        }
    }
}

fn place_of(text: &str) -> Result<InputLocation, String> {
    let text = unquoted(text);
    if !text.contains("://") {
        return Ok(InputLocation::File(text.into()));
    }
    let url = ObjectUrl::parse(text);
    url.map(InputLocation::Url)
        .map_err(|fault| format!("{}: {fault}", shown(text)))
}

/// Strips quotes that were copied with a URL; a file may have quotes in its name.
fn unquoted(text: &str) -> &str {
    let inner = text.trim().trim_matches(['"', '\'', '<', '>', '`']);
    let is_url = ["http://", "https://"].iter().any(|scheme| {
        let start = inner.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    if is_url { inner } else { text }
}

/// Returns the argument as it may be shown: of a malformed URL, nothing that may be a secret.
fn shown(text: &str) -> String {
    match text.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://..."),
        None => text.to_owned(),
    }
}

fn find(place: &InputLocation) -> Finding {
    let lower = place.path().to_ascii_lowercase();
    if lower.ends_with(".flv") || lower.ends_with(".mp3") {
        let next = "it plays over RTMP only, and only mp4 files can be checked";
        return Finding::Untold(format!("{place}: not an mp4: {next}"));
    }
    let mut reading = Reading::default();
    let finding = match lower.ends_with(".video.json") {
        true => set::find(&mut reading, place),
        false => reading.video(place).map_or_else(Finding::from, video),
    };
    for note in reading.notes() {
        report::note_line(note);
    }
    finding
}

fn video(survey: Survey) -> Finding {
    Finding::Video(Box::new(survey))
}

/// Returns whether the edge generates anything from a file with this name, going by its extension.
fn has_video_extension(file: &str) -> bool {
    let file = file.to_ascii_lowercase();
    VIDEO_EXTENSIONS
        .iter()
        .any(|extension| file.ends_with(extension))
}
