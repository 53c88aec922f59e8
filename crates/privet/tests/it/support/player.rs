//! Real players, driven line by line: browsers by `tests-peers/videos/browser.mjs`, others by `player.py` beside it.

use crate::support::{limited, pages_folder, videos_folder};
use serde_json::{Value, json};
use std::fmt::Debug;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// A program that plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    Chromium,
    Firefox,
    Mpv,
    GStreamer,
    Vlc,
}

/// A player on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PagePlayer {
    HlsJs,
    VideoJs,
    DashJs,
    /// The browser itself.
    Native,
}

impl PagePlayer {
    /// Returns its name for page.html.
    pub fn name(self) -> &'static str {
        match self {
            PagePlayer::HlsJs => "hlsjs",
            PagePlayer::VideoJs => "videojs",
            PagePlayer::DashJs => "dashjs",
            PagePlayer::Native => "native",
        }
    }
}

/// A running player; dropping it stops it.
pub struct Player {
    driver: Child,
    commands: Option<ChildStdin>,
    answers: Receiver<Value>,
}

/// State of a player as it reports it.
#[derive(Clone, Debug)]
pub struct Shown(pub Value);

/// Longest life of a player, whatever happens to its test.
const LIFE: Duration = Duration::from_secs(280);
/// Time that tests seek to: far beyond what a player has fetched by then.
pub const SEEK_TO_SECS: f64 = 30.0;
/// Longest time for one command.
const COMMAND: Duration = Duration::from_secs(45);

impl Player {
    pub fn start(program: Program) -> Self {
        let command = driver(program);
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
        Player {
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
            panic!("no answer to {command} ({error}); `cargo xtask tools` installs players")
        });
        assert!(answer.get("error").is_none(), "{command}: {answer}");
        Shown(answer)
    }

    /// Loads a page; a player that is not a browser starts playing.
    #[track_caller]
    pub fn open(&mut self, url: &str) {
        self.open_with(url, "");
    }

    /// Does the same with a `Cookie` header, for mpv.
    #[track_caller]
    pub fn open_with(&mut self, url: &str, cookies: &str) {
        self.command(&json!({ "do": "open", "url": url, "cookies": cookies }));
    }

    /// Sets cookies on the open page; `attributes` are those of `Set-Cookie`.
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

    /// Makes the player use this query in its requests from now on.
    #[track_caller]
    pub fn swap_query(&mut self, query: &str) {
        self.command(&json!({ "do": "swap", "query": query }));
    }

    /// Waits until the video has been played to `time_secs`, or is broken.
    #[track_caller]
    pub fn wait_past(&mut self, time_secs: f64) -> Shown {
        self.wait_past_within(time_secs, Duration::from_secs(20))
    }

    /// Does the same, but for no longer than `limit`.
    #[track_caller]
    pub fn wait_past_within(&mut self, time_secs: f64, limit: Duration) -> Shown {
        let limit_ms = limit.as_secs() * 1000;
        self.command(&json!({ "do": "await", "time": time_secs, "ms": limit_ms }))
    }

    /// Returns an element of a page other than page.html once it has this text, or as it is after a timeout.
    #[track_caller]
    pub fn look(&mut self, selector: &str, text: &str) -> Shown {
        self.command(&json!({ "do": "look", "selector": selector, "text": text, "ms": 20_000 }))
    }

    #[track_caller]
    pub fn click(&mut self, selector: &str) {
        self.command(&json!({ "do": "click", "selector": selector }));
    }

    /// Makes the browser reject writes to the clipboard from now on.
    #[track_caller]
    pub fn deny_copying(&mut self) {
        self.command(&json!({ "do": "deny-copying" }));
    }

    /// Makes links beneath `path` appear expired from now on, and the demo's player request them again.
    #[track_caller]
    pub fn end_links(&mut self, path: &str) {
        self.command(&json!({ "do": "end-links", "path": path }));
    }

    #[track_caller]
    pub fn state(&mut self) -> Shown {
        self.command(&json!({ "do": "state" }))
    }
}

/// Asserts that the player plays, seeks, pauses and goes on. A failure names `what`.
#[track_caller]
pub fn assert_plays(player: &mut Player, what: &dyn Debug) {
    let shown = player.wait_past(1.5);
    assert!(
        shown.time_secs() >= 1.5,
        "{what:?} does not play: {shown:?}"
    );
    assert!(
        (59.0..61.0).contains(&shown.number("duration")),
        "{what:?}: {shown:?}"
    );
    player.seek(SEEK_TO_SECS);
    // A seek may miss by half a second; VLC counts whole seconds.
    let shown = player.wait_past(SEEK_TO_SECS + 0.3);
    let range = SEEK_TO_SECS..SEEK_TO_SECS + 1.5;
    assert!(
        range.contains(&shown.time_secs()),
        "{what:?} does not seek: {shown:?}"
    );
    let rested = player.pause().time_secs();
    let shown = player.wait_past_within(rested + 1.2, Duration::from_secs(2));
    assert!(
        shown.time_secs() < rested + 1.2,
        "{what:?} does not rest: {shown:?}"
    );
    player.play();
    let shown = player.wait_past(rested + 1.2);
    let range = rested + 1.2..rested + 3.5;
    assert!(
        range.contains(&shown.time_secs()),
        "{what:?} does not go on: {shown:?}"
    );
    assert!(!shown.is_broken(), "{what:?}: {shown:?}");
}

fn driver(program: Program) -> Command {
    let (interpreter, script, name) = match program {
        Program::Chromium => ("node", "browser.mjs", "chromium"),
        Program::Firefox => ("node", "browser.mjs", "firefox"),
        // The system's own Python has the bindings for GStreamer.
        Program::Mpv => ("/usr/bin/python3", "player.py", "mpv"),
        Program::GStreamer => ("/usr/bin/python3", "player.py", "gstreamer"),
        Program::Vlc => ("/usr/bin/python3", "player.py", "vlc"),
    };
    let mut command = Command::new(interpreter);
    command
        .arg(pages_folder().join(script))
        .arg(name)
        .env("PRIVET_TEST_VIDEOS", videos_folder());
    command
}

impl Drop for Player {
    fn drop(&mut self) {
        // The driver closes its browser when its input ends.
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

    /// Returns true if the video cannot go on.
    pub fn is_broken(&self) -> bool {
        self.0["fatal"] != ""
    }

    /// Returns the responses with a status of 400 or more.
    pub fn refusals(&self) -> Vec<&str> {
        let refused = self.0["refused"].as_array().unwrap().iter();
        refused.map(|line| line.as_str().unwrap()).collect()
    }
}
