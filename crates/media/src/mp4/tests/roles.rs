//! Checks of the roles that files give to tracks.

use super::builder::{Video, VideoTrack, boxed, full_box, read};
use crate::mp4::{Role, Roles};

/// Makes a `kind` box, ISO 14496-12 8.10.4.
fn kind(scheme: &str, value: &str) -> Vec<u8> {
    full_box(
        b"kind",
        0,
        0,
        &[scheme.as_bytes(), b"\0", value.as_bytes(), b"\0"],
    )
}

const DASH: &str = "urn:mpeg:dash:role:2011";
const HTML: &str = "about:html-kind";

fn roles_of(user_data: Vec<u8>) -> Roles {
    let mut video = Video::new(vec![VideoTrack::audio(5)]);
    video.tracks[0].user_data = user_data;
    read(&video.bytes()).unwrap().tracks[0].roles
}

fn check(user_data: Vec<u8>, expected: &[Role]) {
    let found: Vec<Role> = roles_of(user_data).iter().collect();
    assert_eq!(found, expected);
}

#[test]
fn m4_user_data_that_cannot_be_read_costs_nothing() {
    let description = kind(DASH, "description");
    for user_data in [
        b"\0\0\0\0".to_vec(),
        b"some words of old".to_vec(),
        full_box(b"kind", 0, 0, &[]),
        boxed(b"kind", &[b"\0\0"]),
        full_box(b"kind", 0, 0, &[DASH.as_bytes()]),
        kind(DASH, ""),
        kind(DASH, "no-such-role"),
        kind("urn:example:other", "description"),
        description[..description.len() - 12].to_vec(),
    ] {
        check(user_data, &[]);
    }
    // Boxes before the malformed one count.
    check(
        [&description[..], &[0, 0, 1]].concat(),
        &[Role::Description],
    );
    check(
        [&description[..], &[0, 0, 9, 9, b'k', b'i', b'n', b'd']].concat(),
        &[Role::Description],
    );
}

#[test]
fn m4_kinds_are_roles() {
    check(kind(DASH, "commentary"), &[Role::Commentary]);
    check(kind(DASH, "forced_subtitle"), &[Role::ForcedSubtitle]);
    check(kind(HTML, "main-desc"), &[Role::Description]);
    check(kind(HTML, "captions"), &[Role::Caption]);
    check(
        kind("urn:tva:metadata:cs:AudioPurposeCS:2007", "1"),
        &[Role::Description],
    );
    // The zero at the end is missing.
    let unended = full_box(b"kind", 0, 0, &[DASH.as_bytes(), b"\0dub"]);
    check(unended, &[Role::Dub]);
    check(
        boxed(b"tagc", &[b"public.subtitles.forced-only"]),
        &[Role::ForcedSubtitle],
    );
    // There are several, one of them twice, with other boxes in between.
    let several = [
        kind(DASH, "caption"),
        boxed(b"name", &[b"x"]),
        kind(HTML, "captions"),
        kind(DASH, "main"),
    ];
    check(several.concat(), &[Role::Main, Role::Caption]);
}

#[test]
fn m4_timed_text_says_itself_that_it_is_forced() {
    let mut video = Video::new(vec![VideoTrack::audio(5), VideoTrack::text(5)]);
    // The display flags of the sample entry mark all samples as forced.
    video.tracks[1].entry[16] = 0x80;
    let index = read(&video.bytes()).unwrap();
    assert!(index.tracks[1].roles.has(Role::ForcedSubtitle));
    // They mark some samples only: the others are for viewers who select subtitles.
    video.tracks[1].entry[16] = 0x40;
    let index = read(&video.bytes()).unwrap();
    assert_eq!(index.tracks[1].roles, Roles::default());
}
