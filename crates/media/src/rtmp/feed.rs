//! Decides which message of a video is due.

use super::pacer::Pacer;
use crate::stream::Message;
use std::time::Duration;

/// The next step for a viewer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Send this message.
    Send(Message),
    /// The viewer has enough for this long.
    Wait(Duration),
    /// Send nothing until the viewer resumes.
    Paused,
    /// All messages were sent.
    Over,
}

/// The messages of one play, each at its time. The clock is the caller's: a duration since any fixed moment.
///
/// A play that begins inside a video has its own timeline, whose 0 is where it begins. Adobe's server did the same, and
/// librtmp adds the position that it requested. The viewer's positions are times of the play as well.
#[derive(Debug)]
pub struct Feed<M> {
    messages: M,
    next: Option<Message>,
    /// Time in the video at which the play has 0.
    origin_ms: u32,
    /// Time in the video at which the play ends, if the viewer named one.
    end: Option<Duration>,
    pacer: Pacer,
    is_paused: bool,
    last_timestamp_ms: u32,
}

impl<M: Iterator<Item = Message>> Feed<M> {
    /// Begins at `start` of the video, before which `messages` may begin a little; plays for `duration` if that is
    /// given.
    pub fn new(messages: M, start: Duration, duration: Option<Duration>, now: Duration) -> Self {
        let mut feed = Feed {
            messages,
            next: None,
            origin_ms: 0,
            end: duration.map(|duration| start.saturating_add(duration)),
            pacer: Pacer::new(start, now),
            is_paused: false,
            last_timestamp_ms: 0,
        };
        feed.advance();
        if !start.is_zero() {
            feed.origin_ms = feed.next.as_ref().map_or(0, |message| message.timestamp_ms);
            feed.last_timestamp_ms = feed.origin_ms;
        }
        feed
    }

    /// Returns the time in the video of a `position` in the play.
    pub fn video_time(&self, position: Duration) -> Duration {
        position.saturating_add(Duration::from_millis(self.origin_ms.into()))
    }

    /// Continues from another `position`, with the messages from its [`Self::video_time`] on.
    pub fn seek(&mut self, messages: M, position: Duration, now: Duration) {
        self.messages = messages;
        self.pacer.restart(self.video_time(position), now);
        self.last_timestamp_ms = self.origin_ms;
        self.advance();
    }

    /// Sets the buffer that the viewer requests.
    pub fn set_buffer(&mut self, buffer: Duration) {
        self.pacer.set_buffer(buffer);
    }

    /// Stops sending until [`Self::resume`].
    pub fn pause(&mut self) {
        self.is_paused = true;
    }

    /// Continues where it stopped, for a viewer at `position`, which counts only up to the last message sent.
    pub fn resume(&mut self, position: Duration, now: Duration) {
        self.is_paused = false;
        let last = Duration::from_millis(self.last_timestamp_ms.into());
        self.pacer.restart(self.video_time(position).min(last), now);
    }

    /// Returns true if a viewer at `position` has played all that was sent, so that nothing has to be sent again.
    pub fn is_behind(&self, position: Duration) -> bool {
        Duration::from_millis(self.last_timestamp_ms.into()) <= self.video_time(position)
    }

    /// Returns the time in the play of the next message, or of the last one.
    pub fn timestamp_ms(&self) -> u32 {
        let next = self.next.as_ref();
        let time_ms = next.map_or(self.last_timestamp_ms, |message| message.timestamp_ms);
        time_ms.saturating_sub(self.origin_ms)
    }

    /// Returns what to do at `now`.
    pub fn turn(&mut self, now: Duration) -> Turn {
        if self.is_paused {
            return Turn::Paused;
        }
        let Some(message) = &self.next else {
            return Turn::Over;
        };
        let time = Duration::from_millis(message.timestamp_ms.into());
        if let Some(wait) = self.pacer.wait(time, now) {
            return Turn::Wait(wait);
        }
        self.last_timestamp_ms = message.timestamp_ms;
        match self.advance() {
            Some(message) => Turn::Send(Message {
                // Only a seek to 0 yields messages from before the origin.
                timestamp_ms: message.timestamp_ms.saturating_sub(self.origin_ms),
                ..message
            }),
            None => Turn::Over,
        }
    }

    /// Returns the next message, and reads the one after it.
    fn advance(&mut self) -> Option<Message> {
        let is_within = |message: &Message| {
            let time = Duration::from_millis(message.timestamp_ms.into());
            self.end.is_none_or(|end| time < end)
        };
        let following = self.messages.next().filter(is_within);
        std::mem::replace(&mut self.next, following)
    }
}

#[cfg(test)]
mod tests;
