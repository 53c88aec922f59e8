//! What is made of a film holds what the film holds: the same pictures and the same sound at the same times, read by
//! two ages of ffmpeg (video notes, 2.2 and 8.2).

use crate::support::*;
use std::collections::BTreeMap;

/// A form of a film.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Hls,
    Ts,
    Dash,
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Form::Hls => "hls/master.m3u8",
            Form::Ts => "hls/ts.m3u8",
            Form::Dash => "dash/manifest.mpd",
        }
    }
}

#[test]
fn explore() {
    let edge = FilmEdge::start();
    for name in [
        "brief.mp4",
        "brief_moov_end.mp4",
        "no_b_frames.mp4",
        "open_gop.mp4",
        "one_key_frame.mp4",
        "all_key_frames.mp4",
        "uneven_frames.mp4",
        "ntsc.mp4",
        "rotated.mp4",
        "portrait.mp4",
        "short.mp4",
        "hevc_hvc1.mp4",
        "hevc_hev1.mp4",
        "vp9_opus.mp4",
        "av1_opus.mp4",
        "high_422_10.mp4",
        "ac3.mp4",
        "mp3.mp4",
        "pcm.mov",
        "three_sounds.mp4",
        "subtitles.mp4",
        "sound_only.m4a",
        "picture_only.mp4",
        "late_sound.mp4",
        "trimmed.mp4",
        "fragmented.mp4",
        "fragmented_sidx.mp4",
        "name with spaces é.mp4",
    ] {
        let file = clip_file(name);
        let source = Ffmpeg::Five.read(file.to_str().unwrap(), &[], SoundForm::Plain);
        for form in [Form::Hls, Form::Ts, Form::Dash] {
            for ffmpeg in [Ffmpeg::Five, Ffmpeg::Nine] {
                let url = edge.begin(name, form.name(), Carried::Query).url;
                let answer = edge.follow(&url);
                if answer.status() != 200 {
                    println!(
                        "{name} {form:?}: {} {}",
                        answer.status_line,
                        String::from_utf8_lossy(&answer.body).replace('\n', " ")
                    );
                    break;
                }
                let sound = if form == Form::Ts && !name.starts_with("mp3") {
                    SoundForm::Adts
                } else {
                    SoundForm::Plain
                };
                let ran = ffmpeg.try_read(&url, &[], sound);
                if !ran.is_clean() {
                    println!("{name} {form:?} {ffmpeg:?}: {}", ran.errors());
                }
                let found = Reading::parse(&ran.text());
                let begin = if form == Form::Ts {
                    found.begins_at_us() - source.begins_at_us()
                } else {
                    0
                };
                let found = found.counted_from(begin);
                let mut said = difference("picture", &source.pictures, &found.pictures, 20);
                for (i, s) in source.sounds.iter().enumerate() {
                    match found.sounds.get(i) {
                        Some(f) => said += &difference(&format!("sound {i}"), s, f, 20),
                        None => said += &format!("no sound {i}; "),
                    }
                }
                println!("{name} {form:?} {ffmpeg:?} {:.1?}: {said}", ran.took);
            }
        }
    }
    let _ = BTreeMap::<u8, u8>::new();
}
