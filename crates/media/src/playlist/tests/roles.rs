//! Checks of the roles of tracks in playlists.

use super::*;
use crate::mp4::Role;

fn with_roles(track: TrackDescription, roles: &[Role]) -> TrackDescription {
    let roles = roles.iter().copied().fold(Roles::default(), Roles::with);
    TrackDescription { roles, ..track }
}

/// Returns the `EXT-X-MEDIA` of a video, from the name on, without URI and channels.
fn media(video: &VideoDescription) -> Vec<String> {
    let master = hls_master(&own(video), &[], &Propagation::None);
    let lines = master.lines().filter_map(|line| line.split_once(",NAME="));
    let lines = lines.map(|(_, line)| line.split(",URI").next().unwrap());
    lines
        .map(|line| line.replace(",CHANNELS=\"2\"", ""))
        .collect()
}

/// Returns roles and accessibility of each set of a video's manifest.
fn sets(video: &VideoDescription) -> Vec<String> {
    let manifest = dash(&own(video), &[], &Propagation::None);
    dash_mpd_core::parse(&manifest).unwrap();
    let sets = manifest.split("<AdaptationSet").skip(1);
    let values = |set: &str| {
        let lines = set.lines().filter_map(|line| {
            let value = line.split("value=\"").nth(1)?.split('"').next()?;
            let is_role = line.starts_with("<Role") || line.starts_with("<Accessibility");
            is_role.then_some(value)
        });
        lines.collect::<Vec<_>>().join(" ")
    };
    sets.map(values).collect()
}

#[test]
fn m4_a_description_is_never_chosen_unasked() {
    // The description comes first, and the file enables it.
    let video = video(vec![
        picture(),
        with_roles(audio(2, Codec::Aac, "eng"), &[Role::Description]),
        audio(3, Codec::Aac, "eng"),
        with_roles(audio(4, Codec::Aac, "eng"), &[Role::Commentary]),
        with_roles(audio(5, Codec::Aac, "fra"), &[Role::Commentary]),
        with_roles(audio(6, Codec::Aac, "fra"), &[Role::Dub]),
    ]);
    assert_eq!(
        media(&video),
        [
            "\"English (audio description)\",DEFAULT=NO,AUTOSELECT=YES,\
             CHARACTERISTICS=\"public.accessibility.describes-video\"",
            "\"English\",DEFAULT=YES,AUTOSELECT=YES",
            "\"English (commentary)\",DEFAULT=NO,AUTOSELECT=NO",
            "\"French (commentary)\",DEFAULT=NO,AUTOSELECT=NO",
            "\"French\",DEFAULT=NO,AUTOSELECT=YES",
        ]
    );
    assert_eq!(
        sets(&video),
        [
            "",
            "1 description",
            "main",
            "commentary",
            "commentary",
            "alternate dub"
        ]
    );
}

#[test]
fn m4_a_description_alone_is_the_audio() {
    let video = video(vec![
        picture(),
        with_roles(audio(2, Codec::Aac, "eng"), &[Role::Description]),
    ]);
    assert_eq!(
        media(&video),
        [
            "\"English (audio description)\",DEFAULT=YES,AUTOSELECT=YES,\
          CHARACTERISTICS=\"public.accessibility.describes-video\""
        ]
    );
    assert_eq!(sets(&video), ["", "1 main description"]);
}

#[test]
fn m4_forced_subtitles_are_not_offered_as_ordinary_ones() {
    let video = video(vec![
        picture(),
        with_roles(text(2), &[Role::ForcedSubtitle]),
        with_roles(text(3), &[Role::Caption]),
        text(4),
        with_roles(text(5), &[Role::ForcedSubtitle]),
        with_roles(text(6), &[Role::Commentary]),
        with_roles(text(7), &[Role::EasyReader]),
    ]);
    assert_eq!(
        media(&video),
        [
            "\"German (forced)\",DEFAULT=NO,AUTOSELECT=YES,FORCED=YES",
            "\"German (captions)\",DEFAULT=NO,AUTOSELECT=YES,CHARACTERISTICS=\
             \"public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound\"",
            "\"German\",DEFAULT=NO,AUTOSELECT=YES",
            "\"German (forced) 2\",DEFAULT=NO,AUTOSELECT=NO,FORCED=YES",
            "\"German (commentary)\",DEFAULT=NO,AUTOSELECT=NO",
            "\"German (easy to read)\",DEFAULT=NO,AUTOSELECT=YES,CHARACTERISTICS=\"public.easy-to-read\"",
        ]
    );
    assert_eq!(
        sets(&video),
        [
            "",
            "forced-subtitle",
            "2 caption",
            "subtitle",
            "forced-subtitle",
            "subtitle commentary",
            "subtitle easyreader"
        ]
    );
}

/// ffmpeg marks every track for the hard of hearing as a caption.
#[test]
fn m4_audio_for_the_hard_of_hearing_is_no_caption() {
    let video = video(vec![
        picture(),
        with_roles(audio(2, Codec::Aac, "eng"), &[Role::Caption]),
        audio(3, Codec::Aac, "eng"),
    ]);
    assert_eq!(
        media(&video),
        [
            "\"English (hard of hearing)\",DEFAULT=NO,AUTOSELECT=NO",
            "\"English\",DEFAULT=YES,AUTOSELECT=YES",
        ]
    );
    assert_eq!(sets(&video), ["", "2 alternate", "main"]);
}

#[test]
fn m4_the_main_audio_is_the_default_where_the_file_enables_several() {
    let enabled = |track: TrackDescription| TrackDescription {
        is_default: true,
        ..track
    };
    let video = video(vec![
        picture(),
        enabled(audio(2, Codec::Aac, "eng")),
        enabled(with_roles(audio(3, Codec::Aac, "slv"), &[Role::Main])),
    ]);
    assert_eq!(
        media(&video),
        [
            "\"English\",DEFAULT=NO,AUTOSELECT=YES",
            "\"Slovenian\",DEFAULT=YES,AUTOSELECT=YES"
        ]
    );
    // A forced audio track has no such role: it is for subtitles.
    let video = super::video(vec![
        picture(),
        with_roles(audio(2, Codec::Aac, "eng"), &[Role::ForcedSubtitle]),
    ]);
    assert!(!media(&video)[0].contains("FORCED"));
}
