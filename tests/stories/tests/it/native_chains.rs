//! One agent after another on a channel of RCE's own, while what RCE reports of them is late or lost.

use std::time::Duration;

use handover_stories::Bench;
use handover_stories::desk::{MIRA, SAM};
use serde_json::{Value, json};
use simulated_ringcx::{Fault, FaultTarget};

use crate::native::finish;
use crate::native_agents::{handovers, supervisors};
use crate::native_signs::{chat, exported, reported, with_bot, writes};

/// Sam takes the waiting thread and cancels without a word. Returns RCE's report of that, which is on its way.
async fn sam_cancels(bench: &Bench, thread: &str) -> Value {
    bench.asks_for_agent(thread, json!({})).await;
    bench.until_quiet_by_hand().await;
    bench.rce.engage(thread, SAM).expect("a waiting thread");
    let opened = bench
        .rce
        .event("intervention.opened", thread, &json!({"user_id": SAM}));
    reported(bench, opened).await;
    assert_eq!(bench.status(thread).await, "active");
    bench.pass(Duration::from_secs(5));
    let cancelled = bench
        .rce
        .event("intervention.canceled", thread, &json!({"user_id": SAM}));
    bench.rce.cancel(thread).expect("no reply yet");
    bench.pass(Duration::from_secs(2));
    cancelled
}

#[tokio::test]
async fn the_next_agents_words_keep_the_bot_away_when_the_end_of_the_one_before_is_reported_after_them() {
    let (bench, thread) = with_bot(chat()).await;
    let cancelled = sam_cancels(&bench, &thread).await;
    let content = bench.rce.reply(&thread, MIRA, supervisors("Mira here")).unwrap();
    reported(&bench, exported(&bench, &content, &json!({}))).await;
    reported(&bench, cancelled).await;
    assert_eq!(bench.status(&thread).await, "active");
    assert_eq!(bench.bot.only("agent.changed").data()["agent"]["id"], MIRA);
    bench.answers(&thread, "Two voices").await;
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.said(&thread), ["On its way", "Mira here"]);
    bench.pass(Duration::from_secs(30));
    bench.rce.close(&thread).unwrap();
    let closed = bench.rce.event("intervention.closed", &thread, &json!({}));
    reported(&bench, closed).await;
    assert_eq!(bench.handler(&thread).await, "bot");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn an_end_that_is_heard_of_late_is_the_last_ones_end_and_nobody_comes_back_by_what_was_said_before_it()
{
    let (bench, thread) = with_bot(chat()).await;
    let cancelled = sam_cancels(&bench, &thread).await;
    let content = bench.rce.reply(&thread, MIRA, supervisors("Mira here")).unwrap();
    let opened = bench
        .rce
        .event("intervention.opened", &thread, &json!({"user_id": MIRA}));
    let replied = bench
        .rce
        .event_of("content.replied", &content, &json!({}))
        .unwrap();
    reported(&bench, opened).await;
    bench.pass(Duration::from_secs(5));
    let (_, wrote) = writes(&bench, "Thank you, Mira");
    bench.pass(Duration::from_secs(5));
    bench.rce.close(&thread).unwrap();
    bench.pass(Duration::from_secs(1));
    for late in [cancelled, replied, wrote] {
        reported(&bench, late).await;
    }
    assert_eq!(handovers(&bench), ["handover.active", "handover.completed"]);
    let completed = bench.bot.only("handover.completed");
    assert_eq!(completed.data()["cause"], "agent_closed");
    assert_eq!(bench.handler(&thread).await, "bot");
    assert_eq!(bench.heard_texts(), ["Where is my parcel?"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn one_word_at_most_is_said_beside_an_agent_while_our_own_move_may_still_land() {
    let (bench, thread) = with_bot(chat()).await;
    bench.rce.fail_next(FaultTarget::RestCategorize, Fault::Drop, 1);
    bench.asks_for_agent(&thread, json!({})).await;
    bench.work().await;
    bench.rce.engage(&thread, SAM).expect("a thread");
    let by_sam = |kind: &str| bench.rce.event(kind, &thread, &json!({"user_id": SAM}));
    for event in [by_sam("intervention.opened"), by_sam("intervention.canceled")] {
        bench.webhook(&[event]).await;
        while bench.work().await > 0 {}
        bench.pass(Duration::from_millis(100));
    }
    bench.rce.cancel(&thread).expect("no reply yet");
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.handler(&thread).await, "bot");
    bench.pass(Duration::from_secs(5));
    // Nothing is reported of Mira.
    bench.rce.reply(&thread, MIRA, supervisors("Mira here")).unwrap();
    for text in ["One", "two", "three"] {
        bench.answers(&thread, text).await;
    }
    bench.until_quiet_by_hand().await;
    let said = bench.said(&thread);
    assert_eq!(said, ["On its way", "Mira here", "One"]);
    assert_eq!(bench.status(&thread).await, "active");
    finish(bench, &thread).await;
}
