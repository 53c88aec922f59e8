//! Killed at any moment of a run of changes, an edge has every acknowledged one when it is back, whole and in force,
//! and no other in part.
//!
//! `PRIVET_KILLS` is the number of kills, 20 unless set; `PRIVET_KILLS_SEED` repeats a run.

use crate::spellings::Dice;
use crate::support::*;
use serde_json::{Value, json};
use std::env;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const WRITERS: u64 = 3;

/// What is stored of a writer's distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Form {
    /// Number of the write that made it, in two host names.
    number: u64,
    is_enabled: bool,
}

/// One who changes a distribution of its own, again and again.
struct Writer {
    index: u64,
    dice: Dice,
    number: u64,
    /// Form after the last acknowledged change; `None` without the distribution.
    form: Option<Form>,
    /// Form after the change that was sent and is not acknowledged.
    sent: Option<Option<Form>>,
}

/// A request, and what has to come of it.
struct Planned {
    request: V1,
    status: u16,
    form: Option<Form>,
}

impl Writer {
    fn id(&self) -> String {
        format!("W{}", self.index)
    }

    fn item(&self) -> String {
        format!("/v1/distributions/{}", self.id())
    }

    /// Returns the hosts that the form of a number has.
    fn hosts(&self, number: u64) -> [String; 2] {
        ["left", "right"].map(|half| format!("{half}{number}.w{}.example", self.index))
    }

    fn document(&self, edge: &StoredEdge, form: Form) -> Value {
        let host = format!("w{}.example", self.index);
        let mut document = stored_distribution(&self.id(), &host, &edge.path("bucket"));
        document["aliases"] = json!(self.hosts(form.number));
        document["enabled"] = json!(form.is_enabled);
        document
    }

    /// Plans the next change of the distribution as it was read; some are to be refused.
    fn plan(&mut self, edge: &StoredEdge, read: &Value) -> Planned {
        self.number += 1;
        let Some(form) = self.form else {
            let form = Form {
                number: self.number,
                is_enabled: true,
            };
            let document = self.document(edge, form);
            return Planned {
                request: V1::new("POST", "/v1/distributions", &document),
                status: 201,
                form: Some(form),
            };
        };
        let updated = Form {
            number: self.number,
            ..form
        };
        let mut document = self.document(edge, updated);
        let (method, verb, status, after) = match self.dice.below(8) {
            0 if form.is_enabled => ("POST", "/disable", 200, Some(form.switched())),
            0 => ("POST", "/enable", 200, Some(form.switched())),
            1 if form.is_enabled => ("DELETE", "", 409, Some(form)),
            1 => ("DELETE", "", 200, None),
            2 => {
                document["default_behavior"]["trusted_key_groups"] = json!(["nobody"]);
                ("PUT", "", 422, Some(form))
            }
            _ => ("PUT", "", 200, Some(updated)),
        };
        let body = if method == "PUT" {
            document
        } else {
            Value::Null
        };
        Planned {
            request: V1::new(method, &format!("{}{verb}", self.item()), &body).if_match(read),
            status,
            form: after,
        }
    }

