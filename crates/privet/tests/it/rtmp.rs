//! Videos over RTMP, from outside: who may connect and play, what is sent and logged, and what is not tolerated.

use crate::support::*;
use privet_distribution::config::ListenerProtocol;

const STREAMS: &str = "s5c39gqb8ow64r.cloudfront.net";
const STREAMING: &str = r#"
[[listeners]]
address = "127.0.0.1:0"
protocol = "rtmp"
[[listeners]]
address = "127.0.0.2:0"
protocol = "rtmps"
[[streaming_distributions]]
id = "EGTXBD79EXAMPLE"
domain_name = "s5c39gqb8ow64r.cloudfront.net"
distribution = "EDFDVBD6EXAMPLE"
certificate = { chain = "chain.pem", key = "key.pem" }
trusted_key_groups = ["viewers"]
"#;

fn edge(limits: &str) -> TestEdge {
    let config = [fixture().as_str(), STREAMING, "\n[limits]\n", limits, "\n"].concat();
    TestEdge::configured(&config)
}

/// Starts an edge with a video of four seconds and one of sixty.
fn edge_with_videos() -> (TestEdge, MadeVideo) {
    let edge = edge("");
    let video = MadeVideo::new(4, 100, 0);
    edge.put("video/talk.mp4", &video.bytes);
    edge.put("secure/talk.mp4", &video.bytes);
    edge.put("video/long.mp4", &MadeVideo::new(60, 100, 0).bytes);
    (edge, video)
}

fn plain(edge: &TestEdge) -> Viewer {
    Viewer::plain(edge.address(&ListenerProtocol::Rtmp), None)
}

fn connected(edge: &TestEdge) -> RtmpViewer {
    let mut viewer = RtmpViewer::greet(plain(edge)).unwrap();
    let code = viewer.connect(STREAMS, "cfx/st");
    assert_eq!(code, "NetConnection.Connect.Success");
    viewer
}

/// Returns the name with a policy for `resource`.
fn granted(name: &str, resource: &str) -> String {
    with_policy(name, &policy(resource))
}

fn playing(edge: &TestEdge, file: &str) -> RtmpViewer {
    let mut viewer = connected(edge);
    viewer.play(&granted(&format!("mp4:video/{file}"), "video/*"));
    viewer.until("NetStream.Play.Start");
    viewer
}

/// Returns the payloads of the video messages, without FLV's header of five bytes and without the decoder
/// configuration.
fn pictures(messages: &[RtmpMessage]) -> Vec<&[u8]> {
    let pictures = messages.iter().filter(|message| message.kind == 9);
    let samples = pictures.filter(|message| message.body[1] == 1);
    samples.map(|message| &message.body[5..]).collect()
}

fn events(edge: &TestEdge, count: usize) -> Vec<String> {
    let records = edge.live.wait_for(count);
    let event = |record: &serde_json::Value| record["x-event"].as_str().unwrap().to_owned();
    records.iter().map(event).collect()
}

#[test]
fn what_is_no_rtmp_is_closed() {
    let edge = edge("");
    for hello in [
        &b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..],
        b"\x06",
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
    ] {
        let mut viewer = plain(&edge);
        viewer.send(hello);
        assert_eq!(viewer.rest(), b"");
    }
    let mut viewer = connected(&edge);
    viewer.send(20, 0, &[255]);
    assert_eq!(viewer.next(), None);
    let mut viewer = RtmpViewer::greet(plain(&edge)).unwrap();
    viewer.play("mp4:video/talk.mp4");
    assert_eq!(viewer.next(), None);
}

#[test]
fn who_may_not_connect() {
    let edge = edge("");
    for (host, application, code) in [
        (
            "nobody.example.com",
            "cfx/st",
            "NetConnection.Connect.Rejected",
        ),
        (HOST, "cfx/st", "NetConnection.Connect.Rejected"),
        (STREAMS, "live", "NetConnection.Connect.InvalidApp"),
    ] {
        let mut viewer = RtmpViewer::greet(plain(&edge)).unwrap();
        assert_eq!(viewer.connect(host, application), code);
        assert_eq!(viewer.next(), None, "the connection is closed");
    }
}

#[test]
fn nobody_plays_without_a_grant() {
    let (edge, _) = edge_with_videos();
    let mut expired = with_policy("mp4:video/talk.mp4", &canned("video/*", X));
    let other = granted("mp4:video/talk.mp4", "video/other.mp4");
    let near = granted("mp4:video/talk.mp4", "video/tal");
    let foreign = signed_by(OTHER, "video/talk.mp4", E).replace("video/", "mp4:video/");
    let climbing = granted("mp4:video/../video/talk.mp4", "*");
    for name in ["mp4:video/talk.mp4", &expired, &other, &near, &foreign] {
        let mut viewer = connected(&edge);
        viewer.say(0, "getStreamLength", &[Amf::Null, Amf::text(name)]);
        assert_eq!(
            viewer.next_code().unwrap(),
            "NetStream.Play.Failed",
            "{name}"
        );
        viewer.play(name);
        assert_eq!(
            viewer.next_code().unwrap(),
            "NetStream.Play.Failed",
            "{name}"
        );
    }
    // A refusal does not reveal which streams exist.
    expired = expired.replace("talk", "none");
    let mut viewer = connected(&edge);
    viewer.play(&expired);
    assert_eq!(viewer.next_code().unwrap(), "NetStream.Play.Failed");
    viewer.play(&climbing);
    assert_eq!(viewer.next_code().unwrap(), "NetStream.Play.StreamNotFound");
}

