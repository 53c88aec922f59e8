//! The server's side of the handshake: the plain echo, and the digests without which Flash does not play H.264.
//!
//! The plain form is section 5.2 of the specification. The other was never published; it is what all servers do:
//! 32 bytes within C1 are the HMAC-SHA256 of the rest under a well-known key, at a position that four other bytes give.

use super::fault::Fault;

/// A function that returns the HMAC-SHA256 of `data` under `key`.
pub type Hmac = fn(key: &[u8], data: &[u8]) -> [u8; DIGEST_SIZE_BYTES];

/// Number of random bytes that a handshake needs.
pub const RANDOM_SIZE_BYTES: usize = 1528;

const VERSION: u8 = 3;
const PACKET_SIZE_BYTES: usize = 1536;
const DIGEST_SIZE_BYTES: usize = 32;
/// Position of the viewer's program version, which is 0 if the viewer wants the plain form.
const PROGRAM: std::ops::Range<usize> = 4..8;

/// The public part of the viewer's key.
const PLAYER_KEY: &[u8] = b"Genuine Adobe Flash Player 001";
/// The whole of the server's key. Only its text signs S1.
const SERVER_KEY: &[u8] = b"Genuine Adobe Flash Media Server 001\
\xf0\xee\xc2\x4a\x80\x68\xbe\xe8\x2e\x00\xd0\xd1\x02\x9e\x7e\x57\x6e\xec\x5d\x2d\x29\x80\x6f\xab\x93\xb8\xe6\x36\xcf\xeb\x31\xae";
const SERVER_KEY_TEXT_SIZE_BYTES: usize = 36;
/// The server's own version; from 3 on viewers look for digests.
const SERVER_PROGRAM: [u8; 4] = [3, 5, 7, 9];

/// The two layouts of a packet, which differ in the position of the four bytes that give the digest's position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    DigestFirst,
    KeyFirst,
}

impl Scheme {
    /// Returns the position of the digest in a packet.
    fn digest_at(self, packet: &[u8]) -> usize {
        let place = match self {
            Scheme::DigestFirst => 8,
            Scheme::KeyFirst => 772,
        };
        let sum: usize = packet
            .iter()
            .skip(place)
            .take(4)
            .map(|byte| usize::from(*byte))
            .sum();
        sum % 728 + place + 4
    }
}

/// A handshake under way.
#[derive(Debug)]
pub(super) struct Handshake {
    random: Box<[u8; RANDOM_SIZE_BYTES]>,
    hmac: Hmac,
    /// Bytes of C0 and C1 received so far.
    received: Vec<u8>,
    /// Number of bytes of C2 still to come; their contents are ignored.
    echo_left: usize,
}

/// The state of a handshake.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// More bytes are needed.
    Waiting,
    /// S0, S1 and S2, to be sent now.
    Answer(Vec<u8>),
    /// Chunks follow.
    Complete,
}

impl Handshake {
    pub(super) fn new(random: Box<[u8; RANDOM_SIZE_BYTES]>, hmac: Hmac) -> Self {
        Handshake {
            random,
            hmac,
            received: Vec::new(),
            echo_left: PACKET_SIZE_BYTES,
        }
    }

    /// Consumes bytes, at most up to the next step; returns how many.
    pub(super) fn input(&mut self, bytes: &[u8]) -> Result<(usize, Progress), Fault> {
        let wanted = 1 + PACKET_SIZE_BYTES;
        if self.received.len() == wanted {
            let taken = bytes.len().min(self.echo_left);
            self.echo_left -= taken;
            let progress = match self.echo_left {
                0 => Progress::Complete,
                _ => Progress::Waiting,
            };
            return Ok((taken, progress));
        }
        let taken = bytes.len().min(wanted - self.received.len());
        self.received.extend_from_slice(&bytes[..taken]);
        if let Some(version) = self.received.first()
            && *version != VERSION
        {
            return Err(Fault::NotRtmp(*version));
        }
        if self.received.len() < wanted {
            return Ok((taken, Progress::Waiting));
        }
        Ok((taken, Progress::Answer(self.answer())))
    }

    fn answer(&self) -> Vec<u8> {
        let c1 = &self.received[1..];
        let signed = match c1[PROGRAM] {
            [0, 0, 0, 0] => None,
            _ => [Scheme::KeyFirst, Scheme::DigestFirst]
                .into_iter()
                .find_map(|scheme| Some((scheme, self.viewer_digest(c1, scheme)?))),
        };
        let mut answer = vec![VERSION];
        match signed {
            None => {
                answer.extend([0; 8]);
                answer.extend_from_slice(self.random.as_slice());
                answer.extend_from_slice(c1);
            }
            Some((scheme, digest)) => {
                answer.extend(self.signed_s1(scheme));
                answer.extend(self.signed_s2(digest));
            }
        }
        answer
    }

    /// Returns the digest within C1, if it is valid under `scheme`.
    fn viewer_digest<'a>(&self, c1: &'a [u8], scheme: Scheme) -> Option<&'a [u8]> {
        let at = scheme.digest_at(c1);
        let digest = c1.get(at..at + DIGEST_SIZE_BYTES)?;
        (self.digest_around(PLAYER_KEY, c1, at) == digest).then_some(digest)
    }

    /// Returns the HMAC of a packet without the digest at `at`.
    fn digest_around(&self, key: &[u8], packet: &[u8], at: usize) -> [u8; DIGEST_SIZE_BYTES] {
        let rest = [&packet[..at], &packet[at + DIGEST_SIZE_BYTES..]].concat();
        (self.hmac)(key, &rest)
    }

    fn signed_s1(&self, scheme: Scheme) -> Vec<u8> {
        let mut s1 = vec![0; 4];
        s1.extend(SERVER_PROGRAM);
        s1.extend_from_slice(self.random.as_slice());
        let at = scheme.digest_at(&s1);
        let digest = self.digest_around(&SERVER_KEY[..SERVER_KEY_TEXT_SIZE_BYTES], &s1, at);
        s1[at..at + DIGEST_SIZE_BYTES].copy_from_slice(&digest);
        s1
    }

    /// Makes S2, which proves that C1 was read: it is signed under a key derived from C1's digest.
    fn signed_s2(&self, viewer_digest: &[u8]) -> Vec<u8> {
        let mut s2 = self.random[..PACKET_SIZE_BYTES - DIGEST_SIZE_BYTES].to_vec();
        let key = (self.hmac)(SERVER_KEY, viewer_digest);
        let digest = (self.hmac)(&key, &s2);
        s2.extend(digest);
        s2
    }
}

#[cfg(test)]
mod tests;
