//! `bench bucket`: the S3 endpoint over the machine's own buckets, beside other servers of S3 and nginx.
//!
//! Clients sign every request. Only the CPU time of the servers' processes counts, so that clients on the same cores
//! disturb the rates alone.

mod client;
mod lists;
mod servers;

use super::contest::{MIB, parse_size, size_name};
use super::process::cpu_time;
use super::servers::Server;
use super::{Bar, BucketArguments, BucketPart, Row, medians};
use client::{Payload, Reading, S3Client};
use servers::{BUCKET, Durability, PrivetBuckets, S3Server};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};
use xtask::command::Outcome;
use xtask::tools;

/// Clients at the same time, fewer of large objects.
const CLIENTS: usize = 8;
const LARGE_CLIENTS: usize = 2;
/// Bytes that the objects of a client may need; it replaces them in turn.
const CLIENT_SIZE_BYTES: u64 = 128 * MIB;
const CLIENT_OBJECTS_MAX: u64 = 1_000;
/// A download of 1 MiB may take so many times the CPU time of nginx.
const NGINX_BAR: f64 = 1.3;

/// Runs the chosen parts.
pub fn run(arguments: &BucketArguments) -> Outcome<Vec<Row>> {
    tools::install_for_benches()?;
    Server::build_privet()?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let folder = folder.path();
    let is_quick = arguments.output.quick;
    let is_wanted = |part: BucketPart| arguments.only.is_none_or(|only| only == part);
    let mut rows = Vec::new();
    if is_wanted(BucketPart::Objects) {
        let sizes = arguments.sizes.iter().map(|size| parse_size(size));
        let sizes = sizes.collect::<Outcome<Vec<u64>>>()?;
        for durability in [Durability::Unsynced, Durability::Synced] {
            rows.extend(objects(folder, &sizes, durability, is_quick)?);
        }
    }
    if is_wanted(BucketPart::Lists) {
        rows.extend(lists::rows(&folder.join("lists"), is_quick)?);
    }
    Ok(rows)
}

/// What a client repeats.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Put,
    Get,
}

/// The requests of a case.
struct Case {
    operation: Operation,
    durability: Durability,
    size: u64,
    payload: Payload,
    duration: Duration,
}

/// What came of a round with one server.
#[derive(Clone, Copy)]
struct Measured {
    requests_per_s: f64,
    requests_per_cpu_s: f64,
    /// The same by the CPU time of the gateway alone.
    per_gateway_cpu_s: f64,
}

/// Measures uploads and, without waiting for the disk, downloads: Privet and each peer in turns.
fn objects(
    folder: &Path,
    sizes: &[u64],
    durability: Durability,
    is_quick: bool,
) -> Outcome<Vec<Row>> {
    let name = match durability {
        Durability::Synced => "synced",
        Durability::Unsynced => "unsynced",
    };
    eprintln!("xtask: starting the servers, {name}");
    let privet = PrivetBuckets::prepare(&folder.join(name), durability)?.start()?;
    privet.make_bucket()?;
    let peers = servers::peers(folder, durability)?;
    // The first objects take longer: Ceph makes its pools for them.
    for server in std::iter::once(&privet).chain(&peers) {
        Case::new(Operation::Get, durability, 1, 0).prepare(server)?;
    }
    let (rounds, seconds) = if is_quick { (1, 1) } else { (3, 3) };
    let operations = match durability {
        Durability::Synced => &[Operation::Put][..],
        Durability::Unsynced => &[Operation::Put, Operation::Get],
    };
    let mut rows = Vec::new();
    for &size in sizes {
        for &operation in operations {
            let case = Case::new(operation, durability, size, seconds);
            let measured = (0..rounds).map(|_| case.round(&privet, &peers));
            let measured = measured.collect::<Outcome<Vec<_>>>()?;
            let of_case = case.rows(&peers, &measured);
            of_case.iter().for_each(Row::announce);
            rows.extend(of_case);
        }
    }
    Ok(rows)
}

impl Case {
    fn new(operation: Operation, durability: Durability, size: u64, seconds: u64) -> Self {
        let bytes = (0..size).map(|index| (index * 31 + index / 251) as u8);
        Case {
            operation,
            durability,
            size,
            payload: Payload::new(bytes.collect()),
            duration: Duration::from_secs(seconds),
        }
    }

    /// Measures Privet, then its peers in their order.
    fn round(&self, privet: &S3Server, peers: &[S3Server]) -> Outcome<Vec<Measured>> {
        let servers = std::iter::once(privet).chain(peers);
        servers.map(|server| self.measure(server)).collect()
    }

    fn clients(&self) -> usize {
        if self.size > MIB {
            LARGE_CLIENTS
        } else {
            CLIENTS
        }
    }

