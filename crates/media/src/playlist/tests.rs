//! A video to write playlists of, and how parsers made by others read the playlists.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::describe::{
    IFrame, SegmentDescription, TrackDescription, TsDescription, VideoDescription,
};
use crate::mp4::{Codec, Roles, TrackKind};

mod ranges;
mod roles;

const GRANT: Propagation<'_> =
    Propagation::Query("Policy=eyJ~_-&Signature=a-b_c~&Key-Pair-Id=K2JCJMDEHXQW5F");

/// Returns three segments of 6 s and one of 2.5 s.
fn segments(timescale: u64) -> Vec<SegmentDescription> {
    (0..4)
        .map(|number| SegmentDescription {
            start: number * 6 * timescale,
            duration: if number < 3 {
                6 * timescale
            } else {
                timescale * 5 / 2
            },
        })
        .collect()
}

fn track(
    number: u32,
    kind: TrackKind,
    codec: Codec,
    codecs: &str,
    timescale: u32,
) -> TrackDescription {
    TrackDescription {
        number,
        kind,
        codec,
        codecs: codecs.to_owned(),
        language: None,
        name: None,
        is_default: number <= 2,
        roles: Roles::default(),
        width: 0,
        height: 0,
        colour: None,
        supplemental_codecs: None,
        frame_rate: None,
        channels: 0,
        sample_rate: 0,
        average_bits_per_sec: 100_000,
        peak_bits_per_sec: 150_000,
        timescale,
        segments: segments(u64::from(timescale)),
        starts_with_sync: true,
        i_frames: None,
        is_offered: true,
    }
}

pub(super) fn picture() -> TrackDescription {
    TrackDescription {
        width: 1280,
        height: 720,
        frame_rate: Some((30_000, 1001)),
        average_bits_per_sec: 1_000_000,
        peak_bits_per_sec: 2_000_000,
        i_frames: Some(vec![IFrame { size_bytes: 40_000 }; 4]),
        ..track(1, TrackKind::Video, Codec::Avc, "avc1.64001f", 90_000)
    }
}

pub(super) fn audio(number: u32, codec: Codec, language: &str) -> TrackDescription {
    let codecs = if codec == Codec::Ac3 {
        "ac-3"
    } else {
        "mp4a.40.2"
    };
    TrackDescription {
        channels: if codec == Codec::Ac3 { 6 } else { 2 },
        sample_rate: 48_000,
        language: Some(language.to_owned()),
        ..track(number, TrackKind::Audio, codec, codecs, 48_000)
    }
}

pub(super) fn text(number: u32) -> TrackDescription {
    TrackDescription {
        segments: vec![SegmentDescription {
            start: 0,
            duration: 20_500,
        }],
        language: Some("ger".to_owned()),
        ..track(number, TrackKind::Text, Codec::Tx3g, "tx3g", 1000)
    }
}

pub(super) fn video(tracks: Vec<TrackDescription>) -> VideoDescription {
    VideoDescription {
        tracks,
        duration: Duration::from_millis(20_500),
    }
}

fn own(video: &VideoDescription) -> [Rendition<'_>; 1] {
    [Rendition { label: None, video }]
}

const ENGLISH: SideText<'_> = SideText {
    label: "en",
    language: Some("en"),
    name: "English \"CC\" & more",
    is_default: true,
};

/// Returns videos of all kinds, with subtitles beside them.
fn videos() -> Vec<(&'static str, VideoDescription)> {
    let unsteady = TrackDescription {
        starts_with_sync: false,
        i_frames: None,
        frame_rate: None,
        ..picture()
    };
    vec![
        ("picture", video(vec![picture()])),
        ("usual", video(vec![picture(), audio(2, Codec::Aac, "und")])),
        (
            "no key frames",
            video(vec![unsteady, audio(2, Codec::Aac, "eng")]),
        ),
        (
            "languages and codecs",
            video(vec![
                picture(),
                audio(2, Codec::Aac, "eng"),
                audio(3, Codec::Aac, "fre"),
                audio(4, Codec::Ac3, "eng"),
                audio(5, Codec::Aac, "eng"),
                text(6),
            ]),
        ),
        ("audio", video(vec![audio(1, Codec::Aac, "eng")])),
        (
            "audio_tracks",
            video(vec![
                audio(1, Codec::Aac, "eng"),
                audio(2, Codec::Aac, "deu"),
            ]),
        ),
    ]
}

