use super::*;

fn record(event: StreamEvent) -> StreamLogRecord<'static> {
    StreamLogRecord {
        at: Timestamp::from_secs(1_268_346_127),
        edge_location: "SEA4",
        client: IpAddr::from([192, 0, 2, 147]),
        event,
        sc_bytes: 2014,
        client_id: "bfd8a98bee0840d9b871b7f6ade9908f",
        uri_stem: "rtmp://s.example.com/cfx/st/",
        uri_query: None,
        referrer: Some("http://player.example.com/player.swf"),
        page_url: Some("http://www.example.com/player.html?id=5"),
        user_agent: Some("WIN 10,0,32,18"),
        stream: None,
    }
}

fn stream<'a>(name: &'a str, query: Option<&'a str>) -> Option<LoggedStream<'a>> {
    Some(LoggedStream {
        name,
        query,
        extension: "mp4",
        id: 1,
    })
}

#[track_caller]
fn check(record: &StreamLogRecord<'_>, expected: &str) {
    let mut line = Vec::new();
    record.write_line(&mut line);
    assert_eq!(String::from_utf8_lossy(&line), format!("{expected}\n"));
}

#[test]
fn secrets_and_odd_characters_stay_out() {
    let odd = StreamLogRecord {
        uri_stem: "rtmp://h/cfx/st/mp4:a%3FPolicy%3De30_%26Signature%3D@",
        uri_query: Some("Policy=e30_&Signature=@"),
        referrer: Some("http://h/?Policy=e30_&Signature=@"),
        page_url: Some(""),
        user_agent: Some("a\tb\nc"),
        stream: stream(
            "a\tb?Signature=AAEC",
            Some("Expires=5&Signature=@&Key-Pair-Id=K"),
        ),
        ..record(StreamEvent::Play)
    };
    check(
        &odd,
        "2010-03-11\t22:22:07\tSEA4\t192.0.2.147\tplay\t2014\tOK\tbfd8a98bee0840d9b871b7f6ade9908f\t\
         rtmp://h/cfx/st/mp4:a%253FPolicy%253Dredacted%2526Signature%253D@\t\
         Policy=redacted&Signature=redacted\thttp://h/?Policy=redacted&Signature=redacted\t-\ta%09b%0Ac\t\
         a%09b?Signature=redacted\tExpires=5&Signature=redacted&Key-Pair-Id=K\tmp4\t1",
    );
}

#[test]
fn a_connection_has_no_stream() {
    check(
        &record(StreamEvent::Connect),
        "2010-03-11\t22:22:07\tSEA4\t192.0.2.147\tconnect\t2014\tOK\tbfd8a98bee0840d9b871b7f6ade9908f\t\
         rtmp://s.example.com/cfx/st/\t-\thttp://player.example.com/player.swf\t\
         http://www.example.com/player.html?id=5\tWIN%2010,0,32,18\t-\t-\t-\t-",
    );
}

#[test]
fn every_event_has_a_line_as_long_as_the_header() {
    let fields = stream_log_header()
        .lines()
        .last()
        .map(|line| line.split(' ').count() - 1);
    for event in [
        StreamEvent::Connect,
        StreamEvent::Disconnect,
        StreamEvent::Play,
        StreamEvent::Stop,
        StreamEvent::Pause,
        StreamEvent::Unpause,
        StreamEvent::Seek,
    ] {
        let mut line = Vec::new();
        let record = StreamLogRecord {
            stream: stream("video/talk", None),
            ..record(event)
        };
        record.write_line(&mut line);
        let line = String::from_utf8_lossy(&line).into_owned();
        assert_eq!(Some(line.split('\t').count()), fields, "{line}");
        assert!(line.contains(&format!("\t{}\t", event.as_str())), "{line}");
    }
}

#[test]
fn the_header_names_the_fields() {
    let expected = "#Version: 1.0\n\
         #Fields: date time x-edge-location c-ip x-event sc-bytes x-cf-status x-cf-client-id cs-uri-stem cs-uri-query \
         c-referrer x-page-url c-user-agent x-sname x-sname-query x-file-ext x-sid\n";
    assert_eq!(stream_log_header(), expected);
}

#[test]
fn the_live_form_tells_the_refusal() {
    let record = StreamLogRecord {
        stream: stream("video/talk", Some("Signature=@")),
        ..record(StreamEvent::Play)
    };
    let mut json = Vec::new();
    let own = OwnFields {
        refusal: Some("expired"),
        grant: None,
    };
    record.write_json(&own, &mut json);
    let json = String::from_utf8_lossy(&json).into_owned();
    let end = r#""x-sname":"video/talk","x-sname-query":"Signature=redacted","x-file-ext":"mp4","x-sid":"1","x-privet-refusal":"expired","x-privet-grant":"-"}"#;
    assert!(json.ends_with(&format!("{end}\n")), "{json}");
}
