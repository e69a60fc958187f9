//! The bridge's events arrive: verified, taken once, and turned into what the customer sees.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::bridge::Exchange;
use super::chat::{Chat, Line, LineState, Phase};
use super::host::Host;
use super::inbox::Inbox;

/// The receiver of the bot's events.
pub(super) struct Receiver {
    host: Arc<Host>,
    inbox: Inbox,
}

impl Receiver {
    pub(super) fn new(host: Arc<Host>, signing_secret: &str) -> anyhow::Result<Self> {
        let inbox = Inbox::new(signing_secret)?;
        Ok(Self { host, inbox })
    }

    /// Takes one delivery. Whatever is not signed by the bridge is refused; a repeat has no effect.
    pub(super) fn receive(&self, headers: &HeaderMap, body: &Bytes) -> StatusCode {
        let (id, event) = match self.inbox.open(headers, body) {
            Ok(opened) => opened,
            Err(refusal) => return refusal,
        };
        let chat = event["data"]["conversation"]
            .as_str()
            .and_then(|id| self.host.chat(id));
        if let Some(chat) = chat
            && self.inbox.is_new(&id)
        {
            self.apply(&chat, event);
        }
        StatusCode::NO_CONTENT
    }

    fn apply(&self, chat: &Arc<Chat>, event: Value) {
        let kind = event["type"].as_str().unwrap_or_default().to_owned();
        show(chat, &kind, &event["data"]);
        chat.record(Exchange::event(kind.clone(), event));
        let (host, chat) = (Arc::clone(&self.host), Arc::clone(chat));
        match kind.as_str() {
            "message.created" => drop(tokio::spawn(async move { host.thank(&chat).await })),
            "handover.completed" | "handover.cancelled" | "handover.failed" | "handover.timed_out" => {
                drop(tokio::spawn(async move { host.resume(&chat, &kind).await }));
            }
            _ => {}
        }
    }
}

/// Changes what the customer sees.
fn show(chat: &Chat, kind: &str, data: &Value) {
    let agent = data["agent"]["name"]
        .as_str()
        .or_else(|| data["message"]["agent"]["name"].as_str());
    let agent = agent.map(str::to_owned);
    chat.change(|view| match kind {
        "handover.queued" if view.phase != Phase::Active => {
            if view.phase == Phase::Bot
                && let Some(cause) = data["cause"].as_str()
            {
                view.notice(unasked(cause).to_owned());
            }
            view.phase = Phase::Queued;
            view.queue = data.clone();
        }
        "handover.active" => {
            view.phase = Phase::Active;
            view.typing = false;
            view.queue = Value::Null;
            view.notice(format!(
                "{} joined the chat",
                agent.as_deref().unwrap_or("An agent")
            ));
            view.agent = agent;
        }
        "agent.changed" => {
            view.notice(format!(
                "{} took over",
                agent.as_deref().unwrap_or("Another agent")
            ));
            view.agent = agent;
        }
        "handover.deferred" => view.notice(format!(
            "{} will come back to you later",
            agent.as_deref().unwrap_or("The agent")
        )),
        "message.created" => {
            let message = &data["message"];
            let (id, text) = (message["id"].as_str(), message["text"].as_str());
            // Who joined may be known by id only until the first words.
            let name = agent.or_else(|| view.agent.clone());
            if view.agent.is_some()
                && view.agent != name
                && let Some(name) = &name
            {
                view.notice(format!("{name} took over"));
            }
            view.agent.clone_from(&name);
            let mut line = Line::new(
                id.unwrap_or_default().to_owned(),
                "agent",
                name,
                text.unwrap_or_default().to_owned(),
            );
            line.attachments = message["attachments"].clone();
            view.typing = false;
            view.add(line);
        }
        "message.failed" => {
            if let Some(id) = data["message"]["id"]
                .as_str()
                .or_else(|| data["message_id"].as_str())
            {
                view.set_state(id, LineState::Failed);
            }
        }
        "handover.timing_out" => view.notice(running_out(data["cause"].as_str()).to_owned()),
        "typing.started" => view.typing = true,
        "typing.stopped" => view.typing = false,
        "handover.completed" | "handover.cancelled" | "handover.failed" | "handover.timed_out" => {
            let (who, cause) = (view.agent.take(), data["cause"].as_str());
            view.phase = Phase::Bot;
            view.queue = Value::Null;
            view.typing = false;
            view.handovers_over += 1;
            view.notice(match (kind, who) {
                ("handover.completed", Some(name)) => format!("{name} closed the conversation"),
                ("handover.completed", None) => "The agent closed the conversation".to_owned(),
                ("handover.cancelled", Some(name)) => format!("The chat with {name} was ended"),
                ("handover.cancelled", None) => "The request for a human was taken back".to_owned(),
                ("handover.timed_out", _) => ran_out(cause).to_owned(),
                _ => "No agent could take the conversation".to_owned(),
            });
        }
        _ => {}
    });
}

