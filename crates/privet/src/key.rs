//! `privet key`: makes key pairs, prints public keys, inspects keys; and the public keys of a store.

mod listing;
mod rotate;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use aws_lc_rs::digest;
use privet_distribution::config::ServiceKind;
use privet_sign::{KeyKind, KeyPairId, PublicKey};

use crate::collections::{self, Collection, CollectionCommand};
use crate::command_error::CommandError;
use crate::input;
use crate::key_source::{AnyKey, PassphraseArguments, note_readers};
use crate::new_key::{self, NewKeyType};
use crate::report;
use privet_control::shell;

/// Arguments of `privet key`.
#[derive(clap::Args)]
pub(crate) struct KeyArguments {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(clap::Subcommand)]
enum KeyCommand {
    /// Make a key pair: a private key to sign with, a public key for the edge.
    #[command(after_help = "\
Examples:
  privet key create
  privet key create --type p256 --out signing.pem --public-out signing.pub.pem")]
    Create(CreateArguments),
    /// Print the public key of a private key, in CloudFront's format.
    #[command(
        after_help = "Example:\n  privet key public K2JCJMDEHXQW5F.pem > K2JCJMDEHXQW5F.pub.pem"
    )]
    Public(PublicArguments),
    /// Show the kind of a key, and whether CloudFront accepts it.
    #[command(after_help = "\
Examples:
  privet key check K2JCJMDEHXQW5F.pem
  privet key check K2JCJMDEHXQW5F.pem K2JCJMDEHXQW5F.pub.pem

Exit codes: 0 good, 1 unreadable, not accepted by CloudFront, or not a pair, 2 wrong usage")]
    Check(CheckArguments),
    /// Add a public key to the store, from a document with id and pem.
    #[command(after_help = "Example:\n  privet key add key.toml")]
    Add(collections::CreateArguments),
    /// Rotate the signing key of a key group by itself, or show how far that is.
    ///
    /// A new key is published in the group, and used once it is in force on all edges. The one before leaves the group
    /// when no link of it can be valid any more and it has opened nothing for that long. Private keys are sealed in
    /// the store; privet sign --group uses them.
    #[command(after_help = "\
Examples:
  privet key rotate --group viewers --every 30d --overlap 7d
  privet key rotate --group viewers
  privet key rotate --group viewers --now
  privet key rotate --group viewers --write-key signing.pem")]
    Rotate(rotate::RotateArguments),
    #[command(flatten)]
    Stored(CollectionCommand),
}

#[derive(clap::Args)]
struct CreateArguments {
    /// Kind of key
    #[arg(long = "type", value_enum, default_value_t = NewKeyType::Rsa, value_name = "TYPE")]
    kind: NewKeyType,
    /// File for the private key, readable only by you [default: ID.pem]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// File for the public key [default: ID.pub.pem, or the name of the private key with .pub.pem]
    #[arg(long, value_name = "FILE")]
    public_out: Option<PathBuf>,
    /// Key pair id: capital letters and digits [default: a random one]
    #[arg(long, value_name = "ID")]
    id: Option<String>,
}

#[derive(clap::Args)]
struct PublicArguments {
    /// Key file, - for standard input, or env:NAME
    key: String,
    #[command(flatten)]
    passphrase: PassphraseArguments,
}

#[derive(clap::Args)]
struct CheckArguments {
    /// Key file, private or public; - for standard input, or env:NAME
    key: String,
    /// Public key file that should belong to it
    public: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseArguments,
}

/// Runs the command that was asked for.
pub(crate) fn run(arguments: &KeyArguments) -> ExitCode {
    let result = match &arguments.command {
        KeyCommand::Create(arguments) => create(arguments),
        KeyCommand::Public(arguments) => public(arguments),
        KeyCommand::Check(arguments) => check(arguments),
        KeyCommand::Add(arguments) => collections::create(stored(), arguments),
        KeyCommand::Rotate(arguments) => rotate::run(arguments),
        KeyCommand::Stored(CollectionCommand::List(arguments)) => {
            listing::list(stored(), arguments)
        }
        KeyCommand::Stored(command) => collections::run(stored(), command),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::fail(&error),
    }
}

fn stored() -> Collection {
    Collection::of(ServiceKind::PublicKey)
}

