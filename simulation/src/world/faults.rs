//! What goes wrong, and what operators do meanwhile.

use super::making::TROUBLE_MS;
use super::{Asker, Event, START_MS, World};
use crate::checker::Broken;
use crate::edge::clock;
use crate::store::{KEY, Statement};
use privet_distribution::links::{ObjectPattern, RevocationChange, RevocationEntry, Revoked};
use privet_sign::{SubjectDigest, Timestamp};

/// How far a clock jumps, in seconds: days, for an edge forgets after one.
const JUMPS: [i64; 8] = [-200_000, -3600, -30, -2, 0, 2, 30, 200_000];

impl World {
    pub(super) fn fault(&mut self) -> Result<(), Broken> {
        let edge = self.random.index(self.edges.len());
        match self.random.below(6) {
            0 => {
                let jump = self.random.pick(&JUMPS);
                self.note(format!("the clock of edge {edge} is off by {jump} s"));
                self.checker.note("a clock set");
                self.edges[edge].clock_off = jump;
                // It sweeps by the new clock before anything else happens.
                if self.random.chance(50) {
                    self.sweep_now(edge);
                }
            }
            1 | 2 => {
                self.note(format!("edge {edge} is cut off"));
                self.checker.note("an edge cut off");
                self.edges[edge].is_cut_off = true;
                let length = self.random.within(200, 15_000);
                self.after(length, Event::Heal(edge));
            }
            3 | 4 => self.kill_store(),
            _ => self.restart(edge),
        }
        if self.goes_on() {
            let pause = self.random.within(500, 12_000);
            self.after(pause, Event::Fault);
        }
        Ok(())
    }

    fn kill_store(&mut self) {
        self.checker.note("a database killed");
        let pending = self.store.pending.len() as u64;
        let reached = self.random.below(pending + 1);
        self.note(format!(
            "the database is killed; its copy got {reached} of {pending} more"
        ));
        let reached = usize::try_from(reached).unwrap_or_default();
        self.store.kill(&self.links, reached);
        self.store.down_until = self.now_ms + self.random.within(50, 6000);
    }

    fn restart(&mut self, edge: usize) {
        self.note(format!("edge {edge} is killed and starts again"));
        self.checker.note("an edge killed");
        let known = &mut self.edges[edge];
        known.life += 1;
        known.asked_at = None;
        known.reload();
    }

    pub(super) fn sweep(&mut self, edge: usize) -> Result<(), Broken> {
        self.sweep_now(edge);
        if self.goes_on() {
            let pause = self.random.within(2000, 20_000);
            self.after(pause, Event::Sweep(edge));
        }
        Ok(())
    }

    fn sweep_now(&mut self, edge: usize) {
        let known = &mut self.edges[edge];
        let now = Timestamp::from_secs(known.clock(self.now_ms));
        known.table.sweep(now);
        known.shown.sweep(now);
    }

    /// An operator revokes something, or lifts a revocation.
    pub(super) fn operate(&mut self) -> Result<(), Broken> {
        let changes = &self.store.copy.changes;
        let made: Vec<u64> = changes.iter().filter_map(made_seq).collect();
        let change = match !made.is_empty() && self.random.chance(25) {
            true => RevocationChange::Lifted(self.random.pick(&made)),
            false => RevocationChange::Made(self.revocation()),
        };
        if let RevocationChange::Lifted(seq) = change {
            self.checker.lifting(seq);
            self.checker.note("a revocation lifted");
        } else {
            self.checker.note("a revocation made");
        }
        self.note(format!("an operator asks for {change:?}"));
        self.send(
            None,
            Asker::Operator(change.clone()),
            Statement::Change(change),
        );
        if self.now_ms < START_MS + TROUBLE_MS {
            let pause = self.random.within(500, 30_000);
            self.after(pause, Event::Operate);
        }
        Ok(())
    }

    fn revocation(&mut self) -> RevocationEntry {
        let link = self.random.index(self.links.len());
        let link = &self.links[link];
        let path = &link.path;
        let what = match self.random.below(10) {
            0 => Revoked::Key(KEY.to_owned()),
            1 | 2 => Revoked::Subject(SubjectDigest::of("ann")),
            3 => Revoked::Object(pattern("cdn.example.com/a/*")),
            4 => Revoked::Object(pattern(&format!("cdn.example.com{path}"))),
            _ => Revoked::Link(link.digest),
        };
        // An operator's clock may be off, too.
        let off = self.random.pick(&[-5, 0, 0, 5]);
        let now = clock(self.now_ms, off);
        // That of a link holds to the link's end; others may end before.
        let until = match &what {
            Revoked::Link(_) => link.until,
            Revoked::Key(_) | Revoked::Subject(_) | Revoked::Object(_) => {
                Timestamp::from_secs(now + 3 + self.random.below(60))
            }
        };
        self.seqs += 1;
        RevocationEntry {
            seq: self.seqs,
            what,
            until,
            cut: self.random.chance(50),
            made: Timestamp::from_secs(now),
        }
    }
}

fn made_seq(change: &RevocationChange) -> Option<u64> {
    match change {
        RevocationChange::Made(entry) => Some(entry.seq),
        RevocationChange::Lifted(_) => None,
    }
}

fn pattern(text: &str) -> ObjectPattern {
    ObjectPattern::parse(text).expect("it is one")
}
