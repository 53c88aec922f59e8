//! The fixture of the conformance matrix: one host, two trusted keys, four behaviors.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use privet_distribution::config::{Snapshot, read_toml};
use privet_distribution::request::{
    Authorized, Denial, PathTokenUrl, ViewerRequest, authorize, route,
};
use privet_sign::{
    HashAlgorithm, MessageSigner, NoMemory, PathTokenSecret, PrivateKey, Scheme, Timestamp,
};
use std::path::Path;

pub const NOW: u64 = 1_767_000_000;
/// A time in the future.
pub const E: u64 = 1_767_003_600;
/// A time in the past.
pub const X: u64 = 1_766_999_999;
pub const U: &str = "https://d111111abcdef8.cloudfront.net";

const CONFIG: &str = r#"
[[listeners]]
address = "127.0.0.1:443"
protocol = "https"
[[listeners]]
address = "127.0.0.1:80"
protocol = "http"
[[public_keys]]
id = "KRSA"
file = "rsa2048.pub.pem"
[[public_keys]]
id = "KEC"
file = "p256.pub.pem"
[[public_keys]]
id = "KOTHER"
file = "rsa4096.pub.pem"
[[key_groups]]
id = "viewers"
public_keys = ["KRSA", "KEC"]
[[distributions]]
id = "EDFDVBD6EXAMPLE"
domain_name = "d111111abcdef8.cloudfront.net"
aliases = ["www.example.com", "*.videos.example.com"]
default_root_object = "index.html"
certificate = { chain = "rsa2048.pub.pem", key = "rsa2048.pem" }
[[distributions.origins]]
id = "videos"
folder = "bucket"
origin_path = "/videos"
[[distributions.behaviors]]
path_pattern = "/public/*"
origin = "videos"
[[distributions.behaviors]]
path_pattern = "/secure/*"
origin = "videos"
viewer_protocol_policy = "https-only"
trusted_key_groups = ["viewers"]
[[distributions.behaviors]]
path_pattern = "/redir/*"
origin = "videos"
viewer_protocol_policy = "redirect-to-https"
trusted_key_groups = ["viewers"]
allowed_methods = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
[[distributions.behaviors]]
path_pattern = "/cors/*"
origin = "videos"
allowed_methods = ["GET", "HEAD", "OPTIONS"]
trusted_key_groups = ["viewers"]
[distributions.default_behavior]
origin = "videos"
trusted_key_groups = ["viewers"]
[[distributions]]
id = "EOFF"
domain_name = "off.example.com"
enabled = false
origins = [{ id = "videos", folder = "bucket" }]
default_behavior = { origin = "videos" }
"#;

pub fn key_file(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sign/tests/keys");
    std::fs::read(folder.join(name)).unwrap()
}

pub fn snapshot() -> Snapshot {
    snapshot_of(CONFIG)
}

/// Returns the fixture with its https listener on another port.
pub fn snapshot_on_port(port: u16) -> Snapshot {
    snapshot_of(&CONFIG.replace(":443", &format!(":{port}")))
}

pub fn snapshot_of(text: &str) -> Snapshot {
    let (document, places) = read_toml(text, Path::new("privet.toml")).unwrap();
    let mut read_file = |path: &Path| Ok(key_file(path.to_str().unwrap()));
    Snapshot::build(document, &places, &mut read_file).unwrap()
}

/// A request that is easy to write down.
pub struct Sent {
    pub method: Method,
    pub version: Version,
    /// URL with scheme and host, as typed.
    pub url: String,
    pub headers: Vec<(String, Vec<u8>)>,
    pub has_body: bool,
    /// A token and the secret to check it with, for a path that does not contain the token.
    pub path_token: Option<(String, PathTokenSecret)>,
}

pub fn get(url: impl Into<String>) -> Sent {
    send("GET", url)
}

pub fn send(method: &str, url: impl Into<String>) -> Sent {
    Sent {
        method: method.parse().unwrap(),
        version: Version::HTTP_11,
        url: url.into(),
        headers: Vec::new(),
        has_body: false,
        path_token: None,
    }
}

