//! The store's own threads: one that writes, and commits together what waits together, and some that read.
//!
//! Callers wait for their answer in any runtime. The only statements that run on a thread of theirs are look-ups of a
//! few rows by their key in a SQLite file.

use std::sync::{Arc, Mutex};
use std::thread;

use tokio::sync::{oneshot, watch};

use crate::StoreError;
use crate::changes::last_change;
use crate::limits::{GROUP_MAX, QUEUE_MAX};
use crate::queue::Queue;
use crate::session::{Mode, Session};

/// Tries of work that may be repeated, because nothing of it was committed.
const TRIES: usize = 3;

/// Threads over one database.
pub(crate) struct Engine {
    writing: Arc<Queue<Box<dyn Job>>>,
    reading: Arc<Queue<Box<dyn Job>>>,
    last_change: watch::Sender<u64>,
    /// Connection for look-ups on the caller's thread.
    nearby: Option<Mutex<Box<dyn Session>>>,
}

/// Makes a session that connects when it is first used.
pub(crate) type NewSession = Box<dyn Fn(SessionUse) -> Result<Box<dyn Session>, StoreError> + Send>;

/// What a session is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionUse {
    Write,
    Read,
    /// Reading that gives up where it would have to wait.
    Glance,
}

impl Engine {
    /// Starts the threads, after `prepare` has succeeded on the writing one; returns what that returned.
    pub(crate) async fn start<T: Send + 'static>(
        new_session: NewSession,
        readers: usize,
        prepare: impl FnOnce(&mut dyn Session) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<(Self, T), StoreError> {
        let engine = Self {
            writing: Arc::new(Queue::new(QUEUE_MAX)),
            reading: Arc::new(Queue::new(QUEUE_MAX)),
            last_change: watch::Sender::new(0),
            nearby: None,
        };
        let (ready, prepared) = oneshot::channel();
        let writing = engine.writing.clone();
        let reading = engine.reading.clone();
        let changes = engine.last_change.clone();
        spawn("store-write", move || {
            let outcome = new_session(SessionUse::Write).and_then(|mut session| {
                let prepared = prepare(session.as_mut())?;
                for _ in 0..readers {
                    let mut reader = new_session(SessionUse::Read)?;
                    let reading = reading.clone();
                    spawn("store-read", move || read_loop(reader.as_mut(), &reading))?;
                }
                Ok((session, prepared))
            });
            match outcome {
                Ok((mut session, prepared)) => {
                    let _ = ready.send(Ok(prepared));
                    write_loop(session.as_mut(), &writing, &changes);
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                }
            }
        })?;
        let prepared = prepared.await.map_err(|_| StoreError::Closed)??;
        Ok((engine, prepared))
    }

    /// Has look-ups run on the caller's thread, by a session that does not wait for others.
    pub(crate) fn with_nearby(mut self, session: Box<dyn Session>) -> Self {
        self.nearby = Some(Mutex::new(session));
        self
    }

    /// Runs `act`, which reads a few rows by their key. To hand such work to another thread and to wait for it takes
    /// ten times as long as the work, and a request of an operator has ten of them. It is handed over where the session
    /// is in use, or cannot read at once.
    pub(crate) async fn look_up<T: Send + 'static>(
        &self,
        act: impl Fn(&mut dyn Session) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match self
            .nearby
            .as_ref()
            .and_then(|nearby| read_nearby(nearby, &act))
        {
            Some(outcome) => outcome,
            None => self.read(act).await,
        }
    }

    /// Runs `act` on a thread that reads.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        act: impl Fn(&mut dyn Session) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        run(&self.reading, Mode::Read, act).await
    }

    /// Runs `act` on a thread that reads, on one state of the database.
    pub(crate) async fn snapshot<T: Send + 'static>(
        &self,
        act: impl Fn(&mut dyn Session) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        run(&self.reading, Mode::Snapshot, act).await
    }

    /// Runs `act` on the thread that writes, in a transaction; returns when it is committed. `act` may run again
    /// where nothing of its first run was committed.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        act: impl Fn(&mut dyn Session) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        run(&self.writing, Mode::Change, act).await
    }

    /// Number of the last change that this process has heard of.
    pub(crate) fn last_change(&self) -> &watch::Sender<u64> {
        &self.last_change
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.writing.close();
        self.reading.close();
    }
}

/// Tells those who watch of a change, unless they know of it.
pub(crate) fn tell(changes: &watch::Sender<u64>, change: u64) {
    changes.send_if_modified(|known| {
        let new = *known != change;
        *known = change;
        new
    });
}

