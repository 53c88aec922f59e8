//! Keeps the demo's own items in the store as `service.toml` has them: at the start, and whenever that file changes.

use super::data::DemoData;
use crate::command_error::CommandError;
use crate::configuration::Fingerprint;
use crate::import;
use crate::origin_secret::OriginSecret;
use crate::report;
use crate::serve::Occasion;
use crate::terminal;
use std::path::PathBuf;

/// The file, and its state when it was last taken over.
#[derive(Debug)]
pub(super) struct ServiceFile {
    config: PathBuf,
    file: PathBuf,
    secret: OriginSecret,
    fingerprint: Fingerprint,
}

impl ServiceFile {
    /// Returns the file of a demo with a store.
    pub(super) fn of(data: &DemoData, secret: &OriginSecret) -> Option<Self> {
        let file = data.service()?;
        // Of the key the store has the text.
        let files = [file.clone(), data.public_key()];
        Some(ServiceFile {
            config: data.config(),
            file,
            secret: secret.clone(),
            fingerprint: Fingerprint::of(files.iter()),
        })
    }

    /// Takes its items into the store, where an edge that runs finds them by itself.
    ///
    /// # Errors
    /// [`CommandError::Configuration`] with all faults of the file, [`CommandError::Store`]; the store stays as it was.
    pub(super) fn take_over(&mut self) -> Result<(), CommandError> {
        // The state is recorded before the file is read: a change in between is then seen the next time.
        self.fingerprint = self.fingerprint.again();
        import::take_over(&self.config, &self.file, &self.secret)
    }

    /// Takes the file over again if it has changed, or if SIGHUP asks for it.
    pub(super) fn look(&mut self, occasion: Occasion) {
        match occasion {
            Occasion::Interval if self.fingerprint.again() == self.fingerprint => return,
            Occasion::Interval | Occasion::Hangup => {}
        }
        match self.take_over() {
            Ok(()) => terminal::note(format_args!("{} is in the store", self.file.display())),
            Err(error) => {
                // The edge goes on, so that the exit code is nobody's.
                let _ = report::fail(&error);
                terminal::hint(
                    "what was served before is served on; correct the file, and it is taken over by itself",
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::{SECRET, SITE};
    use crate::store_access::{open_store, runtime, store_settings};
    use crate::stored_items::stored_items;
    use std::fs;

    #[test]
    fn the_pages_secret_is_in_the_store_and_in_no_file_in_clear() {
        let folder = tempfile::tempdir().unwrap();
        let data = DemoData::prepare(folder.path(), None).unwrap();
        let secret = OriginSecret::random(SITE, SECRET);
        let mut service = ServiceFile::of(&data, &secret).unwrap();
        service.take_over().unwrap();
        let settings = store_settings(&data.config()).unwrap();
        let items = runtime().unwrap().block_on(async {
            let store = open_store(&settings).await.unwrap();
            stored_items(&store).await.unwrap()
        });
        let pointer = format!("/origins/1/headers/{SECRET}");
        let mut values = items
            .iter()
            .filter_map(|stored| stored.item.value.pointer(&pointer));
        let text = values.next().unwrap().as_str().unwrap();
        assert_eq!((text.len(), values.next()), (64, None));
        let mut names = Vec::new();
        for entry in fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let bytes = fs::read(&path).unwrap();
                let mut parts = bytes.windows(text.len());
                assert!(!parts.any(|part| part == text.as_bytes()), "{path:?}");
                names.push(path.file_name().unwrap().to_owned());
            }
        }
        assert!(names.iter().any(|name| name == "privet.db"), "{names:?}");
    }
}
