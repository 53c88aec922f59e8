//! What a request is about: an object, or what is made of one.

use super::film::list_without_wish;
use privet_distribution::config::Snapshot;
use privet_distribution::request::{
    Authorized, Denial, Routed, ViewerRequest, authorize, authorize_film, route, route_film,
};
use privet_media::name::{FilmName, film_name};
use privet_sign::{SignatureMemory, Timestamp};

/// What the path of a request names.
pub(super) enum Target<'r> {
    Object,
    /// What is made of the object that the name is beneath.
    Film(FilmName<'r>),
}

impl<'r> Target<'r> {
    /// Routes by the object that the path names. Where films are off, a name beneath a film is an ordinary path.
    pub(super) fn route<'s>(
        snapshot: &'s Snapshot,
        request: &ViewerRequest<'r>,
    ) -> Result<(Routed<'s>, Self), Denial> {
        if let Some(name) = film_name(request.path) {
            let routed = route_film(snapshot, request, name.object_path)?;
            if routed.films().is_some() {
                return Ok((routed, Target::Film(name)));
            }
        }
        Ok((route(snapshot, request)?, Target::Object))
    }

    /// Whether the viewer may have it.
    pub(super) fn authorize<'s>(
        &self,
        routed: Routed<'s>,
        request: &ViewerRequest<'_>,
        now: Timestamp,
        memory: &dyn SignatureMemory,
    ) -> Result<Authorized<'s>, Denial> {
        let name = match self {
            Target::Film(name) => name,
            Target::Object => return authorize_object(routed, request, now, memory),
        };
        authorize_film(routed, request, name.object_path, now, memory)
    }
}

/// A list may be asked for with a parameter for the edge alone, which its signature does not know of.
fn authorize_object<'s>(
    routed: Routed<'s>,
    request: &ViewerRequest<'_>,
    now: Timestamp,
    memory: &dyn SignatureMemory,
) -> Result<Authorized<'s>, Denial> {
    authorize(routed, request, now, memory).or_else(|denial| {
        let without_wish = list_without_wish(&routed, request, &denial);
        let query = without_wish.ok_or_else(|| denial.clone())?;
        let request = ViewerRequest {
            query: query.as_deref(),
            ..*request
        };
        authorize(routed, &request, now, memory).map_err(|_| denial)
    })
}
