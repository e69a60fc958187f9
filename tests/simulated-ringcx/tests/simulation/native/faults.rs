//! Lost answers, and what a bridge must not do after them.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;
use simulated_ringcx::{FailExports, Fault, FaultTarget, NativeMessage, Which};

use super::whats_app;

#[tokio::test]
async fn a_lost_answer_hides_a_reply_and_the_same_again_is_seen_twice() {
    let world = whats_app(|_| {}).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    world
        .rce
        .fail_next(FaultTarget::RestCreateContent, Fault::LoseAnswer, 1);
    let reply = json!({"in_reply_to_id": hello, "body": "Hi"});
    assert!(world.try_content(reply.clone()).await.is_err());
    assert_eq!(world.read_by_customer("native-c1"), ["Hi"]);
    assert!(world.rce.read(|state| state.nothing_twice("native-c1")).is_ok());
    world.answers(&hello, "Something else").await;
    world.no_violations();

    assert_eq!(world.post_content(reply).await.0, 200);
    assert_eq!(world.rules(), ["repeated-reply"]);
    assert!(world.rce.read(|state| state.nothing_twice("native-c1")).is_err());
}

#[tokio::test]
async fn what_was_lost_and_not_delivered_may_be_sent_again() {
    let world = whats_app(|config| config.fail_exports = Some(FailExports::new(Which::Next(1)))).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    world
        .rce
        .fail_next(FaultTarget::RestCreateContent, Fault::LoseAnswer, 1);
    let reply = json!({"in_reply_to_id": hello, "body": "Hi"});
    assert!(world.try_content(reply.clone()).await.is_err());
    assert_eq!(world.post_content(reply).await.0, 200);
    assert_eq!(world.read_by_customer("native-c1"), ["Hi"]);
    assert!(world.rce.read(|state| state.nothing_twice("native-c1")).is_ok());
    world.no_violations();
}

#[tokio::test]
async fn a_reply_may_come_to_be_after_its_connection_is_gone() {
    let world = whats_app(|_| {}).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    let late = Fault::DelayedLoss(Duration::from_millis(300));
    world.rce.fail_next(FaultTarget::RestCreateContent, late, 1);
    let reply = json!({"in_reply_to_id": hello, "body": "Hi"});
    assert!(world.try_content(reply.clone()).await.is_err());
    assert!(
        world.read_by_customer("native-c1").is_empty(),
        "looking at once finds nothing"
    );
    assert!(!world.rce.read(simulated_ringcx::State::is_idle));
    assert_eq!(world.post_content(reply).await.0, 200);
    assert_eq!(
        world.rules(),
        ["repeated-reply"],
        "even before the first is there"
    );
    world.settle().await;
    assert_eq!(world.read_by_customer("native-c1"), ["Hi", "Hi"]);
    assert!(world.rce.read(|state| state.nothing_twice("native-c1")).is_err());
}

#[tokio::test]
async fn a_late_reply_that_is_refused_leaves_the_way_free() {
    let world = whats_app(|_| {}).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    world.rce.close_thread("native-c1").expect("closed");
    let late = Fault::DelayedLoss(Duration::from_millis(1));
    world.rce.fail_next(FaultTarget::RestCreateContent, late, 1);
    let reply = json!({"in_reply_to_id": hello, "body": "Hi"});
    assert!(world.try_content(reply.clone()).await.is_err());
    world.settle().await;
    world.rce.open_thread("native-c1").expect("opened");
    assert_eq!(world.post_content(reply).await.0, 200);
    assert_eq!(world.read_by_customer("native-c1"), ["Hi"]);
    world.no_violations();
}

#[tokio::test]
async fn faults_hit_what_they_are_meant_for() {
    let world =
        whats_app(|config| config.virtual_agent_id = Some("5f0c00000000000000a9b0b1".to_owned())).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    world
        .rce
        .fail_next(FaultTarget::RestCreateContent, Fault::RateLimit, 1);
    assert_eq!(world.find("text:Hello").await.len(), 1, "a search is no reply");
    let (status, answer) = world
        .post_content(json!({"in_reply_to_id": hello, "body": "Hi"}))
        .await;
    assert_eq!((status, &answer["error"]), (429, &json!("rate_limit_exceeded")));
    for (target, method, path) in [
        (FaultTarget::RestBots, "POST", "/bots/engage"),
        (FaultTarget::RestComments, "POST", "/intervention_comments"),
        (FaultTarget::RestAttachments, "GET", "/attachments"),
        (FaultTarget::RestIdentities, "GET", "/identities"),
        (FaultTarget::RestInterventions, "GET", "/interventions"),
    ] {
        world
            .rce
            .fail_next(target, Fault::Status(503, "later".to_owned()), 1);
        assert_eq!(world.rest(method, path, "").await.0, 503, "{path}");
        assert_ne!(world.rest(method, path, "").await.0, 503, "{path}");
    }
    assert!(world.read_by_customer("native-c1").is_empty());
}

#[tokio::test]
async fn the_same_words_much_later_are_no_repeat() {
    let world = whats_app(|_| {}).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    world
        .rce
        .fail_next(FaultTarget::RestCreateContent, Fault::LoseAnswer, 1);
    let reply = json!({"in_reply_to_id": hello, "body": "Hi"});
    assert!(world.try_content(reply.clone()).await.is_err());
    world.rce.set_clock_ahead(SignedDuration::from_mins(3));
    assert_eq!(world.post_content(reply.clone()).await.0, 200);
    world.no_violations();
    let twice = world.rce.read(|state| state.nothing_twice("native-c1"));
    assert!(twice.is_err(), "the customer reads it twice all the same");

    let other = world.written(NativeMessage::new("c2", "Hello"));
    world.answers(&other, "Hi").await;
    world.rce.set_clock_ahead(SignedDuration::from_mins(14));
    world.answers(&other, "Hi").await;
    assert!(world.rce.read(|state| state.nothing_twice("native-c2")).is_ok());
}
