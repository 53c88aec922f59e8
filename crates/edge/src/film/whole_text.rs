//! Texts that are objects: read as a whole, counted, and without the content coding that they are stored in.

use super::decoding::{DecodeFault, decode};
use super::make_fault::MakeFault;
use super::source::{FilmSource, encoded_text};
use crate::answer_memory::{BodyMemory, Charge};
use crate::origin::DiskWork;
use privet_distribution::Denial;
use tokio::sync::Semaphore;

/// How many texts may be decoded at the same time: none is counted before it is known how long it is.
const DECODINGS_MAX: usize = 4;

static DECODINGS: Semaphore = Semaphore::const_new(DECODINGS_MAX);

/// A text in memory, where it counts as long as it is held.
pub(crate) struct WholeText {
    pub(crate) bytes: Vec<u8>,
    _charge: Charge,
}

/// Why there is no text.
pub(crate) enum TextFault {
    /// It is longer than it may be.
    TooLarge,
    Make(MakeFault),
}

impl From<Denial> for TextFault {
    fn from(denial: Denial) -> Self {
        TextFault::Make(denial.into())
    }
}

impl FilmSource {
    /// Reads an object that was opened whole, `size_bytes_max` of it at most. Many may wait for what is done with it, so it
    /// is counted by `memory`.
    ///
    /// Errors: it is longer, cannot be read or decoded, or there is no memory for it.
    pub(crate) async fn read_text(
        &self,
        size_bytes_max: u64,
        memory: &BodyMemory,
    ) -> Result<WholeText, TextFault> {
        let size_bytes = self.size_bytes();
        if size_bytes > size_bytes_max {
            return Err(TextFault::TooLarge);
        }
        let charged = |length: u64| memory.try_charge(length).ok_or(Denial::CapacityExceeded);
        let charge = charged(size_bytes)?;
        let bytes = match size_bytes {
            0 => Vec::new(),
            _ => {
                let pieces = self.read(0..size_bytes).await;
                pieces
                    .map_err(|fault| TextFault::Make(fault.into()))?
                    .concat()
            }
        };
        if bytes.is_empty() || self.codings().is_plain() {
            return Ok(WholeText {
                bytes,
                _charge: charge,
            });
        }
        let bytes = self.decoded(bytes, size_bytes_max).await?;
        Ok(WholeText {
            _charge: charged(bytes.len() as u64)?,
            bytes,
        })
    }

    async fn decoded(&self, bytes: Vec<u8>, size_bytes_max: u64) -> Result<Vec<u8>, TextFault> {
        let codings = self.codings().codings.clone();
        let length_max = usize::try_from(size_bytes_max).unwrap_or(usize::MAX);
        // It is never closed.
        let permit = DECODINGS.acquire().await;
        let decoding = DiskWork::start(move || decode(bytes, &codings, length_max)).await;
        drop(permit);
        match decoding {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(DecodeFault::TooLarge)) => Err(TextFault::TooLarge),
            Ok(Err(DecodeFault::Undecodable)) => Err(encoded_text().into()),
            Err(_) => Err(Denial::CapacityExceeded.into()),
        }
    }
}
