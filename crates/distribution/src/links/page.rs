//! The pages of limited links: the one with the button, and the one that says why a link opens nothing any more.
//!
//! They are for people, who get them only if the link itself verifies. They have no script, load nothing, and tell no
//! other site where they were. All text that is not of this file is escaped.

mod escaped;
mod words;

use crate::calendar::DateTime;
use crate::languages::preferred;
use crate::percent::percent_decoded;
use crate::request::{Lasting, LinkRefusal};
use escaped::{display_name, text};
use http::{HeaderMap, StatusCode, header};
use privet_sign::Timestamp;
use words::Words;

/// Name of the form's field whose value is made by [`crate::links::VisitSeal::confirmation`].
pub const CONFIRMATION_FIELD: &str = "privet-confirmation";

/// Length of the longest body that a pressed button sends; a longer one is none.
const FORM_SIZE_BYTES_MAX: usize = 256;
/// Number of characters of a name that is shown.
const NAME_CHARACTERS_MAX: usize = 120;

/// The style of both pages. Its digest is in [`POLICY`].
const STYLE: &str = "body{margin:0;font:16px/1.6 system-ui,sans-serif;color:#1c1b1a;background:#f4f2ee}\
main{max-width:32rem;margin:12vh auto 0;padding:2rem;background:#fff;border-radius:.5rem}\
h1{margin:0 0 1rem;font-size:1.25rem;line-height:1.4;overflow-wrap:anywhere}p{margin:.5rem 0;overflow-wrap:anywhere}\
button{margin-top:1rem;padding:.7rem 1.5rem;font:inherit;color:#fff;background:#1f5f4a;border:0;border-radius:.3rem;\
cursor:pointer}button:focus-visible{outline:3px solid #e0a030;outline-offset:2px}\
@media(prefers-color-scheme:dark){body{color:#eceae6;background:#171615}main{background:#242220}\
button{background:#2f8a6b}}";

/// Nothing is loaded or run, the form is for the page's own site, and nobody frames the button.
const POLICY: &str = "default-src 'none'; style-src 'sha256-8sJEJCZHK5GvR1agEMesenBl+eYy/YAfHsO/dia66kk='; form-action 'self'; base-uri 'none'; \
frame-ancestors 'none'";

/// The languages that the pages are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PageLanguage {
    /// English, for everybody who prefers no other.
    English,
    /// Japanese.
    Japanese,
}

impl PageLanguage {
    /// Returns the language that the request prefers.
    pub fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::ACCEPT_LANGUAGE).into_iter();
        let values: Vec<&[u8]> = values.map(|value| value.as_bytes()).collect();
        let field = values.join(&b',').to_ascii_lowercase();
        match preferred(&field, &["en", "ja"]) {
            1 => PageLanguage::Japanese,
            _ => PageLanguage::English,
        }
    }

    fn code(self) -> &'static str {
        match self {
            PageLanguage::English => "en",
            PageLanguage::Japanese => "ja",
        }
    }
}

/// A whole response. The edge adds `Date`, `Server` and its ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkPage {
    /// Status to send.
    pub status: StatusCode,
    /// Header fields to send, all of them.
    pub headers: Vec<(&'static str, &'static str)>,
    /// Body in HTML, whose length is `Content-Length`; not sent in response to HEAD.
    pub body: String,
}

/// What the page with the button says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfirmationPage<'a> {
    /// Language of the page.
    pub language: PageLanguage,
    /// Name of the file; see [`file_name_of`].
    pub file_name: &'a str,
    /// Time at which the link ends.
    pub until: Timestamp,
    /// Who has sent the link, if the owner said so.
    pub sender: Option<&'a str>,
    /// Number of uses that the link has altogether; `None` if it is not limited by them.
    pub uses: Option<u32>,
    /// Value for [`CONFIRMATION_FIELD`].
    pub confirmation: &'a str,
}

