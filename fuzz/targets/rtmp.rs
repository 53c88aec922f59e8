//! The body of the fuzz target for RTMP: it may not panic, and must hold what is asserted here.
//!
//! The fuzz target and an ordinary test that runs the checked-in corpus share it.

use bytes::Bytes;
use privet_media::Parts;
use privet_media::rtmp::{Action, ConnectRefusal, PlayRefusal, Session, Start, path_of};
use privet_media::stream::{Message, MessageKind};
use std::time::Duration;

/// Size of C0, C1 and C2.
const HANDSHAKE_SIZE_BYTES: usize = 1 + 2 * 1536;
/// Largest response to one action, with its headers.
const ANSWER_SIZE_BYTES_MAX: u64 = 4096;
/// Largest number of bytes that one byte of the viewer may cause.
const REPLY_SIZE_BYTES_MAX: u64 = 32;

/// Fuzzes a viewer's bytes, once from the beginning and once after a handshake.
pub fn rtmp_session(bytes: &[u8]) {
    converse(bytes);
    let mut whole = vec![0; HANDSHAKE_SIZE_BYTES];
    whole[0] = 3;
    whole.extend_from_slice(bytes);
    converse(&whole);
}

fn converse(bytes: &[u8]) {
    let mut session = Session::new(Box::new([7; 1528]), |_, _| [0; 32]);
    let mut rest = bytes;
    let mut actions = 0;
    let mut sent = 0;
    while !rest.is_empty() {
        let Ok((taken, action)) = session.input(rest) else {
            return;
        };
        assert!(taken > 0, "bytes are taken in while nothing is asked");
        rest = &rest[taken..];
        if let Some(action) = action {
            actions += 1;
            if is_question(&action) {
                assert_eq!(session.input(rest), Ok((0, None)), "nothing is taken in");
            }
            answer(&mut session, &action, actions);
        }
        sent += session.take_output().size_bytes();
    }
    let received = bytes.len() as u64;
    let most = HANDSHAKE_SIZE_BYTES as u64 + actions * ANSWER_SIZE_BYTES_MAX;
    assert!(
        sent <= most + received * REPLY_SIZE_BYTES_MAX,
        "what is sent is bounded by what came"
    );
}

fn is_question(action: &Action) -> bool {
    match action {
        Action::Connect(_)
        | Action::Measure(_)
        | Action::Play(_)
        | Action::Seek(_)
        | Action::Resume(_) => true,
        Action::Pause(_) | Action::Buffer(_) | Action::Stop => false,
    }
}

/// Answers an action, in a way that depends on `turn`.
fn answer(session: &mut Session, action: &Action, turn: u64) {
    match action {
        Action::Connect(_) if turn.is_multiple_of(5) => {
            session.reject(ConnectRefusal::DistributionNotFound);
        }
        Action::Connect(_) => session.accept(),
        Action::Measure(measure) => {
            check_name(&measure.name.keys());
            session.measured(Duration::from_secs(60));
        }
        Action::Play(request) => {
            let keys = request.name.keys();
            check_name(&keys);
            for key in &keys {
                let resources = request.name.resources(key);
                assert!((1..=6).contains(&resources.len()), "few resources");
            }
            match turn % 3 {
                0 => session.refuse(PlayRefusal::NotFound),
                _ => play(session),
            }
        }
        Action::Seek(_) if turn.is_multiple_of(2) => session.refuse(PlayRefusal::Denied),
        Action::Seek(_) => play(session),
        Action::Resume(_) => match turn % 3 {
            0 => session.refuse(PlayRefusal::Denied),
            1 => session.resume(),
            _ => play(session),
        },
        Action::Pause(_) | Action::Buffer(_) | Action::Stop => {}
    }
}

fn play(session: &mut Session) {
    let message = |kind| {
        let mut body = Parts::default();
        body.push_bytes(Bytes::from_static(&[0x17, 1, 0, 0, 0]));
        body.push_source(4000, 1000);
        Message {
            kind,
            timestamp_ms: 0,
            body,
            is_key: true,
        }
    };
    session.start(&Start {
        metadata: Bytes::from_static(b"metadata"),
        headers: vec![message(MessageKind::Audio)],
        timestamp_ms: 0xfff_ffff,
    });
    session.media(&message(MessageKind::Video));
    session.finish();
}

fn check_name(keys: &[String]) {
    assert!((1..=2).contains(&keys.len()), "one key or two");
    for key in keys {
        let climbs = key
            .split(['/', '\\'])
            .any(|part| part == "." || part == "..");
        assert!(!climbs && !key.starts_with('/'), "no key climbs");
        assert!(
            !path_of(key).contains(['?', '#', ' ', '\\']),
            "a path is encoded"
        );
    }
}
