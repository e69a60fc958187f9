//! How events reach the bridge.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulated_ringcx::{DeliveryKind, WebhookBehaviour, WebhookCounts, WebhookState};

use crate::World;

async fn emit_three(world: &World) {
    for thread in ["conv-1", "conv-2", "conv-3"] {
        world.customer_says(thread, &format!("msg-{thread}"), "Hi").await;
        world.to_agents(thread).await;
        world.settle().await;
    }
}

fn threads(world: &World) -> Vec<String> {
    let ids = world
        .bridge
        .events()
        .into_iter()
        .map(|event| event["resource"]["metadata"]["thread_id"].clone());
    ids.map(|id| {
        world
            .rce
            .thread(id.as_str().expect("an id"))
            .expect("a thread")
            .foreign_id
    })
    .collect()
}

#[tokio::test]
async fn the_receiver_is_validated() {
    let world = World::new().await;
    assert_eq!(
        world.rce.read(simulated_ringcx::State::webhook_state),
        Some(WebhookState::Enabled)
    );
    let handshakes = world
        .rce
        .deliveries()
        .into_iter()
        .filter(|it| it.kind == DeliveryKind::Handshake)
        .count();
    assert_eq!(handshakes, 1);

    let world = World::unconnected(|_| {}).await;
    let elsewhere = format!("{}/nowhere", world.rce.base_url());
    let check = world.rce.set_bridge(&world.bridge.url(), &elsewhere).await;
    assert!(check.source_sdk && !check.webhook, "{check:?}");
    assert_eq!(world.rules(), ["webhook-handshake"]);
    world.customer_says("conv-1", "msg-1", "Hi").await;
    world.to_agents("conv-1").await;
    assert!(
        world.rce.read(simulated_ringcx::State::is_idle),
        "a disabled webhook gets nothing"
    );
}

#[tokio::test]
async fn everything_but_200_is_tried_again() {
    let world = World::new().await;
    world.bridge.script_webhooks([503, 204, 500]);
    emit_three(&world).await;
    assert_eq!(world.bridge.event_types(), ["task.created"; 3]);
    let statuses: Vec<Option<u16>> = world
        .rce
        .deliveries()
        .iter()
        .filter(|it| it.kind == DeliveryKind::Webhook)
        .map(|it| it.status)
        .collect();
    assert_eq!(statuses[..4], [Some(503), Some(204), Some(500), Some(200)]);
    world.no_violations();
}

#[tokio::test]
async fn after_all_retries_an_event_is_lost() {
    let world = World::with(|config| config.speed = 1_000_000.0).await;
    world.bridge.script_webhooks([500; 6]);
    world.customer_says("conv-1", "msg-1", "Hi").await;
    world.to_agents("conv-1").await;
    world.settle().await;
    assert_eq!(world.bridge.events(), Vec::<Value>::new());
    assert_eq!(world.rules(), ["webhook-undelivered"]);
}

#[tokio::test]
async fn repeats_keep_the_ids_of_their_events() {
    let world = World::with(|config| config.webhook_duplicate_every = 1).await;
    emit_three(&world).await;
    let ids: Vec<Value> = world
        .bridge
        .events()
        .iter()
        .map(|event| event["id"].clone())
        .collect();
    let envelopes: Vec<Value> = world
        .bridge
        .webhooks()
        .iter()
        .map(|envelope| envelope["id"].clone())
        .collect();
    assert_eq!(ids.len(), 6);
    assert_eq!(ids[0], ids[1]);
    assert_eq!(ids[2], ids[3]);
    assert_eq!(envelopes[0], envelopes[1]);
    assert_ne!(envelopes[2], envelopes[3]);
}

#[tokio::test]
async fn every_second_request_may_come_late() {
    let world = World::with(|config| config.webhook_reorder_every = 2).await;
    for thread in ["conv-1", "conv-2", "conv-3"] {
        world.customer_says(thread, &format!("msg-{thread}"), "Hi").await;
    }
    for thread in ["conv-1", "conv-2", "conv-3"] {
        world.rce.move_to(thread, "agent").expect("moved");
    }
    world.settle().await;
    assert_eq!(threads(&world), ["conv-1", "conv-3", "conv-2"]);
}

