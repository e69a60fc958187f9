//! The person leaves, or the bot takes the conversation back.

use handover_stories::desk::SAM;
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};
use simulated_ringcx::{Fault, FaultTarget};

#[tokio::test]
async fn br_066_who_leaves_the_queue_is_taken_out_of_it() {
    let bench = Bench::new().await;
    bench.waiting("c1").await;
    assert_eq!(bench.rce.read(|state| state.queue().count()), 1);
    let left = bench
        .ends_handover("c1", json!({"cause": "user_cancelled"}))
        .await;
    assert_eq!(
        (&left["handler"], &left["handover"]["status"]),
        (&json!("bot"), &json!("cancelled"))
    );
    bench.until_quiet().await;
    assert_eq!(bench.categories("c1"), ["bot"]);
    assert_eq!(bench.rce.read(|state| state.queue().count()), 0);
    assert!(bench.rce.thread("c1").unwrap().archived);
    let never = ["PUT /1.0/interventions", "DELETE /1.0/interventions"].map(|what| bench.asked_rce(what));
    assert_eq!(never, [0, 0]);
    let event = bench.bot.only("handover.cancelled");
    assert_eq!(
        (event.data()["cause"].as_str(), event.epoch()),
        (Some("user_cancelled"), 1)
    );
    bench.finish().await;
}

#[tokio::test]
async fn br_066_an_agent_who_answered_is_told_and_the_case_is_closed() {
    let bench = Bench::new().await;
    bench.with_agent("c1").await;
    bench.ends_handover("c1", json!({"cause": "bot_ended"})).await;
    bench.until_quiet().await;
    assert_eq!(bench.categories("c1"), ["bot"]);
    assert!(bench.rce.read(|state| state.open_intervention("c1").is_none()));
    assert_eq!(bench.asked_rce("PUT /1.0/interventions"), 1);
    assert_eq!(bench.asked_rce("DELETE /1.0/interventions"), 0);
    assert!(
        bench.in_rce("c1").last().unwrap().contains("bot took"),
        "{:?}",
        bench.in_rce("c1")
    );
    // The close that we caused ourselves comes back as an event and is no news.
    assert_eq!(bench.bot.kinds().last().unwrap(), "handover.cancelled");
    assert_eq!(bench.bot.only("handover.cancelled").data()["cause"], "bot_ended");
    bench.finish().await;
}

#[tokio::test]
async fn br_066_a_case_without_an_answer_is_cancelled() {
    let bench = Setup::default().rce(|rce| rce.task_mode = false).start().await;
    bench.user_says("c1", "hi").await;
    bench.asks_for_agent("c1", json!({})).await;
    bench.until_quiet().await;
    bench.rce.take("c1", SAM).unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.status("c1").await, "active");
    bench.ends_handover("c1", Value::Null).await;
    bench.until_quiet().await;
    assert_eq!(bench.asked_rce("DELETE /1.0/interventions"), 1);
    assert_eq!(bench.asked_rce("PUT /1.0/interventions"), 0);
    assert!(bench.rce.read(|state| state.open_intervention("c1").is_none()));
    bench.finish().await;
}

#[tokio::test]
async fn br_066_threads_are_never_closed() {
    let bench = Bench::new().await;
    bench.with_agent("c1").await;
    bench.rce.close("c1").unwrap();
    bench.until_quiet().await;
    bench.waiting("c2").await;
    bench.ends_handover("c2", json!({})).await;
    bench.until_quiet().await;
    let closing = bench
        .rce
        .requests()
        .iter()
        .any(|request| request.what.contains("content_threads/") && request.what.ends_with("/close"));
    assert!(!closing);
    bench.finish().await;
}

#[tokio::test]
async fn the_agent_may_be_faster_or_not_ours_to_close() {
    for fault in [
        Fault::Conflict,
        Fault::Status(
            403,
            r#"{"error":"forbidden","message":"not the owner","status":403}"#.to_owned(),
        ),
        Fault::Status(
            404,
            r#"{"error":"not_found","message":"gone","status":404}"#.to_owned(),
        ),
    ] {
        let bench = Setup::default().by_hand().start().await;
        bench.with_agent_by_hand("c1").await;
        bench.ends_handover("c1", json!({})).await;
        // The list is read first; the closing is the second request below /interventions.
        bench.rce.fail_next(
            FaultTarget::RestInterventions,
            Fault::Delay(std::time::Duration::ZERO),
            1,
        );
        bench.rce.fail_next(FaultTarget::RestInterventions, fault, 1);
        bench.until_quiet().await;
        assert_eq!(bench.categories("c1"), ["bot"]);
        assert_eq!(bench.bot.kinds(), ["handover.active", "handover.cancelled"]);
        bench.finish().await;
    }
}

