//! What the platform asks of the bridge.

use std::time::Duration;

use serde_json::{Value, json};
use simulated_ringcx::{DeliveryKind, SyncStatus};

use crate::bridge::Script;
use crate::{SOON, World};

async fn reply(world: &World, text: &str) -> String {
    if world.rce.thread("conv-1").is_none() {
        world.customer_says("conv-1", "msg-1", "Where is my order?").await;
        world.to_agents("conv-1").await;
        world.rce.take("conv-1", &world.agent(0)).expect("taken");
    }
    world
        .rce
        .reply("conv-1", &world.agent(0), text)
        .expect("answered")
}

fn attempts(world: &World) -> Vec<Value> {
    world
        .bridge
        .actions("messages.create")
        .iter()
        .map(|params| params["retry"].clone())
        .collect()
}

fn outcome(world: &World, content: &str) -> SyncStatus {
    world.rce.read(|state| {
        state
            .content(content)
            .expect("the content")
            .synchronization_status
    })
}

#[tokio::test]
async fn an_answer_of_an_agent_has_the_documented_members() {
    let world = World::new().await;
    let content = reply(&world, "Hi, this is Sam.").await;
    world.settle().await;
    let params = &world.bridge.actions("messages.create")[0];
    let expected = json!({
        "author_id": "agent", "body": "Hi, this is Sam.", "content_id": content, "created_at": params["created_at"],
        "format": "text", "in_reply_to_id": "msg-1", "retry": false, "sender_name": "Sam Okafor",
        "thread_id": "conv-1", "title": null, "updated_at": params["updated_at"],
    });
    assert_eq!(*params, expected);
    let known = world.rce.read(|state| {
        state
            .content(&format!("rcx-{content}"))
            .map(|content| content.id.clone())
    });
    assert_eq!(known, Some(content));
    world.no_violations();
}

#[tokio::test]
async fn a_failing_bridge_is_tried_three_times() {
    let world = World::new().await;
    let down = || Script::Answer(503, json!("down"));
    world.bridge.script_creates([
        down(),
        Script::Answer(200, json!({"error": {"fatal": false, "message": "later"}})),
    ]);
    let content = reply(&world, "Hi").await;
    world.settle().await;
    assert_eq!(attempts(&world), [false, true, true]);
    assert_eq!(outcome(&world, &content), SyncStatus::Success);

    world.bridge.script_creates([down(), down(), down()]);
    let content = reply(&world, "Still there?").await;
    world.settle().await;
    assert_eq!(attempts(&world).len(), 6);
    assert_eq!(outcome(&world, &content), SyncStatus::ExportFailure);
    let events = world.bridge.events();
    let exported = events
        .iter()
        .rev()
        .find(|event| event["type"] == "content.exported")
        .expect("the event");
    assert_eq!(
        exported["resource"]["metadata"]["synchronization_status"],
        "export_failure"
    );
    assert_eq!(exported["resource"]["metadata"]["foreign_id"], Value::Null);

    world.rce.retry_export(&content).expect("sent again");
    world.settle().await;
    assert_eq!(attempts(&world).last(), Some(&json!(true)));
    assert_eq!(outcome(&world, &content), SyncStatus::Success);
    world.no_violations();
}

#[tokio::test]
async fn a_fatal_error_ends_the_attempts() {
    let world = World::new().await;
    world.bridge.script_creates([Script::Answer(
        200,
        json!({"error": {"fatal": true, "message": "ended"}}),
    )]);
    let content = reply(&world, "Hi").await;
    world.settle().await;
    assert_eq!(attempts(&world), [false]);
    assert_eq!(outcome(&world, &content), SyncStatus::ExportFailure);
    let reason = world.rce.read(|state| {
        state
            .content(&content)
            .and_then(|it| it.synchronization_error.clone())
    });
    assert_eq!(reason.as_deref(), Some("ended"));
}

#[tokio::test]
async fn answers_must_be_signed_and_ids_new() {
    let world = World::new().await;
    world.bridge.script_creates([
        Script::Unsigned(json!({"id": "rcx-1"})),
        Script::Answer(200, json!({"id": "msg-1"})),
        Script::Answer(200, json!({"id": "a/b"})),
    ]);
    for text in ["one", "two", "three"] {
        reply(&world, text).await;
    }
    world.settle().await;
    assert_eq!(world.rules(), ["answer-signature", "answer-id", "unsafe-id"]);
}

#[tokio::test]
async fn the_signature_may_travel_in_the_query() {
    let world = World::with(|config| config.signature_in_query = true).await;
    reply(&world, "Hi").await;
    world.settle().await;
    assert_eq!(attempts(&world), [false]);
    world.no_violations();
}

#[tokio::test]
async fn raw_requests_show_how_the_bridge_refuses() {
    let world = World::new().await;
    let refused = world
        .rce
        .send_source_sdk_raw("{}", Some("00"))
        .await
        .expect("an answer");
    assert_eq!((refused.status, refused.signed), (401, true));
    let unsigned = world
        .rce
        .send_source_sdk_raw("{}", None)
        .await
        .expect("an answer");
    assert_eq!(unsigned.status, 401);
    let answer = world
        .rce
        .send_action(json!({"action": "messages.list"}))
        .await
        .expect("an answer");
    assert_eq!((answer.status, answer.json()), (200, json!([])));
}

#[tokio::test]
async fn waiting_customers_hear_their_position() {
    let world = World::with(|config| config.queue_update_interval = Duration::from_millis(20)).await;
    for thread in ["conv-1", "conv-2"] {
        world
            .customer_says(thread, &format!("msg-{thread}"), "Hello")
            .await;
        world.to_agents(thread).await;
    }
    let positions = |thread: &str| -> Vec<Value> {
        let updates = world.bridge.actions("messaging.queuing_update");
        updates
            .iter()
            .filter(|params| params["thread_id"] == thread)
            .map(|params| params["position"].clone())
            .collect()
    };
    let second = |state: &simulated_ringcx::State| {
        state
            .deliveries()
            .any(|it| it.kind == DeliveryKind::SourceSdk && it.body["params"]["position"] == 2)
    };
    assert!(world.rce.wait_until(second, SOON).await);
    world.rce.take("conv-1", &world.agent(0)).expect("taken");
    let moved_up = |state: &simulated_ringcx::State| {
        state
            .deliveries()
            .any(|it| it.body["params"]["thread_id"] == "conv-2" && it.body["params"]["position"] == 1)
    };
    assert!(world.rce.wait_until(moved_up, SOON).await);
    assert_eq!(positions("conv-2")[0], 2);
    let update = &world.bridge.actions("messaging.queuing_update")[0];
    assert_eq!(update["estimated_wait_time"], 30);
    assert_eq!(update["in_reply_to_id"], "msg-conv-1");
}

#[tokio::test]
async fn synchronisation_runs_ask_for_messages() {
    let world = World::with(|config| config.polling_interval = Some(Duration::from_millis(20))).await;
    let listed = |state: &simulated_ringcx::State| state.deliveries().any(|it| it.what == "messages.list");
    assert!(world.rce.wait_until(listed, SOON).await);
}
