//! How far ahead of its viewer a video may be: as much as the viewer wants to hold, and never a whole video.

use std::time::Duration;

/// What a viewer holds that does not say.
const BUFFER_FIRST: Duration = Duration::from_secs(3);
/// The most that a viewer may ask for. Some ask for ten hours, to have a whole video at the speed of the line.
const BUFFER_MAX: Duration = Duration::from_secs(30);
/// On top, so that the viewer's buffer is full while the next messages are on their way.
const LEAD: Duration = Duration::from_secs(1);
/// How much becomes due before the viewer is woken for: less than the lead, so that the buffer stays full.
const BATCH: Duration = Duration::from_millis(500);

/// Says which time of the video may have been sent by now. The clock is the caller's: a time since any moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pacer {
    buffer: Duration,
    /// The video's time that was shown at `began_at`.
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

    /// Goes on from another place.
    pub fn restart(&mut self, position: Duration, now: Duration) {
        self.position = position;
        self.began_at = now;
    }

    /// What the viewer wants to hold.
    pub fn set_buffer(&mut self, buffer: Duration) {
        self.buffer = buffer.min(BUFFER_MAX);
    }

    /// The video's time that the viewer shows at `now`, if it keeps up.
    pub fn shown(&self, now: Duration) -> Duration {
        self.position + now.saturating_sub(self.began_at)
    }

    /// How long to wait before sending what is due at `time` of the video; `None` when that is not too early.
    pub fn wait(&self, time: Duration, now: Duration) -> Option<Duration> {
        let reach = self.shown(now) + self.buffer + LEAD;
        let early = time.checked_sub(reach).filter(|early| !early.is_zero())?;
        Some(early + BATCH)
    }
}
