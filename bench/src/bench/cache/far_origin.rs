//! An origin that is far away: a relay on this machine that holds every request back for a while.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;
use xtask::command::Outcome;

/// From the edge to the origin and back.
pub const AWAY: Duration = Duration::from_millis(20);

/// Starts the relay before the origin at `port` and returns where it listens. It ends with this program.
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

/// A connection that breaks is the end of it; the other side sees that.
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
