//! Availability of agents.

use std::time::Duration;

use handover_core::ports::{Agents, RingCx as _, RingCxError};
use serde_json::{Value, json};

use super::Bench;

fn source() -> Value {
    json!({"id": "50c1", "active": true, "channel_id": "ch-1", "error_message": null})
}

fn agent(channel: &str, status: &Value, busyness: &Value) -> Value {
    json!({"agent_id": null, "custom_status": null, "channels": [
        {"id": "ch-9", "name": "Realtime", "status": "available", "busyness": "ok"},
        {"id": channel, "name": null, "status": status, "busyness": busyness},
    ]})
}

async fn count(bench: &Bench) -> Option<usize> {
    let agents = bench.client.agents(&bench.connection).await.unwrap();
    agents.as_ref().map(Agents::with_room)
}

#[tokio::test]
async fn br_068_agents_count_by_channel_id_availability_and_room() {
    let bench = Bench::new().await;
    let available = json!("available");
    let agents = json!([
        agent("ch-1", &available, &json!("ok")),
        agent("ch-1", &available, &json!("busy")),
        agent("ch-1", &available, &json!(null)),
        agent("ch-1", &available, &json!("full")),
        agent("ch-1", &json!("away"), &json!("unoccupied")),
        agent("ch-1", &json!(null), &json!("unoccupied")),
        agent("ch-2", &available, &json!("ok")),
        {"agent_id": "b", "channels": null}, null,
    ]);
    bench.server.answers_json(&source()).answers_json(&agents);
    assert_eq!(count(&bench).await, Some(3));
    let targets: Vec<String> = bench
        .server
        .seen()
        .iter()
        .map(|seen| seen.target.clone())
        .collect();
    let expected = [
        "/1.0/content_sources/50c1",
        "/1.0/status?source_ids%5B%5D=50c1&category_ids%5B%5D=ca-agent",
    ];
    assert_eq!(targets, expected);
}

#[tokio::test]
async fn br_068_nobody_connected_is_zero() {
    let bench = Bench::new().await;
    bench.server.answers_json(&source()).answers_json(&json!([]));
    assert_eq!(count(&bench).await, Some(0));
}

#[tokio::test]
async fn the_channel_of_a_source_is_remembered_for_ten_minutes() {
    let bench = Bench::new().await;
    bench
        .server
        .answers_json(&source())
        .answers_json(&json!([]))
        .answers_json(&json!([]));
    count(&bench).await;
    bench.clock.pass(Duration::from_secs(599));
    count(&bench).await;
    assert_eq!(bench.server.seen().len(), 3);
    bench.clock.pass(Duration::from_secs(1));
    bench.server.answers_json(&source()).answers_json(&json!([]));
    count(&bench).await;
    assert_eq!(bench.server.seen().len(), 5);
}

#[tokio::test]
async fn br_068_a_missing_right_is_unknown_and_blocks_nothing() {
    let forbidden = r#"{"error":"forbidden","message":"…","status":403}"#;
    let bench = Bench::new().await;
    bench.server.answers(403, forbidden);
    assert_eq!(count(&bench).await, None);
    bench.server.answers_json(&source()).answers(403, forbidden);
    assert_eq!(count(&bench).await, None);
    let bench = Bench::new().await;
    bench.server.answers_json(&json!({"channel_id": null}));
    assert_eq!(count(&bench).await, None, "the source is in no group");
}

#[tokio::test]
async fn br_068_trouble_is_trouble() {
    let bench = Bench::new().await;
    bench
        .server
        .answers_json(&source())
        .answers_json(&json!({"records": []}));
    let outcome = bench.client.agents(&bench.connection).await;
    assert!(
        matches!(outcome, Err(RingCxError::Unavailable { status: 200 })),
        "{outcome:?}"
    );
}

async fn name(bench: &Bench) -> Result<Option<String>, RingCxError> {
    bench.client.agent_name(&bench.connection, &"a-1".into()).await
}

#[tokio::test]
async fn an_agents_nickname_is_asked_for_once_and_a_surname_is_never_told() {
    let bench = Bench::new().await;
    bench
        .server
        .answers_json(&json!({"id": "a-1", "firstname": "Sam", "lastname": "Okafor", "nickname": "Sammy"}));
    assert_eq!(name(&bench).await.unwrap().as_deref(), Some("Sammy"));
    assert_eq!(name(&bench).await.unwrap().as_deref(), Some("Sammy"));
    assert_eq!(bench.server.seen().len(), 1);
    assert_eq!(bench.server.seen()[0].target, "/1.0/users/a-1");

    let bench = Bench::new().await;
    bench
        .server
        .answers_json(&json!({"id": "a-1", "firstname": "Sam", "lastname": "Okafor", "nickname": " "}));
    assert_eq!(name(&bench).await.unwrap().as_deref(), Some("Sam"));
}
