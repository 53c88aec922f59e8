//! State of a connection's streams as its frames show it: which side waits for the other, and who breaks the rules.
//!
//! Knows no socket and no clock; both are told to it. The rules are those of RFC 9113; h2 applies the rest of them.

use super::frame_scanner::{
    DATA, FrameHead, GOAWAY, HEADERS, PING, PRIORITY, RST_STREAM, SETTINGS, ScanStep, WINDOW_UPDATE,
};
use crate::pace::{Judgement, Least, Pace};
use std::collections::{HashMap, VecDeque};
use tokio::time::Instant;

/// Number of frames without a request that a viewer may send before it must request or read something.
const CREDIT_FRAMES_MAX: i64 = 4_096;
/// Credit that a request adds, less the one frame that it is.
const REQUEST_CREDIT_FRAMES: i64 = 4;
/// Cost of a reset: more than its request added, so that a viewer cannot request and cancel forever.
const RESET_COST_FRAMES: i64 = 12;
/// Bytes of DATA, in either direction, that add one frame to the credit: a viewer is expected to make room for at least
/// as many with one WINDOW_UPDATE for the stream or the connection.
const CREDIT_SIZE_BYTES: usize = 256;
/// Number of streams beyond the announced maximum, which h2 has yet to refuse.
const REFUSED_STREAMS_MAX: usize = 1_024;
/// Number of the streams last ended by the viewer that are remembered, to tell a late frame from a wrong one.
const ENDED_STREAMS_MAX: usize = 128;
/// Maximum size of trailers: they reach nobody, and h2 keeps them where no budget counts them. A field takes at least a
/// byte, so that this is also the maximum number of their fields.
const TRAILERS_SIZE_BYTES_MAX: usize = 128;
/// Number of responses sharing the connection's window up to which each must have the minimum rate: by default that
/// makes at most 8 KiB a second for all of them, so that viewers on slow lines may request many things at once.
const SHARING_MAX: u32 = 32;
/// Minimum size of a response's head that is not h2's own: its `X-Amz-Cf-Id` has 56 characters and is never indexed.
const OUR_HEAD_SIZE_BYTES_MIN: usize = 32;
/// Initial size of a flow-control window (RFC 9113 6.9.2).
const FIRST_WINDOW_SIZE_BYTES: i64 = 65_535;
const WINDOW_SIZE_BYTES_MAX: u32 = 0x7fff_ffff;
const INITIAL_WINDOW_SIZE: u16 = 4;

/// Error that ends a connection (RFC 9113 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectionError {
    FlowControl,
    StreamClosed,
    FrameSize,
    EnhanceYourCalm,
}

impl ConnectionError {
    pub(super) fn code(self) -> u32 {
        match self {
            ConnectionError::FlowControl => 3,
            ConnectionError::StreamClosed => 5,
            ConnectionError::FrameSize => 6,
            ConnectionError::EnhanceYourCalm => 11,
        }
    }
}

/// A response, or all of them, of which the viewer accepts nothing although there is something to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ignored {
    /// The viewer accepts nothing of any response.
    Connection { since: Instant },
    /// The viewer accepts nothing of this one.
    Stream { stream: u32, since: Instant },
}

impl Ignored {
    pub(super) fn since(self) -> Instant {
        match self {
            Ignored::Connection { since } | Ignored::Stream { since, .. } => since,
        }
    }
}

#[derive(Debug)]
struct Stream {
    /// Bytes that the viewer lets the edge send. Negative when the viewer's settings took back what was already sent.
    window_size_bytes: i64,
    /// Time when the viewer was last sent something; `None` before the response.
    taken: Option<Instant>,
    /// Pace at which the viewer reads the response; the edge waits for it while the stream's window is shut.
    pace: Pace,
}

impl Stream {
    /// Stops counting the wait if the viewer has opened the window.
    fn opened(&mut self, now: Instant) {
        if self.window_size_bytes > 0 {
            self.pace.pause(|| now);
        }
    }
}

/// The streams of a connection.
#[derive(Debug)]
pub(super) struct Streams {
    open: HashMap<u32, Stream>,
    ended: VecDeque<u32>,
    highest: u32,
    streams_max: usize,
    initial_window_size_bytes: i64,
    window_size_bytes: i64,
    /// Time when the viewer was last sent anything of a response's body.
    taken: Instant,
    /// Pace at which the viewer reads all responses together; the edge waits for it while the connection's window is
    /// shut.
    pace: Pace,
    /// Number of open streams whose response has begun.
    answers: u32,
    credit_frames: i64,
}

impl Streams {
    /// Creates the state of a new connection. `streams_max` is what the edge announces as
    /// SETTINGS_MAX_CONCURRENT_STREAMS.
    pub(super) fn new(streams_max: u32, now: Instant) -> Self {
        Streams {
            open: HashMap::new(),
            ended: VecDeque::new(),
            highest: 0,
            streams_max: streams_max as usize + REFUSED_STREAMS_MAX,
            initial_window_size_bytes: FIRST_WINDOW_SIZE_BYTES,
            window_size_bytes: FIRST_WINDOW_SIZE_BYTES,
            taken: now,
            pace: Pace::default(),
            answers: 0,
            credit_frames: CREDIT_FRAMES_MAX,
        }
    }

