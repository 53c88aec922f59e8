//! Subtitles as WebVTT: of a track of the video, and of an object beside it.

use super::walk::{Opened, VTT_TYPE, VideoWalk};
use crate::answer_memory::GatheredBytes;
use crate::video::made::Made;
use crate::video::make_fault::{MakeFault, refused};
use crate::video::source::{ReadScope, VideoSource, too_large_text, ungathered};
use crate::video::text::{text, try_text};
use crate::video::whole_text::TextFault;
use bytes::Bytes;
use privet_distribution::request::Denial;
use privet_media::mp4::{Codec, Sample, Track};
use privet_media::playlist::{
    CUES_MAX, TEXT_SIZE_BYTES_MAX, vtt_checked, vtt_from_srt, vtt_from_tx3g, vtt_from_wvtt,
};
use privet_media::{Parts, Refusal};
use std::future::poll_fn;
use std::time::Duration;

/// Maximum size of subtitles that are checked before they are listed in a playlist.
const SHORT_SUBTITLES_SIZE_BYTES_MAX: usize = 128 * 1024;

impl VideoWalk<'_> {
    /// Makes `t3/subtitles.vtt`.
    pub(super) async fn track_subtitles(
        &self,
        opened: Opened,
        number: u32,
    ) -> Result<Made, MakeFault> {
        let Opened { source, video } = opened;
        let track = video.index.track(number).ok_or(Denial::NotFound)?;
        if !matches!(track.codec, Codec::Tx3g | Codec::WebVtt) {
            return Err(Denial::NotFound.into());
        }
        let parts = samples(track)?;
        let size_bytes = parts.size_bytes();
        let memory = &self.received.memory;
        let gathered = GatheredBytes::expecting(size_bytes, size_bytes, memory);
        let mut gathered = gathered.map_err(ungathered)?;
        let mut reader = source.reader(parts);
        while let Some(piece) = poll_fn(|context| reader.poll_next(usize::MAX, context)).await? {
            gathered.push(&piece).map_err(ungathered)?;
        }
        let bytes = gathered.end();
        let write = move || {
            let Some(track) = video.index.track(number) else {
                return String::new();
            };
            let cues = cues(track, bytes);
            if track.codec == Codec::WebVtt {
                vtt_from_wvtt(track.text_config(), cues)
            } else {
                vtt_from_tx3g(cues)
            }
        };
        let text = text(size_bytes, self.coding(), write).await?;
        Ok(self.text_made(text, VTT_TYPE, &source, None))
    }

    /// Makes `s-en/subtitles.vtt`.
    pub(super) async fn side_subtitles(&self, label: &str) -> Result<Made, MakeFault> {
        let set = self.set().await?;
        let mut subtitles = set.subtitles.iter();
        let subtitles = subtitles.find(|subtitles| subtitles.label == label);
        let subtitles = subtitles.ok_or(Denial::NotFound)?;
        let size_bytes_max = TEXT_SIZE_BYTES_MAX as u64;
        let wanted = ReadScope::Whole {
            size_bytes_max,
            memory: &self.received.memory,
        };
        let (source, path) = self.open_subtitles(subtitles, wanted).await?;
        let reading = source.read_text(size_bytes_max, &self.received.memory);
        let whole = match reading.await {
            Ok(whole) => whole,
            Err(TextFault::TooLarge) => return Err(Refusal::TooLarge("subtitles").into()),
            Err(TextFault::Make(fault)) => return Err(fault),
        };
        let kind = SideKind::of(path);
        let size_bytes = whole.bytes.len() as u64;
        let convert = move || kind.webvtt(&whole.bytes);
        let text = try_text(size_bytes, self.coding(), convert).await??;
        Ok(self.text_made(text, VTT_TYPE, &source, None))
    }

    /// Checks that an object opened for its presence is subtitles, if it is short and need not be fetched for that.
    ///
    /// Errors: it cannot be decoded, or is none.
    pub(super) async fn check_subtitles(
        &self,
        source: &VideoSource,
        path: &str,
    ) -> Result<(), Denial> {
        if source.size_bytes() > SHORT_SUBTITLES_SIZE_BYTES_MAX as u64 || source.is_head_alone() {
            return Ok(());
        }
        let size_bytes_max = TEXT_SIZE_BYTES_MAX as u64;
        let reading = source.read_text(size_bytes_max, &self.received.memory);
        let whole = match reading.await {
            Ok(whole) => whole,
            Err(TextFault::TooLarge) => return Err(too_large_text()),
            // These are listed unchecked.
            Err(TextFault::Make(MakeFault::Lost | MakeFault::Denied(Denial::CapacityExceeded))) => {
                return Ok(());
            }
            Err(TextFault::Make(MakeFault::Denied(denial))) => return Err(denial),
        };
        if whole.bytes.len() > SHORT_SUBTITLES_SIZE_BYTES_MAX {
            return Ok(());
        }
        let webvtt = SideKind::of(path).webvtt(&whole.bytes);
        webvtt.map(drop).map_err(|refusal| refused(&refusal))
    }
}

/// Format of subtitles beside a video, by the extension of their path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SideKind {
    WebVtt,
    SubRip,
}

impl SideKind {
    fn of(path: &str) -> Self {
        match path.to_ascii_lowercase().ends_with(".srt") {
            true => SideKind::SubRip,
            false => SideKind::WebVtt,
        }
    }

    fn webvtt(self, bytes: &[u8]) -> Result<String, Refusal> {
        match self {
            SideKind::WebVtt => vtt_checked(bytes),
            SideKind::SubRip => vtt_from_srt(bytes),
        }
    }
}

fn samples(track: &Track) -> Result<Parts, Refusal> {
    if track.sample_count as usize > CUES_MAX {
        return Err(Refusal::TooLarge("cues of the subtitles"));
    }
    let mut parts = Parts::default();
    for sample in track.samples() {
        parts.push_source(sample.offset, u64::from(sample.size_bytes));
    }
    if parts.size_bytes() > TEXT_SIZE_BYTES_MAX as u64 {
        return Err(Refusal::TooLarge("subtitles"));
    }
    Ok(parts)
}

/// Returns begin, end and bytes of every sample.
fn cues(track: &Track, mut bytes: Bytes) -> impl Iterator<Item = (Duration, Duration, Vec<u8>)> {
    let moment = |at: i64| {
        let units = u128::try_from(at).unwrap_or(0);
        let micros = units * 1_000_000 / u128::from(track.timescale.max(1));
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    };
    track.samples().map(move |sample: Sample| {
        let length = (sample.size_bytes as usize).min(bytes.len());
        let text = bytes.split_to(length).to_vec();
        let start = track.presentation_time(&sample);
        let end = start.saturating_add(i64::from(sample.duration));
        (moment(start), moment(end), text)
    })
}
