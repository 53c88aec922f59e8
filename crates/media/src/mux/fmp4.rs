//! Media segments of fMP4 (ISO 14496-12 8.8, and CMAF, ISO 23000-19): one track per file, one fragment per segment.

use bytes::Bytes;

use crate::mp4::{Sample, Samples, Track, TrackKind};
use crate::mux::boxes::{write_box, write_full_box, write_u32, write_u64};
use crate::part::Parts;
use crate::segmentation::{PlannedSegment, PlannedTrack};

/// Size of `styp`, `moof` and the header of `mdat`, without the rows of the samples.
const FIXED_SIZE_BYTES: u64 = 120;
/// Size of a row: duration, size, flags and composition offset.
const ROW_SIZE_BYTES: u64 = 16;
/// Size limit of the content of an `mdat` whose size is written in 32 bits.
const SHORT_CONTENT_SIZE_BYTES_MAX: u64 = u32::MAX as u64 - 8;
/// Flags of a sync sample: it depends on no other (ISO 14496-12 8.8.3.1).
const SYNC_FLAGS: u32 = 0x0200_0000;
/// Flags of other samples: they depend on others, and decoding does not begin with them.
const OTHER_FLAGS: u32 = 0x0101_0000;

/// Returns segment `number`, from 1, of a track of the segmentation: a header made here, then the ranges of the samples
/// in the object.
///
/// Returns `None` if the segmentation has no such segment.
pub fn media_segment(track: &Track, planned: &PlannedTrack, number: u32) -> Option<Parts> {
    let place = usize::try_from(number.checked_sub(1)?).ok()?;
    let segment = planned.segments.get(place)?;
    let columns = Columns::of(track, segment);
    let mut header = Vec::with_capacity(usize::try_from(columns.header_size_bytes(segment)).ok()?);
    let mut sources = Parts::default();
    write_segment_type(&mut header, segment);
    write_box(&mut header, *b"moof", |out| {
        write_full_box(out, *b"mfhd", 0, 0, |out| write_u32(out, number));
        write_box(out, *b"traf", |out| {
            write_fragment_header(out, track, &columns);
            write_full_box(out, *b"tfdt", 1, 0, |out| {
                write_u64(out, segment.decode_time);
            });
            write_run(out, track, segment, &columns, &mut sources);
        });
    });
    write_content_header(&mut header, segment.size_bytes);
    let mut parts = Parts::default();
    parts.push_bytes(Bytes::from(header));
    parts.append(sources);
    Some(parts)
}

/// Returns the size of the header before the first sample of a segment with this many samples: exact for a video track.
///
/// The header of other tracks is no longer.
pub fn media_segment_header_size_bytes(sample_count: u32) -> u64 {
    FIXED_SIZE_BYTES + ROW_SIZE_BYTES * u64::from(sample_count)
}

/// The fields given per sample, and those given once for all: most audio samples differ only in their size.
struct Columns {
    duration: Column,
    flags: Column,
    composition_offset: Column,
}

/// A field of the samples.
#[derive(Clone, Copy)]
enum Column {
    /// The field is in each row.
    EachSample,
    /// The field has this value in all samples, and is in `tfhd`. A composition offset of 0 is not even written there.
    Once(u32),
}

impl Columns {
    /// Puts all fields into each row for video, so that the size of the header follows from the number of samples
    /// alone.
    fn of(track: &Track, segment: &PlannedSegment) -> Columns {
        let mut samples = samples_of(track, segment);
        let (TrackKind::Audio | TrackKind::Text, Some(first)) = (track.kind, samples.next()) else {
            return Columns {
                duration: Column::EachSample,
                flags: Column::EachSample,
                composition_offset: Column::EachSample,
            };
        };
        let mut columns = Columns {
            duration: Column::Once(first.duration),
            flags: Column::Once(sample_flags(&first)),
            composition_offset: match first.composition_offset {
                0 => Column::Once(0),
                _ => Column::EachSample,
            },
        };
        for sample in samples {
            columns.duration.meet(sample.duration);
            columns.flags.meet(sample_flags(&sample));
            columns
                .composition_offset
                .meet(sample.composition_offset.cast_unsigned());
        }
        columns
    }

    /// Returns the fields of a sample's row.
    fn row(&self, sample: &Sample) -> [Option<u32>; 4] {
        let offset = sample.composition_offset.cast_unsigned();
        [
            self.duration.in_row(sample.duration),
            Some(sample.size_bytes),
            self.flags.in_row(sample_flags(sample)),
            self.composition_offset.in_row(offset),
        ]
    }

