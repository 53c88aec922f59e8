//! `cargo xtask bench`: the benches, and how their results are shown.
//!
//! A bench runs Privet and its peer alternately, within the same minutes on the same machine, and reports the median of
//! the ratios, so that a busy neighbour disturbs both alike.

mod bucket;
mod builds;
mod cache;
mod contest;
mod control;
mod edge;
mod fetch;
mod growth;
mod idle;
mod keys;
mod links;
mod load;
mod media;
mod memory;
mod operators;
mod paths;
mod postgres;
mod process;
mod servers;
mod sign;
mod start;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use std::path::PathBuf;
use xtask::command::Outcome;

/// The benches.
#[derive(Subcommand)]
pub enum Bench {
    /// Links per CPU second, beside `openssl speed` and botocore; one signature stamped on many links.
    Sign(Output),
    /// Time from the start of `privet sign` to the printed link, beside the AWS CLI.
    Start(Output),
    /// Server CPU per request of `privet serve`, beside nginx; memory under slow readers.
    Edge(EdgeArguments),
    /// Privet as a cache in front of an HTTP origin, beside nginx, Varnish and Apache Traffic Server.
    Cache(CacheArguments),
    /// The cost of more objects in the cache, more connections and more distributions.
    Growth(GrowthArguments),
    /// CPU per request by path, with as many behaviors as a distribution may have.
    Paths(Output),
    /// Server CPU per request of this build, beside another build of Privet: the cost of a change.
    Builds(BuildsArguments),
    /// Reads and durable changes of operators in a second, with the store in SQLite and in PostgreSQL; CloudFront's API
    /// beside moto's server.
    Control(ControlArguments),
    /// Links that end early and links that count: the table of a million revocations; redemptions in a second, with the
    /// store in SQLite and in PostgreSQL.
    Links(LinksArguments),
    /// The S3 endpoint over the machine's own buckets: uploads and downloads by CPU time beside Ceph's gateway and
    /// other servers, lists and deletions among many objects.
    Bucket(BucketArguments),
    /// Videos: HLS segments beside ready-made files from nginx, a cold long video, RTMP beside nginx's module.
    Media(MediaArguments),
}

/// The arguments of every bench.
#[derive(Args, Clone)]
pub struct Output {
    /// Print a JSON array instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Run fewer and shorter rounds: for a first look, not for comparisons.
    #[arg(long)]
    pub quick: bool,
}

/// The arguments of `bench edge`.
#[derive(Args, Clone)]
pub struct EdgeArguments {
    #[command(flatten)]
    pub output: Output,
    /// File sizes, e.g. `1k,64k,1m,64m`.
    #[arg(long, value_delimiter = ',', default_value = "1k,64k,1m,64m")]
    pub sizes: Vec<String>,
    /// Run only the cases whose name contains this.
    #[arg(long)]
    pub only: Option<String>,
}

/// The arguments of `bench cache`.
#[derive(Args, Clone)]
pub struct CacheArguments {
    #[command(flatten)]
    pub output: Output,
    /// Object sizes, e.g. `1k,64k,1m`.
    #[arg(long, value_delimiter = ',', default_value = "1k,64k,1m")]
    pub sizes: Vec<String>,
    /// Run only the cases whose name contains this.
    #[arg(long)]
    pub only: Option<String>,
}

/// The arguments of `bench control`.
#[derive(Args, Clone)]
pub struct ControlArguments {
    #[command(flatten)]
    pub output: Output,
    /// One part of three.
    #[arg(long)]
    pub only: Option<ControlPart>,
}

/// A part of `bench control`.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq)]
pub enum ControlPart {
    /// `/v1` with the store in SQLite.
    Sqlite,
    /// `/v1` with the store in PostgreSQL.
    Postgres,
    /// CloudFront's API, beside moto.
    Api,
}

/// The arguments of `bench bucket`.
#[derive(Args, Clone)]
pub struct BucketArguments {
    #[command(flatten)]
    pub output: Output,
    /// Sizes of objects, e.g. `4k,1m,64m`.
    #[arg(long, value_delimiter = ',', default_value = "4k,1m,64m")]
    pub sizes: Vec<String>,
    /// One part of two.
    #[arg(long)]
    pub only: Option<BucketPart>,
}

