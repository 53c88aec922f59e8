//! Accepts connections under the limits and gives each to the worker that has the fewest.

use crate::context::WorkerContext;
use crate::guests::Whose;
use crate::notices::NoticeCode;
use crate::workers::{Accepted, ListenOn, WorkerSlot, Workers};
use privet_distribution::config::Listener;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Time for which the listener rests after a failed accept (out of file descriptors), while room is made.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
/// Number of times, and interval, at which a connection without a slot checks whether others have made room.
const ROOM_LOOKS: usize = 3;
const ROOM_PAUSE: Duration = Duration::from_millis(5);
/// Divisor of `idle_timeout`: a viewer keeps its slot for this part of it after a response, whoever else wants the
/// slot. That is 6 seconds by default.
const KEPT_SHARE: u32 = 10;

/// Accepts until the listener is closed or the edge drains.
pub(crate) async fn accept(listen_on: ListenOn, shared: Rc<WorkerContext>, workers: Arc<Workers>) {
    let ListenOn {
        listener,
        configured,
        mut stop,
    } = listen_on;
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    let mut drain = shared.edge.drain.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stopped| *stopped) => return,
            _ = drain.wait_for(|draining| *draining) => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Without a slot, or on an error, the stream is dropped and thus closed.
                if let Some(slot) = slot(&workers, &shared).await {
                    let _ = hand_over(stream, peer, &configured, slot);
                }
            }
            // The viewer gave up meanwhile, or file descriptors ran out; both pass.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                shared.edge.notices.tell(NoticeCode::AcceptFailed, |count| {
                    format!(
                        "cannot accept connections ({error}; {count} since the last report), so some that wait for a \
                         request are closed; let the edge open more files, or lower limits.connections_max"
                    )
                });
                workers.make_room(Whose::Waiting, Instant::now());
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Takes a slot, for which others may have to go. If descriptors are short, those that wait for a request go; at
/// `connections_max`, which the operator chose, those that never sent one, and if there are none, those that have been
/// idle for a while.
async fn slot(workers: &Arc<Workers>, shared: &WorkerContext) -> Option<WorkerSlot> {
    let state = shared.current();
    let limits = &state.snapshot.node.limits;
    let wished = limits.connections_max;
    let possible = shared.edge.descriptors.viewers_max(&state.snapshot);
    let connections_max = wished.min(possible);
    if let Some(place) = workers.slot(connections_max) {
        return Some(place);
    }
    let now = Instant::now();
    let attempts = if possible < wished {
        vec![(Whose::Waiting, Some(now))]
    } else {
        let kept_until = now.checked_sub(limits.idle_timeout / KEPT_SHARE);
        vec![(Whose::Silent, Some(now)), (Whose::Crowding, kept_until)]
    };
    let mut found = None;
    for (whose, before) in attempts {
        let Some(before) = before else { continue };
        workers.make_room(whose, before);
        if let Some(place) = room(workers, connections_max).await {
            found = Some((place, whose));
            break;
        }
    }
    let outcome = match &found {
        Some((_, Whose::Waiting)) => {
            "was accepted after closing those that had waited longest for a request"
        }
        Some((_, Whose::Silent)) => {
            "was accepted after closing those that had never sent a request"
        }
        Some((_, Whose::Crowding)) => "was accepted after closing those that had long been idle",
        None => "was closed, since no other could be",
    };
    shared.edge.notices.tell(NoticeCode::ConnectionsMax, |count| {
        format!(
            "the limit of {connections_max} connections is reached; further connections: {count}, of which the last {outcome}; raise \
             limits.connections_max ({wished}) and the number of open files that the edge may have"
        )
    });
    found.map(|(place, _)| place)
}

/// Waits for a slot that another connection releases soon.
async fn room(workers: &Arc<Workers>, connections_max: usize) -> Option<WorkerSlot> {
    for _ in 0..ROOM_LOOKS {
        tokio::time::sleep(ROOM_PAUSE).await;
        if let Some(place) = workers.slot(connections_max) {
            return Some(place);
        }
    }
    None
}

fn hand_over(
    stream: tokio::net::TcpStream,
    peer: SocketAddr,
    configured: &Listener,
    slot: WorkerSlot,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let stream = stream.into_std()?;
    slot.give(|slot| Accepted {
        stream,
        peer,
        configured: configured.clone(),
        slot,
    });
    Ok(())
}
