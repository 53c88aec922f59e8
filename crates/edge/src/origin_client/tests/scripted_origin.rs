//! A server that reads requests and responds to each as its script says.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// The server's act once it has read a request's head.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    /// Sends these bytes and reads the next request.
    Send(&'static str),
    /// Reads a request body of this size and sends these bytes.
    SendAfterBody(usize, &'static str),
    /// Sends these bytes and then nothing, until the other side closes.
    SendAndHang(&'static str),
    /// Sends the texts one by one, this many seconds apart.
    SendSlowly(u64, &'static [&'static str]),
    /// Closes the connection.
    Close,
}

pub(super) const OK: Act = Act::Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");

pub(super) struct ScriptedOrigin {
    pub(super) port: u16,
    requests: Rc<RefCell<Vec<String>>>,
    connections: Rc<Cell<usize>>,
    closed_by_client: Rc<Cell<usize>>,
}

impl ScriptedOrigin {
    /// Starts a server with one script for each connection, in order. A connection ends after its last act; further
    /// ones end at once.
    pub(super) async fn start(scripts: &[&'static [Act]]) -> Self {
        Self::start_with(scripts, None).await
    }

    pub(super) async fn start_with(
        scripts: &[&'static [Act]],
        tls: Option<Arc<rustls::ServerConfig>>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = ScriptedOrigin {
            port: listener.local_addr().unwrap().port(),
            requests: Rc::default(),
            connections: Rc::default(),
            closed_by_client: Rc::default(),
        };
        let (requests, connections) = (Rc::clone(&origin.requests), Rc::clone(&origin.connections));
        let closed_by_client = Rc::clone(&origin.closed_by_client);
        let scripts: Vec<&'static [Act]> = scripts.to_vec();
        tokio::task::spawn_local(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let number = connections.replace(connections.get() + 1);
                let script = scripts.get(number).copied().unwrap_or(&[]);
                let requests = Rc::clone(&requests);
                let (tls, closed) = (tls.clone(), Rc::clone(&closed_by_client));
                tokio::task::spawn_local(async move {
                    match tls {
                        None => play(stream, script, &requests, &closed).await,
                        Some(config) => {
                            if let Ok(stream) = TlsAcceptor::from(config).accept(stream).await {
                                play(stream, script, &requests, &closed).await;
                            }
                        }
                    }
                });
            }
        });
        origin
    }

    /// Returns the heads that have been read, and the bodies that a script has asked for.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.borrow().clone()
    }

    /// Returns the number of connections that hung until they were closed.
    pub(super) fn closed_by_client(&self) -> usize {
        self.closed_by_client.get()
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.get()
    }
}

async fn play(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    script: &[Act],
    requests: &RefCell<Vec<String>>,
    closed_by_client: &Cell<usize>,
) {
    for act in script {
        let Some(mut request) = read_until(&mut stream, |text| text.ends_with(b"\r\n\r\n")).await
        else {
            return;
        };
        if let Act::SendAfterBody(size_bytes, _) = act {
            let body = read_until(&mut stream, |text| text.len() >= *size_bytes).await;
            request.extend(body.unwrap_or_default());
        }
        requests
            .borrow_mut()
            .push(String::from_utf8(request).unwrap());
        match act {
            Act::Send(text) | Act::SendAfterBody(_, text) => {
                let _ = stream.write_all(text.as_bytes()).await;
            }
            Act::SendAndHang(text) => {
                let _ = stream.write_all(text.as_bytes()).await;
                let _ = stream.read_to_end(&mut Vec::new()).await;
                closed_by_client.set(closed_by_client.get() + 1);
                return;
            }
            Act::SendSlowly(secs, texts) => {
                for text in *texts {
                    let _ = stream.write_all(text.as_bytes()).await;
                    tokio::time::sleep(Duration::from_secs(*secs)).await;
                }
            }
            Act::Close => return,
        }
    }
    let _ = stream.shutdown().await;
}

async fn read_until(
    stream: &mut (impl AsyncRead + Unpin),
    is_complete: impl Fn(&[u8]) -> bool,
) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    while !is_complete(&text) {
        text.push(stream.read_u8().await.ok()?);
    }
    Some(text)
}
