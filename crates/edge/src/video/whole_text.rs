//! Texts that are objects: read as a whole, counted, and without the content coding that they are stored in.

use super::decoding::{DecodeFault, decode};
use super::long_work::long_work;
use super::make_fault::MakeFault;
use super::source::{SourceContent, VideoSource, encoded_text};
use crate::answer_memory::{BodyMemory, GatherFault, GatheredBytes, charged};
use crate::cache::ReadFault;
use crate::origin::DiskWork;
use bytes::Bytes;
use privet_distribution::request::Denial;
use privet_media::Parts;
use std::future::poll_fn;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Maximum number of texts decoded at the same time: none is counted before its length is known.
const DECODINGS_MAX: usize = 4;

static DECODINGS: Semaphore = Semaphore::const_new(DECODINGS_MAX);

/// A text in memory, counted until no reference to its bytes is left.
pub(crate) struct WholeText {
    pub(crate) bytes: Bytes,
}

/// Reason why there is no text.
pub(crate) enum TextFault {
    /// The text is longer than allowed.
    TooLarge,
    Make(MakeFault),
}

impl From<Denial> for TextFault {
    fn from(denial: Denial) -> Self {
        TextFault::Make(denial.into())
    }
}

impl From<ReadFault> for TextFault {
    fn from(fault: ReadFault) -> Self {
        TextFault::Make(fault.into())
    }
}

impl From<GatherFault> for TextFault {
    fn from(fault: GatherFault) -> Self {
        match fault {
            GatherFault::TooLarge => TextFault::TooLarge,
            GatherFault::NoMemory => Denial::CapacityExceeded.into(),
        }
    }
}

/// Bytes that are UTF-8.
pub(crate) struct Utf8Bytes(Bytes);

impl Utf8Bytes {
    pub(crate) fn new(bytes: Bytes) -> Option<Self> {
        std::str::from_utf8(&bytes)
            .is_ok()
            .then_some(Utf8Bytes(bytes))
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("the bytes were looked at when it was made")
    }
}

impl VideoSource {
    /// Reads an object that was opened whole, at most `size_bytes_max` of it. Many may wait for the work on it, so it
    /// is counted by `memory` before it is read.
    ///
    /// Errors: it is longer, cannot be read or decoded, or there is no memory for it.
    pub(crate) async fn read_text(
        &self,
        size_bytes_max: u64,
        memory: &BodyMemory,
    ) -> Result<WholeText, TextFault> {
        if self.size_bytes() > size_bytes_max {
            return Err(TextFault::TooLarge);
        }
        let bytes = self.read_counted(memory).await?;
        if bytes.is_empty() || self.codings().is_plain() {
            return Ok(WholeText { bytes });
        }
        self.decoded(bytes, size_bytes_max, memory).await
    }

    async fn read_counted(&self, memory: &BodyMemory) -> Result<Bytes, TextFault> {
        let size_bytes = self.size_bytes();
        match self.content() {
            // It was counted when it arrived, or is in the memory of its folder.
            SourceContent::Memory(bytes) => Ok(bytes.clone()),
            SourceContent::File(..) | SourceContent::Cached { .. } if size_bytes == 0 => {
                Ok(Bytes::new())
            }
            SourceContent::File(file, _) => {
                let charge = memory.try_charge(size_bytes);
                let charge = charge.ok_or(Denial::CapacityExceeded)?;
                let file = Arc::clone(file);
                let reading = DiskWork::start(move || {
                    let bytes = file.read_whole(0, size_bytes);
                    bytes.map(|bytes| charged(bytes, charge))
                });
                let read = reading.await.map_err(|_| ReadFault::Lost)?;
                Ok(read.ok_or(ReadFault::Lost)?)
            }
            SourceContent::Cached { .. } => {
                let mut gathered = GatheredBytes::expecting(size_bytes, size_bytes, memory)?;
                let mut parts = Parts::default();
                parts.push_source(0, size_bytes);
                let mut reader = self.reader(parts);
                while let Some(piece) =
                    poll_fn(|context| reader.poll_next(usize::MAX, context)).await?
                {
                    gathered.push(&piece)?;
                }
                Ok(gathered.end())
            }
        }
    }

    async fn decoded(
        &self,
        bytes: Bytes,
        size_bytes_max: u64,
        memory: &BodyMemory,
    ) -> Result<WholeText, TextFault> {
        let codings = self.codings().codings.clone();
        let length_max = usize::try_from(size_bytes_max).unwrap_or(usize::MAX);
        let decoding = long_work(&DECODINGS, move || decode(bytes, &codings, length_max));
        let done = decoding.await?;
        match &done.result {
            Ok(bytes) => {
                let charge = memory.try_charge(bytes.len() as u64);
                let charge = charge.ok_or(Denial::CapacityExceeded)?;
                let bytes = charged(bytes.clone(), charge);
                Ok(WholeText { bytes })
            }
            Err(DecodeFault::TooLarge) => Err(TextFault::TooLarge),
            Err(DecodeFault::Undecodable) => Err(encoded_text().into()),
        }
    }
}
