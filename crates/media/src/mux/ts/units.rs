//! The definitions that the files of a transport stream share: packets, timestamps, streams and units.

/// Size of every packet, ISO 13818-1 2.4.3.2.
pub const PACKET_SIZE_BYTES: usize = 188;
/// Mask of timestamps, which have 33 bits.
pub const TIME_MASK: u64 = (1 << 33) - 1;

/// One of the two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// H.264.
    Picture,
    /// Audio.
    Audio,
}

/// A PES packet: one picture, or some frames of audio.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Stream of the unit.
    pub stream: Stream,
    /// Decode time, in 1/90,000 s, 33 bits.
    pub decode_time: u64,
    /// Presentation time, in 1/90,000 s, 33 bits.
    pub presentation_time: u64,
    /// True if decoding may begin with it.
    pub is_sync: bool,
    /// True if parameter sets precede it.
    pub has_parameter_sets: bool,
    /// Number of frames; never 0.
    pub frame_count: u32,
    /// Size of header and content.
    pub size_bytes: u64,
    /// Number of packets at its end that carry a single byte.
    pub single_packets: u32,
}
