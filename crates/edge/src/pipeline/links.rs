//! The walk's steps for links that are counted: the button that was pressed, the pages for people, and what becomes
//! of a use.

use crate::answer::Answer;
use crate::context::WorkerContext;
use crate::exchange::{Received, Record};
use crate::redeem::{LinkUse, Redeemed};
use crate::request_body::RequestBody;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, LOCATION, SET_COOKIE};
use http::{HeaderValue, Method, StatusCode};
use privet_distribution::links::{LinkPage, pressed};
use privet_distribution::logging::ResultType;
use privet_distribution::request::{Denial, LinkRefusal};

/// Size of the longest form that a button sends.
const FORM_SIZE_BYTES_MAX: u64 = 256;
const FORM_TYPE: &[u8] = b"application/x-www-form-urlencoded";
/// Caching of what a limited link opens: each further use is asked for.
const OWN_COPY: HeaderValue = HeaderValue::from_static("private, no-cache");
/// Word for the operator's log where a person is asked to confirm.
const CONFIRMATION: &str = "link-confirmation";

/// Returns what the button of a link's page has sent. Every other body is left as it is.
///
/// # Errors
/// The body does not arrive.
pub(super) async fn pressed_button(
    received: &Received,
    body: &mut RequestBody,
) -> Result<Option<Vec<u8>>, Denial> {
    let parts = &received.parts;
    let content_type = parts.headers.get(CONTENT_TYPE);
    if parts.method != Method::POST || content_type.is_none_or(|value| value != FORM_TYPE) {
        return Ok(None);
    }
    let form = Box::pin(body.look_at(FORM_SIZE_BYTES_MAX)).await;
    let form = form.map_err(|_| Denial::BodyTimeout)?;
    Ok(form.and_then(|form| pressed(&form).map(<[u8]>::to_vec)))
}

/// Returns the answer that has a link's page in place of the object.
pub(super) fn page_answer(page: LinkPage, refusal: Option<LinkRefusal>) -> Answer {
    let result = match refusal {
        None => ResultType::Miss,
        Some(_) => ResultType::Error,
    };
    let mut answer = Answer::made_here(page.status, result, Bytes::from(page.body));
    for (name, value) in page.headers {
        let name = HeaderName::from_static(name);
        answer.headers.insert(name, HeaderValue::from_static(value));
    }
    answer.outcome.content_type = answer.headers.get(CONTENT_TYPE).cloned();
    answer.outcome.refusal = Some(refusal.map_or(CONFIRMATION, LinkRefusal::token));
    answer
}

/// Returns the way back to the object for a viewer who has pressed the button, whose visit the cookie proves.
pub(super) fn way_back(received: &Received, redeemed: &Redeemed<'_>) -> Answer {
    let mut answer = Answer::made_here(StatusCode::SEE_OTHER, ResultType::Redirect, Bytes::new());
    let target = received.parts.uri.path_and_query();
    let target = target.map_or("/", |target| target.as_str());
    // Two slashes would name another host.
    let location = match target.strip_prefix("//") {
        Some(rest) => format!("/.//{rest}"),
        None => target.to_owned(),
    };
    if let Ok(location) = HeaderValue::try_from(location) {
        answer.headers.insert(LOCATION, location);
    }
    let no_store = HeaderValue::from_static("no-store");
    answer.headers.insert(CACHE_CONTROL, no_store);
    prove_visit(&mut answer, redeemed);
    answer
}

/// Settles a use with what came of the request: the viewer gets the proof of its visit, and where nothing of the
/// object is sent, the use that was made for it is given back.
pub(super) async fn settled(
    served: Result<Answer, Denial>,
    redeemed: &Redeemed<'_>,
    record: &mut Record,
    context: &WorkerContext,
) -> Result<Answer, Denial> {
    let Some(link_use) = redeemed.link_use() else {
        return served;
    };
    let reserved = match served {
        Ok(answer) if hands_over(answer.status) => {
            reserve_bytes(answer, link_use, record, context).await
        }
        Ok(_) | Err(_) => {
            context.links.give_back(link_use);
            return served;
        }
    };
    match reserved {
        Ok(mut answer) => {
            prove_visit(&mut answer, redeemed);
            Ok(answer)
        }
        Err(denial) => {
            context.links.give_back(link_use);
            Err(denial)
        }
    }
}

/// True if a response with this status may have handed the object over. A redirect may: with a path token, or to
/// where the origin has the object.
fn hands_over(status: StatusCode) -> bool {
    let is_redirect = status.is_redirection() && status != StatusCode::NOT_MODIFIED;
    status.is_success() || is_redirect
}

/// Reserves the bytes of an answer, if the link may send a limited number. An answer of unknown length is refused then.
async fn reserve_bytes(
    answer: Answer,
    link_use: &LinkUse,
    record: &mut Record,
    context: &WorkerContext,
) -> Result<Answer, Denial> {
    let LinkUse::Visit {
        link,
        digest,
        at,
        counts_bytes: true,
        ..
    } = link_use
    else {
        return Ok(answer);
    };
    let Some(count) = answer.body_size_bytes() else {
        return Err(Denial::Link(LinkRefusal::BytesUsedUp));
    };
    let source = context.links.shared().source();
    let reserved = match source {
        Some(source) => {
            source
                .store
                .reserve_bytes((*link, *digest), count, *at)
                .await
        }
        None => None,
    };
    match reserved {
        Some(true) => {
            if let Some(record) = &mut record.link {
                record.reserved(*link, count);
            }
            Ok(answer)
        }
        Some(false) => Err(Denial::Link(LinkRefusal::BytesUsedUp)),
        None => Err(Denial::Link(LinkRefusal::StoreSilent)),
    }
}

/// Gives the viewer the proof of its visit, and lets nobody but the viewer keep the answer: from a shared cache, others
/// would have it without a use.
fn prove_visit(answer: &mut Answer, redeemed: &Redeemed<'_>) {
    let Some(LinkUse::Visit { cookie, .. }) = redeemed.link_use() else {
        return;
    };
    if let Ok(cookie) = HeaderValue::try_from(cookie.as_str()) {
        answer.headers.append(SET_COOKIE, cookie);
    }
    if answer.status != StatusCode::SEE_OTHER {
        answer.headers.insert(CACHE_CONTROL, OWN_COPY);
    }
}
