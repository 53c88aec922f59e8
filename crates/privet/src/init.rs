//! `privet init`: writes a configuration to start from, with a key pair and a folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use privet_sign::KeyPairId;
use serde_json::json;

use crate::command_error::CommandError;
use crate::new_key::{self, NewKeyError, NewKeyType};
use crate::report::{finish, note_line, say_all, say_json};
use privet_control::shell;

/// The address of the listener in the configuration.
const ADDRESS: &str = "127.0.0.1:8080";

/// Write a configuration to start from, with a key pair and a folder for files.
///
/// Existing files are never overwritten.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privet init && privet serve
  privet init --host media.example.com /srv/privet

Exit codes: 0 done, 1 a file exists already, or failed, 2 wrong usage")]
pub(crate) struct InitArguments {
    /// Folder for all of it; created if it does not exist
    #[arg(default_value = ".", value_name = "FOLDER")]
    folder: PathBuf,
    /// The host in links
    #[arg(long, value_name = "HOST", default_value = "localhost", value_parser = parse_host)]
    host: String,
    /// Id of the key pair, such as K2JCJMDEHXQW5F; a random one otherwise
    #[arg(long, value_name = "ID", value_parser = parse_id)]
    id: Option<KeyPairId>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn parse_host(text: &str) -> Result<String, &'static str> {
    let is_label = |label: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && label.len() <= 63 && label.bytes().all(is_plain)
    };
    if text.len() > 253 || !text.split('.').all(is_label) {
        return Err("write a host name alone, such as media.example.com");
    }
    Ok(text.to_ascii_lowercase())
}

fn parse_id(text: &str) -> Result<KeyPairId, String> {
    KeyPairId::parse(text).map_err(|error| error.to_string())
}

/// Runs the command: 1 if a file exists already.
pub(crate) fn run(arguments: &InitArguments) -> ExitCode {
    finish(init(arguments))
}

/// The files that were created.
struct Made {
    config: PathBuf,
    id: KeyPairId,
    private_key: PathBuf,
    public_key: PathBuf,
    files: PathBuf,
}

fn init(arguments: &InitArguments) -> Result<(), CommandError> {
    let folder = &arguments.folder;
    let id = arguments.id.clone().unwrap_or_else(new_key::random_id);
    let in_folder = |name: &str| match folder.as_os_str() == "." {
        true => PathBuf::from(name),
        false => folder.join(name),
    };
    let made = Made {
        config: in_folder("privet.toml"),
        private_key: in_folder(&format!("{}.pem", id.as_str())),
        public_key: in_folder(&format!("{}.pub.pem", id.as_str())),
        files: in_folder("files"),
        id,
    };
    // Checked before anything is written; the file itself is never overwritten in any case.
    if fs::symlink_metadata(&made.config).is_ok() {
        return Err(CommandError::NotNew(made.config));
    }
    make_folder(&made.files)?;
    new_key::create(NewKeyType::Rsa, &made.private_key, &made.public_key)?;
    let written = new_key::write_new(
        &made.config,
        &configuration(&arguments.host, &made.id),
        0o644,
    );
    if let Err(error) = written {
        // A key that no configuration names is useless.
        let _ = fs::remove_file(&made.private_key);
        let _ = fs::remove_file(&made.public_key);
        return Err(match error {
            NewKeyError::Exists(path) => CommandError::NotNew(path),
            NewKeyError::Write { .. } | NewKeyError::Generation => CommandError::NewKey(error),
        });
    }
    tell(arguments, &made)
}

/// Creates the folder for files. A link to a folder is used and nothing is written through it, but its contents are
/// about to be served, so a note says where it leads. A link to anything else is refused, also a dangling one, where a
/// folder would be created somewhere else than it seems.
fn make_folder(folder: &Path) -> Result<(), CommandError> {
    let shown = || folder.display().to_string();
    let is_link = fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_symlink());
    if !is_link {
        return fs::create_dir_all(folder).map_err(|error| CommandError::write(shown(), &error));
    }
    let target = fs::canonicalize(folder)
        .ok()
        .filter(|target| target.is_dir());
    let Some(target) = target else {
        return Err(CommandError::LinkToNoFolder(folder.to_owned()));
    };
    note_line(format!(
        "{} is a symbolic link to {}: the files there are served to holders of a signed link",
        folder.display(),
        target.display()
    ));
    Ok(())
}

fn tell(arguments: &InitArguments, made: &Made) -> Result<(), CommandError> {
    let (_, port) = ADDRESS.split_once(':').unwrap_or_default();
    let base = format!("http://{}:{port}", arguments.host);
    let id = made.id.as_str();
    if arguments.json {
        return say_json(&json!({
            "config": made.config,
            "key_pair_id": id,
            "private_key": made.private_key,
            "public_key": made.public_key,
            "files": made.files,
            "url": base,
        }));
    }
    let (config, files) = (made.config.display(), made.files.display());
    let (private, public) = (made.private_key.display(), made.public_key.display());
    let word = |path: &Path| shell::word(&path.display().to_string());
    let (config_word, private_word) = (word(&made.config), word(&made.private_key));
    say_all(&[
        format!("{config}: the configuration"),
        format!("{private}: the private key, which signs links (keep it secret)"),
        format!("{public}: the public key, with which the edge checks links"),
        format!("{files}: files in here are served to holders of a signed link"),
        String::new(),
        "Next:".to_owned(),
        format!("  privet serve --config {config_word}"),
        format!("  privet sign --key {private_word} --key-pair-id {id} --for 2h {base}/FILE"),
    ])
}

fn configuration(host: &str, id: &KeyPairId) -> String {
    let id = id.as_str();
    format!(
        "# A configuration to start from. docs/default-config.toml lists every key, with its default.
# `privet check` reports faults in it; a running edge reloads it when it changes.

# Where viewers connect. For the internet: a proxy with TLS in front (docs/behind-a-proxy.md), or protocol = \"https\",
# address = \"0.0.0.0:443\" and a certificate in the distribution.
[[listeners]]
address = \"{ADDRESS}\"
protocol = \"http\"

# The keys whose links are accepted.
[[public_keys]]
id = \"{id}\"
file = \"{id}.pub.pem\"

[[key_groups]]
id = \"viewers\"
public_keys = [\"{id}\"]

# What is served under which hosts. Choose any id (1 to 64 of A-Z and 0-9) and domain_name; aliases lists the hosts in links.
[[distributions]]
id = \"E{number}\"
domain_name = \"d111111abcdef8.cloudfront.net\"
aliases = [\"{host}\"]

[[distributions.origins]]
id = \"files\"
folder = \"files\"

# Everything is private. For files that are open to everybody, add
# [[distributions.behaviors]] with path_pattern = \"/public/*\" and origin = \"files\".
[distributions.default_behavior]
origin = \"files\"
trusted_key_groups = [\"viewers\"]

# The access log, and the admin socket for privet cache and privet invalidate.
[log]
folder = \"logs\"

[admin]
socket = \"privet.sock\"
",
        number = &id[1..],
    )
}
