//! Scripted origins on loopback, and the client's dealings with them.

mod bodies;
mod connections;
mod failing;
mod groups;
mod keys;
mod privacy;
mod refusals;
mod scripted_origin;
mod signatures;
mod viewer_bodies;

use super::{
    OriginCall, OriginClient, OriginClientShared, OriginFault, OriginRequestBody, OriginResponse,
};
use http::{HeaderMap, Method};
use privet_distribution::config::{
    HttpOrigin, Origin, OriginPatience, OriginProtocolPolicy, OriginSource, PathReading,
};
use privet_sign::Scheme;
use std::rc::Rc;
use std::sync::Arc;
use tokio::task::LocalSet;

/// Runs a test as a worker runs its connections.
fn run(test: impl Future<Output = ()>) {
    run_on(false, test);
}

/// The same with paused time: timeouts pass as soon as nothing else happens.
fn run_paused(test: impl Future<Output = ()>) {
    run_on(true, test);
}

fn run_on(start_paused: bool, test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(start_paused)
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, test);
}

fn client() -> Rc<OriginClient> {
    OriginClient::new(Arc::new(OriginClientShared::default()))
}

fn http_origin(port: u16) -> Origin {
    Origin {
        index: 0,
        id: "scripted".into(),
        source: OriginSource::Http(HttpOrigin {
            host: "127.0.0.1".into(),
            http_port: port,
            https_port: port,
            protocol: OriginProtocolPolicy::MatchViewer,
        }),
        origin_path: String::new(),
        paths: PathReading::Canonical,
        are_paths_stated: false,
        custom_headers: Vec::new(),
        patience: OriginPatience::default(),
    }
}

fn call(method: Method, target: &str) -> OriginCall {
    OriginCall {
        method,
        target: target.into(),
        headers: HeaderMap::new(),
        body: OriginRequestBody::Empty,
        viewer_scheme: Scheme::Http,
        viewer: None,
    }
}

fn get(target: &str) -> OriginCall {
    call(Method::GET, target)
}

async fn read(mut response: OriginResponse) -> Result<String, OriginFault> {
    let mut text = Vec::new();
    while let Some(bytes) = response.body.next().await {
        text.extend_from_slice(&bytes?);
    }
    Ok(String::from_utf8(text).unwrap())
}