#[tokio::test]
async fn leaving_twice_or_without_a_handover_changes_nothing() {
    let bench = Bench::new().await;
    bench.user_says("c1", "hi").await;
    let nothing = bench.ends_handover("c1", json!({})).await;
    assert_eq!(
        (&nothing["handler"], &nothing["handover"]["status"]),
        (&json!("bot"), &json!("none"))
    );
    bench.asks_for_agent("c1", json!({})).await;
    bench.ends_handover("c1", json!({})).await;
    let again = bench.ends_handover("c1", json!({})).await;
    assert_eq!(again["handover"]["status"], "cancelled");
    bench.until_quiet().await;
    assert_eq!(bench.bot.kinds(), ["handover.cancelled"]);
    assert_eq!(bench.categories("c1"), ["bot"]);
    bench.finish().await;
}

#[tokio::test]
async fn who_leaves_and_asks_again_is_in_the_queue_again_at_once() {
    let bench = Bench::new().await;
    bench.waiting("c1").await;
    bench.ends_handover("c1", json!({})).await;
    let second = bench.asks_for_agent("c1", json!({})).await;
    assert_eq!(second["epoch"], 2);
    bench.work().await;
    assert_eq!(bench.status("c1").await, "queued", "nothing to wait for");
    bench.until_quiet().await;
    assert_eq!(bench.categories("c1"), ["agent"]);
    assert_eq!(bench.bot.kinds(), ["handover.cancelled"]);
    bench.rce.take("c1", SAM).unwrap();
    bench.rce.reply("c1", SAM, "here again").unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.bot.taken().last().unwrap().epoch(), 2);
    bench.rce.close("c1").unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.bot.only("handover.completed").epoch(), 2);
    bench.finish().await;
}

#[tokio::test]
async fn the_bot_is_told_when_the_thread_is_back() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    bench
        .rce
        .fail_next(FaultTarget::RestAny, Fault::Status(503, "busy".to_owned()), 1);
    bench.ends_handover("c1", json!({})).await;
    bench.work().await;
    assert_eq!(bench.bot.kinds(), ["handover.active"], "not before");
    while bench.bot.kinds().len() < 2 {
        bench.pass(bench.until_next().await.expect("there is something to do"));
        bench.work().await;
    }
    assert_eq!(bench.categories("c1"), ["bot"]);
    bench.until_quiet().await;
    bench.finish().await;
}

#[tokio::test]
async fn the_bot_is_told_after_five_seconds_at_most_even_if_rce_is_down() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    bench
        .rce
        .fail_next(FaultTarget::RestAny, Fault::Status(503, "down".to_owned()), 1_000);
    bench.ends_handover("c1", json!({})).await;
    assert_eq!(bench.handler("c1").await, "bot", "nobody waits for RCE");
    let asked = bench.clock_now();
    bench.work().await;
    while !bench.bot.kinds().contains(&"handover.cancelled".to_owned()) {
        bench.pass(bench.until_next().await.expect("there is something to do"));
        bench.work().await;
    }
    assert!(bench.clock_now().duration_since(asked).as_secs_f64() <= 5.2);
    bench.rce.clear_faults();
    bench.until_quiet().await;
    assert_eq!(bench.categories("c1"), ["bot"], "and the rest followed");
    bench.finish().await;
}

#[tokio::test]
async fn the_last_words_of_an_agent_arrive_although_the_person_has_left() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    bench.pass(std::time::Duration::from_secs(30));
    let mut call = bench.agent_message("c1", "66aa", "Goodbye then");
    call["params"]["created_at"] = json!("2026-01-01T00:00:20Z");
    bench.ends_handover("c1", json!({})).await;
    bench.source_sdk(&call).await.expect(200);
    bench.until_quiet().await;
    assert_eq!(
        bench.handler("c1").await,
        "bot",
        "no takeover by words from before"
    );
    assert_eq!(bench.bot.texts(), ["Goodbye then"]);
    bench.finish().await;
}
