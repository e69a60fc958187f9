//! An RCE that limits us, or takes its time.

use std::time::Duration;

use handover_stories::{Bench, Setup};
use serde_json::json;
use simulated_ringcx::{Fault, FaultTarget};

fn refusal(status: u16) -> Fault {
    let body = json!({"error": "some_error", "message": "quoted text", "status": status});
    Fault::Status(status, body.to_string())
}

#[tokio::test]
async fn br_065_when_rce_limits_us_everybody_waits() {
    let bench = Bench::new().await;
    bench.knows_opening_hours().await;
    for conversation in ["c1", "c2"] {
        bench.user_says(conversation, "hi").await;
    }
    bench.until_quiet().await;
    bench.rce.fail_next(FaultTarget::RestAny, refusal(429), 1);
    bench.asks_for_agent("c1", json!({})).await;
    bench.asks_for_agent("c2", json!({})).await;
    let before = bench.asked_rce("GET");
    bench.work().await;
    assert_eq!(
        bench.asked_rce("GET"),
        before + 1,
        "the second one did not even ask"
    );
    assert!(bench.until_next().await.unwrap() >= Duration::from_secs(4));
    bench.until_quiet().await;
    assert_eq!(
        (bench.status("c1").await, bench.status("c2").await),
        ("queued".into(), "queued".into())
    );
    bench.finish().await;
}

#[tokio::test]
async fn br_065_our_own_limit_delays_and_never_fails() {
    let bench = Setup::default().ringcx("requests_per_minute = 3").start().await;
    let asked = bench.clock_now();
    for n in 0..6 {
        let conversation = format!("c{n}");
        bench.user_says(&conversation, "hi").await;
        bench.asks_for_agent(&conversation, json!({})).await;
    }
    bench.until_quiet().await;
    for n in 0..6 {
        assert_eq!(bench.status(&format!("c{n}")).await, "queued");
    }
    let calls = bench
        .rce
        .requests()
        .iter()
        .filter(|r| r.what.contains("/1.0/"))
        .count();
    let minutes = bench.clock_now().duration_since(asked).as_secs_f64() / 60.0;
    assert!(
        calls >= 12 && minutes >= 3.0,
        "{calls} calls in {minutes} minutes"
    );
    assert!(bench.bot.heard().is_empty());
    bench.finish().await;
}

#[tokio::test]
async fn an_rce_that_is_slow_does_not_keep_the_bot_from_resuming() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    bench.rce.fail_next(FaultTarget::RestAny, refusal(503), 1_000);
    let closed = bench.event("intervention.closed", "c1", &json!({}));
    bench.webhook(&[closed]).await;
    let begun = bench.clock_now();
    bench.work().await;
    assert_eq!(bench.handler("c1").await, "agent", "the category comes first");
    while !bench.bot.kinds().contains(&"handover.completed".to_owned()) {
        bench.pass(bench.until_next().await.expect("it is tried again"));
        bench.work().await;
    }
    assert!(bench.clock_now().duration_since(begun).as_secs_f64() <= 5.2);
    assert_eq!(bench.handler("c1").await, "bot");
    bench.rce.clear_faults();
    bench.until_quiet().await;
    assert_eq!(bench.categories("c1"), ["bot"]);
    bench.finish().await;
}

#[tokio::test]
async fn a_person_who_writes_meanwhile_is_answered_by_the_bot_at_once() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    bench.rce.fail_next(FaultTarget::RestAny, refusal(503), 3);
    let closed = bench.event("intervention.closed", "c1", &json!({}));
    bench.webhook(&[closed]).await;
    bench.work().await;
    let said = bench.user_says("c1", "are you there?").await;
    assert_eq!(said["handler"], "bot");
    bench.until_quiet().await;
    assert_eq!(
        bench
            .bot
            .kinds()
            .iter()
            .filter(|kind| *kind == "handover.completed")
            .count(),
        1
    );
    assert_eq!(bench.categories("c1"), ["bot"]);
    bench.finish().await;
}

#[tokio::test]
async fn who_asks_again_right_after_a_failure_does_not_wait_for_what_failed() {
    let bench = Bench::new().await;
    bench.user_says("c1", "hi").await;
    bench.until_quiet().await;
    bench.rce.fail_next(FaultTarget::RestCategorize, refusal(422), 1);
    bench.asks_for_agent("c1", json!({})).await;
    bench.work_on(handover_core::job::QueueName::ToRingcx).await;
    assert_eq!(
        bench.status("c1").await,
        "failed",
        "and the thread is not put back yet"
    );
    let second = bench.asks_for_agent("c1", json!({})).await;
    assert_eq!(second["epoch"], 2);
    bench.work().await;
    assert_eq!(bench.status("c1").await, "queued", "no time had to pass");
    assert_eq!(bench.take_dead_letters().await.len(), 1);
    bench.until_quiet().await;
    assert_eq!(bench.categories("c1"), ["agent"]);
    bench.finish().await;
}
