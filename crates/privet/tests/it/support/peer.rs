//! Real signers, driven through the scripts of `tests-peers`: wishes go in, and what a user of the signer gets comes
//! out.

use crate::support::{By, U, key_path};
use privet_sign::HashAlgorithm;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A signer in use today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    Botocore,
    AwsCli,
    JsSdk,
    /// The recipe by hand, in CloudFront's alphabet.
    OpenSsl,
    /// The tlslite recipe, in standard base64.
    StandardBase64,
}

/// A request to a signer. `None` leaves a restriction out.
#[derive(Clone, Debug)]
pub struct Wish {
    pub url: String,
    pub key_file: PathBuf,
    pub key_pair_id: String,
    pub hash: HashAlgorithm,
    pub expires: u64,
    pub not_before: Option<u64>,
    pub ip: Option<&'static str>,
    pub resource: Option<String>,
    pub policy: Option<String>,
    pub cookies: bool,
}

impl Wish {
    /// Returns the wish for a link to `path` of the fixture's host, signed by `by`.
    pub fn of(by: By, path: &str, expires: u64) -> Self {
        Wish {
            url: format!("{U}{path}"),
            key_file: key_path(by.file),
            key_pair_id: by.id.to_owned(),
            hash: by.hash,
            expires,
            not_before: None,
            ip: None,
            resource: None,
            policy: None,
            cookies: false,
        }
    }

    fn line(&self) -> String {
        let wish = json!({
            "url": self.url,
            "key_file": self.key_file,
            "key_pair_id": self.key_pair_id,
            "expires": self.expires,
            "not_before": self.not_before,
            "ip": self.ip,
            "resource": self.resource,
            "policy": self.policy,
            "hash": hash_name(self.hash),
            "cookies": self.cookies,
        });
        format!("{wish}\n")
    }

    fn has_pkcs1_key(&self) -> bool {
        let key = std::fs::read_to_string(&self.key_file).unwrap();
        key.starts_with("-----BEGIN RSA PRIVATE KEY")
    }
}

pub fn hash_name(hash: HashAlgorithm) -> &'static str {
    match hash {
        HashAlgorithm::Sha1 => "SHA1",
        HashAlgorithm::Sha256 => "SHA256",
    }
}

/// A signer's output: a link, or cookies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    Link(String),
    /// Names and values of the cookies, in the signer's order.
    Cookies(Vec<(String, String)>),
}

impl Made {
    pub fn link(&self) -> &str {
        match self {
            Made::Link(link) => link,
            Made::Cookies(_) => panic!("cookies, not a link: {self:?}"),
        }
    }
}

impl Peer {
    /// Returns true if the signer has a way to express the wish; tests-peers/README.md has the reasons.
    pub fn can(self, wish: &Wish) -> bool {
        let is_sha1 = wish.hash == HashAlgorithm::Sha1;
        match self {
            Peer::Botocore => is_sha1 && !wish.cookies,
            Peer::AwsCli => {
                let is_own_policy = wish.resource.is_some() || wish.policy.is_some();
                is_sha1 && !wish.cookies && !is_own_policy && wish.has_pkcs1_key()
            }
            Peer::JsSdk => wish.resource.is_none(),
            Peer::OpenSsl | Peer::StandardBase64 => true,
        }
    }

    /// Signs all wishes in one process. Anything but a link or cookies for each of them is a failure.
    pub fn sign(self, wishes: &[Wish]) -> Vec<Made> {
        let lines: String = wishes.iter().map(Wish::line).collect();
        let answers = answers(self.command(), &lines);
        assert_eq!(answers.len(), wishes.len(), "{self:?}: {answers:?}");
        let both = wishes.iter().zip(answers);
        both.map(|(wish, answer)| made(&answer).unwrap_or_else(|| panic!("{wish:?}: {answer}")))
            .collect()
    }

    fn command(self) -> Command {
        match self {
            Peer::Botocore => command(python(), &["botocore_sign.py"]),
            Peer::AwsCli => command("bash", &["awscli_sign.sh"]),
            Peer::JsSdk => {
                require(&node_modules().join("@aws-sdk/cloudfront-signer"));
                command("node", &["node_sign.mjs"])
            }
            Peer::OpenSsl => command("bash", &["openssl_sign.sh"]),
            Peer::StandardBase64 => command("bash", &["openssl_sign.sh", "--standard-base64"]),
        }
    }
}

