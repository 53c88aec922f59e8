//! `privet film check`: what the edge would make of a file, track by track, and what is left out and why.
//!
//! Reads the index as the edge does, by a few ranges; nothing is written and no edge is asked.

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use privet_media::Refusal;
use privet_media::mp4::{Index, Limits, Locator, Step};
use privet_media::name::FILM_ENDINGS;
use privet_media::survey::Survey;
use rustix::fs::OFlags;

use crate::command_error::reason;
use crate::report;

mod narrative;

/// As long as segments are where a behavior says nothing else.
const SEGMENT_DURATION: Duration = Duration::from_secs(6);

/// What `privet film` takes.
#[derive(clap::Args)]
pub(crate) struct FilmArguments {
    #[command(subcommand)]
    command: FilmCommand,
}

#[derive(clap::Subcommand)]
enum FilmCommand {
    /// Say what would be made of a film, track by track, and what is left out and why.
    ///
    /// The file's index is read as the edge reads it, and nothing else of it. Segments are those of the usual length, six
    /// seconds; a behavior may say another one (segment_duration).
    #[command(after_help = "\
Examples:
  privet film check talk.mp4
  privet film check --json talk.mp4

Exit codes: 0 it plays, 1 it does not, 2 could not tell, or wrong usage")]
    Check(FilmCheckArguments),
}

#[derive(clap::Args)]
struct FilmCheckArguments {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// The film: a file on this machine
    #[arg(value_name = "FILE")]
    file: String,
}

/// What was found out about a file.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    /// What would be made of it.
    Film(Box<Survey>),
    /// Nothing is made of it.
    Refused(Refusal),
    /// The name, or the file, does not let it be told; the text says why.
    Untold(String),
}

impl Finding {
    fn verdict(&self) -> Verdict {
        match self {
            Finding::Film(survey) if survey.plays() => Verdict::Plays,
            Finding::Film(_) | Finding::Refused(_) => Verdict::Refused,
            Finding::Untold(_) => Verdict::CannotTell,
        }
    }
}

/// The answer in one word.
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
pub(crate) fn run(arguments: &FilmArguments) -> ExitCode {
    match &arguments.command {
        FilmCommand::Check(arguments) => check(arguments),
    }
}

fn check(arguments: &FilmCheckArguments) -> ExitCode {
    let finding = find(&arguments.file);
    let verdict = finding.verdict();
    if let Finding::Untold(reason) = &finding
        && !arguments.json
    {
        report::error_line(reason);
        return verdict.exit_code();
    }
    let lines = match arguments.json {
        true => vec![narrative::json(&arguments.file, &finding).to_string()],
        false => narrative::lines(&arguments.file, &finding),
    };
    match report::say_all(&lines) {
        Ok(()) => verdict.exit_code(),
        // A reader that goes away does not change the answer.
        Err(crate::command_error::CommandError::BrokenPipe) => verdict.exit_code(),
        Err(error) => report::fail(&error),
    }
}

fn find(file: &str) -> Finding {
    if file.contains("://") {
        let next = "fetch it, and check the file: curl -o talk.mp4 URL";
        return Finding::Untold(format!("{file}: URLs are not asked: {next}"));
    }
    let lower = file.to_ascii_lowercase();
    if lower.ends_with(".film.json") {
        let next = "check the files that it names, one by one";
        return Finding::Untold(format!("{file}: a set is made of several films: {next}"));
    }
    if lower.ends_with(".flv") || lower.ends_with(".mp3") {
        let next = "RTMP alone plays it, and only for mp4 can be told what is made of it";
        return Finding::Untold(format!("{file}: not an mp4: {next}"));
    }
    match read(Path::new(file)) {
        Ok(Ok(survey)) => Finding::Film(Box::new(survey)),
        Ok(Err(refusal)) => Finding::Refused(refusal),
        Err(error) => Finding::Untold(format!("cannot read {file}: {}", reason(&error))),
    }
}

/// Whether the edge makes anything of a file of this name; it goes by the ending.
fn has_film_ending(file: &str) -> bool {
    let file = file.to_ascii_lowercase();
    FILM_ENDINGS.iter().any(|ending| file.ends_with(ending))
}

fn read(path: &Path) -> io::Result<Result<Survey, Refusal>> {
    // Opening a FIFO would otherwise wait for its writer. For regular files the flag means nothing.
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let mut options = OpenOptions::new();
    let file = options.read(true).custom_flags(nonblocking).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let limits = Limits::default();
    let index = match read_index(&file, Locator::new(metadata.len(), limits))? {
        Ok(index) => Arc::new(index),
        Err(refusal) => return Ok(Err(refusal)),
    };
    Ok(Survey::of(&index, SEGMENT_DURATION, &limits))
}

fn read_index(file: &File, mut locator: Locator) -> io::Result<Result<Index, Refusal>> {
    loop {
        let range = match locator.step() {
            Step::Read(range) => range,
            Step::Done => return Ok(locator.finish()),
        };
        if let Err(refusal) = locator.supply(&read_range(file, &range)?) {
            return Ok(Err(refusal));
        }
    }
}

fn read_range(file: &File, range: &Range<u64>) -> io::Result<Vec<u8>> {
    let size_bytes = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
    let mut bytes = vec![0; size_bytes];
    file.read_exact_at(&mut bytes, range.start)?;
    Ok(bytes)
}
