//! The events of the domain, as they are sent, are the webhooks of the document.

use std::collections::BTreeSet;

use handover_bots::body;
use handover_core::Timestamp;
use handover_core::aftermath::{Survey, SurveyAnswer};
use handover_core::event::BotEvent;
use handover_core::handover::{Agent, Cause, Timer};
use handover_core::ids::{AgentId, CategoryId, ConversationId, MessageId, SourceId, ThreadId};
use handover_core::message::{AgentMessage, Attachment, ChannelFacts, CustomerWords};
use handover_core::ports::{Address, Delivery};
use handover_core::profile::UserProfile;
use handover_core::queue_update::QueueUpdate;
use serde_json::{Value, json};

use crate::host;
use crate::schemas::{assert_valid, closed_document, document};

fn now() -> Timestamp {
    host::NOW.parse().expect("a time")
}

/// A message with everything, or with as little as can be.
fn message(full: bool) -> AgentMessage {
    let attachment = |full: bool| Attachment {
        url: "https://rce.example.org/a.png".to_owned(),
        filename: full.then(|| "a.png".to_owned()),
        content_type: full.then(|| "image/png".to_owned()),
    };
    AgentMessage {
        id: MessageId::new("rcx-1"),
        content: None,
        text: full.then(|| "Look".to_owned()),
        attachments: vec![attachment(true), attachment(false)],
        structured: full.then(|| json!({"type": "select", "items": [{"title": "Yes"}]})),
        agent_name: full.then(|| "Ada".to_owned()),
        written_at: full.then(now),
        retry: false,
    }
}

/// What a person wrote on a channel of RCE's own.
fn customer_words(full: bool) -> CustomerWords {
    CustomerWords {
        id: MessageId::new("rcx-2"),
        text: full.then(|| "Hi".to_owned()),
        truncated: full,
        attachments: message(full).attachments,
        payload: full.then(|| "yes".to_owned()),
        in_reply_to: full.then(|| MessageId::new("b-1")),
        language: full.then(|| "nl".to_owned()),
        sent_at: now(),
        user: UserProfile {
            id: Some("5f1e".to_owned()),
            firstname: full.then(|| "Nadia".to_owned()),
            extra: full
                .then(|| ("vip".to_owned(), json!(true)))
                .into_iter()
                .collect(),
            ..UserProfile::default()
        },
        channel: ChannelFacts {
            source: SourceId::new("5f0c"),
            kind: full.then(|| "whats_app".to_owned()),
            capabilities: full.then(|| "select".to_owned()).into_iter().collect(),
        },
    }
}

fn survey(full: bool) -> Survey {
    let answer = |question: Option<&str>| SurveyAnswer {
        question: question.map(str::to_owned),
        answer: "Fast".to_owned(),
    };
    Survey {
        id: full.then(|| "s-1".to_owned()),
        rating: full.then(|| 4.into()),
        score: full.then(|| serde_json::Number::from_f64(0.75)).flatten(),
        answers: if full {
            vec![answer(Some("How was it?")), answer(None)]
        } else {
            Vec::new()
        },
        comment: full.then(|| "Thank you".to_owned()),
        at: now(),
    }
}

/// Every event, with everything in it and with as little as can be. The match fails to compile when there is
/// an event that this list does not know.
fn every_event(full: bool) -> Vec<BotEvent> {
    let agent = Agent {
        id: full.then(|| AgentId::new("5f1e")),
        name: full.then(|| "Ada".to_owned()),
    };
    let update = QueueUpdate {
        position: full.then_some(3),
        estimated_wait_ms: full.then_some(1500),
        at: now(),
    };
    let (begin, close, cancel) = if full {
        (Cause::Bot, Cause::AgentClosed, Cause::UserCancelled)
    } else {
        (Cause::Agent, Cause::AgentCancelled, Cause::BotEnded)
    };
    let reason = || "because".to_owned();
    let events = vec![
        BotEvent::HandoverQueued { update },
        BotEvent::HandoverActive {
            cause: begin,
            agent: full.then(|| agent.clone()),
        },
        BotEvent::AgentChanged { agent: agent.clone() },
        BotEvent::MessageCreated {
            message: message(full),
        },
        BotEvent::CustomerWrote {
            message: Box::new(customer_words(full)),
        },
        BotEvent::CustomerEdited {
            message: Box::new(customer_words(full)),
        },
        BotEvent::CustomerTookBack {
            message: MessageId::new("rcx-2"),
        },
        BotEvent::MessageFailed {
            message: MessageId::new("m-1"),
            reason: reason(),
        },
        BotEvent::TypingStarted,
        BotEvent::TypingStopped,
        BotEvent::HandoverCompleted {
            cause: close,
            queued_ms: 10,
            active_ms: 0,
            summary: full.then(|| "Sent again".to_owned()),
            tags: full.then(|| CategoryId::new("c-1")).into_iter().collect(),
            rating: full.then(|| 4.into()),
        },
        BotEvent::HandoverDeferred {
            agent: full.then(|| agent.clone()),
        },
        BotEvent::HandoverSummarised {
            summary: "Sent again".to_owned(),
        },
        BotEvent::SurveyImported { survey: survey(full) },
        BotEvent::HandoverCancelled { cause: cancel },
        BotEvent::HandoverFailed { reason: reason() },
        BotEvent::HandoverBegun {
            cause: if full { Cause::Agent } else { Cause::BotSilent },
        },
        BotEvent::HandoverTimingOut {
            timer: if full { Timer::Queue } else { Timer::UserIdle },
            ends_at: now(),
        },
        BotEvent::HandoverTimedOut {
            timer: if full { Timer::AgentIdle } else { Timer::MaxAge },
            queued_ms: 10,
            active_ms: 0,
        },
    ];
    for event in &events {
        match event {
            // Not for bots that are told by webhook.
            BotEvent::HandoverAccepted => unreachable!(),
            BotEvent::HandoverQueued { .. }
            | BotEvent::HandoverActive { .. }
            | BotEvent::AgentChanged { .. }
            | BotEvent::MessageCreated { .. }
            | BotEvent::CustomerWrote { .. }
            | BotEvent::CustomerEdited { .. }
            | BotEvent::CustomerTookBack { .. }
            | BotEvent::MessageFailed { .. }
            | BotEvent::TypingStarted
            | BotEvent::TypingStopped
            | BotEvent::HandoverCompleted { .. }
            | BotEvent::HandoverDeferred { .. }
            | BotEvent::HandoverSummarised { .. }
            | BotEvent::SurveyImported { .. }
            | BotEvent::HandoverCancelled { .. }
            | BotEvent::HandoverFailed { .. }
            | BotEvent::HandoverBegun { .. }
            | BotEvent::HandoverTimingOut { .. }
            | BotEvent::HandoverTimedOut { .. } => {}
        }
    }
    events
}

