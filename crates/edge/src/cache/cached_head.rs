//! Everything the cache knows of an object beside its bytes, and its encoding on disk.

use super::cache_request::Validator;
use http::header::{CONTENT_TYPE, DATE, ETAG, LAST_MODIFIED};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use privet_cache::Head;
use privet_distribution::caching::{DateStrength, LIFETIME_SIZE_BYTES, Lifetime, VaryNames};
use privet_distribution::parse_date;
use privet_distribution::response::Validators;
use privet_sign::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};

/// First byte of the encoding.
const ENCODING_VERSION: u8 = 2;
/// First byte of entries that do not say how strong their date is.
const ENCODING_VERSION_WITHOUT_STRENGTH: u8 = 1;

/// A name that tells one stored response from every other one.
pub(super) type Generation = [u8; 16];

/// The number of the last invalidation that is known not to cover an object.
#[derive(Debug, Default)]
pub(super) struct Cleared(AtomicU64);

impl Cleared {
    pub(super) fn seq(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn clear_up_to(&self, seq: u64) {
        self.0.fetch_max(seq, Ordering::Relaxed);
    }
}

impl Clone for Cleared {
    fn clone(&self) -> Self {
        Cleared(AtomicU64::new(self.seq()))
    }
}

/// The stored head of a response, or a marker that there are several.
#[derive(Clone, Debug)]
pub(crate) struct CachedHead {
    /// Cache key in full: a digest only helps to find the entry.
    pub(super) key: Vec<u8>,
    /// Id of the distribution, by which invalidations name the object together with `path` and `query`.
    pub(super) distribution_id: String,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) generation: Generation,
    pub(super) form: Form,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(super) lifetime: Lifetime,
    /// Strength of the date when the bytes arrived; a 304 does not change it.
    pub(super) date_strength: DateStrength,
    pub(super) cleared: Cleared,
}

/// Location of the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// No bytes: there are several responses, told apart by these fields of the request.
    Marker(VaryNames),
    /// Bytes that are stored with the head.
    Whole { size_bytes: u64 },
    /// Bytes in blocks, stored under the generation.
    Blocks {
        size_bytes: u64,
        block_size_bytes: u64,
    },
    /// Bytes that are still arriving, their number unknown; never stored.
    Growing { block_size_bytes: u64 },
}

impl CachedHead {
    /// Returns the object's size; `None` while it is not known, and for a marker.
    pub(crate) fn size_bytes(&self) -> Option<u64> {
        match self.form {
            Form::Whole { size_bytes } | Form::Blocks { size_bytes, .. } => Some(size_bytes),
            Form::Marker(_) | Form::Growing { .. } => None,
        }
    }

    /// Returns the value of `Age`.
    pub(crate) fn age_secs(&self, now: Timestamp) -> u64 {
        self.lifetime.age_secs(now)
    }

    pub(crate) fn content_type(&self) -> Option<&HeaderValue> {
        self.headers.get(CONTENT_TYPE)
    }

    /// Returns the size of a block in bytes, never 0. An object that is stored whole is a single block.
    pub(super) fn block_size_bytes(&self) -> u64 {
        match self.form {
            Form::Blocks {
                block_size_bytes, ..
            }
            | Form::Growing { block_size_bytes } => block_size_bytes,
            Form::Whole { size_bytes } => size_bytes.max(1),
            Form::Marker(_) => 1,
        }
    }

    /// Returns the validator to request further bytes with; `None` if they cannot be told from another version's.
    pub(super) fn validator(&self) -> Option<Validator> {
        Validator::of(&self.headers, self.date_strength)
    }

    /// Returns the validators for conditions and ranges; `None` while the size is not known.
    pub(crate) fn validators(&self) -> Option<Validators<'_>> {
        let text = |name: HeaderName| self.headers.get(name)?.to_str().ok();
        Some(Validators {
            size_bytes: self.size_bytes()?,
            etag: text(ETAG),
            last_modified: text(LAST_MODIFIED).and_then(parse_date),
            date_strength: self.date_strength,
            dated: text(DATE).and_then(parse_date),
        })
    }
}

