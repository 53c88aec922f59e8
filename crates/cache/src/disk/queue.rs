//! The writer thread's queue: entries to be written, and orders to retry or to stop.

use super::Health;
use crate::block::Block;
use crate::key::Key;
use crate::memory::Payload;
use std::collections::VecDeque;

/// Memory that a queued entry takes up beside its body.
const JOB_OVERHEAD_BYTES: u64 = 256;

/// An entry to be written.
#[derive(Debug)]
pub(super) struct Job<H> {
    pub(super) key: Key,
    pub(super) stamp: u64,
    pub(super) payload: Payload<H>,
}

impl<H> Job<H> {
    fn size_bytes(&self) -> u64 {
        let body = match &self.payload {
            Payload::Object(object) => object.body.as_ref(),
            Payload::Block(block) => Some(block.as_ref()),
        };
        body.map_or(0, Block::size_bytes) + JOB_OVERHEAD_BYTES
    }

    fn seq(&self) -> u64 {
        match &self.payload {
            Payload::Object(object) => object.seq,
            Payload::Block(_) => u64::MAX,
        }
    }
}

/// The result of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    Queued,
    Full,
}

/// An order to the thread, beside writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Nothing,
    Retry,
    Stop,
    /// The thread has stopped.
    Stopped,
}

/// The next step of the thread.
#[derive(Debug)]
pub(super) enum Next<H> {
    Write(Job<H>),
    Retry,
    Stop,
    /// Nothing is queued.
    Rest,
}

/// Jobs for the writer, up to a number of bytes.
#[derive(Debug)]
pub(super) struct Queue<H> {
    jobs: VecDeque<Job<H>>,
    size_bytes: u64,
    size_bytes_max: u64,
    health: Health,
    wish: Order,
    /// The `seq` of the job that the writer has taken but not finished.
    seq_in_hand: Option<u64>,
}

impl<H> Queue<H> {
    pub(super) fn new(size_bytes_max: u64) -> Self {
        Queue {
            jobs: VecDeque::new(),
            size_bytes: 0,
            size_bytes_max,
            health: Health::Good,
            wish: Order::Nothing,
            seq_in_hand: None,
        }
    }

    pub(super) fn push(&mut self, job: Job<H>) -> Pushed {
        let size_bytes = self.size_bytes + job.size_bytes();
        let is_open = match self.wish {
            Order::Nothing | Order::Retry => self.health == Health::Good,
            Order::Stop | Order::Stopped => false,
        };
        if !is_open || size_bytes > self.size_bytes_max {
            return Pushed::Full;
        }
        self.size_bytes = size_bytes;
        self.jobs.push_back(job);
        Pushed::Queued
    }

    pub(super) fn next(&mut self) -> Next<H> {
        self.seq_in_hand = None;
        if self.wish == Order::Retry {
            self.wish = Order::Nothing;
            return Next::Retry;
        }
        if let Some(job) = self.jobs.pop_front() {
            self.size_bytes -= job.size_bytes();
            self.seq_in_hand = Some(job.seq());
            return Next::Write(job);
        }
        if self.wish == Order::Stop {
            return Next::Stop;
        }
        Next::Rest
    }

    /// True if there is neither a job nor an order.
    pub(super) fn is_at_rest(&self) -> bool {
        self.jobs.is_empty() && self.wish == Order::Nothing
    }

    pub(super) fn oldest_seq(&self) -> Option<u64> {
        let waiting = self.jobs.iter().map(Job::seq);
        waiting.chain(self.seq_in_hand).min()
    }

    pub(super) fn health(&self) -> Health {
        self.health
    }

    /// Sets the disk's health. Returns the jobs queued for a failed disk, to be settled.
    pub(super) fn set_health(&mut self, health: Health) -> VecDeque<Job<H>> {
        self.health = health;
        match health {
            Health::Good => VecDeque::new(),
            Health::Failed => {
                self.size_bytes = 0;
                std::mem::take(&mut self.jobs)
            }
        }
    }

    pub(super) fn ask_to_retry(&mut self) {
        if self.wish == Order::Nothing {
            self.wish = Order::Retry;
        }
    }

    pub(super) fn ask_to_stop(&mut self) {
        if self.wish != Order::Stopped {
            self.wish = Order::Stop;
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.wish == Order::Stopped
    }

    pub(super) fn set_stopped(&mut self) {
        self.wish = Order::Stopped;
        self.jobs.clear();
    }
}
