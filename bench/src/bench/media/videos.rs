//! The videos of `bench media`, made once with ffmpeg and stored in `target/bench/videos`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use xtask::command::{self, Outcome, program};

/// A video, and how it is made.
#[derive(Clone, Copy)]
pub struct Clip {
    pub file: &'static str,
    /// Name of the video in the name of a case.
    pub name: &'static str,
    picture: &'static str,
    audio: &'static str,
    encoding: &'static str,
    /// Number of repetitions of the encoded minute.
    minutes: u32,
}

/// 10 minutes at 3 Mbit/s in 720p, with segments of 6 s and 2.3 MB.
pub const TEN_MINUTES: Clip = Clip {
    file: "bench720.mp4",
    name: "10 min",
    picture: "testsrc2=size=1280x720:rate=25:duration=60",
    audio: "sine=frequency=440:beep_factor=4:sample_rate=48000:duration=60",
    encoding: "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 50 -bf 2 -b:v 3000k -maxrate 3000k -bufsize 6000k \
               -sc_threshold 0 -c:a aac -b:a 96k -ac 2",
    minutes: 10,
};

/// One minute at 0.8 Mbit/s.
pub const ONE_MINUTE: Clip = Clip {
    file: "talk.mp4",
    name: "1 min",
    picture: "testsrc2=size=640x360:rate=24:duration=60",
    audio: TEN_MINUTES.audio,
    encoding: "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 48 -keyint_min 48 -sc_threshold 0 -bf 2 -b:v 700k \
               -c:a aac -b:a 96k -ac 2",
    minutes: 1,
};

/// Four hours at a low bitrate, so that much of the file is index: 15 MB of 127 MB.
pub const FOUR_HOURS: Clip = Clip {
    file: "long4h.mp4",
    name: "4 h",
    picture: "testsrc2=size=160x120:rate=30:duration=60",
    audio: TEN_MINUTES.audio,
    encoding: LOW,
    minutes: 240,
};

/// One hour, otherwise like the four hours.
pub const ONE_HOUR: Clip = Clip {
    file: "long1h.mp4",
    name: "1 h",
    minutes: 60,
    ..FOUR_HOURS
};

/// One day, otherwise like the four hours. The audio has half as many packets, because a track holds at most 4 million.
pub const ONE_DAY: Clip = Clip {
    file: "long24h.mp4",
    name: "24 h",
    audio: "sine=frequency=440:beep_factor=4:sample_rate=24000:duration=60",
    minutes: 1_440,
    ..FOUR_HOURS
};

const LOW: &str =
    "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 60 -bf 2 -b:v 40k -c:a aac -b:a 24k -ac 1";

/// Returns the folder of the videos.
pub fn folder() -> PathBuf {
    command::target().join("bench/videos")
}

/// Makes the missing videos, which takes about two minutes the first time.
pub fn make(clips: &[Clip]) -> Outcome {
    let folder = folder();
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    for clip in clips {
        if !folder.join(clip.file).is_file() {
            eprintln!("xtask: making {}, once", clip.file);
            clip.make(&folder)?;
        }
    }
    Ok(())
}

impl Clip {
    /// Encodes a minute and repeats it. The video gets its name last, so that an incomplete one is never used.
    fn make(&self, folder: &Path) -> Outcome {
        let minute = folder.join(format!("minute-{}", self.file));
        let unfinished = folder.join(format!("unfinished-{}", self.file));
        let mut encode = ffmpeg();
        encode.args(["-f", "lavfi", "-i", self.picture]);
        encode.args(["-f", "lavfi", "-i", self.audio]);
        encode.args(self.encoding.split_whitespace());
        command::output(encode.arg("-shortest").arg(&minute))?;
        let mut repeat = ffmpeg();
        repeat.args(["-stream_loop", &(self.minutes - 1).to_string(), "-i"]);
        repeat.arg(&minute);
        repeat.args(["-c", "copy", "-movflags", "+faststart"]);
        command::output(repeat.arg(&unfinished))?;
        fs::rename(&unfinished, folder.join(self.file)).map_err(|error| error.to_string())?;
        fs::remove_file(&minute).map_err(|error| error.to_string())
    }
}

fn ffmpeg() -> Command {
    let words = ["-nostdin", "-hide_banner", "-loglevel", "error", "-y"];
    program("ffmpeg", &words)
}
