//! One thread with one single-threaded runtime: the loop that gives it connections to serve.

use crate::accept::accept;
use crate::context::{EdgeContext, WorkerContext};
use crate::ends::Ends;
use crate::serve::serve;
use crate::workers::Task;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::LocalSet;

/// Maximum time that a log line waits for others.
const FLUSH_LOG_EVERY: Duration = Duration::from_secs(1);
/// Maximum number of a worker's threads that wait for the disk.
const DISK_THREADS_MAX: usize = 16;

/// Runs the worker of this `number` to its drained end. Errors: the runtime cannot be created.
pub(crate) fn run(
    edge: EdgeContext,
    number: usize,
    mut tasks: mpsc::UnboundedReceiver<Task>,
    drain_timeout: impl Fn() -> Duration,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(DISK_THREADS_MAX)
        .build()?;
    let local = LocalSet::new();
    let workers = Arc::clone(&edge.workers);
    let context = Rc::new(WorkerContext::new(edge));
    runtime.block_on(local.run_until(async {
        tokio::task::spawn_local(flush_log(Rc::clone(&context.ends)));
        let mut drain = context.edge.drain.clone();
        loop {
            let task = tokio::select! {
                task = tasks.recv() => task,
                _ = drain.wait_for(|draining| *draining) => None,
            };
            match task {
                Some(Task::Listen(listen_on)) => {
                    let workers = Arc::clone(&workers);
                    tokio::task::spawn_local(accept(listen_on, Rc::clone(&context), workers));
                }
                Some(Task::Serve(accepted)) => serve(accepted, &context),
                Some(Task::MakeRoom(whose, before)) => context.guests.make_room(whose, before),
                None => break,
            }
        }
        let drained = async {
            while workers.connections_of(number) > 0 {
                // Connections that were on their way are told at once that the edge stops.
                while let Ok(Task::Serve(accepted)) = tasks.try_recv() {
                    serve(accepted, &context);
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let _ = tokio::time::timeout(drain_timeout(), drained).await;
    }));
    // Connections that are still open are broken off here; their records are written as they drop.
    drop(local);
    context.ends.log.flush();
    runtime.shutdown_background();
    Ok(())
}

/// Passes the worker's log lines on, every second.
async fn flush_log(ends: Rc<Ends>) {
    loop {
        tokio::time::sleep(FLUSH_LOG_EVERY).await;
        ends.log.flush();
    }
}
