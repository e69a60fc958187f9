//! A conversation as the bot API shows it.

use handover_core::Timestamp;
use handover_core::conversation::Conversation;
use handover_core::handover::Handover;
use handover_core::timeline::TimelineEntry;
use serde_json::{Map, Value, json};

/// RFC 3339 in UTC with milliseconds.
pub fn time(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// `{handler, handover}`.
pub fn conversation(conversation: &Conversation) -> Value {
    json!({
        "id": conversation.id,
        "handler": conversation.handler().as_str(),
        "handover": handover(conversation.handover.as_deref()),
    })
}

/// The current or last handover; `{"status": "none"}` before the first.
pub fn handover(handover: Option<&Handover>) -> Value {
    let Some(handover) = handover else {
        return json!({"status": "none"});
    };
    let mut view = Map::new();
    let mut put = |key: &str, value: Value| {
        view.insert(key.to_owned(), value);
    };
    put("id", json!(handover.id));
    put("epoch", json!(handover.epoch));
    put("status", json!(handover.status.as_str()));
    put("cause", json!(handover.cause.as_str()));
    if let Some(reason) = &handover.request.reason {
        put("reason", json!(reason));
    }
    if let (Some(update), false) = (&handover.queue, handover.status.is_over()) {
        let mut queue = Map::new();
        if let Some(position) = update.position {
            queue.insert("position".to_owned(), json!(position));
        }
        if let Some(wait) = update.estimated_wait_ms {
            queue.insert("estimated_wait_ms".to_owned(), json!(wait));
        }
        queue.insert("at".to_owned(), json!(time(update.at)));
        put("queue", Value::Object(queue));
    }
    if let Some(name) = handover.agent.as_ref().and_then(|agent| agent.name.as_ref()) {
        put("agent", json!({"name": name}));
    }
    put("requested_at", json!(time(handover.requested_at)));
    if let Some(at) = handover.accepted_at {
        put("accepted_at", json!(time(at)));
    }
    if let Some(at) = handover.ended_at {
        put("ended_at", json!(time(at)));
    }
    if let Some(outcome) = &handover.outcome {
        put("outcome", json!(outcome));
    }
    Value::Object(view)
}

/// One line of a timeline; `with_text` for readers who may see message text.
pub fn timeline_entry(entry: &TimelineEntry, with_text: bool) -> Value {
    let mut view = Map::new();
    view.insert("at".to_owned(), json!(time(entry.at)));
    view.insert("what".to_owned(), json!(entry.what));
    for (key, value) in &entry.detail {
        view.entry(key.clone()).or_insert_with(|| value.clone());
    }
    if let (true, Some(text)) = (with_text, &entry.text) {
        view.insert("text".to_owned(), json!(text));
    }
    Value::Object(view)
}
