//! Checks of sets whose renditions do not have the same languages.

use super::*;
use crate::describe::VideoDescription;
use crate::playlist::tests::{audio, picture, text, video};
use crate::playlist::{Propagation, dash, hls_master};

/// Returns the languages, names and folders of each audio group, then of the subtitles.
fn offered_by(videos: &[VideoDescription]) -> Vec<String> {
    let labels = ["a", "b", "c"];
    let renditions: Vec<_> = videos
        .iter()
        .zip(labels)
        .map(|(video, label)| Rendition {
            label: Some(label),
            video,
        })
        .collect();
    let presentation = Presentation::of(&renditions, &[]);
    let told = |title: &Title, folder: &str| {
        let language = title.language.as_deref().unwrap_or("-");
        let default = if title.is_default { " default" } else { "" };
        format!("{language} {} {folder}{default}", title.name)
    };
    let audio_tracks = presentation.groups.iter().flat_map(|group| {
        let audio_tracks = group.audio_tracks.iter();
        audio_tracks.map(|audio| format!("{} {}", group.id, told(&audio.title, &audio.folder)))
    });
    let texts = presentation.texts.iter();
    let texts = texts.map(|text| told(&text.title, &text.folder));
    audio_tracks.chain(texts).collect()
}

fn french_text() -> TrackDescription {
    TrackDescription {
        language: Some("fre".to_owned()),
        ..text(4)
    }
}

#[test]
fn a_language_in_another_codec_or_of_no_name_stays_out() {
    let nameless = TrackDescription {
        language: None,
        ..audio(3, Codec::Aac, "")
    };
    let videos = [
        video(vec![picture(), audio(2, Codec::Aac, "eng")]),
        video(vec![picture(), audio(2, Codec::Ac3, "ger"), nameless]),
    ];
    assert_eq!(offered_by(&videos), ["aac en English r-a/t2/ default"]);
}

#[test]
fn languages_of_other_renditions_join_the_group_of_their_codec() {
    let videos = [
        video(vec![
            picture(),
            audio(2, Codec::Aac, "eng"),
            audio(3, Codec::Ac3, "eng"),
        ]),
        video(vec![
            picture(),
            audio(2, Codec::Aac, "eng"),
            audio(3, Codec::Aac, "ger"),
            audio(4, Codec::Ac3, "fre"),
            text(5),
        ]),
        video(vec![
            picture(),
            audio(2, Codec::Aac, "ger"),
            audio(3, Codec::Aac, "fre"),
            french_text(),
            text(5),
        ]),
    ];
    let expected = [
        "aac en English r-a/t2/ default",
        "aac de German r-b/t3/",
        "aac fr French r-c/t3/",
        "ac3 en English r-a/t3/ default",
        "ac3 fr French r-b/t4/",
        "de German r-b/t5/",
        "fr French r-c/t4/",
    ];
    assert_eq!(offered_by(&videos), expected);
}

#[test]
fn both_kinds_of_lists_have_them() {
    let videos = [
        video(vec![picture(), audio(2, Codec::Aac, "eng")]),
        video(vec![picture(), audio(2, Codec::Aac, "ger")]),
    ];
    let renditions = [
        Rendition {
            label: None,
            video: &videos[0],
        },
        Rendition {
            label: Some("b"),
            video: &videos[1],
        },
    ];
    let master = hls_master(&renditions, &[], &Propagation::None);
    let german = "LANGUAGE=\"de\",NAME=\"German\",DEFAULT=NO,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"r-b/t2/media.m3u8\"";
    assert!(master.contains(german), "{master}");
    let manifest = dash(&renditions, &[], &Propagation::None);
    assert!(manifest.contains("lang=\"de\""), "{manifest}");
}
