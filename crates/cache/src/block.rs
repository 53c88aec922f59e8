//! What is kept: objects with their heads, and blocks of bytes.

use bytes::Bytes;

/// The most that one chunk of a body holds, so that a viewer who is slow keeps a chunk and not a block.
pub const CHUNK_SIZE_BYTES: usize = 64 * 1024;

/// What is known about an object beside its bytes. The store keeps it and gives it back, and reads nothing in it.
pub trait Head: Send + Sync + Sized + 'static {
    /// Appends the form that goes to disk.
    fn encode(&self, out: &mut Vec<u8>);
    /// Reads what [`Head::encode`] wrote; `None` when it is of a form that is no longer known.
    fn decode(bytes: &[u8]) -> Option<Self>;
    /// What it takes up in memory, itself and all that it owns.
    fn size_bytes(&self) -> usize;
}

/// Whether the chunks of a block are counted by the store they go into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Counting {
    /// Made by the store, and counted for as long as anybody holds them.
    Counted,
    /// Made elsewhere.
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
    /// Of chunks that no store has made; the store that the block is put into counts them from then on.
    ///
    /// [`crate::Store::block_of`] is for chunks of the store's own.
    pub fn new(chunks: Vec<Bytes>) -> Self {
        Block::with(chunks, Counting::Foreign)
    }

    /// Of chunks that are counted already.
    pub(crate) fn with(chunks: Vec<Bytes>, counting: Counting) -> Self {
        let size_bytes = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        Block {
            chunks,
            size_bytes,
            counting,
        }
    }

    /// The bytes in their order. No chunk is of any particular size, though a filler makes them
    /// [`CHUNK_SIZE_BYTES`] at most.
    pub fn chunks(&self) -> &[Bytes] {
        &self.chunks
    }

    /// How many bytes there are.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    pub(crate) fn counting(&self) -> Counting {
        self.counting
    }
}

/// A head, and the body where it is short.
#[derive(Clone, Debug)]
pub struct Object<H> {
    /// The caller's own.
    pub head: H,
    /// The number of the last invalidation that was known when the fetch of it began.
    pub seq: u64,
    /// The whole body; `None` when it is kept as blocks, or when there is none.
    pub body: Option<Block>,
}
