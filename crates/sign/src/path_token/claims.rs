//! The claims of a path token, and their encoding.

use crate::confirmed::{path_use, query_use};
use crate::credentials::own_query;
use crate::grant::{MARK_SIZE_BYTES, PathTokenMark, PathUse, QueryUse};
use crate::ip::IpRange;
use crate::leniency::Leniency;
use crate::link_id::LinkId;
use crate::link_mark::{Limited, LimitedId, LinkMark, LinkNonce, SubjectDigest};
use crate::object::{Object, covers};
use crate::refusal::Refusal;
use crate::time::Timestamp;
use crate::viewer::ViewerUrl;

/// The content of a token, behind its MAC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claims<'a> {
    pub(super) coverage: Coverage<'a>,
    /// Set if the policy was read with [`Leniency::statement_object`].
    pub(super) statement_object: bool,
    pub(super) until: Timestamp,
    pub(super) ip: Option<IpRange>,
    /// Digests of the signature, for logs, and of the link.
    pub(super) signature_mark: PathTokenMark,
    /// Mark of the link, as the policy had it.
    pub(super) link_mark: Option<LinkMark>,
    /// SHA-256 of the public key.
    pub(super) key_digest: [u8; 32],
    pub(super) key_pair_id: &'a str,
}

/// The URLs that a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coverage<'a> {
    /// All URLs: a custom policy without resource.
    Everything,
    /// The resource of a custom policy.
    Pattern(&'a str),
    /// One URL, in which `*` and `?` are literal.
    Exactly(&'a str),
}

impl<'a> Coverage<'a> {
    /// Checks a URL. Refuses as [`crate::Verifier::url`] does: a signature over another URL does not verify.
    pub(super) fn check(&self, url: &ViewerUrl<'_>, leniency: &Leniency) -> Result<(), Refusal> {
        let query = own_query(url.query);
        let resource = match *self {
            Coverage::Everything => return Ok(()),
            Coverage::Exactly(exact) => {
                let mut hosts = url.hosts(leniency);
                let is_it = hosts.any(|host| url.exact(&host, &query).concat() == exact);
                return is_it.then_some(()).ok_or(Refusal::SignatureMismatch);
            }
            Coverage::Pattern(resource) => resource,
        };
        let object = Object::Url { url, query };
        covers(Some(resource), &object, leniency)
            .then_some(())
            .ok_or(Refusal::WrongResource)
    }

    /// Returns the use of the query. An exact URL has a `?` only in front of its query.
    pub(super) fn query_use(&self) -> QueryUse {
        query_use(self.resource())
    }

    pub(super) fn path_use(&self) -> PathUse {
        match *self {
            Coverage::Everything => PathUse::Ignored,
            Coverage::Exactly(_) => PathUse::Exact,
            Coverage::Pattern(text) => path_use(Some(text)),
        }
    }

    pub(super) fn resource(&self) -> Option<&'a str> {
        match *self {
            Coverage::Everything => None,
            Coverage::Pattern(text) | Coverage::Exactly(text) => Some(text),
        }
    }

    fn code(&self) -> u8 {
        match self {
            Coverage::Everything => 0,
            Coverage::Pattern(_) => 1,
            Coverage::Exactly(_) => 3,
        }
    }

    fn of_code(code: u8, text: &'a str) -> Option<Self> {
        match code {
            0 => text.is_empty().then_some(Coverage::Everything),
            1 => Some(Coverage::Pattern(text)),
            3 => Some(Coverage::Exactly(text)),
            _ => None,
        }
    }
}

/// Flag in the first byte, beside the code of the coverage: the policy was read with [`Leniency::statement_object`].
const STATEMENT_OBJECT: u8 = 0x10;
/// Flag in the first byte: an address range follows.
const WITH_IP: u8 = 0x20;
/// Flag in the first byte: the mark of the link follows.
const WITH_LINK_MARK: u8 = 0x40;

/// Flags in the first byte of a mark: an id and a nonce, the time it was made at, and the digest of a subject follow.
const LIMITED: u8 = 1;
const MADE: u8 = 2;
const SUBJECT: u8 = 4;

