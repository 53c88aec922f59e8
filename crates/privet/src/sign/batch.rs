//! Signs many URLs: read in chunks, signed on all cores, printed in order, in bounded memory.
//!
//! Chunk n goes to worker n modulo the number of workers, and is printed from there: the output is in the order of the
//! input without any sorting. Each channel holds one chunk.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::links::{LinkError, Links, SignedLink};
use crate::command_error::{CommandError, sign_hint};
use crate::report::{self, Notes};
use crate::text::Utf8;

/// The most lines in a chunk.
const CHUNK_LINES_MAX: usize = 128;
/// The most workers; more would only wait for the reader.
const WORKERS_MAX: usize = 32;
/// The longest line; a longer one is refused.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// The outcome of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Every URL has its link.
    AllSigned,
    /// Some were refused, and reported.
    SomeRefused,
}

/// Signs the URLs of the command line, one after the other.
///
/// # Errors
/// [`CommandError::Write`], [`CommandError::BrokenPipe`].
pub(super) fn from_arguments(
    links: &Links,
    urls: &[String],
    notes: Notes,
) -> Result<Ending, CommandError> {
    let mut printer = Printer::new(notes);
    for url in urls {
        let place = (urls.len() > 1).then(|| url.clone());
        printer.print(place, links.sign(url))?;
    }
    printer.flush()?;
    Ok(printer.extension)
}

/// Signs the lines of standard input as they come.
///
/// # Errors
/// As [`from_arguments`]; [`CommandError::Read`] when the input breaks off.
pub(super) fn from_standard_input(
    links: &Arc<Links>,
    notes: Notes,
) -> Result<Ending, CommandError> {
    let workers = match links.signs_each() {
        true => thread::available_parallelism().map_or(1, |count| count.get().min(WORKERS_MAX)),
        false => 1,
    };
    let mut inputs = Vec::with_capacity(workers);
    let mut outputs = Vec::with_capacity(workers);
    for _ in 0..workers {
        let (input, worker_input) = sync_channel(1);
        let (worker_output, output) = sync_channel(1);
        let links = Arc::clone(links);
        thread::spawn(move || work(&links, &worker_input, &worker_output));
        inputs.push(input);
        outputs.push(output);
    }
    // The reader is not joined if the printer fails: it may still wait for input that never comes.
    let reader = thread::spawn(move || read_chunks(io::stdin(), &inputs));
    let (extension, chunks_printed) = print_in_turn(&outputs, notes)?;
    match reader.join() {
        Ok(Ok(chunks_read)) if chunks_read == chunks_printed => Ok(extension),
        Ok(Err(error)) => Err(CommandError::read("standard input", &error)),
        // A thread that ended early must not be taken for the end of the input.
        Ok(Ok(_)) | Err(_) => Err(CommandError::ThreadLost),
    }
}

struct Line {
    number: u64,
    text: Result<String, LinkError>,
}

struct Done {
    number: u64,
    link: Result<SignedLink, LinkError>,
}

fn work(links: &Links, input: &Receiver<Vec<Line>>, output: &SyncSender<Vec<Done>>) {
    for chunk in input {
        let sign = |line: Line| Done {
            number: line.number,
            link: line.text.and_then(|text| links.sign(&text)),
        };
        let done = chunk.into_iter().map(sign).collect();
        if output.send(done).is_err() {
            return;
        }
    }
}

/// Prints the chunks in their order. Returns the outcome, and the number of chunks.
fn print_in_turn(
    outputs: &[Receiver<Vec<Done>>],
    notes: Notes,
) -> Result<(Ending, u64), CommandError> {
    let mut printer = Printer::new(notes);
    let mut chunks = 0;
    for output in outputs.iter().cycle() {
        let Ok(chunk) = output.recv() else {
            break;
        };
        for done in chunk {
            printer.print(Some(format!("line {}", done.number)), done.link)?;
        }
        printer.flush()?;
        chunks += 1;
    }
    Ok((printer.extension, chunks))
}

/// Returns the number of chunks. A chunk is sent as soon as no complete line is left in the buffer, so that a slow
/// writer gets its links.
fn read_chunks(source: impl Read, workers: &[SyncSender<Vec<Line>>]) -> io::Result<u64> {
    let mut reader = BufReader::with_capacity(LINE_BYTES_MAX, Utf8::new(source));
    let (mut number, mut chunks) = (0, 0);
    for worker in workers.iter().cycle() {
        let mut chunk = Vec::new();
        let ended = loop {
            let Some(text) = read_line(&mut reader)? else {
                break true;
            };
            number += 1;
            if !text.as_ref().is_ok_and(|text| text.trim().is_empty()) {
                chunk.push(Line { number, text });
            }
            let at_hand = reader.buffer().contains(&b'\n');
            if chunk.len() >= CHUNK_LINES_MAX || (!at_hand && !chunk.is_empty()) {
                break false;
            }
        };
        let has_lines = !chunk.is_empty();
        chunks += u64::from(has_lines);
        let gone = has_lines && worker.send(chunk).is_err();
        if ended || gone {
            break;
        }
    }
    Ok(chunks)
}

/// Reads the next line without its line ending; a line that is too long is skipped.
fn read_line(reader: &mut impl BufRead) -> io::Result<Option<Result<String, LinkError>>> {
    let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX) + 1;
    let mut bytes = Vec::new();
    if reader.by_ref().take(limit).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    } else if bytes.len() > LINE_BYTES_MAX {
        reader.skip_until(b'\n')?;
        return Ok(Some(Err(LinkError::TooLong)));
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    Ok(Some(
        String::from_utf8(bytes).map_err(|_| LinkError::NotText),
    ))
}

/// Prints links to standard output, messages to standard error.
struct Printer {
    output: io::BufWriter<io::StdoutLock<'static>>,
    notes: Notes,
    extension: Ending,
}

impl Printer {
    fn new(notes: Notes) -> Self {
        Printer {
            output: io::BufWriter::new(io::stdout().lock()),
            notes,
            extension: Ending::AllSigned,
        }
    }

    /// Prints one result. `place` identifies the URL, if there are several.
    fn print(
        &mut self,
        place: Option<String>,
        link: Result<SignedLink, LinkError>,
    ) -> Result<(), CommandError> {
        let prefix = place.map_or_else(String::new, |place| format!("{place}: "));
        match link {
            Ok(link) => {
                for change in &link.changes {
                    self.notes.tell(format_args!("{prefix}{change}"));
                }
                if let Some(note) = &link.note {
                    self.notes.tell(format_args!("{prefix}{note}"));
                }
                writeln!(self.output, "{}", link.line)
                    .map_err(|error| CommandError::write("standard output", &error))
            }
            Err(error) => {
                self.extension = Ending::SomeRefused;
                report::error_line(format!("{prefix}{error}"));
                if let LinkError::Sign(error) = &error
                    && let Some(hint) = sign_hint(error)
                {
                    crate::terminal::hint(hint);
                }
                Ok(())
            }
        }
    }

    fn flush(&mut self) -> Result<(), CommandError> {
        self.output
            .flush()
            .map_err(|error| CommandError::write("standard output", &error))
    }
}
