//! RTMP viewers: connections, the videos that play on them, their records in the log.
//!
//! The protocol is implemented in `privet-media`, and `privet-distribution` decides who may play what; videos are the
//! same objects, blocks and indexes that HLS and DASH are made of. A connection whose viewer does not speak RTMP is
//! closed silently.

mod connection;
mod events;
mod opening;
mod outgoing;
mod played_link;

use crate::answer_memory::ConnectionMemory;
use crate::connection::{AcceptedTls, accept_tls};
use crate::context::WorkerContext;
use crate::viewer_end::ViewerEnd;
use aws_lc_rs::hmac;
use connection::RtmpConnection;
use privet_media::rtmp::{RANDOM_SIZE_BYTES, Session};
use privet_sign::Scheme;
use std::rc::Rc;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Serves a plain connection to its end.
pub(crate) async fn serve_plain(stream: TcpStream, end: ViewerEnd, shared: Rc<WorkerContext>) {
    let memory = shared.connection_memory(end.peer, 0);
    let scheme = end.scheme();
    serve(stream, (end, scheme), memory, shared).await;
}

/// Performs the TLS handshake and serves the connection to its end. A failed handshake ends it quietly.
pub(crate) async fn serve_tls(stream: TcpStream, end: ViewerEnd, shared: Rc<WorkerContext>) {
    let state = shared.current();
    let accepted = accept_tls(stream, |_| state.rtmps_config(), end.peer, &shared).await;
    if let Some(accepted) = accepted {
        let AcceptedTls { stream, memory } = accepted;
        serve(stream, (end, Scheme::Https), memory, shared).await;
    }
}

async fn serve<S>(
    stream: S,
    (end, scheme): (ViewerEnd, Scheme),
    memory: Arc<ConnectionMemory>,
    shared: Rc<WorkerContext>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let session = Session::new(random(), hmac_sha256);
    let connection = RtmpConnection::new(stream, (session, memory), (end, scheme), shared);
    connection.serve().await;
}

/// Returns random bytes for a handshake. They are no secret: if the source of randomness fails, zeros serve.
fn random() -> Box<[u8; RANDOM_SIZE_BYTES]> {
    let mut bytes = Box::new([0; RANDOM_SIZE_BYTES]);
    let _ = aws_lc_rs::rand::fill(bytes.as_mut_slice());
    bytes
}

fn hmac_sha256(key: &[u8], data: &[u8]) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let tag = hmac::sign(&key, data);
    tag.as_ref().try_into().expect("SHA-256 has 32 bytes")
}
