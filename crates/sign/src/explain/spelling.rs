//! Spellings of a URL that a signer may have signed in place of the one that was sent.

use crate::credentials::own_query;
use crate::encoding::percent_decode;
use crate::viewer::{Scheme, ViewerUrl};

/// Maximum number of pieces of a query that are dropped one by one.
const PIECES_MAX: usize = 16;
/// Maximum number of folders, the deepest first, that are tried as wildcards.
const FOLDERS_MAX: usize = 16;

/// A spelling, and the hint to give if the signature was made over it.
pub(super) struct Spelling {
    pub(super) resource: String,
    pub(super) meaning: &'static str,
}

/// Returns all spellings of the URL, the likely ones first.
pub(super) fn all(pasted: &str, url: &ViewerUrl<'_>) -> Vec<Spelling> {
    let query = own_query(url.query);
    let mut found = Spellings {
        spellings: Vec::new(),
    };
    let sent = join(url.scheme.as_str(), url.host, url.path, &query);
    as_pasted(&mut found, pasted);
    escapes(&mut found, url, &query);
    whole_text(&mut found, &sent);
    protocol_and_port(&mut found, url, &query);
    queries(&mut found, url, &query);
    wildcards(&mut found, url);
    found.spellings
}

struct Spellings {
    spellings: Vec<Spelling>,
}

impl Spellings {
    fn add(&mut self, resource: String, meaning: &'static str) {
        if self
            .spellings
            .iter()
            .all(|known| known.resource != resource)
        {
            self.spellings.push(Spelling { resource, meaning });
        }
    }
}

fn join(scheme: &str, host: &str, path: &str, query: &str) -> String {
    let delimiter = if query.is_empty() { "" } else { "?" };
    format!("{scheme}://{host}{path}{delimiter}{query}")
}

/// Adds the text before the client normalized it.
fn as_pasted(found: &mut Spellings, pasted: &str) {
    let before = pasted.split_once('#').map_or(pasted, |(before, _)| before);
    let resource = match before.split_once('?') {
        Some((base, query)) => match own_query(Some(query)) {
            query if query.is_empty() => base.to_owned(),
            query => format!("{base}?{query}"),
        },
        None => before.to_owned(),
    };
    found.add(resource, "the URL as written was signed, but clients send it respelled (see URL form): sign the form that is sent");
}

fn escapes(found: &mut Spellings, url: &ViewerUrl<'_>, query: &str) {
    const ENCODING: &str = "percent-encoding differs between the signed and the sent URL: sign exactly the text that is sent";
    let mut add = |path: &str, query: &str| {
        found.add(join(url.scheme.as_str(), url.host, path, query), ENCODING);
    };
    add(&percent_decode(url.path), query);
    add(url.path, &percent_decode(query));
    add(&percent_decode(url.path), &percent_decode(query));
    let swaps = [
        ("%20", "+"),
        ("+", "%20"),
        ("+", "%2B"),
        ("%2B", "+"),
        ("'", "%27"),
        ("%27", "'"),
        ("~", "%7E"),
        ("%7E", "~"),
        ("*", "%2A"),
        ("%2A", "*"),
        ("(", "%28"),
        ("%28", "("),
        ("%2F", "/"),
        ("/", "%2F"),
        ("!", "%21"),
        ("%21", "!"),
        ("%3A", ":"),
        (":", "%3A"),
        ("%3D", "="),
        ("%2C", ","),
        (",", "%2C"),
        ("[", "%5B"),
        ("%5B", "["),
        ("%25", "%"),
        ("%20", " "),
        ("%22", "\""),
    ];
    for (from, to) in swaps {
        let twin = |text: &str| match (from, to) {
            ("(", _) => text.replace('(', "%28").replace(')', "%29"),
            ("%28", _) => text.replace("%28", "(").replace("%29", ")"),
            ("[", _) => text.replace('[', "%5B").replace(']', "%5D"),
            ("%5B", _) => text.replace("%5B", "[").replace("%5D", "]"),
            (from, to) => text.replace(from, to),
        };
        let slash = from == "/" || to == "/";
        add(url.path, &twin(query));
        if !slash {
            add(&twin(url.path), query);
            add(&twin(url.path), &twin(query));
        } else {
            add(
                &format!("/{}", twin(url.path.trim_start_matches('/'))),
                query,
            );
        }
    }
    for hex in [
        hex_case(url.path, query, char::to_ascii_lowercase),
        hex_case(url.path, query, char::to_ascii_uppercase),
    ] {
        add(&hex.0, &hex.1);
    }
}

fn hex_case(path: &str, query: &str, case: fn(&char) -> char) -> (String, String) {
    let change = |text: &str| {
        let mut left = 0;
        text.chars()
            .map(|char| {
                left = if char == '%' {
                    3
                } else {
                    usize::saturating_sub(left, 1)
                };
                if left > 0 { case(&char) } else { char }
            })
            .collect()
    };
    (change(path), change(query))
}

