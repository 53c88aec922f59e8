//! Replaces ports of the demo's configuration that are in use by other programs.
//!
//! Lines in any other form than the demo writes are the visitor's own, and stay.

use std::net::{Ipv4Addr, TcpListener};

/// A port that was replaced, and the one in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) from: u16,
    pub(super) to: u16,
}

/// Returns `wanted` if it is free, else any free port.
pub(super) fn free_port(wanted: u16) -> u16 {
    let free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listener = free(wanted).or_else(|_| free(0));
    let address = listener.and_then(|listener| listener.local_addr());
    address.map_or(wanted, |address| address.port())
}

/// Returns the configuration with free ports. `https_port` is the one that was requested; `free` returns the port
/// itself, or another one if it is in use.
pub(super) fn with_free_ports(
    text: &str,
    https_port: Option<u16>,
    mut free: impl FnMut(u16) -> u16,
) -> (String, Vec<Moved>) {
    let lines: Vec<&str> = text.lines().collect();
    let mut moved = Vec::new();
    for (position, line) in lines.iter().enumerate() {
        let line_at = |position: Option<usize>| position.and_then(|at| lines.get(at)).copied();
        let before = line_at(position.checked_sub(1)).unwrap_or_default();
        let Some(from) = own_port(line, before) else {
            continue;
        };
        let is_https = line_at(position.checked_add(1)) == Some("protocol = \"https\"");
        let to = match https_port.filter(|_| is_https) {
            Some(port) => port,
            None => free(from),
        };
        if to != from {
            moved.push(Moved { from, to });
        }
    }
    let mut text = text.to_owned();
    for Moved { from, to } in &moved {
        for place in ["address = \"127.0.0.1:", "url = \"http://127.0.0.1:"] {
            text = text.replace(&format!("{place}{from}\""), &format!("{place}{to}\""));
        }
        text = text.replace(
            &format!("rtmp://localhost:{from}/"),
            &format!("rtmp://localhost:{to}/"),
        );
    }
    (text, moved)
}

/// Returns the port of a line with an address of the edge or of the demo's page.
fn own_port(line: &str, before: &str) -> Option<u16> {
    let listener = line.strip_prefix("address = \"127.0.0.1:");
    let is_site = before == "id = \"site\"";
    let site = line
        .strip_prefix("url = \"http://127.0.0.1:")
        .filter(|_| is_site);
    let port = listener.or(site)?.strip_suffix('"')?.parse().ok()?;
    (port != 0).then_some(port)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[[listeners]]
address = \"127.0.0.1:8443\"
protocol = \"https\"
[[listeners]]
address = \"127.0.0.1:8080\"
[[listeners]]
address = \"0.0.0.0:9000\"
id = \"site\"
url = \"http://127.0.0.1:8090\"
id = \"mine\"
url = \"http://127.0.0.1:3000\"
# rtmp://localhost:8080/cfx
";

    #[track_caller]
    fn check(https_port: Option<u16>, taken: &[u16], expected: &[(u16, u16)]) {
        let free = |port: u16| match taken.contains(&port) {
            true => port + 10_000,
            false => port,
        };
        let (text, moved) = with_free_ports(TEXT, https_port, free);
        let moved: Vec<(u16, u16)> = moved.iter().map(|one| (one.from, one.to)).collect();
        assert_eq!(moved, expected);
        let mut wanted = TEXT.to_owned();
        for (from, to) in expected {
            wanted = wanted.replace(&format!(":{from}"), &format!(":{to}"));
        }
        assert_eq!(text, wanted);
    }

    #[test]
    fn d14_ports_that_are_taken_are_replaced_and_no_others() {
        check(None, &[], &[]);
        // Another server, and a listener on all addresses, are the visitor's own.
        check(None, &[3000, 9000], &[]);
        check(None, &[8080], &[(8080, 18_080)]);
        check(
            None,
            &[8443, 8080, 8090],
            &[(8443, 18_443), (8080, 18_080), (8090, 18_090)],
        );
        check(Some(9443), &[8443, 9443], &[(8443, 9443)]);
        check(Some(8443), &[8443], &[]);
    }
}