/// Starts a thread with a name that shows in `top`.
pub(crate) fn spawn(name: &str, act: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(act);
    thread.map(drop).map_err(|error| StoreError::Failed {
        cause: format!("no thread could be started: {error}"),
    })
}

/// Work with the way back to whoever waits for it.
trait Job: Send {
    fn mode(&self) -> Mode;
    /// Runs the work and keeps its result; the answer says whether it may be committed.
    fn run(&mut self, session: &mut dyn Session) -> Result<(), StoreError>;
    /// Answers with the kept result, or with the failure of what came after it.
    fn finish(self: Box<Self>, outcome: Result<(), StoreError>);
}

struct Task<T, F> {
    act: F,
    mode: Mode,
    result: Result<T, StoreError>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send, F: Fn(&mut dyn Session) -> Result<T, StoreError> + Send> Job for Task<T, F> {
    fn mode(&self) -> Mode {
        self.mode
    }

    fn run(&mut self, session: &mut dyn Session) -> Result<(), StoreError> {
        self.result = (self.act)(session);
        self.result.as_ref().map(drop).map_err(Clone::clone)
    }

    fn finish(self: Box<Self>, outcome: Result<(), StoreError>) {
        // Nobody waits any more where the receiver is gone.
        let _ = self.answer.send(outcome.and(self.result));
    }
}

async fn run<T: Send + 'static>(
    queue: &Queue<Box<dyn Job>>,
    mode: Mode,
    act: impl Fn(&mut dyn Session) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (answer, answered) = oneshot::channel();
    queue.push(Box::new(Task {
        act,
        mode,
        result: Err(StoreError::Closed),
        answer,
    }))?;
    answered.await.map_err(|_| StoreError::Closed)?
}

/// Abandons a queue when a thread that empties it ends, be it by a panic: nobody shall wait for ever.
struct Emptied<'a>(&'a Queue<Box<dyn Job>>);

impl Drop for Emptied<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// Returns `None` where the session is in use, or the database cannot be read without waiting.
fn read_nearby<T>(
    nearby: &Mutex<Box<dyn Session>>,
    act: &impl Fn(&mut dyn Session) -> Result<T, StoreError>,
) -> Option<Result<T, StoreError>> {
    let mut session = nearby.try_lock().ok()?;
    let outcome = session
        .begin(Mode::Read)
        .and_then(|()| act(session.as_mut()));
    session.rollback();
    match outcome {
        Err(StoreError::Busy | StoreError::Unreachable { .. }) => None,
        Ok(_) | Err(_) => Some(outcome),
    }
}

fn read_loop(session: &mut dyn Session, queue: &Queue<Box<dyn Job>>) {
    let _emptied = Emptied(queue);
    while let Some(mut job) = queue.take(1).pop() {
        let outcome = tried(|| read_once(session, job.as_mut()));
        job.finish(outcome);
    }
}

