//! One viewer's connection: reads commands, replies, sends what is due, and ends when a time limit has passed.
//!
//! A single task does it all, one thing at a time: while the edge opens a video it reads nothing, so that a viewer
//! cannot have more than that in progress.

mod acts;

use super::events::Events;
use super::opening::{OpenVideo, Viewer};
use super::outgoing::{Outgoing, READY_SIZE_BYTES_MAX, SendFault};
use crate::answer_memory::{Charge, ConnectionMemory};
use crate::context::WorkerContext;
use crate::pace::{Judgement, Least};
use crate::request_id::request_id;
use crate::viewer_end::ViewerEnd;
use crate::viewer_io::PACED_RATE_MIN;
use privet_distribution::config::Limits;
use privet_media::rtmp::{Fault, Feed, Session, Turn};
use privet_media::stream::Messages;
use privet_sign::Scheme;
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, Sleep};

/// Bytes read at once. Viewers send little.
const HEARD_SIZE_BYTES: usize = 4 * 1024;
/// Maximum size of the pending replies to what a viewer sent at once: a few bytes may request the decoder configuration
/// many times.
const OWED_SIZE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Time for a viewer that was turned away to receive the refusal.
const FAREWELL_MAX: Duration = Duration::from_secs(2);

/// Reason why a connection is over.
#[derive(Debug, Error)]
enum End {
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error(transparent)]
    Send(#[from] SendFault),
    /// The viewer has left, or was turned away.
    #[error("nothing is left to say")]
    Silence,
    #[error("the viewer kept the edge waiting for too long")]
    Slow,
    #[error("the viewer asked for too much at once")]
    Greedy,
    #[error("the edge stops")]
    Drain,
}

/// Event that a connection waits for.
enum Happening {
    Heard(usize),
    /// Everything was sent, so that there is room for more.
    Sent,
    /// The alarm rang.
    Alarm,
    Draining,
}

/// State of a video's transfer to the viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Motion {
    Running,
    Paused,
    /// Everything was sent; the viewer may still seek.
    Over,
}

/// The video that plays.
struct Play {
    video: OpenVideo,
    feed: Feed<Messages>,
    motion: Motion,
}

/// The time limits of RTMP viewers.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// Time limit for the handshake and `connect` together.
    handshake_timeout: Duration,
    idle_timeout: Duration,
    write_least: Least,
}

impl Patience {
    fn of(limits: &Limits) -> Self {
        Patience {
            handshake_timeout: limits.rtmp_handshake_timeout,
            idle_timeout: limits.rtmp_idle_timeout,
            write_least: Least {
                silence_max: limits.rtmp_write_timeout,
                rate_min: limits.write_rate_min.min(PACED_RATE_MIN),
            },
        }
    }
}

