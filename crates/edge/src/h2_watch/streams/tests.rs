use super::*;
use std::time::Duration;

const END: u8 = 1;

fn head(kind: u8, flags: u8, stream: u32, length: usize) -> FrameHead {
    FrameHead {
        length,
        kind,
        flags,
        stream,
    }
}

fn streams(now: Instant) -> Streams {
    Streams::new(128, now)
}

fn ask(streams: &mut Streams, stream: u32) {
    let request = ScanStep::Head(head(HEADERS, END, stream, 20));
    streams.viewer_sent(&request, Instant::now()).unwrap();
}

#[test]
fn wrong_sizes() {
    for (kind, flags, length) in [
        (PRIORITY, 0, 4),
        (RST_STREAM, 0, 3),
        (SETTINGS, 0, 8),
        (SETTINGS, 1, 6),
        (PING, 0, 6),
        (GOAWAY, 0, 4),
        (WINDOW_UPDATE, 0, 3),
    ] {
        let found = ScanStep::Head(head(kind, flags, 1, length));
        let judged = streams(Instant::now()).viewer_sent(&found, Instant::now());
        assert_eq!(judged, Err(ConnectionError::FrameSize), "{kind}");
    }
}

#[test]
fn frames_after_the_end() {
    for kind in [DATA, HEADERS] {
        let mut streams = streams(Instant::now());
        ask(&mut streams, 1);
        let found = ScanStep::Head(head(kind, 0, 1, 4));
        let judged = streams.viewer_sent(&found, Instant::now());
        assert_eq!(judged, Err(ConnectionError::StreamClosed));
    }
}

/// Returns how many rounds of these frames are tolerated.
fn rounds(frames: impl Fn(u32) -> Vec<FrameHead>) -> Option<u32> {
    let mut streams = streams(Instant::now());
    (0..100_000).find(|round| {
        let found = frames(*round).into_iter().map(ScanStep::Head);
        let judged: Vec<_> = found
            .map(|found| streams.viewer_sent(&found, Instant::now()))
            .collect();
        judged.contains(&Err(ConnectionError::EnhanceYourCalm))
    })
}

#[test]
fn work_for_nothing_has_a_limit() {
    assert_eq!(rounds(|_| vec![head(PING, 0, 0, 8)]), Some(4_096));
    assert_eq!(rounds(|_| vec![head(SETTINGS, 0, 0, 0)]), Some(4_096));
    let asked_and_taken_back = |round: u32| {
        let stream = round * 2 + 1;
        vec![
            head(HEADERS, END, stream, 20),
            head(RST_STREAM, 0, stream, 4),
        ]
    };
    assert!(rounds(asked_and_taken_back).is_some_and(|rounds| rounds < 1_000));
    // Streams that nobody ends.
    assert!(rounds(|round| vec![head(HEADERS, 0, round * 2 + 1, 20)]).is_some());
}

#[test]
fn an_ignored_stream_is_found_and_a_waiting_one_is_not() {
    let begun = Instant::now();
    let at = |secs| begun + Duration::from_secs(secs);
    let mut streams = streams(begun);
    ask(&mut streams, 1);
    assert_eq!(streams.ignored(), None, "there is no answer yet");
    streams.edge_sent(&head(HEADERS, 0, 1, 50), at(1));
    assert_eq!(streams.ignored(), None, "the answer waits for the origin");
    streams.edge_sent(&head(DATA, 0, 1, 65_535), at(2));
    let connection = Ignored::Connection { since: at(2) };
    assert_eq!(streams.ignored(), Some(connection));
    let update = ScanStep::Payload(head(WINDOW_UPDATE, 0, 0, 4), vec![0, 1, 0, 0]);
    streams.viewer_sent(&update, Instant::now()).unwrap();
    assert_eq!(streams.ignored(), Some(connection), "nothing else is taken");
    ask(&mut streams, 3);
    let stream = Ignored::Stream {
        stream: 1,
        since: at(2),
    };
    let ignored = streams.ignored();
    assert_eq!(ignored, Some(stream), "the other one waits for the edge");
    streams.edge_sent(&head(DATA, END, 3, 10), at(3));
    assert_eq!(streams.ignored(), Some(stream));
    let update = ScanStep::Payload(head(WINDOW_UPDATE, 0, 1, 4), vec![0, 0, 0, 1]);
    streams.viewer_sent(&update, Instant::now()).unwrap();
    assert_eq!(streams.ignored(), None);
    streams.edge_sent(&head(DATA, 0, 1, 1), at(4));
    let shut = streams.ignored().map(Ignored::since);
    assert_eq!(shut, Some(at(4)));
    streams.edge_sent(&head(RST_STREAM, 0, 1, 4), at(5));
    assert_eq!(streams.ignored(), None);
}

#[test]
fn settings_change_the_windows_of_open_streams() {
    let now = Instant::now();
    let mut streams = streams(now);
    ask(&mut streams, 1);
    let none = ScanStep::Payload(head(SETTINGS, 0, 0, 6), vec![0, 4, 0, 0, 0, 0]);
    streams.viewer_sent(&none, Instant::now()).unwrap();
    streams.edge_sent(&head(HEADERS, 0, 1, 50), now);
    assert!(streams.ignored().is_some());
    let some = ScanStep::Payload(head(SETTINGS, 0, 0, 6), vec![0, 4, 0, 0, 0, 1]);
    streams.viewer_sent(&some, Instant::now()).unwrap();
    assert_eq!(streams.ignored(), None);
    // If a frame has several values, the last one counts, and none may be too large.
    let last = [[0, 4, 0, 0, 0, 9], [0, 4, 0, 0, 0, 0]].concat();
    let last = ScanStep::Payload(head(SETTINGS, 0, 0, 12), last);
    streams.viewer_sent(&last, Instant::now()).unwrap();
    assert!(streams.ignored().is_some());
    let most = [[0, 4, 0x80, 0, 0, 0], [0, 4, 0, 0, 0, 1]].concat();
    let most = ScanStep::Payload(head(SETTINGS, 0, 0, 12), most);
    let judged = streams.viewer_sent(&most, Instant::now());
    assert_eq!(judged, Err(ConnectionError::FlowControl));
}

#[test]
fn a_refusal_of_h2_is_told_from_our_answers() {
    let mut streams = streams(Instant::now());
    ask(&mut streams, 1);
    assert!(streams.is_refusal_of_h2(&head(HEADERS, END, 1, 5)));
    for ours in [
        head(HEADERS, END, 1, 60),
        head(HEADERS, 0, 1, 5),
        head(DATA, END, 1, 5),
        head(HEADERS, END, 3, 5),
    ] {
        assert!(!streams.is_refusal_of_h2(&ours), "{ours:?}");
    }
    streams.edge_sent(&head(HEADERS, 0, 1, 60), Instant::now());
    assert!(!streams.is_refusal_of_h2(&head(HEADERS, END, 1, 5)));
}
