//! "Sent" means that the customer has it: what RCE reports of each message is followed to its end.

use std::time::Duration;

use handover_stories::{Bench, Setup};
use serde_json::{Value, json};
use simulated_ringcx::{FailExports, NativeKind, Which};

use crate::native::{finish, sentences};

fn chat() -> Setup {
    Setup::default().on(NativeKind::WhatsApp).timers("queue = 0")
}

async fn asked(setup: Setup) -> (Bench, String) {
    let bench = setup.start().await;
    let thread = bench.nadia_writes("Where is my parcel?");
    bench.until_quiet().await;
    (bench, thread)
}

async fn count(bench: &Bench, thread: &str, what: &str) -> usize {
    let happened = bench.what_happened(thread).await;
    happened.iter().filter(|it| *it == what).count()
}

#[tokio::test]
async fn what_arrived_is_noted_once() {
    let (bench, thread) = asked(chat()).await;
    bench.answers(&thread, "On its way").await;
    bench.until_quiet().await;
    bench.pass(Duration::from_hours(2));
    bench.until_quiet().await;
    assert_eq!(count(&bench, &thread, "message.delivered").await, 1);
    assert_eq!(count(&bench, &thread, "message.unconfirmed").await, 0);
    assert_eq!(bench.bot.kinds(), ["message.created"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_did_not_arrive_is_told_to_the_bot_and_the_agents_look_after_the_customer() {
    for fail in [
        FailExports::new(Which::All),
        FailExports::new(Which::All).aborted(),
    ] {
        for reported in [true, false] {
            let (bench, thread) = asked(chat()).await;
            bench.rce_reports(reported);
            bench.rce.set_fail_exports(Some(fail.clone()));
            let said = bench.answers(&thread, "On its way").await;
            bench.until_quiet().await;
            let failed = bench.bot.only("message.failed");
            assert_eq!(failed.data()["message"]["id"], said["id"]);
            assert_eq!(failed.data()["reason"], "not_delivered");
            assert_eq!(count(&bench, &thread, "message.not_delivered").await, 1);
            assert_eq!(bench.status(&thread).await, "queued");
            assert_eq!(bench.bot.only("handover.queued").data()["cause"], "reply_refused");
            assert!(bench.said(&thread).is_empty());
            bench.rce_reports(true);
            finish(bench, &thread).await;
        }
    }
}

#[tokio::test]
async fn a_lost_report_of_a_success_is_asked_for() {
    let (bench, thread) = asked(chat()).await;
    bench.rce_reports(false);
    bench.answers(&thread, "On its way").await;
    bench.until_quiet().await;
    assert_eq!(count(&bench, &thread, "message.delivered").await, 1);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn buttons_that_do_not_arrive_are_said_once_as_text() {
    let (bench, thread) = asked(chat()).await;
    bench.rce.set_fail_exports(Some(FailExports::new(Which::Next(1))));
    let items = json!([{"title": "Yes", "payload": "y"}, {"title": "No", "payload": "n"}]);
    let body = json!({"id": "m1", "from": "bot", "text": "Was that helpful?",
        "structured": {"type": "select", "items": items}});
    bench.message(&thread, body).await;
    bench.until_quiet().await;
    let seen = bench.seen(&thread);
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].structured_type(), None);
    let text = seen[0].text.clone().unwrap();
    assert!(
        text.contains("Was that helpful?") && text.contains("Yes"),
        "{text}"
    );
    assert_eq!(bench.handler(&thread).await, "bot");
    assert_eq!(bench.bot.kinds(), ["message.created"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn buttons_that_arrive_neither_way_are_given_up_once() {
    let (bench, thread) = asked(chat()).await;
    bench.rce.set_fail_exports(Some(FailExports::new(Which::All)));
    let items = json!([{"title": "Yes", "payload": "y"}]);
    let body = json!({"id": "m1", "from": "bot", "text": "Was that helpful?",
        "structured": {"type": "select", "items": items}});
    bench.message(&thread, body).await;
    bench.until_quiet().await;
    assert!(bench.seen(&thread).is_empty());
    let failed = bench.bot.only("message.failed");
    assert_eq!(
        failed.data()["message"]["id"],
        "m1",
        "the bot knows no other name"
    );
    assert_eq!(bench.status(&thread).await, "queued");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn slow_channels_are_waited_for() {
    let (bench, thread) = asked(chat()).await;
    bench.rce.set_export_delay(Duration::from_secs(1));
    bench.answers(&thread, "one").await;
    bench.answers(&thread, "two").await;
    for _ in 0..20 {
        bench.work().await;
        bench.pass(Duration::from_secs(5));
    }
    bench.until_quiet().await;
    assert_eq!(bench.said(&thread), ["one", "two"]);
    assert_eq!(count(&bench, &thread, "message.delivered").await, 2);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn an_agents_retry_of_what_failed_counts_as_delivered() {
    let (bench, thread) = asked(chat()).await;
    bench.rce.set_fail_exports(Some(FailExports::new(Which::Next(1))));
    bench.answers(&thread, "On its way").await;
    bench.until_quiet().await;
    let contents = bench.rce.contents(&thread);
    let failed = contents.last().unwrap().id.clone();
    bench.rce.retry_export(&failed).unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.said(&thread), ["On its way"]);
    assert_eq!(count(&bench, &thread, "message.delivered").await, 1);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn one_part_of_several_that_fails_is_reported_once() {
    let (bench, thread) = asked(chat()).await;
    let text = sentences(600);
    bench.rce.set_fail_exports(Some(FailExports::new(Which::All)));
    bench.answers(&thread, &text).await;
    bench.until_quiet().await;
    let failed: Vec<Value> = bench
        .bot
        .taken()
        .iter()
        .filter(|heard| heard.kind() == "message.failed")
        .map(|heard| heard.data()["message"]["id"].clone())
        .collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_long_text_before_buttons_that_do_not_arrive_is_not_said_again() {
    let (bench, thread) = asked(chat()).await;
    let text = sentences(300);
    bench
        .rce
        .set_fail_exports(Some(FailExports::new(Which::Every(2))));
    let items = json!([{"title": "Yes", "payload": "y"}, {"title": "No", "payload": "n"}]);
    let body = json!({"id": "m1", "from": "bot", "text": text,
        "structured": {"type": "select", "items": items}});
    bench.message(&thread, body).await;
    bench.until_quiet().await;
    let said = bench.said(&thread).join(" ");
    for n in [0, 100, 200, 299] {
        let times = said.matches(&format!("number {n}.")).count();
        assert_eq!(times, 1, "{n}");
    }
    finish(bench, &thread).await;
}
