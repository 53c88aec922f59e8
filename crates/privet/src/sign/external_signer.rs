//! A signer outside this program: a command that is run once for each signature.
//!
//! The command reads one line, `sha1 HEX` or `sha256 HEX`, and prints the signature in base64. Every signature is
//! verified with the public key, so that a wrong one never becomes a link.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use privet_sign::{HashAlgorithm, KeyKind, MessageSigner, PublicKey, SignError, SignatureScheme};

use crate::command_error::CommandError;
use crate::input;

/// The longest output of the command that is read; a signature has a few hundred characters.
const ANSWER_BYTES_MAX: u64 = 16 * 1024;

/// The command, and the public key of the pair it signs with.
pub(super) struct ExternalSigner {
    command: String,
    public: PublicKey,
}

impl ExternalSigner {
    /// `command` is run by `sh -c`; `public_key` is the file of its public key.
    ///
    /// # Errors
    /// [`CommandError::NoKey`] without a public key, [`CommandError::Read`], [`CommandError::Key`].
    pub(super) fn new(command: &str, public_key: Option<&Path>) -> Result<Self, CommandError> {
        let path = public_key.ok_or(CommandError::NoKey)?;
        let bytes = input::read_file(path)?;
        let public = PublicKey::parse(&bytes).map_err(|error| CommandError::Key {
            source: path.display().to_string(),
            error,
        })?;
        Ok(ExternalSigner {
            command: command.to_owned(),
            public,
        })
    }

    fn ask(&self, hash: HashAlgorithm, digest: &[u8]) -> Result<String, SignError> {
        let failed = |what: &str, error: &std::io::Error| {
            SignError::External(format!("{what}: {}", crate::reason::reason(error)))
        };
        let mut child = Command::new("sh")
            .args(["-c", &self.command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed("it cannot be started", &error))?;
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = hash.as_str().to_ascii_lowercase();
        send(&mut child, &format!("{name} {hex}\n"));
        let mut answer = String::new();
        if let Some(output) = child.stdout.take() {
            output
                .take(ANSWER_BYTES_MAX)
                .read_to_string(&mut answer)
                .map_err(|error| failed("its output cannot be read", &error))?;
        }
        let status = child
            .wait()
            .map_err(|error| failed("cannot wait for it", &error))?;
        if !status.success() {
            return Err(SignError::External(format!("it ended with {status}")));
        }
        Ok(answer)
    }
}

impl MessageSigner for ExternalSigner {
    fn kind(&self) -> KeyKind {
        self.public.kind()
    }

    fn sign_message(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let refused = |text: &str| SignError::External(text.to_owned());
        let hash = scheme
            .hash()
            .ok_or_else(|| refused("it signs digests, and a key of this kind does not"))?;
        let answer = self.ask(hash, hash.digest(message).as_ref())?;
        let signature = decode_base64(&answer).ok_or_else(|| {
            refused("its output is not base64: print the signature and nothing else")
        })?;
        if !self.public.verify(scheme, message, &signature) {
            return Err(refused(
                "its signature does not verify: check that --public-key belongs to its key, and that it signs the digest as it is",
            ));
        }
        Ok(signature)
    }
}

/// Sends the line to the command. A command that does not read its input may have ended already, which is no failure if
/// its output is good.
fn send(child: &mut Child, line: &str) {
    if let Some(mut input) = child.stdin.take() {
        let _ = input.write_all(line.as_bytes());
    }
}

/// Decodes standard base64 (RFC 4648 4) as commands print it, with line breaks and without padding.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0u32, 0u32);
    let mut padded = false;
    for digit in digits {
        if digit == b'=' {
            padded = true;
            continue;
        }
        if padded {
            return None;
        }
        bits = (bits << 6 | u32::from(value_of(digit)?)) & 0xff_ffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    // Six bits left over are a single digit, which is not a byte.
    (count < 6 && !bytes.is_empty()).then_some(bytes)
}

fn value_of(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}
