//! Viewers that take nothing, and how long the edge puts up with them.

use crate::support::*;
use std::time::Duration;

/// No window, and a sign of life five times a second.
#[test]
fn an_http2_viewer_that_takes_nothing_is_let_go() {
    let edge = TestEdge::configured(&fixture_with_limits(r#"write_timeout = "1s""#));
    let url = format!("https://{HOST}/not-signed");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut builder = http2_builder();
        builder
            .initial_stream_window_size(0)
            .keep_alive_interval(Duration::from_millis(200));
        let (mut sender, connection) = connect_http2(edge.https(), &builder).await;
        let connection = tokio::spawn(connection);
        let request = http::Request::get(url).body(String::new()).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), 403);
        let ended = tokio::time::timeout(PATIENCE, connection).await;
        assert!(ended.is_ok(), "the connection is still there");
        drop(answer);
    });
}
