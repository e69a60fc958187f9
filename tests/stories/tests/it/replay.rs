//! Signed words that somebody saw once and sends again: nothing in a signature says that it was used before. What is taken is
//! known for longer than it is taken; what is older says so itself.

use std::time::Duration;

use handover_stories::desk::{SAM, signature};
use handover_stories::{Bench, Setup};
use jiff::SignedDuration;
use serde_json::{Value, json};

const DAY: Duration = Duration::from_hours(24);

/// A conversation that an agent holds for weeks.
async fn long_conversation(setup: Setup) -> Bench {
    let bench = setup.by_hand().timers("queue = 0\nmax_age = 0").start().await;
    bench.with_agent_by_hand("c1").await;
    bench
}

/// An agent's message that bears times, as RCE sends it.
fn dated(bench: &Bench, content: &str, text: &str) -> Value {
    let now = bench.clock_now().saturating_add(bench.rce_ahead());
    let now = now.expect("a time").to_string();
    let mut call = bench.agent_message("c1", content, text);
    call["time"] = json!(now);
    call["params"]["created_at"] = json!(now);
    call
}

async fn take(bench: &Bench, call: &Value) -> Value {
    bench.source_sdk(call).await.expect(200)
}

#[tokio::test]
async fn an_agents_message_that_is_sent_again_years_later_acts_never_again() {
    let bench = long_conversation(Setup::default()).await;
    let call = dated(&bench, "1", "once");
    take(&bench, &call).await;
    bench.until_quiet_by_hand().await;
    for days in [1, 2, 1, 2] {
        bench.pass(DAY * days);
        assert_eq!(
            take(&bench, &call).await,
            json!({"id": "rcx-1"}),
            "it is a repeat"
        );
        bench.until_quiet_by_hand().await;
    }
    for days in [2, 3, 30, 365] {
        bench.pass(DAY * days);
        bench.user_says("c1", "still here").await;
        let answer = take(&bench, &call).await;
        assert_eq!(answer["error"]["fatal"], true);
        let why = answer["error"]["message"].as_str().unwrap();
        assert!(why.contains("Please write it again"), "{why}");
        bench.until_quiet_by_hand().await;
    }
    assert_eq!(bench.bot.texts(), ["once"]);
    bench.finish().await;
}

#[tokio::test]
async fn what_an_agent_has_sent_again_by_hand_days_later_still_arrives() {
    let bench = long_conversation(Setup::default()).await;
    let mut call = dated(&bench, "1", "late");
    bench.pass(DAY * 6);
    call["params"]["retry"] = json!(true);
    take(&bench, &call).await;
    bench.work().await;
    // With a time of its own it may be however old.
    let mut call = dated(&bench, "2", "later");
    bench.pass(DAY * 40);
    call["params"]["retry"] = json!(true);
    call["time"] = json!(bench.clock_now().to_string());
    take(&bench, &call).await;
    bench.work().await;
    assert_eq!(bench.bot.texts(), ["late", "later"]);
    bench.finish().await;
}

#[tokio::test]
async fn a_message_without_a_time_is_taken_and_known_for_nine_days() {
    let bench = long_conversation(Setup::default()).await;
    let call = bench.agent_message("c1", "1", "undated");
    take(&bench, &call).await;
    bench.until_quiet_by_hand().await;
    bench.pass(Duration::from_mins(9 * 24 * 60 - 1));
    take(&bench, &call).await;
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.bot.texts(), ["undated"]);
    bench.finish().await;
}

#[tokio::test]
async fn a_clock_that_is_a_day_off_refuses_nobody_and_opens_no_hole() {
    for hours in [-24, 24] {
        let bench = long_conversation(Setup::default().rce_ahead(hours * 3600)).await;
        let call = dated(&bench, "1", "once");
        take(&bench, &call).await;
        bench.until_quiet_by_hand().await;
        let mut refused = 0;
        for _ in 0..20 {
            bench.pass(DAY / 2);
            let answer = take(&bench, &call).await;
            refused += usize::from(answer["error"]["fatal"] == true);
            bench.until_quiet_by_hand().await;
        }
        assert!(refused > 0, "it is too old in the end");
        assert_eq!(bench.bot.texts(), ["once"], "{hours} hours ahead");
        bench.finish().await;
    }
}

#[tokio::test]
async fn an_old_place_in_the_queue_is_not_told() {
    let bench = Setup::default().by_hand().timers("queue = 0").start().await;
    bench.waiting("c1").await;
    let update = |time: &str| {
        json!({"action": "messaging.queuing_update", "time": time, "params": {
            "estimated_wait_time": 60, "position": 1, "thread_id": bench.thread("c1")}})
    };
    let then = update(&bench.clock_now().to_string());
    take(&bench, &then).await;
    bench.work().await;
    assert_eq!(bench.bot.kinds(), ["handover.queued"]);
    bench.pass(Duration::from_mins(61));
    bench.queue_position("c1", 3, &json!(90)).await;
    assert_eq!(
        take(&bench, &then).await,
        json!({}),
        "it is answered and forgotten"
    );
    bench.until_quiet_by_hand().await;
    let last = bench.bot.taken().pop().unwrap();
    assert_eq!(last.data()["position"], 3);
    bench.finish().await;
}

#[tokio::test]
async fn an_event_that_is_older_than_we_remember_is_answered_and_forgotten() {
    let bench = long_conversation(Setup::default()).await;
    let mut event = bench.event("intervention.closed", "c1", &json!({}));
    // Of now, as far as its handover is concerned; the account's clock alone would make it young.
    event["issued_at"] = json!((bench.clock_now() - SignedDuration::from_hours(7 * 24 + 1)).to_string());
    let reply = bench.webhook_reply(&[event]).await;
    assert_eq!(reply.status, 200, "RCE does not switch the webhook off for it");
    assert!(bench.has_no_jobs().await);
    assert_eq!(bench.handler("c1").await, "agent");
    bench.finish().await;
}

#[tokio::test]
async fn our_own_signed_calls_cannot_be_held_against_us() {
    let bench = Bench::new().await;
    bench.with_agent("c1").await;
    bench.user_says("c1", "what the customer said").await;
    bench.until_quiet().await;
    let before = bench.bot.heard().len();
    let ours: Vec<Value> = bench
        .rce
        .requests()
        .iter()
        .filter(|request| request.what == "messages.create")
        .map(|request| request.body.clone())
        .collect();
    assert!(!ours.is_empty());
    for call in ours {
        let body = call.to_string();
        let signed = signature("simulated-source-token", body.as_bytes());
        let headers = [("x-smccsdk-signature", signed.as_str())];
        let reply = bench
            .request("POST", "/acme/handover/rce/source", &headers, body)
            .await;
        assert_eq!(reply.status, 422, "{}", reply.text());
    }
    bench.until_quiet().await;
    assert_eq!(bench.bot.heard().len(), before, "nobody speaks as an agent");
    bench.rce.reply("c1", SAM, "a real one").unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.bot.texts().last().map(String::as_str), Some("a real one"));
    bench.finish().await;
}
