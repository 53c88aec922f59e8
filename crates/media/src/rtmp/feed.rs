//! Which message of a video is due.

use super::pacer::Pacer;
use crate::stream::Message;
use std::time::Duration;

/// What to do now for a viewer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Send this message.
    Send(Message),
    /// The viewer has enough for so long.
    Wait(Duration),
    /// Nothing until the viewer wants to go on.
    Paused,
    /// That was all.
    Over,
}

/// The messages of one play, in their time. The clock is the caller's: a time since any moment.
///
/// A play that begins within a video has times of its own: 0 is where it begins. So Adobe's server had it, and librtmp adds
/// what it asked for. The viewer's positions are times of the play as well.
#[derive(Debug)]
pub struct Feed<M> {
    messages: M,
    next: Option<Message>,
    /// The video's time at which the play has 0.
    origin_ms: u32,
    /// The video's time at which the play ends, where the viewer named one.
    end: Option<Duration>,
    pacer: Pacer,
    is_paused: bool,
    last_timestamp_ms: u32,
}

impl<M: Iterator<Item = Message>> Feed<M> {
    /// Begins at `start` of the video, of which `messages` may begin somewhat before; plays for `duration` if that is given.
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

    /// The video's time of a `position` in the play.
    pub fn video_time(&self, position: Duration) -> Duration {
        position.saturating_add(Duration::from_millis(self.origin_ms.into()))
    }

    /// Goes on from another `position`, with the messages from its [`Self::video_time`] on.
    pub fn seek(&mut self, messages: M, position: Duration, now: Duration) {
        self.messages = messages;
        self.pacer.restart(self.video_time(position), now);
        self.last_timestamp_ms = self.origin_ms;
        self.advance();
    }

    /// What the viewer wants to hold.
    pub fn set_buffer(&mut self, buffer: Duration) {
        self.pacer.set_buffer(buffer);
    }

    /// Stops sending until [`Self::resume`].
    pub fn pause(&mut self) {
        self.is_paused = true;
    }

    /// Goes on where it stopped, for a viewer who shows `position`, which is not beyond what it has.
    pub fn resume(&mut self, position: Duration, now: Duration) {
        self.is_paused = false;
        let last = Duration::from_millis(self.last_timestamp_ms.into());
        self.pacer.restart(self.video_time(position).min(last), now);
    }

    /// Whether a viewer at `position` has everything that was sent, and so needs nothing again.
    pub fn is_behind(&self, position: Duration) -> bool {
        Duration::from_millis(self.last_timestamp_ms.into()) <= self.video_time(position)
    }

    /// The time in the play of the message that comes next, or of the last one.
    pub fn timestamp_ms(&self) -> u32 {
        let next = self.next.as_ref();
        let time_ms = next.map_or(self.last_timestamp_ms, |message| message.timestamp_ms);
        time_ms.saturating_sub(self.origin_ms)
    }

    /// What to do at `now`.
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
                // Before the origin there is only what a seek to 0 brings again.
                timestamp_ms: message.timestamp_ms.saturating_sub(self.origin_ms),
                ..message
            }),
            None => Turn::Over,
        }
    }

    /// Gives the next message and looks at the one behind it.
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
