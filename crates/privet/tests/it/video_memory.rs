//! Memory for playlists, sets and subtitles while they are read and made: it is counted before it is allocated, also
//! for what is not cached.

use crate::support::*;

const VIDEO: &str = "/private/videos/talk.mp4";
const MIB: usize = 1024 * 1024;
/// A budget of which one connection may use half for texts.
const BUDGET: &str = "[limits]\nresponses_size_bytes_max = \"4 MiB\"\n";

/// Returns the query of a policy for everything private.
fn query() -> String {
    let link = with_policy("", &policy(&url("/private/*")));
    link.split_once('?').expect("a signed link").1.to_owned()
}

fn edge_of(origin: &FakeOrigin) -> TestEdge {
    let remote = Remote::new(origin).behavior("video = { subtitles = [\"en\", \"de\"] }");
    TestEdge::configured(&format!("{}\n{BUDGET}", remote.config()))
}

/// Objects with their extensions, and the names of what is made of them.
const MADE_OF: [(&str, &str); 4] = [
    ("/private/list.m3u8", "/private/list.m3u8"),
    ("/private/list.mpd", "/private/list.mpd"),
    (
        "/private/videos/talk.en.vtt",
        "/private/videos/talk.mp4/hls/s-en/subtitles.vtt",
    ),
    (
        "/private/videos/talk.de.srt",
        "/private/videos/talk.mp4/hls/s-de/subtitles.vtt",
    ),
];

/// H1: a viewer of 150 uncacheable playlists used to take more than a gigabyte. When the origin declares the length of
/// a text, the edge knows that there is no room without reading it.
#[test]
fn h1_a_text_without_room_is_refused_before_it_is_read() {
    for (object, name) in MADE_OF {
        let gate = Gate::default();
        let waiting = gate.clone();
        let origin = FakeOrigin::start(move |ask| match ask.path() == object {
            true => OriginAnswer::head(200, &[("Vary", "*"), ("Content-Length", "3145728")])
                .wait(&waiting),
            false => OriginAnswer::whole(404, &[], "no"),
        });
        let edge = edge_of(&origin);
        let answer = edge.get(&format!("{}?{}", url(name), query()));
        assert_eq!(answer.status(), 503, "{name}: {}", answer.text());
        gate.open();
    }
}

#[test]
fn h1_a_text_that_grows_beyond_its_room_is_refused() {
    for (object, name) in MADE_OF {
        let gate = Gate::default();
        let waiting = gate.clone();
        let origin = FakeOrigin::start(move |ask| {
            if ask.path() != object {
                return OriginAnswer::whole(404, &[], "no");
            }
            let fields = [("Vary", "*"), ("Transfer-Encoding", "chunked")];
            let head = OriginAnswer::head(200, &fields);
            let chunks = (0..96).map(|_| vec![b'#'; 32 * 1024]);
            let begun = chunks.fold(head, |answer, chunk| answer.chunk(chunk));
            begun.wait(&waiting)
        });
        let edge = edge_of(&origin);
        let answer = edge.get(&format!("{}?{}", url(name), query()));
        assert_eq!(answer.status(), 503, "{name}: {}", answer.text());
        gate.open();
    }
}

/// The text counts while it is read, and no longer once the response is over.
#[test]
fn h1_a_text_that_is_being_read_counts() {
    let gate = Gate::default();
    let waiting = gate.clone();
    let list = format!("#EXTM3U\n{}", "#\n".repeat(MIB / 2));
    let origin = FakeOrigin::start(move |_| {
        let length = list.len().to_string();
        let fields = [("Cache-Control", "no-store"), ("Content-Length", &length)];
        let head = OriginAnswer::head(200, &fields);
        head.wait(&waiting).send(list.as_bytes())
    });
    let remote = Remote::new(&origin).policy("min_ttl = '0s'");
    let edge = TestEdge::configured(&format!("{}\n{BUDGET}", remote.config()));
    let asked = format!("{}?{}", url("/private/list.m3u8"), query());
    std::thread::scope(|scope| {
        let viewer = scope.spawn(|| edge.get(&asked));
        origin.wait_for_asks(1);
        until(|| edge.running().responses_size_bytes() >= MIB as u64);
        gate.open();
        let answer = viewer.join().expect("an answer");
        assert_eq!(answer.status(), 200);
        assert!(answer.body.len() > MIB);
    });
    until(|| edge.running().responses_size_bytes() == 0);
}

#[track_caller]
fn until(is_so: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::yield_now();
    }
}

/// L6: an unrequested part used to be taken for the whole, whatever it declared, and sent with the grant as 200.
#[test]
fn l6_a_part_that_nobody_asked_for_is_no_list() {
    let texts = [
        (
            "/private/list.m3u8",
            "/private/list.m3u8",
            "#EXTM3U\n1.ts\n",
        ),
        (
            "/private/list.mpd",
            "/private/list.mpd",
            "<MPD><Period><BaseURL>a.mp4</BaseURL></Period></MPD>",
        ),
        (
            "/private/videos/set.video.json",
            "/private/videos/set.video.json/hls/master.m3u8",
            "{\"renditions\":[{\"file\":\"talk.mp4\",\"label\":\"a\"}]}",
        ),
        (
            "/private/videos/talk.en.vtt",
            "/private/videos/talk.mp4/hls/s-en/subtitles.vtt",
            "WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n",
        ),
    ];
    for range in [
        "bytes 0-18446744073709551614/18446744073709551615",
        "bytes 0-9/4000",
        "bytes 0-18446744073709551614/*",
        "no range",
    ] {
        for (object, name, text) in texts {
            let video = MadeVideo::new(4, 100, 0);
            let origin = FakeOrigin::start(move |ask| match ask.path() {
                VIDEO => OriginAnswer::whole(200, &[], video.bytes.clone()),
                path if path == object => {
                    OriginAnswer::whole(206, &[("Content-Range", range)], text)
                }
                _ => OriginAnswer::whole(404, &[], "no"),
            });
            let edge = edge_of(&origin);
            let answer = edge.get(&format!("{}?{}", url(name), query()));
            assert_eq!(answer.status(), 422, "{name} {range}: {}", answer.text());
            let record = &edge.live.wait_for(1)[0];
            assert_eq!(record["x-privet-refusal"], "video-unasked-part", "{name}");
        }
    }
}
