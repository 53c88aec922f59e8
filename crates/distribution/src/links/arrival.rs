//! Judges what a request is sent by: a person's browser, a robot that looks at links, or a program that downloads.
//!
//! Nothing here is proof, since every client writes its own headers. What cannot be judged counts as a robot: it gets
//! the page with the button, and no use of the link is made.

mod known;

use crate::links::redemption::Confirmation;
use http::{HeaderMap, HeaderName, header};
use known::{is_downloader, is_robot};

/// Length of the part of a header that is examined.
const FIELD_SIZE_BYTES_MAX: usize = 1024;

/// What a request is sent by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arrival {
    /// A browser that opens the link as a page.
    Navigation,
    /// A robot that looks at the link, a browser that prepares for a click, or something unknown.
    Robot,
    /// A program that wants the file: a downloader, a player, or a browser that loads a part of a page.
    Program,
}

impl Arrival {
    /// Returns one lower-case token for the operator's log.
    pub fn token(self) -> &'static str {
        match self {
            Arrival::Navigation => "navigation",
            Arrival::Robot => "robot",
            Arrival::Program => "program",
        }
    }
}

/// When a person has to press a button before a use of a link is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ConfirmSetting {
    /// Whatever the request is sent by. Downloaders cannot use the link then.
    Always,
    /// Never: also robots use the link.
    Never,
    /// Unless it is sent by a program that wants the file.
    #[default]
    Auto,
}

impl ConfirmSetting {
    /// Parses `always`, `never` or `auto`.
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Always, Self::Never, Self::Auto];
        all.into_iter().find(|setting| setting.as_str() == text)
    }

    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            ConfirmSetting::Always => "always",
            ConfirmSetting::Never => "never",
            ConfirmSetting::Auto => "auto",
        }
    }

    /// Returns whether the page is shown to a request on which no button was pressed.
    pub fn confirmation(self, arrival: Arrival) -> Confirmation {
        match (self, arrival) {
            (ConfirmSetting::Never, _) | (ConfirmSetting::Auto, Arrival::Program) => {
                Confirmation::Settled
            }
            (ConfirmSetting::Always, _)
            | (ConfirmSetting::Auto, Arrival::Navigation | Arrival::Robot) => Confirmation::Ask,
        }
    }
}

/// Judges a request by its headers.
pub fn arrival(headers: &HeaderMap) -> Arrival {
    let agent = Field::of(headers, &header::USER_AGENT);
    if is_speculative(headers) || is_robot(&agent.0) {
        return Arrival::Robot;
    }
    match Fetch::of(headers) {
        Fetch::Page => Arrival::Navigation,
        Fetch::Part => Arrival::Program,
        Fetch::Unsaid => without_fetch_metadata(headers, &agent.0),
    }
}

/// Judges a request of a client that does not say what it fetches.
fn without_fetch_metadata(headers: &HeaderMap, agent: &str) -> Arrival {
    let wants = Wants::of(headers);
    let is_browser = agent.starts_with("mozilla/");
    match wants {
        Wants::Media => Arrival::Program,
        Wants::Anything if is_downloader(agent) => Arrival::Program,
        Wants::Anything if is_browser && is_player(headers) => Arrival::Program,
        Wants::Page if is_browser => Arrival::Navigation,
        Wants::Page | Wants::Anything => Arrival::Robot,
    }
}

/// True if the request prepares for a click that may never come (Speculation Rules, "Sec-Purpose"; the other names are
/// older).
fn is_speculative(headers: &HeaderMap) -> bool {
    ["sec-purpose", "purpose", "x-purpose", "x-moz"]
        .iter()
        .any(|name| {
            let purpose = Field::of(headers, &HeaderName::from_static(name)).0;
            ["prefetch", "prerender", "preview"]
                .iter()
                .any(|word| purpose.contains(word))
        })
}

/// What a browser says that it fetches (Fetch Metadata Request Headers, 2.1 and 2.2).
enum Fetch {
    /// A page, in a tab or in a frame.
    Page,
    /// Something that a page is made of or that its script asks for.
    Part,
    /// The request does not say, or not as a browser would.
    Unsaid,
}

impl Fetch {
    fn of(headers: &HeaderMap) -> Self {
        let destination = Field::of(headers, &HeaderName::from_static("sec-fetch-dest")).0;
        let mode = Field::of(headers, &HeaderName::from_static("sec-fetch-mode")).0;
        // yt-dlp has this form: headers of a navigation, no destination, and no coding but the file's own.
        let coding = Field::of(headers, &header::ACCEPT_ENCODING).0;
        match (destination.as_str(), mode.as_str()) {
            ("", "navigate") if coding == "identity" => Fetch::Part,
            (_, "navigate") => Fetch::Page,
            ("" | "none", _) => Fetch::Unsaid,
            (
                "audio" | "video" | "track" | "image" | "font" | "style" | "script" | "json"
                | "manifest" | "empty" | "worker" | "sharedworker" | "serviceworker"
                | "audioworklet" | "paintworklet",
                "no-cors" | "cors" | "same-origin",
            ) => Fetch::Part,
            _ => Fetch::Page,
        }
    }
}

/// What `Accept` asks for (RFC 9110 12.5.1).
enum Wants {
    /// Pages, among others.
    Page,
    /// Pictures, sound, films or fonts before anything else.
    Media,
    /// Whatever there is.
    Anything,
}

impl Wants {
    fn of(headers: &HeaderMap) -> Self {
        let accept = Field::of(headers, &header::ACCEPT).0;
        let ranges = accept.split(',').map(|member| {
            let range = member.split(';').next().unwrap_or_default();
            range.trim()
        });
        let mut ranges = ranges.filter(|range| !range.is_empty()).peekable();
        let Some(first) = ranges.peek().copied() else {
            return Wants::Anything;
        };
        if ranges.any(|range| matches!(range, "text/html" | "application/xhtml+xml" | "text/*")) {
            return Wants::Page;
        }
        let kinds = ["image/", "audio/", "video/", "font/"];
        if kinds.iter().any(|kind| first.starts_with(kind)) {
            Wants::Media
        } else {
            Wants::Anything
        }
    }
}

/// True if a browser asks as its media player does: for a range, of the file as it is. Browsers do not say what they
/// fetch over HTTP, and Safari did not before version 16.4.
fn is_player(headers: &HeaderMap) -> bool {
    let coding = Field::of(headers, &header::ACCEPT_ENCODING).0;
    let session = HeaderName::from_static("x-playback-session-id");
    let plays = coding.starts_with("identity") || headers.contains_key(session);
    headers.contains_key(header::RANGE) && plays
}

/// The first values of a field in lower case; empty if there is none.
struct Field(String);

impl Field {
    fn of(headers: &HeaderMap, name: &HeaderName) -> Self {
        let mut text = String::new();
        for value in headers.get_all(name) {
            let room = FIELD_SIZE_BYTES_MAX.saturating_sub(text.len());
            let bytes = value.as_bytes();
            let bytes = &bytes[..bytes.len().min(room)];
            if !text.is_empty() {
                text.push(',');
            }
            let characters = bytes
                .iter()
                .map(|byte| char::from(byte.to_ascii_lowercase()));
            text.extend(characters);
        }
        Field(text.trim().to_owned())
    }
}

#[cfg(test)]
mod tests;
