//! An application behind Python's WSGI server that returns the variables it gets.

use crate::support::{command, python};
use std::io::{BufRead, BufReader};
use std::process::Child;

/// A running application on loopback; dropping it ends it.
pub struct WsgiApplication {
    process: Child,
    port: u16,
}

impl WsgiApplication {
    pub fn start() -> Self {
        let mut command = command(python(), &["origins/wsgi_echo.py"]);
        let mut process = command
            .spawn()
            .expect("`cargo xtask tools` installs Python");
        let mut line = String::new();
        let mut says = BufReader::new(process.stdout.take().unwrap());
        says.read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("it says its port");
        WsgiApplication { process, port }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for WsgiApplication {
    fn drop(&mut self) {
        // The end of its standard input ends the application, which may already be gone.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