    /// Returns the highest stream number that the viewer has used.
    pub(super) fn highest(&self) -> u32 {
        self.highest
    }

    /// Returns true if no stream is open, so that none can be ignored.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Applies a frame that the viewer sent.
    pub(super) fn viewer_sent(
        &mut self,
        found: &ScanStep,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        match found {
            ScanStep::Head(head) => self.viewer_sent_head(head, now),
            ScanStep::Payload(head, payload) if head.kind == SETTINGS => {
                self.settings(payload, now)
            }
            ScanStep::Payload(head, payload) => {
                self.window_update(head.stream, payload, now);
                Ok(())
            }
        }
    }

    fn viewer_sent_head(&mut self, head: &FrameHead, now: Instant) -> Result<(), ConnectionError> {
        check_size(head)?;
        let is_late = matches!(head.kind, DATA | HEADERS) && self.ended.contains(&head.stream);
        if is_late {
            return Err(ConnectionError::StreamClosed);
        }
        self.spend(head)?;
        let is_trailers = head.kind == HEADERS && self.open.contains_key(&head.stream);
        if is_trailers && (head.length > TRAILERS_SIZE_BYTES_MAX || !head.ends_headers()) {
            return Err(ConnectionError::EnhanceYourCalm);
        }
        match head.kind {
            HEADERS => {
                self.open(head.stream, now)?;
                self.viewer_ends(head);
            }
            DATA => self.viewer_ends(head),
            RST_STREAM => {
                self.close(head.stream, now);
                self.remember_ended(head.stream);
            }
            _ => {}
        }
        Ok(())
    }

    /// Charges a frame: features that cost the edge more than the viewer need a limit (RFC 9113 10.5).
    fn spend(&mut self, head: &FrameHead) -> Result<(), ConnectionError> {
        let is_request = head.kind == HEADERS && head.stream > self.highest;
        self.credit_frames += match head.kind {
            HEADERS if is_request => REQUEST_CREDIT_FRAMES,
            RST_STREAM => -RESET_COST_FRAMES,
            DATA => (head.length / CREDIT_SIZE_BYTES) as i64 - 1,
            _ => -1,
        };
        self.credit_frames = self.credit_frames.min(CREDIT_FRAMES_MAX);
        if self.credit_frames < 0 {
            return Err(ConnectionError::EnhanceYourCalm);
        }
        Ok(())
    }

    fn open(&mut self, stream: u32, now: Instant) -> Result<(), ConnectionError> {
        if stream <= self.highest {
            return Ok(());
        }
        if self.open.len() >= self.streams_max {
            return Err(ConnectionError::EnhanceYourCalm);
        }
        self.highest = stream;
        if self.open.is_empty() {
            // A window that no stream needed was no wait.
            self.pace = Pace::default();
            if self.window_size_bytes <= 0 {
                self.pace.wait(|| now);
            }
        }
        let opened = Stream {
            window_size_bytes: self.initial_window_size_bytes,
            taken: None,
            pace: Pace::default(),
        };
        self.open.insert(stream, opened);
        Ok(())
    }

    fn viewer_ends(&mut self, head: &FrameHead) {
        if head.has_first_flag() {
            self.remember_ended(head.stream);
        }
    }

    fn remember_ended(&mut self, stream: u32) {
        if self.ended.len() == ENDED_STREAMS_MAX {
            self.ended.pop_front();
        }
        self.ended.push_back(stream);
    }

    /// Applies SETTINGS. If a value is set several times, the last one counts (RFC 9113 6.5.3): all streams are visited
    /// once per frame, however often the value occurs in it.
    fn settings(&mut self, payload: &[u8], now: Instant) -> Result<(), ConnectionError> {
        let mut last = None;
        for pair in payload.chunks_exact(6) {
            let id = u16::from_be_bytes([pair[0], pair[1]]);
            let value = u32::from_be_bytes([pair[2], pair[3], pair[4], pair[5]]);
            if id != INITIAL_WINDOW_SIZE {
                continue;
            }
            if value > WINDOW_SIZE_BYTES_MAX {
                return Err(ConnectionError::FlowControl);
            }
            last = Some(i64::from(value));
        }
        let Some(value) = last else { return Ok(()) };
        let change = value - self.initial_window_size_bytes;
        self.initial_window_size_bytes = value;
        for stream in self.open.values_mut() {
            stream.window_size_bytes += change;
            stream.opened(now);
            if stream.window_size_bytes <= 0 && stream.taken.is_some() {
                stream.pace.wait(|| now);
            }
        }
        Ok(())
    }