#[tokio::test]
async fn a_request_may_hold_several_events() {
    let world = World::with(|config| config.webhook_batch_size = 10).await;
    world.customer_says("conv-1", "msg-1", "Hi").await;
    world.rce.move_to("conv-1", "agent").expect("moved");
    world.settle().await;
    world.rce.take("conv-1", &world.agent(0)).expect("taken");
    world.settle().await;
    let webhooks = world.bridge.webhooks();
    assert_eq!(webhooks[1]["events"].as_array().map(Vec::len), Some(2));
    assert!(webhooks[1]["domain_id"].is_string());
}

#[tokio::test]
async fn tests_can_make_up_events() {
    let world = World::new().await;
    world.customer_says("conv-1", "msg-1", "Hi").await;
    let changes = json!({"issued_at": "2026-02-03T10:30:00.000Z", "metadata": {"source_id": "another"}});
    let event = world.rce.event("intervention.closed", "conv-1", &changes);
    assert_eq!(
        event["resource"]["metadata"]["thread_id"],
        json!(world.id("conv-1"))
    );
    assert_eq!(
        world
            .rce
            .send_webhook_raw(json!([event]))
            .await
            .expect("an answer"),
        200
    );
    let received = &world.bridge.events()[0];
    assert_eq!(*received, event);
    assert_eq!(received["resource"]["metadata"]["source_id"], "another");
    assert_eq!(received["issued_at"], "2026-02-03T10:30:00.000Z");
}

#[tokio::test]
async fn some_requests_are_never_sent() {
    let world = World::with(|config| config.webhook_drop_every = 2).await;
    emit_three(&world).await;
    assert_eq!(threads(&world), ["conv-1", "conv-3"]);
    let counts = world.rce.webhook_counts();
    assert_eq!((counts.issued, counts.dropped), (3, 1), "{counts:?}");
    assert_eq!(
        world
            .rce
            .event_types()
            .iter()
            .filter(|kind| *kind == "task.created")
            .count(),
        3,
        "they happened nevertheless"
    );
    world.no_violations();
}

#[tokio::test]
async fn all_events_are_lost_for_a_while() {
    let world = World::new().await;
    for thread in ["conv-1", "conv-2", "conv-3"] {
        world.customer_says(thread, &format!("msg-{thread}"), "Hi").await;
    }
    world.rce.move_to("conv-1", "agent").expect("moved");
    world.rce.set_webhooks(WebhookBehaviour {
        down: true,
        ..WebhookBehaviour::default()
    });
    world.rce.move_to("conv-2", "agent").expect("moved");
    world.rce.set_webhooks(WebhookBehaviour::default());
    world.rce.move_to("conv-3", "agent").expect("moved");
    world.settle().await;
    assert_eq!(threads(&world), ["conv-1", "conv-3"]);
    let counts = world.rce.webhook_counts();
    let expected = WebhookCounts {
        issued: 3,
        dropped: 1,
        ..WebhookCounts::default()
    };
    assert_eq!(counts, expected);
}

#[tokio::test]
async fn repeats_and_late_ones_are_counted() {
    let world = World::new().await;
    for thread in ["conv-1", "conv-2", "conv-3"] {
        world.customer_says(thread, &format!("msg-{thread}"), "Hi").await;
    }
    world.rce.set_webhooks(WebhookBehaviour {
        duplicate_every: 3,
        reorder_every: 2,
        ..WebhookBehaviour::default()
    });
    for thread in ["conv-1", "conv-2", "conv-3"] {
        world.rce.move_to(thread, "agent").expect("moved");
    }
    world.settle().await;
    assert_eq!(threads(&world), ["conv-1", "conv-3", "conv-3", "conv-2"]);
    let counts = world.rce.webhook_counts();
    let expected = WebhookCounts {
        issued: 3,
        dropped: 0,
        duplicated: 1,
        reordered: 1,
    };
    assert_eq!(counts, expected);
}

#[tokio::test]
async fn events_are_on_their_way_for_a_while() {
    let delay = Duration::from_millis(300);
    let world = World::with(|config| config.webhook_delay = delay).await;
    let began = Instant::now();
    for thread in ["conv-1", "conv-2", "conv-3"] {
        world.customer_says(thread, &format!("msg-{thread}"), "Hi").await;
        world.to_agents(thread).await;
    }
    world.settle().await;
    assert!(began.elapsed() >= delay);
    assert_eq!(threads(&world), ["conv-1", "conv-2", "conv-3"], "in order");
}
