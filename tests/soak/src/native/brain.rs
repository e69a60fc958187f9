//! The bot: does what the person's words tell it, once for each message, in their order in each conversation.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::Said;
use super::talk::Wish;
use crate::bridge::NATIVE;
use crate::world::{World, pause};

/// How long it thinks when it is asked to.
const THINKS: Duration = Duration::from_millis(1_500);

/// Until it is aborted.
pub(crate) async fn think(world: Arc<World>, mut events: UnboundedReceiver<Value>) {
    let mut minds: HashMap<String, UnboundedSender<Value>> = HashMap::new();
    let mut all = tokio::task::JoinSet::new();
    while let Some(event) = events.recv().await {
        if event["type"] != "message.created" {
            continue;
        }
        let thread = event["data"]["conversation"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let mind = minds.entry(thread.clone()).or_insert_with(|| {
            let (mind, messages) = unbounded_channel();
            all.spawn(answer_all(Arc::clone(&world), thread, messages));
            mind
        });
        let _ = mind.send(event["data"]["message"].clone());
    }
}

async fn answer_all(world: Arc<World>, thread: String, mut messages: UnboundedReceiver<Value>) {
    let mut known = HashSet::new();
    let mind = Mind { world, thread };
    while let Some(message) = messages.recv().await {
        let id = message["id"].as_str().unwrap_or_default();
        if known.insert(id.to_owned()) {
            mind.answer(id, message["text"].as_str().unwrap_or_default())
                .await;
        }
    }
}

struct Mind {
    world: Arc<World>,
    thread: String,
}

impl Mind {
    async fn answer(&self, id: &str, text: &str) {
        let (whose, wish) = Wish::read(text);
        let host = self.world.native_bot.host();
        match wish {
            Wish::Answer => self.say(&format!("b-{whose}"), json!({})).await,
            Wish::Two => {
                self.say(&format!("b-{whose}-a"), json!({})).await;
                self.say(&format!("b-{whose}-b"), json!({})).await;
            }
            Wish::Buttons => {
                let items = json!([{"title": "My order", "payload": "order"}, {"title": "A human", "payload": "human"}]);
                let structured = json!({"type": "select", "items": items});
                self.say(&format!("b-{whose}"), json!({"structured": structured}))
                    .await;
            }
            Wish::File => {
                let name = format!("{}.txt", whose.replace(' ', "-"));
                let file = json!({"url": format!("http://{host}/{name}"), "filename": name, "content_type": "text/plain"});
                self.say(&format!("b-{whose}"), json!({"attachments": [file]}))
                    .await;
            }
            Wish::Slowly => {
                let body = json!({"state": "start"});
                self.insist(Method::POST, "/typing", &format!("t-{whose}"), &body)
                    .await;
                pause(THINKS).await;
                self.say(&format!("b-{whose}"), json!({})).await;
            }
            Wish::Nothing => {
                let body = json!({"message_id": id});
                self.insist(Method::POST, "/read", &format!("r-{whose}"), &body)
                    .await;
            }
            Wish::Human => {
                self.say(&format!("b-{whose}"), json!({})).await;
                let key = format!("h-{whose}");
                let body = json!({"id": key, "reason": "order", "summary": format!("Handover of {whose}")});
                self.insist(Method::POST, "/handover", &key, &body).await;
                self.say(&format!("b-{whose}-n"), json!({"notice": true})).await;
            }
            Wish::Silence => {}
        }
    }

    /// Says what its id says, and more.
    async fn say(&self, id: &str, more: Value) {
        let text = format!("says {id}.");
        let mut body = json!({"id": id, "from": "bot", "text": text});
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        if let Some(answer) = self.insist(Method::POST, "/messages", id, &body).await {
            self.world.check_voice(&self.thread, &answer);
            let said = Said {
                id: id.to_owned(),
                text,
                file: body["attachments"][0]["filename"].as_str().map(str::to_owned),
                handler: answer["handler"].as_str().unwrap_or_default().to_owned(),
                notice: body["notice"] == true,
            };
            self.world.natives.said(&self.thread, said);
        }
    }

    async fn insist(&self, method: Method, rest: &str, key: &str, body: &Value) -> Option<Value> {
        self.world
            .insist(NATIVE, &self.thread, method, rest, key, body)
            .await
    }
}