impl<'a> Claims<'a> {
    /// Size of the shortest claims: with an id of one character, and no optional part.
    pub(super) const SIZE_BYTES_MIN: usize =
        1 + 8 + MARK_SIZE_BYTES + LinkId::SIZE_BYTES + 32 + 1 + 1;

    /// Encodes first byte, expiry, address range, signature, link, mark of the link, digest of the key, length of the
    /// id, id, resource.
    pub(super) fn to_bytes(&self) -> Option<Vec<u8>> {
        let mut first = self.coverage.code();
        if self.statement_object {
            first |= STATEMENT_OBJECT;
        }
        if self.ip.is_some() {
            first |= WITH_IP;
        }
        if self.link_mark.is_some() {
            first |= WITH_LINK_MARK;
        }
        let mut bytes = vec![first];
        bytes.extend_from_slice(&self.until.as_secs().to_be_bytes());
        if let Some(ip) = self.ip {
            bytes.extend_from_slice(&ip.to_bytes());
        }
        bytes.extend_from_slice(&self.signature_mark.digest);
        bytes.extend_from_slice(self.signature_mark.link.as_bytes());
        if let Some(mark) = &self.link_mark {
            write_mark(mark, &mut bytes);
        }
        bytes.extend_from_slice(&self.key_digest);
        bytes.push(u8::try_from(self.key_pair_id.len()).ok()?);
        bytes.extend_from_slice(self.key_pair_id.as_bytes());
        bytes.extend_from_slice(self.coverage.resource().unwrap_or_default().as_bytes());
        Some(bytes)
    }

    /// Decodes claims. Returns `None` for bytes that [`Claims::to_bytes`] does not make.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (&[first], rest) = bytes.split_first_chunk()?;
        let (until, rest) = rest.split_first_chunk()?;
        let (ip, rest) = if first & WITH_IP == 0 {
            (None, rest)
        } else {
            let (range, rest) = rest.split_first_chunk()?;
            (Some(IpRange::from_bytes(range)?), rest)
        };
        let (digest, rest) = rest.split_first_chunk()?;
        let (link, rest) = rest.split_first_chunk()?;
        let (link_mark, rest) = if first & WITH_LINK_MARK == 0 {
            (None, rest)
        } else {
            let (mark, rest) = read_mark(rest)?;
            (Some(mark), rest)
        };
        let (key_digest, rest) = rest.split_first_chunk()?;
        let (&[length], rest) = rest.split_first_chunk()?;
        let (id, resource) = rest.split_at_checked(usize::from(length))?;
        let code = first & !(STATEMENT_OBJECT | WITH_IP | WITH_LINK_MARK);
        Some(Claims {
            coverage: Coverage::of_code(code, std::str::from_utf8(resource).ok()?)?,
            statement_object: first & STATEMENT_OBJECT != 0,
            until: Timestamp::from_secs(u64::from_be_bytes(*until)),
            ip,
            signature_mark: PathTokenMark {
                digest: *digest,
                link: LinkId(*link),
            },
            link_mark,
            key_digest: *key_digest,
            key_pair_id: std::str::from_utf8(id).ok()?,
        })
    }
}

fn write_mark(mark: &LinkMark, bytes: &mut Vec<u8>) {
    let flags = [
        (mark.limited.is_some(), LIMITED),
        (mark.made.is_some(), MADE),
        (mark.subject.is_some(), SUBJECT),
    ];
    let set = flags.iter().filter(|(is_set, _)| *is_set);
    bytes.push(set.fold(0, |first, (_, flag)| first | flag));
    if let Some(Limited { id, nonce }) = &mark.limited {
        bytes.extend_from_slice(id.as_bytes());
        bytes.extend_from_slice(nonce.as_bytes());
    }
    if let Some(made) = mark.made {
        bytes.extend_from_slice(&made.as_secs().to_be_bytes());
    }
    if let Some(subject) = &mark.subject {
        bytes.extend_from_slice(subject.as_bytes());
    }
}

