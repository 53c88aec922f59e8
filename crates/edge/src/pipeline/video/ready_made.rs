//! Playlists that are objects themselves: for a viewer with a signed query the grant is added to each of their URIs. A
//! playlist that cannot be read is refused: without the grant it would lead the viewer to one refusal after the other.

use super::object_request::ObjectRequest;
use super::path_token::PathTokenRequest;
use super::walk::{ATTEMPTS_MAX, PlaylistKind, carried};
use crate::answer::Answer;
use crate::context::WorkerContext;
use crate::exchange::Received;
use crate::redeem::Redeemed;
use crate::video::bound_uri::signed;
use crate::video::made::{Made, MadeContent};
use crate::video::make_fault::MakeFault;
use crate::video::source::{ReadScope, VideoSource, encoded_text, too_large_text};
use crate::video::text::{is_excessive, text};
use crate::video::whole_text::{TextFault, Utf8Bytes, WholeText};
use http::{HeaderValue, Method};
use privet_distribution::caching::coding_for_text;
use privet_distribution::request::{
    Denial, Routed, ViewerRequest, wants_path_token, without_path_token,
};
use privet_media::playlist::{TEXT_SIZE_BYTES_MAX, rewrite};
use privet_sign::{Refusal, Scheme};
use std::borrow::Cow;

const PLAYLIST_SIZE_BYTES_MAX: u64 = TEXT_SIZE_BYTES_MAX as u64;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Bytes within which the root element of a manifest must begin; comments may precede it.
const ROOT_WITHIN_BYTES: usize = 64 * 1024;
/// Media types of HLS playlists (RFC 8216 4), and those in use before.
const HLS_TYPES: [&str; 6] = [
    "application/vnd.apple.mpegurl",
    "application/x-mpegurl",
    "application/mpegurl",
    "audio/mpegurl",
    "audio/x-mpegurl",
    "vnd.apple.mpegurl",
];
/// Media types of DASH manifests (ISO 23009-1 annex C), and those of XML.
const DASH_TYPES: [&str; 4] = [
    "application/dash+xml",
    "video/vnd.mpeg.dash.mpd",
    "application/xml",
    "text/xml",
];

/// An authorized request for an object that may be such a playlist.
pub(crate) struct ReadyMade<'a> {
    pub(crate) authorized: &'a Redeemed<'a>,
    pub(crate) request: ViewerRequest<'a>,
    pub(crate) country: Option<&'a str>,
    pub(crate) received: &'a Received,
    pub(crate) context: &'a WorkerContext,
}

/// Outcome of such a request.
pub(crate) enum PlaylistAnswer {
    /// The playlist with the viewer's grant in it, or a redirect to a path token.
    Made(Box<Answer>),
    /// The object is sent as it is: it is no playlist, or its URIs need no grant.
    AsItIs,
    /// The origin does not serve it now. The origin's own error may be passed on, but not a playlist: by the time of
    /// that second request the origin may have one, whose URIs nobody has signed.
    Unread(Denial),
}

impl PlaylistKind {
    /// What kind of playlist the path names.
    fn of(path: &str) -> Option<Self> {
        let (_, extension) = path.rsplit_once('.')?;
        if extension.eq_ignore_ascii_case("m3u8") {
            Some(PlaylistKind::Hls)
        } else if extension.eq_ignore_ascii_case("mpd") {
            Some(PlaylistKind::Dash)
        } else {
            None
        }
    }

    /// Returns true if the text looks like such a playlist. Both kinds are ASCII where it matters.
    fn is_in(self, text: &[u8]) -> bool {
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        match self {
            PlaylistKind::Hls => text.starts_with(b"#EXTM3U"),
            PlaylistKind::Dash => {
                let beginning = &text[..text.len().min(ROOT_WITHIN_BYTES)];
                let mut fours = beginning.windows(4);
                fours.any(|four| four == b"<MPD" || four == b":MPD")
            }
        }
    }

