//! A video as ffmpeg reads it: one table of every decoded picture and every audio packet, by time and hash.

use crate::support::{Ran, python, run_within};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// A version of ffmpeg: two that are five years apart read the same playlists differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ffmpeg {
    /// Debian's version.
    Five,
    /// The version in the Python environment.
    Nine,
}

/// A picture or an audio packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Presentation time in microseconds, on the video's own clock.
    pub at_us: i64,
    pub hash: String,
}

/// The streams of a video in ffmpeg's order, pictures first. Text is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    pub pictures: Vec<Packet>,
    pub audio_tracks: Vec<Vec<Packet>>,
}

/// The form of the audio in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudioForm {
    /// Audio as in an mp4.
    Plain,
    /// AAC with ADTS headers, which are removed, so that the bytes are those of an mp4 again.
    Adts,
}

/// Time limit for reading a video; no video of the tests takes longer.
const READING: Duration = Duration::from_secs(60);

impl Ffmpeg {
    pub fn program(self) -> PathBuf {
        match self {
            Ffmpeg::Five => "ffmpeg".into(),
            Ffmpeg::Nine => newer_ffmpeg().clone(),
        }
    }

    /// Returns the option that keeps times on the clock of the file.
    fn clock_of_the_file(self) -> &'static str {
        match self {
            Ffmpeg::Five => "-1",
            Ffmpeg::Nine => "demux",
        }
    }

    /// Reads the whole input. `options` come before the input.
    #[track_caller]
    pub fn read(self, input: &str, options: &[&str], audio: AudioForm) -> Reading {
        let ran = self.try_read(input, options, audio);
        assert!(
            ran.is_clean(),
            "{self:?} complains of {input}: {}",
            ran.errors()
        );
        Reading::parse(&ran.text())
    }

    pub fn try_read(self, input: &str, options: &[&str], audio: AudioForm) -> Ran {
        let mut command = Command::new(self.program());
        command.args(["-nostdin", "-v", "error", "-noautorotate", "-copyts"]);
        command.args(options).args(["-i", input]);
        command.args(["-map", "0:v:0?", "-map", "0:a?", "-c:a", "copy"]);
        match audio {
            AudioForm::Plain => {}
            AudioForm::Adts => {
                command.args(["-bsf:a", "aac_adtstoasc"]);
            }
        }
        command.args(["-fps_mode", "passthrough"]);
        command.args(["-enc_time_base:v", self.clock_of_the_file()]);
        command.args(["-f", "framehash", "-hash", "md5", "-"]);
        run_within(&mut command, READING)
    }
}

impl Reading {
    /// Parses the output of the muxer `framehash`: `#tb` and `#media_type` for each stream, then one line per frame.
    pub fn parse(text: &str) -> Self {
        let mut clocks: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        let mut streams: BTreeMap<&str, (bool, Vec<Packet>)> = BTreeMap::new();
        for line in text.lines() {
            if let Some((stream, clock)) = heading(line, "#tb ") {
                let (numerator, denominator) = clock.split_once('/').unwrap();
                let clock = (numerator.parse().unwrap(), denominator.parse().unwrap());
                clocks.insert(stream, clock);
            } else if let Some((stream, kind)) = heading(line, "#media_type ") {
                streams.insert(stream, (kind == "video", Vec::new()));
            } else if !line.starts_with('#') {
                let fields: Vec<&str> = line.split(',').map(str::trim).collect();
                let (numerator, denominator) = clocks[fields[0]];
                let ticks: i64 = fields[2].parse().unwrap();
                let frame = Packet {
                    at_us: ticks * numerator * 1_000_000 / denominator,
                    hash: fields[5].to_owned(),
                };
                streams.get_mut(fields[0]).unwrap().1.push(frame);
            }
        }
        let mut reading = Reading::default();
        for (is_picture, frames) in streams.into_values() {
            if is_picture {
                reading.pictures = frames;
            } else {
                reading.audio_tracks.push(frames);
            }
        }
        reading
    }

    /// Returns the start of the video: the earliest time of all pictures and packets.
    pub fn begins_at_us(&self) -> i64 {
        let first = |frames: &Vec<Packet>| frames.iter().map(|frame| frame.at_us).min();
        let streams = std::iter::once(&self.pictures).chain(&self.audio_tracks);
        streams.filter_map(first).min().unwrap()
    }

    /// Returns the reading with all times counted from `begin_us`.
    pub fn counted_from(mut self, begin_us: i64) -> Self {
        let streams = std::iter::once(&mut self.pictures).chain(&mut self.audio_tracks);
        for frame in streams.flatten() {
            frame.at_us -= begin_us;
        }
        self
    }
}

/// Describes where two readings of one stream differ; empty when they do not.
///
/// `tolerance_us` is the largest difference allowed between the times of a frame.
pub fn difference(name: &str, expected: &[Packet], found: &[Packet], tolerance_us: i64) -> String {
    let mut said = String::new();
    if expected.len() != found.len() {
        let _ = write!(
            said,
            "{name}: {} frames instead of {}; ",
            found.len(),
            expected.len()
        );
    }
    let mut pairs = expected.iter().zip(found).enumerate();
    if let Some((at, _)) = pairs.clone().find(|(_, (a, b))| a.hash != b.hash) {
        let _ = write!(said, "{name}: frame {at} is another; ");
    }
    let is_late = |(a, b): (&Packet, &Packet)| (a.at_us - b.at_us).abs() > tolerance_us;
    if let Some((at, (a, b))) = pairs.find(|(_, pair)| is_late(*pair)) {
        let (wanted, found) = (a.at_us, b.at_us);
        let _ = write!(
            said,
            "{name}: frame {at} at {found} µs instead of {wanted}; "
        );
    }
    said
}

fn heading<'a>(line: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    line.strip_prefix(name)?.split_once(": ")
}

fn newer_ffmpeg() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let ask = "import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())";
        let mut command = Command::new(python());
        let ran = run_within(command.args(["-c", ask]), READING);
        assert!(
            ran.is_clean(),
            "no newer ffmpeg (`cargo xtask tools` installs it): {}",
            ran.errors()
        );
        ran.text().trim().into()
    })
}