/// A part of `bench bucket`.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq)]
pub enum BucketPart {
    /// Uploads and downloads, beside other servers.
    Objects,
    /// Lists, deletions and the start, with many objects.
    Lists,
}

/// The arguments of `bench builds`.
#[derive(Args, Clone)]
pub struct BuildsArguments {
    #[command(flatten)]
    pub output: Output,
    /// The executable of the other build, from an older commit.
    #[arg(long)]
    pub before: PathBuf,
    /// Run only the cases whose name contains this.
    #[arg(long)]
    pub only: Option<String>,
}

/// The arguments of `bench growth`.
#[derive(Args, Clone)]
pub struct GrowthArguments {
    #[command(flatten)]
    pub output: Output,
    /// One part of four: objects, connections, distributions or stored; or only the cases of connections whose name
    /// contains this.
    #[arg(long)]
    pub only: Option<String>,
}

/// The arguments of `bench links`.
#[derive(Args, Clone)]
pub struct LinksArguments {
    #[command(flatten)]
    pub output: Output,
    /// One part.
    #[arg(long)]
    pub only: Option<LinksPart>,
}

/// A part of `bench links`.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq)]
pub enum LinksPart {
    /// The table of revocations in an edge's memory.
    Table,
    /// Redemptions and revocations of the store.
    Store,
}

/// The arguments of `bench media`.
#[derive(Args, Clone)]
pub struct MediaArguments {
    #[command(flatten)]
    pub output: Output,
    /// Run only the cases whose name contains this.
    #[arg(long)]
    pub only: Option<String>,
}

/// Runs a bench in a release build of this program.
pub fn run(bench: &Bench) -> Outcome {
    if cfg!(debug_assertions) {
        return Err("a debug build would measure itself; run `cargo xtask bench`".to_owned());
    }
    let (rows, output) = match bench {
        Bench::Sign(output) => (sign::run(output.quick)?, output),
        Bench::Start(output) => (start::run(output.quick)?, output),
        Bench::Edge(arguments) => (edge::run(arguments)?, &arguments.output),
        Bench::Cache(arguments) => (cache::run(arguments)?, &arguments.output),
        Bench::Growth(arguments) => (growth::run(arguments)?, &arguments.output),
        Bench::Builds(arguments) => (builds::run(arguments)?, &arguments.output),
        Bench::Paths(output) => (paths::run(output.quick)?, output),
        Bench::Control(arguments) => (control::run(arguments)?, &arguments.output),
        Bench::Links(arguments) => (links::run(arguments)?, &arguments.output),
        Bench::Bucket(arguments) => (bucket::run(arguments)?, &arguments.output),
        Bench::Media(arguments) => (media::run(arguments)?, &arguments.output),
    };
    if output.json {
        print_json(&rows);
    } else {
        print_table(&rows);
    }
    let missed: Vec<&str> = rows
        .iter()
        .filter(|row| row.ok() == Some(false))
        .map(|row| &*row.case)
        .collect();
    if missed.is_empty() {
        Ok(())
    } else {
        Err(format!("below the bar: {}", missed.join(", ")))
    }
}

/// The bound that a measurement has to keep.
#[derive(Clone, Copy)]
pub enum Bar {
    /// No bound: the value is only reported.
    None,
    /// A minimum of the ratio or, without a peer, of the value.
    AtLeast(f64),
    /// A maximum of the ratio or, without a peer, of the value.
    AtMost(f64),
}

/// One row of the result.
pub struct Row {
    pub case: String,
    pub ours: f64,
    /// The peer's value and name.
    pub peer: Option<(f64, &'static str)>,
    pub unit: &'static str,
    /// Our value divided by the peer's: the median over all rounds.
    pub ratio: Option<f64>,
    pub bar: Bar,
}

impl Row {
    /// Returns `None` when there is no bar.
    fn ok(&self) -> Option<bool> {
        let measured = self.ratio.unwrap_or(self.ours);
        match self.bar {
            Bar::None => None,
            Bar::AtLeast(bar) => Some(measured >= bar),
            Bar::AtMost(bar) => Some(measured <= bar),
        }
    }

    fn verdict(&self) -> &'static str {
        match self.ok() {
            None => "",
            Some(true) => "ok",
            Some(false) => "MISSED",
        }
    }

