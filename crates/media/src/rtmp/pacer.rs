//! Bounds how far ahead of its viewer a video is sent: by what the viewer wants to buffer, and never a whole video.

use std::time::Duration;

/// Buffer of a viewer that does not name one.
const BUFFER_FIRST: Duration = Duration::from_secs(3);
/// The largest buffer that a viewer may request. Some request ten hours, to get a whole video at line speed.
const BUFFER_MAX: Duration = Duration::from_secs(30);
/// Extra time, so that the viewer's buffer is full while the next messages are on their way.
const LEAD: Duration = Duration::from_secs(1);
/// Time to accumulate before the viewer is served again: less than the lead, so that the buffer stays full.
const BATCH: Duration = Duration::from_millis(500);

/// Says up to which time of the video messages may have been sent. The clock is the caller's: a duration since any
/// fixed moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pacer {
    buffer: Duration,
    /// Time in the video that was shown at `began_at`.
    position: Duration,
    began_at: Duration,
}

impl Pacer {
    /// Begins to show `position` at `now`.
    pub fn new(position: Duration, now: Duration) -> Pacer {
        Pacer {
            buffer: BUFFER_FIRST,
            position,
            began_at: now,
        }
    }

    /// Continues from another position.
    pub fn restart(&mut self, position: Duration, now: Duration) {
        self.position = position;
        self.began_at = now;
    }

    /// Sets the buffer that the viewer requests, up to 30 s.
    pub fn set_buffer(&mut self, buffer: Duration) {
        self.buffer = buffer.min(BUFFER_MAX);
    }

    /// Returns the time in the video that the viewer shows at `now`, if it keeps up.
    pub fn shown(&self, now: Duration) -> Duration {
        self.position + now.saturating_sub(self.began_at)
    }

    /// Returns how long to wait before sending a message of `time` in the video; `None` if it is due.
    pub fn wait(&self, time: Duration, now: Duration) -> Option<Duration> {
        let reach = self.shown(now) + self.buffer + LEAD;
        let early = time.checked_sub(reach).filter(|early| !early.is_zero())?;
        Some(early + BATCH)
    }
}
