//! The configuration of the demo: `privet.toml` for the machine and `service.toml` for what it serves, made once, with
//! free ports. A folder of an earlier version has both in `privet.toml`, without a store, and stays so.

use super::demo_error::DemoError;
use super::ports::{Moved, free_port, moved_ports, with_ports};
use privet_distribution::config::read_toml_in_part;
use privet_sign::KeyPairId;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

const NODE: &str = include_str!("privet.toml.in");
const SERVICE: &str = include_str!("service.toml.in");

/// Where the demo's distributions come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServedFrom {
    /// A store, which the demo takes `service.toml` into.
    Store,
    /// `privet.toml` itself, in a folder of an earlier version.
    Configuration,
}

/// The files, ready to be served.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) served_from: ServedFrom,
    /// Ports of existing files that were in use and have been replaced.
    pub(super) moved: Vec<Moved>,
}

/// A file, and its text before it is written.
struct ConfigFile {
    path: PathBuf,
    text: String,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    /// It may have been edited.
    Existing,
}

/// Makes missing files, and replaces ports that are in use. `https_port` is the one that was requested.
pub(super) fn prepare(
    folder: &Path,
    key_pair_id: &KeyPairId,
    https_port: Option<u16>,
) -> Result<Prepared, DemoError> {
    let node = ConfigFile::read(folder.join("privet.toml"), NODE, key_pair_id)?;
    let served_from = served_from(&node);
    // An interrupted start must not leave a configuration without what it serves, so that comes first.
    let files = match served_from {
        ServedFrom::Store => {
            let service = folder.join("service.toml");
            vec![ConfigFile::read(service, SERVICE, key_pair_id)?, node]
        }
        ServedFrom::Configuration => vec![node],
    };
    let mut free = |port: u16| match https_port == Some(port) {
        true => free_port(0),
        false => free_port(port),
    };
    let (mut moved, mut told) = (Vec::new(), Vec::new());
    for file in &files {
        let of_file = moved_ports(&file.text, https_port, &mut free);
        if file.state == State::Existing {
            told.extend(&of_file);
        }
        moved.extend(of_file);
    }
    files.into_iter().try_for_each(|file| file.write(&moved))?;
    Ok(Prepared {
        served_from,
        moved: told,
    })
}

fn served_from(node: &ConfigFile) -> ServedFrom {
    // Faults are told when the edge starts.
    match read_toml_in_part(&node.text, &node.path) {
        Ok((document, _, _)) if document.node.store.is_some() => ServedFrom::Store,
        Ok(_) | Err(_) => ServedFrom::Configuration,
    }
}

impl ConfigFile {
    /// Reads a file; one that does not exist begins as `template`.
    fn read(path: PathBuf, template: &str, key_pair_id: &KeyPairId) -> Result<Self, DemoError> {
        let (text, state) = match fs::read_to_string(&path) {
            Ok(text) => (text, State::Existing),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let text = template.replace("@KEY_PAIR_ID@", key_pair_id.as_str());
                (text, State::New)
            }
            Err(error) => return Err(DemoError::File { file: path, error }),
        };
        Ok(ConfigFile { path, text, state })
    }

    /// Writes a file that is new or names a port that has moved, whole or not at all.
    fn write(self, moved: &[Moved]) -> Result<(), DemoError> {
        let text = with_ports(&self.text, moved);
        if self.state == State::Existing && text == self.text {
            return Ok(());
        }
        let unfinished = self.path.with_extension("toml.new");
        let written: io::Result<()> =
            write_anew(&unfinished, &text).and_then(|()| fs::rename(&unfinished, &self.path));
        written.map_err(|error| DemoError::File {
            file: self.path,
            error,
        })
    }
}

/// Writes a file in the place of whatever has its name: one that was left behind, or a link, which is not followed.
fn write_anew(path: &Path, text: &str) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    File::create_new(path)?.write_all(text.as_bytes())
}
