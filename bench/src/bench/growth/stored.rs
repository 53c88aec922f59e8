//! Distributions in a store: the time until an edge with all of them serves, its memory, and what a change costs while
//! it runs.

use super::{GrowthBench, OBJECT_SIZE_BYTES};
use crate::bench::contest::{Side, file_name};
use crate::bench::load::Protocol;
use crate::bench::operators::{Operator, import, token};
use crate::bench::process::{cpu_time, memory_bytes};
use crate::bench::servers::{Server, free_port, write};
use crate::bench::{Bar, Row, median};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use xtask::command::Outcome;

const COUNT: usize = 100_000;
/// Number of distributions that get requests.
const ASKED: usize = 1_000;
/// Pause between two looks whether a change is in force.
const LOOK_EVERY: Duration = Duration::from_micros(500);
/// Longest wait for a change.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Time for memory that is no longer needed to go back to the system.
const SETTLE: Duration = Duration::from_secs(15);

/// Returns the rows of 100,000 distributions.
pub fn rows(bench: &GrowthBench<'_>) -> Outcome<Vec<Row>> {
    Server::build_privet()?;
    let empty = Stored::prepare(bench, "empty", 1)?;
    let first_bytes = {
        let (server, _) = empty.start()?;
        thread::sleep(SETTLE);
        memory_bytes(server.process())?
    };
    let stored = Stored::prepare(bench, "full", COUNT)?;
    let (_, again_ms) = stored.start()?;
    let (server, start_ms) = stored.start()?;
    thread::sleep(SETTLE);
    let memory = memory_bytes(server.process())?.saturating_sub(first_bytes);
    let changes = if bench.contest.rounds > 2 { 300 } else { 50 };
    let measured = stored.change(&server, changes)?;
    let case = |what: &str| format!("{COUNT} stored distributions, {what}");
    let alone = |what: &str, ours, unit, bar| Row {
        case: case(what),
        ours,
        peer: None,
        unit,
        ratio: None,
        bar,
    };
    let mut rows = vec![
        alone(
            "start",
            median(&[start_ms, again_ms]),
            "ms",
            Bar::AtMost(1500.0),
        ),
        alone(
            "memory",
            memory as f64 / COUNT as f64 / 1000.0,
            "KB each",
            Bar::AtMost(3.0),
        ),
        alone(
            "change in force, median",
            measured.median_ms,
            "ms",
            Bar::None,
        ),
        alone(
            "change in force, p99",
            measured.p99_ms,
            "ms",
            Bar::AtMost(50.0),
        ),
        alone("change", measured.cpu_ms, "CPU ms", Bar::AtMost(5.0)),
    ];
    rows.push(stored.requests(bench, &server)?);
    rows.iter().for_each(Row::announce);
    Ok(rows)
}

/// A configuration with a store that was filled.
struct Stored {
    folder: PathBuf,
    config: PathBuf,
    port: u16,
    control_port: u16,
    token: String,
    origin_port: u16,
}

struct Changes {
    median_ms: f64,
    p99_ms: f64,
    /// CPU time of the server for each change, without that of the looks.
    cpu_ms: f64,
}

impl Stored {
    fn prepare(bench: &GrowthBench<'_>, name: &str, count: usize) -> Outcome<Self> {
        let folder = bench.contest.folder.join(name);
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let (port, control_port) = (free_port()?, free_port()?);
        let config = folder.join("privet.toml");
        write(
            &config,
            &format!(
                "[edge]\nworkers = 2\n[[listeners]]\naddress = \"127.0.0.1:{port}\"\n[store]\nfile = \"privet.db\"\n\
                 [control]\naddress = \"127.0.0.1:{control_port}\"\n"
            ),
        )?;
        let token = token(&config)?;
        let key = &bench.keys[0];
        let pem = fs::read_to_string(&key.public_file).map_err(|error| error.to_string())?;
        let base = format!(
            "[[public_keys]]\nid = \"{}\"\npem = \"\"\"\n{pem}\"\"\"\n[[key_groups]]\nid = \"bench\"\npublic_keys = [\"{}\"]\n",
            key.id, key.id
        );
        let stored = Stored {
            folder,
            config,
            port,
            control_port,
            token,
            origin_port: bench.origin.http_port,
        };
        let distributions: Vec<String> = (0..count).map(|number| stored.toml(number)).collect();
        eprintln!("xtask: filling a store with {count} distributions");
        import(&stored.config, &stored.folder, &base, &distributions)?;
        Ok(stored)
    }

    fn toml(&self, number: usize) -> String {
        format!(
            "[[distributions]]\nid = \"EBENCH{number:07}\"\ndomain_name = \"d{number}.cloudfront.net\"\n\
             aliases = [\"videos{number}.example.com\"]\norigins = [{{ id = \"files\", url = \"http://127.0.0.1:{}\" }}]\n\
             default_behavior = {{ origin = \"files\", trusted_key_groups = [\"bench\"] }}\n",
            self.origin_port
        )
    }