fn check_master(renditions: &[Rendition<'_>], side: &[SideText<'_>], expected: &str) {
    assert_eq!(hls_master(renditions, side, &Propagation::None), expected);
}

#[test]
fn a_picture_alone() {
    check_master(
        &own(&video(vec![picture()])),
        &[],
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n\
         #EXT-X-STREAM-INF:BANDWIDTH=2000000,AVERAGE-BANDWIDTH=1000000,CODECS=\"avc1.64001f\",RESOLUTION=1280x720,\
         FRAME-RATE=29.970,CLOSED-CAPTIONS=NONE\nt1/media.m3u8\n\
         #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=128000,AVERAGE-BANDWIDTH=62440,CODECS=\"avc1.64001f\",RESOLUTION=1280x720,\
         URI=\"t1/iframes.m3u8\"\n",
    );
}

#[test]
fn a_audio_alone_is_its_own_variant() {
    check_master(
        &own(&video(vec![audio(1, Codec::Aac, "eng")])),
        &[],
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n\
         #EXT-X-STREAM-INF:BANDWIDTH=150000,AVERAGE-BANDWIDTH=100000,CODECS=\"mp4a.40.2\"\nt1/media.m3u8\n",
    );
}

#[test]
fn each_codec_of_audio_has_its_group_and_each_language_its_name() {
    let video = video(vec![
        picture(),
        audio(2, Codec::Ac3, "eng"),
        audio(3, Codec::Aac, "fre"),
        audio(4, Codec::Aac, "eng"),
        TrackDescription {
            name: Some("Director \"X\"".to_owned()),
            ..audio(5, Codec::Aac, "eng")
        },
        text(6),
    ]);
    let master = hls_master(&own(&video), &[ENGLISH], &GRANT);
    let media: Vec<&str> = master
        .lines()
        .filter(|line| line.starts_with("#EXT-X-MEDIA"))
        .map(|line| line.split(",URI").next().unwrap())
        .collect();
    assert_eq!(
        media,
        [
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aac\",LANGUAGE=\"fr\",NAME=\"French\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\"",
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aac\",LANGUAGE=\"en\",NAME=\"English\",DEFAULT=NO,AUTOSELECT=YES,CHANNELS=\"2\"",
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aac\",LANGUAGE=\"en\",NAME=\"Director 'X'\",DEFAULT=NO,AUTOSELECT=NO,CHANNELS=\"2\"",
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"ac3\",LANGUAGE=\"en\",NAME=\"English\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"6\"",
            "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"text\",LANGUAGE=\"en\",NAME=\"English 'CC' & more\",DEFAULT=YES,AUTOSELECT=YES",
            "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"text\",LANGUAGE=\"de\",NAME=\"German\",DEFAULT=NO,AUTOSELECT=YES",
        ]
    );
    let variants: Vec<&str> = master
        .lines()
        .filter(|line| line.starts_with("#EXT-X-STREAM-INF"))
        .map(|line| line.split(",CODECS=").nth(1).unwrap())
        .collect();
    let rest = "RESOLUTION=1280x720,FRAME-RATE=29.970";
    assert_eq!(
        variants,
        [
            format!(
                "\"avc1.64001f,mp4a.40.2\",{rest},AUDIO=\"aac\",SUBTITLES=\"text\",CLOSED-CAPTIONS=NONE"
            ),
            format!(
                "\"avc1.64001f,ac-3\",{rest},AUDIO=\"ac3\",SUBTITLES=\"text\",CLOSED-CAPTIONS=NONE"
            ),
        ]
    );
}

#[test]
fn renditions_share_the_audio_of_the_first_that_has_any() {
    let (large, small) = (
        video(vec![picture()]),
        video(vec![picture(), audio(2, Codec::Aac, "eng")]),
    );
    let renditions = [
        Rendition {
            label: None,
            video: &large,
        },
        Rendition {
            label: Some("480p"),
            video: &small,
        },
    ];
    let master = hls_master(&renditions, &[], &GRANT);
    let Propagation::Query(query) = GRANT else {
        unreachable!()
    };
    let uris: Vec<String> = named_by(&master)
        .into_iter()
        .map(|uri| uri.replace(query, "Q"))
        .collect();
    assert_eq!(
        uris,
        [
            "r-480p/t2/media.m3u8?Q",
            "t1/media.m3u8?Q",
            "r-480p/t1/media.m3u8?Q",
            "t1/iframes.m3u8?Q",
            "r-480p/t1/iframes.m3u8?Q"
        ]
    );
}

