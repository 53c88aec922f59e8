//! Lists, deletions and the start with many objects: the peer of most rows is Privet's own smallest case, because the
//! growth of the numbers is what matters.

use super::super::{Bar, Row};
use super::client::{Keys, Payload, Reading, S3Client};
use super::servers::{BUCKET, Durability, PrivetBuckets, S3Server};
use std::path::Path;
use std::thread;
use std::time::Instant;
use xtask::command::Outcome;

/// Objects of a page, and of a deletion.
const PAGE: usize = 1_000;
/// Clients that fill the buckets.
const WRITERS: usize = 8;
/// A page among many objects may take so many times that of a bucket with one page.
const GROWTH_BAR: f64 = 1.5;
/// The start with many objects may take so many times that without any.
const START_BAR: f64 = 1.5;

/// A bucket, and the keys in it.
struct Layout {
    bucket: &'static str,
    name: String,
    count: usize,
    key: fn(usize) -> String,
}

impl Layout {
    /// Objects in one folder.
    fn folder(bucket: &'static str, count: usize) -> Self {
        Layout {
            bucket,
            name: format!("{} objects in a folder", grouped(count)),
            count,
            key: |number| format!("all/{number:07}"),
        }
    }

    /// Objects in folders of a thousand.
    fn folders(bucket: &'static str, count: usize) -> Self {
        Layout {
            bucket,
            name: format!("{} objects in a bucket", grouped(count)),
            count,
            key: |number| format!("{:04}/{number:07}", number / PAGE),
        }
    }
}

/// How long pages took, in milliseconds.
struct Pages {
    what: String,
    p50: f64,
    p99: f64,
}

/// Fills buckets, and measures what depends on how much is in them.
pub(super) fn rows(folder: &Path, is_quick: bool) -> Outcome<Vec<Row>> {
    let privet = PrivetBuckets::prepare(folder, Durability::Unsynced)?;
    // The first start makes what every later one finds.
    drop(privet.start()?);
    let empty_ms = start_ms(&privet)?;
    let (in_folder, in_bucket, samples) = match is_quick {
        true => (10_000, 50_000, 20),
        false => (100_000, 1_000_000, 200),
    };
    let small = Layout::folder(BUCKET, PAGE);
    let large = [
        Layout::folder("large", in_folder),
        Layout::folders("larger", in_bucket),
    ];
    let mut rows = Vec::new();
    let server = privet.start()?;
    for layout in std::iter::once(&small).chain(&large) {
        let rate = fill(&server, layout)?;
        rows.push(own(
            format!("{}, PUT of a byte", layout.name),
            rate,
            "requests/s",
        ));
    }
    drop(server);
    rows.push(Row {
        case: "start with all of them".to_owned(),
        ours: start_ms(&privet)?,
        peer: Some((empty_ms, "no bucket")),
        unit: "ms",
        ratio: None,
        bar: Bar::AtMost(empty_ms * START_BAR),
    });
    let server = privet.start()?;
    let listing = Listing {
        server: &server,
        samples,
    };
    let smallest = listing.at(&small, "all/", "start", 0)?;
    for layout in &large {
        rows.extend(listing.rows(layout, &smallest)?);
    }
    rows.push(delete(&server, &large[0])?);
    rows.iter().for_each(Row::announce);
    Ok(rows)
}

fn own(case: String, ours: f64, unit: &'static str) -> Row {
    Row {
        case,
        ours,
        peer: None,
        unit,
        ratio: None,
        bar: Bar::None,
    }
}

/// Returns the time until a start answers, and stops the server.
fn start_ms(privet: &PrivetBuckets) -> Outcome<f64> {
    let started = Instant::now();
    let server = privet.start()?;
    let taken = started.elapsed();
    drop(server);
    Ok(taken.as_secs_f64() * 1000.0)
}

