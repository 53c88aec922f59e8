//! D14: the demo page in a browser: its texts about expired links and about copying.

use crate::support::*;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A demo that serves until it is dropped.
struct Demo {
    process: Child,
    page: String,
    _folder: TempDir,
}

impl Demo {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", env!("CARGO_BIN_EXE_privet")])
            .args(["demo", "--dir", "data"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let page = lines.find_map(|line| {
            let line = line.unwrap();
            let rest = line.trim().strip_prefix("open https://localhost:")?;
            let (port, _) = rest.split_once('/')?;
            Some(format!("https://127.0.0.1:{port}/"))
        });
        // The output is read to its end, because writing to a pipe without a reader fails.
        std::thread::spawn(move || lines.for_each(drop));
        Demo {
            process,
            page: page.expect("the demo says where its page is"),
            _folder: folder,
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn d14_an_ended_link_has_words_in_place_of_a_player() {
    let demo = Demo::start();
    let mut browser = Player::start(Program::Chromium);
    browser.open(&demo.page);
    let answer = browser.look("#expired-answer", "403");
    assert_eq!(answer.0["text"], "403 Access denied", "{answer:?}");
    let shown = browser.look("#expired", "expired");
    assert_eq!(shown.0["text"], "This link has expired", "{shown:?}");
    assert_eq!(shown.number("players"), 0.0, "{shown:?}");
    // The valid link has a player until it expires.
    let private = "section:first-of-type";
    let shown = browser.look(private, "Play Video");
    assert!(shown.number("players") > 1.0, "{shown:?}");
    browser.end_links("/video.mp4");
    let shown = browser.look(private, "This link has expired");
    let said = shown.0["text"].as_str().unwrap();
    assert!(said.contains("Reload the page"), "{shown:?}");
    assert_eq!(shown.number("players"), 0.0, "{shown:?}");
    let alert = browser.look(&format!("{private} .refused"), "expired");
    assert_eq!(alert.0["live"], "alert", "{alert:?}");
}

#[test]
fn d14_copying_that_fails_says_so() {
    let demo = Demo::start();
    let mut browser = Player::start(Program::Chromium);
    browser.open(&demo.page);
    browser.deny_copying();
    browser.click("#copy");
    let shown = browser.look("#copied", "does not let");
    assert_eq!(shown.0["live"], "polite", "{shown:?}");
    let said = shown.0["text"].as_str().unwrap();
    assert!(said.contains("copy it with the keyboard"), "{shown:?}");
}
