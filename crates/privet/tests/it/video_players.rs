//! Videos in players other than browsers: mpv, GStreamer and VLC play, seek, pause and go on (video notes, 2.1 and
//! 8.4).

use crate::support::*;

const MASTER: &str = "hls/master.m3u8";
const TS: &str = "hls/ts.m3u8";
const DASH: &str = "dash/manifest.mpd";
/// Name that stands for the object itself.
const PROGRESSIVE: &str = "";

/// Plays all cases with one edge, but a new player for each: no player is reliable with a second video.
#[track_caller]
fn check(program: Program, cases: &[(&str, &str, Carried)]) {
    let edge = VideoEdge::start();
    for (clip, name, carried) in cases {
        let begun = edge.begin(clip, name, *carried);
        let mut player = Player::start(program);
        player.open_with(&begun.url, &begun.cookies);
        assert_plays(&mut player, &(program, clip, name, carried));
        edge.assert_nothing_refused();
    }
}

#[test]
fn mpv_plays() {
    check(
        Program::Mpv,
        &[
            ("talk.mp4", MASTER, Carried::Query),
            ("talk.mp4", MASTER, Carried::Cookie),
            ("talk.mp4", TS, Carried::VideoQuery),
            ("talk.mp4", TS, Carried::PathToken),
            ("set.mp4", MASTER, Carried::PathToken),
            ("talk.mp4", DASH, Carried::Query),
            ("talk_moov_end.mp4", PROGRESSIVE, Carried::Query),
        ],
    );
}

#[test]
fn gstreamer_plays() {
    check(
        Program::GStreamer,
        &[
            ("talk.mp4", MASTER, Carried::Query),
            ("talk.mp4", MASTER, Carried::PathToken),
            ("talk.mp4", TS, Carried::VideoQuery),
            ("set.mp4", MASTER, Carried::Query),
            ("talk.mp4", DASH, Carried::Query),
            ("talk.mp4", PROGRESSIVE, Carried::Query),
        ],
    );
}

#[test]
fn vlc_plays() {
    check(
        Program::Vlc,
        &[
            ("talk.mp4", MASTER, Carried::Query),
            ("talk.mp4", MASTER, Carried::PathToken),
            ("talk.mp4", TS, Carried::VideoQuery),
            ("talk.mp4", TS, Carried::PathToken),
            ("talk_moov_end.mp4", PROGRESSIVE, Carried::Query),
        ],
    );
}
