//! Lists that are objects themselves: for a viewer with a signed query each URI of them gets the grant too.

use super::bound_uri::signed;
use super::made::{Made, MadeContent};
use super::source::{FilmSource, SourceAsk};
use super::text::{is_excessive, text};
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
use privet_sign::Refusal;
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

/// Whether the path names a list, by its ending.
pub(crate) fn is_list(path: &str) -> bool {
    ListKind::of(path).is_some()
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
            let mut added_bytes = 0;
            let mut sign = |uri: &str| {
                let signed = signed(uri, here, &carried)?;
                added_bytes += carried.len() as u64;
                (!is_excessive(&carried, added_bytes)).then_some(signed)
            };
            let rewritten = match kind {
                ListKind::Hls => rewrite::hls(&list, &mut sign),
                ListKind::Dash => rewrite::dash(&list, &mut sign),
            };
            // What is no list is sent as it is, and so is what a long link would blow up.
            match rewritten {
                Ok(rewritten) if !is_excessive(&carried, added_bytes) => rewritten,
                Ok(_) | Err(_) => list,
            }
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

#[cfg(test)]
mod tests {
    use super::has_custom_policy;

    #[test]
    fn canned_signatures_are_for_one_url() {
        assert!(!has_custom_policy("Expires=1&Signature=S&Key-Pair-Id=K"));
        assert!(has_custom_policy("Policy=P&Signature=S&Key-Pair-Id=K"));
    }
}
