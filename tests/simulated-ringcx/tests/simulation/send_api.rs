//! What the Send API takes and refuses.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulated_ringcx::{Fault, FaultTarget, SimulatedConfig, sign};

use crate::{World, bot, customer, message};

fn refused(status: u16, text: &str) -> (u16, String) {
    (status, text.to_owned())
}

#[tokio::test]
async fn every_documented_refusal() {
    let world = World::new().await;
    let url = world.rce.realtime_url();
    let token = world.rce.config().source_token.clone();
    let signed = |body: &str| (body.as_bytes().to_vec(), sign(&token, body.as_bytes()));

    let (body, signature) = signed("{}");
    let elsewhere = format!("{}/realtime/sdk/5f0c00000000000000000000", world.rce.base_url());
    let answer = world
        .send_raw(&elsewhere, body.clone(), &signature)
        .await
        .expect("an answer");
    assert_eq!(answer, refused(422, "Source not found"));
    assert_eq!(
        world.send_raw(&url, body.clone(), "00").await.expect("an answer"),
        refused(422, "Invalid signature")
    );
    let answer = world.send_raw(&url, body, &signature).await.expect("an answer");
    assert_eq!(answer, refused(400, "Invalid request format"));
    let (body, signature) = signed("{");
    assert_eq!(
        world.send_raw(&url, body, &signature).await.expect("an answer"),
        refused(400, "Bad request")
    );
    let (body, signature) = signed(&" ".repeat(20_971_521));
    let answer = world.send_raw(&url, body, &signature).await.expect("an answer");
    assert_eq!(answer, refused(413, "Invalid request size (max: 20971520 bytes)"));

    let invalid = refused(422, "Invalid action");
    assert_eq!(world.send("messages.delete", json!({})).await, invalid);
    assert_eq!(
        world.send("private_messages.create", json!({})).await,
        invalid,
        "it was not declared"
    );
    let resource = refused(422, "Invalid resource format");
    assert_eq!(world.send("messages.create", json!({"id": "m"})).await, resource);
    assert_eq!(world.send("users.create", json!({"id": "u"})).await, resource);
    assert_eq!(
        world.send("typing.start", json!({"thread_id": "conv-1"})).await,
        resource
    );
    assert!(world.rce.thread("conv-1").is_none());
}

#[tokio::test]
async fn structured_content_has_rules_of_its_own() {
    let world = World::new().await;
    let send = async |content: Value, author: Value| {
        let mut params = message("conv-1", "msg-s", "Which product?");
        params["structured_content"] = content;
        params["author"] = author;
        world.send("messages.create", params).await
    };
    let select = json!({"type": "select", "items": [{"title": "Modem"}]});
    let type_required = refused(422, "Type is required for structured contents");
    assert_eq!(send(json!({"items": []}), bot()).await, type_required);
    let unsupported = refused(422, "Source doesn't support this type of structured content");
    assert_eq!(send(json!({"type": "form"}), bot()).await, unsupported);
    let empty = refused(422, "structured_content: \"items\" must not be empty");
    assert_eq!(send(json!({"type": "select"}), bot()).await, empty);
    let puppet = refused(422, "The author must be puppetizable");
    assert_eq!(send(select.clone(), customer()).await, puppet);
    let mut stranger = bot();
    stranger["id"] = json!("not-controlled");
    assert_eq!(send(select.clone(), stranger).await, puppet);
    assert_eq!(send(select, bot()).await, refused(200, "ok"));
}

#[tokio::test]
async fn the_signature_may_come_in_the_query() {
    let world = World::new().await;
    let body = json!({"action": "messages.create", "params": message("conv-1", "msg-1", "Hi")}).to_string();
    let signature = sign(&SimulatedConfig::default().source_token, body.as_bytes());
    let url = format!("{}?signature={signature}", world.rce.realtime_url());
    let answer = world
        .send_raw(&url, body.into_bytes(), "")
        .await
        .expect("an answer");
    assert_eq!(answer, refused(200, "ok"));
}

