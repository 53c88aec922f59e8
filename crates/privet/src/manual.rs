//! `privet man`: writes manual pages of all commands, from the same text as `--help`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::command_error::CommandError;
use crate::report;

/// Arguments of `privet man`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  privet man | man -l -
  privet man ~/.local/share/man/man1")]
pub(crate) struct ManualArguments {
    /// Folder for the pages, created if needed; without it they go to standard output
    folder: Option<PathBuf>,
}

/// Writes all pages.
pub(crate) fn run(arguments: &ManualArguments, mut command: clap::Command) -> ExitCode {
    command.build();
    let mut pages = Vec::new();
    let result = collect(&command, &mut pages)
        .map_err(|error| CommandError::write("the manual", &error))
        .and_then(|()| match &arguments.folder {
            Some(folder) => write_to(folder, &pages),
            None => print(&pages),
        });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::fail(&error),
    }
}

struct Page {
    file_name: String,
    text: Vec<u8>,
}

fn collect(command: &clap::Command, pages: &mut Vec<Page>) -> io::Result<()> {
    let manual = clap_mangen::Man::new(command.clone());
    let mut text = Vec::new();
    manual.render(&mut text)?;
    pages.push(Page {
        file_name: manual.get_filename(),
        text,
    });
    command
        .get_subcommands()
        .filter(|command| command.get_name() != "help")
        .try_for_each(|command| collect(command, pages))
}

fn write_to(folder: &Path, pages: &[Page]) -> Result<(), CommandError> {
    let failed =
        |path: &Path, error: &io::Error| CommandError::write(path.display().to_string(), error);
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    for page in pages {
        let path = folder.join(&page.file_name);
        fs::write(&path, &page.text).map_err(|error| failed(&path, &error))?;
    }
    Ok(())
}

fn print(pages: &[Page]) -> Result<(), CommandError> {
    let mut output = io::stdout().lock();
    pages
        .iter()
        .try_for_each(|page| output.write_all(&page.text))
        .map_err(|error| CommandError::write("standard output", &error))
}
