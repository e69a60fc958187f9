//! What operators see: timelines with and without words.

use std::time::Duration;

use handover_stories::{Bench, Setup};
use serde_json::{Value, json};

#[tokio::test]
async fn a_timeline_tells_everything_in_order_and_words_only_to_operators() {
    let bench = Bench::new().await;
    bench.user_says("c1", "a private matter").await;
    bench.with_agent("c1").await;
    bench.rce.close("c1").unwrap();
    bench.until_quiet().await;
    let happened = bench.what_happened("c1").await;
    for what in [
        "message.accepted",
        "message.sent",
        "handover.requested",
        "handover.started",
        "agent_message.accepted",
        "event.delivered",
        "ringcx.event",
        "bot.resumed",
    ] {
        assert!(
            happened.contains(&what.to_owned()),
            "{what} is missing in {happened:?}"
        );
    }
    let entries = bench.timeline("c1").await;
    let times: Vec<&str> = entries
        .iter()
        .map(|entry| entry["at"].as_str().unwrap())
        .collect();
    assert!(times.is_sorted());
    let texts: Vec<&str> = entries
        .iter()
        .filter_map(|entry| entry["text"].as_str())
        .collect();
    assert_eq!(texts, ["a private matter", "I need a human", "Hello, Sam here"]);
    let ids = |name: &str| entries.iter().filter(|entry| entry[name].is_string()).count();
    assert!(ids("message_id") >= 5 && ids("event_id") >= 3, "{entries:#?}");

    let seen = bench
        .call("GET", "/conversations/c1/timeline", &Value::Null)
        .await
        .expect(200)
        .to_string();
    for text in texts {
        assert!(!seen.contains(text), "the bot's key shows {text}");
    }
    assert!(!seen.contains("Sam"), "nor a name");
    bench.finish().await;
}

#[tokio::test]
async fn times_are_rfc_3339_with_milliseconds() {
    let bench = Setup::default()
        .by_hand()
        .clock_at("2026-11-20T10:00:00.5Z")
        .start()
        .await;
    bench.waiting("c1").await;
    bench.queue_position("c1", 2, &json!(7)).await;
    bench.work().await;
    bench.pass(Duration::from_millis(1_250));
    bench.agent_writes("c1", "66aa", "hi").await;
    bench.work().await;
    let handover = bench.looks_at("c1").await["handover"].clone();
    assert_eq!(handover["requested_at"], "2026-11-20T10:00:00.500Z");
    assert_eq!(handover["accepted_at"], "2026-11-20T10:00:01.750Z");
    assert_eq!(handover["queue"]["at"], "2026-11-20T10:00:00.500Z");
    assert_eq!(handover["agent"], json!({"name": "Sam"}));
    assert_eq!(
        bench.bot.only("message.created").body["timestamp"],
        "2026-11-20T10:00:01.750Z"
    );
    bench.finish().await;
}

#[tokio::test]
async fn health_tells_a_version_and_nothing_secret() {
    let bench = Bench::new().await;
    let health = bench.request("GET", "/health", &[], "").await.expect(200);
    assert_eq!(health["status"], "ok");
    assert!(!health.to_string().contains("acme"));
    let document = bench.request("GET", "/openapi.json", &[], "").await.expect(200);
    assert!(
        document["openapi"]
            .as_str()
            .is_some_and(|version| version.starts_with("3.1")),
        "{document}"
    );
    bench.finish().await;
}
