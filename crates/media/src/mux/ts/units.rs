//! The terms of a transport stream that its files share: packets, times, streams and units.

/// Size of every packet, ISO 13818-1 2.4.3.2.
pub const PACKET_SIZE_BYTES: usize = 188;
/// Times on the wire have 33 bits.
pub const TIME_MASK: u64 = (1 << 33) - 1;

/// Which of the two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// H.264.
    Picture,
    /// What goes with it.
    Audio,
}

/// A PES packet: one picture, or some frames of sound.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Where it belongs.
    pub stream: Stream,
    /// In 1/90,000 s, 33 bits.
    pub decode_time: u64,
    /// In 1/90,000 s, 33 bits.
    pub presentation_time: u64,
    /// Whether decoding may begin with it.
    pub is_sync: bool,
    /// Whether parameter sets stand before it.
    pub has_parameter_sets: bool,
    /// Frames in it, never 0.
    pub frame_count: u32,
    /// Header and content.
    pub size_bytes: u64,
    /// Packets at its end that carry a single byte.
    pub single_packets: u32,
}