/// A signature to check with `openssl dgst -verify`.
#[derive(Clone, Debug)]
pub struct Claim {
    pub public_key_file: PathBuf,
    pub policy: String,
    pub signature: String,
    pub hash: HashAlgorithm,
}

/// Returns for each claim whether OpenSSL agrees.
pub fn openssl_verifies(claims: &[Claim]) -> Vec<bool> {
    let line = |claim: &Claim| {
        let claim = json!({
            "public_key_file": claim.public_key_file,
            "policy": claim.policy,
            "signature": claim.signature,
            "hash": hash_name(claim.hash),
        });
        format!("{claim}\n")
    };
    let lines: String = claims.iter().map(line).collect();
    let answers = answers(command("bash", &["openssl_verify.sh"]), &lines);
    assert_eq!(answers.len(), claims.len(), "{answers:?}");
    answers
        .iter()
        .map(|answer| answer["verified"].as_bool().unwrap())
        .collect()
}

/// Runs `openssl`; returns what it printed on both outputs, if it succeeded.
pub fn openssl(arguments: &[&str], folder: &Path) -> Option<String> {
    let program = variable("PRIVET_TEST_OPENSSL", || "openssl".into());
    let mut command = Command::new(&program);
    let output = command.args(arguments).current_dir(folder).output();
    let output = output.unwrap_or_else(|error| missing(&program, &error));
    let text = [output.stdout, output.stderr].concat();
    output
        .status
        .success()
        .then(|| String::from_utf8(text).unwrap())
}

fn made(answer: &Value) -> Option<Made> {
    if let Some(link) = answer["url"].as_str() {
        return Some(Made::Link(link.to_owned()));
    }
    let pairs = answer["cookies"].as_object()?.iter();
    let pairs = pairs.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    pairs.collect::<Option<_>>().map(Made::Cookies)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn variable(name: &str, default: impl FnOnce() -> PathBuf) -> PathBuf {
    std::env::var_os(name).map_or_else(default, PathBuf::from)
}

pub fn python() -> PathBuf {
    variable("PRIVET_TEST_PYTHON", || {
        root().join("target/test-tools/python/bin/python3")
    })
}

pub fn node_modules() -> PathBuf {
    variable("PRIVET_TEST_NODE_MODULES", || {
        root().join("target/test-tools/node/node_modules")
    })
}

/// Returns the command for the first element of `script`, run by `program`. All scripts read their wishes with the
/// Python environment.
pub fn command(program: impl AsRef<OsStr>, script: &[&str]) -> Command {
    require(&python());
    let mut command = Command::new(program);
    command
        .arg(root().join("tests-peers").join(script[0]))
        .args(&script[1..])
        .env("PRIVET_TEST_PYTHON", python())
        .env("PRIVET_TEST_NODE_MODULES", node_modules())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Fails if a tool is missing: a signer that was skipped would look like one that agrees.
fn require(path: &Path) {
    assert!(
        path.exists(),
        "{} is missing: `cargo xtask tools` installs it",
        path.display()
    );
}

fn missing(program: &(impl AsRef<OsStr> + ?Sized), error: &std::io::Error) -> ! {
    let program = program.as_ref().display();
    panic!("cannot run {program} ({error}): `cargo xtask tools` installs it")
}

/// Returns one JSON value for each line that the script prints.
pub fn answers(mut command: Command, lines: &str) -> Vec<Value> {
    let program = command.get_program().to_owned();
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| missing(&program, &error));
    let mut stdin = child.stdin.take().unwrap();
    let input = lines.as_bytes().to_vec();
    // Input is written from a thread, because the script responds before it has read everything.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let sent = writer.join().unwrap();
    assert!(
        output.status.success() && sent.is_ok(),
        "{command:?} failed; `cargo xtask tools` installs what it needs: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
#[should_panic(expected = "is missing: `cargo xtask tools` installs it")]
fn a_missing_signer_fails_the_test() {
    require(&root().join("no signer"));
}

#[test]
#[should_panic(expected = "cannot run no-signer")]
fn a_missing_program_fails_the_test() {
    answers(command("no-signer", &["wire.py"]), "");
}
