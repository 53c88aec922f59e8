//! M2: videos of origins that do not declare their length, fetched whole and stored once (fidelity note F62).

use crate::support::*;

const ITEMS: [&str; 5] = [
    "hls/master.m3u8",
    "dash/manifest.mpd",
    "hls/t1/1.m4s",
    "hls/t2/2.m4s",
    "hls/ts/1.ts",
];

fn two_seconds(origin: &FakeOrigin) -> Remote {
    Remote::new(origin).behavior("video = { segment_duration = \"2s\" }")
}

fn chunked_origin(video: &MadeVideo) -> FakeOrigin {
    let object = Shelved::new(video.bytes.clone()).chunked();
    shelf([("/video.mp4", object)])
}

/// The object is longer than what is fetched whole, and is not fetched again and again to find that out.
#[test]
fn m2_a_video_without_length_that_does_not_fit_is_refused() {
    let video = MadeVideo::new(60, 30_000, 0);
    let origin = chunked_origin(&video);
    let edge = two_seconds(&origin).cache("memory = \"64 MiB\"").start();
    let answer = edge.get(&url("/video.mp4/hls/master.m3u8"));
    assert_eq!(answer.status(), 422, "{}", answer.text());
    assert!(
        answer.text().contains("Content-Length"),
        "{}",
        answer.text()
    );
    let record = &edge.live.wait_for(1)[0];
    assert_eq!(record["x-privet-refusal"], "video-unsized");
    let sent = origin.sent_size_bytes();
    assert_eq!(edge.get(&url("/video.mp4/hls/master.m3u8")).status(), 422);
    let more = origin.sent_size_bytes() - sent;
    assert!(more < 20 << 20, "{more} bytes more");
}

#[test]
fn m2_an_origin_that_breaks_off_is_told_and_asked_anew() {
    let video = MadeVideo::new(4, 20_000, 0);
    let bytes = video.bytes.clone();
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let origin = FakeOrigin::start(move |_| {
        let headers = [("Transfer-Encoding", "chunked"), ("ETag", "\"video\"")];
        let first = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        let head = OriginAnswer::head(200, &headers);
        if first {
            return head.chunk(&bytes[..100_000]).close();
        }
        head.chunk(bytes.as_slice()).last_chunk()
    });
    let edge = two_seconds(&origin).start();
    assert_eq!(edge.get(&url("/video.mp4/hls/master.m3u8")).status(), 502);
    assert_eq!(edge.get(&url("/video.mp4/hls/master.m3u8")).status(), 200);
}

#[test]
fn m2_a_video_without_length_plays_at_the_first_request() {
    let video = MadeVideo::new(20, 20_000, 0);
    for object in [
        Shelved::new(video.bytes.clone()).chunked(),
        Shelved::new(video.bytes.clone()).chunked().without_tag(),
        Shelved::new(MadeVideo::new(4, 100, 0).bytes).chunked(),
        Shelved::new(video.bytes.clone())
            .chunked()
            .coded("aws-chunked"),
    ] {
        for first in ITEMS {
            let origin = shelf([("/video.mp4", object.clone())]);
            let edge = two_seconds(&origin).start();
            for item in [first].into_iter().chain(ITEMS) {
                let answer = edge.get(&url(&format!("/video.mp4/{item}")));
                assert_eq!(answer.status(), 200, "{item} after {first}");
            }
            assert_eq!(origin.asks().len(), 1, "{:?}", origin.asks());
        }
    }
}

#[test]
fn m2_its_segments_hold_the_samples_of_the_object() {
    let video = MadeVideo::with_index_at(IndexAt::End, 20, 20_000, 0);
    let origin = chunked_origin(&video);
    let edge = two_seconds(&origin).start();
    for segment in [10, 1, 5] {
        let answer = edge.get(&url(&format!("/video.mp4/hls/t1/{segment}.m4s")));
        assert!(
            samples_of(&answer.body) == video.picture(segment),
            "{segment}"
        );
    }
    let whole = edge.fetch("/video.mp4");
    assert!(whole.body == video.bytes);
    assert_eq!(origin.asks().len(), 1, "{:?}", origin.asks());
}

/// Many viewers request the video while it arrives, and one of them leaves: it is fetched once, to its end.
#[test]
fn m2_all_who_ask_meanwhile_wait_for_one_fetch() {
    let video = MadeVideo::new(20, 20_000, 0);
    let gate = Gate::closed();
    let bytes = video.bytes.clone();
    let held = gate.clone();
    let origin = FakeOrigin::start(move |_| {
        let headers = [("Transfer-Encoding", "chunked"), ("ETag", "\"video\"")];
        let head = OriginAnswer::head(200, &headers).chunk(&bytes[..1_000]);
        head.wait(&held).chunk(&bytes[1_000..]).last_chunk()
    });
    let edge = two_seconds(&origin).start();
    let mut leaving = edge.plain();
    leaving.send(&Ask::get(url("/video.mp4/hls/master.m3u8")).bytes());
    origin.wait_until_sent(1_000);
    let address = edge.http();
    let viewers: Vec<_> = ITEMS
        .map(|item| {
            std::thread::spawn(move || {
                let mut viewer = Viewer::plain(address, None);
                viewer.get(&url(&format!("/video.mp4/{item}"))).status()
            })
        })
        .into();
    drop(leaving);
    gate.open();
    for viewer in viewers {
        assert_eq!(viewer.join().unwrap(), 200);
    }
    assert_eq!(origin.asks().len(), 1, "{:?}", origin.asks());
}

/// A viewer who downloads the object itself meanwhile shares the same fetch.
#[test]
fn m2_a_download_under_way_serves_the_video() {
    let video = MadeVideo::new(20, 20_000, 0);
    let gate = Gate::closed();
    let bytes = video.bytes.clone();
    let held = gate.clone();
    let origin = FakeOrigin::start(move |_| {
        let headers = [("Transfer-Encoding", "chunked"), ("ETag", "\"video\"")];
        let head = OriginAnswer::head(200, &headers).chunk(&bytes[..1_000]);
        head.wait(&held).chunk(&bytes[1_000..]).last_chunk()
    });
    let edge = two_seconds(&origin).start();
    let mut download = edge.plain();
    download.send(&Ask::get(url("/video.mp4")).bytes());
    origin.wait_until_sent(1_000);
    let address = edge.http();
    let list = std::thread::spawn(move || {
        let mut viewer = Viewer::plain(address, None);
        viewer.get(&url("/video.mp4/hls/t1/10.m4s"))
    });
    gate.open();
    let (_, body) = download.framed_answer();
    assert!(body.whole() == video.bytes);
    assert!(samples_of(&list.join().unwrap().body) == video.picture(10));
    assert_eq!(origin.asks().len(), 1, "{:?}", origin.asks());
}

/// The video is longer than a block, and is stored on the disk.
#[test]
fn m2_a_video_without_length_is_kept_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let video = MadeVideo::new(60, 30_000, 0);
    let origin = chunked_origin(&video);
    let edge = two_seconds(&origin).disk(folder.path()).start();
    for segment in [30, 1, 15] {
        let answer = edge.get(&url(&format!("/video.mp4/hls/t1/{segment}.m4s")));
        assert_eq!(answer.status(), 200);
        assert!(
            samples_of(&answer.body) == video.picture(segment),
            "{segment}"
        );
    }
    assert_eq!(origin.asks().len(), 1, "{:?}", origin.asks());
}
