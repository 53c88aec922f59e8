//! Finds the frames of HTTP/2 in a stream of bytes that arrives in pieces. Reads frame headers, and two kinds of
//! payload.

/// Size of a frame header: length, type, flags and stream (RFC 9113 4.1).
const HEAD_SIZE_BYTES: usize = 9;
/// Size of the preface before the viewer's first frame (RFC 9113 3.4).
const PREFACE_SIZE_BYTES: usize = 24;
/// Maximum size of a payload that is read. Longer ones are refused anyway: the edge announces no larger frames.
const PAYLOAD_SIZE_BYTES_MAX: usize = 16 * 1024;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;

/// A frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHead {
    pub(super) length: usize,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

impl FrameHead {
    fn read(bytes: &[u8; HEAD_SIZE_BYTES]) -> Self {
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = *bytes;
        FrameHead {
            length: u32::from_be_bytes([0, l0, l1, l2]) as usize,
            kind,
            flags,
            // The reserved bit has no meaning.
            stream: u32::from_be_bytes([s0 & 0x7f, s1, s2, s3]),
        }
    }

    /// Returns END_STREAM of DATA and HEADERS; ACK of SETTINGS and PING.
    pub(super) fn has_first_flag(&self) -> bool {
        self.flags & 1 != 0
    }

    /// Returns END_HEADERS of HEADERS.
    pub(super) fn ends_headers(&self) -> bool {
        self.flags & 4 != 0
    }
}

/// A step of the scan.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ScanStep {
    /// A frame begins.
    Head(FrameHead),
    /// The payload of a SETTINGS or WINDOW_UPDATE frame is complete.
    Payload(FrameHead, Vec<u8>),
}

/// Position of the scan in the stream of bytes.
#[derive(Debug)]
pub(super) struct FrameScanner {
    head: [u8; HEAD_SIZE_BYTES],
    head_length: usize,
    /// Number of bytes still to come that belong to no header: of a payload, or of the preface.
    skip: usize,
    kept: Option<(FrameHead, Vec<u8>)>,
}

impl FrameScanner {
    /// Creates a scanner for what the viewer sends.
    pub(super) fn of_viewer() -> Self {
        FrameScanner {
            skip: PREFACE_SIZE_BYTES,
            ..FrameScanner::of_edge()
        }
    }

    /// Creates a scanner for what the edge sends.
    pub(super) fn of_edge() -> Self {
        FrameScanner {
            head: [0; HEAD_SIZE_BYTES],
            head_length: 0,
            skip: 0,
            kept: None,
        }
    }

    /// Returns true if the next byte begins a frame.
    pub(super) fn is_between_frames(&self) -> bool {
        self.head_length == 0 && self.skip == 0
    }

    /// Scans bytes up to the end of the next step, and returns how many; all of them if there is no step.
    pub(super) fn next(&mut self, bytes: &[u8]) -> (usize, Option<ScanStep>) {
        let mut taken = 0;
        if self.skip > 0 {
            taken = self.skip.min(bytes.len());
            self.skip -= taken;
            if let Some((_, payload)) = &mut self.kept {
                payload.extend_from_slice(&bytes[..taken]);
            }
        }
        if self.skip == 0 && self.kept.is_some() {
            let found = self
                .kept
                .take()
                .map(|(head, payload)| ScanStep::Payload(head, payload));
            return (taken, found);
        }
        let wanted = (HEAD_SIZE_BYTES - self.head_length).min(bytes.len() - taken);
        self.head[self.head_length..self.head_length + wanted]
            .copy_from_slice(&bytes[taken..taken + wanted]);
        self.head_length += wanted;
        taken += wanted;
        if self.head_length < HEAD_SIZE_BYTES {
            return (taken, None);
        }
        (taken, Some(ScanStep::Head(self.begin_payload())))
    }

    fn begin_payload(&mut self) -> FrameHead {
        let head = FrameHead::read(&self.head);
        self.head_length = 0;
        self.skip = head.length;
        let is_kept = matches!(head.kind, SETTINGS | WINDOW_UPDATE);
        if is_kept && (1..=PAYLOAD_SIZE_BYTES_MAX).contains(&head.length) {
            self.kept = Some((head, Vec::with_capacity(head.length)));
        }
        head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns all steps in `bytes` when they arrive `step` at a time.
    fn found(bytes: &[u8], step: usize) -> Vec<ScanStep> {
        let mut scanner = FrameScanner::of_edge();
        let mut all = Vec::new();
        for mut chunk in bytes.chunks(step) {
            while !chunk.is_empty() {
                let (taken, found) = scanner.next(chunk);
                all.extend(found);
                chunk = &chunk[taken..];
            }
        }
        assert!(scanner.is_between_frames());
        all
    }

    #[test]
    fn frames_are_found_however_they_are_cut() {
        let head = |length, kind, flags, stream| FrameHead {
            length,
            kind,
            flags,
            stream,
        };
        let bytes = b"\0\0\x03\0\x01\0\0\0\x05abc\0\0\0\x04\x01\0\0\0\0\0\0\x04\x08\0\x80\0\0\x07\0\0\0\x09";
        let expected = vec![
            ScanStep::Head(head(3, DATA, 1, 5)),
            ScanStep::Head(head(0, SETTINGS, 1, 0)),
            ScanStep::Head(head(4, WINDOW_UPDATE, 0, 7)),
            ScanStep::Payload(head(4, WINDOW_UPDATE, 0, 7), vec![0, 0, 0, 9]),
        ];
        for step in 1..=bytes.len() {
            assert_eq!(found(bytes, step), expected, "{step} at a time");
        }
    }
}
