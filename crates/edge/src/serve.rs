//! Serves one connection by its listener's protocol, under the limits of its address.

use crate::connection;
use crate::connections_by_address::AddressSlot;
use crate::context::WorkerContext;
use crate::guests::Guest;
use crate::notices::NoticeCode;
use crate::proxy_header;
use crate::rtmp;
use crate::viewer_end::ViewerEnd;
use crate::workers::Accepted;
use privet_distribution::config::ListenerProtocol;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

/// Serves the connection on this worker, beside all others.
pub(crate) fn serve(accepted: Accepted, context: &Rc<WorkerContext>) {
    let shared = Rc::clone(context);
    let guest = Rc::new(Guest::default());
    let seat = shared.guests.seat(&guest);
    let served = Rc::clone(&guest);
    let task = tokio::task::spawn_local(async move {
        let _seat = seat;
        // Without a file descriptor in the runtime there is nothing to serve.
        let Ok(mut stream) = tokio::net::TcpStream::from_std(accepted.stream) else {
            return;
        };
        let mut end = ViewerEnd::direct(accepted.peer);
        if accepted.configured.proxy_protocol {
            let state = shared.current();
            match proxy_header::read(&mut stream, accepted.peer, &state.snapshot).await {
                Ok(named) => end = named,
                Err(fault) => {
                    let listener = accepted.configured.address;
                    let complaints = &shared.proxy_complaints;
                    complaints.hear(accepted.peer, listener, &fault);
                    return;
                }
            }
        }
        let Some(entered) = enter(&accepted.configured.protocol, end.peer, &shared) else {
            return;
        };
        if let Entered::Counted { .. } = entered {
            served.comes_from(end.peer.ip());
        }
        match accepted.configured.protocol {
            ListenerProtocol::Http => connection::serve_plain(stream, end, shared, &served).await,
            ListenerProtocol::Https => connection::serve_tls(stream, end, shared, &served).await,
            ListenerProtocol::Rtmp => {
                served.plays();
                rtmp::serve_plain(stream, end, shared).await;
            }
            ListenerProtocol::Rtmps => {
                served.plays();
                rtmp::serve_tls(stream, end, shared).await;
            }
        }
        drop(accepted.slot);
    });
    guest.is_served_by(task.abort_handle());
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
