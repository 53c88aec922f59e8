//! Checks of the handshake, as a viewer of either form sees it.

use super::*;
use aws_lc_rs::hmac;

/// The bytes with which ffmpeg 5.1 begins a connection: C0, and C1 with a digest.
const FFMPEG: &[u8] = include_bytes!("../../../tests-data/rtmp_c1_ffmpeg.bin");

fn sha256(key: &[u8], data: &[u8]) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, data).as_ref().try_into().unwrap()
}

fn handshake() -> Handshake {
    let mut random = Box::new([0; RANDOM_SIZE_BYTES]);
    for (at, byte) in random.iter_mut().enumerate() {
        *byte = (at * 7 % 251) as u8;
    }
    Handshake::new(random, sha256)
}

/// Returns the reply to C0 and C1, which is the same however they are split.
fn answer(opening: &[u8]) -> Vec<u8> {
    let mut answers = Vec::new();
    for piece in [1, 7, 1536, 1537] {
        let mut handshake = handshake();
        let mut answer = None;
        for bytes in opening.chunks(piece) {
            let (taken, progress) = handshake.input(bytes).unwrap();
            assert_eq!(taken, bytes.len());
            if let Progress::Answer(bytes) = progress {
                assert_eq!(answer, None);
                answer = Some(bytes);
            }
        }
        answers.push(answer.unwrap());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

/// Makes C0 and C1 of a viewer that signs under `scheme`.
fn signed_opening(scheme: Scheme) -> Vec<u8> {
    let mut c1 = vec![0, 0, 0, 9, 128, 0, 7, 2];
    c1.extend((8..PACKET_SIZE_BYTES).map(|at| (at * 13 % 241) as u8));
    let at = scheme.digest_at(&c1);
    let digest = sha256(PLAYER_KEY, &[&c1[..at], &c1[at + 32..]].concat());
    c1[at..at + 32].copy_from_slice(&digest);
    [&[3], &c1[..]].concat()
}

/// Checks the reply as a viewer that wants H.264 does.
fn check_signed(opening: &[u8], scheme: Scheme) {
    let answer = answer(opening);
    assert_eq!(answer.len(), 1 + 2 * PACKET_SIZE_BYTES);
    let (s1, s2) = answer[1..].split_at(PACKET_SIZE_BYTES);
    assert_ne!(s1[PROGRAM], [0; 4]);
    let at = scheme.digest_at(s1);
    let rest = [&s1[..at], &s1[at + 32..]].concat();
    assert_eq!(s1[at..at + 32], sha256(&SERVER_KEY[..36], &rest));
    let c1 = &opening[1..];
    let at = scheme.digest_at(c1);
    let key = sha256(SERVER_KEY, &c1[at..at + 32]);
    let (body, digest) = s2.split_at(PACKET_SIZE_BYTES - 32);
    assert_eq!(digest, sha256(&key, body));
}

/// Checks the echo, which needs no keys.
fn check_plain(opening: &[u8]) {
    let answer = answer(opening);
    assert_eq!(answer[0], 3);
    assert_eq!(answer[1..9], [0; 8]);
    assert_eq!(answer[1 + PACKET_SIZE_BYTES..], opening[1..]);
}

#[test]
fn other_versions_are_refused_at_once() {
    for version in [0, 6, b'G', b'P', 0x16, 255] {
        let fault = handshake().input(&[version]);
        assert_eq!(fault, Err(Fault::NotRtmp(version)));
    }
}

#[test]
fn a_wrong_digest_gets_the_plain_form() {
    let mut opening = signed_opening(Scheme::DigestFirst);
    opening[1500] ^= 1;
    check_plain(&opening);
}

#[test]
fn the_plain_form() {
    let mut opening = vec![3, 1, 2, 3, 4, 0, 0, 0, 0];
    opening.extend([b'x'; RANDOM_SIZE_BYTES]);
    check_plain(&opening);
}

#[test]
fn both_places_of_the_digest() {
    for scheme in [Scheme::DigestFirst, Scheme::KeyFirst] {
        check_signed(&signed_opening(scheme), scheme);
    }
    check_signed(FFMPEG, Scheme::DigestFirst);
}

/// No sum of bytes gives a position outside the packet.
#[test]
fn the_digest_is_always_within() {
    for scheme in [Scheme::DigestFirst, Scheme::KeyFirst] {
        for sum in 0..=255 {
            let packet = [sum; PACKET_SIZE_BYTES];
            assert!(scheme.digest_at(&packet) + 32 <= PACKET_SIZE_BYTES);
        }
    }
}

#[test]
fn chunks_begin_behind_the_echo() {
    let mut handshake = handshake();
    let opening = signed_opening(Scheme::KeyFirst);
    let together = [&opening[..], &[0; PACKET_SIZE_BYTES], b"chunk"].concat();
    let (taken, _) = handshake.input(&together).unwrap();
    assert_eq!(taken, opening.len());
    let rest = &together[taken..];
    let first = handshake.input(&rest[..5]);
    assert_eq!(first, Ok((5, Progress::Waiting)));
    let last = handshake.input(&rest[5..]);
    assert_eq!(last, Ok((PACKET_SIZE_BYTES - 5, Progress::Complete)));
}
