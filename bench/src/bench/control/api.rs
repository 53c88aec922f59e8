//! CloudFront's API: the same calls of Privet and of moto's server.
//!
//! Privet looks up who asks and what they may do, checks the service as it would be, writes the change and its entry in
//! the audit trail, and answers once both are on disk. moto keeps everything in memory: it does not verify who asks,
//! checks a configuration against nothing else, and writes down nothing. As no change can be answered before the disk
//! says that it has it, changes are shown beside the disk too.

use super::super::operators::{Operator, token};
use super::super::process::cpu_time;
use super::super::servers::{Server, free_port, write, write_private};
use super::super::{Bar, Row, medians};
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};
use xtask::command::Outcome;
use xtask::tools;

const OPERATORS: [usize; 2] = [1, 8];
/// Bytes that the disk is given at a time: the least that a change writes to SQLite's log.
const PAGES: [u8; 16 * 1024] = [b'x'; 16 * 1024];
/// Least ratios of reads, and of changes.
const BARS: (f64, f64) = (20.0, 5.0);
const COLLECTION: &str = "/2020-05-31/distribution";
/// By the scope of a signature moto knows the service; it does not verify one.
const MOTO_AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/cloudfront/aws4_request, \
                                  SignedHeaders=host;x-amz-date, Signature=00";

/// A server of the API, and how it is asked.
#[derive(Clone)]
struct Api {
    port: u16,
    authorization: String,
}

/// What operators were given in a second, and what one request cost the server.
#[derive(Clone, Copy)]
struct Measured {
    rate: f64,
    cpu_us: f64,
}

/// The same act of the same number of operators.
struct Case {
    name: String,
    is_durable: bool,
}

/// Starts both servers and measures them alternately.
pub(super) fn rows(folder: &Path, is_quick: bool) -> Outcome<Vec<Row>> {
    fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    eprintln!("xtask: CloudFront's API, beside moto's server");
    let (ours, privet) = privet(folder)?;
    let (theirs, moto) = moto(folder)?;
    let duration = Duration::from_secs(if is_quick { 1 } else { 5 });
    let rounds = if is_quick { 1 } else { 5 };
    let mut rows = Vec::new();
    for operators in OPERATORS {
        let who = match operators {
            1 => "1 operator".to_owned(),
            count => format!("{count} operators"),
        };
        let mut ours = ours.distributions(operators)?;
        let mut theirs = theirs.distributions(operators)?;
        for (what, act, is_durable) in [
            ("GetDistribution", read as Act, false),
            ("durable UpdateDistribution", change, true),
        ] {
            let mut measured = Vec::new();
            for _ in 0..rounds {
                measured.push([
                    measure(&mut ours, act, duration, &privet)?,
                    measure(&mut theirs, act, duration, &moto)?,
                    disk(folder, duration / 5)?,
                ]);
            }
            let case = Case {
                name: format!("CloudFront's API, {who}, {what}"),
                is_durable,
            };
            rows.extend(case.rows(&measured));
        }
    }
    Ok(rows)
}

impl Case {
    /// Returns the rows of rounds, in each of which Privet, moto and the disk were measured.
    fn rows(&self, measured: &[[Measured; 3]]) -> Vec<Row> {
        let row = |(unit, peer, index): (&'static str, &'static str, usize),
                   bar,
                   value: fn(&Measured) -> f64| {
            let pairs = measured.iter();
            let pairs: Vec<(f64, f64)> = pairs
                .map(|round| (value(&round[0]), value(&round[index])))
                .collect();
            let (ours, theirs, ratio) = medians(&pairs);
            Row {
                case: self.name.clone(),
                ours,
                peer: Some((theirs, peer)),
                unit,
                ratio: Some(ratio),
                bar,
            }
        };
        let bar = Bar::AtLeast(if self.is_durable { BARS.1 } else { BARS.0 });
        let mut rows = vec![
            row(("requests/s", "moto", 1), bar, |one| one.rate),
            row(("CPU us/request", "moto", 1), Bar::None, |one| one.cpu_us),
        ];
        if self.is_durable {
            rows.push(row(("requests/s", "fdatasync", 2), Bar::None, |one| {
                one.rate
            }));
        }
        rows
    }
}

/// Returns how often the disk confirms in a second that it has a few pages, written over older ones.
fn disk(folder: &Path, duration: Duration) -> Outcome<Measured> {
    let fault = |error: std::io::Error| error.to_string();
    let file = fs::File::create(folder.join("pages")).map_err(fault)?;
    file.write_all_at(&PAGES, 0).map_err(fault)?;
    file.sync_all().map_err(fault)?;
    let started = Instant::now();
    let mut count = 0;
    while started.elapsed() < duration {
        file.write_all_at(&PAGES, 0).map_err(fault)?;
        file.sync_data().map_err(fault)?;
        count += 1;
    }
    Ok(Measured {
        rate: f64::from(count) / started.elapsed().as_secs_f64(),
        cpu_us: 0.0,
    })
}

