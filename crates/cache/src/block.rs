//! The stored values: objects with their heads, and blocks of bytes.

use bytes::Bytes;

/// Maximum size of a chunk of a body, so that a slow viewer holds a chunk and not a block.
pub const CHUNK_SIZE_BYTES: usize = 64 * 1024;

/// The caller's metadata of an object. The store keeps it and returns it, and reads nothing in it.
pub trait Head: Send + Sync + Sized + 'static {
    /// Appends the encoding that goes to disk.
    fn encode(&self, out: &mut Vec<u8>);
    /// Decodes what [`Head::encode`] wrote. Returns `None` if the encoding is no longer supported.
    fn decode(bytes: &[u8]) -> Option<Self>;
    /// Returns the memory that the head takes up, including all that it owns.
    fn size_bytes(&self) -> usize;
}

/// The accounting of a block's chunks against the store's memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Counting {
    /// Chunks made by the store, and counted for as long as they are held.
    Counted,
    /// Chunks made elsewhere.
    #[default]
    Foreign,
}

/// Bytes in chunks. A clone shares them.
#[derive(Clone, Debug, Default)]
pub struct Block {
    chunks: Vec<Bytes>,
    size_bytes: u64,
    counting: Counting,
}

impl Block {
    /// Makes a block of chunks that no store has made. The store that the block is put into counts them from then on.
    ///
    /// Use [`crate::CacheStore::block_of`] for chunks that the store itself made.
    pub fn new(chunks: Vec<Bytes>) -> Self {
        Block::with(chunks, Counting::Foreign)
    }

    /// Makes a block of chunks with the given accounting.
    pub(crate) fn with(chunks: Vec<Bytes>, counting: Counting) -> Self {
        let size_bytes = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        Block {
            chunks,
            size_bytes,
            counting,
        }
    }

    /// Returns the bytes in order. The chunks have no particular size, though a filler makes them
    /// [`CHUNK_SIZE_BYTES`] at most.
    pub fn chunks(&self) -> &[Bytes] {
        &self.chunks
    }

    /// Returns the number of bytes.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    pub(crate) fn counting(&self) -> Counting {
        self.counting
    }
}

/// A head, with the body if it is short.
#[derive(Clone, Debug)]
pub struct Object<H> {
    /// The caller's metadata.
    pub head: H,
    /// Number of the last invalidation that was known when the object's fetch began.
    pub seq: u64,
    /// The whole body; `None` if it is stored as blocks, or if there is none.
    pub body: Option<Block>,
}
