//! `privet explain`: what the edge would do with a link, check by check, and what to do about it.
//!
//! The checks themselves are those of `privet_sign::explain`; keys come from files or a configuration.

use std::io::{self, IsTerminal, Write};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use privet_sign::{KeyPairId, Question, Verdict};

use crate::command_error::CommandError;
use crate::input;
use crate::key_source::PassphraseArguments;
use crate::moment::{self, Moment};
use crate::report;

mod known_keys;
mod narrative;

/// What `privet explain` takes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  privet explain --public-key K2J=K2J.pub.pem 'https://HOST/talk.mp4?Expires=…'
  privet explain --public-key K2J=K2J.pem --ip 192.0.2.10 --at 2030-01-01T18:00:00Z LINK
  privet explain --config privet.toml --cookies 'CloudFront-Policy=…; …' https://HOST/videos/a.ts

Exit codes: 0 the link opens, 1 it would be refused, 2 could not tell, or wrong usage")]
pub(crate) struct ExplainArguments {
    /// A known key: its id, and its file; a private key will do
    #[arg(long, value_name = "ID=FILE", value_parser = parse_named_key)]
    public_key: Vec<NamedKey>,
    #[command(flatten)]
    passphrase: PassphraseArguments,
    /// Take the keys from the configuration of an edge, for the host and path of the link
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The moment of the request
    #[arg(long, value_name = "TIME", default_value = "now", value_parser = moment::parse_moment)]
    at: Moment,
    /// The viewer's address
    #[arg(long, value_name = "ADDR")]
    ip: Option<IpAddr>,
    /// The Cookie header of the request
    #[arg(long, value_name = "HEADER")]
    cookies: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// The link; without it, or as -, it is read from standard input
    #[arg(value_name = "URL")]
    url: Option<String>,
}

/// `ID=FILE`.
#[derive(Clone, Debug)]
struct NamedKey {
    id: KeyPairId,
    file: String,
}

fn parse_named_key(text: &str) -> Result<NamedKey, String> {
    let (id, file) = text
        .split_once('=')
        .ok_or("write the key pair id, =, and the file, such as K2JCJMDEHXQW5F=key.pub.pem")?;
    if file.is_empty() {
        return Err("there is no file behind the =".to_owned());
    }
    Ok(NamedKey {
        id: KeyPairId::parse(id).map_err(|error| error.to_string())?,
        file: file.to_owned(),
    })
}

/// Runs the command. Whatever keeps it from an answer is "could not tell".
pub(crate) fn run(arguments: &ExplainArguments) -> ExitCode {
    match answer(arguments) {
        Ok(Verdict::Opens) => ExitCode::SUCCESS,
        Ok(Verdict::Refused(_)) => ExitCode::from(1),
        Ok(Verdict::CannotTell(_)) => ExitCode::from(2),
        Err(error) => {
            report::fail(&error);
            ExitCode::from(2)
        }
    }
}

fn answer(arguments: &ExplainArguments) -> Result<Verdict, CommandError> {
    let url = read_url(arguments)?;
    let known = known_keys::read(arguments, &url)?;
    let now = arguments.at.resolve(moment::now());
    let explanation = privet_sign::explain(&Question {
        url: &url,
        cookies: arguments.cookies.as_deref(),
        keys: &known.keys,
        now,
        client: arguments.ip,
        leniency: known.leniency,
    });
    let written = if arguments.json {
        writeln!(
            io::stdout().lock(),
            "{}",
            narrative::json(&explanation, now)
        )
    } else {
        narrative::write(&explanation, now, &mut anstream::stdout().lock())
    };
    let written = written.map_err(|error| CommandError::write("standard output", &error));
    match written {
        // The exit code is an answer too, whoever stopped reading the words.
        Ok(()) | Err(CommandError::BrokenPipe) => Ok(explanation.verdict),
        Err(error) => Err(error),
    }
}

fn read_url(arguments: &ExplainArguments) -> Result<String, CommandError> {
    match arguments.url.as_deref() {
        Some(url) if url != "-" => return Ok(url.to_owned()),
        None if io::stdin().is_terminal() => return Err(CommandError::NoUrl),
        Some(_) | None => {}
    }
    let text = String::from_utf8(input::read("-")?).map_err(|_| CommandError::Read {
        source: "standard input".to_owned(),
        reason: "it is not UTF-8 text".to_owned(),
    })?;
    if text.trim().is_empty() {
        return Err(CommandError::NoUrl);
    }
    Ok(text)
}