fn privet(folder: &Path) -> Outcome<(Api, Server)> {
    let (port, control_port) = (free_port()?, free_port()?);
    let config = folder.join("privet.toml");
    let text = format!(
        "[edge]\nworkers = 1\n[[listeners]]\naddress = \"127.0.0.1:{port}\"\n[store]\nfile = \"privet.db\"\n\
         key_file = \"store.key\"\n[control]\naddress = \"127.0.0.1:{control_port}\"\n"
    );
    write(&config, &text)?;
    write_private(&folder.join("store.key"), &"ab".repeat(32))?;
    let authorization = format!("Bearer {}", token(&config)?);
    let binary = xtask::command::target().join("release/privet");
    let server = Server::privet_of(&binary, "privet", folder, (port, control_port), &text)?;
    let api = Api {
        port: control_port,
        authorization,
    };
    Ok((api, server))
}

fn moto(folder: &Path) -> Outcome<(Api, Server)> {
    let port = free_port()?;
    let mut command = Command::new(tools::install_moto()?);
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
    let server = Server::start("moto", &mut command, (port, port), &folder.join("moto.txt"))?;
    let api = Api {
        port,
        authorization: MOTO_AUTHORIZATION.to_owned(),
    };
    Ok((api, server))
}

/// One operator's connection, and the distribution that nobody else changes.
struct Own {
    operator: Operator,
    target: String,
    reference: String,
    etag: String,
}

type Act = fn(&mut Own, usize) -> Outcome;

impl Api {
    /// Makes a distribution for each operator.
    fn distributions(&self, count: usize) -> Outcome<Vec<Own>> {
        let numbers = 0..count;
        numbers
            .map(|number| self.distribution(&format!("bench-{count}-{number}")))
            .collect()
    }

    fn distribution(&self, reference: &str) -> Outcome<Own> {
        let mut operator = Operator::with(self.port, &self.authorization);
        let body = config(reference, "first");
        let made = operator.send("POST", COLLECTION, None, ("text/xml", &body))?;
        let text = String::from_utf8_lossy(&made.body).into_owned();
        let id = text
            .split("<Id>")
            .nth(1)
            .and_then(|rest| rest.split('<').next());
        match (made.status, id) {
            (201, Some(id)) => Ok(Own {
                operator,
                target: format!("{COLLECTION}/{id}"),
                reference: reference.to_owned(),
                etag: made.etag,
            }),
            (status, _) => Err(format!("POST {COLLECTION}: {status} {text}")),
        }
    }
}

fn config(reference: &str, comment: &str) -> String {
    format!(
        "<DistributionConfig xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">\
         <CallerReference>{reference}</CallerReference><Origins><Quantity>1</Quantity><Items><Origin><Id>server</Id>\
         <DomainName>www.example.com</DomainName><CustomOriginConfig><HTTPPort>80</HTTPPort><HTTPSPort>443</HTTPSPort>\
         <OriginProtocolPolicy>http-only</OriginProtocolPolicy></CustomOriginConfig></Origin></Items></Origins>\
         <DefaultCacheBehavior><TargetOriginId>server</TargetOriginId><ForwardedValues><QueryString>false</QueryString>\
         <Cookies><Forward>none</Forward></Cookies></ForwardedValues><TrustedSigners><Enabled>false</Enabled>\
         <Quantity>0</Quantity></TrustedSigners><ViewerProtocolPolicy>allow-all</ViewerProtocolPolicy><MinTTL>0</MinTTL>\
         </DefaultCacheBehavior><Comment>{comment}</Comment><Enabled>true</Enabled></DistributionConfig>"
    )
}

fn read(own: &mut Own, _count: usize) -> Outcome {
    let answer = own.operator.send("GET", &own.target, None, ("", ""))?;
    match answer.status {
        200 => Ok(()),
        status => Err(format!("GET {}: {status}", own.target)),
    }
}

fn change(own: &mut Own, count: usize) -> Outcome {
    let body = config(&own.reference, &count.to_string());
    let target = format!("{}/config", own.target);
    let etag = Some(own.etag.as_str());
    let answer = own
        .operator
        .send("PUT", &target, etag, ("text/xml", &body))?;
    match answer.status {
        200 => {
            own.etag = answer.etag;
            Ok(())
        }
        status => {
            let text = String::from_utf8_lossy(&answer.body);
            Err(format!("PUT {target}: {status} {text}"))
        }
    }
}

/// Has all operators together do `act` for a time.
fn measure(owns: &mut [Own], act: Act, duration: Duration, server: &Server) -> Outcome<Measured> {
    let before = cpu_time(server.process())?;
    let started = Instant::now();
    let counts: Vec<Outcome<usize>> = thread::scope(|scope| {
        let threads: Vec<_> = owns
            .iter_mut()
            .map(|own| scope.spawn(move || repeat(own, act, duration)))
            .collect();
        let joined = threads.into_iter().map(|thread| {
            let panicked = |_| "an operator panicked".to_owned();
            thread.join().map_err(panicked)?
        });
        joined.collect()
    });
    let seconds = started.elapsed().as_secs_f64();
    let cpu = cpu_time(server.process())?.saturating_sub(before);
    let counts = counts.into_iter().collect::<Outcome<Vec<usize>>>()?;
    let count = counts.iter().sum::<usize>() as f64;
    Ok(Measured {
        rate: count / seconds,
        cpu_us: cpu.as_secs_f64() * 1e6 / count,
    })
}

fn repeat(own: &mut Own, act: Act, duration: Duration) -> Outcome<usize> {
    let started = Instant::now();
    let mut count = 0;
    while started.elapsed() < duration {
        act(own, count)?;
        count += 1;
    }
    Ok(count)
}