/// Returns the page with the button. Pressing it sends a form to the URL of the page itself.
pub fn confirmation_page(page: &ConfirmationPage<'_>) -> LinkPage {
    let words = Words::of(page.language);
    let mut lines = Vec::new();
    if let Some(sender) = page.sender {
        let name = format!(
            "<bdi>{}</bdi>",
            text(&display_name(sender, NAME_CHARACTERS_MAX))
        );
        lines.push(words.sent_by.replace("{}", &name));
    }
    lines.push(
        words
            .ends_at
            .replace("{}", &moment(page.until, page.language)),
    );
    match page.uses {
        Some(1) => lines.push(words.once.to_owned()),
        Some(uses) => lines.push(words.uses.replace("{}", &uses.to_string())),
        None => {}
    }
    let paragraphs: String = lines
        .iter()
        .map(|line| format!("<p>{line}</p>\n"))
        .collect();
    let name = display_name(page.file_name, NAME_CHARACTERS_MAX);
    let heading = match name.as_str() {
        "" => words.unnamed.to_owned(),
        name => format!("<bdi>{}</bdi>", text(name)),
    };
    let content = format!(
        "<h1>{heading}</h1>\n{paragraphs}<form method=\"post\">\n\
         <input type=\"hidden\" name=\"{CONFIRMATION_FIELD}\" value=\"{}\">\n\
         <button type=\"submit\">{}</button>\n</form>\n",
        text(page.confirmation),
        words.button
    );
    whole(StatusCode::OK, page.language, words.title, &content)
}

/// Returns the page that says why a link opens nothing: it was used, has ended or was revoked, or nobody can tell at
/// present. It names no file.
pub fn ending_page(refusal: LinkRefusal, language: PageLanguage) -> LinkPage {
    let words = Words::of(language);
    let reason = match refusal {
        LinkRefusal::UsedUp { last_at, .. } => {
            words.used_at.replace("{}", &moment(last_at, language))
        }
        LinkRefusal::ViewersUsedUp | LinkRefusal::BytesUsedUp => words.used_up.to_owned(),
        LinkRefusal::Revoked { .. } => words.revoked.to_owned(),
        LinkRefusal::Ended => words.ended.to_owned(),
        // Nobody but the operator learns that there is no such link.
        LinkRefusal::NotRegistered => words.invalid.to_owned(),
        LinkRefusal::StoreStale | LinkRefusal::StoreSilent | LinkRefusal::RevocationsForgotten => {
            words.unknown.to_owned()
        }
    };
    let (status, advice) = match refusal.lasting() {
        Lasting::ForGood => (StatusCode::FORBIDDEN, words.ask_sender),
        Lasting::ForNow => (StatusCode::SERVICE_UNAVAILABLE, words.try_again),
    };
    let content = format!("<h1>{reason}</h1>\n<p>{advice}</p>\n");
    whole(status, language, words.ended_title, &content)
}

/// Returns the name of the file that a raw path ends with. It is empty for a folder.
pub fn file_name_of(path: &str) -> String {
    let segment = path.rsplit('/').next().unwrap_or(path);
    String::from_utf8_lossy(&percent_decoded(segment)).into_owned()
}

/// Returns the value of [`CONFIRMATION_FIELD`] in the body of a form, as the page's button sends it. `None` for any
/// other body.
pub fn pressed(body: &[u8]) -> Option<&[u8]> {
    if body.len() > FORM_SIZE_BYTES_MAX {
        return None;
    }
    let value = body
        .strip_prefix(CONFIRMATION_FIELD.as_bytes())?
        .strip_prefix(b"=")?;
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (!value.is_empty() && value.iter().all(is_plain)).then_some(value)
}

/// Returns a time as people read it. Japan has one time zone and no summer time; elsewhere it is UTC.
fn moment(time: Timestamp, language: PageLanguage) -> String {
    const JAPAN_SECS: u64 = 9 * 3600;
    let machine = time.to_utc();
    let (shown, word) = match language {
        PageLanguage::English => (time.as_secs(), ""),
        PageLanguage::Japanese => (time.as_secs().saturating_add(JAPAN_SECS), "日本時間 "),
    };
    if time > Timestamp::MAX_EXPIRY {
        return machine;
    }
    let at = DateTime::of(Timestamp::from_secs(shown));
    let (year, month, day, hour, minute) = (at.year, at.month, at.day, at.hour, at.minute);
    let text = match language {
        PageLanguage::English => format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC"),
        PageLanguage::Japanese => format!("{word}{year}年{month}月{day}日 {hour}:{minute:02}"),
    };
    format!("<time datetime=\"{machine}\">{text}</time>")
}

fn whole(status: StatusCode, language: PageLanguage, title: &str, content: &str) -> LinkPage {
    let code = language.code();
    let body = format!(
        "<!DOCTYPE html>\n<html lang=\"{code}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex, nofollow, noarchive\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main>\n{content}</main>\n</body>\n</html>\n"
    );
    let mut headers = vec![
        ("content-type", "text/html; charset=utf-8"),
        ("content-language", code),
        ("cache-control", "no-store"),
        ("content-security-policy", POLICY),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("x-robots-tag", "noindex, nofollow, noarchive"),
    ];
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.push(("retry-after", "10"));
    }
    LinkPage {
        status,
        headers,
        body,
    }
}

#[cfg(test)]
mod tests;
