//! What the platform asks of the bridge's Source SDK endpoint. Every request is signed over its exact bytes, and the
//! signature of every answer is checked the same way.

use std::sync::Arc;
use std::time::Instant;

use axum::http::HeaderMap;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::error::SendError;
use crate::hub::Hub;
use crate::log::{Delivery, DeliveryKind};
use crate::model::{Content, SyncStatus};
use crate::native;
use crate::signature::{SIGNATURE_HEADER, is_signed, sign};
use crate::state::State;
use crate::time::{now, seconds};

/// The bridge's answer to a Source SDK request.
#[derive(Clone, Debug)]
pub struct BridgeAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The exact body.
    pub body: Bytes,
    /// Whether the answer carries the right signature over that body.
    pub signed: bool,
}

impl BridgeAnswer {
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Hub {
    /// Sends one action with the envelope and signature of the platform.
    pub(crate) async fn send_action(
        self: &Arc<Self>,
        action: &str,
        params: Option<Value>,
    ) -> Result<BridgeAnswer, SendError> {
        let mut envelope = json!({"action": action, "time": seconds(self.read(State::now))});
        if let Some(params) = params {
            envelope["params"] = params;
        }
        self.send_envelope(&envelope).await
    }

    pub(crate) async fn send_envelope(self: &Arc<Self>, envelope: &Value) -> Result<BridgeAnswer, SendError> {
        let body = Bytes::from(envelope.to_string());
        let token = self.source_token();
        let signature = sign(&token, &body);
        self.send(body, Some(&signature), &token).await
    }

    /// Sends any bytes with any signature, and checks and logs the answer.
    pub(crate) async fn send_signed(
        self: &Arc<Self>,
        body: Bytes,
        signature: Option<&str>,
    ) -> Result<BridgeAnswer, SendError> {
        self.send(body, signature, &self.source_token()).await
    }

    /// The answer is to be signed with the token that the request was sent with, even if it is changed meanwhile.
    async fn send(
        self: &Arc<Self>,
        body: Bytes,
        signature: Option<&str>,
        token: &str,
    ) -> Result<BridgeAnswer, SendError> {
        let url = self
            .read(|state| state.base_uri.clone())
            .ok_or(SendError::NoBridge)?;
        let to = url.clone();
        let request = match signature {
            Some(signature) if self.config.signature_in_query => self
                .client
                .post(Self::with_query(&url, &[("signature", signature)])),
            Some(signature) => self.client.post(url).header(SIGNATURE_HEADER, signature),
            None => self.client.post(url),
        };
        let request = request
            .header("Content-Type", "application/json")
            .body(body.clone());
        let sent = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let what = sent["action"].as_str().unwrap_or("?").to_owned();
        let (at, clock) = (now(), Instant::now());
        let answer = self.receive(request, token).await;
        self.change(|state| {
            state.delivery_log.push(Delivery {
                url: to,
                kind: DeliveryKind::SourceSdk,
                what: what.clone(),
                body: sent,
                status: answer.as_ref().ok().map(|answer| answer.status),
                answer: answer.as_ref().map_or_else(ToString::to_string, |answer| {
                    String::from_utf8_lossy(&answer.body).into_owned()
                }),
                at,
                took: clock.elapsed(),
            });
            if answer.as_ref().is_ok_and(|answer| !answer.signed) {
                state.violate(
                    "answer-signature",
                    format!("the answer to {what} is not signed over its bytes"),
                );
            }
        });
        answer
    }

    fn source_token(&self) -> String {
        self.read(|state| state.source_token.clone())
    }

    async fn receive(
        &self,
        request: reqwest::RequestBuilder,
        token: &str,
    ) -> Result<BridgeAnswer, SendError> {
        let failed = |error: reqwest::Error| SendError::Transport(format!("{:?}", error.without_url()));
        let response = request.send().await.map_err(failed)?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = response.bytes().await.map_err(failed)?;
        let signature = headers
            .get(SIGNATURE_HEADER)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let signed = is_signed(token, &body, signature);
        Ok(BridgeAnswer {
            status,
            headers,
            body,
            signed,
        })
    }

    /// Asks what the bridge can do, as saving the channel in the console does.
    pub(crate) async fn ask_capabilities(self: &Arc<Self>) -> bool {
        let answer = self.send_action("implementation.info", None).await;
        let info = answer
            .ok()
            .filter(BridgeAnswer::is_success)
            .map(|answer| answer.json());
        let info = info.filter(|info| info["objects"].is_object());
        let known = info.is_some();
        self.change(|state| {
            let failure = "no usable answer to implementation.info";
            let id = state.config.source_id.clone();
            if let Ok(source) = state.console.source_mut(&id) {
                source.error_message = (!known).then(|| failure.to_owned());
            }
            match info {
                Some(info) => state.capabilities = Some(info),
                None => state.violate("implementation-info", failure),
            }
        });
        known
    }
}

/// Delivers the waiting messages of one thread, one after another. Later attempts go their own way.
pub(crate) async fn export_thread(hub: Arc<Hub>, thread: String) {
    loop {
        let next = hub.change(|state| {
            let next = state
                .exports
                .get_mut(&thread)
                .and_then(std::collections::VecDeque::pop_front);
            if next.is_none() {
                state.exports.remove(&thread);
                state.exporting.remove(&thread);
            }
            next
        });
        let Some(content) = next else { return };
        if hub.read(|state| state.native_of(&thread).is_some()) {
            native::deliver(&hub, &content).await;
        } else if !attempt(&hub, &content).await {
            hub.change(|state| state.exports_in_flight += 1);
            tokio::spawn(retry(Arc::clone(&hub), content));
        }
    }
}

async fn retry(hub: Arc<Hub>, content: String) {
    while hub.pause(hub.config.scaled(hub.config.create_retry_delay)).await {
        if attempt(&hub, &content).await {
            break;
        }
    }
    hub.change(|state| state.exports_in_flight -= 1);
}

/// One attempt; tells whether the matter is settled.
async fn attempt(hub: &Arc<Hub>, content_id: &str) -> bool {
    let prepared = hub.change(|state| {
        let params = state
            .contents
            .get(content_id)
            .map(|content| create_params(state, content))?;
        let content = state.contents.get_mut(content_id)?;
        content.attempts += 1;
        Some((params, content.attempts))
    });
    let Some((params, attempts)) = prepared else {
        return true;
    };
    let outcome = match hub.send_action("messages.create", Some(params)).await {
        Ok(answer) => judge(&answer),
        Err(error) => Outcome::Failed(error.to_string()),
    };
    hub.change(|state| match outcome {
        Outcome::Stored(id) => {
            state.check_returned_id(content_id, &id);
            state.finish_export(content_id, id);
            true
        }
        Outcome::Refused(reason) => {
            state.fail_export(content_id, SyncStatus::ExportFailure, reason);
            true
        }
        Outcome::Failed(reason) if attempts >= state.config.create_attempts => {
            state.fail_export(content_id, SyncStatus::ExportFailure, reason);
            true
        }
        Outcome::Failed(_) => false,
    })
}

enum Outcome {
    Stored(String),
    Refused(String),
    Failed(String),
}

/// 2xx with an id is success, `error.fatal` ends the attempts, everything else is tried again.
fn judge(answer: &BridgeAnswer) -> Outcome {
    if !answer.is_success() {
        return Outcome::Failed(format!("status {}", answer.status));
    }
    let json = answer.json();
    if let Some(error) = json.get("error").and_then(Value::as_object) {
        let message = error
            .get("message")
            .and_then(Value::as_str)
            .unwrap_or("refused")
            .to_owned();
        let fatal = error.get("fatal").and_then(Value::as_bool).unwrap_or(false);
        return if fatal {
            Outcome::Refused(message)
        } else {
            Outcome::Failed(message)
        };
    }
    match json["id"].as_str() {
        Some(id) if !id.is_empty() => Outcome::Stored(id.to_owned()),
        _ => Outcome::Failed("the answer has no id".to_owned()),
    }
}

impl State {
    /// The id of an agent's message must be new, and the same on every attempt.
    fn check_returned_id(&mut self, content_id: &str, id: &str) {
        let other = self
            .content_by_foreign
            .get(id)
            .filter(|known| *known != content_id);
        let before = self
            .contents
            .get(content_id)
            .and_then(|content| content.foreign_id.clone());
        if other.is_some() {
            self.violate(
                "answer-id",
                format!("content {content_id} got {id}, the id of another message"),
            );
        } else if before.as_deref().is_some_and(|before| before != id) {
            self.violate(
                "answer-id",
                format!("content {content_id} got {id} after another id"),
            );
        }
        self.check_id("message", id);
    }
}

/// The params of `messages.create`, as the platform sends an agent's reply.
fn create_params(state: &State, content: &Content) -> Value {
    let foreign = |id: &str| {
        state
            .contents
            .get(id)
            .and_then(|content| content.foreign_id.clone())
    };
    let author = state
        .identities
        .get(&content.author_id)
        .map(|identity| &identity.foreign_id);
    let mut params = Map::new();
    params.insert("author_id".into(), json!(author));
    params.insert("body".into(), json!(content.body));
    params.insert("content_id".into(), json!(content.id));
    params.insert("created_at".into(), json!(seconds(content.created_at)));
    params.insert("format".into(), json!(content.format));
    params.insert("retry".into(), json!(content.attempts > 0));
    params.insert("sender_name".into(), json!(content.author_name));
    params.insert(
        "thread_id".into(),
        json!(
            state
                .threads
                .get(&content.thread_id)
                .map(|thread| &thread.foreign_id)
        ),
    );
    params.insert("title".into(), Value::Null);
    params.insert("updated_at".into(), json!(seconds(content.created_at)));
    if let Some(answered) = content.in_reply_to_id.as_deref().and_then(foreign) {
        params.insert("in_reply_to_id".into(), json!(answered));
    }
    if !content.attachments.is_empty() {
        params.insert("attachments".into(), json!(content.attachments));
    }
    if let Some(structured) = &content.structured_content {
        params.insert("structured_content".into(), structured.clone());
    }
    Value::Object(params)
}