#[test]
fn every_name_in_a_list_is_one_that_is_served() {
    for (kind, video) in videos() {
        let small = video.clone();
        let renditions = [
            Rendition {
                label: None,
                video: &video,
            },
            Rendition {
                label: Some("480p"),
                video: &small,
            },
        ];
        let Propagation::Query(query) = GRANT else {
            unreachable!()
        };
        let served = |uri: &str| {
            let path = uri
                .strip_suffix(query)
                .and_then(|path| path.strip_suffix('?'));
            let path = path.unwrap_or_else(|| panic!("{kind}: {uri} lacks the grant"));
            assert!(crate::name::video_name(path).is_some(), "{kind}: {path}");
        };
        for uri in named_by(&hls_master(&renditions, &[ENGLISH], &GRANT)) {
            served(&format!("/a.mp4/hls/{uri}"));
        }
        for track in &video.tracks {
            for uri in named_by(&hls_media(track, &GRANT)) {
                served(&format!("/a.mp4/hls/t{}/{uri}", track.number));
            }
        }
        let manifest = dash(&renditions, &[ENGLISH], &GRANT).replace("&amp;", "&");
        let uris = manifest.split("../hls/").skip(1).map(|rest| {
            rest.split(['"', '<'])
                .next()
                .unwrap()
                .replace("$Number$", "7")
        });
        for uri in uris {
            served(&format!("/a.mp4/hls/{uri}"));
        }
    }
}

/// Returns the URIs of a playlist, in its order.
fn named_by(playlist: &str) -> Vec<String> {
    playlist
        .lines()
        .filter_map(|line| match line.split_once("URI=\"") {
            Some((_, uri)) => Some(uri.trim_end_matches('"').to_owned()),
            None => (!line.starts_with('#')).then(|| line.to_owned()),
        })
        .collect()
}

#[test]
fn a_media_list() {
    assert_eq!(
        hls_media(&picture(), &Propagation::Query("Q")),
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-PLAYLIST-TYPE:VOD\n\
         #EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"init.mp4?Q\"\n#EXTINF:6.000,\n1.m4s?Q\n#EXTINF:6.000,\n2.m4s?Q\n\
         #EXTINF:6.000,\n3.m4s?Q\n#EXTINF:2.500,\n4.m4s?Q\n#EXT-X-ENDLIST\n"
    );
}

#[test]
fn a_list_of_key_frames_names_the_first_sample_of_each_segment() {
    let playlist = hls_i_frames(&picture(), &Propagation::None).unwrap();
    assert!(playlist.contains("#EXT-X-I-FRAMES-ONLY\n#EXT-X-MAP:URI=\"init.mp4\"\n"));
    assert!(playlist.contains("#EXTINF:6.000,\n#EXT-X-BYTERANGE:40000@0\n1.m4s\n"));
    let unsteady = TrackDescription {
        i_frames: None,
        ..picture()
    };
    assert_eq!(hls_i_frames(&unsteady, &Propagation::None), None);
}

#[test]
fn subtitles_and_transport_streams_are_lists_of_their_own() {
    let expected = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:21\n#EXT-X-MEDIA-SEQUENCE:1\n\
                    #EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:20.500,\nsubtitles.vtt\n#EXT-X-ENDLIST\n";
    assert_eq!(
        hls_subtitles(Duration::from_millis(20_500), &Propagation::None),
        expected
    );
    assert_eq!(hls_media(&text(3), &Propagation::None), expected);
    let ts = TsDescription {
        codecs: "avc1.64001f,mp4a.40.2".to_owned(),
        segments: vec![
            Duration::from_micros(6_006_400),
            Duration::from_micros(6_006_400),
        ],
    };
    assert_eq!(
        hls_ts(&ts, &Propagation::Query("Q")),
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-PLAYLIST-TYPE:VOD\n\
         #EXTINF:6.006,\nts/1.ts?Q\n#EXTINF:6.007,\nts/2.ts?Q\n#EXT-X-ENDLIST\n"
    );
}

