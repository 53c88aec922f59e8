//! Load on a server: wrk for HTTP/1.1, h2load for HTTP/2, and the results that each reports.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use xtask::command::{self, Outcome, program};

/// Number of connections in most runs.
pub const CONNECTIONS: u32 = 16;
/// Streams at once on each HTTP/2 connection of most runs.
pub const STREAMS: u32 = 4;

/// Time beyond its planned end after which a run counts as hung.
const HUNG_SECONDS: u32 = 60;

/// Parameters of a run.
pub struct Load<'a> {
    pub protocol: Protocol,
    pub port: u16,
    /// Request targets (path and query), requested in turn. With HTTP/1.1 a header line may follow after a tab.
    pub targets: &'a [String],
    pub numbering: Numbering,
    pub cookie: Option<&'a str>,
    pub connections: u32,
    /// At once on each connection of HTTP/2.
    pub streams: u32,
    pub seconds: u32,
}

/// The way requests differ beyond their targets.
#[derive(Clone, Copy, PartialEq)]
pub enum Numbering {
    /// No difference.
    AsListed,
    /// A number that no request had before is appended to each target. HTTP/1.1 only.
    Fresh,
}

/// A viewer's protocol.
#[derive(Clone, Copy, PartialEq)]
pub enum Protocol {
    Plain,
    Https,
    Http2,
}

impl Protocol {
    /// All protocols, the cheapest first.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Https, Self::Http2];

    /// Returns the name as it appears in the name of a case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain h1",
            Self::Https => "HTTPS h1",
            Self::Http2 => "HTTPS h2",
        }
    }

    /// Returns the scheme of the URL.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Plain => "http",
            Self::Https | Self::Http2 => "https",
        }
    }
}

/// Results of a run.
pub struct Received {
    pub requests: u64,
    pub bytes: u64,
    pub seconds: f64,
}

impl Load<'_> {
    /// Runs to the end. Any status but 200 is an error: refusals are fast and would distort the result.
    pub fn run(&self, folder: &Path) -> Outcome<Received> {
        match self.protocol {
            Protocol::Plain | Protocol::Https => self.wrk(folder),
            Protocol::Http2 => self.h2load(folder),
        }
    }

    fn wrk(&self, folder: &Path) -> Outcome<Received> {
        let script = folder.join("load.lua");
        let targets = folder.join("targets.txt");
        write(&script, LUA)?;
        write(&targets, &self.targets.join("\n"))?;
        let connections = self.connections.to_string();
        let duration = format!("{}s", self.seconds);
        let mut wrk = program(
            "wrk",
            &[
                "-t",
                "1",
                "-c",
                &connections,
                "-d",
                &duration,
                "--timeout",
                "30s",
            ],
        );
        wrk.arg("-s")
            .arg(script)
            .arg(self.origin())
            .env("LOAD_TARGETS", targets);
        wrk.env("LOAD_COOKIE", self.cookie.unwrap_or_default());
        match self.numbering {
            Numbering::AsListed => {}
            Numbering::Fresh => {
                let first = FRESH.fetch_add(FRESH_STEP, Ordering::Relaxed);
                wrk.env("LOAD_FIRST_NUMBER", first.to_string());
            }
        }
        let text = command::output(&mut wrk)?;
        let line = text.lines().find_map(|line| line.strip_prefix("RESULT "));
        let numbers: Vec<u64> = line
            .unwrap_or("")
            .split(' ')
            .filter_map(|word| word.parse().ok())
            .collect();
        let &[requests, bytes, microseconds, failed] = &numbers[..] else {
            return Err(format!("wrk said something new: {text}"));
        };
        refuse_failures(failed, requests)?;
        Ok(Received {
            requests,
            bytes,
            seconds: microseconds as f64 / 1e6,
        })
    }

    fn h2load(&self, folder: &Path) -> Outcome<Received> {
        let list = folder.join("urls.txt");
        let urls: Vec<String> = self
            .targets
            .iter()
            .map(|target| self.origin() + target)
            .collect();
        write(&list, &urls.join("\n"))?;
        let numbers = [
            self.connections.to_string(),
            self.streams.to_string(),
            self.seconds.to_string(),
        ];
        // h2load occasionally stops reading and waits forever.
        let patience = (HUNG_SECONDS + 2 * self.seconds).to_string();
        let mut h2load = program("timeout", &[&*patience, "h2load"]);
        h2load.args([
            "-t",
            "1",
            "-c",
            &numbers[0],
            "-m",
            &numbers[1],
            "-D",
            &numbers[2],
        ]);
        if let Some(cookie) = self.cookie {
            h2load.arg("-H").arg(format!("cookie: {cookie}"));
        }
        let text = command::output(h2load.arg("-i").arg(list))?;
        parse_h2load(&text).ok_or_else(|| format!("h2load said something new: {text}"))?
    }

    fn origin(&self) -> String {
        format!("{}://localhost:{}", self.protocol.scheme(), self.port)
    }
}

