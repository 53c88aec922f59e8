//! Serves one connection by its listener's protocol, under the limits of its address.

use crate::connection;
use crate::connections_by_address::AddressSlot;
use crate::context::WorkerContext;
use crate::guests::{Guest, Seat};
use crate::notices::NoticeCode;
use crate::proxy_header;
use crate::rtmp;
use crate::viewer_end::ViewerEnd;
use crate::workers::Accepted;
use privet_distribution::config::ListenerProtocol;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use tokio::net::TcpStream;

/// Serves the connection on this worker, beside all others.
pub(crate) fn serve(accepted: Accepted, context: &Rc<WorkerContext>) {
    let shared = Rc::clone(context);
    let guest = Rc::new(Guest::default());
    let seat = shared.guests.seat(&guest);
    let served = serve_accepted(accepted, shared, (Rc::clone(&guest), seat));
    let task = tokio::task::spawn_local(served);
    guest.is_served_by(task.abort_handle());
}

/// Serves it to its end. What needs much room is on the heap while it lasts: most connections are idle.
async fn serve_accepted(
    accepted: Accepted,
    shared: Rc<WorkerContext>,
    (guest, _seat): (Rc<Guest>, Seat),
) {
    let guest = &*guest;
    let Accepted {
        stream,
        peer,
        configured,
        slot: _slot,
    } = accepted;
    let protocol = configured.protocol;
    // Without a file descriptor in the runtime there is nothing to serve.
    let Ok(mut stream) = TcpStream::from_std(stream) else {
        return;
    };
    let mut end = ViewerEnd::direct(peer);
    if configured.proxy_protocol {
        match Box::pin(named_end(&mut stream, peer, configured.address, &shared)).await {
            Some(named) => end = named,
            None => return,
        }
    }
    let Some(entered) = enter(&protocol, end.peer, &shared) else {
        return;
    };
    if let Entered::Counted { .. } = entered {
        guest.comes_from(end.peer.ip());
    }
    match protocol {
        ListenerProtocol::Http => connection::serve_plain(stream, end, shared, guest).await,
        ListenerProtocol::Https => connection::serve_tls(stream, end, shared, guest).await,
        ListenerProtocol::Rtmp => {
            guest.plays();
            Box::pin(rtmp::serve_plain(stream, end, shared)).await;
        }
        ListenerProtocol::Rtmps => {
            guest.plays();
            Box::pin(rtmp::serve_tls(stream, end, shared)).await;
        }
    }
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
    let limits = &state.snapshot.limits;
    if state.snapshot.trusted_proxies.contains(peer.ip()) {
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
                "closed connections whose addresses have limits.{key} = {connections_max} already: {count}, \
                 the last from {address}; proxies belong into edge.trusted_proxies"
            )
        });
    }
    place.map(|_place| Entered::Counted { _place })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The size of the future that `act` makes of such arguments.
    fn size_of_future<A, B, C, F>(_act: impl FnOnce(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    /// Each connection keeps it as long as it is open, idle or not.
    #[test]
    fn what_an_idle_connection_needs_is_small() {
        let size_bytes = size_of_future(serve_accepted);
        assert!(size_bytes <= 1024, "{size_bytes} bytes");
    }
}