impl Head for CachedHead {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(ENCODING_VERSION);
        push(out, &self.key);
        push(out, self.distribution_id.as_bytes());
        push(out, self.path.as_bytes());
        out.push(u8::from(self.query.is_some()));
        push(out, self.query.as_deref().unwrap_or_default().as_bytes());
        push_count(out, self.tags.len());
        for tag in &self.tags {
            push(out, tag.as_bytes());
        }
        out.extend_from_slice(&self.generation);
        self.form.encode(out);
        out.extend_from_slice(&self.status.as_u16().to_le_bytes());
        out.extend_from_slice(&self.lifetime.encode());
        push_count(out, self.headers.len());
        for (name, value) in &self.headers {
            push(out, name.as_str().as_bytes());
            push(out, value.as_bytes());
        }
        out.push(match self.date_strength {
            DateStrength::Weak => 0,
            DateStrength::Strong => 1,
        });
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let version = reader.byte()?;
        if ![ENCODING_VERSION, ENCODING_VERSION_WITHOUT_STRENGTH].contains(&version) {
            return None;
        }
        let key = reader.bytes()?.to_vec();
        let distribution_id = reader.text()?;
        let path = reader.text()?;
        let has_query = reader.byte()? == 1;
        let query = Some(reader.text()?).filter(|_| has_query);
        let tags = (0..reader.number()?)
            .map(|_| reader.text())
            .collect::<Option<Vec<_>>>()?;
        let generation = reader.array()?;
        let form = Form::decode(&mut reader)?;
        let status = StatusCode::from_u16(u16::from_le_bytes(reader.array()?)).ok()?;
        let lifetime = Lifetime::decode(&reader.array::<LIFETIME_SIZE_BYTES>()?)?;
        let mut headers = HeaderMap::new();
        for _ in 0..reader.number()? {
            let name = HeaderName::from_bytes(reader.bytes()?).ok()?;
            headers.append(name, HeaderValue::from_bytes(reader.bytes()?).ok()?);
        }
        let date_strength = match version {
            ENCODING_VERSION_WITHOUT_STRENGTH => DateStrength::Weak,
            _ => match reader.byte()? {
                0 => DateStrength::Weak,
                1 => DateStrength::Strong,
                _ => return None,
            },
        };
        Some(CachedHead {
            key,
            distribution_id,
            path,
            query,
            tags,
            generation,
            form,
            status,
            headers,
            lifetime,
            date_strength,
            cleared: Cleared::default(),
        })
    }

    fn size_bytes(&self) -> usize {
        let texts = self.key.len() + self.distribution_id.len() + self.path.len();
        let tags: usize = self.tags.iter().map(|tag| tag.len() + 24).sum();
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 104)
            .sum();
        size_of::<Self>() + texts + self.query.as_ref().map_or(0, String::len) + tags + headers
    }
}

impl Form {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Form::Marker(names) => {
                out.push(0);
                push(out, &names.encode());
            }
            Form::Whole { size_bytes } => {
                out.push(1);
                out.extend_from_slice(&size_bytes.to_le_bytes());
            }
            Form::Blocks {
                size_bytes,
                block_size_bytes,
            } => {
                out.push(2);
                out.extend_from_slice(&size_bytes.to_le_bytes());
                out.extend_from_slice(&block_size_bytes.to_le_bytes());
            }
            // This is never stored, and decoding rejects it.
            Form::Growing { .. } => out.push(u8::MAX),
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        match reader.byte()? {
            0 => VaryNames::decode(reader.bytes()?).map(Form::Marker),
            1 => Some(Form::Whole {
                size_bytes: u64::from_le_bytes(reader.array()?),
            }),
            2 => Some(Form::Blocks {
                size_bytes: u64::from_le_bytes(reader.array()?),
                block_size_bytes: u64::from_le_bytes(reader.array()?),
            })
            .filter(|form| {
                !matches!(
                    form,
                    Form::Blocks {
                        block_size_bytes: 0,
                        ..
                    }
                )
            }),
            _ => None,
        }
    }
}

fn push_count(out: &mut Vec<u8>, count: usize) {
    // Heads are far below 4 GiB, because everything in them is limited.
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    out.extend_from_slice(&count.to_le_bytes());
}

fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    push_count(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// The rest of an encoding, still to be read.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn number(&mut self) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(self.array()?)).ok()
    }

    fn bytes(&mut self) -> Option<&'b [u8]> {
        let length = self.number()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }
}
