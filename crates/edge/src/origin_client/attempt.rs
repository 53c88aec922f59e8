//! One request on one connection, until the head of its response or a fault.

use super::fault::{OriginFault, OriginFaultKind};
use super::pool::{Connection, History};
use super::prepare::Prepared;
use super::request_body::{Turn, WatchedBody};
use super::{OriginBody, OriginRequestBody, OriginResponse};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use privet_distribution::config::Origin;
use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// The result of an attempt.
pub(super) enum Attempt {
    Response(OriginResponse),
    /// An idle connection was closed already. Either the origin has not read the request, or it may be repeated.
    Stale(Prepared),
    /// A fault, and in `again` the same request if it may be sent once more.
    Failed {
        fault: OriginFault,
        again: Option<Prepared>,
    },
}

/// Sends `prepared` and waits for the head of the response.
pub(super) async fn attempt(
    origin: &Origin,
    mut connection: Connection,
    prepared: Prepared,
) -> Attempt {
    let spare = spare(&prepared);
    let Prepared {
        server,
        head,
        body,
        viewer,
    } = prepared;
    let silence_max = origin.patience.response_timeout;
    if !body.is_end_stream() {
        connection.close_afterwards();
    }
    let turn = Rc::new(Cell::new(Turn::Origin(Instant::now())));
    let body = WatchedBody::new(body, Rc::clone(&turn));
    let sending = connection
        .sender
        .try_send_request(Request::from_parts(head, body));
    match in_time(sending, &turn, silence_max).await {
        None => Attempt::Failed {
            fault: OriginFaultKind::ResponseTimeout.into(),
            again: spare.filter(|_| origin.source.repeats_after_timeout()),
        },
        Some(Ok(response)) => respond(response, connection, silence_max),
        Some(Err(error)) => {
            let again = |head, body| Prepared {
                server,
                head,
                body,
                viewer,
            };
            failed(error, again, spare, connection.history, turn.get())
        }
    }
}

/// Returns a copy for a second attempt, if the request may be repeated even after the origin has acted on it.
fn spare(prepared: &Prepared) -> Option<Prepared> {
    if ![Method::GET, Method::HEAD].contains(&prepared.head.method) {
        return None;
    }
    Some(Prepared {
        server: prepared.server.clone(),
        head: prepared.head.clone(),
        body: prepared.body.again()?,
        viewer: prepared.viewer,
    })
}

/// Waits for `sending`; `None` once the origin has kept it waiting for `silence_max`. Time that a viewer takes for its
/// body does not count: that has limits of its own, and exceeding them is an error of the body.
pub(super) async fn in_time<T>(
    sending: impl Future<Output = T>,
    turn: &Cell<Turn>,
    silence_max: Duration,
) -> Option<T> {
    let mut sending = pin!(sending);
    loop {
        let deadline = match turn.get() {
            Turn::Origin(since) => since + silence_max,
            Turn::Viewer | Turn::BrokenOff | Turn::Late => Instant::now() + silence_max,
        };
        if let Ok(sent) = timeout_at(deadline, &mut sending).await {
            return Some(sent);
        }
        match turn.get() {
            Turn::Origin(since) if since + silence_max <= Instant::now() => return None,
            Turn::Origin(_) | Turn::Viewer | Turn::BrokenOff | Turn::Late => {}
        }
    }
}

fn respond(response: Response<Incoming>, connection: Connection, silence_max: Duration) -> Attempt {
    let (parts, incoming) = response.into_parts();
    // The request asked for no other protocol.
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        return Attempt::Failed {
            fault: OriginFaultKind::InvalidHead.into(),
            again: None,
        };
    }
    Attempt::Response(OriginResponse {
        status: parts.status,
        headers: parts.headers,
        body: OriginBody::new(incoming, connection, silence_max),
    })
}

fn failed(
    mut error: TrySendError<Request<WatchedBody>>,
    again: impl FnOnce(Parts, OriginRequestBody) -> Prepared,
    spare: Option<Prepared>,
    history: History,
    turn: Turn,
) -> Attempt {
    let unsent = error.take_message().map(|request| {
        let (head, body) = request.into_parts();
        again(head, body.into_inner())
    });
    let kind = match (&unsent, turn) {
        (Some(_), _) => OriginFaultKind::Closed,
        (None, Turn::BrokenOff) => OriginFaultKind::RequestBody,
        (None, Turn::Late) => OriginFaultKind::RequestBodyTimeout,
        (None, Turn::Origin(_) | Turn::Viewer) => kind_of(error.error()),
    };
    let again = unsent.or(spare.filter(|_| kind == OriginFaultKind::Closed));
    match (history, again) {
        (History::HasServed, Some(again)) => Attempt::Stale(again),
        (History::HasServed, None) => Attempt::Failed {
            fault: kind.into(),
            again: None,
        },
        (History::JustOpened, again) => Attempt::Failed {
            fault: kind.into(),
            again,
        },
    }
}

fn kind_of(error: &hyper::Error) -> OriginFaultKind {
    if error.is_parse_too_large() {
        OriginFaultKind::HeadTooLarge
    } else if error.is_parse() {
        OriginFaultKind::InvalidHead
    } else {
        OriginFaultKind::Closed
    }
}
