//! Checks of sessions: a viewer that sends chunks, and the replies that it receives.

use super::*;
use crate::Part;
use crate::rtmp::amf::{Value, written};
use crate::rtmp::chunk::message_type::DATA;
use crate::rtmp::chunk::{ChunkStream, MessageHead};
use crate::stream::MessageKind;

const PLAY: &str = "mp4:video/talk.mp4?Policy=x&Signature=y&Key-Pair-Id=K";

/// A connection, and the viewer at its other end.
struct Viewer {
    session: Session,
    writer: ChunkWriter,
    reader: ChunkReader,
}

impl Viewer {
    /// Makes a viewer that has completed the handshake.
    fn new() -> Viewer {
        let mut session = Session::new(Box::new([7; RANDOM_SIZE_BYTES]), |_, _| [0; 32]);
        let hello = [&[3][..], &[0; 1536 + 1536]].concat();
        let (taken, action) = session.input(&hello).unwrap();
        assert_eq!((taken, action), (hello.len(), None));
        assert!(session.is_open());
        assert_eq!(session.take_output().size_bytes(), 1 + 1536 + 1536);
        Viewer {
            session,
            writer: ChunkWriter::new(),
            reader: ChunkReader::new(),
        }
    }

    /// Makes a viewer that is connected.
    fn connected() -> Viewer {
        let mut viewer = Viewer::new();
        let action = viewer.connect("cfx/st").unwrap();
        assert!(matches!(action, Some(Action::Connect(_))));
        viewer.session.accept();
        viewer.heard();
        viewer
    }

    /// Makes a viewer to whom a video is playing, on message stream 1.
    fn playing() -> Viewer {
        let mut viewer = Viewer::connected();
        viewer.say(1, &play(PLAY)).unwrap();
        viewer.session.start(&start(0));
        viewer.heard();
        viewer
    }

    fn send(
        &mut self,
        message_type: u8,
        stream_id: u32,
        body: &[u8],
    ) -> Result<Option<Action>, Fault> {
        let mut out = Parts::default();
        let body = Bytes::copy_from_slice(body);
        let head = MessageHead {
            stream: ChunkStream::Connection,
            message_type,
            stream_id,
            timestamp_ms: 0,
        };
        self.writer.write_bytes(head, body, &mut out);
        let bytes = spelled(&out);
        let (taken, action) = self.session.input(&bytes)?;
        assert_eq!(taken, bytes.len(), "the whole message is taken in");
        Ok(action)
    }

    fn say(&mut self, stream_id: u32, values: &[Value]) -> Result<Option<Action>, Fault> {
        self.send(COMMAND, stream_id, &written(values))
    }

    fn connect(&mut self, application: &str) -> Result<Option<Action>, Fault> {
        let object = Value::object([
            ("app", Value::text(application)),
            ("flashVer", Value::text("LNX 9,0,124,2")),
            ("tcUrl", Value::text("rtmp://s1.example.net/cfx/st")),
            ("fpad", Value::Boolean(false)),
        ]);
        self.say(0, &[Value::text("connect"), Value::Number(1.0), object])
    }

    /// Returns the messages sent to the viewer since the last call, a few words each.
    fn heard(&mut self) -> Vec<String> {
        let bytes = spelled(&self.session.take_output());
        let mut heard = Vec::new();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (taken, message) = self.reader.input(rest).unwrap();
            rest = &rest[taken..];
            heard.extend(message.map(|message| told(&message)));
        }
        heard
    }

    fn check_heard(&mut self, expected: &[&str]) {
        assert_eq!(self.heard(), expected);
    }
}

/// Summarizes a message in a few words.
fn told(message: &Received) -> String {
    let number = |at: usize| u32::from_be_bytes(message.body[at..at + 4].try_into().unwrap());
    match message.message_type {
        USER_CONTROL => format!("event {} of {}", message.body[1], number(2)),
        COMMAND | DATA => {
            let values = read(&message.body).unwrap();
            let last = values.last().unwrap();
            let what = match last {
                Value::Object(_) => last.text_at("code").unwrap_or_default().to_owned(),
                Value::Number(number) => number.to_string(),
                Value::Text(_) | Value::Boolean(_) | Value::Null => String::new(),
            };
            let level = last.text_at("level").unwrap_or_default();
            let name = values[0].as_text().unwrap();
            format!("{name} {level} {what} @{}", message.stream_id)
        }
        other => format!("type {other} of {} bytes", message.body.len()),
    }
}