/// Puts the objects of a layout; returns how many in a second.
fn fill(server: &S3Server, layout: &Layout) -> Outcome<f64> {
    let mut client = S3Client::new(server.port, &server.keys);
    client.put(&format!("/{}", layout.bucket), &Payload::new(Vec::new()))?;
    let started = Instant::now();
    let results: Vec<Outcome> = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                scope.spawn(move || {
                    let mut client = S3Client::new(server.port, &server.keys);
                    let byte = Payload::new(vec![b'x']);
                    let mut numbers = (writer..layout.count).step_by(WRITERS);
                    numbers.try_for_each(|number| {
                        let key = (layout.key)(number);
                        client.put(&format!("/{}/{key}", layout.bucket), &byte)
                    })
                })
            })
            .collect();
        let joined = writers.into_iter().map(|writer| {
            let panicked = |_| "a writer panicked".to_owned();
            writer.join().map_err(panicked)?
        });
        joined.collect()
    });
    results.into_iter().collect::<Outcome>()?;
    Ok(layout.count as f64 / started.elapsed().as_secs_f64())
}

struct Listing<'a> {
    server: &'a S3Server,
    samples: usize,
}

impl Listing<'_> {
    /// Measures pages in all places of a layout.
    fn rows(&self, layout: &Layout, smallest: &Pages) -> Outcome<Vec<Row>> {
        let mut all = vec![self.walk(layout)?];
        let places = [
            ("start", 0),
            ("middle", layout.count / 2),
            ("end", layout.count - PAGE),
        ];
        for (place, first) in places {
            all.push(self.at(layout, "", place, first)?);
        }
        let prefix = (layout.key)(layout.count / 2);
        let prefix = prefix.split_inclusive('/').next().unwrap_or_default();
        all.push(self.delimited(layout, prefix, "delimiter, a folder")?);
        all.push(self.delimited(layout, "", "delimiter, the bucket")?);
        let rows = all.into_iter().flat_map(|pages| {
            let row = |unit, ours, theirs, bar| Row {
                case: format!("{}, page, {}", layout.name, pages.what),
                ours,
                peer: Some((theirs, "1,000 objects")),
                unit,
                ratio: Some(ours / theirs),
                bar,
            };
            [
                row("ms, p50", pages.p50, smallest.p50, Bar::AtMost(GROWTH_BAR)),
                row("ms, p99", pages.p99, smallest.p99, Bar::None),
            ]
        });
        Ok(rows.collect())
    }

    /// Lists everything, page by page.
    fn walk(&self, layout: &Layout) -> Outcome<Pages> {
        let mut client = Lister::new(self.server, layout.bucket);
        let mut times = Vec::new();
        let (mut keys, mut token) = (0, String::new());
        loop {
            let mut query = Vec::new();
            if !token.is_empty() {
                query.push(("continuation-token", token.as_str()));
            }
            let page = client.page(&query)?;
            times.push(page.ms);
            keys += page.keys;
            match page.next {
                Some(next) => token = next,
                None => break,
            }
        }
        match keys == layout.count {
            true => Ok(Pages::of("all in turn", times)),
            false => Err(format!("{}: {keys} keys were listed", layout.name)),
        }
    }

    /// Lists the page that begins with an object, repeatedly.
    fn at(&self, layout: &Layout, prefix: &str, place: &str, first: usize) -> Outcome<Pages> {
        let mut client = Lister::new(self.server, layout.bucket);
        let after = match first {
            0 => String::new(),
            first => (layout.key)(first - 1),
        };
        let mut query = vec![("start-after", after.as_str()), ("prefix", prefix)];
        query.retain(|(_, value)| !value.is_empty());
        let mut times = Vec::new();
        for _ in 0..self.samples {
            let page = client.page(&query)?;
            if page.keys != PAGE {
                return Err(format!("{}: a page of {} keys", layout.name, page.keys));
            }
            times.push(page.ms);
        }
        Ok(Pages::of(place, times))
    }

    fn delimited(&self, layout: &Layout, prefix: &str, what: &str) -> Outcome<Pages> {
        let mut client = Lister::new(self.server, layout.bucket);
        let mut query = vec![("delimiter", "/"), ("prefix", prefix)];
        query.retain(|(_, value)| !value.is_empty());
        let mut times = Vec::new();
        for _ in 0..self.samples {
            let page = client.page(&query)?;
            if page.keys + page.prefixes == 0 {
                return Err(format!("{}: a page of nothing", layout.name));
            }
            times.push(page.ms);
        }
        Ok(Pages::of(what, times))
    }
}

