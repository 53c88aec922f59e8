//! `--show-equivalents`: what a command does, in the words of other tools.

use crate::report::note_line;
use crate::terminal;
use clap::Args;
use privet_control::{Equivalents, Operation, equivalents};
use serde_json::Value;

/// The option of commands that change something.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct EquivalentsArgument {
    /// Also print what is done as commands of privet, aws and curl, as Terraform and as TOML, to standard error
    #[arg(long)]
    show_equivalents: bool,
}

/// The texts that were asked for.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    equivalents: Option<Equivalents>,
}

impl EquivalentsArgument {
    /// Returns true if the option is given.
    pub(crate) fn is_given(self) -> bool {
        self.show_equivalents
    }

    /// Returns the texts of an operation, if they are asked for. If there are none, a note says why: the operation
    /// itself does not depend on them.
    pub(crate) fn of(self, operation: impl FnOnce() -> Operation) -> Shown {
        let texts = self.show_equivalents.then(|| equivalents(&operation()));
        let texts = texts.and_then(|texts| match texts {
            Ok(texts) => Some(texts),
            Err(error) => {
                note_line(format!("there are no equivalents: {error}"));
                None
            }
        });
        Shown { equivalents: texts }
    }
}

impl Shown {
    /// Returns an object with the texts as another member.
    pub(crate) fn added_to(&self, object: &Value) -> Value {
        let mut object = object.clone();
        if let (Some(texts), Some(members)) = (&self.equivalents, object.as_object_mut()) {
            members.insert("equivalents".to_owned(), texts.to_json());
        }
        object
    }

    /// Prints the texts to standard error, each beneath its name.
    pub(crate) fn tell(&self) {
        let forms = self.equivalents.iter().flat_map(Equivalents::forms);
        for (form, text) in forms {
            match text {
                Ok(text) => {
                    terminal::aside(format!("# {form}"));
                    text.lines().for_each(terminal::aside);
                }
                Err(reason) => terminal::aside(format!("# {form}: none, {reason}")),
            }
            terminal::aside("");
        }
    }
}
