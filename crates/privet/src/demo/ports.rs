//! Replaces ports of the demo's configuration that are in use by other programs.
//!
//! Lines in any other form than the demo writes are the visitor's own, and stay.

use std::net::{Ipv4Addr, TcpListener};

/// What stands before and after the ports that are replaced.
const PLACES: [(&str, &str); 3] = [
    ("address = \"127.0.0.1:", "\""),
    ("url = \"http://127.0.0.1:", "\""),
    ("rtmp://localhost:", "/"),
];

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

/// Returns the ports of a configuration that have to be replaced. `https_port` is the one that was requested; `free`
/// returns the port itself, or another one if it is in use.
pub(super) fn moved_ports(
    text: &str,
    https_port: Option<u16>,
    free: &mut impl FnMut(u16) -> u16,
) -> Vec<Moved> {
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
    moved
}

/// Returns a configuration with other ports, which may be named in another file of the same demo.
pub(super) fn with_ports(text: &str, moved: &[Moved]) -> String {
    let mut text = text.to_owned();
    for (before, after) in PLACES {
        // A port that is given up may be the one that another listener gets, so that all are marked first.
        for (number, Moved { from, .. }) in moved.iter().enumerate() {
            text = text.replace(
                &format!("{before}{from}{after}"),
                &format!("{before}\0{number}{after}"),
            );
        }
        for (number, Moved { to, .. }) in moved.iter().enumerate() {
            text = text.replace(
                &format!("{before}\0{number}{after}"),
                &format!("{before}{to}{after}"),
            );
        }
    }
    text
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
        let mut free = |port: u16| match taken.contains(&port) {
            true => port + 10_000,
            false => port,
        };
        let moved = moved_ports(TEXT, https_port, &mut free);
        let pairs: Vec<(u16, u16)> = moved.iter().map(|one| (one.from, one.to)).collect();
        assert_eq!(pairs, expected);
        let port = |line: &str| -> Option<u16> {
            let (_, port) = line.rsplit_once(':')?;
            port.trim_end_matches(['"', '/', 'c', 'f', 'x'])
                .parse()
                .ok()
        };
        let text = with_ports(TEXT, &moved);
        assert_eq!(text.lines().count(), TEXT.lines().count());
        for (old, new) in TEXT.lines().zip(text.lines()) {
            let to = port(old).map(|port| {
                let found = expected.iter().find(|(from, _)| *from == port);
                found.map_or(port, |(_, to)| *to)
            });
            assert_eq!(port(new), to, "{old}");
        }
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
        // The requested port was that of another listener, which gets one that is free.
        check(Some(8080), &[8080], &[(8443, 8080), (8080, 18_080)]);
    }
}
