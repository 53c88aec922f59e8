//! Checks of codec strings, and of channels and sample rates in sample entries.

use super::builder::{
    Video, VideoTrack, aac_entry, audio_entry, boxed, full_box, read, video_entry,
};
use crate::mp4::{Codec, Track, TrackKind};

/// Returns the only track of a video with this sample entry.
fn track(kind: TrackKind, entry: Vec<u8>) -> Track {
    let mut track = match kind {
        TrackKind::Video => VideoTrack::video(5, 5),
        TrackKind::Audio => VideoTrack::audio(5),
        TrackKind::Text => VideoTrack::text(5),
    };
    track.entry = entry;
    read(&Video::new(vec![track]).bytes())
        .unwrap()
        .tracks
        .remove(0)
}

fn check_video(name: &[u8; 4], kind: &[u8; 4], config: &[u8], expected: (Codec, &str)) {
    let track = track(TrackKind::Video, video_entry(name, &boxed(kind, &[config])));
    assert_eq!((track.codec, track.codec_string().as_str()), expected);
    assert_eq!(track.decoder_config(kind), Some(config));
    assert_eq!(track.decoder_config(b"none"), None);
}

fn check_audio(name: &[u8; 4], config: &[u8], expected: (Codec, &str, u16, u32)) {
    let track = track(TrackKind::Audio, audio_entry(name, config));
    let string = track.codec_string();
    let found = (
        track.codec,
        string.as_str(),
        track.channels,
        track.sample_rate,
    );
    assert_eq!(found, expected);
}

/// Makes an `hvcC` with parameter sets of these kinds.
fn hevc_config(kinds: &[u8]) -> Vec<u8> {
    let mut config = vec![1, 1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 0x3c];
    config.extend([0xf0, 0, 0xfc, 0xfd, 0xf8, 0xf8, 0, 0, 0x0f]);
    config.push(kinds.len() as u8);
    for kind in kinds {
        config.extend([0xa0 | kind, 0, 1, 0, 2, kind << 1, 1]);
    }
    config
}

#[test]
fn pictures() {
    let avc = [1, 0x64, 0, 0x1e, 0xff, 0xe0, 0];
    check_video(b"avc1", b"avcC", &avc, (Codec::Avc, "avc1.64001e"));
    check_video(b"avc3", b"avcC", &avc, (Codec::Avc, "avc3.64001e"));
    let complete = hevc_config(&[32, 33, 34]);
    check_video(
        b"hvc1",
        b"hvcC",
        &complete,
        (Codec::Hevc, "hvc1.1.6.L60.90"),
    );
    check_video(
        b"hev1",
        b"hvcC",
        &complete,
        (Codec::Hevc, "hvc1.1.6.L60.90"),
    );
    // Its parameter sets are in the samples, which `hvc1` does not allow.
    let bare = hevc_config(&[33, 34]);
    check_video(b"hev1", b"hvcC", &bare, (Codec::Hevc, "hev1.1.6.L60.90"));
    let vp9 = [1, 0, 0, 0, 0, 0x14, 0x82, 2, 2, 2, 0, 0];
    check_video(
        b"vp09",
        b"vpcC",
        &vp9,
        (Codec::Vp9, "vp09.00.20.08.01.02.02.02.00"),
    );
    let av1 = [0x81, 0x00, 0x0c, 0];
    check_video(b"av01", b"av1C", &av1, (Codec::Av1, "av01.0.00M.08"));
    let high = [0x81, 0x2d, 0xe0, 0];
    check_video(b"av01", b"av1C", &high, (Codec::Av1, "av01.1.13H.12"));
}

/// Makes an `esds` with this object type and AudioSpecificConfig.
fn esds(object_type: u8, config: &[u8]) -> Vec<u8> {
    let specific = [&[5, config.len() as u8], config].concat();
    let decoder = [&[object_type, 0x15][..], &[0; 11], &specific].concat();
    // Lengths may be written with four bytes.
    let decoder = [&[4, 0x80, 0x80, 0x80, decoder.len() as u8], &decoder[..]].concat();
    let stream = [&[0, 1, 0][..], &decoder, &[6, 1, 2]].concat();
    full_box(b"esds", 0, 0, &[&[3, stream.len() as u8], &stream])
}

#[test]
fn audio() {
    let low = esds(0x40, &[0x11, 0x90]);
    check_audio(b"mp4a", &low, (Codec::Aac, "mp4a.40.2", 2, 48_000));
    // Spectral band replication doubles 24 kHz to 48 kHz.
    let high = esds(0x40, &[0x2b, 0x11, 0x88, 0]);
    check_audio(b"mp4a", &high, (Codec::Aac, "mp4a.40.5", 2, 48_000));
    let parametric = esds(0x40, &[0xeb, 0x09, 0x88, 0]);
    check_audio(b"mp4a", &parametric, (Codec::Aac, "mp4a.40.29", 2, 48_000));
    let mp3 = esds(0x6b, &[]);
    check_audio(b"mp4a", &mp3, (Codec::Mp3, "mp4a.6b", 2, 51_200));
    check_audio(b".mp3", &[], (Codec::Mp3, "mp4a.6b", 2, 51_200));
    let ac3 = boxed(b"dac3", &[&[0x10, 0x3d, 0xe0]]);
    check_audio(b"ac-3", &ac3, (Codec::Ac3, "ac-3", 6, 48_000));
    let eac3 = boxed(b"dec3", &[&[6, 0, 0x20, 0x0f, 0]]);
    check_audio(b"ec-3", &eac3, (Codec::Eac3, "ec-3", 6, 48_000));
    let opus = boxed(b"dOps", &[&[0, 1, 1, 0x38, 0, 0, 0xbb, 0x80, 0, 0, 0]]);
    check_audio(b"Opus", &opus, (Codec::Opus, "opus", 1, 48_000));
    let mut flac = vec![0; 42];
    flac[18..21].copy_from_slice(&[0x0a, 0xc4, 0x40]);
    let flac = boxed(b"dfLa", &[&flac]);
    check_audio(b"fLaC", &flac, (Codec::Flac, "fLaC", 1, 44_100));
}