/// Adds changes to the whole text, mostly by JSON writers.
fn whole_text(found: &mut Spellings, sent: &str) {
    let decoded = percent_decode(sent);
    let meaning = "the URL was signed as a JSON string with escapes: sign the percent-encoded URL, which needs none";
    found.add(json_escaped(&decoded), meaning);
    found.add(decoded.replace('\\', "\\\\").replace('"', "\\\""), meaning);
    let escaped = sent
        .replace('&', "\\u0026")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e");
    found.add(escaped, "the signature matches the same policy with \\u0026: switch HTML escaping off in the JSON writer");
    found.add(
        sent.replace('\'', "\\u0027"),
        "the signature matches the same policy with \\u0027: sign %27",
    );
    found.add(sent.replace('/', "\\/"), "the signature matches the same policy with \\/: switch the escaping of slashes off in the JSON writer");
    found.add(
        sent.replace('&', "&amp;"),
        "the HTML-escaped URL was signed: sign it with & in place of &amp;",
    );
    for end in ["?", "&", "/", "#"] {
        let dangling = "the URL was signed with a dangling ?, & or / at its end: sign it without";
        found.add(format!("{sent}{end}"), dangling);
    }
    if let Some(shorter) = sent.strip_suffix('/') {
        found.add(
            shorter.to_owned(),
            "the URL was signed without the slash at its end: sign the form that is sent",
        );
    }
}

/// Escapes as Python's `json.dumps` does: everything but ASCII as `\uXXXX`.
fn json_escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '"' | '\\' => escaped.extend(['\\', char]),
            ' '..='~' => escaped.push(char),
            _ => char
                .encode_utf16(&mut [0; 2])
                .iter()
                .for_each(|unit| escaped.push_str(&format!("\\u{unit:04x}"))),
        }
    }
    escaped
}

fn protocol_and_port(found: &mut Spellings, url: &ViewerUrl<'_>, query: &str) {
    let scheme = url.scheme.as_str();
    let (other, port) = match url.scheme {
        Scheme::Http => ("https", "80"),
        Scheme::Https => ("http", "443"),
    };
    let swapped =
        "the URL was signed with the other of http and https: sign the protocol that is used";
    found.add(join(other, url.host, url.path, query), swapped);
    found.add(
        join("http*", url.host, url.path, query),
        "http*:// was signed in a canned policy, where it is not a wildcard: use a custom policy",
    );
    let name = url.host.rsplit_once(':').map_or(url.host, |(name, _)| name);
    let with_port =
        "the port was signed, but clients do not send the default one: sign the URL without it";
    found.add(
        join(scheme, &format!("{name}:{port}"), url.path, query),
        with_port,
    );
    found.add(
        join(scheme, name, url.path, query),
        "the URL was signed without the port that is sent: sign it with the port",
    );
    let key = url.path.trim_start_matches('/');
    let bare = "the path alone was signed, as for RTMP streams: sign the whole URL";
    found.add(key.to_owned(), bare);
    found.add(url.path.to_owned(), bare);
    found.add(
        format!("{name}{}", url.path),
        "the URL was signed without http:// or https://: sign the whole URL",
    );
}

fn queries(found: &mut Spellings, url: &ViewerUrl<'_>, query: &str) {
    let mut add = |query: &str, meaning| {
        found.add(
            join(url.scheme.as_str(), url.host, url.path, query),
            meaning,
        );
    };
    let extra = "a parameter was added after signing: sign the URL with all its parameters";
    add("", extra);
    let pieces: Vec<&str> = query.split('&').collect();
    for index in 0..pieces.len().min(PIECES_MAX) {
        let without: Vec<&str> = pieces
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != index)
            .map(|(_, piece)| *piece)
            .collect();
        add(&without.join("&"), extra);
        add(&pieces[..index].join("&"), extra);
    }
    let order =
        "the parameters were signed in another order: send them in the order that was signed";
    let mut sorted = pieces.clone();
    sorted.sort_unstable();
    add(&sorted.join("&"), order);
    let reversed: Vec<&str> = pieces.iter().rev().copied().collect();
    add(&reversed.join("&"), order);
    add(
        &format!("&{query}"),
        "the query was signed with a leading &: sign it without",
    );
}

fn wildcards(found: &mut Spellings, url: &ViewerUrl<'_>) {
    let meaning = "a canned policy was signed over a wildcard, but it covers one exact URL: use a custom policy";
    found.add("*".to_owned(), meaning);
    for scheme in ["http", "https", "http*", "*"] {
        let mut folder = url.path;
        for _ in 0..FOLDERS_MAX {
            let Some((parent, _)) = folder.rsplit_once('/') else {
                break;
            };
            found.add(format!("{scheme}://{}{parent}/*", url.host), meaning);
            folder = parent;
        }
        found.add(format!("{scheme}://{}*", url.host), meaning);
        found.add(format!("{scheme}://*"), meaning);
    }
}
