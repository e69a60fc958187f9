//! The bot's side of the bridge's API: what a bot builder writes in their own language.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};

use super::config::Secrets;
use super::now_ms;

/// A client of the bot API for one connection.
pub(super) struct Bridge {
    http: reqwest::Client,
    /// `http://host:port/connection`
    base: String,
    bot_key: String,
    operator_key: String,
}

/// One request of the bot or one event for it, as the page shows them.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Exchange {
    /// Unix milliseconds.
    pub(super) at: i64,
    /// `call` or `event`, seen from the bot.
    pub(super) direction: &'static str,
    /// `POST /messages`, or the event's type.
    pub(super) what: String,
    /// Absent when there was no answer.
    pub(super) status: Option<u16>,
    pub(super) took_ms: f64,
    pub(super) sent: Value,
    pub(super) answer: Value,
}

impl Exchange {
    /// An event that the bot took.
    pub(super) fn event(what: String, event: Value) -> Self {
        Self {
            at: now_ms(),
            direction: "event",
            what,
            status: Some(204),
            took_ms: 0.0,
            sent: event,
            answer: Value::Null,
        }
    }

    /// The answer of a call that worked, or one sentence for the person at the screen.
    pub(super) fn outcome(&self) -> Result<&Value, String> {
        match self.status {
            Some(200..=299) => Ok(&self.answer),
            Some(status) => {
                let why = ["detail", "title"]
                    .iter()
                    .find_map(|key| self.answer[key].as_str());
                Err(format!(
                    "the bridge answered {status} to {}: {}",
                    self.what,
                    why.unwrap_or("no reason given")
                ))
            }
            None => Err(format!("the bridge did not answer {}", self.what)),
        }
    }
}

impl Bridge {
    pub(super) fn new(http: reqwest::Client, base: String, secrets: &Secrets) -> Self {
        Self {
            http,
            base,
            bot_key: secrets.bot_key.clone(),
            operator_key: secrets.operator_key.clone(),
        }
    }

    /// Tells the bridge a line of the customer. The answer's `handler` says who speaks next.
    pub(super) async fn customer_says(
        &self,
        conversation: &str,
        id: &str,
        text: &str,
        user: Value,
    ) -> Exchange {
        let body = json!({ "id": id, "from": "user", "text": text, "user": user });
        self.call(Method::POST, conversation, "/messages", body).await
    }

    /// Tells the bridge a line of the bot.
    pub(super) async fn bot_says(&self, conversation: &str, id: &str, text: &str) -> Exchange {
        let body = json!({ "id": id, "from": "bot", "text": text });
        self.post_message(conversation, body).await
    }

    /// Any message: with buttons, with files.
    pub(super) async fn post_message(&self, conversation: &str, message: Value) -> Exchange {
        self.call(Method::POST, conversation, "/messages", message).await
    }

    /// Asks for a human.
    pub(super) async fn request_handover(&self, conversation: &str, request: Value) -> Exchange {
        self.call(Method::POST, conversation, "/handover", request).await
    }

    /// Takes the request back, or ends the talk with the agent.
    pub(super) async fn end_handover(&self, conversation: &str) -> Exchange {
        let body = json!({ "cause": "user_cancelled" });
        self.call(Method::DELETE, conversation, "/handover", body).await
    }

    /// The customer is typing, or stopped.
    pub(super) async fn typing(&self, conversation: &str, state: &str, preview: Option<&str>) -> Exchange {
        let mut body = json!({ "state": state });
        if let Some(preview) = preview {
            body["preview"] = json!(preview);
        }
        self.call(Method::POST, conversation, "/typing", body).await
    }

    /// The customer saw an agent's message.
    pub(super) async fn read(&self, conversation: &str, message: &str) -> Exchange {
        self.call(
            Method::POST,
            conversation,
            "/read",
            json!({ "message_id": message }),
        )
        .await
    }

    /// Everything that happened to a conversation, as JSON text; empty for one that the bridge does not know.
    pub(super) async fn timeline(&self, conversation: &str) -> Result<String, reqwest::Error> {
        let url = format!("{}/conversations/{conversation}/timeline", self.base);
        let response = self.http.get(url).bearer_auth(&self.operator_key).send().await?;
        if response.status().is_success() {
            response.text().await
        } else {
            Ok(String::new())
        }
    }

    async fn call(&self, method: Method, conversation: &str, path: &str, sent: Value) -> Exchange {
        let at = now_ms();
        let started = Instant::now();
        let what = format!("{method} {path}");
        let request = self
            .http
            .request(
                method,
                format!("{}/conversations/{conversation}{path}", self.base),
            )
            .bearer_auth(&self.bot_key)
            .header("content-type", "application/json")
            .body(sent.to_string())
            .timeout(Duration::from_secs(10));
        let (status, answer) = match answer(request).await {
            Ok((status, answer)) => (Some(status), answer),
            Err(error) => (None, json!({ "detail": error.to_string() })),
        };
        Exchange {
            at,
            direction: "call",
            what,
            status,
            took_ms: started.elapsed().as_secs_f64() * 1000.0,
            sent,
            answer,
        }
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Result<(u16, Value), reqwest::Error> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let body = response.bytes().await?;
    Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}
