//! Indexes of videos: each is read once for all viewers, and cached with its segmentation and description.

use super::folder_blocks::FolderBlocks;
use super::left_out::LeftOut;
use super::source::{Arrivals, VideoSource};
use crate::cache::ReadFault;
use crate::origin::DiskWork;
use crate::standard_error;
use bytes::Bytes;
use privet_distribution::config::VideosSettings;
use privet_distribution::logging::redact_viewer_text;
use privet_media::Refusal;
use privet_media::describe::{TsDescription, VideoDescription, describe, describe_ts};
use privet_media::mp4::{Index, Limits, Locator, Step};
use privet_media::segmentation::Segmentation;
use privet_media::stream::{FlvIndex, FlvLocator, Mp3Index, Mp3Locator, StreamIndex};
use privet_sign::Timestamp;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::Semaphore;

/// Time for which an object that yields no video is not read again.
const REFUSAL_TTL_SECS: u64 = 60;
/// Size from which an index is counted while it is read, and parsed on a thread of its own.
const LARGE_INDEX_SIZE_BYTES_MIN: u64 = MIB;
/// Memory that large indexes may take together in the form in which they are read.
const LARGE_INDEXES_SIZE_MIB_MAX: usize = 256;
const MIB: u64 = 1024 * 1024;
/// Expected size of an entry, a guess for the tables of the cache.
const VIDEO_SIZE_BYTES_EXPECTED: u64 = 256 * 1024;
/// Memory that an entry takes beside its index.
const ENTRY_SIZE_BYTES: usize = 512;

/// A video: everything needed to describe what is made of an object without reading it again.
#[derive(Debug)]
pub(crate) struct Video {
    pub(crate) index: Arc<Index>,
    pub(crate) segmentation: Segmentation,
    pub(crate) description: VideoDescription,
}

impl Video {
    /// Returns the contents of the transport stream's playlist; `None` when there is no transport stream.
    pub(crate) fn transport_stream(&self) -> Option<TsDescription> {
        describe_ts(&self.index, &self.segmentation)
    }
}

/// Reason why there is no video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum VideoFault {
    /// The object itself is unsuitable.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The object's bytes cannot be read.
    #[error("the object cannot be read")]
    Read(ReadFault),
}

impl From<ReadFault> for VideoFault {
    fn from(fault: ReadFault) -> Self {
        VideoFault::Read(fault)
    }
}

