//! `bench control`: requests of operators, with the store in SQLite and in PostgreSQL: how many are read and how many
//! durable changes are made in a second. The same by CloudFront's API, beside moto's server.

mod api;

use super::operators::{Operator, import, token};
use super::postgres::Postgres;
use super::servers::{Server, free_port, write, write_private};
use super::{Bar, ControlArguments, ControlPart, Row};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};
use xtask::command::Outcome;

/// Number of distributions in the store; each operator changes those of its own.
const DISTRIBUTIONS: usize = 1_000;
/// Operators who ask at the same time.
const OPERATORS: [usize; 2] = [1, 8];

/// Runs the bench.
pub fn run(arguments: &ControlArguments) -> Outcome<Vec<Row>> {
    Server::build_privet()?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let folder = folder.path();
    let is_quick = arguments.output.quick;
    let seconds = if is_quick { 2 } else { 10 };
    let is_wanted = |part: ControlPart| arguments.only.is_none_or(|only| only == part);
    let mut rows = Vec::new();
    if is_wanted(ControlPart::Sqlite) {
        rows.extend(of_store(folder, "SQLite", "file = \"privet.db\"", seconds)?);
    }
    if is_wanted(ControlPart::Postgres) {
        rows.extend(of_postgres(folder, seconds)?);
    }
    if is_wanted(ControlPart::Api) {
        rows.extend(api::rows(&folder.join("api"), is_quick)?);
    }
    rows.iter().for_each(Row::announce);
    Ok(rows)
}

fn of_postgres(folder: &Path, seconds: u64) -> Outcome<Vec<Row>> {
    match Postgres::start(&folder.join("postgres"))? {
        Some(postgres) => {
            let url = format!(
                "url = \"postgres://privet@127.0.0.1:{}/postgres\"",
                postgres.port
            );
            of_store(folder, "PostgreSQL", &url, seconds)
        }
        None => {
            eprintln!("xtask: PostgreSQL is not installed; its rows are left out");
            Ok(Vec::new())
        }
    }
}

fn of_store(folder: &Path, name: &str, location: &str, seconds: u64) -> Outcome<Vec<Row>> {
    eprintln!("xtask: operators with {name}");
    let folder = folder.join(name);
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let (port, control_port) = (free_port()?, free_port()?);
    let config = folder.join("privet.toml");
    let text = format!(
        "[edge]\nworkers = 1\n[[listeners]]\naddress = \"127.0.0.1:{port}\"\n[store]\n{location}\nkey_file = \"store.key\"\n\
         [control]\naddress = \"127.0.0.1:{control_port}\"\n"
    );
    write(&config, &text)?;
    write_private(&folder.join("store.key"), &"ab".repeat(32))?;
    let token = token(&config)?;
    let distributions: Vec<String> = (0..DISTRIBUTIONS).map(toml).collect();
    import(&config, &folder, "", &distributions)?;
    let binary = xtask::command::target().join("release/privet");
    let server = Server::privet_of(&binary, "privet", &folder, (port, control_port), &text)?;
    let bench = ControlBench {
        control_port,
        token,
        duration: Duration::from_secs(seconds),
    };
    let mut rows = Vec::new();
    for operators in OPERATORS {
        let who = match operators {
            1 => "1 operator".to_owned(),
            count => format!("{count} operators"),
        };
        let row = |what: &str, ours| Row {
            case: format!("{name}, {who}, {what}"),
            ours,
            peer: None,
            unit: "requests/s",
            ratio: None,
            bar: Bar::None,
        };
        rows.push(row("reads", bench.rate(operators, read_one)?));
        rows.push(row("durable changes", bench.rate(operators, change_one)?));
    }
    drop(server);
    Ok(rows)
}

fn toml(number: usize) -> String {
    format!(
        "[[distributions]]\nid = \"EBENCH{number:04}\"\ndomain_name = \"d{number}.cloudfront.net\"\n\
         origins = [{{ id = \"files\", url = \"http://127.0.0.1:9\" }}]\ndefault_behavior = {{ origin = \"files\" }}\n"
    )
}

struct ControlBench {
    control_port: u16,
    token: String,
    duration: Duration,
}

impl ControlBench {
    /// Returns how often all operators together do `act` in a second. It gets the number of a distribution that no
    /// other operator has, and a count.
    fn rate(
        &self,
        operators: usize,
        act: fn(&mut Operator, usize, usize) -> Outcome,
    ) -> Outcome<f64> {
        let started = Instant::now();
        let counts: Vec<Outcome<usize>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..operators)
                .map(|number| scope.spawn(move || self.repeat(number, operators, act)))
                .collect();
            let joined = threads.into_iter().map(|thread| {
                let panicked = |_| "an operator panicked".to_owned();
                thread.join().map_err(panicked)?
            });
            joined.collect()
        });
        let seconds = started.elapsed().as_secs_f64();
        let counts = counts.into_iter().collect::<Outcome<Vec<usize>>>()?;
        Ok(counts.iter().sum::<usize>() as f64 / seconds)
    }

    fn repeat(
        &self,
        number: usize,
        operators: usize,
        act: fn(&mut Operator, usize, usize) -> Outcome,
    ) -> Outcome<usize> {
        let mut operator = Operator::new(self.control_port, &self.token);
        let started = Instant::now();
        let mut count = 0;
        while started.elapsed() < self.duration {
            let own = (number + count * operators) % DISTRIBUTIONS;
            act(&mut operator, own, count)?;
            count += 1;
        }
        Ok(count)
    }
}

fn read_one(operator: &mut Operator, number: usize, _count: usize) -> Outcome {
    let target = format!("/v1/distributions/EBENCH{number:04}");
    let answer = operator.ask("GET", &target, None, None)?;
    match answer.status {
        200 => Ok(()),
        status => Err(format!("{target}: {status} {}", answer.body)),
    }
}

/// Reads a distribution and changes it: two requests, of which the second is durable when it is answered.
fn change_one(operator: &mut Operator, number: usize, count: usize) -> Outcome {
    let target = format!("/v1/distributions/EBENCH{number:04}");
    let item = operator.ask("GET", &target, None, None)?;
    let etag = item.body["etag"].as_str().unwrap_or_default().to_owned();
    let mut document: Value = item.body["document"].clone();
    document["default_root_object"] = json!(format!("{count}.html"));
    let answer = operator.ask("PUT", &target, Some(&etag), Some(&document))?;
    match answer.status {
        200 => Ok(()),
        status => Err(format!("{target}: {status} {}", answer.body)),
    }
}
