//! Executes the commands of a connection's viewer.

use super::{Motion, Play, RtmpConnection};
use crate::rtmp::events::{Caller, LogFull};
use crate::rtmp::opening::{NotPlayed, OpenVideo};
use privet_distribution::logging::StreamEvent;
use privet_distribution::request::{Denial, StreamDenial, route_stream};
use privet_media::rtmp::{
    Action, Connect, ConnectRefusal, Feed, PlayRequest, Start, StreamName, host_of,
};
use privet_media::stream::Messages;
use std::time::Duration;

impl<S> RtmpConnection<S> {
    pub(super) async fn act(&mut self, action: Action) {
        match action {
            Action::Connect(connect) => self.connect(connect),
            Action::Measure(measure) => self.measure(&measure.name).await,
            Action::Play(request) => self.begin_play(request).await,
            Action::Seek(position) => self.seek(position).await,
            Action::Resume(position) => self.resume(position).await,
            Action::Pause(_) => self.pause(),
            Action::Buffer(buffer) => {
                self.buffer = Some(buffer);
                if let Some(play) = &mut self.play {
                    play.feed.set_buffer(buffer);
                }
            }
            Action::Stop => self.end_play(),
        }
    }

    fn connect(&mut self, connect: Connect) {
        let host = connect.tc_url.as_deref().and_then(host_of);
        self.viewer.host = host.unwrap_or_default().to_owned();
        let state = self.shared.current();
        let here = (&state, &self.shared);
        let caller = Caller::new(&self.viewer, connect, &self.sent_bytes, here);
        let streaming = match route_stream(&state.snapshot, &self.viewer.host) {
            Ok(streaming) => streaming,
            Err(denial) => {
                caller.refused(None, Denial::UnknownHost.token());
                return self.session.reject(match denial {
                    StreamDenial::DistributionNotFound => ConnectRefusal::DistributionNotFound,
                    StreamDenial::DistributionTypeMismatch => {
                        ConnectRefusal::DistributionTypeMismatch
                    }
                });
            }
        };
        match caller.connect(streaming) {
            Ok(events) => {
                self.events = Some(events);
                self.session.accept();
            }
            Err(LogFull) => self.session.reject(ConnectRefusal::Busy),
        }
    }

    async fn measure(&mut self, name: &StreamName) {
        match self.viewer.open(name, &self.shared).await {
            Ok(video) => self.session.measured(video.index.duration()),
            Err(not_played) => self.refuse(StreamEvent::Play, Some(name), not_played),
        }
    }

    async fn begin_play(&mut self, request: PlayRequest) {
        self.end_play();
        let mut video = match self.viewer.open(&request.name, &self.shared).await {
            Ok(video) => video,
            Err(not_played) => {
                return self.refuse(StreamEvent::Play, Some(&request.name), not_played);
            }
        };
        if let Some(Err(LogFull)) = self.events.as_mut().map(|events| events.play(&video)) {
            return self.refuse(StreamEvent::Play, Some(&video.name), NotPlayed::UNLOGGED);
        }
        if let Some(link) = &mut video.link {
            let now = self.shared.edge.clock.now();
            link.begin(self.viewer.peer.ip(), &self.sent_bytes, now);
        }
        let messages = video.index.messages_from(request.start);
        let now = self.began.elapsed();
        let mut feed = Feed::new(messages, request.start, request.duration, now);
        if let Some(buffer) = self.buffer {
            feed.set_buffer(buffer);
        }
        self.session.start(&start(&video, &feed));
        self.play = Some(Play {
            video,
            feed,
            motion: Motion::Running,
        });
    }

    async fn seek(&mut self, position: Duration) {
        if self.goes_on(StreamEvent::Seek).await.is_ok() {
            self.move_to(position);
        }
    }

    async fn resume(&mut self, position: Duration) {
        if self.goes_on(StreamEvent::Unpause).await.is_err() {
            return;
        }
        let now = self.began.elapsed();
        // Present: otherwise it does not go on.
        let Some(play) = &mut self.play else {
            return;
        };
        let has_all = play.feed.is_behind(position);
        play.feed.resume(position, now);
        if play.motion == Motion::Paused {
            play.motion = Motion::Running;
        }
        if has_all {
            self.session.resume();
        } else {
            self.move_to(position);
        }
    }

    /// Continues from the key frame at or before `position`. A video that is paused stays so.
    fn move_to(&mut self, position: Duration) {
        let now = self.began.elapsed();
        let Some(play) = &mut self.play else {
            return;
        };
        let messages = play
            .video
            .index
            .messages_from(play.feed.video_time(position));
        play.feed.seek(messages, position, now);
        if play.motion == Motion::Over {
            play.motion = Motion::Running;
        }
        self.session.start(&start(&play.video, &play.feed));
    }

    fn pause(&mut self) {
        let Some(play) = &mut self.play else {
            return;
        };
        play.feed.pause();
        if play.motion == Motion::Running {
            play.motion = Motion::Paused;
        }
        if let Some(events) = &mut self.events {
            events.pause();
        }
    }

    /// Checks whether the video may continue now, which is done each time. If so, it is logged; otherwise the viewer is
    /// told.
    async fn goes_on(&mut self, event: StreamEvent) -> Result<(), NotPlayed> {
        let Some(play) = &self.play else {
            self.refuse(event, None, NotPlayed::NOTHING);
            return Err(NotPlayed::NOTHING);
        };
        if let Err(not_played) = self.viewer.may_go_on(&play.video, &self.shared).await {
            let name = play.video.name.clone();
            self.refuse(event, Some(&name), not_played);
            return Err(not_played);
        }
        if let Some(Err(LogFull)) = self.events.as_mut().map(|events| events.goes_on(event)) {
            let name = play.video.name.clone();
            self.refuse(event, Some(&name), NotPlayed::UNLOGGED);
            return Err(NotPlayed::UNLOGGED);
        }
        Ok(())
    }

    /// Refuses a command, and logs the operator's reason. `name` is what was to be played, if it is known.
    fn refuse(&mut self, event: StreamEvent, name: Option<&StreamName>, not_played: NotPlayed) {
        self.session.refuse(not_played.refusal);
        if let Some(events) = &self.events {
            events.refused(event, name, not_played.token);
        }
    }

    /// Ends a play whose link was revoked, if what runs is to be cut.
    pub(super) fn cut_if_revoked(&mut self) {
        let now = self.shared.edge.clock.now();
        let Some(play) = &mut self.play else {
            return;
        };
        let Some(link) = &mut play.video.link else {
            return;
        };
        link.played_to(u64::from(play.feed.timestamp_ms()), now);
        let Some(token) = link.cut_off(now) else {
            return;
        };
        let name = play.video.name.clone();
        self.end_play();
        self.session.cut_off();
        if let Some(events) = &self.events {
            events.refused(StreamEvent::Play, Some(&name), token);
        }
    }

    fn end_play(&mut self) {
        self.play = None;
        if let Some(events) = &mut self.events {
            events.stop();
        }
    }
}

/// Returns what precedes the video's own messages.
fn start(video: &OpenVideo, feed: &Feed<Messages>) -> Start {
    Start {
        metadata: video.index.metadata().into(),
        headers: video.index.headers(),
        timestamp_ms: feed.timestamp_ms(),
    }
}