#[test]
fn every_event_is_sent_as_it_is_described() {
    let document = closed_document();
    for full in [true, false] {
        let mut connection = host::connection();
        connection.dialogs.opened = full.then(|| "d-1".to_owned());
        connection.dialogs.closed = full.then(|| "d-2".to_owned());
        for event in every_event(full) {
            let name = event.name();
            let delivery = Delivery {
                id: "evt_1_0".to_owned(),
                conversation: ConversationId::new("c-1"),
                epoch: 1,
                seq: (full || name != "handover.queued").then_some(7),
                at: now(),
                now: now(),
                rce_thread: full.then(|| ThreadId::new("t-1")),
                address: Address::default(),
                part: 0,
                event,
            };
            let sent: Value = serde_json::from_slice(&body::render(&connection, &delivery)).expect("JSON");
            let schema =
                &document["webhooks"][name]["post"]["requestBody"]["content"]["application/json"]["schema"];
            assert!(schema.is_object(), "{name} is not described");
            assert_valid(&document, schema, &sent, name);
        }
    }
}

#[test]
fn every_reason_why_a_bot_loses_a_person_is_described() {
    let (document, connection) = (closed_document(), host::connection());
    for cause in [
        Cause::BotSilent,
        Cause::BotUnreachable,
        Cause::ReplyRefused,
        Cause::Loop,
    ] {
        for event in [
            BotEvent::HandoverBegun { cause },
            BotEvent::HandoverActive { cause, agent: None },
        ] {
            let name = event.name();
            let delivery = Delivery {
                id: "evt_1_0".to_owned(),
                conversation: ConversationId::new("c-1"),
                epoch: 1,
                seq: Some(7),
                at: now(),
                now: now(),
                rce_thread: None,
                address: Address::default(),
                part: 0,
                event,
            };
            let sent: Value = serde_json::from_slice(&body::render(&connection, &delivery)).expect("JSON");
            let schema =
                &document["webhooks"][name]["post"]["requestBody"]["content"]["application/json"]["schema"];
            assert_eq!(sent["data"]["cause"], cause.as_str());
            assert_valid(&document, schema, &sent, name);
        }
    }
}

#[test]
fn no_event_is_described_that_is_never_sent() {
    let document = document();
    let described: BTreeSet<&str> = document["webhooks"]
        .as_object()
        .expect("webhooks")
        .keys()
        .map(String::as_str)
        .collect();
    let mut sent: BTreeSet<&str> = every_event(true).iter().map(BotEvent::name).collect();
    // Not of the domain: `doctor` sends it, to see whether somebody is there.
    sent.insert("bridge.ping");
    assert_eq!(described, sent);
}

#[test]
fn every_event_carries_the_headers_of_standard_webhooks() {
    let document = document();
    for (name, item) in document["webhooks"].as_object().expect("webhooks") {
        let headers: Vec<&str> = item["post"]["parameters"]
            .as_array()
            .expect("parameters")
            .iter()
            .filter_map(|header| crate::schemas::resolve(&document, header)["name"].as_str())
            .collect();
        assert_eq!(
            headers,
            ["webhook-id", "webhook-timestamp", "webhook-signature"],
            "{name}"
        );
    }
}
