//! Fixtures: keys, vectors, and a request as a browser would send it.

use std::net::IpAddr;
use std::path::PathBuf;

use privet_sign::*;
use serde_json::Value;

pub fn fixture(path: &str) -> Vec<u8> {
    let full = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(path);
    std::fs::read(&full).unwrap_or_else(|error| panic!("{}: {error}", full.display()))
}

pub fn key_file(name: &str) -> Vec<u8> {
    fixture(&format!("keys/{name}"))
}

pub fn private_key(name: &str) -> PrivateKey {
    PrivateKey::parse(&key_file(&format!("{name}.pem")), Some(b"test")).unwrap()
}

pub fn id(text: &str) -> KeyPairId {
    KeyPairId::parse(text).unwrap()
}

pub fn vectors() -> Vec<Value> {
    serde_json::from_slice(&fixture("vectors/signing.json")).unwrap()
}

pub fn client() -> IpAddr {
    "192.0.2.77".parse().unwrap()
}

/// A URL as the edge receives it: cut at the delimiters, nothing decoded.
pub struct Received {
    pub scheme: Scheme,
    pub host: String,
    pub path: String,
    pub query: Option<String>,
}

impl Received {
    /// Cuts a text that is in wire form already.
    pub fn raw(url: &str) -> Option<Self> {
        let (scheme, rest) = match url.split_once("://")? {
            ("http", rest) => (Scheme::Http, rest),
            ("https", rest) => (Scheme::Https, rest),
            _ => return None,
        };
        let slash = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, target) = rest.split_at(slash);
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        let path = if path.is_empty() { "/" } else { path };
        Some(Received {
            scheme,
            host: host.to_owned(),
            path: path.to_owned(),
            query,
        })
    }

    /// Returns the URL that a browser sends for a link: normalized under WHATWG rules, without fragment.
    pub fn by_browser(link: &str) -> Option<Self> {
        let mut url = url::Url::parse(link).ok()?;
        url.set_fragment(None);
        url.set_username("").ok()?;
        url.set_password(None).ok()?;
        Self::raw(url.as_str())
    }

    pub fn viewer_url(&self) -> ViewerUrl<'_> {
        ViewerUrl {
            scheme: self.scheme,
            host: &self.host,
            path: &self.path,
            query: self.query.as_deref(),
        }
    }

    pub fn verify_with(
        &self,
        cookies: Option<&str>,
        keys: &KeySet,
        now: u64,
        client: IpAddr,
    ) -> Result<Grant, Refusal> {
        let headers = cookies.map(str::as_bytes).into_iter();
        let credentials = Credentials::from_request(self.query.as_deref(), headers);
        let now = Timestamp::from_secs(now);
        Verifier {
            keys,
            now,
            client,
            leniency: &Leniency::default(),
            memory: &NoMemory,
        }
        .url(&self.viewer_url(), &credentials)
    }
}
