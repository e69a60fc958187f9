//! What RCE reports of customers.

use std::sync::{Arc, LazyLock};

use bolero::check;
use bytes::Bytes;
use handover_core::conversation::Conversation;
use handover_core::html::html_to_text;
use handover_core::imported::Imported;
use handover_core::job::Work;
use handover_core::message::BODY_MAX_CHARS;
use handover_core::secret::Secret;
use handover_fuzz::ports::{Memory, NOW, WEBHOOK_SECRET};
use handover_fuzz::{Mutation, Seeds, TIME};
use handover_handlers::app::FixedConnections;
use handover_ringcx::webhook::{authenticate, parse_batch};
use serde_json::Value;

use crate::{Door, connections, read, stored};

/// Every text of an event said so many times.
fn louder(body: Vec<u8>, times: usize) -> Vec<u8> {
    let mut batch = read(&body);
    let Some(events) = batch.get_mut("events").and_then(Value::as_array_mut) else {
        return body;
    };
    for event in events {
        if let Some(Value::String(text)) = event.pointer_mut("/resource/metadata/body") {
            let most = (4 * BODY_MAX_CHARS) / text.len().max(1);
            *text = text.repeat(times.clamp(1, most.max(1)));
        }
    }
    batch.to_string().into_bytes()
}

fn check_imported(imported: &Imported, event: &Value) {
    let whole = &event["resource"]["metadata"];
    if let Some(text) = &imported.text {
        let length = text.chars().count();
        assert!(!text.trim().is_empty() && length <= BODY_MAX_CHARS, "{length}");
        assert_eq!(
            imported.truncated,
            length == BODY_MAX_CHARS && text.ends_with('…')
        );
        let body = whole["body"].as_str().expect("text comes from a body");
        let is_html = whole["body_input_format"]
            .as_str()
            .is_some_and(|it| it.eq_ignore_ascii_case("html"));
        let said = if is_html {
            html_to_text(body)
        } else {
            body.to_owned()
        };
        let begins = text.strip_suffix('…').filter(|_| imported.truncated);
        assert!(said.starts_with(begins.unwrap_or(text)), "in their own words");
        assert!(imported.truncated || said == *text, "all of them");
    } else {
        assert!(!imported.truncated);
    }
    assert!(imported.capabilities.len() <= 20 && imported.categories.len() <= 50);
    let id = imported.message_id();
    assert!(id.as_str().starts_with("rcx-"), "{id}");
    let stored = serde_json::to_string(imported).expect("can be stored");
    assert_eq!(*imported, serde_json::from_str(&stored).expect("can be read"));
}

/// RCE delivers a body, and again.
fn check_delivery(door: &Door, body: Bytes) {
    let secrets = [Secret::new(WEBHOOK_SECRET)];
    let verified = authenticate(&secrets, Some(WEBHOOK_SECRET.as_bytes()), body.clone()).expect("authentic");
    let first = door.webhook(WEBHOOK_SECRET, body.clone());
    let Ok(batch) = parse_batch(&verified, NOW.parse().expect("a time")) else {
        assert_eq!(first.status(), 400);
        return;
    };
    assert_eq!(first.status(), 200, "RCE would switch the webhook off");
    assert!(batch.contents.is_sorted_by_key(|content| content.issued_at));
    let events = read(&body)["events"].clone();
    for imported in &batch.contents {
        let named = |event: &&Value| event["id"] == imported.event.as_str();
        let mut events = events.as_array().expect("events").iter().filter(named);
        if let (Some(event), None) = (events.next(), events.next()) {
            check_imported(imported, event);
        }
    }
    // A deletion of what is not known yet is nothing, until it comes once more.
    if !batch.contents.is_sorted_by_key(|content| content.deleted) {
        assert_eq!(door.webhook(WEBHOOK_SECRET, body.clone()).status(), 200);
    }
    let state = door.state();
    assert_eq!(door.webhook("some-other-secret", body.clone()).status(), 401);
    assert_eq!(door.webhook(WEBHOOK_SECRET, body).status(), 200);
    assert_eq!(door.state(), state, "one effect");
}

static TOLD_BY_WEBHOOK: LazyLock<Arc<FixedConnections>> = LazyLock::new(|| connections(None));

#[test]
fn contents_that_came_in() {
    let seeds = Seeds::of("imported");
    check!()
        .with_type::<([Mutation; 2], u16)>()
        .with_test_time(TIME)
        .for_each(|(mutations, times)| {
            let door = Door::of(&TOLD_BY_WEBHOOK);
            for mutation in mutations {
                let body = seeds.grow(mutation);
                // Long texts cost time.
                let body = match times % 8 {
                    0 => louder(body, usize::from(times / 8)),
                    _ => body,
                };
                check_delivery(&door, Bytes::from(body));
            }
            check_told(&door.memory);
        });
}

#[test]
fn a_message_its_change_and_its_deletion_at_once() {
    let door = Door::of(&TOLD_BY_WEBHOOK);
    let changed = include_bytes!("../../seeds/imported/changed.json");
    check_delivery(&door, Bytes::from_static(changed));
    let native = door.memory.all().remove(0).native.expect("native");
    assert!(native.pending.is_empty() && native.taken_back.len() == 1);
}

/// The bot is told what customers wrote on the connection's sources, and each of it once.
fn check_told(memory: &Memory) {
    let mut contents = Vec::new();
    for work in memory.works() {
        if let Work::TellCustomerMessage { imported } = work {
            assert!(["5001", "5002"].contains(&imported.source.as_str()));
            contents.push(imported.content);
        }
    }
    let all = contents.len();
    contents.sort();
    contents.dedup();
    assert_eq!(contents.len(), all, "none twice");
    let conversations = memory.all();
    let waits = |it: &Conversation| it.native.as_ref().map_or(0, |native| native.pending.len());
    let waiting: usize = conversations.iter().map(waits).sum();
    assert!(waiting <= all, "nobody waits for what nobody tells");
    for conversation in &conversations {
        stored(conversation);
    }
}
