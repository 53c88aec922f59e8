//! Segments of a video whose index is cached, beside nginx, which has the same segments as files.

use super::MediaBench;
use super::servers::{CACHED, VideoServer};
use super::videos::TEN_MINUTES;
use crate::bench::contest::or_failure;
use crate::bench::fetch::Viewer;
use crate::bench::load::{CONNECTIONS, Load, Numbering, Protocol, STREAMS};
use crate::bench::process::cpu_time;
use crate::bench::servers::{Server, cipher};
use crate::bench::{Bar, Row, median};
use std::fs;
use std::time::Duration;
use xtask::command::{self, Outcome, program};

/// Number of segments of 6 s in ten minutes.
const SEGMENTS: u32 = 100;

/// Format of a segment.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Fmp4,
    Ts,
}

/// Source of the video.
#[derive(Clone, Copy)]
enum Way {
    Cached,
    Folder,
}

/// Returns CPU per GB and requests per second for each form, way and protocol; then the time of one request.
pub fn rows(bench: &MediaBench<'_>) -> Outcome<Vec<Row>> {
    let cases = [Form::Fmp4, Form::Ts]
        .into_iter()
        .flat_map(|form| [Way::Cached, Way::Folder].map(|way| (form, way)));
    let cases: Vec<Case> = cases
        .flat_map(|(form, way)| {
            Protocol::ALL.map(|protocol| Case {
                form,
                way,
                protocol,
            })
        })
        .filter(|case| case.form == Form::Fmp4 || case.protocol != Protocol::Http2)
        .filter(|case| bench.is_chosen(&case.name()) || bench.is_chosen(&case.latency_name()))
        .collect();
    if cases.is_empty() {
        return Ok(Vec::new());
    }
    let pair = Pair::start(bench)?;
    let mut rows = Vec::new();
    for case in &cases {
        if bench.is_chosen(&case.name()) {
            rows.extend(or_failure(pair.cost(case)));
        }
    }
    for case in cases.iter().filter(|case| case.protocol == Protocol::Plain) {
        if bench.is_chosen(&case.latency_name()) {
            rows.extend(or_failure(pair.latency(case).map(|row| vec![row])));
        }
    }
    Ok(rows)
}

struct Case {
    form: Form,
    way: Way,
    protocol: Protocol,
}

impl Case {
    fn name(&self) -> String {
        format!("{}, {}", self.what(), self.protocol.name())
    }

    fn latency_name(&self) -> String {
        format!("{}, one viewer", self.what())
    }

    fn what(&self) -> String {
        let form = match self.form {
            Form::Fmp4 => "fMP4",
            Form::Ts => "TS",
        };
        let way = match self.way {
            Way::Cached => "cached",
            Way::Folder => "folder",
        };
        format!("{form} segments, {way}")
    }

    /// Returns the highest ratio of our CPU to nginx's. The values were measured in a spike before videos were written;
    /// see docs/performance.md.
    fn bar(&self) -> Bar {
        match (self.form, self.protocol) {
            (Form::Fmp4, Protocol::Plain) => Bar::AtMost(1.0),
            (Form::Fmp4, Protocol::Https) => Bar::AtMost(0.6),
            (Form::Ts, Protocol::Plain) => Bar::AtMost(1.8),
            (Form::Fmp4 | Form::Ts, Protocol::Http2) | (Form::Ts, Protocol::Https) => Bar::None,
        }
    }

    fn latency_bar(&self) -> Bar {
        match self.form {
            Form::Fmp4 => Bar::AtMost(1.0),
            Form::Ts => Bar::None,
        }
    }

    fn ours(&self) -> Vec<String> {
        let way = match self.way {
            Way::Cached => CACHED,
            Way::Folder => "",
        };
        let name = |number| format!("{way}/{}/{}", TEN_MINUTES.file, self.form.item(number));
        (1..=SEGMENTS).map(name).collect()
    }

    fn theirs(&self) -> Vec<String> {
        let name = |number| format!("/segments/{number}.{}", self.form.ending());
        (1..=SEGMENTS).map(name).collect()
    }
}

impl Form {
    fn item(self, number: u32) -> String {
        match self {
            Form::Fmp4 => format!("hls/t1/{number}.m4s"),
            Form::Ts => format!("hls/ts/{number}.ts"),
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Form::Fmp4 => "m4s",
            Form::Ts => "ts",
        }
    }
}

/// Both servers; nginx has Privet's own segments as files.
struct Pair<'a> {
    bench: &'a MediaBench<'a>,
    privet: VideoServer,
    nginx: VideoServer,
}

