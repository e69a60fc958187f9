//! The JSON body of an event: `{type, timestamp, data}`.

use handover_core::Timestamp;
use handover_core::aftermath::Survey;
use handover_core::event::BotEvent;
use handover_core::handover::Agent;
use handover_core::message::{AgentMessage, ChannelFacts, CustomerWords};
use handover_core::ports::Delivery;
use handover_core::settings::Connection;
use serde_json::{Map, Value, json};

/// RFC 3339 in UTC with milliseconds, as in every time that we send to bots.
pub fn time(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Renders one event. Serialised once: the bytes that are signed are the bytes that are sent.
pub fn render(connection: &Connection, delivery: &Delivery) -> Vec<u8> {
    let mut data = Map::new();
    data.insert("connection".into(), json!(connection.id));
    data.insert("conversation".into(), json!(delivery.conversation));
    data.insert("epoch".into(), json!(delivery.epoch));
    if let Some(seq) = delivery.seq {
        data.insert("seq".into(), json!(seq));
    }
    if let Some(thread) = &delivery.rce_thread {
        data.insert("rce".into(), json!({"thread_id": thread}));
    }
    members(&mut data, connection, &delivery.event);
    let body = json!({"type": delivery.event.name(), "timestamp": time(delivery.at), "data": data});
    body.to_string().into_bytes()
}

fn members(data: &mut Map<String, Value>, connection: &Connection, event: &BotEvent) {
    let mut put = |key: &str, value: Value| {
        data.insert(key.to_owned(), value);
    };
    let dialogs = &connection.dialogs;
    match event {
        BotEvent::HandoverQueued { update } => {
            if let Some(position) = update.position {
                put("position", json!(position));
            }
            if let Some(wait) = update.estimated_wait_ms {
                put("estimated_wait_ms", json!(wait));
            }
        }
        BotEvent::HandoverActive { cause, agent: who } => {
            put("cause", json!(cause.as_str()));
            put("agent", agent(who.as_ref()));
            if let Some(dialog) = &dialogs.opened {
                put("dialog", json!(dialog));
            }
        }
        BotEvent::AgentChanged { agent: who } => put("agent", agent(Some(who))),
        BotEvent::MessageCreated { message: written } => put("message", message(written)),
        BotEvent::CustomerWrote { message: words } | BotEvent::CustomerEdited { message: words } => {
            put("message", customer_words(words));
            put("user", json!(words.user));
            put("channel", channel(&words.channel));
        }
        BotEvent::CustomerTookBack { message } => put("message", json!({"id": message, "from": "user"})),
        BotEvent::MessageFailed { message, reason } => {
            put("message", json!({"id": message}));
            put("reason", json!(reason));
        }
        BotEvent::HandoverAccepted | BotEvent::TypingStarted | BotEvent::TypingStopped => {}
        BotEvent::HandoverCompleted {
            cause,
            queued_ms,
            active_ms,
            summary,
            tags,
            rating,
        } => {
            put("cause", json!(cause.as_str()));
            put("durations_ms", durations(*queued_ms, *active_ms));
            if let Some(summary) = summary {
                put("summary", json!(summary));
            }
            if !tags.is_empty() {
                put("tags", json!(tags));
            }
            if let Some(rating) = rating {
                put("rating", json!(rating));
            }
        }
        BotEvent::HandoverDeferred { agent: who } => put("agent", agent(who.as_ref())),
        BotEvent::HandoverSummarised { summary } => put("summary", json!(summary)),
        BotEvent::SurveyImported { survey: answered } => put("survey", survey(answered)),
        BotEvent::HandoverTimedOut {
            timer,
            queued_ms,
            active_ms,
        } => {
            put("cause", json!(timer.as_str()));
            put("durations_ms", durations(*queued_ms, *active_ms));
        }
        BotEvent::HandoverTimingOut { timer, ends_at } => {
            put("cause", json!(timer.as_str()));
            put("ends_at", json!(time(*ends_at)));
        }
        BotEvent::HandoverBegun { cause } | BotEvent::HandoverCancelled { cause } => {
            put("cause", json!(cause.as_str()));
        }
        BotEvent::HandoverFailed { reason } => put("reason", json!(reason)),
    }
    if let (true, Some(dialog)) = (event.is_end(), &dialogs.closed) {
        put("dialog", json!(dialog));
    }
}

fn durations(queued_ms: u64, active_ms: u64) -> Value {
    json!({"queued": queued_ms, "active": active_ms})
}

fn agent(agent: Option<&Agent>) -> Value {
    let mut value = Map::new();
    if let Some(name) = agent.and_then(|a| a.name.as_ref()) {
        value.insert("name".into(), json!(name));
    }
    if let Some(id) = agent.and_then(|a| a.id.as_ref()) {
        value.insert("id".into(), json!(id));
    }
    Value::Object(value)
}

fn survey(answered: &Survey) -> Value {
    let mut value = Map::new();
    if let Some(id) = &answered.id {
        value.insert("id".into(), json!(id));
    }
    if let Some(rating) = &answered.rating {
        value.insert("rating".into(), json!(rating));
    }
    if let Some(score) = &answered.score {
        value.insert("score".into(), json!(score));
    }
    if !answered.answers.is_empty() {
        value.insert("answers".into(), json!(answered.answers));
    }
    if let Some(comment) = &answered.comment {
        value.insert("comment".into(), json!(comment));
    }
    value.insert("at".into(), json!(time(answered.at)));
    Value::Object(value)
}

fn customer_words(words: &CustomerWords) -> Value {
    let mut value = json!({
        "id": words.id,
        "from": "user",
        "text": words.text,
        "attachments": words.attachments,
        "payload": words.payload,
        "sent_at": time(words.sent_at),
    });
    if words.truncated {
        value["truncated"] = json!(true);
    }
    if let Some(answered) = &words.in_reply_to {
        value["in_reply_to"] = json!(answered);
    }
    if let Some(language) = &words.language {
        value["language"] = json!(language);
    }
    value
}

fn channel(facts: &ChannelFacts) -> Value {
    json!({"source_id": facts.source, "type": facts.kind, "capabilities": facts.capabilities})
}

fn message(written: &AgentMessage) -> Value {
    let mut value = json!({
        "id": written.id,
        "text": written.text,
        "attachments": written.attachments,
        "structured": written.structured,
        "from": "agent",
        "agent": {"name": written.agent_name},
    });
    if let (Some(at), Some(object)) = (written.written_at, value.as_object_mut()) {
        object.insert("sent_at".into(), json!(time(at)));
    }
    value
}
