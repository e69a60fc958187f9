//! An RCE that conflicts, limits, fails, is slow, or does not know yet.

use handover_stories::{Bench, Setup};
use serde_json::json;
use simulated_ringcx::{Fault, FaultTarget, IndexLag};

fn refusal(status: u16) -> Fault {
    let body = json!({"error": "some_error", "message": "quoted text", "status": status});
    Fault::Status(status, body.to_string())
}

#[tokio::test]
async fn br_032_a_message_that_waits_is_not_overtaken() {
    let bench = Bench::new().await;
    bench.rce.fail_next(FaultTarget::SendApiMessages, refusal(503), 3);
    for text in ["one", "two", "three"] {
        bench.user_says("c1", text).await;
    }
    bench.user_says("c2", "somebody else").await;
    bench.until_quiet().await;
    assert_eq!(bench.in_rce("c1"), ["one", "two", "three"]);
    assert_eq!(bench.in_rce("c2"), ["somebody else"]);
    let first = bench.rce.requests().first().unwrap().body["params"]["id"].clone();
    let tries = bench
        .rce
        .requests()
        .iter()
        .filter(|request| request.body["params"]["id"] == first)
        .count();
    assert!(tries >= 2, "the same id every time");
    bench.finish().await;
}

#[tokio::test]
async fn br_033_what_rce_refuses_for_good_is_not_tried_again_and_the_bot_is_told() {
    for (status, text) in [
        (400, "Bad request"),
        (413, "Invalid request size (max: 20971520 bytes)"),
        (422, "Source not found"),
        (422, "Invalid resource format"),
        (403, ""),
        (404, ""),
    ] {
        let bench = Bench::new().await;
        bench
            .rce
            .fail_next(FaultTarget::SendApi, Fault::Status(status, text.to_owned()), 1);
        bench.user_says("c1", "refused").await;
        bench.user_says("c1", "accepted").await;
        bench.until_quiet().await;
        assert_eq!(bench.in_rce("c1"), ["accepted"], "{status} {text}");
        let letters = bench.take_dead_letters().await;
        assert_eq!((letters.len(), letters[0].attempts), (1, 1));
        assert!(
            letters[0].reason.contains(&status.to_string()),
            "{}",
            letters[0].reason
        );
        assert_eq!(bench.bot.only("message.failed").data()["message"]["id"], "u-1");
        bench.finish().await;
    }
}

#[tokio::test]
async fn br_033_what_passes_is_tried_again() {
    for fault in [
        refusal(500),
        refusal(502),
        Fault::Status(504, "<html>gateway</html>".to_owned()),
        Fault::Status(429, String::new()),
        Fault::Drop,
        Fault::LoseAnswer,
    ] {
        let bench = Bench::new().await;
        bench.rce.fail_next(FaultTarget::SendApi, fault, 2);
        bench.user_says("c1", "hi").await;
        bench.until_quiet().await;
        assert_eq!(bench.in_rce("c1"), ["hi"]);
        assert!(bench.bot.heard().is_empty());
        bench.finish().await;
    }
}

#[tokio::test]
async fn br_062_a_thread_that_is_not_indexed_yet_is_looked_for_again() {
    let bench = Setup::default()
        .rce(|rce| rce.index_lag = IndexLag::Searches(4))
        .start()
        .await;
    bench.user_says("c1", "hi").await;
    let handover = bench.asks_for_agent("c1", json!({})).await;
    assert_eq!(handover["status"], "requested");
    bench.until_quiet().await;
    assert_eq!(bench.status("c1").await, "queued");
    assert_eq!(bench.categories("c1"), ["agent"]);
    assert_eq!(bench.in_rce("c1"), ["hi"], "said once");
    bench.finish().await;
}

#[tokio::test]
async fn br_062_a_thread_that_is_known_is_not_searched() {
    let bench = Setup::default().by_hand().start().await;
    bench.user_says("c1", "hi").await;
    bench.work().await;
    let created = bench.event("task.created", "c1", &json!({}));
    bench.webhook(&[created]).await;
    bench.work().await;
    bench.knows_opening_hours().await;
    let before = bench.rce.requests().len();
    bench.asks_for_agent("c1", json!({})).await;
    bench.work().await;
    let asked = bench.rce.requests().split_off(before);
    let asked = asked.into_iter().map(|request| request.what);
    // The Send API has no budget.
    let asked: Vec<String> = asked.filter(|what| what.contains("/1.0/")).collect();
    let thread = bench.rce.thread("c1").unwrap().id;
    let expected = [
        format!("GET /1.0/content_threads/{thread}"),
        format!("PUT /1.0/content_threads/{thread}/update_categories"),
    ];
    assert_eq!(asked, expected, "two calls at the start of a handover");
    bench.finish().await;
}

