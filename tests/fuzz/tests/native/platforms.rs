//! What bots say by Chatlayer's webhook channel and Cognigy's Webhook endpoint.

use std::sync::{Arc, LazyLock};

use bolero::check;
use bytes::Bytes;
use handover_core::conversation::Next;
use handover_core::job::Work;
use handover_core::json::is_too_deep;
use handover_core::message::{Author, Message};
use handover_fuzz::ports::{BOT_KEY, NOW};
use handover_fuzz::{Mutation, Seeds, TIME};
use handover_handlers::app::FixedConnections;
use serde_json::{Value, json};

use crate::{Door, THREAD, connections, read, stored};

const TOKEN: &str = "literal-chatlayer-token";
const CHATLAYER: &str = "kind = \"chatlayer\"\naccess_token = \"t\"\nbot_id = \"b-77\"\n\
    verify_tokens = \"literal-chatlayer-token\"\nwebhook_channel_url = \"https://channel.test/w/b-77\"\n\
    webhook_channel_token = \"channel-token\"";
const COGNIGY: &str = "kind = \"cognigy\"\nendpoint_base_url = \"https://endpoint.test\"\nurl_token = \"u\"\n\
    endpoint = \"webhook\"";

/// What goes to a person, who cannot ask what was meant.
fn check_said(message: &Message) {
    assert_eq!(message.from, Author::Bot);
    assert!(message.text.as_ref().is_none_or(|text| !text.trim().is_empty()));
    assert!(message.structured.as_ref().is_none_or(|form| !is_too_deep(form)));
    assert!(
        message.text.is_some() || message.structured.is_some() || !message.attachments.is_empty(),
        "it says something"
    );
    let said = serde_json::to_string(message).expect("can be stored");
    assert_eq!(*message, serde_json::from_str(&said).expect("can be read"));
}

#[test]
fn chatlayers_webhook_channel() {
    static NATIVE: LazyLock<Arc<FixedConnections>> = LazyLock::new(|| connections(Some(CHATLAYER)));
    let seeds = Seeds::of("channel");
    let post = |door: &Door, body: &[u8]| {
        door.post("chatlayer/messages", ("x-any", "1"), Bytes::copy_from_slice(body))
    };
    check!()
        .with_type::<([Mutation; 4], bool)>()
        .with_test_time(TIME)
        .for_each(|(mutations, with_agents)| {
            let door = Door::after_the_first_word(&NATIVE, *with_agents);
            let before = door.memory.jobs();
            for mutation in mutations {
                let body = seeds.grow(mutation);
                let state = door.state();
                let first = post(&door, &body);
                let status = first.status().as_u16();
                assert!([200, 400, 403, 404, 413, 422].contains(&status), "{status}");
                let posted = read(&body);
                assert!(
                    status != 200 || posted["verifyToken"] == TOKEN,
                    "nobody gets in without it"
                );
                let known = [&posted["senderId"], &posted["recipient"]["id"]].contains(&&json!(THREAD));
                assert!(status != 200 || known, "only who has written is answered");
                assert!(
                    status == 200 || door.state() == state,
                    "what is refused does nothing"
                );
                let counted = match &posted["messageCounter"] {
                    Value::String(text) => text.trim().parse().ok(),
                    counter => counter.as_u64(),
                };
                let state = door.state();
                let second = post(&door, &body);
                assert_eq!((second.status(), second.body()), (first.status(), first.body()));
                assert!(counted.is_none() || door.state() == state, "one effect");
            }
            let accepted = door.memory.jobs() - before;
            assert_eq!(
                said_in_turn(&door, *with_agents),
                accepted,
                "each of them has its turn"
            );
        });
}

/// Says all that waits, as the worker does, when nothing more comes. Returns how many it was.
fn said_in_turn(door: &Door, with_agents: bool) -> usize {
    let conversation = door.memory.all().remove(0);
    stored(&conversation);
    let native = conversation.native.expect("it is on a native channel");
    let mut counted = native.chatlayer.unwrap_or_default();
    let mut now = NOW.parse().expect("a time");
    let mut said = 0;
    loop {
        let held = match counted.next(now) {
            Next::Nothing => return said,
            Next::Wait(until) => {
                assert!(until > now, "it comes to an end");
                now = until;
                continue;
            }
            Next::Say(held) => held.clone(),
        };
        if let Some(message) = &held.message {
            assert!(!with_agents, "two voices");
            check_said(message);
        }
        assert!(counted.said(&held));
        said += 1;
    }
}

#[test]
fn outputs_of_cognigys_webhook_endpoint() {
    static NATIVE: LazyLock<Arc<FixedConnections>> = LazyLock::new(|| connections(Some(COGNIGY)));
    let seeds = Seeds::of("outputs");
    let key = format!("Bearer {BOT_KEY}");
    let post = |door: &Door, key: &str, body: &[u8]| {
        door.post(
            "cognigy/outputs",
            ("authorization", key),
            Bytes::copy_from_slice(body),
        )
    };
    check!()
        .with_type::<([Mutation; 3], bool)>()
        .with_test_time(TIME)
        .for_each(|(mutations, with_agents)| {
            let door = Door::after_the_first_word(&NATIVE, *with_agents);
            for mutation in mutations {
                let body = seeds.grow(mutation);
                let state = door.state();
                let stranger = post(&door, "Bearer some-other-key-00", &body);
                assert_eq!(stranger.status(), 401, "nobody gets in without the key");
                assert_eq!(door.state(), state);
                let first = post(&door, &key, &body);
                let status = first.status().as_u16();
                assert!([200, 202, 400, 404, 409, 422].contains(&status), "{status}");
                let posted = read(&body);
                assert!(!first.status().is_success() || posted["sessionId"] == THREAD);
                if status == 400 || status == 404 && posted["sessionId"] != THREAD {
                    assert_eq!(door.state(), state, "what is refused does nothing");
                }
                let is_named = |trace: &Value| trace.as_str().is_some_and(|trace| !trace.is_empty());
                if is_named(&posted["AIOutput"]["traceId"]) {
                    let state = door.state();
                    let second = post(&door, &key, &body);
                    assert_eq!((second.status(), second.body()), (first.status(), first.body()));
                    assert_eq!(door.state(), state, "one effect");
                }
            }
            for work in door.memory.works() {
                if let Work::Reply { message, .. } = work {
                    check_said(&message);
                }
            }
            stored(&door.memory.all().remove(0));
        });
}
