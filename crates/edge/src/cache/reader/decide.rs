//! Decides where the next bytes of an object come from: memory, disk, a fill that is under way, or one that is begun.

use super::refill::Refill;
use super::{ATTEMPTS_MAX, ObjectReader, Purpose, ReadFault, Source};
use crate::cache::cached_head::Form;
use crate::cache::fetch::BLOCKS_PER_FETCH_MAX;
use crate::cache::fill::{Fill, Follower, Reach};
use crate::cache::sink::Sink;
use crate::origin::DiskWork;
use privet_cache::{Block, Lookup, Use};
use privet_distribution::Span;
use std::rc::Rc;
use std::sync::Arc;

/// What the store has of the block with the next byte.
enum BlockAt {
    /// The block, with that byte.
    Memory(Arc<Block>),
    /// A place on disk, yet to be looked for.
    Disk,
    /// A block that ends before that byte.
    TooShort,
    Missing,
}

impl ObjectReader {
    /// Finds a source for the byte at hand, or begins a fill; gives the block if that is in memory.
    ///
    /// What is stored is looked for before a fill, which would hold memory for each of its followers. An object whose
    /// end nobody knows is asked for its end before a block that is too short is thrown away: its last block is short
    /// for good reason. The store is asked once more after the fills: one that was under way at the first look may have
    /// ended before the second, and its block is in the store then.
    pub(super) fn decide(&mut self, purpose: Purpose) -> Result<Option<Arc<Block>>, ReadFault> {
        let found = match self.block_at(purpose) {
            BlockAt::Memory(block) => return Ok(Some(block)),
            found @ (BlockAt::Disk | BlockAt::TooShort | BlockAt::Missing) => found,
        };
        if self.end.is_none() && self.is_at_open_end() {
            return Ok(None);
        }
        if let Some(source) = self.source_of_whole() {
            self.source = source;
            return Ok(None);
        }
        match found {
            BlockAt::Disk => {
                self.open_block();
                return Ok(None);
            }
            BlockAt::TooShort => self.remove_block(),
            BlockAt::Memory(_) | BlockAt::Missing => {}
        }
        self.attempts += 1;
        if self.attempts > ATTEMPTS_MAX {
            return Err(ReadFault::Lost);
        }
        if self.joins_fill() {
            self.source = Source::Following;
            return Ok(None);
        }
        if !self.is_in_blocks() {
            self.find_whole_again()?;
            return Ok(None);
        }
        match self.block_at(purpose) {
            BlockAt::Memory(block) => return Ok(Some(block)),
            BlockAt::Disk => self.open_block(),
            BlockAt::TooShort => {
                self.remove_block();
                self.begin_fill()?;
            }
            BlockAt::Missing => self.begin_fill()?,
        }
        Ok(None)
    }

    /// What the store has of the block at hand. An object that is not kept in blocks has none.
    fn block_at(&self, purpose: Purpose) -> BlockAt {
        if !self.is_in_blocks() {
            return BlockAt::Missing;
        }
        let number = self.block_number();
        let usage = match purpose {
            Purpose::Take if self.counted_block != Some(number) => Use::Again,
            Purpose::Take | Purpose::LookAhead => Use::Sequential,
        };
        let store = &self.cache.shared.store;
        match store.block(&self.block_key(number), usage) {
            Lookup::Memory(block) if self.reaches_position(block.size_bytes()) => {
                BlockAt::Memory(block)
            }
            Lookup::Memory(_) => BlockAt::TooShort,
            Lookup::Disk(_) => BlockAt::Disk,
            Lookup::Absent => BlockAt::Missing,
        }
    }

    /// Begins to look for the block's place on disk.
    fn open_block(&mut self) {
        let number = self.block_number();
        let key = self.block_key(number);
        let start = number * self.object.head().block_size_bytes();
        let store = self.cache.shared.store.clone();
        let opening = DiskWork::start(move || store.body_on_disk(&key));
        self.source = Source::Opening(opening, start);
    }

