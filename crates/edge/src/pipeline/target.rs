//! The target of a request: an object, or what is made of one.

use super::video::playlist_without_path_token;
use privet_distribution::config::Snapshot;
use privet_distribution::request::{
    Authorized, Denial, Routed, ViewerRequest, authorize, authorize_video, route, route_video,
};
use privet_media::name::{VideoName, video_name};
use privet_sign::{SignatureMemory, Timestamp};

/// The target that the path of a request names.
pub(super) enum Target<'r> {
    Object,
    /// Something made of the object that the name is beneath.
    Video(VideoName<'r>),
}

impl<'r> Target<'r> {
    /// Routes by the object that the path names. Where videos are off, a name beneath a video is an ordinary path.
    pub(super) fn route<'s>(
        snapshot: &'s Snapshot,
        request: &ViewerRequest<'r>,
    ) -> Result<(Routed<'s>, Self), Denial> {
        if let Some(name) = video_name(request.path) {
            let routed = route_video(snapshot, request, name.object_path)?;
            if routed.videos().is_some() {
                return Ok((routed, Target::Video(name)));
            }
        }
        Ok((route(snapshot, request)?, Target::Object))
    }

    /// Checks that the viewer may have the target.
    pub(super) fn authorize<'s>(
        &self,
        routed: Routed<'s>,
        request: &ViewerRequest<'_>,
        now: Timestamp,
        memory: &dyn SignatureMemory,
    ) -> Result<Authorized<'s>, Denial> {
        let name = match self {
            Target::Video(name) => name,
            Target::Object => return authorize_object(routed, request, now, memory),
        };
        authorize_video(routed, request, name.object_path, now, memory)
    }
}

/// Authorizes a request for an object. A playlist may be requested with a parameter for the edge alone, which its
/// signature does not cover.
fn authorize_object<'s>(
    routed: Routed<'s>,
    request: &ViewerRequest<'_>,
    now: Timestamp,
    memory: &dyn SignatureMemory,
) -> Result<Authorized<'s>, Denial> {
    authorize(routed, request, now, memory).or_else(|denial| {
        let without_path_token_parameter = playlist_without_path_token(&routed, request, &denial);
        let query = without_path_token_parameter.ok_or_else(|| denial.clone())?;
        let request = ViewerRequest {
            query: query.as_deref(),
            ..*request
        };
        authorize(routed, &request, now, memory).map_err(|_| denial)
    })
}