impl<'a> Pair<'a> {
    fn start(bench: &'a MediaBench<'a>) -> Outcome<Self> {
        let privet = bench.place.privet(bench.key, bench.origin.http_port)?;
        for form in [Form::Fmp4, Form::Ts] {
            keep_segments(bench, &privet, form)?;
        }
        let nginx = bench.place.nginx()?;
        for server in [&privet.server, &nginx.server] {
            eprintln!("xtask: {} uses {}", server.name, cipher(server)?);
        }
        Ok(Pair {
            bench,
            privet,
            nginx,
        })
    }

    fn cost(&self, case: &Case) -> Outcome<Vec<Row>> {
        let (ours, theirs) = (case.ours(), case.theirs());
        let (mut costs, mut rates) = (Vec::new(), Vec::new());
        let run = |server, targets, cookie| {
            cost(
                self.bench,
                server,
                targets,
                cookie,
                case.protocol,
                CONNECTIONS,
            )
        };
        // An unmeasured run first: afterwards both servers have read everything.
        let warmed = Viewer::connect(self.privet.server.http_port)?;
        warm(warmed, &ours, Some(&self.bench.cookie))?;
        warm(Viewer::connect(self.nginx.server.http_port)?, &theirs, None)?;
        for _ in 0..self.bench.rounds() {
            let ours = run(&self.privet.server, &ours, Some(&*self.bench.cookie))?;
            let theirs = run(&self.nginx.server, &theirs, None)?;
            costs.push((ours.cpu_secs_a_gb, theirs.cpu_secs_a_gb));
            rates.push((ours.mb_a_sec, theirs.mb_a_sec));
        }
        let name = case.name();
        let rows = vec![
            Row::beside(&name, "nginx files", &costs, "CPU s/GB", case.bar()),
            Row::beside(
                &format!("{name}, rate"),
                "nginx files",
                &rates,
                "MB/s",
                Bar::None,
            ),
        ];
        rows.iter().for_each(Row::announce);
        Ok(rows)
    }

    /// Returns the medians of one viewer's requests, sent to both servers alternately.
    fn latency(&self, case: &Case) -> Outcome<Row> {
        let mut privet = Viewer::connect(self.privet.server.http_port)?;
        let mut nginx = Viewer::connect(self.nginx.server.http_port)?;
        let mut rounds = Vec::new();
        for _ in 0..self.bench.rounds() {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            for (our, their) in case.ours().iter().zip(case.theirs()) {
                ours.push(ms(privet.get(our, Some(&self.bench.cookie))?));
                theirs.push(ms(nginx.get(&their, None)?));
            }
            rounds.push((median(&ours), median(&theirs)));
        }
        let bar = case.latency_bar();
        let row = Row::beside(&case.latency_name(), "nginx files", &rounds, "ms, p50", bar);
        row.announce();
        Ok(row)
    }
}

fn warm(mut viewer: Viewer, targets: &[String], cookie: Option<&str>) -> Outcome {
    targets
        .iter()
        .try_for_each(|target| viewer.get(target, cookie).map(|_| ()))
}

/// Cost of a run of load.
pub struct Cost {
    pub cpu_secs_a_gb: f64,
    pub mb_a_sec: f64,
}

/// Runs load on a server. Bodies are counted by bytes, because a run ends in the middle of some.
pub fn cost(
    bench: &MediaBench<'_>,
    server: &Server,
    targets: &[String],
    cookie: Option<&str>,
    protocol: Protocol,
    connections: u32,
) -> Outcome<Cost> {
    let load = Load {
        protocol,
        port: server.port(protocol),
        targets,
        numbering: Numbering::AsListed,
        cookie,
        connections,
        streams: STREAMS,
        seconds: bench.seconds(),
    };
    let before = cpu_time(server.process())?;
    let received = load
        .run(bench.place.folder)
        .map_err(|message| format!("{}: {message}", server.name))?;
    let spent = cpu_time(server.process())?.saturating_sub(before);
    if received.bytes == 0 {
        return Err(format!("{} answered nothing", server.name));
    }
    Ok(Cost {
        cpu_secs_a_gb: spent.as_secs_f64() * 1e9 / received.bytes as f64,
        mb_a_sec: received.bytes as f64 / 1e6 / received.seconds,
    })
}

/// Writes Privet's segments to the folder from which nginx serves them.
fn keep_segments(bench: &MediaBench<'_>, privet: &VideoServer, form: Form) -> Outcome {
    let folder = bench.place.segments();
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let item = match form {
        Form::Fmp4 => "hls/t1",
        Form::Ts => "hls/ts",
    };
    let ending = form.ending();
    let url = format!(
        "http://localhost:{}/{}/{item}/[1-{SEGMENTS}].{ending}",
        privet.server.http_port, TEN_MINUTES.file
    );
    let mut curl = program("curl", &["-s", "-S", "-f", "-b", &bench.cookie, "-o"]);
    curl.arg(folder.join(format!("#1.{ending}"))).arg(url);
    command::output(&mut curl).map(|_| ())
}

/// Returns milliseconds for a row.
pub fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
