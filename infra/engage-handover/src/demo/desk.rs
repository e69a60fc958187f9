//! The agent's desk: everything is asked of the simulated RCE, so that the page has one origin.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::watch;

/// The way to the desk of the simulated RCE.
pub(super) struct Desk {
    http: reqwest::Client,
    /// `http://host:port/desk`
    base: String,
    state: watch::Sender<Value>,
}

impl Desk {
    pub(super) fn new(http: reqwest::Client, simulated: &str) -> Self {
        Self {
            http,
            base: format!("{}/desk", simulated.trim_end_matches('/')),
            state: watch::Sender::new(Value::Null),
        }
    }

    /// Follows what the desk shows; the current state counts as new.
    pub(super) fn subscribe(&self) -> watch::Receiver<Value> {
        let mut receiver = self.state.subscribe();
        receiver.mark_changed();
        receiver
    }

    /// Does something at the desk: `threads/{id}/take` and the like.
    pub(super) async fn act(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = self
            .http
            .post(format!("{}/{path}", self.base))
            .header("content-type", "application/json")
            .body(body.to_string())
            .timeout(Duration::from_secs(30));
        match answer(request).await {
            Ok(answer) => answer,
            Err(error) => {
                let why = format!("the simulated desk did not answer: {error}");
                (StatusCode::BAD_GATEWAY, json!({ "error": why }))
            }
        }
    }

    /// The thread that a content is in, as RCE knows it now.
    pub(super) async fn thread_of(&self, content: Option<&str>) -> Option<String> {
        self.refresh().await;
        let state = self.state.borrow();
        let mut threads = state["threads"].as_array()?.iter();
        let has = |thread: &&Value| {
            let contents = thread["contents"].as_array();
            contents.is_some_and(|contents| contents.iter().any(|it| it["id"].as_str() == content))
        };
        threads.find(has)?["thread_id"].as_str().map(str::to_owned)
    }

    /// Keeps the state fresh until it is dropped.
    pub(super) async fn follow(self: Arc<Self>) {
        loop {
            // The desk says that something changed, never what.
            if let Ok(mut changes) = self.http.get(format!("{}/events", self.base)).send().await {
                self.refresh().await;
                while let Ok(Some(_)) = changes.chunk().await {
                    self.refresh().await;
                }
            }
            super::pause(Duration::from_millis(200)).await;
        }
    }

    async fn refresh(&self) {
        let request = self
            .http
            .get(format!("{}/state", self.base))
            .timeout(Duration::from_secs(10));
        if let Ok((StatusCode::OK, state)) = answer(request).await {
            self.state.send_if_modified(|known| {
                let changed = *known != state;
                *known = state;
                changed
            });
        }
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Result<(StatusCode, Value), reqwest::Error> {
    let response = request.send().await?;
    let status = response.status();
    let body = response.bytes().await?;
    Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}
