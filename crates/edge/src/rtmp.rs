//! RTMP viewers: connections, the films that play on them, their place in the log.
//!
//! What is said is decided in `privet-media`, who may play what in `privet-distribution`; films are the same objects, blocks
//! and indexes that HLS and DASH are made of. A connection is closed without a word where the viewer does not speak RTMP.

mod connection;
mod events;
mod opening;
mod outgoing;

use crate::answer_memory::ConnectionMemory;
use crate::context::WorkerContext;
use crate::tls::TlsNames;
use aws_lc_rs::hmac;
use connection::RtmpConnection;
use privet_media::rtmp::{RANDOM_SIZE_BYTES, Session};
use privet_sign::Scheme;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

/// Serves a plain connection to its end. With `ended_tls` the viewer spoke TLS to a balancer.
pub(crate) async fn serve_plain(
    stream: TcpStream,
    (peer, ended_tls): (SocketAddr, Option<TlsNames>),
    shared: Rc<WorkerContext>,
) {
    let memory = shared.connection_memory(peer, 0);
    let scheme = if ended_tls.is_some() {
        Scheme::Https
    } else {
        Scheme::Http
    };
    serve(stream, (peer, scheme), memory, shared).await;
}

/// Shakes hands and serves the connection to its end. A failed handshake ends it quietly.
pub(crate) async fn serve_tls(stream: TcpStream, peer: SocketAddr, shared: Rc<WorkerContext>) {
    let state = shared.current();
    let Some(config) = state.rtmps.clone() else {
        return;
    };
    let patience = state.snapshot.limits.tls_handshake_timeout;
    drop(state);
    let handshake = TlsAcceptor::from(config).accept(stream);
    let Ok(Ok(mut stream)) = tokio::time::timeout(patience, handshake).await else {
        return;
    };
    let (_, session) = stream.get_mut();
    let held_back_size_bytes = shared.answer_memory.tls_size_bytes_max();
    session.set_buffer_limit(Some(held_back_size_bytes as usize));
    let memory = shared.connection_memory(peer, held_back_size_bytes);
    serve(stream, (peer, Scheme::Https), memory, shared).await;
}

async fn serve<S>(
    stream: S,
    (peer, scheme): (SocketAddr, Scheme),
    memory: Arc<ConnectionMemory>,
    shared: Rc<WorkerContext>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let session = Session::new(random(), hmac_sha256);
    let connection = RtmpConnection::new(stream, (session, memory), (peer, scheme), shared);
    connection.serve().await;
}

/// Random bytes for a handshake. They are no secret: on a failing source of randomness zeros serve.
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