/// Decodes a mark and returns what follows it. Returns `None` for bytes that [`write_mark`] does not make.
fn read_mark(bytes: &[u8]) -> Option<(LinkMark, &[u8])> {
    let (&[first], mut rest) = bytes.split_first_chunk()?;
    if first == 0 || first & !(LIMITED | MADE | SUBJECT) != 0 {
        return None;
    }
    let mut mark = LinkMark::default();
    if first & LIMITED != 0 {
        let (id, after) = rest.split_first_chunk()?;
        let (nonce, after) = after.split_first_chunk()?;
        rest = after;
        mark.limited = Some(Limited {
            id: LimitedId::from_bytes(*id),
            nonce: LinkNonce::from_bytes(*nonce),
        });
    }
    if first & MADE != 0 {
        let (made, after) = rest.split_first_chunk()?;
        rest = after;
        mark.made = Some(Timestamp::from_secs(u64::from_be_bytes(*made)));
    }
    if first & SUBJECT != 0 {
        let (subject, after) = rest.split_first_chunk()?;
        rest = after;
        mark.subject = Some(SubjectDigest::from_bytes(*subject));
    }
    Some((mark, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark() -> LinkMark {
        LinkMark {
            limited: Some(Limited {
                id: LimitedId::from_bytes([1; 16]),
                nonce: LinkNonce::from_bytes([2; 16]),
            }),
            made: Some(Timestamp::from_secs(1_900_000_000)),
            subject: Some(SubjectDigest::from_bytes([3; 16])),
        }
    }

    fn claims() -> Claims<'static> {
        Claims {
            coverage: Coverage::Exactly("https://h.de/a?b"),
            statement_object: true,
            until: Timestamp::from_secs(2_000_000_000),
            ip: IpRange::parse("192.0.2.0/24").ok(),
            signature_mark: PathTokenMark {
                digest: [7; MARK_SIZE_BYTES],
                link: LinkId([8; LinkId::SIZE_BYTES]),
            },
            link_mark: Some(mark()),
            key_digest: [9; 32],
            key_pair_id: "K2JCJMDEHXQW5F",
        }
    }

    #[test]
    fn cut_off_bytes_are_no_claims() {
        let bytes = claims().to_bytes().unwrap_or_default();
        let fixed = bytes.len() - "https://h.de/a?b".len();
        for end in 0..fixed {
            assert_eq!(Claims::read(&bytes[..end]), None, "{end}");
        }
        for first in [4, 0x80, 0xff] {
            let mut odd = bytes.clone();
            odd[0] = first;
            assert_eq!(Claims::read(&odd), None, "{first}");
        }
        // The claims have a resource where there must be none, then a range of 33 bits.
        let mut odd = bytes.clone();
        odd[0] = WITH_IP;
        assert_eq!(Claims::read(&odd), None);
        let mut odd = bytes;
        odd[13] = 33;
        assert_eq!(Claims::read(&odd), None);
    }

    /// The mark stands behind first byte, expiry, range, and the digests of signature and link.
    #[test]
    fn odd_marks_are_no_claims() {
        let bytes = claims().to_bytes().unwrap_or_default();
        let at = 1 + 8 + 5 + MARK_SIZE_BYTES + LinkId::SIZE_BYTES;
        assert_eq!(bytes[at], LIMITED | MADE | SUBJECT);
        for flags in [0, 8, 0x0f, 0xff] {
            let mut odd = bytes.clone();
            odd[at] = flags;
            assert_eq!(Claims::read(&odd), None, "{flags}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let resources = [
            Coverage::Everything,
            Coverage::Pattern("https://h.de/*"),
            Coverage::Pattern("http*://h.de/ä"),
            Coverage::Exactly("https://h.de/a?b"),
        ];
        let (limited, made) = (mark().limited, mark().made);
        let marks = [
            None,
            Some(mark()),
            Some(LinkMark {
                limited,
                ..LinkMark::default()
            }),
            Some(LinkMark {
                made,
                ..LinkMark::default()
            }),
            Some(LinkMark {
                made: None,
                ..mark()
            }),
        ];
        for (coverage, link_mark) in resources
            .into_iter()
            .flat_map(|coverage| marks.map(|mark| (coverage, mark)))
        {
            for (statement_object, ip) in [(false, None), (true, claims().ip)] {
                let claims = Claims {
                    coverage,
                    statement_object,
                    ip,
                    link_mark,
                    ..claims()
                };
                let bytes = claims.to_bytes().unwrap_or_default();
                assert_eq!(Claims::read(&bytes), Some(claims));
            }
        }
    }
}
