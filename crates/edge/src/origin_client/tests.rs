//! Scripted origins on loopback, and what the client makes of them.