    pub(super) fn remove_block(&self) {
        let key = self.block_key(self.block_number());
        self.cache.shared.store.remove(&key);
    }

    /// Follows the fill that has the byte at hand or will have it: the one at hand, or another.
    fn joins_fill(&mut self) -> bool {
        if self.follower.as_ref().is_some_and(Follower::is_within) {
            return true;
        }
        let reach = if self.is_whole_only() {
            Reach::Any
        } else {
            Reach::Near
        };
        let generation = &self.object.head().generation;
        let fills = &self.cache.shared.fills;
        self.follower = fills.follow(generation, self.position, reach);
        self.follower.is_some()
    }

    fn source_of_whole(&self) -> Option<Source> {
        if let Some(body) = &self.object.object.body {
            return Some(Source::With(body.clone()));
        }
        let body = self.object.on_disk.clone()?;
        (!self.is_in_blocks()).then_some(Source::Disk { body, start: 0 })
    }

    /// The body of a short object is with its head once its fill is over.
    fn find_whole_again(&mut self) -> Result<(), ReadFault> {
        let generation = self.object.head().generation;
        match self.cache.shared.store.object(&self.object.digest) {
            Lookup::Memory(object)
                if object.head.generation == generation && object.body.is_some() =>
            {
                self.object.object = object;
                Ok(())
            }
            Lookup::Memory(_) | Lookup::Disk(_) | Lookup::Absent => Err(ReadFault::Lost),
        }
    }

    /// The blocks that are to be fetched: from the one at hand up to what is stored, or under way, already.
    fn missing_span(&self, size_bytes: u64) -> Span {
        let head = self.object.head();
        let block = head.block_size_bytes();
        let first = self.block_number();
        let wanted_end = self.end.unwrap_or(size_bytes);
        let last = (wanted_end.div_ceil(block)).min(first + BLOCKS_PER_FETCH_MAX);
        let store = &self.cache.shared.store;
        let fills = &self.cache.shared.fills;
        let is_there = |number: &u64| {
            let stored = store.block(&self.block_key(*number), Use::Sequential);
            !matches!(stored, Lookup::Absent) || fills.come_by(&head.generation, number * block)
        };
        let missing = (first + 1..last).find(is_there).unwrap_or(last);
        Span {
            start: first * block,
            end: (missing * block).min(size_bytes),
        }
    }

    /// Fetches from the border of the block at hand up to what is stored already.
    fn begin_fill(&mut self) -> Result<(), ReadFault> {
        let head = self.object.head();
        let (Form::Blocks { size_bytes, .. }, Some(validator), Some(ask)) =
            (&head.form, head.validator(), &self.ask)
        else {
            // It has to be fetched whole again, by the next who asks.
            self.cache.shared.store.remove(&self.object.digest);
            return Err(ReadFault::Lost);
        };
        let size_bytes = *size_bytes;
        let span = self.missing_span(size_bytes);
        let fill = Fill::new(span.start, Some(span.end));
        let Some(follower) = fill.follow(self.position, Reach::Near) else {
            return Err(ReadFault::Lost);
        };
        self.counted_block = Some(self.block_number());
        self.follower = Some(follower);
        self.source = Source::Following;
        let generation = head.generation;
        self.cache.shared.fills.insert(generation, &fill);
        let sink = Sink::new(
            Arc::clone(&self.cache.shared),
            &self.object,
            Arc::clone(&fill),
            None,
        );
        let refill = Refill {
            cache: Rc::clone(&self.cache),
            ask: Rc::clone(ask),
            digest: self.object.digest,
            validator,
            size_bytes,
            span,
        };
        tokio::task::spawn_local(async move {
            if let Err(fault) = refill.run(sink).await {
                fill.finish(Err(fault));
            }
        });
        Ok(())
    }
}
