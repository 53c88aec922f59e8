//! A distant origin: a relay on this machine that delays every request.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;
use xtask::command::Outcome;

/// Round-trip time between the edge and the origin.
pub const AWAY: Duration = Duration::from_millis(20);

/// Starts the relay in front of the origin at `port` and returns its own port. It ends with this program.
pub fn start(port: u16) -> Outcome<u16> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    thread::spawn(move || {
        for edge in listener.incoming().flatten() {
            thread::spawn(move || relay(edge, port));
        }
    });
    Ok(address.port())
}

/// A broken connection ends the relay; the other side notices.
fn relay(edge: TcpStream, port: u16) -> io::Result<()> {
    let origin = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    edge.set_nodelay(true)?;
    origin.set_nodelay(true)?;
    let (requests, answers) = (edge.try_clone()?, origin.try_clone()?);
    thread::spawn(move || copy(answers, edge, Duration::ZERO));
    copy(requests, origin, AWAY)
}

fn copy(mut from: TcpStream, mut to: TcpStream, delay: Duration) -> io::Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return to.shutdown(Shutdown::Write);
        }
        thread::sleep(delay);
        to.write_all(&buffer[..read])?;
    }
}