impl Pages {
    fn of(what: &str, mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let at = |part: usize| {
            let index = times.len().saturating_sub(1) * part / 100;
            times.get(index).copied().unwrap_or(f64::NAN)
        };
        Pages {
            what: what.to_owned(),
            p50: at(50),
            p99: at(99),
        }
    }
}

/// A client that lists one bucket.
struct Lister {
    client: S3Client,
    path: String,
    nothing: Payload,
}

struct Page {
    ms: f64,
    keys: usize,
    prefixes: usize,
    next: Option<String>,
}

impl Lister {
    fn new(server: &S3Server, bucket: &str) -> Self {
        let keys: &Keys = &server.keys;
        Lister {
            client: S3Client::new(server.port, keys),
            path: format!("/{bucket}"),
            nothing: Payload::new(Vec::new()),
        }
    }

    fn page(&mut self, query: &[(&str, &str)]) -> Outcome<Page> {
        let query = [&[("list-type", "2")], query].concat();
        let started = Instant::now();
        let sent = (query.as_slice(), &self.nothing);
        let body = self.client.send("GET", &self.path, sent, Reading::Keep)?;
        let ms = started.elapsed().as_secs_f64() * 1000.0;
        let text = String::from_utf8_lossy(&body);
        let next = text
            .split_once("<NextContinuationToken>")
            .and_then(|(_, rest)| rest.split_once('<'));
        Ok(Page {
            ms,
            keys: text.matches("<Key>").count(),
            prefixes: text.matches("<CommonPrefixes>").count(),
            next: next.map(|(token, _)| token.to_owned()),
        })
    }
}

/// Deletes all objects of a layout, a thousand in each request.
fn delete(server: &S3Server, layout: &Layout) -> Outcome<Row> {
    let mut client = S3Client::new(server.port, &server.keys);
    let path = format!("/{}", layout.bucket);
    let numbers: Vec<usize> = (0..layout.count).collect();
    let started = Instant::now();
    for page in numbers.chunks(PAGE) {
        let objects: String = page
            .iter()
            .map(|number| format!("<Object><Key>{}</Key></Object>", (layout.key)(*number)))
            .collect();
        let text = format!("<Delete>{objects}<Quiet>true</Quiet></Delete>");
        let payload = Payload::new(text.into_bytes());
        let answer = client.send("POST", &path, (&[("delete", "")], &payload), Reading::Keep)?;
        let answer = String::from_utf8_lossy(&answer);
        if answer.contains("<Error>") {
            return Err(format!("not everything was deleted: {answer}"));
        }
    }
    let rate = layout.count as f64 / started.elapsed().as_secs_f64();
    let left = Lister::new(server, layout.bucket).page(&[])?;
    match left.keys {
        0 => Ok(own(
            format!("{}, deleted by 1,000", layout.name),
            rate,
            "objects/s",
        )),
        left => Err(format!("{left} objects are left")),
    }
}

/// Returns a number with commas between its thousands.
fn grouped(number: usize) -> String {
    match number / 1000 {
        0 => number.to_string(),
        thousands => format!("{},{:03}", grouped(thousands), number % 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_the_order_of_their_numbers() {
        for layout in [Layout::folder("a", 1), Layout::folders("b", 1)] {
            let keys: Vec<String> = (999..1001).map(layout.key).collect();
            assert!(keys[0] < keys[1], "{keys:?}");
        }
        assert_eq!(grouped(1_000_000), "1,000,000");
        assert_eq!(grouped(999), "999");
    }

    #[test]
    fn percentiles_are_of_the_times_in_order() {
        let pages = Pages::of("", (1..=101).rev().map(f64::from).collect());
        assert_eq!((pages.p50, pages.p99), (51.0, 100.0));
    }
}
