//! The live copy of the log: JSON lines to a writer that may be slow, without ever holding up the files.

use std::io::Write;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

/// Batches that a slow reader may be behind; one record each when traffic is light.
const BATCHES_BEHIND_MAX: usize = 8_192;

/// A thread that writes, and how many records it has missed.
pub(super) struct LiveStream {
    sender: SyncSender<Vec<u8>>,
    thread: JoinHandle<()>,
    missed: usize,
}

impl LiveStream {
    pub(super) fn start(mut writer: Box<dyn Write + Send>) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel::<Vec<u8>>(BATCHES_BEHIND_MAX);
        let thread = std::thread::Builder::new()
            .name("privet-log-stream".into())
            .spawn(move || {
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
            thread,
            missed: 0,
        })
    }

    /// Passes on `lines`, which hold so many `records`.
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

    /// Lets the writer finish what it has.
    pub(super) fn stop(self) {
        drop(self.sender);
        // A reader that has stopped reading must not keep the edge from ending.
        if self.thread.is_finished() || self.missed == 0 {
            let _ = self.thread.join();
        }
    }
}
