//! Keys of a bench: made by openssl in a temporary folder, and links signed with them.

use privet_sign::{HashAlgorithm, KeyPairId, PrivateKey, Signer, Terms, Timestamp, WireUrl};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use xtask::command::{self, Outcome, program};

/// An expiry far enough in the future for any bench.
pub const UNTIL: Timestamp = Timestamp::from_secs(4_000_000_000);

/// A key pair in files and in memory.
pub struct Key {
    pub name: &'static str,
    pub id: &'static str,
    pub private_file: PathBuf,
    pub public_file: PathBuf,
    private: Arc<PrivateKey>,
}

/// Makes one RSA-2048 and one P-256 key in `folder`.
pub fn make(folder: &Path) -> Outcome<[Key; 2]> {
    let rsa = [
        "genpkey",
        "-algorithm",
        "RSA",
        "-pkeyopt",
        "rsa_keygen_bits:2048",
    ];
    let p256 = [
        "genpkey",
        "-algorithm",
        "EC",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
    ];
    Ok([
        Key::make(folder, "RSA-2048", "KRSA2048BENCH", &rsa)?,
        Key::make(folder, "P-256", "KP256BENCH", &p256)?,
    ])
}

impl Key {
    fn make(folder: &Path, name: &'static str, id: &'static str, recipe: &[&str]) -> Outcome<Self> {
        let private_file = folder.join(format!("{id}.pem"));
        let public_file = folder.join(format!("{id}.pub.pem"));
        command::output(program("openssl", recipe).arg("-out").arg(&private_file))?;
        let public = ["pkey", "-pubout", "-in"];
        command::output(
            program("openssl", &public)
                .arg(&private_file)
                .arg("-out")
                .arg(&public_file),
        )?;
        let bytes = fs::read(&private_file).map_err(|error| error.to_string())?;
        let private = PrivateKey::parse(&bytes, None).map_err(|error| error.to_string())?;
        Ok(Self {
            name,
            id,
            private_file,
            public_file,
            private: Arc::new(private),
        })
    }

    /// Returns a signer with this key.
    pub fn signer(&self, hash: HashAlgorithm) -> Outcome<Signer> {
        let id = KeyPairId::parse(self.id).map_err(|error| error.to_string())?;
        Signer::new(self.private.clone(), id, hash).map_err(|error| error.to_string())
    }

    /// Returns a `Cookie` header that is valid for everything under `resource`.
    pub fn cookie(&self, resource: &str) -> Outcome<String> {
        let mut terms = Terms::until(UNTIL);
        terms.resource = Some(resource.to_owned());
        terms.allow_broad = true;
        let cookies = self.signer(HashAlgorithm::Sha1)?.sign_cookies(None, &terms);
        cookies
            .map(|cookies| cookies.to_header())
            .map_err(|error| error.to_string())
    }

    /// Returns `count` links to `url`, each with a signature of its own.
    pub fn links(&self, url: &str, count: u64) -> Outcome<Vec<String>> {
        let signer = self.signer(HashAlgorithm::Sha1)?;
        let url = WireUrl::parse(url).map_err(|error| error.to_string())?;
        let until = |number| Terms::until(Timestamp::from_secs(UNTIL.as_secs() + number));
        let links = (0..count).map(|number| signer.sign_url(&url, &until(number)));
        links
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())
    }
}