    /// Starts an edge. Returns it with the milliseconds until it served.
    fn start(&self) -> Outcome<(Server, f64)> {
        let text = fs::read_to_string(&self.config).map_err(|error| error.to_string())?;
        let binary = xtask::command::target().join("release/privet");
        let ports = (self.port, self.control_port);
        // The configuration is written beside the store, whose path in it is relative.
        let started = Instant::now();
        let server = Server::privet_of(&binary, "privet", &self.folder, ports, &text)?;
        Ok((server, started.elapsed().as_secs_f64() * 1000.0))
    }

    /// Changes distributions one after the other, each as soon as the last change is in force.
    fn change(&self, server: &Server, count: usize) -> Outcome<Changes> {
        let mut operator = Operator::new(self.control_port, &self.token);
        let mut milliseconds = Vec::with_capacity(count);
        let before = cpu_time(server.process())?;
        let mut looks = 0;
        for number in 0..count {
            let (waited, looked) = self.change_one(&mut operator, number)?;
            milliseconds.push(waited.as_secs_f64() * 1000.0);
            looks += looked;
        }
        let spent = cpu_time(server.process())?.saturating_sub(before);
        let look = self.cpu_of_a_look(server)?;
        let spent = spent.saturating_sub(look * looks);
        milliseconds.sort_by(f64::total_cmp);
        Ok(Changes {
            median_ms: median(&milliseconds),
            p99_ms: milliseconds[(milliseconds.len() * 99).div_ceil(100) - 1],
            cpu_ms: spent.as_secs_f64() * 1000.0 / count as f64,
        })
    }

    /// Gives a distribution a new name. Returns the time from the request until the edge knows it, and the number of
    /// looks.
    fn change_one(&self, operator: &mut Operator, number: usize) -> Outcome<(Duration, u32)> {
        let id = format!("EBENCH{:07}", number * 331 % COUNT);
        let target = format!("/v1/distributions/{id}");
        let item = operator.ask("GET", &target, None, None)?;
        let etag = item.body["etag"].as_str().unwrap_or_default().to_owned();
        let host = format!("changed{number}.example.net");
        let mut document: Value = item.body["document"].clone();
        document["aliases"] = json!([host]);
        let started = Instant::now();
        let answer = operator.ask("PUT", &target, Some(&etag), Some(&document))?;
        if answer.status != 200 {
            return Err(format!("{target}: {} {}", answer.status, answer.body));
        }
        let mut looks = 0;
        while !self.is_known(&host)? {
            if started.elapsed() > WAIT_MAX {
                return Err(format!("{host} is not known after {WAIT_MAX:?}"));
            }
            looks += 1;
            thread::sleep(LOOK_EVERY);
        }
        Ok((started.elapsed(), looks + 1))
    }

    /// Returns true if the edge has a distribution of this name: it asks for a signature then.
    fn is_known(&self, host: &str) -> Outcome<bool> {
        let fault = |error: std::io::Error| error.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).map_err(fault)?;
        write!(
            stream,
            "GET /x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )
        .map_err(fault)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map_err(fault)?;
        Ok(answer.contains("MissingKey"))
    }

    fn cpu_of_a_look(&self, server: &Server) -> Outcome<Duration> {
        const LOOKS: u32 = 2_000;
        let before = cpu_time(server.process())?;
        for _ in 0..LOOKS {
            self.is_known("videos1.example.com")?;
        }
        Ok(cpu_time(server.process())?.saturating_sub(before) / LOOKS)
    }

    /// Compares requests per second while twenty changes a second come with those while none come.
    fn requests(&self, bench: &GrowthBench<'_>, server: &Server) -> Outcome<Row> {
        let target = |number: usize| {
            let number = 1 + number * (COUNT / ASKED);
            format!(
                "/{}\tHost: d{number}.cloudfront.net",
                file_name(OBJECT_SIZE_BYTES)
            )
        };
        let side = Side::new(
            server,
            (0..ASKED).map(target).collect(),
            Some(&bench.cookie),
        );
        let round = || {
            bench
                .contest
                .round(&side, OBJECT_SIZE_BYTES, Protocol::Plain)
        };
        round()?;
        let mut rounds = Vec::new();
        for round_number in 0..bench.contest.rounds {
            let (_, quiet) = round()?;
            let is_over = AtomicBool::new(false);
            let changed = thread::scope(|scope| {
                let changing = scope.spawn(|| {
                    let mut operator = Operator::new(self.control_port, &self.token);
                    let mut number = 10_000 * (round_number as usize + 1);
                    while !is_over.load(Ordering::Relaxed) {
                        self.change_one(&mut operator, number)?;
                        number += 1;
                        thread::sleep(Duration::from_millis(50));
                    }
                    Ok::<_, String>(())
                });
                let changed = round();
                is_over.store(true, Ordering::Relaxed);
                changing
                    .join()
                    .map_err(|_| "the operator panicked".to_owned())??;
                changed
            })?;
            rounds.push((changed.1, quiet));
        }
        let case = format!("{COUNT} stored distributions, rate during 20 changes a second");
        let bar = Bar::AtLeast(0.9);
        Ok(Row::beside(
            &case,
            "without changes",
            &rounds,
            "requests/s",
            bar,
        ))
    }
}
