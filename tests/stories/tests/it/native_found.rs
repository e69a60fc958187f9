//! What an independent judge found on channels of RCE's own: each of it is a story.

use std::time::Duration;

use handover_stories::Setup;
use handover_stories::bot::Answer;
use handover_stories::desk::SAM;
use serde_json::json;
use simulated_ringcx::{Fault, FaultTarget, IndexLag, NativeKind, NativeMessage};

use crate::native::finish;

fn chat() -> Setup {
    Setup::default().on(NativeKind::WhatsApp)
}

#[tokio::test]
async fn who_has_the_conversation_does_not_wait_for_a_bot_that_is_down() {
    let bench = chat().timers("bot_silent = 5\nreconcile_every = 0").start().await;
    bench.bot.answers(vec![Answer::Status(503); 500]);
    let thread = bench.nadia_writes("Is anybody there?");
    for _ in 0..8 {
        bench.work().await;
        bench.settle().await;
        bench.pass(Duration::from_secs(1));
    }
    bench.work().await;
    assert_eq!(bench.categories(&thread), ["agent"]);
    bench.rce.take(&thread, SAM).unwrap();
    bench.rce.reply(&thread, SAM, "Sam here").unwrap();
    bench.settle().await;
    bench.work().await;
    assert_eq!(bench.status(&thread).await, "active");
    assert_eq!(bench.comments(&thread).len(), 1, "and they read why");
    bench.rce.close(&thread).unwrap();
    bench.settle().await;
    bench.work().await;
    assert_eq!(
        bench.categories(&thread),
        ["bot"],
        "the bot hears of it whenever it can"
    );
    assert_eq!(bench.handler(&thread).await, "bot");
    // It is still down: the next words go to the agents as well.
    bench.nadia_writes("And now?");
    for _ in 0..8 {
        bench.settle().await;
        bench.work().await;
        bench.pass(Duration::from_secs(1));
    }
    bench.work().await;
    assert_eq!(bench.categories(&thread), ["agent"]);
    bench.bot.forget_script();
    bench.until_quiet().await;
    assert_eq!(bench.said(&thread), ["Sam here"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn an_agent_of_whom_nobody_reported_is_seen_in_what_the_person_writes() {
    let bench = chat().timers("reconcile_every = 0").start().await;
    let thread = bench.nadia_writes("Hi");
    bench.until_quiet().await;
    bench.answers(&thread, "Hello").await;
    bench.until_quiet().await;
    bench.rce_reports(false);
    bench.rce.engage(&thread, SAM).unwrap();
    bench.settle().await;
    bench.rce_reports(true);
    bench.nadia_writes("Are you a human?");
    bench.until_quiet().await;
    assert_eq!(bench.heard_texts(), ["Hi"]);
    assert_eq!(bench.handler(&thread).await, "agent");
    assert_eq!(bench.bot.only("handover.active").data()["cause"], "agent");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_rce_reports_of_a_reply_settles_whether_it_has_it() {
    let bench = chat().start().await;
    let thread = bench.nadia_writes("Where is my parcel?");
    bench.until_quiet().await;
    bench
        .rce
        .set_content_index_lag(IndexLag::For(Duration::from_hours(1)));
    bench
        .rce
        .fail_next(FaultTarget::RestCreateContent, Fault::LoseAnswer, 1);
    bench.answers(&thread, "On its way").await;
    bench.until_quiet().await;
    assert_eq!(bench.said(&thread), ["On its way"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_was_said_to_an_agent_at_the_very_moment_of_the_end_is_not_the_bots() {
    for reported_late in [false, true] {
        let bench = chat().timers("reconcile_every = 0").start().await;
        let thread = bench.nadia_writes("I want a human");
        bench.until_quiet().await;
        bench.asks_for_agent(&thread, json!({})).await;
        bench.until_quiet().await;
        bench.rce.take(&thread, SAM).unwrap();
        bench.rce.reply(&thread, SAM, "That was all. Goodbye").unwrap();
        bench.until_quiet().await;
        bench.rce_reports(!reported_late);
        let (_, content) = bench.customer(NativeMessage::new("nadia", "Thank you").named("Nadia"));
        let report = bench.imported(&content, &json!({}));
        bench.settle().await;
        bench.work().await;
        bench.rce_reports(true);
        bench.rce.close(&thread).unwrap();
        bench.until_quiet().await;
        if reported_late {
            let status = bench.rce.send_webhook_raw(json!([report])).await;
            assert_eq!(status.expect("an answer"), 200);
        }
        bench.nadia_writes("One more thing");
        bench.until_quiet().await;
        assert_eq!(bench.heard_texts(), ["I want a human", "One more thing"]);
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn what_was_said_to_an_agent_is_not_the_bots_however_late_it_is_reported() {
    let bench = chat().timers("reconcile_every = 0").start().await;
    let thread = bench.nadia_writes("I want a human");
    bench.until_quiet().await;
    bench.asks_for_agent(&thread, json!({})).await;
    bench.until_quiet().await;
    bench.rce.take(&thread, SAM).unwrap();
    bench.rce.reply(&thread, SAM, "Your number?").unwrap();
    bench.until_quiet().await;
    bench.pass(Duration::from_secs(10));
    bench.rce_reports(false);
    let (_, content) = bench.customer(NativeMessage::new("nadia", "17").named("Nadia"));
    let late = bench.imported(&content, &json!({}));
    bench.settle().await;
    bench.rce_reports(true);
    bench.pass(Duration::from_secs(10));
    bench.rce.reply(&thread, SAM, "17, noted, bye").unwrap();
    bench.rce.close(&thread).unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.handler(&thread).await, "bot");
    let status = bench.rce.send_webhook_raw(json!([late])).await;
    assert_eq!(status.expect("an answer"), 200);
    bench.until_quiet().await;
    assert_eq!(bench.heard_texts(), ["I want a human"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_was_not_reported_is_the_bots_although_the_thread_was_archived_meanwhile() {
    let bench = chat().timers("queue = 20\nreconcile_every = 0").start().await;
    let thread = bench.nadia_writes("Hello");
    bench.until_quiet().await;
    bench.rce_reports(false);
    bench.nadia_writes("My number is 17");
    bench.nadia_writes("And 18");
    bench.settle().await;
    bench.rce_reports(true);
    bench.asks_for_agent(&thread, json!({})).await;
    bench.until_quiet().await;
    // Nobody takes it: the bot has it again, and archiving the thread ignores what is in it.
    bench.pass(Duration::from_secs(30));
    bench.until_quiet().await;
    assert_eq!(bench.handler(&thread).await, "bot");
    for _ in 0..12 {
        bench.pass(Duration::from_secs(15));
        bench.settle().await;
        bench.work().await;
    }
    assert_eq!(bench.heard_texts(), ["Hello", "My number is 17", "And 18"]);
    finish(bench, &thread).await;
}