/// A conversation that nobody handed over is with the agents all the same.
fn unasked(cause: &str) -> &'static str {
    match cause {
        "user" => "You wrote to the agents again; they have the conversation",
        _ => "An agent put the conversation into the queue",
    }
}

/// A timer will soon end what the customer waits for.
fn running_out(timer: Option<&str>) -> &'static str {
    match timer {
        Some("queue") => "Nobody is free yet; we will soon stop waiting for an agent",
        Some("user_idle") => "Are you still there? The chat will end soon",
        Some("agent_idle") => "The agent has been quiet; the chat will end soon",
        _ => "The chat will end soon",
    }
}

/// A timer ended it.
fn ran_out(timer: Option<&str>) -> &'static str {
    match timer {
        Some("user_idle") => "The chat ended because nothing was written for a while",
        Some("agent_idle") => "The agent did not come back; the bot is here again",
        Some("max_age") => "The chat ended because it lasted too long",
        _ => "No agent could take the conversation",
    }
}

#[cfg(test)]
mod tests {
    use super::super::bridge::Bridge;
    use super::super::config::Secrets;
    use super::super::customers::VISITOR;
    use super::super::now_ms;
    use super::*;
    use serde_json::json;
    use standardwebhooks::Webhook;

    fn delivery(secret: &str, id: &str, event: &Value) -> (HeaderMap, Bytes) {
        let body = event.to_string();
        let timestamp = now_ms() / 1000;
        let signature = Webhook::new(secret)
            .unwrap()
            .sign(id, timestamp, body.as_bytes())
            .unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", id.parse().unwrap());
        headers.insert("webhook-timestamp", timestamp.into());
        headers.insert("webhook-signature", signature.parse().unwrap());
        (headers, Bytes::from(body))
    }

    fn host(secrets: &Secrets) -> Arc<Host> {
        let http = super::super::start::http_client().unwrap();
        let nobody = "http://127.0.0.1:9".to_owned();
        Arc::new(Host::new(Bridge::new(http, nobody, secrets)))
    }

    #[tokio::test]
    async fn only_signed_events_count_and_each_counts_once() {
        let secrets = Secrets::generate().unwrap();
        let host = host(&secrets);
        let chat = host.open(&VISITOR).unwrap();
        let receiver = Receiver::new(host, &secrets.signing_secret).unwrap();
        let event = json!({
            "type": "message.created",
            "data": {
                "conversation": chat.id,
                "message": { "id": "m1", "text": "Hello", "agent": { "name": "Sam" } },
            },
        });
        let from_agent = || chat.look(|view| view.lines.iter().filter(|line| line.from == "agent").count());

        let forged = Secrets::generate().unwrap().signing_secret;
        let (headers, body) = delivery(&forged, "evt_1", &event);
        assert_eq!(receiver.receive(&headers, &body), StatusCode::UNAUTHORIZED);
        assert_eq!(from_agent(), 0);

        let (headers, body) = delivery(&secrets.signing_secret, "evt_1", &event);
        for _ in 0..2 {
            assert_eq!(receiver.receive(&headers, &body), StatusCode::NO_CONTENT);
            assert_eq!(from_agent(), 1);
        }
        let events = chat.exchanges_after(0).1;
        assert_eq!(events.len(), 1, "the repeat is not shown");
    }

    #[tokio::test]
    async fn the_customer_reads_what_nobody_brought_about() {
        let host = host(&Secrets::generate().unwrap());
        let chat = host.open(&VISITOR).unwrap();
        for (kind, cause, phase, notice) in [
            ("handover.queued", "agent", Phase::Queued, "An agent put"),
            (
                "handover.timing_out",
                "queue",
                Phase::Queued,
                "Nobody is free yet",
            ),
            ("handover.timed_out", "queue", Phase::Bot, "No agent could take"),
            (
                "handover.queued",
                "user",
                Phase::Queued,
                "You wrote to the agents",
            ),
            ("handover.active", "", Phase::Active, "An agent joined"),
            (
                "handover.timing_out",
                "user_idle",
                Phase::Active,
                "Are you still there?",
            ),
            ("handover.timed_out", "user_idle", Phase::Bot, "The chat ended"),
        ] {
            show(&chat, kind, &json!({"cause": cause}));
            chat.look(|view| {
                assert_eq!(view.phase, phase, "{kind}");
                let last = &view.lines.last().unwrap().text;
                assert!(last.starts_with(notice), "{kind}: {last}");
            });
        }
    }
}