    /// Makes changes until the edge is gone.
    fn write(&mut self, edge: &StoredEdge, acknowledged: &AtomicUsize) {
        let reading = V1::new("GET", &self.item(), &Value::Null);
        while let Some(read) = edge.try_v1(&reading) {
            let planned = self.plan(edge, &read.json);
            self.sent = Some(planned.form);
            let Some(answer) = edge.try_v1(&planned.request) else {
                return;
            };
            assert_eq!(answer.status, planned.status, "{}", answer.json);
            self.form = planned.form;
            self.sent = None;
            acknowledged.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Checks what a started edge has of the distribution, and goes on from there.
    #[track_caller]
    fn check(&mut self, edge: &StoredEdge) {
        let read = edge.v1("GET", &self.item(), &Value::Null);
        let found = self.found(edge, &read);
        let (last, sent) = (self.form, self.sent.take());
        assert!(
            found == last || Some(found) == sent,
            "{}: {found:?} is neither {last:?} nor {sent:?}",
            self.id()
        );
        let absent = edge.get("http://nowhere.example/a").status();
        for form in [last, sent.flatten()].into_iter().flatten() {
            let is_open =
                found.is_some_and(|found| found.number == form.number && found.is_enabled);
            for host in self.hosts(form.number) {
                let status = edge.get(&format!("http://{host}/a")).status();
                let expected = if is_open { 200 } else { absent };
                assert_eq!(status, expected, "{host}, of which {found:?} is stored");
            }
        }
        self.form = found;
    }

    /// Returns the form that is stored, which is whole and has its version.
    #[track_caller]
    fn found(&self, edge: &StoredEdge, read: &OperatorAnswer) -> Option<Form> {
        if read.status == 404 {
            return None;
        }
        let document = &read.json["document"];
        let left = document["aliases"][0].as_str().unwrap();
        let number = left.trim_start_matches("left").split('.').next().unwrap();
        let form = Form {
            number: number.parse().unwrap(),
            is_enabled: document["enabled"] != false,
        };
        assert_eq!(document["aliases"], json!(self.hosts(form.number)));
        let version = &read.json["version"];
        let version = edge.v1(
            "GET",
            &format!("{}/versions/{version}", self.item()),
            &Value::Null,
        );
        assert_eq!(version.json["document"], *document, "{}", version.json);
        Some(form)
    }
}

impl Form {
    fn switched(self) -> Self {
        Form {
            is_enabled: !self.is_enabled,
            ..self
        }
    }
}

/// Kills the edge after some changes of all writers, at any moment of the next ones.
fn kill_amid(edge: &mut StoredEdge, writers: &mut [Writer], dice: &mut Dice) -> usize {
    let acknowledged = AtomicUsize::new(0);
    let (least, wait) = (
        dice.below(25),
        Duration::from_micros(dice.below(8_000) as u64),
    );
    let running = &*edge;
    std::thread::scope(|scope| {
        let acknowledged = &acknowledged;
        let threads: Vec<_> = writers
            .iter_mut()
            .map(|writer| scope.spawn(move || writer.write(running, acknowledged)))
            .collect();
        let are_enough = || acknowledged.load(Ordering::SeqCst) >= least;
        while !are_enough() && !threads.iter().any(|thread| thread.is_finished()) {
            std::thread::yield_now();
        }
        let begun = Instant::now();
        while begun.elapsed() < wait {
            std::hint::spin_loop();
        }
        running.signal("-KILL");
    });
    edge.kill();
    acknowledged.into_inner()
}

#[track_caller]
fn number_from(name: &str, usual: u64) -> u64 {
    env::var(name).map_or(usual, |text| text.parse().unwrap())
}

#[test]
fn a_killed_edge_has_what_it_acknowledged_whole_and_in_force() {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = number_from("PRIVET_KILLS_SEED", u64::from(since.subsec_nanos()) + 1);
    eprintln!("PRIVET_KILLS_SEED={seed}");
    let mut dice = Dice::new(seed);
    let mut edge = StoredEdge::of_file();
    edge.write("bucket/a", "alpha");
    let writer = |index| Writer {
        index,
        dice: Dice::new(seed ^ ((index + 1) << 40)),
        number: 0,
        form: None,
        sent: None,
    };
    let mut writers: Vec<Writer> = (0..WRITERS).map(writer).collect();
    let (mut changes, mut unacknowledged) = (0, 0);
    for _ in 0..number_from("PRIVET_KILLS", 20) {
        changes += kill_amid(&mut edge, &mut writers, &mut dice);
        unacknowledged += writers
            .iter()
            .filter(|writer| writer.sent.is_some())
            .count();
        edge.start();
        writers.iter_mut().for_each(|writer| writer.check(&edge));
        let verdict = edge.v1("GET", "/v1/changes/verify", &Value::Null).json;
        assert_eq!(verdict["whole"], true, "{verdict}");
    }
    eprintln!("{changes} changes were acknowledged, {unacknowledged} were cut off");
    assert!(changes > 0);
    let last = edge.create("/v1/keys", &stored_key("KLAST", "p256.pub.pem"));
    edge.until_applied(last, 1);
}
