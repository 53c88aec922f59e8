//! `privet explain`: what the edge would do with a link, check by check, and what to do about it.
//!
//! The checks themselves are those of `privet_sign::explain`; keys come from files or a configuration.

use std::io::{self, IsTerminal, Write};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use privet_distribution::request::is_canonical;
use privet_media::name::video_name;
use privet_sign::{Check, Explanation, KeyPairId, Outcome, Question, Timestamp, Verdict};

use crate::command_error::CommandError;
use crate::config_file::ConfigOption;
use crate::input;
use crate::key_source::PassphraseArguments;
use crate::moment::{self, Moment};
use crate::printable::json_line;
use crate::report;
use crate::text;

mod cookie_text;
mod known_keys;
mod narrative;

use cookie_text::{cookie_header, quotes_hint};
use known_keys::{Access, KnownKeys};
use narrative::Narrative;

/// Say why a link opens or not, check by check.
///
/// The keys are those that a configuration trusts for the host and path of the link, or those of --public-key. A
/// privet.toml that is not named counts only if no key is.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  privet explain --public-key K2J=K2J.pub.pem 'https://HOST/talk.mp4?Expires=…'
  privet explain --public-key K2J=K2J.pem --ip 192.0.2.10 --at 2030-01-01T18:00:00Z LINK
  privet explain --cookies 'CloudFront-Policy=…; …' https://HOST/videos/a.ts

Exit codes: 0 the link opens, 1 it would be refused, 2 could not tell, or wrong usage")]
pub(crate) struct ExplainArguments {
    /// A known key: its id, and its file; a private key will do
    #[arg(long, value_name = "ID=FILE", value_parser = parse_named_key)]
    public_key: Vec<NamedKey>,
    #[command(flatten)]
    passphrase: PassphraseArguments,
    #[command(flatten)]
    config: ConfigOption,
    /// The moment of the request
    #[arg(long, value_name = "TIME", default_value = "now", value_parser = moment::parse_moment)]
    at: Moment,
    /// The viewer's address
    #[arg(long, value_name = "ADDR")]
    ip: Option<IpAddr>,
    /// The cookies of the request: a Cookie header, or what holds one (a curl command, a table or JSON of a browser)
    #[arg(long, value_name = "HEADER")]
    cookies: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// The link; without it, or as -, it is read from standard input
    #[arg(value_name = "URL")]
    url: Option<String>,
}

impl ExplainArguments {
    /// The configuration whose keys count. Who names keys asks about keys and not about an edge, so a file that happens
    /// to lie here has no say then.
    fn config_file(&self) -> Option<PathBuf> {
        match (&self.config.config, self.public_key.as_slice()) {
            (None, [_, ..]) => None,
            (Some(_), _) | (None, []) => self.config.file_if_any(),
        }
    }
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
        Ok(Decision::Link(Verdict::Opens)) => ExitCode::SUCCESS,
        Ok(Decision::Link(Verdict::Refused(_)) | Decision::Unserved(_)) => ExitCode::from(1),
        Ok(Decision::Link(Verdict::CannotTell(_))) => ExitCode::from(2),
        Err(error) => {
            report::fail(&error);
            ExitCode::from(2)
        }
    }
}

/// What the edge would do.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Decision {
    /// What the checks of the link come to.
    Link(Verdict),
    /// It serves no such host, whatever the link; the text says why.
    Unserved(String),
}

fn answer(arguments: &ExplainArguments) -> Result<Decision, CommandError> {
    let url = read_url(arguments)?;
    let known = known_keys::read(arguments, &url)?;
    let now = arguments.at.resolve(moment::now());
    let explanation = match &known.access {
        Access::Checked => explain_link(arguments, &known, &url, now),
        Access::Open(reason) => one_check("access", "open, or a link", reason, Outcome::Passed),
        Access::Unserved(reason) => {
            let unserved = one_check("host", "a host of the edge", reason, Outcome::Failed);
            let hints = known.hints.clone();
            Explanation { hints, ..unserved }
        }
    };
    let decision = match known.access {
        Access::Unserved(reason) => Decision::Unserved(reason),
        Access::Checked | Access::Open(_) => Decision::Link(explanation.verdict.clone()),
    };
    let narrative = Narrative {
        decision: &decision,
        explanation: &explanation,
        now,
    };
    let written = if arguments.json {
        writeln!(io::stdout().lock(), "{}", json_line(&narrative.json()))
    } else {
        narrative.write(&mut anstream::stdout().lock())
    };
    let written = written.map_err(|error| CommandError::write("standard output", &error));
    match written {
        // The exit code is an answer too, whoever stopped reading the words.
        Ok(()) | Err(CommandError::BrokenPipe) => Ok(decision),
        Err(error) => Err(error),
    }
}

