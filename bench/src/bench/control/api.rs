//! CloudFront's API: the same calls of Privet and of moto's server. Privet's changes are durable when they are
//! answered; moto keeps everything in memory, and does not look at who asks.

use super::super::operators::{Operator, token};
use super::super::servers::{Server, free_port, write, write_private};
use super::super::{Bar, Row, medians};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};
use xtask::command::Outcome;
use xtask::tools;

const OPERATORS: [usize; 2] = [1, 8];
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

/// Starts both servers and measures them alternately.
pub(super) fn rows(folder: &Path, is_quick: bool) -> Outcome<Vec<Row>> {
    fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    eprintln!("xtask: CloudFront's API, beside moto's server");
    let (ours, _privet) = privet(folder)?;
    let (theirs, _moto) = moto(folder)?;
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
        for (what, act, bar) in [
            ("GetDistribution", read as Act, BARS.0),
            ("durable UpdateDistribution", change, BARS.1),
        ] {
            let mut measured = Vec::new();
            for _ in 0..rounds {
                let our_rate = rate(&mut ours, act, duration)?;
                measured.push((our_rate, rate(&mut theirs, act, duration)?));
            }
            let (our_median, their_median, ratio) = medians(&measured);
            rows.push(Row {
                case: format!("CloudFront's API, {who}, {what}"),
                ours: our_median,
                peer: Some((their_median, "moto")),
                unit: "requests/s",
                ratio: Some(ratio),
                bar: Bar::AtLeast(bar),
            });
        }
    }
    Ok(rows)
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

/// Returns how often all operators together do `act` in a second.
fn rate(owns: &mut [Own], act: Act, duration: Duration) -> Outcome<f64> {
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
    let counts = counts.into_iter().collect::<Outcome<Vec<usize>>>()?;
    Ok(counts.iter().sum::<usize>() as f64 / seconds)
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
