//! Serves one connection by its listener's protocol, under the limits of its address.

use crate::connection::{Http1Connection, http1};
use crate::connections_by_address::AddressSlot;
use crate::context::WorkerContext;
use crate::guests::{Guest, Seat};
use crate::notices::NoticeCode;
use crate::proxy_header;
use crate::rtmp;
use crate::viewer_end::ViewerEnd;
use crate::workers::{Accepted, WorkerSlot};
use privet_distribution::config::ListenerProtocol;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use tokio::net::TcpStream;

/// Serves the connection on this worker, beside all others.
pub(crate) fn serve(accepted: Accepted, context: &Rc<WorkerContext>) {
    let guest = Rc::new(Guest::default());
    let seat = context.guests.seat(&guest);
    let opening = Box::pin(open(accepted, Rc::clone(context), Rc::clone(&guest)));
    let task = tokio::task::spawn_local(serve_opened(opening, Rc::clone(context), seat));
    guest.is_served_by(task.abort_handle());
}

/// A connection of HTTP/1.1, and what it gives back at its end.
struct Opened {
    connection: Http1Connection,
    _entered: Entered,
    _slot: WorkerSlot,
}

/// Serves a connection to its end. Most are idle ones of HTTP/1.1, so that nothing else has its place in this future:
/// `opening` is on the heap, and gone once it is over.
async fn serve_opened(
    opening: Pin<Box<impl Future<Output = Option<Opened>>>>,
    shared: Rc<WorkerContext>,
    _seat: Seat,
) {
    let Some(opened) = opening.await else {
        return;
    };
    let Opened {
        connection,
        _entered,
        _slot,
    } = opened;
    match connection {
        Http1Connection::Plain(io) => http1::serve(io, shared).await,
        Http1Connection::Tls(io) => http1::serve(io, shared).await,
    }
}

/// Finds out who has come and what is spoken. What is not HTTP/1.1 is served to its end here, and `None` is left of it,
/// as of what is closed.
async fn open(accepted: Accepted, shared: Rc<WorkerContext>, guest: Rc<Guest>) -> Option<Opened> {
    let Accepted {
        stream,
        peer,
        configured,
        slot,
    } = accepted;
    // Without a file descriptor in the runtime there is nothing to serve.
    let mut stream = TcpStream::from_std(stream).ok()?;
    let mut end = ViewerEnd::direct(peer);
    if configured.proxy_protocol {
        end = named_end(&mut stream, peer, configured.address, &shared).await?;
    }
    let entered = enter(&configured.protocol, end.peer, &shared)?;
    if let Entered::Counted { .. } = entered {
        guest.comes_from(end.peer.ip());
    }
    let connection = match configured.protocol {
        ListenerProtocol::Http => Http1Connection::plain(stream, end, &shared, &guest),
        ListenerProtocol::Https => Http1Connection::tls(stream, end, &shared, &guest).await?,
        ListenerProtocol::Rtmp => {
            guest.plays();
            Box::pin(rtmp::serve_plain(stream, end, shared)).await;
            return None;
        }
        ListenerProtocol::Rtmps => {
            guest.plays();
            Box::pin(rtmp::serve_tls(stream, end, shared)).await;
            return None;
        }
    };
    Some(Opened {
        connection,
        _entered: entered,
        _slot: slot,
    })
}

/// Whom a PROXY header names; `None` when there is no good one, which the operator is told.
async fn named_end(
    stream: &mut TcpStream,
    peer: SocketAddr,
    listener: SocketAddr,
    shared: &WorkerContext,
) -> Option<ViewerEnd> {
    let state = shared.current();
    match proxy_header::read(stream, peer, &state.snapshot).await {
        Ok(named) => Some(named),
        Err(fault) => {
            shared.proxy_complaints.hear(peer, listener, &fault);
            None
        }
    }
}

/// An admitted connection of an address.
enum Entered {
    /// Counted until its slot is dropped.
    Counted { _place: AddressSlot },
    /// Not counted: proxies bring many viewers.
    TrustedProxy,
}

/// Admits a connection; `None` when the address has its maximum number. `peer` is the viewer that a PROXY header names,
/// if there was one.
fn enter(protocol: &ListenerProtocol, peer: SocketAddr, shared: &WorkerContext) -> Option<Entered> {
    let state = shared.current();
    let limits = &state.snapshot.node.limits;
    if state.snapshot.node.trusted_proxies.contains(peer.ip()) {
        return Some(Entered::TrustedProxy);
    }
    let (connections_by_address, key, connections_max, code) = match protocol {
        ListenerProtocol::Http | ListenerProtocol::Https => (
            &shared.edge.connections_by_address,
            "connections_per_address_max",
            limits.connections_per_address_max,
            NoticeCode::ConnectionsPerAddress,
        ),
        ListenerProtocol::Rtmp | ListenerProtocol::Rtmps => (
            &shared.edge.rtmp_connections_by_address,
            "rtmp_connections_per_address_max",
            limits.rtmp_connections_per_address_max,
            NoticeCode::RtmpConnectionsPerAddress,
        ),
    };
    let place = Arc::clone(connections_by_address).enter(peer.ip(), connections_max);
    if place.is_none() {
        shared.edge.notices.tell(code, |count| {
            let address = peer.ip();
            format!(
                "closed connections from addresses that have limits.{key} = {connections_max} already: {count}, the \
                 last from {address}; add proxies to edge.trusted_proxies"
            )
        });
    }
    place.map(|_place| Entered::Counted { _place })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The size of what `serve_opened` makes of what `open` makes.
    fn size_of_served<O, F>(
        _open: impl FnOnce(Accepted, Rc<WorkerContext>, Rc<Guest>) -> O,
        _serve: impl FnOnce(Pin<Box<O>>, Rc<WorkerContext>, Seat) -> F,
    ) -> usize {
        size_of::<F>()
    }

    /// Each connection keeps it as long as it is open, idle or not.
    #[test]
    fn what_an_idle_connection_needs_is_small() {
        let size_bytes = size_of_served(open, serve_opened);
        assert!(size_bytes <= 512, "{size_bytes} bytes");
    }
}
