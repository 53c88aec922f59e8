//! Packets of 188 bytes, ISO 13818-1 2.4.3.2.

use crate::mux::ts::units::{PACKET_SIZE_BYTES, Stream, TIME_MASK, Unit};

/// Size of the largest payload of a packet.
const CONTENT_SIZE_BYTES_MAX: usize = 184;
/// Size of the adaptation field with the clock, in the first packet of a picture: length, flags and six bytes.
const CLOCK_SIZE_BYTES: usize = 8;
/// PID of the video stream, which also has the clock.
pub const VIDEO_PID: u16 = 0x0100;
/// PID of the audio stream.
pub const AUDIO_PID: u16 = 0x0101;
/// Time by which a picture is sent before it is decoded, which a decoder has to buffer; in 1/90,000 s.
const CLOCK_LEAD: u64 = 63_000;

/// Returns the number of packets of a unit.
pub fn packet_count(stream: Stream, size_bytes: u64, single_packets: u32) -> u64 {
    let body = size_bytes.saturating_sub(u64::from(single_packets));
    let first = first_content_size_bytes(stream) as u64;
    let others = body.saturating_sub(first);
    1 + others.div_ceil(CONTENT_SIZE_BYTES_MAX as u64) + u64::from(single_packets)
}

fn first_content_size_bytes(stream: Stream) -> usize {
    match stream {
        Stream::Picture => CONTENT_SIZE_BYTES_MAX - CLOCK_SIZE_BYTES,
        Stream::Audio => CONTENT_SIZE_BYTES_MAX,
    }
}

/// Splits units into packets.
#[derive(Debug)]
pub struct PacketWriter {
    /// Continuity counters of the next packet of each stream.
    picture_counter: u8,
    audio_counter: u8,
    stream: Stream,
    /// Number of bytes of the unit that are in no packet yet, without those of the single-byte packets.
    body_bytes_left: u64,
    /// Room left in the packet that was begun last.
    room: usize,
    /// Fields for the first packet of the unit.
    start: Option<Start>,
    /// Incomplete packet between two calls.
    held: [u8; PACKET_SIZE_BYTES],
    held_size_bytes: usize,
    /// Offset in the output at which this call's packets begin.
    base: usize,
}

/// The fields of a unit's first packet.
#[derive(Clone, Copy, Debug)]
struct Start {
    clock: u64,
    is_sync: bool,
}

impl Default for PacketWriter {
    fn default() -> PacketWriter {
        PacketWriter {
            picture_counter: 0,
            audio_counter: 0,
            stream: Stream::Picture,
            body_bytes_left: 0,
            room: 0,
            start: None,
            held: [0; PACKET_SIZE_BYTES],
            held_size_bytes: 0,
            base: 0,
        }
    }
}

impl PacketWriter {
    /// Continues at the end of `out`, with the bytes that [`Self::pause`] held back.
    pub fn resume(&mut self, out: &mut Vec<u8>) {
        self.base = out.len();
        out.extend_from_slice(&self.held[..self.held_size_bytes]);
        self.held_size_bytes = 0;
    }

    /// Holds back a packet that is not full.
    pub fn pause(&mut self, out: &mut Vec<u8>) {
        self.held_size_bytes = (out.len() - self.base) % PACKET_SIZE_BYTES;
        let end = out.len() - self.held_size_bytes;
        self.held[..self.held_size_bytes].copy_from_slice(&out[end..]);
        out.truncate(end);
    }

    /// Counts packets of a stream that are not written.
    pub fn skip(&mut self, stream: Stream, count: u64) {
        let counter = match stream {
            Stream::Picture => &mut self.picture_counter,
            Stream::Audio => &mut self.audio_counter,
        };
        // The counter has four bits.
        *counter = (*counter + (count & 0x0f) as u8) & 0x0f;
    }