    /// Returns the origin's media type if it is one of such playlists, else our own: buckets call them
    /// `binary/octet-stream`.
    fn type_of(self, told: Option<&HeaderValue>) -> HeaderValue {
        let known = match self {
            PlaylistKind::Hls => &HLS_TYPES[..],
            PlaylistKind::Dash => &DASH_TYPES[..],
        };
        let is_known = |told: &&HeaderValue| {
            let essence = told.as_bytes().split(|&byte| byte == b';').next();
            let essence = essence.unwrap_or_default().trim_ascii();
            let mut known = known.iter();
            known.any(|known| essence.eq_ignore_ascii_case(known.as_bytes()))
        };
        told.filter(is_known)
            .cloned()
            .unwrap_or_else(|| self.content_type())
    }
}

/// Returns true if the path names a playlist, by its extension.
pub(crate) fn is_playlist(path: &str) -> bool {
    PlaylistKind::of(path).is_some()
}

/// Returns a playlist request's query without the parameter that requests a path token, which no signature covers;
/// `None` where that made no difference to `denial`.
pub(crate) fn playlist_without_path_token(
    routed: &Routed<'_>,
    request: &ViewerRequest<'_>,
    denial: &Denial,
) -> Option<Option<String>> {
    let is_about_the_url = matches!(
        denial,
        Denial::Signature(Refusal::WrongResource | Refusal::SignatureMismatch)
    );
    let videos = routed.videos().filter(|videos| videos.rewrite_playlists);
    let query = request.query.filter(|query| wants_path_token(query))?;
    videos.filter(|_| is_about_the_url && PlaylistKind::of(request.path).is_some())?;
    Some(without_path_token(query).map(Cow::into_owned))
}

