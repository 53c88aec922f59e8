//! A relay before a PostgreSQL server, so that one edge loses its database while others keep theirs.

use crate::support::{Database, socket_name, url_of};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use tempfile::TempDir;

/// State of the line to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Everything is passed on.
    Open,
    /// Connections end, and new ones do at once.
    Cut,
    /// Connections stay, and nothing is passed on.
    Silent,
}

/// The relay. Its threads end with the test's process.
pub struct Relay {
    folder: TempDir,
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    server: PathBuf,
    line: Mutex<Line>,
    changed: Condvar,
    /// Ends of all connections.
    streams: Mutex<Vec<UnixStream>>,
}

impl Relay {
    /// Starts a relay whose line is open.
    pub fn start(database: &Database) -> Self {
        let (server, port) = database.socket();
        let folder = TempDir::with_prefix("relay").unwrap();
        let listener = UnixListener::bind(folder.path().join(socket_name(port))).unwrap();
        let shared = Arc::new(Shared {
            server,
            line: Mutex::new(Line::Open),
            changed: Condvar::new(),
            streams: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                accepting.accept(stream);
            }
        });
        Relay {
            folder,
            port,
            shared,
        }
    }

    /// Returns the URL of the database behind the relay.
    pub fn url(&self) -> String {
        url_of(&[(self.folder.path(), self.port)])
    }

    /// Changes the state of the line.
    pub fn set(&self, line: Line) {
        *self.shared.line.lock().unwrap() = line;
        self.shared.changed.notify_all();
        if line == Line::Cut {
            for stream in self.shared.streams.lock().unwrap().drain(..) {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, viewer: UnixStream) {
        let mut streams = self.streams.lock().unwrap();
        if *self.line.lock().unwrap() == Line::Cut {
            return;
        }
        let Ok(server) = UnixStream::connect(&self.server) else {
            return;
        };
        for (from, to) in [(&viewer, &server), (&server, &viewer)] {
            let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            let shared = Arc::clone(self);
            std::thread::spawn(move || shared.pass_on(from, to));
        }
        streams.extend([viewer, server]);
    }

    fn pass_on(&self, mut from: UnixStream, mut to: UnixStream) {
        let mut buffer = [0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let line = self.line.lock().unwrap();
            drop(
                self.changed
                    .wait_while(line, |line| *line == Line::Silent)
                    .unwrap(),
            );
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    }
}
