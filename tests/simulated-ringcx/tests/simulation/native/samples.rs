//! Every answer and event has what the samples show.

use serde_json::json;
use simulated_ringcx::{NativeMessage, SendError};

use super::{text, whats_app};
use crate::samples::{has_the_shape_of, is_told_as};

#[tokio::test]
async fn answers_and_events_have_the_members_of_the_samples() {
    let world =
        whats_app(|config| config.virtual_agent_id = Some("5f0c00000000000000a9b0b1".to_owned())).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    let reply = json!({"in_reply_to_id": hello, "body": "Hi"});
    let (_, created) = world.post_content(reply).await;
    has_the_shape_of("rest-content-create", &created);
    let select = json!({"type": "select", "items": [{"title": "Yes"}]});
    let reply = json!({"in_reply_to_id": hello, "body": "Well?", "structured_content": select});
    has_the_shape_of(
        "rest-content-create-structured",
        &world.post_content(reply).await.1,
    );
    has_the_shape_of(
        "rest-content-get",
        &world.get(&format!("/contents/{hello}")).await,
    );
    has_the_shape_of("rest-contents-by-thread", &world.find("text:Hello").await[0]);
    has_the_shape_of("rest-content-create-422", &world.post_content(json!({})).await.1);
    let file = world.rce.upload("label.png", "image/png", "pixels", false);
    has_the_shape_of("rest-attachment-create", &file);
    let (_, it) = world
        .rest("POST", "/bots/engage", &format!("content_id={hello}"))
        .await;
    has_the_shape_of("rest-intervention-create", &it);
    let form = format!(
        "from=bot&to=agent&type=engage_virtual_agent&intervention_id={}",
        text(&it["id"])
    );
    has_the_shape_of(
        "rest-bots-handover",
        &world.rest("POST", "/bots/handover", &form).await.1,
    );
    let form = format!("intervention_id={}", text(&it["id"]));
    has_the_shape_of(
        "rest-bots-complete",
        &world.rest("POST", "/bots/complete", &form).await.1,
    );
    let ignored = world
        .rest("PUT", &format!("/contents/{hello}/ignore"), "")
        .await
        .1;
    has_the_shape_of("rest-content-ignore", &ignored);
    world.rce.close_thread("native-c1").expect("closed");
    let (_, refused) = world
        .post_content(json!({"in_reply_to_id": hello, "body": "x"}))
        .await;
    has_the_shape_of("rest-content-create-403-closed", &refused);

    world.rce.post_outside("native-c1", "Outside").expect("posted");
    let imported = world.told("content.imported").await;
    is_told_as("wh-content-imported-customer", &imported[0]);
    is_told_as("wh-content-imported-null-lists", &imported[0]);
    is_told_as("wh-content-imported-bot", &imported[1]);
    is_told_as(
        "wh-content-replied-agent",
        &world.told("content.replied").await[0],
    );
    is_told_as("wh-content-exported-ok", &world.told("content.exported").await[0]);
}

#[tokio::test]
async fn a_test_makes_up_events_about_one_content() -> Result<(), SendError> {
    let world = whats_app(|_| {}).await;
    let hello = world.written(NativeMessage::new("c1", "Hello"));
    world.written(NativeMessage::new("c1", "A later one"));
    world.settle().await;
    let changes = json!({"metadata": {"source_id": "somewhere-else"}});
    let event = world
        .rce
        .event_of("content.imported", &hello, &changes)
        .expect("a content");
    assert_eq!(event["resource"]["id"], json!(hello));
    assert_eq!(event["resource"]["metadata"]["source_id"], "somewhere-else");
    assert_eq!(world.rce.send_webhook_raw(json!([event])).await?, 200);
    assert_eq!(world.bridge.event_types().len(), 3);
    assert!(
        world
            .rce
            .event_of("content.imported", "none", &json!({}))
            .is_none()
    );
    let thread = world.rce.thread_of(&hello).expect("a thread");
    assert_eq!(thread.foreign_id, "native-c1");
    Ok(())
}