/// The edge does not get as far as the link.
fn one_check(name: &'static str, expected: &str, found: &str, outcome: Outcome) -> Explanation {
    Explanation {
        verdict: Verdict::Opens,
        checks: vec![Check {
            name,
            outcome,
            expected: expected.to_owned(),
            found: found.to_owned(),
        }],
        hints: Vec::new(),
        policy_text: None,
    }
}

fn explain_link(
    arguments: &ExplainArguments,
    known: &KnownKeys,
    url: &str,
    now: Timestamp,
) -> Explanation {
    let cookies = arguments.cookies.as_deref().map(cookie_header);
    let explain = |url: &str| {
        privet_sign::explain(&Question {
            url,
            cookies: cookies.as_deref(),
            keys: &known.keys,
            now,
            client: arguments.ip,
            leniency: known.leniency.clone(),
        })
    };
    let mut explanation = explain(url);
    if let (Verdict::Refused(_), Some(object_url)) = (&explanation.verdict, object_url(url)) {
        let of_object = explain(&object_url);
        let hint = about_video(&object_url, &of_object.verdict);
        if of_object.verdict == Verdict::Opens {
            explanation = of_object;
        }
        explanation.hints.insert(0, hint);
    }
    let path = known_keys::host_and_path(url).map(|(_, path)| path);
    if !known.reads_literally && path.is_some_and(|path| !is_canonical(path)) {
        explanation.hints.insert(0, ODD_PATH.to_owned());
    }
    if let Some(hint) = cookies.as_deref().and_then(quotes_hint) {
        explanation.hints.insert(0, hint.to_owned());
    }
    if known.keys.is_empty() && matches!(explanation.verdict, Verdict::CannotTell(_)) {
        explanation.hints.push(NO_KEYS.to_owned());
    }
    explanation.hints.extend_from_slice(&known.hints);
    explanation
}

const NO_KEYS: &str = "name the public key with --public-key ID=FILE, or the configuration of the edge with --config FILE";

/// What the edge does beyond the checks of signatures (fidelity note F38).
const ODD_PATH: &str = "the path has dot segments, empty segments, \";\", encoded slashes or a second level of encoding: \
    before an HTTP server Privet refuses it with 403 unless exactly this spelling was signed, without a wildcard; paths = \
    \"literal\" at the origin opens it";

/// The link with the video's own path, without the wish for a path_token; `None` when it names nothing that is made of
/// one.
fn object_url(url: &str) -> Option<String> {
    let (path, query) = url.trim().split_once('?').unwrap_or((url.trim(), ""));
    let object = video_name(path)?.object_path;
    let pieces = query.split('&');
    let kept: Vec<&str> = pieces.filter(|piece| *piece != "path_token=1").collect();
    match kept.join("&") {
        query if query.is_empty() => Some(object.to_owned()),
        query => Some(format!("{object}?{query}")),
    }
}

/// What the edge does beyond CloudFront: the checks above are about the asked path alone (fidelity note F72).
fn about_video(object_url: &str, verdict: &Verdict) -> String {
    let (object, _) = object_url.split_once('?').unwrap_or((object_url, ""));
    match verdict {
        Verdict::Opens => format!(
            "CloudFront would refuse it, Privet opens it: a link for the video {object} opens what is made of it too, \
             unless object_grant = false"
        ),
        Verdict::Refused(_) | Verdict::CannotTell(_) => format!(
            "a link for the video {object} opens what is made of it too, but this is none that opens: explain it with \
             the video's own path"
        ),
    }
}

fn read_url(arguments: &ExplainArguments) -> Result<String, CommandError> {
    match arguments.url.as_deref() {
        Some(url) if url != "-" => return Ok(url.to_owned()),
        None if io::stdin().is_terminal() => return Err(CommandError::NoUrl),
        Some(_) | None => {}
    }
    let text = text::decode(&input::read("-")?).ok_or_else(|| CommandError::Read {
        source: "standard input".to_owned(),
        reason: "it is not UTF-8 text".to_owned(),
    })?;
    if text.trim().is_empty() {
        return Err(CommandError::NoUrl);
    }
    Ok(text)
}