#[test]
fn a_query_cannot_leave_its_place() {
    let playlist = hls_media(&picture(), &Propagation::Query("a=\"\r\n#EXT-X-KEY&b=<$>"));
    assert!(
        playlist.contains("\n1.m4s?a=%22%0D%0A%23EXT-X-KEY&b=%3C$%3E\n"),
        "{playlist}"
    );
    let video = video(vec![picture()]);
    let manifest = dash(&own(&video), &[ENGLISH], &Propagation::Query("a=\"&b=$"));
    assert!(
        manifest.contains("/$Number$.m4s?a=%22&amp;b=$$\""),
        "{manifest}"
    );
    assert!(
        manifest.contains("subtitles.vtt?a=%22&amp;b=$<"),
        "{manifest}"
    );
    assert_eq!(
        hls_media(&picture(), &Propagation::Query("")),
        hls_media(&picture(), &Propagation::None)
    );
}

#[test]
fn a_track_that_begins_late_or_ends_early_keeps_its_times() {
    let late = TrackDescription {
        timescale: 1000,
        segments: [(2000, 4000), (6000, 6000), (12_000, 0), (12_000, 0)]
            .map(|(start, duration)| SegmentDescription { start, duration })
            .to_vec(),
        ..audio(2, Codec::Aac, "eng")
    };
    let playlist = hls_media(&late, &Propagation::None);
    assert!(
        playlist.ends_with("#EXTINF:6.000,\n1.m4s\n#EXTINF:6.000,\n2.m4s\n#EXT-X-ENDLIST\n"),
        "{playlist}"
    );
    let manifest = dash(&own(&video(vec![late])), &[], &Propagation::None);
    assert!(
        manifest.contains("<S t=\"0\" d=\"6000\" r=\"1\"/>\n</SegmentTimeline>"),
        "{manifest}"
    );
}

#[test]
fn a_manifest() {
    let video = video(vec![picture(), audio(2, Codec::Aac, "eng")]);
    assert_eq!(
        dash(&own(&video), &[ENGLISH], &Propagation::Query("P&S")),
        r#"<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static" mediaPresentationDuration="PT20.500S" maxSegmentDuration="PT6.000S" minBufferTime="PT6.000S">
<Period id="0" start="PT0S">
<AdaptationSet contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1">
<Representation id="t1" codecs="avc1.64001f" bandwidth="2000000" width="1280" height="720" frameRate="30000/1001">
<SegmentTemplate timescale="90000" presentationTimeOffset="0" startNumber="1" initialization="../hls/t1/init.mp4?P&amp;S" media="../hls/t1/$Number$.m4s?P&amp;S">
<SegmentTimeline>
<S t="0" d="540000" r="2"/>
<S d="225000"/>
</SegmentTimeline>
</SegmentTemplate>
</Representation>
</AdaptationSet>
<AdaptationSet contentType="audio" mimeType="audio/mp4" lang="en" segmentAlignment="true" startWithSAP="1">
<Label>English</Label>
<Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>
<Representation id="t2" codecs="mp4a.40.2" bandwidth="150000" audioSamplingRate="48000">
<AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="2"/>
<SegmentTemplate timescale="48000" presentationTimeOffset="0" startNumber="1" initialization="../hls/t2/init.mp4?P&amp;S" media="../hls/t2/$Number$.m4s?P&amp;S">
<SegmentTimeline>
<S t="0" d="288000" r="2"/>
<S d="120000"/>
</SegmentTimeline>
</SegmentTemplate>
</Representation>
</AdaptationSet>
<AdaptationSet contentType="text" mimeType="text/vtt" lang="en">
<Label>English &apos;CC&apos; &amp; more</Label>
<Role schemeIdUri="urn:mpeg:dash:role:2011" value="subtitle"/>
<Representation id="s-en" bandwidth="1000">
<BaseURL>../hls/s-en/subtitles.vtt?P&amp;S</BaseURL>
</Representation>
</AdaptationSet>
</Period>
</MPD>
"#
    );
}

#[test]
fn two_other_parsers_take_every_list() {
    for (kind, video) in videos() {
        for grant in [GRANT, Propagation::None] {
            let master = hls_master(&own(&video), &[ENGLISH], &grant);
            let (rest, parsed) = m3u8_rs::parse_master_playlist(master.as_bytes()).unwrap();
            assert!(
                rest.is_empty() && parsed.unknown_tags.is_empty(),
                "{kind}: {master}"
            );
            hls_m3u8::MasterPlaylist::try_from(master.as_str())
                .unwrap_or_else(|error| panic!("{kind}: {error}: {master}"));
            for track in &video.tracks {
                check_media(kind, &hls_media(track, &grant));
                if let Some(playlist) = hls_i_frames(track, &grant) {
                    check_media(kind, &playlist);
                }
            }
            check_media(kind, &hls_subtitles(video.duration, &grant));
        }
    }
}

