//! Channels that the platform owns: customers write to it, a bridge answers by REST.

mod bots;
mod cases;
mod customers;
mod faults;
mod files;
mod replies;
mod samples;
mod sources;
mod voices;

use serde_json::{Value, json};
use simulated_ringcx::{NativeKind, NativeMessage, NativeSource, SimulatedConfig};

use crate::World;

/// The usual channel.
pub(crate) const CHAT: &str = "5f0c00000000000000005001";

/// An account with this channel alone.
async fn world(kind: NativeKind) -> World {
    with(vec![NativeSource::new(CHAT, "Simulated chat", kind)], |_| {}).await
}

async fn whats_app(change: impl FnOnce(&mut SimulatedConfig)) -> World {
    with(
        vec![NativeSource::new(CHAT, "Simulated chat", NativeKind::WhatsApp)],
        change,
    )
    .await
}

async fn with(sources: Vec<NativeSource>, change: impl FnOnce(&mut SimulatedConfig)) -> World {
    World::with(|config| {
        *config = SimulatedConfig {
            speed: config.speed,
            ..SimulatedConfig::native(sources)
        };
        change(config);
    })
    .await
}

impl World {
    /// A customer's message.
    fn written(&self, message: NativeMessage) -> String {
        self.rce.customer_writes(message).expect("imported")
    }

    /// Posts JSON to `/contents`, as a bridge does.
    async fn post_content(&self, content: Value) -> (u16, Value) {
        self.try_content(content).await.expect("an answer")
    }

    async fn try_content(&self, content: Value) -> reqwest::Result<(u16, Value)> {
        let request = self
            .http
            .post(format!("{}/1.0/contents", self.rce.base_url()))
            .bearer_auth(&self.rce.config().api_token)
            .header("Content-Type", "application/json")
            .body(content.to_string());
        let response = request.send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    /// A reply that is accepted; its id.
    async fn answers(&self, content: &str, body: &str) -> String {
        let (status, answer) = self
            .post_content(json!({"in_reply_to_id": content, "body": body}))
            .await;
        assert_eq!(status, 200, "{answer}");
        text(&answer["id"])
    }

    async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.rest("GET", path, "").await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// A search of contents.
    async fn find(&self, query: &str) -> Vec<Value> {
        let query: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let found = self.get(&format!("/contents?q={query}")).await;
        found["records"].as_array().cloned().unwrap_or_default()
    }

    /// The events of this type that the bridge got.
    async fn told(&self, kind: &str) -> Vec<Value> {
        self.settle().await;
        let events = self.rce.read(|state| state.events().cloned().collect::<Vec<_>>());
        events.into_iter().filter(|event| event["type"] == kind).collect()
    }

    /// What the customer read.
    fn read_by_customer(&self, thread: &str) -> Vec<String> {
        let seen = self.rce.seen_by_customer(thread);
        seen.into_iter().map(|it| it.text.unwrap_or_default()).collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}
