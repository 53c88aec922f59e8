//! CloudFront's API over real sockets.

mod access;
mod bodies;
mod boto2;
mod distribution_keys;
mod invalidations;
mod model;
mod policies;
mod repeated;
mod resources;

use crate::support::*;

/// Path of the newest version.
const ROOT: &str = "/2020-05-31";

/// Returns the text of the first element of a name.
fn element<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (_, behind) = text.split_once(&format!("<{name}>"))?;
    let (inner, _) = behind.split_once(&format!("</{name}>"))?;
    Some(inner)
}

/// Returns the code of an error.
fn code(answer: &Answer) -> &str {
    element(&answer.text, "Code").unwrap_or_default()
}

/// A client with a key.
struct Client<'f> {
    fixture: &'f Fixture,
    key: Key,
}

impl<'f> Client<'f> {
    fn new(fixture: &'f Fixture) -> Self {
        Client {
            fixture,
            key: fixture.admin(),
        }
    }

    /// Sends a request behind the date of the newest version.
    fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        self.send(Ask::new(method, &format!("{ROOT}{path}")).xml(body))
    }

    fn ask_with(&self, method: &str, path: &str, etag: &str, body: &str) -> Answer {
        let ask = Ask::new(method, &format!("{ROOT}{path}")).xml(body);
        self.send(ask.header("if-match", etag))
    }

    fn send(&self, ask: Ask) -> Answer {
        self.fixture.ask(&ask.bearer(&self.key))
    }

    #[track_caller]
    fn refused(&self, (method, path, body): (&str, &str, &str), expected: (u16, &str)) {
        let answer = self.ask(method, path, body);
        assert_eq!(
            (answer.status, code(&answer)),
            expected,
            "{method} {path} {body} {answer:?}"
        );
    }

    /// Creates something, and returns its id and its ETag.
    #[track_caller]
    fn create(&self, path: &str, body: &str) -> (String, String) {
        let made = self.ask("POST", path, body);
        assert_eq!(made.status, 201, "{made:?}");
        let id = element(&made.text, "Id").unwrap().to_owned();
        let location = format!("https://cloudfront.amazonaws.com{ROOT}{path}/{id}");
        assert_eq!(made.header("location"), Some(location.as_str()));
        (id, etag(&made).to_owned())
    }
}

/// Returns the ETag of an answer, which has no quotes.
#[track_caller]
fn etag(answer: &Answer) -> &str {
    let etag = answer.header("etag").unwrap();
    assert!(
        etag.len() == 13
            && etag
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    );
    etag
}

fn public_key(reference: &str, name: &str, pem: &str) -> String {
    format!(
        "<PublicKeyConfig><CallerReference>{reference}</CallerReference><Name>{name}</Name>\
         <EncodedKey>{pem}</EncodedKey><Comment>c</Comment></PublicKeyConfig>"
    )
}

fn key_group(name: &str, keys: &[&str]) -> String {
    let keys: String = keys
        .iter()
        .map(|key| format!("<PublicKey>{key}</PublicKey>"))
        .collect();
    format!("<KeyGroupConfig><Name>{name}</Name><Items>{keys}</Items></KeyGroupConfig>")
}