fn check_media(kind: &str, playlist: &str) {
    let (rest, parsed) = m3u8_rs::parse_media_playlist(playlist.as_bytes()).unwrap();
    assert!(
        rest.is_empty() && parsed.unknown_tags.is_empty(),
        "{kind}: {playlist}"
    );
    assert!(parsed.end_list && parsed.playlist_type == Some(m3u8_rs::MediaPlaylistType::Vod));
    hls_m3u8::MediaPlaylist::try_from(playlist)
        .unwrap_or_else(|error| panic!("{kind}: {error}: {playlist}"));
}

#[test]
fn another_parser_takes_every_manifest() {
    for (kind, video) in videos() {
        let small = video.clone();
        let renditions = [
            Rendition {
                label: None,
                video: &video,
            },
            Rendition {
                label: Some("480p"),
                video: &small,
            },
        ];
        let manifest = dash(&renditions, &[ENGLISH], &GRANT);
        let parsed = dash_mpd_core::parse(&manifest)
            .unwrap_or_else(|error| panic!("{kind}: {error}: {manifest}"));
        assert_eq!(
            parsed.mediaPresentationDuration,
            Some(Duration::from_millis(20_500))
        );
        let sets = &parsed.periods[0].adaptations;
        let audio_tracks = video
            .tracks
            .iter()
            .filter(|track| track.kind == TrackKind::Audio)
            .count();
        let has_picture = video
            .tracks
            .iter()
            .any(|track| track.kind == TrackKind::Video);
        let found = |content: &str| {
            sets.iter()
                .filter(|set| set.contentType.as_deref() == Some(content))
                .count()
        };
        assert_eq!(found("video"), usize::from(has_picture), "{kind}");
        assert_eq!(
            found("audio"),
            if has_picture {
                audio_tracks
            } else {
                2 * audio_tracks
            },
            "{kind}"
        );
        let representations = sets.iter().flat_map(|set| &set.representations);
        for representation in
            representations.filter(|representation| representation.SegmentTemplate.is_some())
        {
            let template = representation.SegmentTemplate.as_ref().unwrap();
            let timeline = template.SegmentTimeline.as_ref().unwrap();
            let sum: u64 = timeline
                .segments
                .iter()
                .map(|segment| segment.d * (segment.r.unwrap_or(0) as u64 + 1))
                .sum();
            assert_eq!(sum * 2, template.timescale.unwrap() * 41, "{kind}");
        }
    }
}

proptest! {
    /// Durations keep within the target (RFC 8216 4.3.3.1), and nothing is lost by rounding.
    #[test]
    fn lengths_add_up_and_keep_within_the_target(
        timescale in 1_u32..200_000,
        begin in 0_u64..1_000_000,
        durations in prop::collection::vec(0_u64..2_000_000, 1..60),
    ) {
        let mut start = begin;
        let mut segments = Vec::new();
        for duration in durations {
            segments.push(SegmentDescription { start, duration });
            start += duration;
        }
        let track = TrackDescription { timescale, segments, i_frames: None, ..picture() };
        let playlist = hls_media(&track, &GRANT);
        let (_, parsed) = m3u8_rs::parse_media_playlist(playlist.as_bytes()).unwrap();
        let sum: f64 = parsed.segments.iter().map(|segment| f64::from(segment.duration)).sum();
        let length = start as f64 / f64::from(timescale);
        prop_assert!((sum - length).abs() < 0.001 + length * 1e-6, "{sum} is not {length}");
        for segment in &parsed.segments {
            prop_assert!(segment.duration.round() as u64 <= parsed.target_duration);
        }
        let target = format!("#EXT-X-TARGETDURATION:{}\n", parsed.target_duration);
        prop_assert!(playlist.contains(&target));
    }
}

#[test]
fn a_video_of_a_day_has_all_its_segments() {
    let segments = (0..14_400)
        .map(|number| SegmentDescription {
            start: number * 540_540,
            duration: 540_540,
        })
        .collect();
    let track = TrackDescription {
        segments,
        ..picture()
    };
    let query = "x".repeat(670);
    let playlist = hls_media(&track, &Propagation::Query(&query));
    assert_eq!(playlist.lines().count(), 14_400 * 2 + 8);
}