fn check_aac(config: &[u8], expected: (&str, u16, u32)) {
    let (string, channels, sample_rate) = expected;
    let expected = (Codec::Aac, string, channels, sample_rate);
    check_audio(b"mp4a", &esds(0x40, config), expected);
}

#[test]
fn m5_what_is_no_extension_stays_aac_lc() {
    // sbrPresentFlag is 0, as ffmpeg writes it for plain AAC.
    check_aac(&[0x13, 0x10, 0x56, 0xe5, 0x00], ("mp4a.40.2", 2, 24_000));
    // Cut off after the flag, and within the rate; a reserved rate; a rate of 0; another object type.
    check_aac(&[0x13, 0x10, 0x56, 0xe5], ("mp4a.40.2", 2, 24_000));
    check_aac(
        &[0x13, 0x10, 0x56, 0xe5, 0xf8, 0x00],
        ("mp4a.40.2", 2, 24_000),
    );
    check_aac(&[0x13, 0x10, 0x56, 0xe5, 0xe8], ("mp4a.40.2", 2, 24_000));
    check_aac(
        &[0x13, 0x10, 0x56, 0xe5, 0xf8, 0, 0, 0],
        ("mp4a.40.2", 2, 24_000),
    );
    check_aac(&[0x13, 0x10, 0x56, 0xe2, 0x98], ("mp4a.40.2", 2, 24_000));
    // Nothing can be read after a reserved rate; the entry's fields apply.
    check_aac(&[0x16, 0x90, 0x56, 0xe5, 0x98], ("mp4a.40.2", 2, 51_200));
    // The bits of an extension after an object type that has none (xHE-AAC).
    check_aac(
        &[0xf9, 0x4c, 0x40, 0x56, 0xe5, 0x98],
        ("mp4a.40.42", 2, 24_000),
    );
}

#[test]
fn m5_sbr_and_ps_behind_the_configuration_are_announced() {
    check_aac(&[0x13, 0x10, 0x56, 0xe5, 0x98], ("mp4a.40.5", 2, 48_000));
    // The rate is given explicitly.
    check_aac(
        &[0x13, 0x10, 0x56, 0xe5, 0xf8, 0x05, 0xdc, 0x00],
        ("mp4a.40.5", 2, 48_000),
    );
    // 22.05 kHz, one channel, and parametric stereo, as fdk-aac writes it.
    check_aac(
        &[0x13, 0x88, 0x56, 0xe5, 0xa5, 0x48, 0x80],
        ("mp4a.40.29", 2, 44_100),
    );
    // The flag of parametric stereo is 0; or it is set with two channels.
    check_aac(
        &[0x13, 0x88, 0x56, 0xe5, 0xa5, 0x48, 0x00],
        ("mp4a.40.5", 1, 44_100),
    );
    check_aac(
        &[0x13, 0x90, 0x56, 0xe5, 0xa5, 0x48, 0x80],
        ("mp4a.40.5", 2, 44_100),
    );
    // Channels defined by a program config element, after which the extension is not byte-aligned.
    check_aac(
        &[0x13, 0x00, 0x02, 0xb7, 0x2c, 0xc0],
        ("mp4a.40.5", 2, 48_000),
    );
}

#[test]
fn the_form_of_quicktime_becomes_that_of_iso() {
    let plain = aac_entry();
    let config = &plain[36..];
    let mut entry = plain[8..36].to_vec();
    entry[8..10].copy_from_slice(&[0, 1]);
    let wave = boxed(b"wave", &[&boxed(b"frma", &[b"mp4a"]), config, &[0; 4]]);
    let quicktime = boxed(b"mp4a", &[&entry, &[0; 16], &wave]);
    let track = track(TrackKind::Audio, quicktime);
    assert_eq!(track.codec_string(), "mp4a.40.2");
    assert_eq!(track.sample_entry, plain);
}

#[test]
fn text() {
    let config = boxed(b"vttC", &[b"WEBVTT"]);
    let entry = boxed(b"wvtt", &[&[0, 0, 0, 0, 0, 0, 0, 1], &config]);
    let mut video = Video::new(vec![VideoTrack::audio(5), VideoTrack::text(5)]);
    video.tracks[1].entry = entry;
    let track = read(&video.bytes()).unwrap().tracks.remove(1);
    assert_eq!(track.codec_string(), "wvtt");
    assert_eq!(track.text_config(), Some(&b"WEBVTT"[..]));
    // Unusable text does not make the video unplayable.
    video.tracks[1].edits = vec![(1, 0), (1, 0)];
    let track = read(&video.bytes()).unwrap().tracks.remove(1);
    assert_eq!((track.codec, track.sample_count), (Codec::Other, 0));
}
