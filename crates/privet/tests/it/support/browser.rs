//! A real browser that plays a film on a page, driven by `tests-peers/films/browser.mjs`.

use crate::support::{films_folder, limited, pages_folder};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// Which browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrowserKind {
    Chromium,
    Firefox,
}

/// What plays on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Player {
    HlsJs,
    VideoJs,
    DashJs,
    /// The browser itself.
    Native,
}

impl Player {
    /// Its name for page.html.
    pub fn name(self) -> &'static str {
        match self {
            Player::HlsJs => "hlsjs",
            Player::VideoJs => "videojs",
            Player::DashJs => "dashjs",
            Player::Native => "native",
        }
    }
}

/// The browser; dropping it ends it.
pub struct Browser {
    driver: Child,
    commands: Option<ChildStdin>,
    answers: Receiver<Value>,
}

/// What a page says of its film.
#[derive(Clone, Debug)]
pub struct Shown(pub Value);

/// A browser lives no longer than this, whatever becomes of its test.
const LIFE: Duration = Duration::from_secs(280);
/// One command takes no longer than this.
const COMMAND: Duration = Duration::from_secs(45);

impl Browser {
    pub fn start(kind: BrowserKind) -> Self {
        let name = match kind {
            BrowserKind::Chromium => "chromium",
            BrowserKind::Firefox => "firefox",
        };
        let mut command = Command::new("node");
        command
            .arg(pages_folder().join("browser.mjs"))
            .arg(name)
            .env("PRIVET_TEST_FILMS", films_folder());
        let mut driver = limited(&command, LIFE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`cargo xtask tools` installs node and setpriv");
        let commands = driver.stdin.take();
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let (send, answers) = channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = send.send(serde_json::from_str(&line).unwrap());
            }
        });
        Browser {
            driver,
            commands,
            answers,
        }
    }

    /// Sends a command and waits for its answer.
    #[track_caller]
    fn command(&mut self, command: &Value) -> Shown {
        let mut commands = self.commands.as_ref().unwrap();
        writeln!(commands, "{command}").unwrap();
        let answer = self.answers.recv_timeout(COMMAND);
        let answer = answer.unwrap_or_else(|error| {
            panic!("no answer to {command} ({error}); `cargo xtask tools` installs browsers")
        });
        assert!(answer.get("error").is_none(), "{command}: {answer}");
        Shown(answer)
    }

    /// Loads a page of any kind.
    #[track_caller]
    pub fn open(&mut self, url: &str) {
        self.command(&json!({ "do": "open", "url": url }));
    }

    /// Sets cookies of the page that is open; `attributes` are those of `Set-Cookie`.
    #[track_caller]
    pub fn set_cookies(&mut self, cookies: &str, attributes: &str) {
        let lines: Vec<String> = cookies
            .split("; ")
            .map(|cookie| format!("{cookie}; Path=/{attributes}"))
            .collect();
        self.command(&json!({ "do": "cookies", "cookies": lines }));
    }

    #[track_caller]
    pub fn play(&mut self) {
        self.command(&json!({ "do": "play" }));
    }

    #[track_caller]
    pub fn pause(&mut self) -> Shown {
        self.command(&json!({ "do": "pause" }))
    }

    #[track_caller]
    pub fn seek(&mut self, time_secs: f64) {
        self.command(&json!({ "do": "seek", "time": time_secs }));
    }

    /// From now on the player asks with this query.
    #[track_caller]
    pub fn swap_query(&mut self, query: &str) {
        self.command(&json!({ "do": "swap", "query": query }));
    }

    /// Waits until the film has been played to `time_secs`, or is broken.
    #[track_caller]
    pub fn wait_past(&mut self, time_secs: f64) -> Shown {
        let limit_ms = 20_000;
        self.command(&json!({ "do": "await", "time": time_secs, "ms": limit_ms }))
    }

    #[track_caller]
    pub fn state(&mut self) -> Shown {
        self.command(&json!({ "do": "state" }))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver closes its browser when nobody sends any more.
        drop(self.commands.take());
        let _ = self.driver.wait();
    }
}

impl Shown {
    pub fn time_secs(&self) -> f64 {
        self.0["time"].as_f64().unwrap()
    }

    pub fn number(&self, name: &str) -> f64 {
        self.0[name].as_f64().unwrap()
    }

    /// The film can not go on.
    pub fn is_broken(&self) -> bool {
        self.0["fatal"] != ""
    }

    /// Answers from 400 on.
    pub fn refusals(&self) -> Vec<&str> {
        let refused = self.0["refused"].as_array().unwrap().iter();
        refused.map(|line| line.as_str().unwrap()).collect()
    }
}