/// Parses `finished in 3.00s, …`, `status codes: 9 2xx, 0 3xx, …`, `traffic: 1MB (1048576) total, … (N) data`.
fn parse_h2load(text: &str) -> Option<Outcome<Received>> {
    let rest = |prefix: &str| text.lines().find_map(|line| line.strip_prefix(prefix));
    let seconds = rest("finished in ")?.split(',').next()?;
    let seconds = match seconds.strip_suffix("ms") {
        Some(number) => number.parse::<f64>().ok()? / 1000.0,
        None => seconds.strip_suffix('s')?.parse().ok()?,
    };
    let codes = rest("status codes: ")?
        .split(", ")
        .map(|part| part.split(' ').next()?.parse::<u64>().ok());
    let codes: Vec<u64> = codes.collect::<Option<_>>()?;
    let data = rest("traffic: ")?.rsplit_once('(')?.1;
    let bytes = data.split(')').next()?.parse().ok()?;
    let requests = *codes.first()?;
    Some(
        refuse_failures(codes.iter().skip(1).sum(), requests).map(|()| Received {
            requests,
            bytes,
            seconds,
        }),
    )
}

/// Fails if any request failed. No complete response is no failure: a large file may take longer than the run.
fn refuse_failures(failed: u64, requests: u64) -> Outcome {
    if failed == 0 {
        return Ok(());
    }
    let all = requests + failed;
    Err(format!(
        "{failed} answers of {all} were not 200: the measurement is worth nothing"
    ))
}

fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// First number of the next run.
static FRESH: AtomicU64 = AtomicU64::new(1_000_000_000);
/// Distance between the numbers of two runs; more requests than a run can make.
const FRESH_STEP: u64 = 100_000_000;

/// wrk's script. Requests are built once; the loop only steps through them, or puts a number into them.
const LUA: &str = r#"
local requests, rests, at = {}, {}, 0
local number = tonumber(os.getenv("LOAD_FIRST_NUMBER") or "")
function init(arguments)
  local cookie = os.getenv("LOAD_COOKIE")
  if cookie and cookie ~= "" then wrk.headers["Cookie"] = cookie end
  for line in io.lines(os.getenv("LOAD_TARGETS")) do
    local target, name, value = line:match("^(.-)\t(.-): (.*)$")
    local headers = {}
    for key, text in pairs(wrk.headers) do headers[key] = text end
    if name then headers[name] = value else target = line end
    local request = wrk.format("GET", target, headers)
    if number then
      local from = request:find(" HTTP/1.1", 1, true)
      rests[#rests + 1] = request:sub(from)
      request = request:sub(1, from - 1)
    end
    requests[#requests + 1] = request
  end
end
function request()
  at = at % #requests + 1
  if not number then return requests[at] end
  number = number + 1
  return string.format("%s%d%s", requests[at], number, rests[at])
end
function done(summary, latency, all)
  local errors = summary.errors
  local failed = errors.status + errors.connect + errors.read
  print(string.format("RESULT %d %d %d %d", summary.requests, summary.bytes, summary.duration, failed))
end
"#;

#[cfg(test)]
mod tests {
    use super::parse_h2load;

    const SAID: &str = "finished in 1.01s, 1584.00 req/s, 1.56GB/s
requests: 1584 total, 1648 started, 1584 done, 1584 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 1598 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 1.56GB (1670442094) total, 190.39KB (194956) headers (space savings 38.69%), 1.55GB (1668399014) data
";

    #[test]
    fn h2load_tells_requests_bytes_and_seconds() {
        let received = parse_h2load(SAID).unwrap().unwrap();
        let numbers = (received.requests, received.bytes, received.seconds);
        assert_eq!(numbers, (1598, 1_668_399_014, 1.01));
        let brief = parse_h2load(&SAID.replace("1.01s", "1010ms"))
            .unwrap()
            .unwrap();
        assert_eq!(brief.seconds, 1.01);
    }

    #[test]
    fn refused_requests_are_no_measurement() {
        assert!(parse_h2load("nothing of the kind").is_none());
        let refused = parse_h2load(&SAID.replace("0 4xx", "3 4xx")).unwrap();
        assert!(refused.is_err());
    }
}
