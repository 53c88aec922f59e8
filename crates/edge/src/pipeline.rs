//! The walk of a request: route, authorize, redeem, origin, respond, log.

mod coding;
mod error_page;
mod finish;
mod head;
mod links;
mod object;
mod remote;
mod target;
mod video;

use crate::admission::Admitted;
use crate::answer::Answer;
use crate::body::ViewerBody;
use crate::context::WorkerContext;
use crate::exchange::{Exchange, LinkRecord, OpenExchange, Received, Record, object_paths};
use crate::notices::NoticeCode;
use crate::redeem::{Presented, Purpose, Redeemed, Redemption};
use crate::request_body::RequestBody;
use crate::test_clock;
use finish::finish;
use http::header::HeaderName;
use http::{Method, Response, Version};
use object::ObjectRequest;
use privet_distribution::request::{
    Denial, ViewerRequest, check_connection, check_geo, check_path_token,
};
use privet_distribution::response::{
    apply_response_policy, capped_by_grant, denial_page, no_such_key_page, preflight, server_timing,
};
use target::Target;
use video::VideoWalk;

static SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Handles one request. The exchange goes with the body and is logged when the last byte is gone.
pub(crate) async fn handle(
    admitted: Admitted,
    context: &WorkerContext,
) -> Result<Response<ViewerBody>, h2::Error> {
    let (mut exchange, mut body) = match admitted {
        Admitted::Yes(exchange, body) => (exchange, body),
        Admitted::No(exchange, denial) => return refuse(exchange, &denial, context),
    };
    let answer = match test_clock::answer(&exchange.received, &mut body, context).await {
        Some(answer) => answer,
        None => walk(&mut exchange, body, context).await,
    };
    Ok(finish(answer, exchange, context))
}

/// Responds with the page that says why a request was not admitted. An HTTP/2 stream for which there is no room even
/// for that is reset: the viewer may retry (RFC 9113 8.7).
fn refuse(
    mut exchange: OpenExchange,
    denial: &Denial,
    context: &WorkerContext,
) -> Result<Response<ViewerBody>, h2::Error> {
    // Noted first: a stream that is reset is a refusal as well, and has no answer to say so.
    exchange.record.outcome.refusal = Some(denial.token());
    let received = &exchange.received;
    let memory = &received.connection.memory;
    let refused = match received.parts.version {
        Version::HTTP_2 => memory.try_refuse(),
        _ => Some(memory.refuse()),
    };
    let answer = denied(received, denial);
    exchange.refused = Some(refused.ok_or(h2::Reason::REFUSED_STREAM)?);
    Ok(finish(answer, exchange, context))
}

async fn walk(exchange: &mut Exchange, body: RequestBody, context: &WorkerContext) -> Answer {
    let Exchange {
        received, record, ..
    } = exchange;
    let served = serve(received, record, body, context).await;
    if let Err(denial) = &served {
        tell_operator(received, denial, context);
    }
    let answer = served.unwrap_or_else(|denial| denied(received, &denial));
    let mut answer = error_page::in_place_of(answer, received, record, context).await;
    respond(&mut answer, received, record);
    answer
}

/// Goes from the head to the response, or to the first reason to deny it.
async fn serve(
    received: &Received,
    record: &mut Record,
    mut body: RequestBody,
    context: &WorkerContext,
) -> Result<Answer, Denial> {
    head::check(received)?;
    if let Err(fault) = &received.told {
        let peer = received.connection.facts.peer;
        context.proxy_complaints.contradicts(peer, fault);
        return Err(Denial::BadRequest);
    }
    let pressed = links::pressed_button(received, &mut body).await?;
    let request = match &pressed {
        // The button asks for the object that its page stands for.
        Some(_) => ViewerRequest {
            method: &Method::GET,
            has_body: false,
            ..received.viewer_request()
        },
        None => received.viewer_request(),
    };
    let (routed, target) = Target::route(&received.state.snapshot, &request)?;
    record.belongs_to(&routed);
    let tls = received.connection.facts.tls.as_ref();
    check_connection(
        routed.distribution,
        request.version,
        tls.map(|(version, _)| *version),
    )?;
    let country = received.country();
    check_geo(routed.distribution, country)?;
    if let Some(answer) = preflight(&routed, &request) {
        return Ok(Answer::options(answer));
    }
    check_path_token(&routed, &request)?;
    let authorized = target.authorize(routed, &request, received.now, &context.memory)?;
    record.link = authorized
        .grant()
        .map(|grant| LinkRecord::new(grant, &context.links));
    let presented = Presented {
        purpose: Purpose::Request,
        request: &request,
        paths: &object_paths(request.path),
        pressed: pressed.as_deref(),
        settings: &received.state.snapshot.node.links,
        now: received.now,
        clock: &context.edge.clock,
    };
    let redeemed = match context.links.redeem(authorized, &presented).await? {
        Redemption::Redeemed(redeemed) => redeemed,
        Redemption::Page(page, refusal) => return Ok(links::page_answer(*page, refusal)),
    };
    if let (Some(record), Some(link_use)) = (&mut record.link, redeemed.link_use()) {
        record.used(link_use);
    }
    if pressed.is_some() {
        return Ok(links::way_back(received, &redeemed));
    }
    let served = fetched(
        &redeemed,
        (target, request, country),
        (received, context),
        body,
    )
    .await;
    let mut answer = links::settled(served, &redeemed, record, context).await?;
    record_grant(&redeemed, record, &mut answer, context);
    Ok(answer)
}

