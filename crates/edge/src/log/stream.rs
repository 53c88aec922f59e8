//! The live copy of the log: JSON lines to a writer that may be slow, which never holds up the files.

use crate::standard_error;
use std::io::Write;
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, SyncSender, TrySendError, channel, sync_channel,
};
use std::time::Duration;

/// Maximum number of batches that a slow reader may be behind; each is one record when traffic is light.
const BATCHES_BEHIND_MAX: usize = 8_192;
/// Maximum time that a reader may take for the last batches.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// A thread that writes, and the number of records that it has missed.
pub(super) struct LiveStream {
    sender: SyncSender<Vec<u8>>,
    /// Channel without messages, disconnected when the thread has ended.
    running: Receiver<()>,
    missed: usize,
}

impl LiveStream {
    pub(super) fn start(mut writer: Box<dyn Write + Send>) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel::<Vec<u8>>(BATCHES_BEHIND_MAX);
        let (ends_with_thread, running) = channel();
        std::thread::Builder::new()
            .name("privet-log-stream".into())
            .spawn(move || {
                let _ends_with_thread = ends_with_thread;
                // A reader that is gone ends the copy, not the edge.
                for line in &receiver {
                    if writer
                        .write_all(&line)
                        .and_then(|()| writer.flush())
                        .is_err()
                    {
                        return;
                    }
                }
            })?;
        Ok(LiveStream {
            sender,
            running,
            missed: 0,
        })
    }

    /// Passes on `lines`, which hold this many `records`.
    pub(super) fn offer(&mut self, mut lines: Vec<u8>, records: usize) {
        if self.missed > 0 {
            let told = format!("{{\"x-privet-missed-records\":\"{}\"}}\n", self.missed);
            lines.splice(0..0, told.into_bytes());
        }
        match self.sender.try_send(lines) {
            Ok(()) => self.missed = 0,
            Err(TrySendError::Full(_)) => self.missed += records,
            Err(TrySendError::Disconnected(_)) => {}
        }
    }

    /// Lets the writer finish what it has. A reader that has stopped reading does not keep the edge from ending.
    pub(super) fn stop(self) {
        drop(self.sender);
        if self.running.recv_timeout(END_PATIENCE) == Err(RecvTimeoutError::Timeout) {
            standard_error::warning(
                "the JSON access log ends early, its reader has stopped reading",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A writer that takes nothing until it is released.
    struct Stuck(Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_has_stopped_reading_holds_up_no_end() {
        let (release, held) = channel();
        let mut stream = LiveStream::start(Box::new(Stuck(held))).unwrap();
        stream.offer(b"one\n".to_vec(), 1);
        let (stopped, wait) = channel();
        std::thread::spawn(move || {
            stream.stop();
            stopped.send(())
        });
        let ended = wait.recv_timeout(Duration::from_secs(20));
        drop(release);
        assert!(ended.is_ok());
    }
}