impl Sent {
    pub fn header(self, name: &str, value: &str) -> Self {
        self.header_of_bytes(name, value.as_bytes())
    }

    pub fn header_of_bytes(mut self, name: &str, value: &[u8]) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn with_body(mut self) -> Self {
        self.has_body = true;
        self
    }

    /// Passes the request to `act` in the edge's form.
    pub fn with<T>(&self, act: impl FnOnce(&ViewerRequest<'_>) -> T) -> T {
        let (scheme, rest) = self.url.split_once("://").unwrap();
        let (host, target) = rest.split_at(rest.find('/').unwrap());
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_bytes(value).unwrap(),
            );
        }
        act(&ViewerRequest {
            https_port: None,
            method: &self.method,
            version: self.version,
            scheme: if scheme == "https" {
                Scheme::Https
            } else {
                Scheme::Http
            },
            host,
            path,
            query,
            headers: &headers,
            client: "192.0.2.77".parse().unwrap(),
            has_body: self.has_body,
            path_token: self
                .path_token
                .as_ref()
                .map(|(token, secret)| PathTokenUrl { token, secret }),
        })
    }

    /// Routes and authorizes the request; `then` gets the proof.
    pub fn run_with<T>(
        &self,
        snapshot: &Snapshot,
        then: impl FnOnce(&Authorized<'_>) -> T,
    ) -> Result<T, Denial> {
        self.with(|request| {
            let routed = route(snapshot, request)?;
            let now = Timestamp::from_secs(NOW);
            authorize(routed, request, now, &NoMemory).map(|authorized| then(&authorized))
        })
    }

    pub fn run(&self, snapshot: &Snapshot) -> Result<(), Denial> {
        self.run_with(snapshot, |_| ())
    }
}

/// Returns CloudFront's canned policy (developer guide, "Create a signed URL using a canned policy").
pub fn canned(url: &str, expires: u64) -> String {
    format!(
        r#"{{"Statement":[{{"Resource":"{url}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{expires}}}}}}}]}}"#
    )
}

pub fn signature(key_file_name: &str, hash: HashAlgorithm, text: &str) -> Vec<u8> {
    let key = PrivateKey::parse(&key_file(key_file_name), None).unwrap();
    let scheme = key.kind().scheme(hash);
    key.sign_message(scheme, text.as_bytes()).unwrap()
}

/// Encodes in base64 with CloudFront's alphabet, padded.
pub fn encode(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let group = [0, 1, 2].map(|at| u32::from(chunk.get(at).copied().unwrap_or(0)));
        let bits = group[0] << 16 | group[1] << 8 | group[2];
        for position in 0..4 {
            if position <= chunk.len() {
                let sextet = bits >> (18 - 6 * position) & 63;
                out.push(char::from(ALPHABET[sextet as usize]));
            } else {
                out.push('_');
            }
        }
    }
    out
}

/// Returns the signature of a canned policy by `KRSA` with SHA-1, as text.
pub fn rsa(url: &str, expires: u64) -> String {
    encode(&signature(
        "rsa2048.pem",
        HashAlgorithm::Sha1,
        &canned(url, expires),
    ))
}

/// Returns `url` with a canned signature by `KRSA`, as most signers write it.
pub fn signed(url: &str, expires: u64) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    let signature = rsa(url, expires);
    format!("{url}{separator}Expires={expires}&Signature={signature}&Key-Pair-Id=KRSA")
}

/// Returns `url` with a custom policy signed by `KRSA`.
pub fn signed_policy(url: &str, policy: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    let signature = encode(&signature("rsa2048.pem", HashAlgorithm::Sha1, policy));
    let policy = encode(policy.as_bytes());
    format!("{url}{separator}Policy={policy}&Signature={signature}&Key-Pair-Id=KRSA")
}

/// Returns `url` with a custom policy for `resource` until `expires`.
pub fn signed_for(resource: &str, url: &str, expires: u64) -> String {
    signed_policy(url, &canned(resource, expires))
}