fn spelled(parts: &Parts) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts.as_slice() {
        match part {
            Part::Bytes(own) => bytes.extend_from_slice(own),
            Part::Source { size_bytes, .. } => bytes.extend(vec![0; *size_bytes as usize]),
        }
    }
    bytes
}

fn command<const N: usize>(name: &str, arguments: [Value; N]) -> Vec<Value> {
    let mut values = vec![Value::text(name), Value::Number(5.0), Value::Null];
    values.extend(arguments);
    values
}

fn play(name: &str) -> Vec<Value> {
    command("play", [Value::text(name), Value::Number(-2000.0)])
}

fn media(kind: MessageKind, timestamp_ms: u32) -> Message {
    let mut body = Parts::default();
    body.push_bytes(Bytes::from_static(b"\x17\x01\0\0\0"));
    body.push_source(1000, 100);
    Message {
        kind,
        timestamp_ms,
        body,
        is_key: true,
    }
}

fn start(timestamp_ms: u32) -> Start {
    let metadata = written(&[Value::text("onMetaData"), Value::object([])]);
    Start {
        metadata: metadata.into(),
        headers: vec![media(MessageKind::Video, 0), media(MessageKind::Audio, 0)],
        timestamp_ms,
    }
}

const STARTED: [&str; 5] = [
    "onStatus status NetStream.Play.Start @1",
    "|RtmpSampleAccess   @1",
    "onMetaData   @1",
    "type 9 of 105 bytes",
    "type 8 of 105 bytes",
];

#[test]
fn commands_before_connect() {
    for values in [
        command("createStream", []),
        play(PLAY),
        command("seek", [Value::Number(1.0)]),
        command("publish", [Value::text("x")]),
    ] {
        assert_eq!(Viewer::new().say(0, &values), Err(Fault::OutOfTurn));
    }
}

#[test]
fn messages_that_are_no_commands() {
    let mut viewer = Viewer::connected();
    for body in [
        &[][..],
        &[2, 0, 1, b'x'],
        &[5],
        &[0, 1, 1, 1, 1, 1, 1, 1, 1],
    ] {
        assert_eq!(viewer.send(COMMAND, 0, body), Ok(None));
    }
    assert_eq!(viewer.send(COMMAND, 0, &[255]), Err(Fault::Amf));
    let mut viewer = Viewer::connected();
    assert_eq!(viewer.send(COMMAND_AMF3, 0, &[]), Ok(None));
    assert_eq!(
        viewer.send(USER_CONTROL, 0, &[0]),
        Err(Fault::ControlTooShort)
    );
    let mut viewer = Viewer::connected();
    let short = viewer.send(USER_CONTROL, 0, &[0, 3, 0, 0, 0, 1]);
    assert_eq!(short, Err(Fault::ControlTooShort));
    let mut viewer = Viewer::connected();
    let short = viewer.send(WINDOW_ACKNOWLEDGEMENT_SIZE, 0, &[0]);
    assert_eq!(short, Err(Fault::ControlTooShort));
    viewer.check_heard(&[]);
}

#[test]
fn other_applications_are_rejected() {
    for application in ["", "live", "cfx/live"] {
        let mut viewer = Viewer::new();
        assert_eq!(viewer.connect(application), Ok(None));
        viewer.check_heard(&["_error error NetConnection.Connect.InvalidApp @0"]);
        // Messages of a rejected viewer are ignored.
        assert_eq!(viewer.say(0, &play(PLAY)), Ok(None));
        assert_eq!(viewer.send(99, 0, &[255; 100]), Ok(None));
        viewer.check_heard(&[]);
        assert!(viewer.session.is_rejected());
    }
}

#[test]
fn hosts_without_a_distribution_are_rejected() {
    for refusal in [
        ConnectRefusal::DistributionNotFound,
        ConnectRefusal::DistributionTypeMismatch,
    ] {
        let mut viewer = Viewer::new();
        viewer.connect("cfx/st").unwrap();
        viewer.session.reject(refusal);
        viewer.check_heard(&["_error error NetConnection.Connect.Rejected @0"]);
        assert!(viewer.session.is_rejected());
    }
}

#[test]
fn nothing_is_taken_in_while_the_edge_decides() {
    let mut viewer = Viewer::new();
    viewer.connect("cfx/st").unwrap();
    assert_eq!(viewer.session.input(b"anything"), Ok((0, None)));
    // A reply without a request sends nothing.
    viewer.session.measured(Duration::ZERO);
    viewer.session.refuse(PlayRefusal::Denied);
    viewer.session.start(&start(0));
    viewer.session.resume();
    viewer.session.media(&media(MessageKind::Video, 0));
    viewer.session.finish();
    viewer.check_heard(&[]);
    assert_eq!(viewer.session.input(b"anything"), Ok((0, None)));
}