    /// Prints the row at once on standard error, so that an interrupted run is not lost.
    pub fn announce(&self) {
        let peer = self.peer.map_or_else(String::new, |(value, name)| {
            format!(", {name} {}", number(value))
        });
        let ratio = self
            .ratio
            .map_or_else(String::new, |ratio| format!(", ratio {ratio:.2}"));
        eprintln!(
            "xtask: {}: {} {}{peer}{ratio} (bar {}) {}",
            self.case,
            number(self.ours),
            self.unit,
            self.bar_text(),
            self.verdict()
        );
    }

    fn bar_text(&self) -> String {
        match self.bar {
            Bar::None => "-".to_owned(),
            Bar::AtLeast(bar) => format!(">= {}", number(bar)),
            Bar::AtMost(bar) => format!("<= {}", number(bar)),
        }
    }

    fn to_json(&self) -> Value {
        let bar = match self.bar {
            Bar::None => None,
            Bar::AtLeast(bar) | Bar::AtMost(bar) => Some(bar),
        };
        json!({
            "case": self.case,
            "ours": self.ours,
            "peer": self.peer.map(|(value, _)| value),
            "peer_name": self.peer.map(|(_, name)| name),
            "unit": self.unit,
            "ratio": self.ratio,
            "bar": bar,
            "ok": self.ok(),
        })
    }
}

/// Returns the middle value, or the mean of the two middle ones for an even count.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => sorted[length / 2],
        length => f64::midpoint(sorted[length / 2 - 1], sorted[length / 2]),
    }
}

/// Returns our median, the peer's median, and the median of their ratios round by round.
pub fn medians(rounds: &[(f64, f64)]) -> (f64, f64, f64) {
    let ours: Vec<f64> = rounds.iter().map(|round| round.0).collect();
    let peers: Vec<f64> = rounds.iter().map(|round| round.1).collect();
    let ratios: Vec<f64> = rounds.iter().map(|round| round.0 / round.1).collect();
    (median(&ours), median(&peers), median(&ratios))
}

fn print_json(rows: &[Row]) {
    let list: Vec<Value> = rows.iter().map(Row::to_json).collect();
    println!("{}", Value::from(list));
}

fn print_table(rows: &[Row]) {
    let width = rows
        .iter()
        .map(|row| row.case.len())
        .max()
        .unwrap_or(0)
        .max(4);
    println!(
        "{:width$}  {:>12}  {:>12}  {:<18}  {:<14}  {:>6}  {:>12}",
        "case", "privet", "peer", "peer's name", "unit", "ratio", "bar"
    );
    for row in rows {
        let peer = row
            .peer
            .map_or_else(|| "-".to_owned(), |(value, _)| number(value));
        let name = row.peer.map_or("-", |(_, name)| name);
        let ratio = row
            .ratio
            .map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
        println!(
            "{:width$}  {:>12}  {peer:>12}  {name:<18}  {:<14}  {ratio:>6}  {:>12}  {}",
            row.case,
            number(row.ours),
            row.unit,
            row.bar_text(),
            row.verdict()
        );
    }
}

fn number(value: f64) -> String {
    if value >= 1000.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Bar, Row, median, medians};

    #[test]
    fn the_median_is_the_middle() {
        assert!(median(&[]).is_nan());
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        // A slow round slows both sides, so the ratio does not change.
        let (ours, peer, ratio) = medians(&[(2.0, 4.0), (1.0, 2.0), (2.0, 4.0)]);
        assert_eq!((ours, peer, ratio), (2.0, 4.0, 0.5));
    }

    #[test]
    fn a_bar_is_on_the_ratio_or_without_one_on_the_value() {
        check(Some(0.5), Bar::AtMost(0.75), Some(true));
        check(Some(0.8), Bar::AtMost(0.75), Some(false));
        check(None, Bar::AtLeast(6.0), Some(true));
        check(None, Bar::AtMost(6.0), Some(false));
        check(Some(9.0), Bar::None, None);
    }

    fn check(ratio: Option<f64>, bar: Bar, ok: Option<bool>) {
        let row = Row {
            case: String::new(),
            ours: 7.0,
            peer: None,
            unit: "",
            ratio,
            bar,
        };
        assert_eq!(row.ok(), ok);
    }
}