    fn window_update(&mut self, stream: u32, payload: &[u8], now: Instant) {
        let Ok(increment) = payload.try_into().map(u32::from_be_bytes) else {
            return;
        };
        let increment = i64::from(increment & WINDOW_SIZE_BYTES_MAX);
        if stream == 0 {
            self.window_size_bytes += increment;
            if self.window_size_bytes > 0 {
                self.pace.pause(|| now);
            }
        } else if let Some(stream) = self.open.get_mut(&stream) {
            stream.window_size_bytes += increment;
            stream.opened(now);
        }
    }

    /// Returns true if the edge's frame is h2's own response (431) to a head that is too large.
    pub(super) fn is_refusal_of_h2(&self, head: &FrameHead) -> bool {
        let stream = self.open.get(&head.stream);
        let is_first = stream.is_some_and(|stream| stream.taken.is_none());
        let is_short = head.length < OUR_HEAD_SIZE_BYTES_MIN;
        is_first && is_short && head.kind == HEADERS && head.has_first_flag()
    }

    /// Applies a frame that the edge sent.
    pub(super) fn edge_sent(&mut self, head: &FrameHead, now: Instant) {
        match head.kind {
            DATA => {
                let length = head.length as i64;
                self.window_size_bytes -= length;
                self.taken = now;
                self.pace.moved(head.length as u64, || now);
                if self.window_size_bytes <= 0 {
                    self.pace.wait(|| now);
                }
                self.credit_frames += (head.length / CREDIT_SIZE_BYTES) as i64;
                self.answered(head, length, now);
            }
            HEADERS => self.answered(head, 0, now),
            RST_STREAM => self.close(head.stream, now),
            _ => {}
        }
    }

    fn answered(&mut self, head: &FrameHead, length: i64, now: Instant) {
        if head.has_first_flag() {
            self.close(head.stream, now);
        } else if let Some(stream) = self.open.get_mut(&head.stream) {
            stream.window_size_bytes -= length;
            let is_first = stream.taken.replace(now).is_none();
            stream.pace.moved(head.length as u64, || now);
            if stream.window_size_bytes <= 0 {
                stream.pace.wait(|| now);
            }
            if is_first {
                self.answers += 1;
                self.share(now);
            }
        }
    }

    fn close(&mut self, stream: u32, now: Instant) {
        let closed = self.open.remove(&stream);
        if closed.is_some_and(|closed| closed.taken.is_some()) {
            self.answers -= 1;
            self.share(now);
        }
    }

    /// Divides the minimum rate: the responses share the connection's window, and none may hide behind the others.
    fn share(&mut self, now: Instant) {
        self.pace.shared_by(self.answers.min(SHARING_MAX), now);
    }

    /// Returns a response of which the viewer has read too little for its time, or all of them together.
    pub(super) fn too_slow(&mut self, now: Instant, least: &Least) -> Option<Ignored> {
        if self.answers > 0 && self.pace.judge_window(now, least) == Judgement::TooSlow {
            return Some(Ignored::Connection { since: now });
        }
        let mut open = self.open.iter_mut().map(|(number, stream)| {
            let judgement = stream.pace.judge_window(now, least);
            (*number, judgement)
        });
        let (stream, _) = open.find(|(_, judgement)| *judgement == Judgement::TooSlow)?;
        Some(Ignored::Stream { stream, since: now })
    }

    /// Closes a stream that the edge gives up.
    pub(super) fn given_up(&mut self, stream: u32, now: Instant) {
        self.close(stream, now);
    }

    /// Returns the stream that the viewer has ignored longest; `None` when the viewer holds up no response.
    pub(super) fn ignored(&self) -> Option<Ignored> {
        let is_shut =
            |stream: &Stream| stream.window_size_bytes <= 0 || self.window_size_bytes <= 0;
        let shut = self.open.iter().filter(|(_, stream)| is_shut(stream));
        let ignored: Vec<_> = shut
            .filter_map(|(number, stream)| Some((stream.taken?, *number)))
            .collect();
        let (since, stream) = ignored.iter().min().copied()?;
        if self.window_size_bytes <= 0 {
            // It is not the viewer's choice which stream got the last of the connection's window.
            let since = self.taken.max(since);
            return Some(Ignored::Connection { since });
        }
        if ignored.len() == self.open.len() && self.taken <= since {
            Some(Ignored::Connection { since })
        } else {
            Some(Ignored::Stream { stream, since })
        }
    }
}

/// Checks the sizes that some kinds of frames must have (RFC 9113 6.3 to 6.9). h2 refuses wrong ones as well, but names
/// no reason.
fn check_size(head: &FrameHead) -> Result<(), ConnectionError> {
    let is_right = match head.kind {
        PRIORITY => head.length == 5,
        RST_STREAM | WINDOW_UPDATE => head.length == 4,
        SETTINGS if head.has_first_flag() => head.length == 0,
        SETTINGS => head.length.is_multiple_of(6),
        PING => head.length == 8,
        GOAWAY => head.length >= 8,
        _ => true,
    };
    if is_right {
        Ok(())
    } else {
        Err(ConnectionError::FrameSize)
    }
}

#[cfg(test)]
mod tests;