/// One viewer's connection.
pub(super) struct RtmpConnection<S> {
    stream: S,
    session: Session,
    outgoing: Outgoing,
    /// Charge for the session's output that is ready while other bytes are on their way.
    owed: Option<Charge>,
    viewer: Viewer,
    play: Option<Play>,
    /// Buffer length that the viewer has announced.
    buffer: Option<Duration>,
    /// Events of the viewer, from `connect` on.
    events: Option<Events>,
    shared: Rc<WorkerContext>,
    patience: Patience,
    sent_bytes: Rc<Cell<u64>>,
    began: Instant,
    /// Time when the viewer last sent something.
    heard: Instant,
    /// Time when a paused viewer was last pinged.
    pinged: Instant,
    alarm: Pin<Box<Sleep>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> RtmpConnection<S> {
    pub(super) fn new(
        stream: S,
        (session, memory): (Session, Arc<ConnectionMemory>),
        (end, scheme): (ViewerEnd, Scheme),
        shared: Rc<WorkerContext>,
    ) -> Self {
        let now = Instant::now();
        let patience = Patience::of(&shared.current().snapshot.node.limits);
        let outgoing = Outgoing::new(memory, patience.write_least);
        let sent_bytes = outgoing.sent_bytes();
        RtmpConnection {
            stream,
            session,
            outgoing,
            owed: None,
            viewer: Viewer {
                client: end.client(),
                peer: end.peer,
                scheme,
                host: String::new(),
                id: request_id(),
            },
            play: None,
            buffer: None,
            events: None,
            patience,
            shared,
            sent_bytes,
            began: now,
            heard: now,
            pinged: now,
            alarm: Box::pin(tokio::time::sleep_until(now)),
        }
    }

    /// Serves the viewer until it leaves, or until there is a reason to close the connection.
    pub(super) async fn serve(mut self) {
        let end = self.run().await;
        if let Err(End::Silence | End::Drain) = end {
            // The last message must arrive: closing a socket with unread bytes would discard it.
            let farewell = async {
                self.stream.shutdown().await?;
                tokio::io::copy(
                    &mut (&mut self.stream).take(1 << 20),
                    &mut tokio::io::sink(),
                )
                .await
            };
            let _ = tokio::time::timeout(FAREWELL_MAX, farewell).await;
        }
    }

    async fn run(&mut self) -> Result<(), End> {
        let mut drain = self.shared.edge.drain.clone();
        let mut heard = vec![0; HEARD_SIZE_BYTES];
        let mut draining = false;
        loop {
            let due = self.fill()?;
            if self.outgoing.is_idle() && (self.session.is_rejected() || draining && !self.plays())
            {
                return Err(End::Drain);
            }
            self.set_alarm(due);
            let happening = tokio::select! {
                biased;
                _ = drain.wait_for(|draining| *draining), if !draining => Happening::Draining,
                happening = poll_fn(|context| self.poll(&mut heard, context)) => happening?,
            };
            match happening {
                Happening::Heard(0) => return Err(End::Silence),
                Happening::Heard(length) => self.hear(&heard[..length]).await?,
                Happening::Sent => {}
                Happening::Alarm => self.check_patience()?,
                Happening::Draining => draining = true,
            }
        }
    }

    /// Returns true if a video is on its way to the viewer, or will continue.
    fn plays(&self) -> bool {
        let play = self.play.as_ref();
        play.is_some_and(|play| play.motion != Motion::Over)
    }

    fn poll(
        &mut self,
        heard: &mut [u8],
        context: &mut Context<'_>,
    ) -> Poll<Result<Happening, End>> {
        if !self.outgoing.is_idle() {
            let deadline = self.outgoing.deadline();
            if let Poll::Ready(sent) = self.outgoing.poll_send(&mut self.stream, context) {
                return Poll::Ready(sent.map(|()| Happening::Sent).map_err(End::Send));
            }
            if self.outgoing.deadline() != deadline {
                self.set_alarm(None);
            }
        }
        // Nothing is read from a viewer that does not read the replies.
        if self.session.output_size_bytes() < READY_SIZE_BYTES_MAX as u64 {
            let mut buffer = ReadBuf::new(heard);
            let read = Pin::new(&mut self.stream).poll_read(context, &mut buffer);
            if let Poll::Ready(read) = read {
                let length = buffer.filled().len();
                let read = read.map_err(|error| End::Send(error.into()));
                return Poll::Ready(read.map(|()| Happening::Heard(length)));
            }
        }
        self.alarm
            .as_mut()
            .poll(context)
            .map(|()| Ok(Happening::Alarm))
    }

    /// Prepares what is due, once everything before it was sent; returns the time until more is due.
    fn fill(&mut self) -> Result<Option<Duration>, End> {
        if !self.outgoing.is_idle() {
            return Ok(None);
        }
        self.cut_if_revoked();
        let due = self.fill_from_video();
        let source = self.play.as_ref().map(|play| &play.video.source);
        self.owed = None;
        self.outgoing.begin(self.session.take_output(), source)?;
        Ok(due)
    }

    fn fill_from_video(&mut self) -> Option<Duration> {
        let play = self.play.as_mut()?;
        if play.motion == Motion::Over {
            return None;
        }
        let now = self.began.elapsed();
        let ready_size_bytes_max = self.outgoing.room();
        while self.session.output_size_bytes() < ready_size_bytes_max {
            match play.feed.turn(now) {
                Turn::Send(message) => self.session.media(&message),
                Turn::Wait(wait) => return Some(wait),
                Turn::Paused => return None,
                Turn::Over => {
                    play.motion = Motion::Over;
                    self.session.finish();
                    if let Some(events) = &mut self.events {
                        events.stop();
                    }
                    return None;
                }
            }
        }
        None
    }

    /// Sets the alarm to what comes first: the next message for the viewer, or the viewer's time limit.
    fn set_alarm(&mut self, due: Option<Duration>) {
        let mut at = self.deadline();
        if let Some(due) = due {
            at = at.min(Instant::now() + due);
        }
        if self.alarm.deadline() != at {
            self.alarm.as_mut().reset(at);
        }
    }

    fn deadline(&self) -> Instant {
        let patience = &self.patience;
        if let Some(deadline) = self.outgoing.deadline() {
            return deadline;
        }
        if self.events.is_none() {
            return self.began + patience.handshake_timeout;
        }
        match self.play.as_ref().map(|play| play.motion) {
            // The transfer itself shows whether the viewer is there.
            Some(Motion::Running) => Instant::now() + patience.idle_timeout,
            Some(Motion::Paused) if self.pinged <= self.heard => {
                self.heard + patience.idle_timeout / 2
            }
            Some(Motion::Paused | Motion::Over) | None => self.heard + patience.idle_timeout,
        }
    }

    fn check_patience(&mut self) -> Result<(), End> {
        let now = Instant::now();
        if self.deadline() > now {
            return Ok(());
        }
        if self.outgoing.deadline().is_some() {
            return match self.outgoing.judge(now) {
                Judgement::KeepsUp => Ok(()),
                Judgement::TooSlow => Err(End::Slow),
            };
        }
        let play = self.play.as_ref();
        let is_paused = play.is_some_and(|play| play.motion == Motion::Paused);
        if is_paused && self.pinged <= self.heard {
            self.session.ping(self.began.elapsed());
            self.pinged = now;
            return Ok(());
        }
        Err(End::Slow)
    }

    async fn hear(&mut self, mut bytes: &[u8]) -> Result<(), End> {
        self.heard = Instant::now();
        while !bytes.is_empty() {
            let (taken, action) = self.session.input(bytes)?;
            bytes = &bytes[taken..];
            if let Some(action) = action {
                self.act(action).await;
            }
            self.owe()?;
        }
        Ok(())
    }

    /// Counts what the viewer has requested and cannot be sent yet.
    fn owe(&mut self) -> Result<(), End> {
        let size_bytes = self.session.output_size_bytes();
        if size_bytes > OWED_SIZE_BYTES_MAX {
            return Err(End::Greedy);
        }
        self.owed = None;
        let owed = self.outgoing.try_charge(size_bytes);
        self.owed = Some(owed.ok_or(End::Greedy)?);
        Ok(())
    }
}
