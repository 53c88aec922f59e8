//! Encodes the bytes of an object in a content coding, as long as that makes them fewer. Waits for the disk.

use bytes::Bytes;
use privet_cache::{CHUNK_SIZE_BYTES, Reservation};
use privet_distribution::caching::ContentCoding;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

const BROTLI_QUALITY: i32 = 5;
const GZIP_LEVEL: u32 = 6;
const ZSTD_LEVEL: i32 = 3;
const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// A part of the bytes to encode.
#[derive(Debug)]
pub(super) enum Part {
    Bytes(Bytes),
    File {
        file: Arc<File>,
        offset: u64,
        size_bytes: u64,
    },
}

/// The result of encoding.
#[derive(Debug)]
pub(super) enum Encoded {
    /// Fewer bytes, in chunks of the reservation's store.
    Smaller(Vec<Bytes>),
    /// No fewer bytes than before.
    NotSmaller,
}

/// Returns the memory that an encoder needs for an object of this size: a little more than was measured.
pub(super) fn working_size_bytes(size_bytes: u64, coding: ContentCoding) -> u64 {
    match coding {
        ContentCoding::Brotli => 3 * size_bytes + 3 * MIB,
        ContentCoding::Gzip => 512 * KIB,
        ContentCoding::Zstd => 2 * size_bytes.min(2 * MIB) + MIB,
    }
}

/// Encodes `parts`, which are `size_bytes` long together. The reservation is for the result.
///
/// Errors: a read failed, or the parts had another length ([`io::ErrorKind::UnexpectedEof`]).
pub(super) fn encode(
    parts: Vec<Part>,
    size_bytes: u64,
    coding: ContentCoding,
    reservation: Reservation,
) -> io::Result<Encoded> {
    let mut source = Source {
        parts: parts.into(),
        read_bytes: 0,
    };
    let mut chunks = Chunks {
        whole: Vec::new(),
        open: Vec::new(),
        room_bytes: size_bytes.saturating_sub(1),
        reservation,
    };
    let encoded = match coding {
        ContentCoding::Brotli => brotli(&mut source, &mut chunks, size_bytes),
        ContentCoding::Gzip => gzip(&mut source, &mut chunks),
        ContentCoding::Zstd => zstd(&mut source, &mut chunks, size_bytes),
    };
    match encoded {
        Err(error) if error.kind() == io::ErrorKind::StorageFull => Ok(Encoded::NotSmaller),
        Err(error) => Err(error),
        Ok(()) if source.read_bytes != size_bytes => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(()) => Ok(Encoded::Smaller(chunks.finish())),
    }
}

fn brotli(source: &mut Source, chunks: &mut Chunks, size_bytes: u64) -> io::Result<()> {
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        // A hint, by which the encoder picks its tables.
        size_hint: usize::try_from(size_bytes).unwrap_or(usize::MAX),
        ..Default::default()
    };
    brotli::BrotliCompress(source, chunks, &parameters).map(drop)
}

fn gzip(source: &mut Source, chunks: &mut Chunks) -> io::Result<()> {
    let level = flate2::Compression::new(GZIP_LEVEL);
    let mut encoder = flate2::write::GzEncoder::new(chunks, level);
    io::copy(source, &mut encoder)?;
    encoder.finish().map(drop)
}

fn zstd(source: &mut Source, chunks: &mut Chunks, size_bytes: u64) -> io::Result<()> {
    let mut encoder = zstd::Encoder::new(chunks, ZSTD_LEVEL)?;
    encoder.set_pledged_src_size(Some(size_bytes))?;
    io::copy(source, &mut encoder)?;
    encoder.finish().map(drop)
}

/// A reader of parts in their order.
struct Source {
    parts: VecDeque<Part>,
    read_bytes: u64,
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(part) = self.parts.front_mut() {
            let length = part.read(buffer)?;
            if length > 0 || buffer.is_empty() {
                self.read_bytes += length as u64;
                return Ok(length);
            }
            self.parts.pop_front();
        }
        Ok(0)
    }
}

impl Part {
    /// Reads from the front; returns 0 at the end of the part, and at the end of a file that has shrunk.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Part::Bytes(bytes) => {
                let length = bytes.len().min(buffer.len());
                buffer[..length].copy_from_slice(&bytes.split_to(length));
                Ok(length)
            }
            Part::File {
                file,
                offset,
                size_bytes,
            } => {
                let most = usize::try_from(*size_bytes).unwrap_or(usize::MAX);
                let most = most.min(buffer.len());
                let length = file.read_at(&mut buffer[..most], *offset)?;
                *offset += length as u64;
                *size_bytes -= length as u64;
                Ok(length)
            }
        }
    }
}

/// A writer that takes bytes as long as there is room, in counted chunks.
struct Chunks {
    whole: Vec<Bytes>,
    open: Vec<u8>,
    room_bytes: u64,
    reservation: Reservation,
}

impl Chunks {
    fn close(&mut self) {
        let mut chunk = std::mem::take(&mut self.open);
        if !chunk.is_empty() {
            // Spare capacity is not counted.
            chunk.shrink_to_fit();
            self.whole.push(self.reservation.chunk(chunk));
        }
    }

    fn finish(mut self) -> Vec<Bytes> {
        self.close();
        self.whole
    }
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.room_bytes < bytes.len() as u64 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let length = bytes.len().min(CHUNK_SIZE_BYTES - self.open.len());
        self.open.extend_from_slice(&bytes[..length]);
        self.room_bytes -= length as u64;
        if self.open.len() == CHUNK_SIZE_BYTES {
            self.close();
        }
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
