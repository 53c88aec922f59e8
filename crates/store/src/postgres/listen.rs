//! The connection that listens for changes, and asks again by itself: a notice is lost with a broken connection, and
//! poolers that share connections between transactions break `LISTEN`.

use std::future::poll_fn;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};
use tokio_postgres::{AsyncMessage, Client};

use super::connect::{Connector, Driven};
use super::{connect, failure};
use crate::StoreError;
use crate::engine::tell;

/// Longest time between two questions for the last change.
const ASK_INTERVAL: Duration = Duration::from_secs(2);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Tells `changes` of each last change, reconnecting when it has to, until the other end of `stop` is gone.
pub(crate) fn listen(
    connector: &Connector,
    changes: &watch::Sender<u64>,
    stop: oneshot::Receiver<()>,
) {
    // Without a runtime nothing can be listened to; the threads that read and write could not be started either.
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
        return;
    };
    runtime.block_on(async {
        tokio::select! {
            _ = stop => {}
            () = listen_again(connector, changes) => {}
        }
    });
}

async fn listen_again(connector: &Connector, changes: &watch::Sender<u64>) {
    let mut pause = PAUSE_MIN;
    loop {
        if let Ok((client, connection)) = connector.connect().await {
            pause = PAUSE_MIN;
            let (notices, noticed) = mpsc::channel(1);
            // Either ends when the connection is lost or does not answer.
            tokio::select! {
                () = drive(connection, &notices) => {}
                _ = ask(&client, noticed, changes) => {}
            }
        }
        sleep(pause).await;
        pause = PAUSE_MAX.min(pause * 2);
    }
}

/// Drives the connection, and says when a notice has come; one that waits stands for all.
async fn drive(mut connection: Driven, notices: &mpsc::Sender<()>) {
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notification(_) = message {
            let _ = notices.try_send(());
        }
    }
}

async fn ask(
    client: &Client,
    mut noticed: mpsc::Receiver<()>,
    changes: &watch::Sender<u64>,
) -> Result<(), StoreError> {
    connect::set_up(client).await?;
    let listening = client.batch_execute("LISTEN privet_changes").await;
    listening.map_err(|error| failure(&error))?;
    loop {
        let sql = "SELECT COALESCE(MAX(seq), 0) FROM changes";
        let answer = timeout(ANSWER_TIMEOUT, client.query_one(sql, &[])).await;
        let row = answer.map_err(|_| StoreError::Busy)?;
        let change: i64 = row.map_err(|error| failure(&error))?.get(0);
        tell(changes, u64::try_from(change).unwrap_or(0));
        // Both a notice and the end of the wait are reasons to ask.
        let _ = timeout(ASK_INTERVAL, noticed.recv()).await;
    }
}