#[test]
fn what_cannot_be_played() {
    let (edge, _) = edge_with_videos();
    edge.put(
        "video/text.mp4",
        b"Not a video at all, but long enough for a box.",
    );
    let mut viewer = connected(&edge);
    for (name, code) in [
        ("mp4:video/none.mp4", "NetStream.Play.StreamNotFound"),
        ("mp4:video/none", "NetStream.Play.StreamNotFound"),
        ("mp4:video/text.mp4", "NetStream.Play.FileStructureInvalid"),
    ] {
        viewer.play(&granted(name, "video/*"));
        assert_eq!(viewer.next_code().unwrap(), code, "{name}");
        if code == "NetStream.Play.FileStructureInvalid" {
            assert_eq!(viewer.next_code().unwrap(), "NetStream.Play.Failed");
        }
    }
    viewer.say(
        1,
        "publish",
        &[Amf::Null, Amf::text("x"), Amf::text("live")],
    );
    assert_eq!(viewer.next_code().unwrap(), "NetStream.Publish.Denied");
}

#[test]
fn a_video_is_played_to_its_end() {
    let (edge, video) = edge_with_videos();
    let canned = signed("video/talk", E).replace("video/", "mp4:video/");
    for name in [granted("mp4:video/talk.mp4", "video/talk"), canned] {
        let mut viewer = connected(&edge);
        viewer.say(0, "getStreamLength", &[Amf::Null, Amf::text(&name)]);
        let length = loop {
            let message = viewer.next().unwrap();
            if message.code().as_deref() == Some("_result") {
                break message.values()[3].clone();
            }
        };
        assert!(matches!(length, Amf::Number(length) if (3.9..4.2).contains(&length)));
        viewer.hold(30_000);
        viewer.play(&name);
        viewer.until("NetStream.Play.Start");
        let messages = viewer.until("NetStream.Play.Complete");
        viewer.until("NetStream.Play.Stop");
        let expected: Vec<&[u8]> = video
            .video
            .iter()
            .map(|range| &video.bytes[range.clone()])
            .collect();
        assert_eq!(pictures(&messages), expected);
        let media = messages
            .iter()
            .filter(|message| [8, 9].contains(&message.kind));
        let times: Vec<u32> = media.map(|message| message.timestamp_ms).collect();
        assert!(times.is_sorted());
    }
}

#[test]
fn a_video_of_a_behavior_for_https_plays_over_tls() {
    let (edge, video) = edge_with_videos();
    let name = granted("mp4:secure/talk", "secure/*");
    let mut viewer = connected(&edge);
    viewer.play(&name);
    assert_eq!(viewer.next_code().unwrap(), "NetStream.Play.Failed");
    let over_tls = Viewer::tls(edge.address(&ListenerProtocol::Rtmps), None);
    let mut viewer = RtmpViewer::greet(over_tls).unwrap();
    viewer.connect(STREAMS, "cfx/st");
    viewer.play(&name);
    viewer.until("NetStream.Play.Start");
    let messages = viewer.until("NetStream.Play.Complete");
    assert_eq!(pictures(&messages).len(), video.video.len());
}

/// A play, a seek and an unpause each check the grant again; a stream that plays is never cut off.
#[test]
fn an_expired_grant_lets_nothing_begin() {
    let (edge, _) = edge_with_videos();
    let mut viewer = playing(&edge, "long.mp4");
    viewer.seek(20_000.0);
    viewer.until("NetStream.Seek.Notify");
    viewer.pause(true, 0.0);
    viewer.until("NetStream.Pause.Notify");
    viewer.pause(false, 20_000.0);
    viewer.until("NetStream.Unpause.Notify");
    edge.set_clock(E);
    viewer.seek(40_000.0);
    loop {
        match viewer.next_code().unwrap().as_str() {
            "NetStream.Seek.Failed" => break,
            "NetStream.Seek.Notify" => panic!("the seek was let through"),
            _ => {}
        }
    }
    while viewer.next().unwrap().kind != 9 {}
    viewer.pause(true, 0.0);
    viewer.until("NetStream.Pause.Notify");
    viewer.pause(false, 0.0);
    assert_eq!(viewer.next_code().unwrap(), "NetStream.Play.Failed");
    viewer.play(&granted("mp4:video/long.mp4", "video/*"));
    assert_eq!(viewer.next_code().unwrap(), "NetStream.Play.Failed");
}

