//! `bench cache`: Privet as a cache in front of an HTTP origin, beside nginx, Varnish and Apache Traffic Server.
//!
//! Every request to Privet carries a signed cookie, every request to nginx a `secure_link`. The origin is an nginx with
//! files on the same machine; its CPU time counts only where a case says so.

mod far_origin;
mod hit_ratio;
mod large;
mod latency;
pub mod servers;

use super::contest::{
    self, Contest, MIB, Side, file_name, nginx_links, or_failure, parse_size, size_name,
};
use super::keys::{self, Key};
use super::load::{Numbering, Protocol};
use super::process::cpu_time;
use super::servers::{Server, make_certificate};
use super::{Bar, CacheArguments, Row};
use servers::Sizes;
use std::ops::Range;
use std::path::Path;
use std::time::Instant;
use xtask::command::Outcome;
use xtask::tools;

/// Sizes for the cases about memory, which holds all their objects.
const MEMORY: Sizes = Sizes {
    memory: "512 MiB",
    disk: None,
};
/// Sizes for the cases about the disk: the smallest memory possible, so that objects come from the disk.
const DISK: Sizes = Sizes {
    memory: "16 MiB",
    disk: Some("8 GiB"),
};
/// Total size of the objects requested in turn in the cases about the disk: many times the memory.
const DISK_WORKING_SET_BYTES: u64 = 256 * MIB;
const DISK_OBJECTS_MAX: u64 = 100_000;
/// Maximum cost of a miss relative to a direct request for the same object.
const MISS_BAR: f64 = 1.15;

/// Largest share of the time of a case about hits in which the origin may be busy; misses would keep it busier.
const ORIGIN_SHARE_MAX: f64 = 0.02;

/// Runs the chosen cases.
pub fn run(arguments: &CacheArguments) -> Outcome<Vec<Row>> {
    tools::install_for_benches()?;
    let sizes = arguments
        .sizes
        .iter()
        .map(|text| parse_size(text))
        .collect::<Outcome<Vec<_>>>()?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let bench = CacheBench::prepare(folder.path(), &sizes, arguments)?;
    let mut rows = Vec::new();
    rows.extend(bench.hits_from_memory(&sizes));
    rows.extend(bench.hits_from_disk(&sizes));
    rows.extend(bench.hits_over_plain_http(&sizes));
    rows.extend(bench.misses(&sizes));
    rows.extend(bench.misses_beside_origin(&sizes));
    rows.extend(latency::of_misses(&bench, &sizes));
    rows.extend(large::ranges(&bench));
    rows.extend(large::slow_viewers(&bench));
    rows.extend(bench.hit_ratio());
    Ok(rows)
}

/// State shared by all cases.
struct CacheBench<'a> {
    contest: Contest<'a>,
    keys: [Key; 2],
    cookie: String,
    origin: Server,
}

impl<'a> CacheBench<'a> {
    fn prepare(folder: &'a Path, sizes: &[u64], arguments: &'a CacheArguments) -> Outcome<Self> {
        for &size in sizes {
            contest::make_file(folder, size)?;
        }
        large::make(folder)?;
        make_certificate(folder)?;
        let keys = keys::make(folder)?;
        Ok(Self {
            contest: Contest::new(folder, &arguments.output, arguments.only.as_deref()),
            cookie: keys[0].cookie("*")?,
            keys,
            origin: servers::origin(folder)?,
        })
    }

    fn privet(&self, sizes: Sizes) -> Outcome<Server> {
        servers::privet(
            self.contest.folder,
            &self.keys,
            self.origin.http_port,
            sizes,
        )
    }

    fn nginx(&self) -> Outcome<Server> {
        servers::nginx(self.contest.folder, self.origin.http_port)
    }

    /// Returns those of the cases that are to run; `None` when there are none, so that no server is started in vain.
    fn chosen(&self, cases: Vec<Case>) -> Option<Vec<Case>> {
        let chosen: Vec<Case> = cases
            .into_iter()
            .filter(|case| self.contest.is_chosen(&case.name))
            .collect();
        (!chosen.is_empty()).then_some(chosen)
    }