    fn header_size_bytes(&self, segment: &PlannedSegment) -> u64 {
        let in_header = self.duration.count_once() + self.flags.count_once();
        let fields = 4 - in_header - self.composition_offset.count_once();
        FIXED_SIZE_BYTES + 4 * in_header + 4 * fields * u64::from(segment.sample_count)
    }
}

impl Column {
    /// Moves the field into the rows if a sample has another value.
    fn meet(&mut self, value: u32) {
        if matches!(self, Column::Once(once) if *once != value) {
            *self = Column::EachSample;
        }
    }

    fn in_row(self, value: u32) -> Option<u32> {
        match self {
            Column::Once(_) => None,
            Column::EachSample => Some(value),
        }
    }

    fn once(self) -> Option<u32> {
        match self {
            Column::Once(value) => Some(value),
            Column::EachSample => None,
        }
    }

    fn count_once(self) -> u64 {
        u64::from(self.once().is_some())
    }
}

fn samples_of<'a>(track: &'a Track, segment: &PlannedSegment) -> std::iter::Take<Samples<'a>> {
    track
        .samples_at(&segment.cursor)
        .take(usize::try_from(segment.sample_count).unwrap_or(usize::MAX))
}

fn sample_flags(sample: &Sample) -> u32 {
    if sample.is_sync {
        SYNC_FLAGS
    } else {
        OTHER_FLAGS
    }
}

/// Returns the size of `styp`. A segment beyond 4 GiB has a longer header of `mdat`, and two brands fewer in `styp`, so
/// that the size of the whole header does not depend on the sizes of the samples.
fn segment_type_size_bytes(segment: &PlannedSegment) -> u64 {
    match segment.size_bytes {
        0..=SHORT_CONTENT_SIZE_BYTES_MAX => 24,
        _ => 16,
    }
}

fn write_segment_type(out: &mut Vec<u8>, segment: &PlannedSegment) {
    write_box(out, *b"styp", |out| {
        out.extend_from_slice(b"msdh\0\0\0\0");
        if segment.size_bytes <= SHORT_CONTENT_SIZE_BYTES_MAX {
            out.extend_from_slice(b"msdhcmfs");
        }
    });
}

fn write_content_header(out: &mut Vec<u8>, size_bytes: u64) {
    match u32::try_from(size_bytes.saturating_add(8)) {
        Ok(short) => {
            write_u32(out, short);
            out.extend_from_slice(b"mdat");
        }
        Err(_) => {
            write_u32(out, 1);
            out.extend_from_slice(b"mdat");
            write_u64(out, size_bytes.saturating_add(16));
        }
    }
}

fn write_fragment_header(out: &mut Vec<u8>, track: &Track, columns: &Columns) {
    let duration = columns.duration.once();
    let flags = columns.flags.once();
    // Offsets count from the start of `moof`.
    let mut header_flags = 0x02_0000;
    if duration.is_some() {
        header_flags |= 0x08;
    }
    if flags.is_some() {
        header_flags |= 0x20;
    }
    write_full_box(out, *b"tfhd", 0, header_flags, |out| {
        write_u32(out, track.number);
        for value in [duration, flags].into_iter().flatten() {
            write_u32(out, value);
        }
    });
}

/// Writes a `trun` in version 1, as composition offsets are signed.
fn write_run(
    out: &mut Vec<u8>,
    track: &Track,
    segment: &PlannedSegment,
    columns: &Columns,
    sources: &mut Parts,
) {
    // Data offset, size of each sample, and the other fields of its row.
    let mut run_flags = 0x0201;
    for (column, flag) in [
        (columns.duration, 0x0100),
        (columns.flags, 0x0400),
        (columns.composition_offset, 0x0800),
    ] {
        match column {
            Column::EachSample => run_flags |= flag,
            Column::Once(_) => {}
        }
    }
    // The distance from the start of `moof` to the end of `mdat`'s header.
    let data_at = columns.header_size_bytes(segment) - segment_type_size_bytes(segment);
    write_full_box(out, *b"trun", 1, run_flags, |out| {
        write_u32(out, segment.sample_count);
        write_u32(out, u32::try_from(data_at).unwrap_or(u32::MAX));
        for sample in samples_of(track, segment) {
            sources.push_source(sample.offset, u64::from(sample.size_bytes));
            for field in columns.row(&sample).into_iter().flatten() {
                write_u32(out, field);
            }
        }
    });
}
