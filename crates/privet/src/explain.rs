//! `privet explain`: says what the edge would do with a link, check by check, and what to do about it.
//!
//! The checks themselves are in `privet_sign::explain`; keys come from files or a configuration.

use std::io::{self, IsTerminal, Write};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use privet_control::{Access, LinkAccess, host_and_path};
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
mod log_lines;
mod narrative;

use cookie_text::{cookie_header, quotes_hint};
use log_lines::LogLines;
use narrative::Narrative;

/// Say why a link opens or not, check by check.
///
/// The keys are those that a configuration trusts for the host and path of the link, or those of --public-key. With
/// --public-key, a configuration is read only if --config names it.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  privet explain --public-key K2J=K2J.pub.pem 'https://HOST/talk.mp4?Expires=…'
  privet explain --public-key K2J=K2J.pem --ip 192.0.2.10 --at 2030-01-01T18:00:00Z LINK
  privet explain --cookies 'CloudFront-Policy=…; …' https://HOST/videos/a.ts

Exit codes: 0 the link opens, 1 it would be refused, 2 cannot tell, or wrong usage")]
pub(crate) struct ExplainArguments {
    /// A trusted key: its id and its file; a private key works too
    #[arg(long, value_name = "ID=FILE", value_parser = parse_named_key)]
    public_key: Vec<NamedKey>,
    #[command(flatten)]
    passphrase: PassphraseArguments,
    #[command(flatten)]
    config: ConfigOption,
    /// Time of the request
    #[arg(long, value_name = "TIME", default_value = "now", value_parser = moment::parse_moment)]
    at: Moment,
    /// Address of the viewer
    #[arg(long, value_name = "ADDR")]
    ip: Option<IpAddr>,
    /// Cookies of the request: a Cookie header, or text that contains one (a curl command, a browser's cookie table or
    /// JSON)
    #[arg(long, value_name = "HEADER")]
    cookies: Option<String>,
    /// Also look for requests with the link in the log files of the configuration, delivered ones among them
    #[arg(long)]
    log: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// The link; without it, or with -, it is read from standard input
    #[arg(value_name = "URL")]
    url: Option<String>,
}

impl ExplainArguments {
    /// Returns the configuration whose keys count. With `--public-key` the question is about keys and not about an
    /// edge, so a `privet.toml` that happens to be in this folder is ignored.
    fn config_file(&self) -> Option<PathBuf> {
        match (&self.config.config, self.public_key.as_slice()) {
            (None, [_, ..]) => None,
            (Some(_), _) | (None, []) => self.config.file_if_any(),
        }
    }
}

/// A key given as `ID=FILE`.
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
        return Err("there is no file after the =".to_owned());
    }
    Ok(NamedKey {
        id: KeyPairId::parse(id).map_err(|error| error.to_string())?,
        file: file.to_owned(),
    })
}

/// Runs the command. An error that prevents a verdict is "cannot tell".
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

/// The edge's decision about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Decision {
    /// The verdict of the checks of the link.
    Link(Verdict),
    /// A refusal whatever the link, since the edge does not serve its host; the text says why.
    Unserved(String),
}

fn answer(arguments: &ExplainArguments) -> Result<Decision, CommandError> {
    let url = read_url(arguments)?;
    let known = known_keys::read(arguments, &url)?;
    let now = arguments.at.resolve(moment::now());
    let access = &known.access.access;
    let mut explanation = match access {
        Access::Checked => explain_link(arguments, &known.access, &url, now),
        Access::Open(reason) => one_check("access", "open, or a link", reason, Outcome::Passed),
        Access::NotGranted(reason) => {
            one_check("bucket", "a grant to read", reason, Outcome::Failed)
        }
        Access::Unserved(reason) => {
            let unserved = one_check("host", "a host of the edge", reason, Outcome::Failed);
            let hints = known.access.hints.clone();
            Explanation { hints, ..unserved }
        }
    };
    known.check_state(&mut explanation, &url, now)?;
    let decision = match access {
        Access::Unserved(reason) | Access::NotGranted(reason) => Decision::Unserved(reason.clone()),
        Access::Checked | Access::Open(_) => Decision::Link(explanation.verdict.clone()),
    };
    let narrative = Narrative {
        decision: &decision,
        explanation: &explanation,
        now,
        log: log_lines(arguments, &url)?,
    };
    let written = if arguments.json {
        writeln!(io::stdout().lock(), "{}", json_line(&narrative.json()))
    } else {
        narrative.write(&mut anstream::stdout().lock())
    };
    let written = written.map_err(|error| CommandError::write("standard output", &error));
    match written {
        // The exit code is part of the result, even if nobody reads the text.
        Ok(()) | Err(CommandError::BrokenPipe) => Ok(decision),
        Err(error) => Err(error),
    }
}

/// Returns what the logs say of the link; `None` if nobody asks.
fn log_lines(arguments: &ExplainArguments, url: &str) -> Result<Option<LogLines>, CommandError> {
    if !arguments.log {
        return Ok(None);
    }
    match arguments.config_file() {
        Some(file) => log_lines::find(&file, url).map(Some),
        None => Ok(Some(LogLines {
            found: Vec::new(),
            notes: vec!["no configuration says where the logs are; name it by --config".to_owned()],
        })),
    }
}

/// Returns the explanation of a decision that the edge makes before it looks at the link.
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
        link_id: None,
        link_mark: None,
        key_pair_id: None,
        until: None,
    }
}

fn explain_link(
    arguments: &ExplainArguments,
    known: &LinkAccess,
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
    let path = host_and_path(url).map(|(_, path)| path);
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

const NO_KEYS: &str = "give the public key with --public-key ID=FILE, or the configuration of the edge with --config FILE";

/// The hint about a rule of the edge beyond the checks of signatures (fidelity note F38).
const ODD_PATH: &str = "the path has dot segments, empty segments, \";\", encoded slashes or a second level of encoding: \
    in front of an HTTP server Privet refuses it with 403 unless exactly this spelling was signed, without a wildcard; paths = \
    \"literal\" at the origin allows it";

/// Returns the link with the video's own path and without `path_token=1`; `None` if its path is not beneath a video.
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

/// Returns the hint about a rule of the edge beyond CloudFront: a grant for the video also opens the paths beneath it,
/// while the checks above are about the requested path alone (fidelity note F72).
fn about_video(object_url: &str, verdict: &Verdict) -> String {
    let (object, _) = object_url.split_once('?').unwrap_or((object_url, ""));
    match verdict {
        Verdict::Opens => format!(
            "CloudFront would refuse it, Privet allows it: a link for the video {object} also opens what is generated from \
             it, unless object_grant = false"
        ),
        Verdict::Refused(_) | Verdict::CannotTell(_) => format!(
            "a valid link for the video {object} also opens what is generated from it, but this link is not valid: explain \
             it with the video's own path"
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