fn read_once(session: &mut dyn Session, job: &mut dyn Job) -> Result<(), StoreError> {
    session.begin(job.mode())?;
    let outcome = job.run(session);
    // What only read has nothing to commit, and ends its view of the database by either.
    session.rollback();
    match outcome {
        Err(StoreError::Unreachable { cause }) => Err(StoreError::Unreachable { cause }),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn write_loop(
    session: &mut dyn Session,
    queue: &Queue<Box<dyn Job>>,
    changes: &watch::Sender<u64>,
) {
    let _emptied = Emptied(queue);
    loop {
        let mut jobs = queue.take(GROUP_MAX);
        if jobs.is_empty() {
            return;
        }
        let known = *changes.borrow();
        let outcome = tried(|| commit_group(session, &mut jobs, known));
        if let Ok(change) = &outcome {
            tell(changes, *change);
        }
        for job in jobs {
            job.finish(outcome.clone().map(drop));
        }
    }
}

/// Runs `act` again while the database was lost before anything was committed.
fn tried<T>(mut act: impl FnMut() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let mut outcome = act();
    for _ in 1..TRIES {
        if !matches!(outcome, Err(StoreError::Unreachable { .. })) {
            break;
        }
        outcome = act();
    }
    outcome
}

/// Runs all jobs in one transaction, and commits those that succeed; returns the number of the last change.
fn commit_group(
    session: &mut dyn Session,
    jobs: &mut [Box<dyn Job>],
    known: u64,
) -> Result<u64, StoreError> {
    session.begin(Mode::Change)?;
    let outcome = run_and_commit(session, jobs, known);
    if outcome.is_err() {
        session.rollback();
    }
    outcome
}

fn run_and_commit(
    session: &mut dyn Session,
    jobs: &mut [Box<dyn Job>],
    known: u64,
) -> Result<u64, StoreError> {
    let mut kept = 0;
    let company = match jobs.len() {
        1 => Company::Alone,
        _ => Company::Others,
    };
    for job in jobs {
        match run_one(session, job.as_mut(), company)? {
            Ran::Kept => kept += 1,
            Ran::Undone => {}
        }
    }
    if kept == 0 {
        session.rollback();
        return Ok(known);
    }
    let change = last_change(session)?;
    if change != known {
        session.notify(change)?;
    }
    session.commit()?;
    Ok(change)
}

#[derive(Clone, Copy)]
enum Company {
    Alone,
    Others,
}

enum Ran {
    Kept,
    Undone,
}

/// Runs one job so that its failure does not harm the others; fails only where the transaction itself is lost.
fn run_one(
    session: &mut dyn Session,
    job: &mut dyn Job,
    company: Company,
) -> Result<Ran, StoreError> {
    match company {
        // There is nothing to keep beside it: the whole transaction is rolled back where it fails.
        Company::Alone => match job.run(session) {
            Ok(()) => Ok(Ran::Kept),
            Err(StoreError::Unreachable { cause }) => Err(StoreError::Unreachable { cause }),
            Err(_) => Ok(Ran::Undone),
        },
        Company::Others => {
            session.batch("SAVEPOINT job")?;
            match job.run(session) {
                Ok(()) => {
                    session.batch("RELEASE SAVEPOINT job")?;
                    Ok(Ran::Kept)
                }
                Err(StoreError::Unreachable { cause }) => Err(StoreError::Unreachable { cause }),
                Err(_) => {
                    session.batch("ROLLBACK TO SAVEPOINT job; RELEASE SAVEPOINT job")?;
                    Ok(Ran::Undone)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Engine, NewSession, SessionUse};
    use crate::StoreError;
    use crate::session::{Mode, Session};
    use crate::sqlite::SqliteSession;

    #[test]
    fn look_ups_are_handed_over_where_they_would_wait() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("store.db");
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.unwrap();
        let nearby = Box::new(SqliteSession::new(&path, SessionUse::Glance));
        let new_session: NewSession = Box::new(move |session_use| {
            let session: Box<dyn Session> = Box::new(SqliteSession::new(&path, session_use));
            Ok(session)
        });
        let prepare = |session: &mut dyn Session| session.begin(Mode::Read);
        let started = runtime.block_on(Engine::start(new_session, 1, prepare));
        let engine = started.unwrap().0.with_nearby(nearby);
        let own = std::thread::current().id();
        let place = move |session: &mut dyn Session| {
            session.batch("SELECT 1")?;
            Ok(std::thread::current().id() == own)
        };
        assert_eq!(runtime.block_on(engine.look_up(place)), Ok(true));
        let busy = move |session: &mut dyn Session| match place(session)? {
            true => Err(StoreError::Busy),
            false => Ok(false),
        };
        assert_eq!(runtime.block_on(engine.look_up(busy)), Ok(false));
        let in_use = engine.nearby.as_ref().unwrap().lock().unwrap();
        assert_eq!(runtime.block_on(engine.look_up(place)), Ok(false));
        drop(in_use);
        assert_eq!(runtime.block_on(engine.look_up(place)), Ok(true));
    }

    #[test]
    fn nobody_waits_for_a_thread_that_has_ended() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("store.db");
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(async {
            let new_session: NewSession = Box::new(move |session_use| {
                let session: Box<dyn Session> = Box::new(SqliteSession::new(&path, session_use));
                Ok(session)
            });
            let prepare = |session: &mut dyn Session| session.begin(Mode::Read);
            let (engine, ()) = Engine::start(new_session, 2, prepare).await.unwrap();
            let ends = |_: &mut dyn Session| -> Result<(), StoreError> { panic!("on purpose") };
            let works = |session: &mut dyn Session| session.batch("SELECT 1");
            engine.read(works).await.unwrap();
            assert_eq!(engine.read(ends).await, Err(StoreError::Closed));
            assert_eq!(engine.write(ends).await, Err(StoreError::Closed));
            assert_eq!(engine.write(works).await, Err(StoreError::Closed));
        });
    }
}