/// Gets the object, or what is made of it.
async fn fetched(
    redeemed: &Redeemed<'_>,
    (target, request, country): (Target<'_>, ViewerRequest<'_>, Option<&str>),
    (received, context): (&Received, &WorkerContext),
    body: RequestBody,
) -> Result<Answer, Denial> {
    let object = ObjectRequest {
        authorized: redeemed,
        request,
        country,
        received,
        context,
    };
    match (target, redeemed.routed().videos()) {
        (Target::Video(name), Some(settings)) => {
            let video = VideoWalk {
                authorized: object.authorized,
                request,
                name,
                settings,
                country,
                received,
                context,
            };
            // Boxed, because few requests take this path: the future of each walk is moved around with room for all
            // that it may come to.
            Box::pin(video.answer()).await
        }
        (Target::Object | Target::Video(_), _) => object.answer(body).await,
    }
}

fn record_grant(
    authorized: &Redeemed<'_>,
    record: &mut Record,
    answer: &mut Answer,
    context: &WorkerContext,
) {
    if let Some(grant) = authorized.grant() {
        record.granted(grant);
        if context.ends.log.is_live() {
            answer.outcome.grant = Some(grant.fingerprint());
        }
    }
}

/// Tells the operator what viewers must not learn, and no log has.
fn tell_operator(received: &Received, denial: &Denial, context: &WorkerContext) {
    if received.may_be_of_a_proxy(denial) {
        let peer = received.connection.facts.peer;
        context.proxy_complaints.unbelieved(peer);
    }
    if let Denial::BucketNotGranted { advice } = denial {
        let notices = &context.edge.notices;
        notices.tell_of(NoticeCode::BucketNotGranted, advice, |_| advice.clone());
    }
    if *denial == Denial::UnknownHost {
        let notices = &context.edge.notices;
        notices.tell(NoticeCode::UnknownHost, |count| {
            received.unknown_host_note(count)
        });
    }
}

fn denied(received: &Received, denial: &Denial) -> Answer {
    let page = if *denial == Denial::NotFound {
        let key = received.viewer_request().path.strip_prefix('/');
        no_such_key_page(key, &received.request_id)
    } else {
        denial_page(denial, &received.request_id)
    };
    let mut answer = Answer::page(page);
    answer.outcome.refusal = Some(denial.token());
    answer
}

/// Applies the behavior's response headers policy, and the caching that the grant allows.
fn respond(answer: &mut Answer, received: &Received, record: &Record) {
    if let Some(policy) = &record.response_policy {
        apply_response_policy(policy, &received.parts.headers, &mut answer.headers);
        let timing = server_timing(
            policy.server_timing_percent,
            &received.request_id,
            answer.outcome.response_result(),
            &received.state.snapshot.node.edge.location,
        );
        if let Some(timing) = timing {
            answer.headers.append(&SERVER_TIMING, timing);
        }
    }
    // Last, so that no policy lets a browser cache beyond the end of its grant.
    if let Some(until) = record.grant_until
        && let Some(cap) = capped_by_grant(&answer.headers, until, received.now)
    {
        cap.apply(&mut answer.headers);
    }
}
