//! Names beneath an object: decides who may have the content made from a video.

use crate::config::{CacheBehavior, Snapshot, ViewerProtocolPolicy, is_get_or_head, object_name};
use crate::request::authorize::{
    Authorized, Examiner, check_body, check_origin, check_protocol, good_for_spelling, verifier,
};
use crate::request::denial::Denial;
use crate::request::path_token::without_path_token;
use crate::request::readings::Readings;
use crate::request::route::{Restriction, Routed, Spelling, enabled_distribution, route};
use crate::request::stricter::{is_part_of, stricter};
use crate::request::viewer_request::{ViewerRequest, credentials};
use http::Method;
use privet_sign::{Grant, Refusal, SignatureMemory, Timestamp};

/// Finds the object at `object_path`, for a request whose path (`request.path`, the asked path) names content made from
/// it.
///
/// The result is for reading the object. Its restriction is the stricter one of both paths, or that of all behaviors
/// where one of them is not canonical, as in [`route`]. If the behavior of either path makes no videos, the request is
/// an ordinary one: [`Routed::videos`] is `None`, and the result is that of [`route`].
///
/// # Errors
/// As [`route`].
pub fn route_video<'s>(
    snapshot: &'s Snapshot,
    request: &ViewerRequest<'_>,
    object_path: &str,
) -> Result<Routed<'s>, Denial> {
    let distribution = enabled_distribution(snapshot, request)?;
    let asked_name = object_name(request.path);
    let object_key = object_name(object_path);
    // Each name is matched only once: strangers can make paths long.
    let readings = Readings::new(distribution);
    let asked_first = readings.first(&asked_name)?;
    let object_first = readings.first(&object_key)?;
    if asked_first.videos.is_none() || object_first.videos.is_none() {
        let routed = route(snapshot, request)?;
        let restriction = Restriction {
            videos: None,
            ..routed.restriction
        };
        return Ok(Routed {
            restriction,
            ..routed
        });
    }
    let method = request.method;
    let object = readings.strictest(object_first, object_path, &object_key, method)?;
    let asked = readings.strictest(asked_first, request.path, &asked_name, method)?;
    // The origin is asked for the object, whose path is the beginning of this one.
    let restriction = match Spelling::of(object, request.path) {
        Spelling::Ambiguous => Restriction::of_all(distribution, object, request.method)?,
        Spelling::Certain => Restriction {
            trusted_keys: stricter(object, asked, request.method)?
                .trusted_keys
                .as_ref(),
            viewer_protocol_policy: strictest_protocol([object, asked, asked_first]),
            videos: object.videos.as_ref(),
            spelling: Spelling::Certain,
        },
    };
    Ok(Routed {
        distribution,
        behavior: object,
        restriction,
    })
}

fn strictest_protocol(behaviors: [&CacheBehavior; 3]) -> &ViewerProtocolPolicy {
    let policies = behaviors.map(|behavior| &behavior.viewer_protocol_policy);
    let [first, ..] = policies;
    policies
        .into_iter()
        .max_by_key(|policy| policy.strictness())
        .unwrap_or(first)
}

/// Decides whether a request that [`route_video`] routed may have what it names.
///
/// The signature is compared with the asked URL, and then, if `object_grant` is on, with that of the object; of two
/// refusals, the one that got further is reported. `path_token=1` in the query plays no part.
///
/// # Errors
/// As [`crate::request::authorize`]; methods other than GET, HEAD and OPTIONS are [`Denial::MethodNotAllowed`].
pub fn authorize_video<'s>(
    routed: Routed<'s>,
    request: &ViewerRequest<'_>,
    object_path: &str,
    now: Timestamp,
    memory: &dyn SignatureMemory,
) -> Result<Authorized<'s>, Denial> {
    check_protocol(&routed, request)?;
    let is_reading = is_get_or_head(request.method) || request.method == Method::OPTIONS;
    if !is_reading || !routed.behavior.allowed_methods.allows(request.method) {
        return Err(Denial::MethodNotAllowed);
    }
    check_body(request)?;
    let grant = match verifier(&routed, request.client, now, memory) {
        None => None,
        Some(verifier) => {
            let examiner = Examiner::new(&routed, request, verifier);
            let granted = grant_for_video(&routed, &examiner, request, object_path);
            let query = request.query.and_then(without_path_token);
            let granted = good_for_spelling(&routed, granted)?;
            Some(examiner.good_for_path_info(granted, object_path, query.as_deref())?)
        }
    };
    check_origin(&routed, request.method, object_path)?;
    Ok(Authorized::new(routed, grant))
}