/// Kind of an object that RTMP sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum StreamKind {
    Mp4,
    Flv,
    Mp3,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum What {
    Index,
    Video { target: Duration },
    Stream(StreamKind),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct VideoKey {
    identity: [u8; 16],
    size_bytes: u64,
    what: What,
}

#[derive(Clone, Debug)]
enum Known {
    Index(Arc<Index>),
    Video(Arc<Video>),
    Stream(Arc<StreamIndex>),
    Refused(Refusal, Timestamp),
}

#[derive(Clone, Debug)]
struct ByMemory;

impl Weighter<VideoKey, Known> for ByMemory {
    fn weight(&self, _: &VideoKey, known: &Known) -> u64 {
        let size_bytes = match known {
            Known::Index(index) => index.size_bytes(),
            // The index is counted by its own entry, which every use of this one touches too.
            Known::Video(video) => {
                video.segmentation.size_bytes() + description_size_bytes(&video.description)
            }
            Known::Stream(stream) => stream.size_bytes(),
            Known::Refused(..) => 0,
        };
        (size_bytes + ENTRY_SIZE_BYTES) as u64
    }
}

/// Indexes of videos, for all workers.
#[derive(Debug)]
pub(crate) struct VideoIndexes {
    known: Cache<VideoKey, Known, ByMemory>,
    /// Limit on large indexes in memory, one permit for each mebibyte.
    large: Semaphore,
    blocks: Arc<FolderBlocks>,
    /// Objects whose end is not known yet.
    arrivals: Arc<Arrivals>,
    /// Members left out of sets that the operator was told of.
    pub(crate) left_out: LeftOut,
}

impl VideoIndexes {
    /// Returns the blocks of folders' files.
    pub(crate) fn blocks(&self) -> &Arc<FolderBlocks> {
        &self.blocks
    }

    /// Returns the objects without a length that viewers wait for.
    pub(crate) fn arrivals(&self) -> &Arc<Arrivals> {
        &self.arrivals
    }

    /// Creates a cache within the limits of `settings`, for the lifetime of the process.
    pub(crate) fn new(settings: &VideosSettings) -> Arc<Self> {
        let indexes_size_bytes_max = settings.index_memory_size_bytes_max as u64;
        let videos_max = indexes_size_bytes_max / VIDEO_SIZE_BYTES_EXPECTED;
        let options = OptionsBuilder::new()
            // A single shard, because the largest index has to fit into one.
            .shards(1)
            .estimated_items_capacity(usize::try_from(videos_max).unwrap_or(usize::MAX).max(1))
            .weight_capacity(indexes_size_bytes_max)
            .build()
            .expect("both capacities are given");
        Arc::new(VideoIndexes {
            known: Cache::with_options(
                options,
                ByMemory,
                DefaultHashBuilder::default(),
                DefaultLifecycle::default(),
            ),
            large: Semaphore::new(LARGE_INDEXES_SIZE_MIB_MAX),
            blocks: FolderBlocks::new(settings.block_memory_size_bytes_max as u64),
            arrivals: Arc::default(),
            left_out: LeftOut::default(),
        })
    }

    /// Returns the video of an object, cut into segments of about `target`.
    ///
    /// Errors: the object yields none, which is remembered for a while, or it cannot be read.
    pub(crate) async fn video(
        &self,
        source: &VideoSource,
        target: Duration,
        now: Timestamp,
    ) -> Result<Arc<Video>, VideoFault> {
        let index = self.index(source, now).await?;
        let indexed = Arc::clone(&index);
        let make = async {
            let planned = move || {
                let segmentation = Segmentation::of(&index, target, &Limits::default())?;
                let description = describe(&index, &segmentation);
                Ok::<_, Refusal>(Video {
                    index,
                    segmentation,
                    description,
                })
            };
            let video = off_the_worker(&indexed, planned).await??;
            tell_of_rare_key_frames(&video, source);
            Ok(Known::Video(Arc::new(video)))
        };
        match self
            .known(source, What::Video { target }, now, make)
            .await?
        {
            Known::Video(video) => Ok(video),
            Known::Index(_) | Known::Stream(_) | Known::Refused(..) => Err(wrong_kind()),
        }
    }

    /// Returns what RTMP sends of an object.
    ///
    /// Errors: as those of [`VideoIndexes::video`].
    pub(crate) async fn stream(
        &self,
        source: &VideoSource,
        kind: StreamKind,
        now: Timestamp,
    ) -> Result<Arc<StreamIndex>, VideoFault> {
        let make = async {
            let stream = match kind {
                StreamKind::Mp4 => {
                    let index = self.index(source, now).await?;
                    let indexed = Arc::clone(&index);
                    off_the_worker(&indexed, move || StreamIndex::of_mp4(index)).await??
                }
                StreamKind::Flv => self.read_flv(source).await.map(StreamIndex::Flv)?,
                StreamKind::Mp3 => self.read_mp3(source).await.map(StreamIndex::Mp3)?,
            };
            Ok(Known::Stream(Arc::new(stream)))
        };
        match self.known(source, What::Stream(kind), now, make).await? {
            Known::Stream(stream) => Ok(stream),
            Known::Index(_) | Known::Video(_) | Known::Refused(..) => Err(wrong_kind()),
        }
    }

    async fn index(&self, source: &VideoSource, now: Timestamp) -> Result<Arc<Index>, VideoFault> {
        let make = async { Ok(Known::Index(Arc::new(self.read_index(source).await?))) };
        match self.known(source, What::Index, now, make).await? {
            Known::Index(index) => Ok(index),
            Known::Video(_) | Known::Stream(_) | Known::Refused(..) => Err(wrong_kind()),
        }
    }

    /// Returns the cached entry, or the result of `make`, which runs once for all who wait. A failure to read is not
    /// cached.
    async fn known(
        &self,
        source: &VideoSource,
        what: What,
        now: Timestamp,
        make: impl Future<Output = Result<Known, VideoFault>>,
    ) -> Result<Known, VideoFault> {
        let key = VideoKey {
            identity: source.identity(),
            size_bytes: source.size_bytes(),
            what,
        };
        let is_over = |known: &Known| match known {
            Known::Refused(_, at) => now.as_secs() >= at.as_secs().saturating_add(REFUSAL_TTL_SECS),
            Known::Index(_) | Known::Video(_) | Known::Stream(_) => false,
        };
        let guard = loop {
            match self.known.get_value_or_guard_async(&key).await {
                Ok(known) if is_over(&known) => _ = self.known.remove_if(&key, is_over),
                Ok(Known::Refused(refusal, _)) => return Err(refusal.into()),
                Ok(known) => return Ok(known),
                Err(guard) => break guard,
            }
        };
        match make.await {
            Ok(known) => {
                // The result is good even if the cache has no room for it.
                let _ = guard.insert(known.clone());
                Ok(known)
            }
            Err(VideoFault::Refused(refusal)) => {
                let _ = guard.insert(Known::Refused(refusal, now));
                Err(refusal.into())
            }
            Err(VideoFault::Read(fault)) => Err(fault.into()),
        }
    }

    async fn read_index(&self, source: &VideoSource) -> Result<Index, VideoFault> {
        let locator = Locator::new(source.size_bytes(), Limits::default());
        self.locate(
            source,
            locator,
            Locator::step,
            Locator::supply,
            Locator::finish,
        )
        .await
    }

    async fn read_flv(&self, source: &VideoSource) -> Result<FlvIndex, VideoFault> {
        let locator = FlvLocator::new(source.size_bytes(), Limits::default());
        let (step, supply) = (FlvLocator::step, FlvLocator::supply);
        self.locate(source, locator, step, supply, FlvLocator::finish)
            .await
    }

    async fn read_mp3(&self, source: &VideoSource) -> Result<Mp3Index, VideoFault> {
        let locator = Mp3Locator::new(source.size_bytes(), Limits::default());
        let (step, supply) = (Mp3Locator::step, Mp3Locator::supply);
        self.locate(source, locator, step, supply, Mp3Locator::finish)
            .await
    }

    /// Reads the ranges that a locator needs, and lets it make the index: on a thread of its own when that takes a
    /// while.
    async fn locate<L: Send + 'static, I: Send + 'static>(
        &self,
        source: &VideoSource,
        mut locator: L,
        step: fn(&L) -> Step,
        supply: fn(&mut L, &[u8]) -> Result<(), Refusal>,
        finish: fn(L) -> Result<I, Refusal>,
    ) -> Result<I, VideoFault> {
        let mut permit = None;
        let mut read_bytes = 0;
        while let Step::Read(range) = step(&locator) {
            let length = range.end - range.start;
            read_bytes += length;
            if read_bytes >= LARGE_INDEX_SIZE_BYTES_MIN {
                let size_mib = u32::try_from(length.div_ceil(MIB)).unwrap_or(u32::MAX);
                let wanted = size_mib.min(LARGE_INDEXES_SIZE_MIB_MAX as u32);
                // Nobody waits for more permits while holding some, which would be a deadlock. The semaphore is never
                // closed.
                drop(permit.take());
                permit = self.large.acquire_many(wanted).await.ok();
            }
            let pieces = source.read(range).await?;
            if permit.is_none() {
                supply(&mut locator, &joined(pieces))?;
                continue;
            }
            // Copying megabytes into fresh memory would delay all other viewers.
            let supplying = DiskWork::start(move || {
                supply(&mut locator, &joined(pieces))?;
                Ok::<_, Refusal>(locator)
            });
            locator = supplying.await.map_err(|_| ReadFault::Lost)??;
        }
        let index = if permit.is_none() {
            finish(locator)
        } else {
            let making = DiskWork::start(move || finish(locator));
            making.await.map_err(|_| ReadFault::Lost)?
        };
        drop(permit);
        Ok(index?)
    }
}

/// Runs `work` at once for a small index, and on a thread of its own for a large one.
async fn off_the_worker<T: Send + 'static>(
    index: &Index,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ReadFault> {
    const SMALL_INDEX_SIZE_BYTES_MAX: usize = 256 * 1024;
    if index.size_bytes() <= SMALL_INDEX_SIZE_BYTES_MAX {
        return Ok(work());
    }
    DiskWork::start(work).await.map_err(|_| ReadFault::Lost)
}

fn joined(mut pieces: Vec<Bytes>) -> Bytes {
    if pieces.len() == 1 {
        return pieces.remove(0);
    }
    Bytes::from(pieces.concat())
}

/// Returns the fault for an entry of an unexpected kind, which cannot occur: each key gives one kind of entry. It is
/// treated as if the bytes were lost.
fn wrong_kind() -> VideoFault {
    VideoFault::Read(ReadFault::Lost)
}

/// Warns of rare key frames: players seek to key frames, and each segment lasts until the next one.
fn tell_of_rare_key_frames(video: &Video, source: &VideoSource) {
    const FAR: Duration = Duration::from_secs(30);
    let lead = video.segmentation.lead();
    let Some(track) = video.index.track(lead.number) else {
        return;
    };
    let longest = lead.segments.iter().map(|segment| segment.duration).max();
    let longest = Duration::from_secs(longest.unwrap_or(0) / u64::from(track.timescale.max(1)));
    if longest > FAR {
        standard_error::note(format_args!(
            "{} has key frames up to {} s apart, so players start slowly and seek badly; encode it with one every 2 s",
            redact_viewer_text(source.path()),
            longest.as_secs()
        ));
    }
}

fn description_size_bytes(description: &VideoDescription) -> usize {
    let tracks = description.tracks.iter().map(|track| {
        size_of_val(track)
            + size_of_val(track.segments.as_slice())
            + track
                .i_frames
                .as_ref()
                .map_or(0, |frames| size_of_val(frames.as_slice()))
    });
    tracks.sum()
}
