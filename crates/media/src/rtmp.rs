//! RTMP without IO: handshake, chunks, messages, and one viewer's session.
