//! The workers as seen by those who hand them tasks.

use crate::guests::Whose;
use privet_distribution::config::Listener;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// A task for a worker.
#[derive(Debug)]
pub(crate) enum Task {
    Listen(ListenOn),
    Serve(Accepted),
    /// Close some connections that have waited longest, since before this moment: a later one may be the reason for the
    /// task.
    MakeRoom(Whose, Instant),
}

/// A listener that a worker is to accept from, until `stop` says otherwise.
#[derive(Debug)]
pub(crate) struct ListenOn {
    pub(crate) listener: TcpListener,
    pub(crate) configured: Listener,
    pub(crate) stop: watch::Receiver<bool>,
}

/// All workers, by number.
#[derive(Debug)]
pub(crate) struct Workers {
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    tasks: mpsc::UnboundedSender<Task>,
    connections: AtomicUsize,
}

impl Workers {
    /// Creates `size` workers, with the receiver of each worker's tasks.
    pub(crate) fn new(size: usize) -> (Self, Vec<mpsc::UnboundedReceiver<Task>>) {
        let (members, receivers) = (0..size)
            .map(|_| {
                let (tasks, receiver) = mpsc::unbounded_channel();
                let connections = AtomicUsize::new(0);
                (Member { tasks, connections }, receiver)
            })
            .unzip();
        (Workers { members }, receivers)
    }

    /// Returns the number of workers started.
    pub(crate) fn size(&self) -> usize {
        self.members.len()
    }

    /// Hands each worker its task of every row.
    pub(crate) fn hand_out(&self, rows: Vec<Vec<Task>>) {
        for (member, task) in rows
            .into_iter()
            .flat_map(|row| self.members.iter().zip(row))
        {
            // A worker that has ended needs no tasks.
            let _ = member.tasks.send(task);
        }
    }

    /// Returns the number of connections of this worker.
    pub(crate) fn connections_of(&self, number: usize) -> usize {
        self.members[number].connections.load(Ordering::Relaxed)
    }

    fn connections(&self) -> usize {
        let counts = self.members.iter().map(|member| &member.connections);
        counts.map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Makes every worker close some connections that have only waited since before this moment.
    pub(crate) fn make_room(&self, whose: Whose, before: Instant) {
        for member in &self.members {
            // A worker that has ended has no connections.
            let _ = member.tasks.send(Task::MakeRoom(whose, before));
        }
    }

    /// Takes a slot at the living worker with the fewest connections; `None` when `connections_max` is reached or no
    /// worker is alive.
    pub(crate) fn slot(self: &Arc<Self>, connections_max: usize) -> Option<WorkerSlot> {
        if self.connections() >= connections_max {
            return None;
        }
        let living =
            (0..self.members.len()).filter(|number| !self.members[*number].tasks.is_closed());
        let number = living.min_by_key(|number| self.connections_of(*number))?;
        self.members[number]
            .connections
            .fetch_add(1, Ordering::Relaxed);
        Some(WorkerSlot {
            workers: Arc::clone(self),
            number,
        })
    }
}

/// A connection's slot at a worker; released when this is dropped.
#[derive(Debug)]
pub(crate) struct WorkerSlot {
    workers: Arc<Workers>,
    number: usize,
}

impl WorkerSlot {
    /// Hands the worker a connection, which takes this slot with it. A worker that has ended drops both.
    pub(crate) fn give(self, accepted: impl FnOnce(Self) -> Accepted) {
        let workers = Arc::clone(&self.workers);
        let tasks = &workers.members[self.number].tasks;
        let _ = tasks.send(Task::Serve(accepted(self)));
    }
}

impl Drop for WorkerSlot {
    fn drop(&mut self) {
        let member = &self.workers.members[self.number];
        member.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection on its way to its worker.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) stream: TcpStream,
    pub(crate) peer: SocketAddr,
    pub(crate) configured: Listener,
    pub(crate) slot: WorkerSlot,
}

/// Returns the number of workers to start; 0 means one for each processor.
pub(crate) fn worker_count(configured: usize) -> usize {
    match configured {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    }
}