    /// One object, requested repeatedly.
    fn hits_from_memory(&self, sizes: &[u64]) -> Vec<Row> {
        let protocols = [Protocol::Https, Protocol::Http2];
        let Some(cases) = self.chosen(cases("hits", sizes, &protocols)) else {
            return Vec::new();
        };
        let measure = || {
            let (privet, nginx) = (self.privet(MEMORY)?, self.nginx()?);
            let mut rows = Vec::new();
            for case in &cases {
                let bar = match case.protocol {
                    Protocol::Http2 => Bar::AtMost(0.9),
                    Protocol::Plain | Protocol::Https => Bar::AtMost(0.75),
                };
                let ours = self.ours(&privet, case.size, 0..1);
                let theirs = nginx_side(&nginx, case.size, 0..1)?;
                rows.extend(self.warm_and_compare(
                    &case.name,
                    case.size,
                    case.protocol,
                    &ours,
                    &[(&theirs, bar)],
                )?);
            }
            Ok(rows)
        };
        or_failure(measure())
    }

    /// Many objects in turn, more than the memory holds; nginx has them on disk in any case. h2load is not used: its
    /// connections go through the targets in step, so all but the first would find an object in memory.
    fn hits_from_disk(&self, sizes: &[u64]) -> Vec<Row> {
        let protocols = [Protocol::Https];
        let Some(cases) = self.chosen(cases("hits from disk", sizes, &protocols)) else {
            return Vec::new();
        };
        let measure = || {
            let (privet, nginx) = (self.privet(DISK)?, self.nginx()?);
            let mut rows = Vec::new();
            for case in &cases {
                let objects = (DISK_WORKING_SET_BYTES / case.size).min(DISK_OBJECTS_MAX);
                let ours = self.ours(&privet, case.size, 0..objects);
                let theirs = nginx_side(&nginx, case.size, 0..objects)?;
                let bar = Bar::AtMost(1.0);
                rows.extend(self.warm_and_compare(
                    &case.name,
                    case.size,
                    case.protocol,
                    &ours,
                    &[(&theirs, bar)],
                )?);
            }
            Ok(rows)
        };
        or_failure(measure())
    }

    /// One object over plain HTTP. Varnish and Traffic Server do not check links.
    fn hits_over_plain_http(&self, sizes: &[u64]) -> Vec<Row> {
        let Some(cases) = self.chosen(cases("hits", sizes, &[Protocol::Plain])) else {
            return Vec::new();
        };
        let measure = || {
            let (privet, nginx) = (self.privet(MEMORY)?, self.nginx()?);
            let varnish = servers::varnish(self.contest.folder, &self.origin)?;
            let traffic_server = servers::traffic_server(self.contest.folder, &self.origin)?;
            let mut rows = Vec::new();
            for case in &cases {
                let target = format!("/{}?n=", file_name(case.size));
                let open = |server| Side::new(server, numbered(&target, 0..1), None);
                let ours = self.ours(&privet, case.size, 0..1);
                let peers = [
                    nginx_side(&nginx, case.size, 0..1)?,
                    open(&varnish),
                    open(&traffic_server),
                ];
                let peers = peers.each_ref().map(|peer| (peer, Bar::None));
                rows.extend(self.warm_and_compare(
                    &case.name,
                    case.size,
                    case.protocol,
                    &ours,
                    &peers,
                )?);
            }
            Ok(rows)
        };
        or_failure(measure())
    }

    /// A different object in every request, beside nginx.
    fn misses(&self, sizes: &[u64]) -> Vec<Row> {
        let protocols = [Protocol::Plain, Protocol::Https];
        let Some(cases) = self.chosen(cases("misses", sizes, &protocols)) else {
            return Vec::new();
        };
        let measure = || {
            let (privet, nginx) = (self.privet(MEMORY)?, self.nginx()?);
            let mut rows = Vec::new();
            for case in &cases {
                let ours = self.ours(&privet, case.size, 0..0);
                let theirs = nginx_side(&nginx, case.size, 0..0)?;
                rows.extend(self.contest.compare(
                    &case.name,
                    case.size,
                    case.protocol,
                    &ours,
                    &[(&theirs, Bar::None)],
                )?);
            }
            Ok(rows)
        };
        or_failure(measure())
    }

