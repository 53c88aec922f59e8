//! Lists that are objects themselves: for a viewer with a signed query each URI of them gets the grant too.

use super::made::{Made, MadeContent};
use super::source::{FilmSource, SourceAsk};
use super::text::text;
use super::walk::carried;
use crate::answer::Answer;
use crate::exchange::Exchange;
use crate::worker::WorkerShared;
use http::{HeaderValue, Method};
use privet_distribution::{
    Authorized, Denial, RequestFacts, Routed, ViewerRequest, coding_for_text, issue_session,
    object_query, session_location, session_page, wants_session, without_session,
};
use privet_media::list::{TEXT_SIZE_BYTES_MAX, rewrite};
use privet_sign::{Refusal, Scheme};
use std::borrow::Cow;

/// An authorized request for an object that may be such a list.
pub(crate) struct ReadyMade<'a> {
    pub(crate) authorized: &'a Authorized<'a>,
    pub(crate) request: ViewerRequest<'a>,
    pub(crate) country: Option<&'a str>,
    pub(crate) exchange: &'a Exchange,
    pub(crate) shared: &'a WorkerShared,
}

/// What kind of list the path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ListKind {
    Hls,
    Dash,
}

impl ListKind {
    fn of(path: &str) -> Option<Self> {
        let (_, ending) = path.rsplit_once('.')?;
        if ending.eq_ignore_ascii_case("m3u8") {
            Some(ListKind::Hls)
        } else if ending.eq_ignore_ascii_case("mpd") {
            Some(ListKind::Dash)
        } else {
            None
        }
    }
}

/// The query of a request for a list without the wish for a session, which no signature covers; `None` where it made no
/// difference to `denial`.
pub(crate) fn list_without_wish(
    routed: &Routed<'_>,
    request: &ViewerRequest<'_>,
    denial: &Denial,
) -> Option<Option<String>> {
    let is_about_the_url = matches!(
        denial,
        Denial::Signature(Refusal::WrongResource | Refusal::SignatureMismatch)
    );
    let films = routed.films().filter(|films| films.rewrite_playlists);
    let query = request.query.filter(|query| wants_session(query))?;
    films.filter(|_| is_about_the_url && ListKind::of(request.path).is_some())?;
    Some(without_session(query).map(Cow::into_owned))
}

impl ReadyMade<'_> {
    /// The list with the viewer's grant in it, or the way to a session. `None` where the object is sent as it is.
    pub(crate) async fn answer(&self) -> Option<Answer> {
        let kind = ListKind::of(self.request.path)?;
        let films = self.authorized.routed().films()?;
        let is_read = [Method::GET, Method::HEAD].contains(self.request.method);
        if !films.rewrite_playlists || !is_read {
            return None;
        }
        let carried = carried(self.authorized, &self.request)?;
        if !has_custom_policy(&carried) {
            // A canned signature is for this URL alone.
            return None;
        }
        if let Some(answer) = self.session() {
            return Some(answer);
        }
        // What can not be opened is told in the origin's own words.
        let source = self.open().await?;
        let made = self.rewritten(kind, source, carried).await?;
        Answer::made(&made, &self.request, self.exchange).await.ok()
    }

    fn session(&self) -> Option<Answer> {
        self.request.query.filter(|query| wants_session(query))?;
        let token = issue_session(
            self.authorized,
            &self.request,
            None,
            &self.exchange.state.session_secret,
            self.exchange.now,
            &self.shared.memory,
        )?;
        let location = session_location(&self.request, &token);
        Some(Answer::page(session_page(&location)))
    }

    async fn open(&self) -> Option<FilmSource> {
        let query = self.request.query.and_then(object_query);
        let ask = SourceAsk {
            authorized: self.authorized,
            request: ViewerRequest {
                query: query.as_deref(),
                ..self.request
            },
            facts: RequestFacts {
                viewer: self.exchange.viewer,
                viewer_port: Some(self.exchange.connection.peer.port()),
                request_id: &self.exchange.request_id,
                country: self.country,
                via: &self.shared.via,
                accept_encoding: None,
            },
            state: &self.exchange.state,
        };
        let source = FilmSource::open_whole(&ask, self.shared, TEXT_SIZE_BYTES_MAX as u64);
        source.await.ok()
    }

    async fn rewritten(&self, kind: ListKind, source: FilmSource, carried: String) -> Option<Made> {
        let size_bytes = source.size_bytes();
        if size_bytes == 0 || size_bytes > TEXT_SIZE_BYTES_MAX as u64 {
            return None;
        }
        // Many may wait for their turn to be rewritten, each with the list in its hands.
        let _charge = self.exchange.memory.try_charge(size_bytes)?;
        let bytes = source.read(0..size_bytes).await.ok()?.concat();
        let list = String::from_utf8(bytes).ok()?;
        let here = (self.request.scheme, self.request.host.to_owned());
        let write = move || {
            let here = (here.0, here.1.as_str());
            let mut sign = |uri: &str| signed(uri, here, &carried);
            let rewritten = match kind {
                ListKind::Hls => rewrite::hls(&list, &mut sign),
                ListKind::Dash => rewrite::dash(&list, &mut sign),
            };
            // What is no list is sent as it is.
            rewritten.unwrap_or(list)
        };
        let coding = coding_for_text(self.request.headers, self.request.version);
        let text = text(size_bytes, coding, write).await.ok()?;
        Some(Made {
            content: MadeContent::Text(text.bytes, text.coding),
            content_type: source
                .content_type()
                .cloned()
                .unwrap_or(HeaderValue::from_static("application/octet-stream")),
            etag: Some(text.etag),
            how: source.how(),
            cache_status: source.cache_status().cloned(),
            source: None,
        })
    }
}

