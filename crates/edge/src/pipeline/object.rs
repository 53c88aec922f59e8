//! The walk's step for an object: a playlist with the viewer's grant in it, a folder's file, or an origin's response.

use super::video::{PlaylistAnswer, ReadyMade, is_playlist};
use crate::answer::Answer;
use crate::context::WorkerContext;
use crate::exchange::Received;
use crate::origin::{FolderOrigin, OriginError};
use crate::redeem::Redeemed;
use crate::request_body::RequestBody;
use http::{Method, StatusCode};
use privet_distribution::request::{Denial, ViewerRequest};
use privet_distribution::response::{bucket_cors, options};

/// An authorized request for an object.
pub(super) struct ObjectRequest<'a> {
    pub(super) authorized: &'a Redeemed<'a>,
    /// The viewer's request, or the one made in its place.
    pub(super) request: ViewerRequest<'a>,
    pub(super) country: Option<&'a str>,
    pub(super) received: &'a Received,
    pub(super) context: &'a WorkerContext,
}

impl ObjectRequest<'_> {
    pub(super) async fn answer(&self, body: RequestBody) -> Result<Answer, Denial> {
        match self.playlist().await? {
            PlaylistAnswer::Made(answer) => Ok(*answer),
            PlaylistAnswer::AsItIs => self.fetch(body).await,
            PlaylistAnswer::Unread(denial) => {
                let words = Box::pin(self.fetch(body)).await?;
                without_playlist(words, denial)
            }
        }
    }

    async fn fetch(&self, body: RequestBody) -> Result<Answer, Denial> {
        match self.received.state.folder(self.authorized)? {
            Some(folder) => self.read_folder(folder).await,
            None => self.ask_origin(body).await,
        }
    }

    /// Returns an object that may be a playlist, with the viewer's grant in it.
    async fn playlist(&self) -> Result<PlaylistAnswer, Denial> {
        if !is_playlist(self.request.path) {
            return Ok(PlaylistAnswer::AsItIs);
        }
        let playlist = ReadyMade {
            authorized: self.authorized,
            request: self.request,
            country: self.country,
            received: self.received,
            context: self.context,
        };
        Box::pin(playlist.answer()).await
    }

    pub(super) async fn read_folder(&self, folder: &FolderOrigin) -> Result<Answer, Denial> {
        if self.request.method == Method::OPTIONS {
            return Ok(Answer::options(options(self.authorized)));
        }
        let path = self.authorized.origin_path(self.request.path);
        let object = folder.fetch(&path).await.map_err(OriginError::denial)?;
        let ranges_max = self.received.state.snapshot.node.limits.ranges_max;
        let cache = &self.context.cache;
        let mut answer = self.folder_answer(&object, ranges_max, cache).await;
        for (name, value) in &bucket_cors(self.authorized, &self.request) {
            answer.headers.append(name, value.clone());
        }
        Ok(answer)
    }
}

/// Returns an origin's response in place of a playlist that could not be read; never the playlist, which the origin may
/// have by now.
fn without_playlist(words: Answer, denial: Denial) -> Result<Answer, Denial> {
    match words.status {
        StatusCode::NOT_MODIFIED => Err(denial),
        status if status.is_success() => Err(denial),
        _ => Ok(words),
    }
}
