//! Typing and read marks.

use std::time::Duration;

use handover_stories::chat::at;
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};

#[tokio::test]
async fn br_039_typing_is_throttled_and_shown_only_to_agents() {
    let bench = Setup::default().by_hand().start().await;
    bench.user_says("c1", "hi").await;
    let typing = at("c1") + "/typing";
    let start = json!({"state": "start", "preview": "I still ha"});
    bench.call("POST", &typing, &start).await.expect(202);
    assert_eq!(bench.asked_rce("typing"), 0, "the bot has the conversation");
    bench.asks_for_agent("c1", json!({})).await;
    bench.work().await;
    for _ in 0..5 {
        bench.call("POST", &typing, &start).await.expect(202);
    }
    assert_eq!(bench.asked_rce("typing.start"), 1);
    bench.pass(Duration::from_secs(2));
    bench
        .call("POST", &typing, &json!({"state": "start"}))
        .await
        .expect(202);
    assert_eq!(bench.asked_rce("typing.start"), 2);
    bench
        .call("POST", &typing, &json!({"state": "stop"}))
        .await
        .expect(202);
    assert_eq!(
        bench.asked_rce("typing.stop"),
        1,
        "the agent sees that it stopped"
    );
    let starts: Vec<Value> = bench
        .rce
        .requests()
        .iter()
        .filter(|request| request.what == "typing.start")
        .map(|request| request.body["params"]["preview"].clone())
        .collect();
    assert_eq!(starts[0], "I still ha");
    assert!(
        starts[1].as_str().is_some_and(|preview| !preview.is_empty()),
        "{starts:?}"
    );
    assert!(bench.has_no_jobs().await, "never queued");
    bench.finish().await;
}

#[tokio::test]
async fn br_039_typing_that_rce_refuses_is_dropped() {
    let bench = Setup::default().by_hand().start().await;
    bench.user_says("c1", "hi").await;
    bench.asks_for_agent("c1", json!({})).await;
    bench.work().await;
    for status in [429, 500, 422] {
        let fault = simulated_ringcx::Fault::Status(status, "no".to_owned());
        bench
            .rce
            .fail_next(simulated_ringcx::FaultTarget::SendApiTyping, fault, 1);
        bench.pass(Duration::from_secs(2));
        bench
            .call("POST", &(at("c1") + "/typing"), &json!({"state": "start"}))
            .await
            .expect(202);
    }
    assert_eq!(bench.asked_rce("typing.start"), 3, "each was tried once");
    assert!(bench.has_no_jobs().await);
    bench.finish().await;
}

#[tokio::test]
async fn br_040_a_read_mark_names_the_message_by_the_id_that_rce_got_from_us() {
    let bench = Bench::new().await;
    bench.with_agent("c1").await;
    let id = bench.bot.only("message.created").data()["message"]["id"].clone();
    bench
        .call("POST", &(at("c1") + "/read"), &json!({"message_id": id}))
        .await
        .expect(202);
    bench.until_quiet().await;
    let read = bench
        .rce
        .contents("c1")
        .iter()
        .any(|content| content.foreign_id.as_deref() == id.as_str() && content.read);
    assert!(read);
    bench.finish().await;
}