fn grant_for_video(
    routed: &Routed<'_>,
    examiner: &Examiner<'_>,
    request: &ViewerRequest<'_>,
    object_path: &str,
) -> Result<Grant, Refusal> {
    let query = request.query.and_then(without_path_token);
    let opens = |path: &str| examiner.grant_for(path, query.as_deref()).is_ok();
    let asked = match examiner.grant_for(request.path, query.as_deref()) {
        Ok(grant) if is_for_the_video(request, object_path, &grant, opens) => return Ok(grant),
        Ok(_) => return Err(Refusal::WrongResource),
        Err(refusal) => refusal,
    };
    let takes_object = routed.videos().is_some_and(|videos| videos.object_grant);
    if !takes_object || !is_about_the_url(&asked, request) {
        return Err(asked);
    }
    // If this refusal is also about the URL, it is the same one.
    examiner.grant_for(object_path, query.as_deref())
}

/// Returns whether a grant that is valid for the asked URL is meant for the video: it opens the object too, or the
/// whole folder of the asked path, or names this very video. A policy for `*.ts` was signed for files with that
/// extension, and segments made from the videos beside them are not such files.
fn is_for_the_video(
    request: &ViewerRequest<'_>,
    object_path: &str,
    grant: &Grant,
    opens: impl Fn(&str) -> bool,
) -> bool {
    // A canned policy was signed for exactly this URL.
    if request.path_token.is_none() && is_canned(request) {
        return true;
    }
    let folder_end = request.path.rfind('/').map_or(0, |slash| slash + 1);
    let name = object_path.rsplit('/').next().unwrap_or(object_path);
    opens(object_path) || opens(&request.path[..folder_end]) || grant.names_segment(name)
}

/// Returns whether the same credentials may be valid for another URL.
fn is_about_the_url(refusal: &Refusal, request: &ViewerRequest<'_>) -> bool {
    match refusal {
        Refusal::WrongResource => true,
        // A policy's signature does not depend on the URL: wrong for one, it is wrong for all.
        Refusal::SignatureMismatch => request.path_token.is_some() || is_canned(request),
        Refusal::DuplicateParameter(_)
        | Refusal::MissingKeyPairId
        | Refusal::NotAKeyPairId
        | Refusal::UnknownKey
        | Refusal::MissingSignature
        | Refusal::UndecodableSignature
        | Refusal::MissingPolicy
        | Refusal::UndecodablePolicy
        | Refusal::MalformedPolicy(_)
        | Refusal::MalformedExpires
        | Refusal::UnknownHashAlgorithm
        | Refusal::NotYetValid(_)
        | Refusal::Expired(_)
        | Refusal::WrongAddress
        | Refusal::PathTokenMismatch
        | Refusal::PathTokenKeyGone => false,
    }
}

fn is_canned(request: &ViewerRequest<'_>) -> bool {
    credentials(request, request.query).is_canned()
}

/// Makes the proof for another member of a set, which the operator, or the object that was authorized, names.
///
/// `member_path` belongs to the same distribution, is percent-encoded, and begins with a slash. The grant is that for
/// the set, whatever its resource says about the member.
///
/// # Errors
/// [`Denial::ForeignMember`] when the member is restricted to other keys than the set, requires HTTPS that the request
/// lacks, or has no videos made of it; [`Denial::AmbiguousPath`] as in [`route`]; [`Denial::NotFound`] when it is a
/// bucket itself.
pub fn authorize_member<'s>(
    authorized: &Authorized<'s>,
    request: &ViewerRequest<'_>,
    member_path: &str,
) -> Result<Authorized<'s>, Denial> {
    let set = authorized.routed();
    let readings = Readings::new(set.distribution);
    let behavior = readings.behavior_of(member_path, request.method)?;
    if Spelling::of(behavior, member_path) == Spelling::Ambiguous {
        // Nobody signed this path: it opens only where everything is open.
        let restriction = Restriction::of_all(set.distribution, behavior, request.method)?;
        if restriction.trusted_keys.is_some() {
            return Err(Denial::AmbiguousPath);
        }
    }
    let member = Routed::to(set.distribution, behavior);
    let is_open_to_the_set = match (set.trusted_keys(), member.trusted_keys()) {
        (Some(_) | None, None) => true,
        (None, Some(_)) => false,
        // The keys of a signer for the set must be trusted here too.
        (Some(keys), Some(others)) => is_part_of(keys, others),
    };
    let is_secure_enough = check_protocol(&member, request).is_ok();
    if !is_open_to_the_set || !is_secure_enough || member.videos().is_none() {
        return Err(Denial::ForeignMember);
    }
    check_origin(&member, request.method, member_path)?;
    Ok(Authorized::new(member, authorized.grant().cloned()))
}
