//! `privet sign`: prints links to standard output, one per line and nothing else; messages go to standard error.
//!
//! The options are checked here; `links`, `batch`, `cookies` and `playlist` do the work.

use std::process::ExitCode;
use std::sync::Arc;

use privet_sign::{KeyPairId, MessageSigner, Signer, Timestamp};

use crate::command_error::CommandError;
use crate::key_source;
use crate::link_registrar::Registrar;
use crate::moment;
use crate::report;

mod arguments;
mod batch;
mod cookies;
mod external_signer;
mod group_key;
mod links;
mod notes;
mod playlist;
mod terms;

pub(crate) use arguments::SignArguments;

use arguments::OutputForm;
use batch::Ending;
use external_signer::ExternalSigner;
use group_key::GroupKey;
use links::{LinkForm, Links, Product};

/// Runs the command.
pub(crate) fn run(arguments: &SignArguments) -> ExitCode {
    match sign(arguments) {
        Ok(Ending::AllSigned) => ExitCode::SUCCESS,
        Ok(Ending::SomeRefused) => ExitCode::from(1),
        Err(error) => report::fail(&error),
    }
}

fn sign(arguments: &SignArguments) -> Result<Ending, CommandError> {
    arguments.check()?;
    let now = moment::now();
    let terms = terms::read(&arguments.terms, now)?;
    let signer = signer(arguments, terms.until)?;
    if !arguments.quiet {
        let whose = if arguments.making.cookies {
            "these cookies"
        } else {
            "this link"
        };
        let notes = notes::about_terms(whose, &terms, now);
        notes.iter().for_each(report::note_line);
        let key = &arguments.key;
        if let (Some(name), None) = (&key.key, &key.external_signer) {
            key_source::note_readers(name);
        }
    }
    if arguments.making.cookies {
        cookies::print(arguments, &signer, &terms)?;
        return Ok(Ending::AllSigned);
    }
    if let Some(name) = &arguments.playlist.playlist {
        return playlist::sign(&arguments.playlist, name, signer, terms, arguments.notes());
    }
    let product = if arguments.making.shared {
        Product::Stamped(signer.stamp(&terms)?)
    } else if arguments.making.stream {
        Product::Streams { signer, terms }
    } else if arguments.registers() {
        let (limits, words) = (&arguments.limits, &arguments.words);
        Product::Registered {
            signer,
            terms,
            registrar: Box::new(Registrar::new(limits, words, &arguments.api)?),
        }
    } else {
        Product::Links { signer, terms }
    };
    let links = Links {
        product,
        strict: arguments.making.strict,
        form: link_form(arguments.output())?,
    };
    let notes = arguments.notes();
    if arguments.reads_urls_from_standard_input() {
        batch::from_standard_input(&Arc::new(links), notes)
    } else {
        batch::from_arguments(&links, &arguments.urls, notes)
    }
}

fn link_form(form: OutputForm) -> Result<LinkForm, CommandError> {
    let misfit = |form| CommandError::OutputForm {
        form,
        fits: "--cookies",
    };
    match form {
        OutputForm::Plain => Ok(LinkForm::Plain),
        OutputForm::Json => Ok(LinkForm::Json),
        OutputForm::Curl => Ok(LinkForm::Curl),
        OutputForm::SetCookie => Err(misfit("set-cookie")),
        OutputForm::CookieJar => Err(misfit("cookie-jar")),
    }
}

/// Returns the signer of links that are valid until `until`.
fn signer(arguments: &SignArguments, until: Timestamp) -> Result<Signer, CommandError> {
    let key = &arguments.key;
    let hash = key.hash.algorithm();
    if let Some(group) = &key.group {
        let found = GroupKey::find(group, &arguments.api)?;
        found.check_end(until)?;
        return Ok(Signer::new(Arc::new(found.key), found.id, hash)?);
    }
    let id = key.key_pair_id.as_deref().ok_or(CommandError::NoKey)?;
    let id = KeyPairId::parse(id).map_err(CommandError::KeyPairId)?;
    let message_signer: Arc<dyn MessageSigner> = match (&key.key, &key.external_signer) {
        (_, Some(command)) => Arc::new(ExternalSigner::new(command, key.public_key.as_deref())?),
        (Some(name), None) => Arc::new(key_source::private_key(name, &key.passphrase)?),
        (None, None) => return Err(CommandError::NoKey),
    };
    if key.allow_legacy {
        return Ok(Signer::allow_legacy(message_signer, id, hash));
    }
    Ok(Signer::new(message_signer, id, hash)?)
}
