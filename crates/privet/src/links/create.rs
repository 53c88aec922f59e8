//! `privet link create`: signs a link here or has it signed, registers it, and prints it once.

use super::{Form, shown};
use crate::admin_socket::text;
use crate::command_error::CommandError;
use crate::key_source::{self, PassphraseArguments};
use crate::link_registrar::{self, LimitsArguments, Marking, WordsArguments, registered};
use crate::moment::{self, Moment};
use crate::report::{say_all, say_json};
use clap::Args;
use privet_sign::{HashAlgorithm, IpRange, KeyPairId, Signer, Terms, Timestamp, WireUrl};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Args)]
pub(super) struct CreateArguments {
    /// Private key: a file (PEM or DER), - for standard input, or env:NAME; without it, the store's key signs
    #[arg(
        long,
        value_name = "KEY",
        requires = "key_pair_id",
        help_heading = "Key"
    )]
    key: Option<String>,
    /// Id of the public key at the edge, such as K2JCJMDEHXQW5F
    #[arg(long, value_name = "ID", requires = "key", help_heading = "Key")]
    key_pair_id: Option<String>,
    /// Key group with whose rotating key the link is signed [default: the only one that the distribution trusts]
    #[arg(long, value_name = "ID", conflicts_with_all = ["key", "register"], help_heading = "Key")]
    group: Option<String>,
    /// Register a link that is signed already
    #[arg(long, conflicts_with_all = ["key", "until", "duration", "from", "ip", "resource"], help_heading = "Key")]
    register: bool,
    #[command(flatten)]
    passphrase: PassphraseArguments,
    /// Expiry
    #[arg(long, value_name = "TIME", value_parser = moment::parse_moment, conflicts_with = "duration", help_heading = "Restrictions")]
    until: Option<Moment>,
    /// Expiry, as a time from now
    #[arg(long = "for", id = "duration", value_name = "DURATION", value_parser = moment::parse_duration, help_heading = "Restrictions")]
    duration: Option<Duration>,
    /// Not-before time
    #[arg(long, value_name = "TIME", value_parser = moment::parse_moment, help_heading = "Restrictions")]
    from: Option<Moment>,
    /// The only IPv4 address or range that may use the link
    #[arg(long, value_name = "CIDR", value_parser = IpRange::parse, help_heading = "Restrictions")]
    ip: Option<IpRange>,
    /// The files that are covered, with * and ?
    #[arg(long, value_name = "PATTERN", help_heading = "Restrictions")]
    resource: Option<String>,
    #[command(flatten)]
    limits: LimitsArguments,
    #[command(flatten)]
    words: WordsArguments,
    #[command(flatten)]
    form: Form,
    /// URL of the object; with --register, the signed link, or - to read it from standard input
    #[arg(value_name = "URL")]
    url: String,
}

pub(super) fn run(arguments: &CreateArguments) -> Result<(), CommandError> {
    let now = moment::now();
    if !arguments.register {
        arguments.limits.check()?;
    }
    let mut body = link_registrar::body(&arguments.limits, &arguments.words);
    let mut signed = None;
    if arguments.register {
        let link = shown::named(&arguments.url)?;
        body.insert("link".to_owned(), link.into());
    } else if let (Some(key), Some(id)) = (&arguments.key, &arguments.key_pair_id) {
        let link = signed_here(arguments, (key, id), now)?;
        body.insert("link".to_owned(), link.clone().into());
        signed = Some(link);
    } else {
        to_be_signed(arguments, &mut body, now)?;
    }
    let api = arguments.form.api.find()?;
    let made = registered(&api, &body.into())?;
    let url = signed.unwrap_or_else(|| text(&made, "url").to_owned());
    say(arguments, &made, &url)
}

fn say(arguments: &CreateArguments, made: &Value, url: &str) -> Result<(), CommandError> {
    let id = text(made, "id");
    if arguments.form.json {
        let url = (!url.is_empty()).then_some(url);
        return say_json(&json!({ "id": id, "url": url, "expires_at": made["expires_at"] }));
    }
    // The URL alone, so that a script can take it; the id stands in the list.
    match url.is_empty() {
        true => say_all(&[format!("{id} registered")]),
        false => say_all(&[url.to_owned()]),
    }
}

fn signed_here(
    arguments: &CreateArguments,
    (key, id): (&str, &str),
    now: Timestamp,
) -> Result<String, CommandError> {
    let key = key_source::private_key(key, &arguments.passphrase)?;
    let id = KeyPairId::parse(id).map_err(CommandError::KeyPairId)?;
    let signer = Signer::new(Arc::new(key), id, HashAlgorithm::Sha256)?;
    let url = WireUrl::parse(&arguments.url)?;
    let mark = Marking::of(&arguments.limits, &arguments.words).mark(now);
    let terms = Terms {
        from: arguments.from.map(|from| from.resolve(now)),
        ip: arguments.ip,
        resource: arguments.resource.clone(),
        mark: Some(mark),
        ..Terms::until(end(arguments, now)?)
    };
    Ok(signer.sign_url(&url, &terms)?)
}

fn to_be_signed(
    arguments: &CreateArguments,
    body: &mut Map<String, Value>,
    now: Timestamp,
) -> Result<(), CommandError> {
    let until = end(arguments, now)?;
    let from = arguments.from.map(|from| from.resolve(now).to_utc());
    let ip = arguments.ip.map(|ip| ip.to_string());
    let members = [
        ("url", Some(arguments.url.clone())),
        ("until", Some(until.to_utc())),
        ("group", arguments.group.clone()),
        ("from", from),
        ("ip", ip),
        ("resource", arguments.resource.clone()),
    ];
    for (name, value) in members {
        if let Some(value) = value {
            body.insert(name.to_owned(), value.into());
        }
    }
    Ok(())
}

fn end(arguments: &CreateArguments, now: Timestamp) -> Result<Timestamp, CommandError> {
    match (arguments.until, arguments.duration) {
        (Some(until), _) => Ok(until.resolve(now)),
        (None, Some(duration)) => Ok(moment::after(now, duration)),
        (None, None) => Err(CommandError::NoEnd),
    }
}
