//! Serves a folder of buckets with fixed keys, for a client that somebody wants to try: `serve FOLDER ADDRESS`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program to try clients with, which ends at the first fault"
)]

#[path = "../tests/it/server.rs"]
mod server;

use privet_bucket::Settings;
use std::path::PathBuf;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap());
    let address = arguments.next().unwrap();
    let settings = Settings {
        domain_suffix: Some("s3.localhost".to_owned()),
        ..Settings::default()
    };
    let endpoint = server::endpoint(&folder, settings, arguments.next().is_none());
    println!("{}", server::serve(endpoint, &address).await);
    println!("{:?} {:?}", server::ADMIN, server::READER);
    std::future::pending::<()>().await;
}
