//! `/ws`: what arrives, as LLMFlow tells it. Nothing that a client says is listened to.

use std::pin::pin;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use fanlight_store::LiveUpdate;
use futures::stream::{StreamExt, unfold};
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::row;
use crate::router::App;

/// How often an idle connection is asked whether it is still there.
const PING: Duration = Duration::from_secs(30);

/// The most that a client may say at once.
const MAX_MESSAGE: usize = 64 << 10;

/// Begins a WebSocket.
pub(super) async fn open(State(app): State<App>, upgrade: WebSocketUpgrade) -> Response {
    upgrade
        .max_message_size(MAX_MESSAGE)
        .on_upgrade(|socket| async move { talk(app, socket).await })
}

/// Talks until the client or the hub goes.
async fn talk(app: App, mut socket: WebSocket) {
    // A stream goes on where it was when it is asked again; asking the listener itself might lose an update.
    let live = unfold(app.store.live(), |mut live| async move {
        let update = live.next().await.ok().flatten()?;
        Some((update, live))
    });
    let mut live = pin!(live);
    let mut ping = interval_at(Instant::now() + PING, PING);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let hello = json!({ "type": "hello", "version": env!("CARGO_PKG_VERSION") });
    if say(&mut socket, &hello).await.is_err() {
        return;
    }
    let closing = app.closing;
    loop {
        let messages: Vec<Value> = tokio::select! {
            () = closing.clone() => break,
            heard = socket.recv() => match heard {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => continue,
            },
            _ = ping.tick() => {
                if socket.send(Message::Ping(Vec::new().into())).await.is_err() {
                    return;
                }
                continue;
            }
            update = live.next() => match update {
                // Oldest first, as they happened.
                Some(LiveUpdate::LlmCalls(calls)) => calls.iter().rev()
                    .map(|call| json!({ "type": "new_span", "payload": row(call) }))
                    .collect(),
                Some(_) => continue,
                None => break,
            },
        };
        for message in &messages {
            if say(&mut socket, message).await.is_err() {
                return;
            }
        }
    }
    // The client may have gone.
    let _ = socket.send(Message::Close(None)).await;
}

async fn say(socket: &mut WebSocket, message: &Value) -> Result<(), axum::Error> {
    socket.send(Message::Text(message.to_string().into())).await
}