    /// Begins a unit, of which exactly its size must be written next.
    pub fn begin(&mut self, unit: &Unit) {
        self.stream = unit.stream;
        self.body_bytes_left = unit.size_bytes - u64::from(unit.single_packets);
        self.start = Some(Start {
            clock: unit.decode_time.wrapping_sub(CLOCK_LEAD) & TIME_MASK,
            is_sync: unit.is_sync,
        });
    }

    /// Writes the next bytes of the unit.
    pub fn write(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while !bytes.is_empty() {
            if self.room == 0 {
                let whole = self.write_full_packets(bytes, out);
                bytes = &bytes[whole..];
                if bytes.is_empty() {
                    return;
                }
                self.begin_packet(out);
            }
            let (piece, rest) = bytes.split_at(bytes.len().min(self.room));
            out.extend_from_slice(piece);
            self.room -= piece.len();
            bytes = rest;
        }
    }

    /// Writes packets without an adaptation field, as many as `bytes` fill, and returns how many bytes that took.
    fn write_full_packets(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> usize {
        if self.start.is_some() {
            return 0;
        }
        let body = usize::try_from(self.body_bytes_left).unwrap_or(usize::MAX);
        let available = bytes.len().min(body);
        let whole = available - available % CONTENT_SIZE_BYTES_MAX;
        for content in bytes[..whole].chunks_exact(CONTENT_SIZE_BYTES_MAX) {
            let mut packet = [0; PACKET_SIZE_BYTES];
            packet[..4].copy_from_slice(&self.packet_header(0, 0x10));
            packet[4..].copy_from_slice(content);
            out.extend_from_slice(&packet);
        }
        self.body_bytes_left -= whole as u64;
        whole
    }

    /// Writes the header of the next packet, with as much stuffing as the packet needs to be full.
    fn begin_packet(&mut self, out: &mut Vec<u8>) {
        let start = self.start.take();
        let capacity = match start {
            Some(_) => first_content_size_bytes(self.stream),
            None => CONTENT_SIZE_BYTES_MAX,
        };
        // The body is followed by packets of a single byte.
        let body = usize::try_from(self.body_bytes_left).unwrap_or(usize::MAX);
        let content = body.clamp(1, capacity);
        self.body_bytes_left = self.body_bytes_left.saturating_sub(content as u64);
        self.room = content;
        let unit_start = if start.is_some() { 0x40 } else { 0 };
        let adaptation = CONTENT_SIZE_BYTES_MAX - content;
        if adaptation == 0 {
            out.extend_from_slice(&self.packet_header(unit_start, 0x10));
            return;
        }
        out.extend_from_slice(&self.packet_header(unit_start, 0x30));
        let end = out.len() + adaptation;
        // The length is below 184.
        out.push((adaptation - 1) as u8);
        if adaptation > 1 {
            match start.filter(|_| self.stream == Stream::Picture) {
                Some(start) => out.extend_from_slice(&clock(start)),
                None => out.push(0),
            }
        }
        out.resize(end, 0xff);
    }

    /// Returns the first four bytes of the stream's next packet.
    fn packet_header(&mut self, unit_start: u8, adaptation: u8) -> [u8; 4] {
        let (pid, counter) = match self.stream {
            Stream::Picture => (VIDEO_PID, &mut self.picture_counter),
            Stream::Audio => (AUDIO_PID, &mut self.audio_counter),
        };
        let [pid_high, pid_low] = pid.to_be_bytes();
        let header = [0x47, unit_start | pid_high, pid_low, adaptation | *counter];
        *counter = (*counter + 1) & 0x0f;
        header
    }
}

/// Returns the flags of an adaptation field and the program clock reference, in 1/90,000 s with an extension of 0.
fn clock(start: Start) -> [u8; 7] {
    let flags = if start.is_sync { 0x50 } else { 0x10 };
    let [.., a, b, c, d, e, f] = (start.clock << 15 | 0x7e00).to_be_bytes();
    [flags, a, b, c, d, e, f]
}