#[test]
fn a_viewer_connects() {
    let mut viewer = Viewer::new();
    let action = viewer.connect("cfx/st/").unwrap();
    let expected = Connect {
        application: "cfx/st/".to_owned(),
        tc_url: Some("rtmp://s1.example.net/cfx/st".to_owned()),
        flash_version: Some("LNX 9,0,124,2".to_owned()),
        ..Connect::default()
    };
    assert_eq!(action, Some(Action::Connect(expected)));
    viewer.session.accept();
    viewer.check_heard(&[
        "type 5 of 4 bytes",
        "type 6 of 5 bytes",
        "_result status NetConnection.Connect.Success @0",
    ]);
    viewer.connect("cfx/st").unwrap();
    viewer.check_heard(&["_error error NetConnection.Connect.Failed @0"]);
}

#[test]
fn streams_are_made_and_deleted() {
    let mut viewer = Viewer::connected();
    for id in 1..=16 {
        viewer.say(0, &command("createStream", [])).unwrap();
        viewer.check_heard(&[&format!("_result  {id} @0")]);
    }
    viewer.say(0, &command("createStream", [])).unwrap();
    viewer.check_heard(&["_error error NetConnection.Call.Failed @0"]);
    for id in [3.0, 0.0, -1.0, 17.0, 1e300, f64::NAN] {
        let delete = command("deleteStream", [Value::Number(id)]);
        assert_eq!(viewer.say(0, &delete), Ok(None));
    }
    viewer.say(0, &command("createStream", [])).unwrap();
    viewer.check_heard(&["_result  3 @0"]);
}

#[test]
fn a_video_is_measured() {
    let mut viewer = Viewer::connected();
    let question = command("getStreamLength", [Value::text(PLAY)]);
    let action = viewer.say(0, &question).unwrap();
    let name = StreamName::read("cfx/st", PLAY).unwrap();
    assert_eq!(action, Some(Action::Measure(Measure { name })));
    viewer.session.measured(Duration::from_millis(60_500));
    viewer.check_heard(&["_result  60.5 @0"]);
    viewer.say(0, &question).unwrap();
    viewer.session.refuse(PlayRefusal::Denied);
    viewer.check_heard(&["_error error NetStream.Play.Failed @0"]);
    let climbing = command("getStreamLength", [Value::text("mp4:../x")]);
    assert_eq!(viewer.say(0, &climbing), Ok(None));
    viewer.check_heard(&["_error error NetStream.Play.StreamNotFound @0"]);
}

#[test]
fn refused_plays() {
    for (refusal, codes) in [
        (PlayRefusal::Denied, &["Failed"][..]),
        (PlayRefusal::NotFound, &["StreamNotFound"]),
        (PlayRefusal::Unplayable, &["FileStructureInvalid", "Failed"]),
        (PlayRefusal::Unavailable, &["Failed"]),
    ] {
        let mut viewer = Viewer::connected();
        viewer.say(1, &play(PLAY)).unwrap();
        viewer.session.refuse(refusal);
        let told = codes
            .iter()
            .map(|code| format!("onStatus error NetStream.Play.{code} @1"));
        assert_eq!(viewer.heard(), told.collect::<Vec<_>>());
        // Nothing plays, so there is nothing to seek in.
        assert_eq!(
            viewer.say(1, &command("seek", [Value::Number(1.0)])),
            Ok(None)
        );
        viewer.check_heard(&[]);
    }
    let mut viewer = Viewer::connected();
    assert_eq!(viewer.say(1, &play("mp4:../x")), Ok(None));
    viewer.check_heard(&["onStatus error NetStream.Play.StreamNotFound @1"]);
}

#[test]
fn a_play_that_is_cut_off_is_over() {
    let mut viewer = Viewer::connected();
    viewer.session.cut_off();
    viewer.check_heard(&[]);
    viewer.say(1, &play(PLAY)).unwrap();
    viewer.session.start(&Start::default());
    viewer.heard();
    viewer.session.cut_off();
    let heard = viewer.heard();
    assert_eq!(heard[0], "onStatus error NetStream.Play.Failed @1");
    assert_eq!(
        viewer.say(1, &command("seek", [Value::Number(1.0)])),
        Ok(None)
    );
    viewer.check_heard(&[]);
    viewer.session.cut_off();
    viewer.check_heard(&[]);
}

