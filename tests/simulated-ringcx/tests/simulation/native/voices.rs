//! A reply of the bot beside an agent.

use std::time::Duration;

use serde_json::json;
use simulated_ringcx::{Fault, FaultTarget, NativeMessage, WebhookBehaviour};

use super::whats_app;

#[tokio::test]
async fn two_voices_are_heard_once_the_bridge_knows_of_the_agent() {
    let world = whats_app(|config| config.two_voices_after = Duration::from_hours(1)).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    world.answers(&hello, "I am the bot").await;
    world.rce.move_to("native-c1", "agent").expect("moved");
    world.answers(&hello, "Somebody will come").await;
    world.settle().await;
    world.rce.set_webhooks(WebhookBehaviour {
        down: true,
        ..WebhookBehaviour::default()
    });
    world.rce.take("native-c1", &world.agent(0)).expect("taken");
    world.answers(&hello, "Sent while nobody can know").await;
    world.no_violations();
    world.rce.set_webhooks(WebhookBehaviour::default());
    world
        .rce
        .transfer("native-c1", &world.agent(1))
        .expect("transferred");
    world.settle().await;
    world.answers(&hello, "Still here").await;
    assert_eq!(world.rules(), ["two-voices"]);
    world.rce.close("native-c1").expect("closed");
    world.rce.move_to("native-c1", "bot").expect("moved");
    world.answers(&hello, "The bot again").await;
    assert_eq!(world.rules().len(), 1);
}

#[tokio::test]
async fn two_voices_are_heard_after_a_while_whatever_the_bridge_knows() {
    let world = whats_app(|config| config.two_voices_after = Duration::ZERO).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    world.rce.set_webhooks(WebhookBehaviour {
        down: true,
        ..WebhookBehaviour::default()
    });
    let opened = world
        .rce
        .engage("native-c1", &world.agent(0))
        .expect("engaged by hand");
    world.answers(&hello, "Hi").await;
    assert_eq!(world.rules(), ["two-voices"]);
    let counted = world.get(&format!("/interventions/{opened}")).await;
    assert_eq!(counted["user_replies_count"], 1);
}

#[tokio::test]
async fn what_the_bridge_did_not_take_it_does_not_know() {
    let world = whats_app(|config| config.two_voices_after = Duration::from_hours(1)).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    world.settle().await;
    world.bridge.script_webhooks([500; 6]);
    world
        .rce
        .engage("native-c1", &world.agent(0))
        .expect("engaged by hand");
    world.settle().await;
    world.answers(&hello, "Hi").await;
    assert_eq!(world.rules(), ["webhook-undelivered"]);
}

#[tokio::test]
async fn what_an_agent_does_while_a_reply_is_handled_is_not_the_bridges_fault() {
    let world = whats_app(|config| config.two_voices_after = Duration::ZERO).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    let late = Fault::DelayedLoss(Duration::from_millis(300));
    world.rce.fail_next(FaultTarget::RestCreateContent, late, 1);
    let reply = json!({"in_reply_to_id": hello, "body": "Sent before"});
    world.try_content(reply).await.expect_err("no answer");
    world
        .rce
        .engage("native-c1", &world.agent(0))
        .expect("engaged by hand");
    world.settle().await;
    assert_eq!(world.read_by_customer("native-c1"), ["Sent before"]);
    world.no_violations();
    world.answers(&hello, "On purpose").await;
    assert_eq!(world.rules(), ["two-voices"]);
}
