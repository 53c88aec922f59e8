//! Checks of edits: the part of a track that is shown, and its start.

use super::builder::{Video, VideoTrack, read};
use crate::mp4::Edit;

/// Checks the tracks of a video: the edit, and the number of samples left.
fn check(pictures: &[(u32, i32)], audio: &[(u32, i32)], expected: [(Edit, u32); 2]) {
    // Four seconds with a key frame each second, shown one frame late; audio with 50 samples per second.
    let mut video = Video::new(vec![VideoTrack::video(100, 25), VideoTrack::audio(200)]);
    for sample in &mut video.tracks[0].samples {
        sample.composition_offset = 1;
    }
    video.tracks[0].edits = pictures.to_vec();
    video.tracks[1].edits = audio.to_vec();
    let index = read(&video.bytes()).unwrap();
    let found: Vec<_> = index
        .tracks
        .iter()
        .map(|track| (track.edit, track.sample_count))
        .collect();
    assert_eq!(found, expected, "{pictures:?} {audio:?}");
    for track in &index.tracks {
        assert_eq!(track.samples().count() as u32, track.sample_count);
        let first = track.samples().next().unwrap();
        assert_eq!((first.number, first.decode_time), (0, 0));
    }
}

fn edit(media_start: u64, delay: u64) -> Edit {
    Edit { media_start, delay }
}

#[test]
fn without_an_edit_all_is_shown() {
    check(&[], &[], [(edit(0, 0), 100), (edit(0, 0), 200)]);
}

#[test]
fn a_simple_edit_is_kept() {
    check(
        &[(4000, 1)],
        &[(3980, 1024)],
        [(edit(1, 0), 100), (edit(1024, 0), 200)],
    );
}

#[test]
fn an_empty_edit_is_a_delay() {
    check(
        &[(1000, -1), (4000, 1)],
        &[(500, -1), (200, -1), (0, 0)],
        [(edit(1, 25), 100), (edit(0, 35_840), 200)],
    );
}

#[test]
fn a_start_within_a_group_moves_all_tracks_back_to_the_key_frame() {
    // The video begins 10 frames, 0.4 s, after the key frame; the audio has 0.1 s before its start.
    check(
        &[(0, 11)],
        &[(0, 5120)],
        [(edit(1, 0), 100), (edit(0, 15_360), 200)],
    );
}

#[test]
fn groups_before_the_start_are_left_out() {
    // Frame 60 is 10 after the third key frame. The audio moves from 2.4 s to 2 s, and keeps 0.2 s before that.
    check(
        &[(0, 61)],
        &[(0, 122_880)],
        [(edit(1, 0), 50), (edit(10_240, 0), 110)],
    );
    // At a key frame nothing moves.
    check(
        &[(0, 51)],
        &[(0, 102_400)],
        [(edit(1, 0), 50), (edit(10_240, 0), 110)],
    );
}

#[test]
fn what_lies_behind_the_end_is_left_out() {
    check(
        &[(2000, 1)],
        &[(1000, 0)],
        [(edit(1, 0), 50), (edit(0, 0), 50)],
    );
    // Rounding must not drop the last sample.
    check(
        &[(3999, 1)],
        &[(3999, 0)],
        [(edit(1, 0), 100), (edit(0, 0), 200)],
    );
}

#[test]
fn a_track_ends_where_its_last_sample_does() {
    let mut video = Video::new(vec![VideoTrack::video(100, 25)]);
    for (number, sample) in video.tracks[0].samples.iter_mut().enumerate() {
        sample.composition_offset = [2, 4, 1][number % 3];
    }
    video.tracks[0].edits = vec![(0, 2)];
    let track = &read(&video.bytes()).unwrap().tracks[0];
    let ends = track
        .samples()
        .map(|sample| track.presentation_time(&sample) + 1);
    assert_eq!(ends.max(), Some(track.end() as i64));
}