fn check_play(arguments: &[Value], expected: (u64, Option<u64>)) {
    let mut values = command("play", [Value::text(PLAY)]);
    values.extend(arguments.iter().cloned());
    let action = Viewer::connected().say(1, &values).unwrap();
    let Some(Action::Play(request)) = action else {
        panic!("a play: {action:?}");
    };
    let (start, duration) = expected;
    assert_eq!(request.start, Duration::from_millis(start));
    assert_eq!(request.duration, duration.map(Duration::from_millis));
}

#[test]
fn times_are_milliseconds() {
    check_play(&[], (0, None));
    for start in [-2.0, -1.0, -2000.0, -1000.0, f64::NAN, f64::NEG_INFINITY] {
        check_play(&[Value::Number(start), Value::Number(start)], (0, None));
    }
    check_play(
        &[Value::Number(10_000.0), Value::Number(10_000.0)],
        (10_000, Some(10_000)),
    );
    check_play(&[Value::Number(1e300)], (u32::MAX.into(), None));
    check_play(&[Value::Null, Value::Boolean(true)], (0, None));
}

#[test]
fn a_video_plays_to_its_end() {
    let mut viewer = Viewer::connected();
    let action = viewer.say(1, &play(PLAY)).unwrap();
    let request = PlayRequest {
        name: StreamName::read("cfx/st", PLAY).unwrap(),
        start: Duration::ZERO,
        duration: None,
    };
    assert_eq!(action, Some(Action::Play(request)));
    viewer.session.start(&start(0));
    let reset = "onStatus status NetStream.Play.Reset @1";
    viewer.check_heard(&[&["event 4 of 1", "event 0 of 1", reset], &STARTED[..]].concat());
    viewer.session.media(&media(MessageKind::Video, 40));
    viewer.session.media(&media(MessageKind::Audio, 40));
    viewer.check_heard(&["type 9 of 105 bytes", "type 8 of 105 bytes"]);
    viewer.session.finish();
    viewer.check_heard(&[
        "onPlayStatus status NetStream.Play.Complete @1",
        "onStatus status NetStream.Play.Stop @1",
        "event 1 of 1",
    ]);
    // The viewer may still seek back.
    let action = viewer.say(1, &command("seek", [Value::Number(10.0)]));
    assert_eq!(action, Ok(Some(Action::Seek(Duration::from_millis(10)))));
}

#[test]
fn a_viewer_seeks() {
    let mut viewer = Viewer::playing();
    let action = viewer.say(1, &command("seek", [Value::Number(30_000.0)]));
    assert_eq!(action, Ok(Some(Action::Seek(Duration::from_secs(30)))));
    viewer.session.start(&start(28_000));
    let notify = "onStatus status NetStream.Seek.Notify @1";
    let begun = ["event 1 of 1", "event 4 of 1", "event 0 of 1", notify];
    viewer.check_heard(&[&begun, &STARTED[..]].concat());
    // A seek that is refused leaves the play as it was.
    viewer
        .say(1, &command("seek", [Value::Number(0.0)]))
        .unwrap();
    viewer.session.refuse(PlayRefusal::Denied);
    viewer.check_heard(&["onStatus error NetStream.Seek.Failed @1"]);
    viewer.session.media(&media(MessageKind::Video, 40_000));
    viewer.check_heard(&["type 9 of 105 bytes"]);
}

#[test]
fn a_viewer_pauses() {
    let mut viewer = Viewer::playing();
    let at = Value::Number(1500.0);
    for name in ["pause", "pauseRaw"] {
        let pause = command(name, [Value::Boolean(true), at.clone()]);
        let action = viewer.say(1, &pause);
        assert_eq!(action, Ok(Some(Action::Pause(Duration::from_millis(1500)))));
        viewer.check_heard(&["onStatus status NetStream.Pause.Notify @1"]);
        let unpause = command(name, [Value::Boolean(false), at.clone()]);
        let action = viewer.say(1, &unpause);
        assert_eq!(
            action,
            Ok(Some(Action::Resume(Duration::from_millis(1500))))
        );
        viewer.session.resume();
        viewer.check_heard(&["onStatus status NetStream.Unpause.Notify @1"]);
        viewer.say(1, &unpause).unwrap();
        viewer.session.refuse(PlayRefusal::Denied);
        viewer.check_heard(&["onStatus error NetStream.Play.Failed @1"]);
        viewer.say(1, &unpause).unwrap();
        viewer.session.start(&start(1000));
        let notify = "onStatus status NetStream.Unpause.Notify @1";
        let begun = ["event 4 of 1", "event 0 of 1", notify];
        viewer.check_heard(&[&begun, &STARTED[..]].concat());
    }
}