fn has_custom_policy(carried: &str) -> bool {
    let mut parameters = carried.split('&');
    parameters.any(|parameter| parameter.starts_with("Policy="))
}

/// `uri` with the grant, if it leads to this host and has none of its own.
fn signed(uri: &str, here: (Scheme, &str), carried: &str) -> Option<String> {
    let (before, fragment) = match uri.split_once('#') {
        Some((before, fragment)) => (before, Some(fragment)),
        None => (uri, None),
    };
    let query = before.split_once('?').map(|(_, query)| query);
    let has_grant = query.is_some_and(|query| {
        query
            .split('&')
            .any(|parameter| parameter.starts_with("Signature="))
    });
    if has_grant || !stays_here(before, here) {
        return None;
    }
    let separator = match query {
        None => "?",
        Some("") => "",
        Some(query) if query.ends_with('&') => "",
        Some(_) => "&",
    };
    let fragment = fragment.map(|fragment| format!("#{fragment}"));
    let fragment = fragment.unwrap_or_default();
    Some(format!("{before}{separator}{carried}{fragment}"))
}

/// Whether every reading of `uri` leads to the host at hand, and to nowhere in the clear from where all is encrypted.
/// Browsers drop control characters and take `\` for `/`; others take off what they think is white.
fn stays_here(uri: &str, (own_scheme, host): (Scheme, &str)) -> bool {
    let is_odd = |byte: u8| byte < b' ' || byte == b'\\' || byte == 0x7F;
    if uri.bytes().any(is_odd) || uri.starts_with(char::is_whitespace) {
        return false;
    }
    if let Some(rest) = uri.strip_prefix("//") {
        return is_authority(rest, host, None);
    }
    let end = uri.find(['/', '?']).unwrap_or(uri.len());
    match uri[..end].split_once(':') {
        None => true,
        Some((scheme, _)) => {
            let port = if scheme.eq_ignore_ascii_case("https") {
                ":443"
            } else if scheme.eq_ignore_ascii_case("http") && own_scheme == Scheme::Http {
                ":80"
            } else {
                return false;
            };
            let rest = uri[scheme.len() + 1..].strip_prefix("//");
            rest.is_some_and(|rest| is_authority(rest, host, Some(port)))
        }
    }
}

fn is_authority(rest: &str, host: &str, default_port: Option<&str>) -> bool {
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let bare = |authority: &str| {
        let authority = authority.to_ascii_lowercase();
        let without_port = default_port.and_then(|port| authority.strip_suffix(port));
        without_port.map(str::to_owned).unwrap_or(authority)
    };
    bare(&rest[..end]) == bare(host)
}

#[cfg(test)]
mod tests {
    use super::{has_custom_policy, signed};
    use privet_sign::Scheme;

    fn check(uri: &str, expected: Option<&str>) {
        let here = (Scheme::Https, "Films.example.com");
        let signed = signed(uri, here, "Policy=P&Signature=S");
        assert_eq!(signed.as_deref(), expected, "{uri}");
    }

    #[test]
    fn a_grant_never_goes_to_another_host() {
        for uri in [
            "https://other.example.com/a.ts",
            "https://films.example.com.evil.net/a.ts",
            "https://films.example.com@evil.net/a.ts",
            "https://films.example.com:8443/a.ts",
            "http:a.ts",
            "//evil.net/a.ts",
            "/\\evil.net/a.ts",
            "\\\\evil.net/a.ts",
            "/\t/evil.net/a.ts",
            " //evil.net/a.ts",
            "\u{a0}//evil.net/a.ts",
            "\u{2028}//evil.net/a.ts",
            "///evil.net/a.ts",
            "http://films.example.com/a.ts",
            "http://films.example.com:443/a.ts",
            "data:text/plain,a",
            "skd://key",
            "a.ts?Signature=own",
        ] {
            check(uri, None);
        }
    }

    #[test]
    fn what_stays_on_the_host_gets_the_grant() {
        check("a.ts", Some("a.ts?Policy=P&Signature=S"));
        check("../b c/a.ts", Some("../b c/a.ts?Policy=P&Signature=S"));
        check("/a.ts?x=1", Some("/a.ts?x=1&Policy=P&Signature=S"));
        check("a.ts?", Some("a.ts?Policy=P&Signature=S"));
        check("a.ts#t=1", Some("a.ts?Policy=P&Signature=S#t=1"));
        check(
            "a.ts?u=http://evil.net",
            Some("a.ts?u=http://evil.net&Policy=P&Signature=S"),
        );
        let own = "https://films.EXAMPLE.com:443/a.ts";
        check(
            own,
            Some("https://films.EXAMPLE.com:443/a.ts?Policy=P&Signature=S"),
        );
        check(
            "//films.example.com/a.ts",
            Some("//films.example.com/a.ts?Policy=P&Signature=S"),
        );
    }

    #[test]
    fn what_is_asked_for_in_the_clear_may_stay_so() {
        let signed = |uri| signed(uri, (Scheme::Http, "films.example.com"), "Policy=P");
        for uri in [
            "http://films.example.com/a.ts",
            "https://films.example.com/a.ts",
        ] {
            assert_eq!(signed(uri), Some(format!("{uri}?Policy=P")));
        }
    }

    #[test]
    fn canned_signatures_are_for_one_url() {
        assert!(!has_custom_policy("Expires=1&Signature=S&Key-Pair-Id=K"));
        assert!(has_custom_policy("Policy=P&Signature=S&Key-Pair-Id=K"));
    }
}