#[tokio::test]
async fn br_063_a_conflict_is_tried_again_and_other_categories_stay() {
    let bench = Bench::new().await;
    let billing = "5f0c0000000000000000ca01";
    bench.user_says("c1", "hi").await;
    bench
        .rce
        .fail_next(FaultTarget::RestCategorize, Fault::Conflict, 2);
    bench
        .asks_for_agent("c1", json!({"category_ids": [billing]}))
        .await;
    bench.until_quiet().await;
    assert_eq!(bench.categories("c1"), ["agent", billing]);
    bench.rce.take("c1", handover_stories::desk::SAM).unwrap();
    bench
        .rce
        .reply("c1", handover_stories::desk::SAM, "hello")
        .unwrap();
    bench.until_quiet().await;
    bench
        .rce
        .fail_next(FaultTarget::RestCategorize, Fault::Conflict, 1);
    bench.rce.close("c1").unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.categories("c1"), [billing, "bot"]);
    bench.finish().await;
}

#[tokio::test]
async fn br_063_nothing_is_written_where_nothing_changes() {
    let bench = Bench::new().await;
    bench.user_says("c1", "hi").await;
    bench.until_quiet().await;
    bench.rce.move_to("c1", "agent").unwrap();
    bench.asks_for_agent("c1", json!({})).await;
    bench.until_quiet().await;
    assert_eq!(bench.status("c1").await, "queued");
    let writes = bench
        .rce
        .requests()
        .iter()
        .filter(|r| r.what.ends_with("update_categories"))
        .count();
    assert_eq!(writes, 0);
    bench.finish().await;
}

#[tokio::test]
async fn br_064_a_handover_that_rce_refuses_fails_with_the_reason() {
    for (target, fault, reason) in [
        (FaultTarget::RestAny, refusal(404), "ringcx_not_found"),
        (FaultTarget::RestAny, refusal(401), "ringcx_not_permitted"),
        (FaultTarget::RestAny, refusal(403), "ringcx_not_permitted"),
        (FaultTarget::RestCategorize, refusal(422), "ringcx_refused"),
        (FaultTarget::RestCategorize, refusal(404), "ringcx_not_found"),
    ] {
        let bench = Bench::new().await;
        bench.knows_opening_hours().await;
        bench.user_says("c1", "hi").await;
        bench.rce.fail_next(target, fault, 1);
        bench.asks_for_agent("c1", json!({})).await;
        bench.until_quiet().await;
        assert_eq!(
            (
                bench.status("c1").await.as_str(),
                bench.handler("c1").await.as_str()
            ),
            ("failed", "bot")
        );
        let event = bench.bot.only("handover.failed");
        assert_eq!(event.data()["reason"], reason);
        let letter = bench.take_dead_letters().await.remove(0);
        assert!(
            !letter.reason.contains("quoted text"),
            "the vendor's text may quote what was sent"
        );
        assert_eq!(bench.categories("c1"), ["bot"]);
        // And the next one works at once.
        bench.asks_for_agent("c1", json!({})).await;
        bench.work().await;
        assert_eq!(bench.status("c1").await, "queued", "nothing to wait for");
        bench.finish().await;
    }
}

#[tokio::test]
async fn br_064_an_rce_that_stays_away_fails_the_handover_within_its_budget() {
    let bench = Bench::new().await;
    bench.user_says("c1", "hi").await;
    bench.until_quiet().await;
    let asked = bench.clock_now();
    bench.rce.fail_next(
        FaultTarget::RestAny,
        Fault::Status(502, "<html>no JSON</html>".to_owned()),
        1_000,
    );
    bench.asks_for_agent("c1", json!({})).await;
    while bench.status("c1").await == "requested" {
        bench.work().await;
        if bench.status("c1").await == "requested" {
            bench.pass(bench.until_next().await.expect("it is tried again"));
        }
    }
    let seconds = bench.clock_now().duration_since(asked).as_secs();
    assert!((90..=180).contains(&seconds), "{seconds}");
    bench.rce.clear_faults();
    bench.until_quiet().await;
    assert_eq!(bench.bot.kinds(), ["handover.failed"]);
    assert_eq!(bench.take_dead_letters().await.len(), 1);
    bench.finish().await;
}

#[tokio::test]
async fn br_067_only_closed_and_closed_at_tell_that_a_case_is_over() {
    let bench = Setup::default().by_hand().start().await;
    bench.with_agent_by_hand("c1").await;
    // The simulated account shows a localised status; the destroyed task makes us look at the cases.
    let destroyed = bench.event("task.destroyed", "c1", &json!({}));
    bench.webhook(&[destroyed]).await;
    bench.work().await;
    assert_eq!(bench.status("c1").await, "active");
    bench.rce.close("c1").unwrap();
    let destroyed = bench.event("task.destroyed", "c1", &json!({}));
    bench.webhook(&[destroyed]).await;
    bench.work().await;
    assert_eq!(bench.status("c1").await, "completed");
    bench.finish().await;
}

#[tokio::test]
async fn who_said_nothing_that_rce_would_take_reaches_an_agent_all_the_same() {
    let bench = Setup::default().by_hand().start().await;
    bench.rce.fail_next(FaultTarget::SendApiMessages, refusal(422), 1);
    bench.user_says("c1", "refused").await;
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.take_dead_letters().await.len(), 1);
    bench.asks_for_agent("c1", json!({})).await;
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.status("c1").await, "queued");
    assert_eq!(bench.in_rce("c1"), ["The customer asks for an agent."]);
    assert_eq!(bench.categories("c1"), ["agent"]);
    bench.finish().await;
}
