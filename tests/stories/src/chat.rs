//! What the bot says to the bridge.

use bytes::Bytes;
use handover_handlers::routes;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::bench::CONNECTION;
use crate::setup::{BOT_KEY, OPERATOR_KEY};
use crate::{Bench, Reply};

/// How often somebody repeats a request that was not answered, before they give up.
const PATIENCE: usize = 5;

impl Bench {
    /// Any request at all, through the handlers.
    pub async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Reply {
        self.try_request(method, path, headers, body)
            .await
            .expect("the process lives")
    }

    /// Any request; `None` if the process died over it.
    pub async fn try_request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Option<Reply> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(all) = request.headers_mut() {
            *all = header_map(headers);
        }
        let request = request.body(body.into()).expect("a request");
        let answer = self
            .steps
            .unless_dead(Box::pin(routes::handle(&self.app, request)))
            .await?;
        Some(Reply::of(answer))
    }

    /// A call of the bot API with the bot's key.
    pub async fn call(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.call_as(BOT_KEY, method, path, body).await
    }

    pub async fn call_as(&self, key: &str, method: &str, path: &str, body: &Value) -> Reply {
        let authorization = format!("Bearer {key}");
        let headers = [("authorization", authorization.as_str())];
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.request(method, &format!("/{CONNECTION}{path}"), &headers, body)
            .await
    }

    /// The same call until it is answered with a 2xx, as a bot does whose connection breaks.
    pub async fn insist(&self, method: &str, path: &str, body: &Value) -> Reply {
        let authorization = format!("Bearer {BOT_KEY}");
        let headers = [("authorization", authorization.as_str())];
        for _ in 0..PATIENCE {
            let path = format!("/{CONNECTION}{path}");
            let reply = self.try_request(method, &path, &headers, body.to_string()).await;
            if let Some(reply) = reply.filter(|reply| (200..300).contains(&reply.status)) {
                return reply;
            }
        }
        panic!("{method} {path} is never accepted");
    }

    /// A message of the person, with an id of its own.
    pub async fn user_says(&self, conversation: &str, text: &str) -> Value {
        let id = format!("u-{}", self.next());
        self.message(conversation, json!({"id": id, "from": "user", "text": text}))
            .await
    }

    /// A message of the bot, with an id of its own.
    pub async fn bot_says(&self, conversation: &str, text: &str) -> Value {
        let id = format!("b-{}", self.next());
        self.message(conversation, json!({"id": id, "from": "bot", "text": text}))
            .await
    }

    pub async fn message(&self, conversation: &str, body: Value) -> Value {
        let path = format!("{}/messages", at(conversation));
        self.call("POST", &path, &body).await.expect(202)
    }

    /// The bot asks for a human.
    pub async fn asks_for_agent(&self, conversation: &str, body: Value) -> Value {
        let path = format!("{}/handover", at(conversation));
        self.call("POST", &path, &body).await.expect(202)["handover"].clone()
    }

    /// The person or the bot ends it.
    pub async fn ends_handover(&self, conversation: &str, body: Value) -> Value {
        let path = format!("{}/handover", at(conversation));
        self.call("DELETE", &path, &body).await.expect(202)
    }

    /// The conversation as the bot sees it.
    pub async fn looks_at(&self, conversation: &str) -> Value {
        self.call("GET", &at(conversation), &Value::Null)
            .await
            .expect(200)
    }

    /// The status of the current or last handover.
    pub async fn status(&self, conversation: &str) -> String {
        let seen = self.looks_at(conversation).await;
        seen["handover"]["status"].as_str().unwrap_or_default().to_owned()
    }

    /// Who answers the person.
    pub async fn handler(&self, conversation: &str) -> String {
        let seen = self.looks_at(conversation).await;
        seen["handler"].as_str().unwrap_or_default().to_owned()
    }

    /// The timeline as an operator sees it.
    pub async fn timeline(&self, conversation: &str) -> Vec<Value> {
        let path = format!("{}/timeline", at(conversation));
        let seen = self
            .call_as(OPERATOR_KEY, "GET", &path, &Value::Null)
            .await
            .expect(200);
        seen["entries"].as_array().cloned().unwrap_or_default()
    }

    /// What the timeline tells, without particulars.
    pub async fn what_happened(&self, conversation: &str) -> Vec<String> {
        let entries = self.timeline(conversation).await;
        let what = |entry: &Value| entry["what"].as_str().unwrap_or_default().to_owned();
        entries.iter().map(what).collect()
    }
}

/// The path of a conversation.
pub fn at(conversation: &str) -> String {
    format!(
        "/conversations/{}",
        utf8_percent_encode(conversation, NON_ALPHANUMERIC)
    )
}

fn header_map(headers: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        let name: HeaderName = name.parse().expect("a header's name");
        (
            name,
            HeaderValue::from_bytes(value.as_bytes()).expect("a header's value"),
        )
    };
    headers.iter().map(pair).collect()
}
