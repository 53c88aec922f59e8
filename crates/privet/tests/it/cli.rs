//! Runs the program in a folder of its own, and records its output.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

pub const ID: &str = "K2JCJMDEHXQW5F";
pub const URL: &str = "https://d111111abcdef8.cloudfront.net/images/image.jpg";

/// Output and exit code of one run.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Asserts success; returns standard output.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{self:?}");
        self.out
    }

    /// Asserts that the run ended with `code`, with nothing on standard output and all of `words` on standard error.
    #[track_caller]
    pub fn fails(self, code: i32, words: &[&str]) {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{self:?}");
        self.mentions(words);
    }

    #[track_caller]
    pub fn mentions(&self, words: &[&str]) {
        for word in words {
            assert!(self.err.contains(word), "{word:?} is missing: {self:?}");
        }
    }
}

/// A folder with the key pair of the vectors: `key.pem`, `key.pub.pem`.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        let folder = Folder(tempfile::tempdir().unwrap());
        folder.take("rsa2048.pem", "key.pem");
        folder.take("rsa2048.pub.pem", "key.pub.pem");
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Copies one of the signer's test keys.
    pub fn take(&self, fixture: &str, name: &str) {
        let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sign/tests/keys");
        fs::write(self.path(name), fs::read(keys.join(fixture)).unwrap()).unwrap();
        // ssh-keygen and `privet key create` give private keys this mode.
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        self.run_with("", &[], arguments)
    }

    pub fn pipe(&self, input: impl AsRef<[u8]>, arguments: &[&str]) -> Said {
        self.run_with(input, &[], arguments)
    }

    pub fn run_with(
        &self,
        input: impl AsRef<[u8]>,
        variables: &[(&str, &str)],
        arguments: &[&str],
    ) -> Said {
        let mut child = self
            .command(arguments)
            .envs(variables.iter().copied())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.as_ref().to_vec();
        // Input is written from a thread: with much input, the program writes before it has read everything.
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        // A program that refuses its arguments does not read its input, which is no failure.
        let _ = writer.join().unwrap();
        Said {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_privet"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env_remove("PRIVET_KEY_PASSPHRASE")
            .env_remove("PRIVET_CONFIG")
            .env_remove("PRIVET_STORE_KEY")
            .env_remove("PRIVET_ENDPOINT")
            .env_remove("PRIVET_PROFILE")
            .env_remove("PRIVET_ACCESS_KEY_ID")
            .env_remove("PRIVET_SECRET_ACCESS_KEY")
            .env("PRIVET_PROFILES", self.path("profiles.toml"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs `privet sign` with a key, an id and an expiry far in the future.
    pub fn sign(&self, arguments: &[&str]) -> Said {
        self.sign_lines("", arguments)
    }

    pub fn sign_lines(&self, input: impl AsRef<[u8]>, arguments: &[&str]) -> Said {
        let mut all = vec!["sign", "--key", "key.pem", "--key-pair-id", ID];
        all.extend(["--until", "2000000000"]);
        all.extend(arguments);
        self.pipe(input, &all)
    }

    /// Runs `privet explain` with the public key, at a time before the expiry that [`Folder::sign`] sets.
    pub fn explain(&self, arguments: &[&str]) -> Said {
        let key = format!("{ID}=key.pub.pem");
        let mut all = vec!["explain", "--public-key", &key, "--at", "1999999999"];
        all.extend(arguments);
        self.run(&all)
    }
}
