//! Videos for the tests: the players and tools that judge them, and the clips themselves.
//!
//! The scripts in `tests-peers/videos` make the clips once, in `target/test-tools/videos`.

use crate::command::{self, Outcome, run};
use crate::progress;
use crate::tools::{NodeFolder, Tool, folder, python};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Programs from Debian that play, measure or make videos.
pub const TOOLS: &[Tool] = &[
    Tool {
        program: "ffmpeg",
        package: "ffmpeg",
    },
    Tool {
        program: "rtmpdump",
        package: "rtmpdump",
    },
    Tool {
        program: "mediainfo",
        package: "mediainfo",
    },
    Tool {
        program: "mpv",
        package: "mpv",
    },
    Tool {
        program: "gst-launch-1.0",
        package: "gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good \
                  gstreamer1.0-plugins-bad gstreamer1.0-libav",
    },
    // GStreamer's bindings for Python have no program; this file exists if their package is installed.
    Tool {
        program: "/usr/share/doc/gir1.2-gstreamer-1.0/copyright",
        package: "gir1.2-gstreamer-1.0 python3-gi",
    },
    Tool {
        program: "cvlc",
        package: "vlc-bin vlc-plugin-base",
    },
    Tool {
        program: "firefox-esr",
        package: "firefox-esr",
    },
    Tool {
        program: "chromium",
        package: "chromium",
    },
];

/// Players for pages, and the driver of the browsers.
pub const PLAYERS: NodeFolder = NodeFolder {
    source: "tests-peers/videos",
    place: "videos/players",
};

/// Makes the clips, unless the same scripts have made them before.
pub fn make_clips() -> Outcome {
    let scripts = scripts()?;
    if has_clips(&scripts) {
        return Ok(());
    }
    progress::step("making clips in target/test-tools/videos", "", || {
        make_clips_anew(&scripts)
    })
}

/// Tells a child process where clips and players are (see tests-peers/README.md).
pub fn point_at(command: &mut Command) {
    command.env("PRIVET_TEST_VIDEOS", folder().join("videos"));
}

fn make_clips_anew(scripts: &[u8]) -> Outcome {
    for name in ["clips", "broken"] {
        // The output of an older script is no longer wanted.
        remove(&place(name))?;
    }
    let mut clips = Command::new("bash");
    run(clips.arg(script("make_clips.sh")).arg(place("clips")))?;
    let mut broken = Command::new(python("python3"));
    broken.arg(script("make_broken.py"));
    run(broken.arg(place("clips")).arg(place("broken")))?;
    fs::write(stamp(), scripts)
        .map_err(|error| format!("cannot write {}: {error}", stamp().display()))
}

fn has_clips(scripts: &[u8]) -> bool {
    fs::read(stamp()).is_ok_and(|made_by| made_by == scripts)
}

/// Returns both scripts, concatenated; they are written beside the clips once these are made.
fn scripts() -> Outcome<Vec<u8>> {
    let mut text = Vec::new();
    for name in ["make_clips.sh", "make_broken.py"] {
        let path = script(name);
        let read = fs::read(&path);
        text.extend(read.map_err(|error| format!("cannot read {}: {error}", path.display()))?);
    }
    Ok(text)
}

fn script(name: &str) -> PathBuf {
    command::root().join(PLAYERS.source).join(name)
}

fn place(name: &str) -> PathBuf {
    folder().join("videos").join(name)
}

fn stamp() -> PathBuf {
    place("made-by.txt")
}

fn remove(folder: &Path) -> Outcome {
    if !folder.exists() {
        return Ok(());
    }
    fs::remove_dir_all(folder)
        .map_err(|error| format!("cannot remove {}: {error}", folder.display()))
}
