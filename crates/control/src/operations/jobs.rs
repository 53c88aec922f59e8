//! Work that takes longer than a request: imports. A job is of this process and forgotten with it.

use crate::operation_error::OperationError;
use crate::operations::change::Mode;
use crate::operations::import::check_import_scope;
use crate::operations::{Imported, Operations, random_text};
use crate::operator::{Admin, Operator};
use privet_distribution::config::ServiceItem;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::task::AbortHandle;

/// Jobs that run at the same time.
const RUNNING_MAX: usize = 4;
/// Jobs of one operator that are remembered.
const OPERATOR_JOBS_MAX: usize = 100;
/// Jobs of all that are remembered.
const JOBS_MAX: usize = 1_000;

/// A job.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Id of the job.
    pub id: String,
    /// Operation, such as `import`.
    pub operation: &'static str,
    /// Operator who began it.
    pub operator: String,
    /// Seconds since 1970 at which it began.
    pub began_at: i64,
    /// State of the job.
    pub state: JobState,
}

/// The state of a job.
#[derive(Clone, Debug, PartialEq)]
pub enum JobState {
    /// It runs.
    Running,
    /// It has done everything.
    Done(Imported),
    /// It has changed nothing.
    Failed(OperationError),
    /// Somebody has ended it. A write that had begun may have been made.
    Cancelled,
}

/// The jobs of this process, by number.
#[derive(Debug, Default)]
pub(super) struct Jobs(Mutex<BTreeMap<u64, (Job, Option<AbortHandle>)>>);

impl Jobs {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, (Job, Option<AbortHandle>)>> {
        // A panic while the lock is held leaves a usable table behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, job: Job) -> Result<(), OperationError> {
        let mut jobs = self.lock();
        let running = jobs
            .values()
            .filter(|(job, _)| job.state == JobState::Running);
        if running.count() >= RUNNING_MAX {
            return Err(OperationError::TooManyJobs);
        }
        let number = jobs.last_key_value().map_or(0, |(last, _)| last + 1);
        forget_one(&mut jobs, &job.operator);
        jobs.insert(number, (job, None));
        Ok(())
    }

    fn change(
        &self,
        id: &str,
        change: impl FnOnce(&mut (Job, Option<AbortHandle>)),
    ) -> Option<Job> {
        let mut jobs = self.lock();
        let entry = jobs.values_mut().find(|(job, _)| job.id == id)?;
        change(entry);
        Some(entry.0.clone())
    }

    fn end(&self, id: &str, state: JobState) {
        self.change(id, |(job, abort)| {
            if job.state == JobState::Running {
                job.state = state;
            }
            *abort = None;
        });
    }
}

/// Forgets the oldest ended job of an operator who has as many as are kept; if all have as many as are kept, that of
/// the operator who has the most.
fn forget_one(jobs: &mut BTreeMap<u64, (Job, Option<AbortHandle>)>, operator: &str) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (job, _) in jobs.values() {
        *counts.entry(&job.operator).or_default() += 1;
    }
    let own = counts.get(operator).copied().unwrap_or_default();
    let crowded = if own >= OPERATOR_JOBS_MAX {
        Some(operator)
    } else if jobs.len() >= JOBS_MAX {
        let most = counts.into_iter().max_by_key(|(_, count)| *count);
        most.map(|(operator, _)| operator)
    } else {
        None
    };
    let ended = jobs.iter().find(|(_, (job, _))| {
        job.state != JobState::Running && Some(job.operator.as_str()) == crowded
    });
    if let Some(number) = ended.map(|(number, _)| *number) {
        jobs.remove(&number);
    }
}