fn create(arguments: &CreateArguments) -> Result<(), CommandError> {
    let id = match &arguments.id {
        Some(id) => KeyPairId::parse(id).map_err(CommandError::KeyPairId)?,
        None => new_key::random_id(),
    };
    let (private, public) = file_names(arguments, id.as_str());
    let key = new_key::create(arguments.kind, &private, &public)?;
    let (kind, private, public) = (key.kind(), private.display(), public.display());
    let private_word = shell::word(&private.to_string());
    let key_word = shell::word(&format!("{id}={public}"));
    report::say_all(&[
        format!("key pair id  {id}"),
        format!("kind         {kind}"),
        format!("private key  {private} (keep it secret: it signs links)"),
        format!("public key   {public} (give it to the edge, or to CloudFront)"),
        String::new(),
        "Sign a link with it:".to_owned(),
        format!("  privet sign --key {private_word} --key-pair-id {id} --for 2h https://HOST/FILE"),
        "Check a link with it:".to_owned(),
        format!("  privet explain --public-key {key_word} LINK"),
    ])
}

/// Returns the names of both files, derived from the id or from the name that was given for the private key.
fn file_names(arguments: &CreateArguments, id: &str) -> (PathBuf, PathBuf) {
    let private = arguments
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{id}.pem")));
    let public = arguments
        .public_out
        .clone()
        .unwrap_or_else(|| private.with_extension("pub.pem"));
    (private, public)
}

fn public(arguments: &PublicArguments) -> Result<(), CommandError> {
    let bytes = input::read_or_variable(&arguments.key)?;
    let passphrase = arguments.passphrase.read()?;
    let key = AnyKey::parse(&bytes, passphrase.as_deref(), &arguments.key)?;
    print(&key.public_key().to_pem())
}

fn check(arguments: &CheckArguments) -> Result<(), CommandError> {
    let bytes = input::read_or_variable(&arguments.key)?;
    let passphrase = arguments.passphrase.read()?;
    let key = AnyKey::parse(&bytes, passphrase.as_deref(), &arguments.key)?;
    let public = key.public_key();
    let taken = cloudfront_takes(public.kind());
    print(&format!(
        "{}\nformat       {}\nfingerprint  SHA256:{}\nCloudFront   {}\n",
        match &key {
            AnyKey::Private(_) => format!("private key  {}", public.kind()),
            AnyKey::Public(_) => format!("public key   {}", public.kind()),
        },
        format_of(&bytes),
        hex_digest(&public),
        if taken {
            "accepts it"
        } else {
            "does not accept it"
        },
    ))?;
    if let AnyKey::Private(_) = key {
        note_readers(&arguments.key);
    }
    if !taken {
        return Err(CommandError::KeyNotTaken);
    }
    match &arguments.public {
        Some(other) => check_pair(&public, other),
        None => Ok(()),
    }
}

fn check_pair(public: &PublicKey, other: &Path) -> Result<(), CommandError> {
    let bytes = input::read_file(other)?;
    let source = other.display().to_string();
    let given = AnyKey::parse(&bytes, None, &source)?;
    if given.public_key() != *public {
        return Err(CommandError::NotAPair);
    }
    print("pair         yes, the two belong together\n")
}

/// Returns whether CloudFront accepts keys of this kind.
pub(crate) fn cloudfront_takes(kind: KeyKind) -> bool {
    match kind {
        KeyKind::Rsa { bits } => bits == 2048,
        KeyKind::P256 => true,
    }
}

fn format_of(bytes: &[u8]) -> &'static str {
    let text = String::from_utf8_lossy(bytes);
    let has = |marker: &str| text.contains(marker);
    if !has("-----BEGIN ") {
        return "DER";
    }
    let encrypted = has("BEGIN ENCRYPTED PRIVATE KEY") || has("Proc-Type: 4,ENCRYPTED");
    match encrypted {
        true => "PEM, encrypted",
        false if has("BEGIN RSA PRIVATE KEY") || has("BEGIN RSA PUBLIC KEY") => "PKCS#1 PEM",
        false if has("BEGIN EC PRIVATE KEY") => "SEC1 PEM",
        false if has("BEGIN PRIVATE KEY") => "PKCS#8 PEM",
        false => "SPKI PEM",
    }
}

fn hex_digest(key: &PublicKey) -> String {
    let digest = digest::digest(&digest::SHA256, key.spki_der());
    let pairs = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
    pairs.collect()
}

fn print(text: &str) -> Result<(), CommandError> {
    io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .map_err(|error| CommandError::write("standard output", &error))
}