#[test]
fn seeking_begins_with_a_key_frame() {
    let (edge, _) = edge_with_videos();
    let video = MadeVideo::new(60, 100, 0);
    let mut viewer = playing(&edge, "long.mp4");
    viewer.seek(31_000.0);
    viewer.until("NetStream.Seek.Notify");
    viewer.until("NetStream.Play.Start");
    let first = loop {
        let message = viewer.next().unwrap();
        if message.kind == 9 && message.body[1] == 1 {
            break message;
        }
    };
    assert_eq!(first.timestamp_ms, 30_000);
    assert_eq!(first.body[5..], video.bytes[video.video[30 * 24].clone()]);
}

#[test]
fn no_viewer_is_sent_more_than_it_may_hold() {
    let (edge, _) = edge_with_videos();
    let mut viewer = connected(&edge);
    viewer.hold(36_000_000);
    viewer.play(&granted("mp4:video/long.mp4", "video/*"));
    viewer.until("NetStream.Play.Start");
    let began = std::time::Instant::now();
    viewer.seek(0.0);
    let sent = viewer.until("NetStream.Seek.Notify");
    let last = sent.iter().map(|message| message.timestamp_ms).max();
    let ahead = 31_000 + began.elapsed().as_millis() as u32;
    assert!(last.unwrap_or(0) <= ahead, "{last:?} of {ahead}");
}

#[test]
fn what_viewers_do_is_logged() {
    let (edge, _) = edge_with_videos();
    let mut viewer = connected(&edge);
    viewer.play("mp4:video/talk.mp4");
    viewer.next_code();
    viewer.play(&granted("mp4:video/long.mp4", "video/*"));
    viewer.until("NetStream.Play.Start");
    viewer.seek(20_000.0);
    viewer.until("NetStream.Seek.Notify");
    viewer.pause(true, 0.0);
    viewer.until("NetStream.Pause.Notify");
    viewer.pause(false, 0.0);
    viewer.until("NetStream.Unpause.Notify");
    drop(viewer);
    let expected = [
        "connect",
        "play",
        "play",
        "seek",
        "pause",
        "unpause",
        "stop",
        "disconnect",
    ];
    assert_eq!(events(&edge, 8), expected);
    let records = edge.live.records();
    assert_eq!(records[1]["x-privet-refusal"], "missing-key-pair-id");
    assert_eq!(records[2]["x-sname"], "video/long");
    assert!(!edge.live.text().contains("Signature=A"));
    let (folder, _) = edge.stop();
    let records = file_records(&folder.path().join("logs"));
    // The log file has the events that happened, but not those that were refused.
    let files: Vec<&str> = records.iter().map(|record| record[4].as_str()).collect();
    assert_eq!(files, [&expected[..1], &expected[2..]].concat());
    for (record, expected) in records
        .iter()
        .zip([["-", "-", "-"], ["video/long", "mp4", "1"]])
    {
        assert_eq!(record.len(), 17);
        assert_eq!([&record[13], &record[15], &record[16]], expected);
    }
    assert!(
        records[1][14].starts_with("Policy=grant:"),
        "{}",
        records[1][14]
    );
}

#[test]
fn an_address_has_so_many_connections() {
    let edge = edge("rtmp_connections_per_address_max = 2");
    let first = connected(&edge);
    let _second = connected(&edge);
    assert!(RtmpViewer::greet(plain(&edge)).is_none());
    drop(first);
    // The edge notices the closed connection after a moment.
    while RtmpViewer::greet(plain(&edge)).is_none() {}
}

#[test]
fn viewers_that_keep_the_edge_waiting_are_left() {
    let edge = edge("rtmp_handshake_timeout = \"1s\"\nrtmp_idle_timeout = \"1s\"");
    assert_eq!(plain(&edge).rest(), b"");
    let mut greeted = RtmpViewer::greet(plain(&edge)).unwrap();
    assert_eq!(greeted.next(), None);
    let mut idle = connected(&edge);
    assert_eq!(idle.next(), None);
}

#[test]
fn a_video_that_changes_breaks_off() {
    let (edge, _) = edge_with_videos();
    let large = MadeVideo::new(30, 60_000, 0);
    edge.put("video/large.mp4", &large.bytes);
    let mut viewer = connected(&edge);
    viewer.hold(30_000);
    viewer.play(&granted("mp4:video/large.mp4", "video/*"));
    viewer.until("NetStream.Play.Start");
    let path = edge.object("video/large.mp4");
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_len(100_000).unwrap();
    while let Some(message) = viewer.next() {
        let code = message.code();
        assert_ne!(code.as_deref(), Some("NetStream.Play.Complete"));
    }
}
