//! `bench builds`: the cost of a change. Two builds of Privet run alternately with one configuration: the same folder,
//! the same objects from a cache, the same video, the same cookie.

use super::contest::{self, Contest, MIB, Side, file_name, or_failure, size_name};
use super::keys::{self, Key};
use super::load::Protocol;
use super::media::videos::{self, TEN_MINUTES};
use super::servers::{self, AccessLog, Memory, Server};
use super::{Bar, BuildsArguments, Row};
use std::fs;
use std::path::Path;
use xtask::command::Outcome;
use xtask::tools;

const SIZES: [u64; 3] = [1024, 64 * 1024, MIB];
/// Largest cost of a change; a smaller limit could hardly be told from noise.
const RATIO_MAX: f64 = 1.05;
/// Number of segments in a video of ten minutes.
const SEGMENTS: u32 = 100;
/// Nominal size of a segment, which is large enough to be counted by bytes.
const SEGMENT_SIZE: u64 = 2 * MIB;

/// The requests of a case.
struct Case {
    name: String,
    targets: Vec<String>,
    size: u64,
    protocol: Protocol,
    log: AccessLog,
}

/// Runs the chosen cases.
pub fn run(arguments: &BuildsArguments) -> Outcome<Vec<Row>> {
    if !arguments.before.is_file() {
        return Err(format!("there is no {}", arguments.before.display()));
    }
    tools::install_for_benches()?;
    videos::make(&[TEN_MINUTES])?;
    Server::build_privet()?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let folder = folder.path();
    prepare(folder)?;
    let keys = keys::make(folder)?;
    let contest = Contest::new(folder, &arguments.output, arguments.only.as_deref());
    let mut rows = Vec::new();
    for log in [AccessLog::Off, AccessLog::On] {
        let chosen = cases()
            .into_iter()
            .filter(|case| case.log == log && contest.is_chosen(&case.name));
        let chosen: Vec<Case> = chosen.collect();
        if !chosen.is_empty() {
            let pair = Pair::start(folder, &keys, &arguments.before, log)?;
            for case in &chosen {
                rows.extend(or_failure(pair.compare(&contest, case)));
            }
        }
    }
    Ok(rows)
}

fn prepare(folder: &Path) -> Outcome {
    let failed = |error: std::io::Error| error.to_string();
    let cached = folder.join("files/cached");
    fs::create_dir_all(&cached).map_err(failed)?;
    for size in SIZES {
        contest::make_file(folder, size)?;
        let file = file_name(size);
        fs::copy(folder.join("files").join(&file), cached.join(file)).map_err(failed)?;
    }
    let video = videos::folder().join(TEN_MINUTES.file);
    fs::copy(video, folder.join("files").join(TEN_MINUTES.file)).map_err(failed)?;
    fs::create_dir_all(folder.join("privet-logs")).map_err(failed)?;
    servers::make_certificate(folder)
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for size in SIZES {
        for protocol in Protocol::ALL {
            for (name, place) in [("folder", ""), ("cache", "/cached")] {
                cases.push(Case {
                    name: format!("{} {}, {name}", size_name(size), protocol.name()),
                    targets: vec![format!("{place}/{}", file_name(size))],
                    size,
                    protocol,
                    log: AccessLog::Off,
                });
            }
        }
    }
    let video = TEN_MINUTES.file;
    for (name, item) in [("fMP4", "hls/t1/N.m4s"), ("TS", "hls/ts/N.ts")] {
        for protocol in [Protocol::Plain, Protocol::Https] {
            let target = |number: u32| {
                let item = item.replace('N', &number.to_string());
                format!("/{video}/{item}")
            };
            cases.push(Case {
                name: format!("{name} segments {}, folder", protocol.name()),
                targets: (1..=SEGMENTS).map(target).collect(),
                size: SEGMENT_SIZE,
                protocol,
                log: AccessLog::Off,
            });
        }
    }
    cases.push(Case {
        name: "1 KiB plain h1, folder, access log".to_owned(),
        targets: vec![format!("/{}", file_name(1024))],
        size: 1024,
        protocol: Protocol::Plain,
        log: AccessLog::On,
    });
    cases
}

/// Two builds, and the origin of the objects in their caches.
struct Pair {
    now: Server,
    before: Server,
    cookie: String,
    _origin: Server,
}

impl Pair {
    fn start(folder: &Path, keys: &[Key; 2], before: &Path, log: AccessLog) -> Outcome<Self> {
        let ports = (servers::free_port()?, servers::free_port()?);
        let open = servers::privet_toml(folder, keys, ports, Memory::Default, AccessLog::Off)
            .replace("trusted_key_groups = [\"bench\"]\n", "");
        let origin = Server::privet_with(folder, ports, &open)?;
        let start = |binary: Option<&Path>| {
            let ports = (servers::free_port()?, servers::free_port()?);
            let toml = servers::privet_toml(folder, keys, ports, Memory::Default, log);
            let cached = format!(
                "[[distributions.origins]]\nid = \"origin\"\nurl = \"http://localhost:{}\"\n\n\
                 [[distributions.behaviors]]\npath_pattern = \"/cached/*\"\norigin = \"origin\"\n\
                 viewer_protocol_policy = \"allow-all\"\ntrusted_key_groups = [\"bench\"]\n\n\
                 [distributions.default_behavior]",
                origin.http_port
            );
            let toml = toml
                .replace("[distributions.default_behavior]", &cached)
                // Older builds do not know this setting.
                .replace("connections_per_address_max = 10000\n", "");
            match binary {
                None => Server::privet_with(folder, ports, &toml),
                Some(binary) => Server::privet_of(binary, "before", folder, ports, &toml),
            }
        };
        Ok(Pair {
            now: start(None)?,
            before: start(Some(before))?,
            cookie: keys[0].cookie("*")?,
            _origin: origin,
        })
    }

    fn compare(&self, contest: &Contest<'_>, case: &Case) -> Outcome<Vec<Row>> {
        let side = |server| Side::new(server, case.targets.clone(), Some(&self.cookie));
        let (now, before) = (side(&self.now), side(&self.before));
        for side in [&now, &before] {
            side.warm()?;
        }
        let bar = Bar::AtMost(RATIO_MAX);
        contest.compare(
            &case.name,
            case.size,
            case.protocol,
            &now,
            &[(&before, bar)],
        )
    }
}