impl ReadyMade<'_> {
    /// Reads the playlist and adds the viewer's grant to it, where that is needed.
    ///
    /// Errors: there is a playlist, but the grant cannot be added to its URIs.
    pub(crate) async fn answer(&self) -> Result<PlaylistAnswer, Denial> {
        let Some((kind, carried)) = self.playlist_with_grant() else {
            return Ok(PlaylistAnswer::AsItIs);
        };
        if let Some(answer) = self.path_token() {
            return Ok(PlaylistAnswer::Made(Box::new(answer)));
        }
        for _ in 0..ATTEMPTS_MAX {
            match self.attempt(kind, &carried).await {
                Ok(answer) => return Ok(answer),
                Err(MakeFault::Denied(denial)) => return Err(denial),
                // The object has changed since it was opened.
                Err(MakeFault::Lost) => {}
            }
        }
        Err(Denial::OriginInvalidResponse)
    }

    /// Returns the kind of the requested playlist, and the query that its URIs have to carry.
    fn playlist_with_grant(&self) -> Option<(PlaylistKind, String)> {
        let kind = PlaylistKind::of(self.request.path)?;
        let videos = self.authorized.routed().videos()?;
        let is_read = [Method::GET, Method::HEAD].contains(self.request.method);
        if !videos.rewrite_playlists || !is_read {
            return None;
        }
        // A canned signature is for this URL alone.
        let carried = carried(self.authorized, &self.request);
        carried
            .filter(|carried| has_custom_policy(carried))
            .map(|carried| (kind, carried))
    }

    async fn attempt(
        &self,
        kind: PlaylistKind,
        carried: &str,
    ) -> Result<PlaylistAnswer, MakeFault> {
        let source = match self.open().await {
            Ok(source) => source,
            Err(
                denial @ (Denial::Video { .. } | Denial::VideoArriving | Denial::CapacityExceeded),
            ) => return Err(denial.into()),
            Err(denial) => return Ok(PlaylistAnswer::Unread(denial)),
        };
        let Some(made) = self.rewritten(kind, &source, carried).await? else {
            return Ok(PlaylistAnswer::AsItIs);
        };
        let answer = Answer::made(&made, &self.request, self.received).await;
        Ok(PlaylistAnswer::Made(Box::new(answer?)))
    }

    fn path_token(&self) -> Option<Answer> {
        let path_token = PathTokenRequest {
            authorized: self.authorized,
            request: &self.request,
            object_path: None,
            received: self.received,
            context: self.context,
        };
        path_token.answer()
    }

    async fn open(&self) -> Result<VideoSource, Denial> {
        let ask = ObjectRequest {
            authorized: self.authorized,
            request: self.request,
            country: self.country,
            received: self.received,
            context: self.context,
        };
        let wanted = ReadScope::Whole {
            size_bytes_max: PLAYLIST_SIZE_BYTES_MAX,
            memory: &self.received.memory,
        };
        ask.open(wanted).await
    }

    /// Returns the signed playlist; `None` if the object is no playlist.
    async fn rewritten(
        &self,
        kind: PlaylistKind,
        source: &VideoSource,
        carried: &str,
    ) -> Result<Option<Made>, MakeFault> {
        let reading = source.read_text(PLAYLIST_SIZE_BYTES_MAX, &self.received.memory);
        let whole = match reading.await {
            Ok(whole) => whole,
            Err(TextFault::TooLarge) => return Err(too_large_text().into()),
            Err(TextFault::Make(fault)) => return Err(fault),
        };
        let size_bytes = whole.bytes.len() as u64;
        let Some(playlist) = playlist_in(kind, whole, source)? else {
            return Ok(None);
        };
        let here = (self.request.scheme, self.request.host.to_owned());
        let write = {
            let carried = carried.to_owned();
            move || with_grant(kind, &playlist, (here.0, &here.1), &carried)
        };
        let coding = coding_for_text(self.request.headers, self.request.version);
        let text = text(size_bytes, coding, write).await?;
        Ok(Some(Made {
            content: MadeContent::Text(text.bytes, text.coding),
            content_type: kind.type_of(source.content_type()),
            etag: Some(text.etag),
            how: source.how(),
            cache_status: source.cache_status().cloned(),
            source: None,
        }))
    }
}

/// Returns the text, if it is a playlist of the kind.
///
/// Errors: it is one in another charset than UTF-8, or its contents cannot be determined.
fn playlist_in(
    kind: PlaylistKind,
    whole: WholeText,
    source: &VideoSource,
) -> Result<Option<Utf8Bytes>, Denial> {
    let is_playlist = kind.is_in(&whole.bytes);
    match Utf8Bytes::new(whole.bytes) {
        Some(text) => Ok(is_playlist.then_some(text)),
        None if source.codings().has_other_words => Err(encoded_text()),
        None if is_playlist => Err(Denial::Video {
            token: "video-unsupported",
            reason: "not supported: a playlist in another charset; store it in UTF-8".to_owned(),
        }),
        None => Ok(None),
    }
}

/// Returns the playlist with the grant on its URIs. A playlist that contradicts itself is sent as it is, and so is one
/// that a long link would make excessively large (fidelity note F109).
fn with_grant(
    kind: PlaylistKind,
    playlist: &Utf8Bytes,
    here: (Scheme, &str),
    carried: &str,
) -> String {
    let mut added_bytes = 0;
    let mut sign = |uri: &str| {
        let signed = signed(uri, here, carried)?;
        added_bytes += carried.len() as u64;
        (!is_excessive(carried, added_bytes)).then_some(signed)
    };
    let rewritten = match kind {
        PlaylistKind::Hls => rewrite::hls(playlist.as_str(), &mut sign),
        PlaylistKind::Dash => rewrite::dash(playlist.as_str(), &mut sign),
    };
    match rewritten {
        Ok(rewritten) if !is_excessive(carried, added_bytes) => rewritten,
        Ok(_) | Err(_) => playlist.as_str().to_owned(),
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