#[test]
fn a_play_is_stopped() {
    for stop in [
        command("closeStream", []),
        command("deleteStream", [Value::Number(1.0)]),
        command("play", [Value::Boolean(false)]),
    ] {
        let mut viewer = Viewer::playing();
        assert_eq!(viewer.say(1, &stop), Ok(Some(Action::Stop)));
        assert_eq!(viewer.say(1, &stop), Ok(None));
        viewer.session.media(&media(MessageKind::Video, 40));
        viewer.session.finish();
        viewer.check_heard(&[]);
    }
    let mut viewer = Viewer::playing();
    let other = command("deleteStream", [Value::Number(2.0)]);
    assert_eq!(viewer.say(1, &other), Ok(None));
}

/// Some players never create a stream, or name one that was never created.
#[test]
fn any_message_stream_plays() {
    for stream_id in [0, 1, 7] {
        let mut viewer = Viewer::connected();
        let action = viewer.say(stream_id, &play(PLAY)).unwrap();
        assert!(matches!(action, Some(Action::Play(_))));
        viewer.session.start(&start(0));
        let reset = format!("onStatus status NetStream.Play.Reset @{stream_id}");
        assert_eq!(viewer.heard()[2], reset);
    }
}

#[test]
fn one_video_at_a_time() {
    let mut viewer = Viewer::playing();
    viewer.say(2, &play(PLAY)).unwrap();
    viewer.session.media(&media(MessageKind::Video, 40));
    viewer.check_heard(&[]);
    viewer.session.refuse(PlayRefusal::NotFound);
    viewer.check_heard(&["onStatus error NetStream.Play.StreamNotFound @2"]);
    viewer.session.media(&media(MessageKind::Video, 40));
    viewer.check_heard(&[]);
}

#[test]
fn nothing_can_be_published() {
    let mut viewer = Viewer::connected();
    for name in ["releaseStream", "FCPublish"] {
        viewer.say(0, &command(name, [Value::text("x")])).unwrap();
        viewer.check_heard(&["_error error NetConnection.Call.Failed @0"]);
    }
    let publish = command("publish", [Value::text("x"), Value::text("live")]);
    assert_eq!(viewer.say(1, &publish), Ok(None));
    viewer.check_heard(&["onStatus error NetStream.Publish.Denied @1"]);
    for message_type in [8, 9, 18, 22] {
        assert_eq!(viewer.send(message_type, 1, &[1; 5000]), Ok(None));
    }
    viewer.check_heard(&[]);
}

#[test]
fn control_messages() {
    let mut viewer = Viewer::connected();
    let buffer = viewer.send(USER_CONTROL, 0, &[0, 3, 0, 0, 0, 1, 0, 0, 11, 184]);
    assert_eq!(buffer, Ok(Some(Action::Buffer(Duration::from_secs(3)))));
    let ping = viewer.send(USER_CONTROL, 0, &[0, 6, 0, 0, 0, 9]);
    assert_eq!(ping, Ok(None));
    viewer.check_heard(&["event 7 of 9"]);
    assert_eq!(viewer.send(USER_CONTROL, 0, &[0, 99]), Ok(None));
    viewer.session.ping(Duration::from_millis(77));
    viewer.check_heard(&["event 6 of 77"]);
}

#[test]
fn what_came_is_acknowledged() {
    let mut viewer = Viewer::connected();
    viewer
        .send(WINDOW_ACKNOWLEDGEMENT_SIZE, 0, &[0, 0, 16, 0])
        .unwrap();
    viewer.heard();
    viewer.send(99, 0, &[0; 5000]).unwrap();
    viewer.check_heard(&["type 3 of 4 bytes"]);
    viewer.send(99, 0, &[0; 50]).unwrap();
    viewer.check_heard(&[]);
}

#[test]
fn commands_in_the_envelope_of_amf3() {
    let mut viewer = Viewer::connected();
    let body = [&[0][..], &written(&play(PLAY))].concat();
    let action = viewer.send(COMMAND_AMF3, 1, &body).unwrap();
    assert!(matches!(action, Some(Action::Play(_))));
}