#[tokio::test]
async fn the_same_id_is_the_same_message() {
    let world = World::new().await;
    for _ in 0..3 {
        world.customer_says("conv-1", "msg-1", "Hi").await;
    }
    let contents = world.rce.contents("conv-1");
    assert_eq!(contents.len(), 1);
    assert_eq!(contents[0].repeats, 2);
    world.no_violations();
    world.customer_says("conv-1", "msg-1", "Something else").await;
    assert_eq!(world.rules(), ["repeat-differs"]);
    world.customer_says("conv:2", "msg 2", "Unsafe").await;
    assert_eq!(world.rules(), ["repeat-differs", "unsafe-id", "unsafe-id"]);
}

#[tokio::test]
async fn typing_is_limited_per_thread() {
    let world = World::with(|config| config.typing_interval = Duration::from_mins(10)).await;
    world.customer_says("conv-1", "msg-1", "Hi").await;
    world.customer_says("conv-2", "msg-2", "Hi").await;
    let start = async |thread: &str| {
        world
            .send("typing.start", json!({"thread_id": thread, "preview": "I"}))
            .await
            .0
    };
    assert_eq!(start("conv-1").await, 200);
    let again = world
        .send("typing.start", json!({"thread_id": "conv-1", "preview": "I st"}))
        .await;
    assert_eq!(
        again,
        refused(429, "too many typing requests, please try again in a few seconds")
    );
    assert_eq!(start("conv-2").await, 200);
    assert_eq!(world.rce.snapshot()["typing"][0]["preview"], "I");
    assert_eq!(
        world.send("typing.stop", json!({"thread_id": "conv-1"})).await.0,
        200
    );
    assert_eq!(start("conv-1").await, 200);
    world.customer_says("conv-1", "msg-3", "I still wait").await;
    assert_eq!(world.rce.snapshot()["typing"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_read_mark_names_the_id_that_the_bridge_returned() {
    let world = World::new().await;
    world.customer_says("conv-1", "msg-1", "Hi").await;
    world.to_agents("conv-1").await;
    world.rce.take("conv-1", &world.agent(0)).expect("taken");
    let content = world
        .rce
        .reply("conv-1", &world.agent(0), "Hello")
        .expect("answered");
    world.settle().await;
    assert_eq!(
        world
            .send("status.mark_as_read", json!({"id": format!("rcx-{content}")}))
            .await
            .0,
        200
    );
    assert!(world.rce.contents("conv-1")[1].read);
    world.no_violations();
    assert_eq!(
        world
            .send("status.mark_as_read", json!({"id": content + "?"}))
            .await
            .0,
        200
    );
    assert_eq!(world.rules(), ["unknown-read-mark"]);
}

#[tokio::test]
async fn faults_hit_as_often_as_they_are_armed() {
    let world = World::new().await;
    world.rce.fail_next(
        FaultTarget::SendApiMessages,
        Fault::Status(503, "down".to_owned()),
        2,
    );
    for _ in 0..2 {
        assert_eq!(
            world
                .send("messages.create", message("conv-1", "msg-1", "Hi"))
                .await,
            refused(503, "down")
        );
    }
    assert!(world.rce.thread("conv-1").is_none());

    let body = json!({"action": "messages.create", "params": message("conv-1", "msg-1", "Hi")}).to_string();
    let signature = sign(&world.rce.config().source_token, body.as_bytes());
    let url = world.rce.realtime_url();
    world.rce.fail_next(FaultTarget::SendApi, Fault::Drop, 1);
    assert!(
        world
            .send_raw(&url, body.clone().into_bytes(), &signature)
            .await
            .is_err()
    );
    assert!(world.rce.thread("conv-1").is_none());

    world.rce.fail_next(FaultTarget::SendApi, Fault::LoseAnswer, 1);
    assert!(world.send_raw(&url, body.into_bytes(), &signature).await.is_err());
    assert_eq!(
        world.rce.contents("conv-1").len(),
        1,
        "it happened although nobody heard so"
    );

    let clock = Instant::now();
    world
        .rce
        .fail_next(FaultTarget::SendApi, Fault::Delay(Duration::from_millis(50)), 1);
    world.customer_says("conv-1", "msg-1", "Hi").await;
    assert!(clock.elapsed() >= Duration::from_millis(50));
    let statuses: Vec<u16> = world
        .rce
        .requests()
        .iter()
        .map(|request| request.status)
        .collect();
    assert_eq!(statuses, [503, 503, 0, 0, 200]);
}
