//! The claims of a path token, and their encoding.

use crate::confirmed::{path_use, query_use};
use crate::credentials::own_query;
use crate::grant::{MARK_SIZE_BYTES, PathTokenMark, PathUse, QueryUse};
use crate::ip::IpRange;
use crate::leniency::Leniency;
use crate::link_id::LinkId;
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
    pub(super) mark: PathTokenMark,
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

impl<'a> Claims<'a> {
    /// Size of the shortest claims: with an id of one character, and no optional part.
    pub(super) const SIZE_BYTES_MIN: usize =
        1 + 8 + MARK_SIZE_BYTES + LinkId::SIZE_BYTES + 32 + 1 + 1;

    /// Encodes first byte, expiry, address range, mark, link, digest of the key, length of the id, id, resource.
    pub(super) fn to_bytes(&self) -> Option<Vec<u8>> {
        let mut first = self.coverage.code();
        if self.statement_object {
            first |= STATEMENT_OBJECT;
        }
        if self.ip.is_some() {
            first |= WITH_IP;
        }
        let mut bytes = vec![first];
        bytes.extend_from_slice(&self.until.as_secs().to_be_bytes());
        if let Some(ip) = self.ip {
            bytes.extend_from_slice(&ip.to_bytes());
        }
        bytes.extend_from_slice(&self.mark.digest);
        bytes.extend_from_slice(self.mark.link.as_bytes());
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
        let (key_digest, rest) = rest.split_first_chunk()?;
        let (&[length], rest) = rest.split_first_chunk()?;
        let (id, resource) = rest.split_at_checked(usize::from(length))?;
        let code = first & !(STATEMENT_OBJECT | WITH_IP);
        Some(Claims {
            coverage: Coverage::of_code(code, std::str::from_utf8(resource).ok()?)?,
            statement_object: first & STATEMENT_OBJECT != 0,
            until: Timestamp::from_secs(u64::from_be_bytes(*until)),
            ip,
            mark: PathTokenMark {
                digest: *digest,
                link: LinkId(*link),
            },
            key_digest: *key_digest,
            key_pair_id: std::str::from_utf8(id).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims<'static> {
        Claims {
            coverage: Coverage::Exactly("https://h.de/a?b"),
            statement_object: true,
            until: Timestamp::from_secs(2_000_000_000),
            ip: IpRange::parse("192.0.2.0/24").ok(),
            mark: PathTokenMark {
                digest: [7; MARK_SIZE_BYTES],
                link: LinkId([8; LinkId::SIZE_BYTES]),
            },
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
        for first in [4, 0x40, 0xff] {
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

    #[test]
    fn what_is_written_is_read() {
        let resources = [
            Coverage::Everything,
            Coverage::Pattern("https://h.de/*"),
            Coverage::Pattern("http*://h.de/ä"),
            Coverage::Exactly("https://h.de/a?b"),
        ];
        for coverage in resources {
            for (statement_object, ip) in [(false, None), (true, claims().ip)] {
                let claims = Claims {
                    coverage,
                    statement_object,
                    ip,
                    ..claims()
                };
                let bytes = claims.to_bytes().unwrap_or_default();
                assert_eq!(Claims::read(&bytes), Some(claims));
            }
        }
    }
}