    /// Cache and origin together, beside the origin alone and nginx with it.
    fn misses_beside_origin(&self, sizes: &[u64]) -> Vec<Row> {
        let Some(cases) = self.chosen(cases("misses with origin", sizes, &[Protocol::Plain]))
        else {
            return Vec::new();
        };
        let measure = || {
            let (privet, nginx) = (self.privet(MEMORY)?, self.nginx()?);
            let mut rows = Vec::new();
            for case in &cases {
                let direct = vec![format!("/{}?n=", file_name(case.size))];
                let mut direct = Side::new(&self.origin, direct, None);
                direct.numbering = Numbering::Fresh;
                let mut ours = self.ours(&privet, case.size, 0..0);
                let mut theirs = nginx_side(&nginx, case.size, 0..0)?;
                for side in [&mut ours, &mut theirs] {
                    side.behind = Some(&self.origin);
                }
                let peers = [(&direct, Bar::AtMost(MISS_BAR)), (&theirs, Bar::None)];
                rows.extend(self.contest.compare(
                    &case.name,
                    case.size,
                    case.protocol,
                    &ours,
                    &peers,
                )?);
            }
            Ok(rows)
        };
        or_failure(measure())
    }

    /// Returns Privet's side: one target for each number, or a fresh number for each request when `numbers` is empty.
    fn ours<'s>(&'s self, privet: &'s Server, size: u64, numbers: Range<u64>) -> Side<'s> {
        let target = format!("/{}?n=", file_name(size));
        side(privet, &target, numbers, Some(&self.cookie))
    }

    /// Requests everything once from each side, over HTTP/1.1, before the rounds begin.
    fn warm_and_compare(
        &self,
        case: &str,
        size: u64,
        protocol: Protocol,
        ours: &Side<'_>,
        peers: &[(&Side<'_>, Bar)],
    ) -> Outcome<Vec<Row>> {
        ours.warm()?;
        for (peer, _) in peers {
            peer.warm()?;
        }
        let (before, started) = (cpu_time(self.origin.process())?, Instant::now());
        let rows = self.contest.compare(case, size, protocol, ours, peers)?;
        let asked = cpu_time(self.origin.process())?.saturating_sub(before);
        if asked > started.elapsed().mul_f64(ORIGIN_SHARE_MAX) {
            return Err(format!(
                "{case}: the origin was busy for {asked:.1?}, so these were no hits"
            ));
        }
        Ok(rows)
    }

    /// Measures the hit ratio, which needs no server.
    fn hit_ratio(&self) -> Vec<Row> {
        if !self.contest.is_chosen("hit ratio") {
            return Vec::new();
        }
        eprintln!("xtask: hit ratio");
        let (objects, requests) = if self.contest.rounds > 2 {
            (200_000, 6_000_000)
        } else {
            (50_000, 1_000_000)
        };
        or_failure(hit_ratio::rows(objects, requests))
    }
}

/// A case that is to be measured.
struct Case {
    name: String,
    size: u64,
    protocol: Protocol,
}

/// Returns a case for each size over each protocol.
fn cases(what: &str, sizes: &[u64], protocols: &[Protocol]) -> Vec<Case> {
    let pairs = sizes
        .iter()
        .flat_map(|&size| protocols.iter().map(move |&protocol| (size, protocol)));
    pairs
        .map(|(size, protocol)| Case {
            name: format!("{what}, {} {}", size_name(size), protocol.name()),
            size,
            protocol,
        })
        .collect()
}

fn nginx_side(nginx: &Server, size: u64, numbers: Range<u64>) -> Outcome<Side<'_>> {
    let link = nginx_links(&file_name(size), 1)?.remove(0);
    Ok(side(nginx, &format!("{link}&n="), numbers, None))
}

fn side<'s>(
    server: &'s Server,
    target: &str,
    numbers: Range<u64>,
    cookie: Option<&'s str>,
) -> Side<'s> {
    let numbering = if numbers.is_empty() {
        Numbering::Fresh
    } else {
        Numbering::AsListed
    };
    let mut side = Side::new(server, numbered(target, numbers), cookie);
    side.numbering = numbering;
    side
}

/// Returns the target with each number appended; without numbers, the bare target, to which fresh numbers are appended
/// later.
fn numbered(target: &str, numbers: Range<u64>) -> Vec<String> {
    if numbers.is_empty() {
        return vec![target.to_owned()];
    }
    numbers.map(|number| format!("{target}{number}")).collect()
}