impl Operations {
    /// Begins to import items, and returns the job that does it.
    ///
    /// # Errors
    /// [`OperationError::TooManyJobs`], [`OperationError::ReadOnly`]; [`OperationError::ScopeTooNarrow`] for an
    /// operator with a scope.
    pub async fn begin_import(
        &self,
        operator: &Operator<Admin>,
        items: Vec<ServiceItem>,
        mode: Mode,
    ) -> Result<Job, OperationError> {
        self.store()?;
        check_import_scope(operator)?;
        let job = Job {
            id: format!("J{}", random_text(13)?),
            operation: "import",
            operator: operator.caller().name.clone(),
            began_at: self.now(),
            state: JobState::Running,
        };
        self.shared.jobs.add(job.clone())?;
        let (operations, operator, id) = (self.clone(), operator.clone(), job.id.clone());
        let work = tokio::spawn(async move {
            let state = match operations.import(&operator, items, mode).await {
                Ok(imported) => JobState::Done(imported),
                Err(error) => JobState::Failed(error),
            };
            operations.shared.jobs.end(&id, state);
        });
        let handle = work.abort_handle();
        self.shared
            .jobs
            .change(&job.id, |(_, abort)| *abort = Some(handle));
        Ok(job)
    }

    /// Lists jobs, newest first.
    pub fn jobs(&self, operator: &Operator<Admin>) -> Vec<Job> {
        let jobs = self.shared.jobs.lock();
        let jobs = jobs.values().rev().map(|(job, _)| job.clone());
        jobs.filter(|job| is_visible(job, operator)).collect()
    }

    /// Returns a job.
    ///
    /// # Errors
    /// [`OperationError::NotFound`].
    pub fn job(&self, operator: &Operator<Admin>, id: &str) -> Result<Job, OperationError> {
        let job = self.jobs(operator).into_iter().find(|job| job.id == id);
        job.ok_or_else(|| no_job(id))
    }

    /// Ends a job that runs.
    ///
    /// # Errors
    /// [`OperationError::NotFound`].
    pub fn cancel_job(&self, operator: &Operator<Admin>, id: &str) -> Result<Job, OperationError> {
        self.job(operator, id)?;
        let cancelled = self.shared.jobs.change(id, |(job, abort)| {
            if let (JobState::Running, Some(abort)) = (&job.state, abort.take()) {
                abort.abort();
                job.state = JobState::Cancelled;
            }
        });
        cancelled.ok_or_else(|| no_job(id))
    }
}

/// Operators with a scope begin no jobs, and see none of others.
fn is_visible(job: &Job, operator: &Operator<Admin>) -> bool {
    let caller = operator.caller();
    match caller.scope {
        crate::operator::Scope::All => true,
        crate::operator::Scope::Distributions(_) => job.operator == caller.name,
    }
}

fn no_job(id: &str) -> OperationError {
    OperationError::NotFound {
        what: "job",
        id: id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(operator: &str, id: usize) -> Job {
        Job {
            id: format!("{operator}-{id}"),
            operation: "import",
            operator: operator.to_owned(),
            began_at: 0,
            state: JobState::Cancelled,
        }
    }

    fn count(jobs: &Jobs, operator: &str) -> usize {
        let jobs = jobs.lock();
        jobs.values()
            .filter(|(job, _)| job.operator == operator)
            .count()
    }

    #[test]
    fn nobody_pushes_out_the_jobs_of_others() {
        let jobs = Jobs::default();
        jobs.add(job("one", 0)).unwrap();
        for id in 0..2 * OPERATOR_JOBS_MAX {
            jobs.add(job("two", id)).unwrap();
        }
        assert_eq!(
            (count(&jobs, "one"), count(&jobs, "two")),
            (1, OPERATOR_JOBS_MAX)
        );
        assert!(jobs.lock().values().any(|(job, _)| job.id == "two-199"));
        for operator in 0..JOBS_MAX {
            jobs.add(job(&format!("operator-{operator}"), 0)).unwrap();
        }
        assert_eq!(jobs.lock().len(), JOBS_MAX);
        assert_eq!(count(&jobs, "one"), 1);
    }
}