    /// Has all clients repeat the operation for a time. Each finishes what it has begun.
    fn measure(&self, server: &S3Server) -> Outcome<Measured> {
        if self.operation == Operation::Get {
            self.prepare(server)?;
        }
        let gateway = |server: &S3Server| server.gateway.map_or(Ok(Duration::ZERO), cpu_time);
        let (all_before, gateway_before) = (server.cpu_time()?, gateway(server)?);
        let started = Instant::now();
        let counts: Vec<Outcome<usize>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..self.clients())
                .map(|number| scope.spawn(move || self.repeat(server, number)))
                .collect();
            let joined = threads.into_iter().map(|thread| {
                let panicked = |_| "a client panicked".to_owned();
                thread.join().map_err(panicked)?
            });
            joined.collect()
        });
        let seconds = started.elapsed().as_secs_f64();
        let all = server.cpu_time()?.saturating_sub(all_before);
        let gateway = gateway(server)?.saturating_sub(gateway_before);
        let counts = counts.into_iter().collect::<Outcome<Vec<usize>>>();
        let counts = counts.map_err(|error| format!("{}: {error}", server.name))?;
        let count = counts.iter().sum::<usize>() as f64;
        Ok(Measured {
            requests_per_s: count / seconds,
            requests_per_cpu_s: count / all.as_secs_f64(),
            per_gateway_cpu_s: count / gateway.as_secs_f64(),
        })
    }

    /// Puts the object that is downloaded, and looks at what comes back.
    fn prepare(&self, server: &S3Server) -> Outcome {
        let mut client = S3Client::new(server.port, &server.keys);
        let target = self.target(0, 0);
        client.put(&target, &self.payload)?;
        client.get(&target, Reading::Compare(self.payload.bytes()))
    }

    fn repeat(&self, server: &S3Server, number: usize) -> Outcome<usize> {
        let mut client = S3Client::new(server.port, &server.keys);
        let started = Instant::now();
        let mut count = 0;
        while started.elapsed() < self.duration {
            match self.operation {
                Operation::Put => client.put(&self.target(number, count), &self.payload)?,
                Operation::Get => {
                    let length = self.payload.bytes().len();
                    client.get(&self.target(0, 0), Reading::Discard(length))?;
                }
            }
            count += 1;
        }
        Ok(count)
    }

    fn target(&self, client: usize, count: usize) -> String {
        let objects = (CLIENT_SIZE_BYTES / self.size.max(1)).clamp(1, CLIENT_OBJECTS_MAX);
        let number = count as u64 % objects;
        format!("/{BUCKET}/{}/{client}/{number}.bin", self.size)
    }

    fn name(&self) -> String {
        let size = size_name(self.size);
        match (self.operation, self.durability) {
            (Operation::Get, _) => format!("GET {size}"),
            (Operation::Put, Durability::Unsynced) => format!("PUT {size}, sync = false"),
            (Operation::Put, Durability::Synced) => format!("PUT {size}, on disk"),
        }
    }

    /// Returns the rows of rounds, in each of which Privet and its peers were measured in the order of `peers`.
    fn rows(&self, peers: &[S3Server], measured: &[Vec<Measured>]) -> Vec<Row> {
        let mut rows = Vec::new();
        for (index, peer) in peers.iter().enumerate() {
            let row = |unit, name, bar, value: fn(&Measured) -> f64| {
                let pairs = measured.iter().filter_map(|round| {
                    let (ours, theirs) = (round.first()?, round.get(index + 1)?);
                    // Ours is the same, whatever of the peer is counted.
                    let ours = match unit {
                        RATE => ours.requests_per_s,
                        _ => ours.requests_per_cpu_s,
                    };
                    Some((ours, value(theirs)))
                });
                let (ours, theirs, ratio) = medians(&pairs.collect::<Vec<_>>());
                Row {
                    case: self.name(),
                    ours,
                    peer: Some((theirs, name)),
                    unit,
                    ratio: Some(ratio),
                    bar,
                }
            };
            let bar = self.bar(peer);
            rows.push(row(PER_CPU, peer.name, bar, |one| one.requests_per_cpu_s));
            if peer.gateway.is_some() {
                rows.push(row(PER_CPU, "radosgw alone", Bar::None, |one| {
                    one.per_gateway_cpu_s
                }));
                rows.push(row(RATE, peer.name, Bar::None, |one| one.requests_per_s));
            }
        }
        rows
    }

    fn bar(&self, peer: &S3Server) -> Bar {
        match (self.operation, peer.name) {
            (_, name) if name.starts_with("ceph") => Bar::AtLeast(1.0),
            (Operation::Get, "nginx") if self.size == MIB => Bar::AtLeast(1.0 / NGINX_BAR),
            (Operation::Get | Operation::Put, _) => Bar::None,
        }
    }
}

const PER_CPU: &str = "requests/CPU s";
const RATE: &str = "requests/s";
