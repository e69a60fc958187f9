//! How a handover ends on a channel of RCE's own: whose is what the person said around it.

use std::time::Duration;

use handover_stories::desk::{MIRA, SAM};
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};
use simulated_ringcx::{Fault, FaultTarget, NativeKind, NativeMessage};

use crate::native::finish;
use crate::native_agents::{handovers, supervisors};

fn chat() -> Setup {
    Setup::default().on(NativeKind::WhatsApp)
}

/// What the person writes waits for what they wrote before; RCE's reports are made by hand.
async fn settling() -> Bench {
    chat()
        .by_hand()
        .start_with(|text| text.replace("settle_ms = 0", "settle_ms = 400"))
        .await
}

/// The person wanted a human, and one took it.
async fn taken(bench: &Bench) -> String {
    let thread = bench.nadia_writes("A human, please");
    bench.until_quiet().await;
    bench.asks_for_agent(&thread, json!({})).await;
    bench.until_quiet().await;
    bench.rce.take(&thread, SAM).expect("a waiting thread");
    bench.until_quiet().await;
    thread
}

/// The person writes, and RCE reports it.
async fn writes(bench: &Bench, text: &str) -> String {
    let (thread, content) = bench.customer(NativeMessage::new("nadia", text));
    bench.webhook(&[bench.imported(&content, &json!({}))]).await;
    thread
}

/// The person wants a human, and the bot asks for one; RCE's reports are made by hand.
async fn waits_for_agents(bench: &Bench) -> String {
    let thread = writes(bench, "A human, please").await;
    bench.until_quiet_by_hand().await;
    bench.asks_for_agent(&thread, json!({})).await;
    bench.until_quiet_by_hand().await;
    thread
}

/// Sam takes the waiting thread and answers; this is all that RCE reports of it.
async fn sam_answers(bench: &Bench, thread: &str, report: &str, changes: &Value) {
    bench.rce.take(thread, SAM).expect("a waiting thread");
    bench.rce.reply(thread, SAM, "Sam here").expect("a reply");
    let report = bench.rce.event(report, thread, changes);
    bench.webhook(&[report]).await;
    bench.until_quiet_by_hand().await;
}

#[tokio::test]
async fn after_an_end_whose_report_was_lost_what_the_person_said_since_is_the_bots() {
    let bench = chat().rce(|rce| rce.cases_stay_closed = true).start().await;
    let thread = taken(&bench).await;
    bench.rce.reply(&thread, SAM, "Sam here").expect("a reply");
    bench.until_quiet().await;
    bench.pass(Duration::from_secs(5));
    bench.nadia_writes("Thank you");
    bench.until_quiet().await;
    bench.pass(Duration::from_secs(5));
    bench.rce_reports(false);
    bench.rce.close(&thread).expect("an open case");
    bench.settle().await;
    bench.rce_reports(true);
    bench.pass(Duration::from_secs(3));
    bench.nadia_writes("One more thing");
    bench.until_quiet().await;
    assert_eq!(bench.heard_texts(), ["A human, please"]);
    bench.pass(Duration::from_mins(1));
    bench.until_quiet().await;
    bench.until_quiet().await;
    assert_eq!(bench.heard_texts(), ["A human, please", "One more thing"]);
    let kinds = bench.bot.kinds();
    assert_eq!(
        kinds[kinds.len() - 2..],
        ["handover.completed", "message.created"]
    );
    bench.answers(&thread, "Yes?").await;
    bench.until_quiet().await;
    assert_eq!(bench.said(&thread), ["Sam here", "Yes?"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_no_agent_answered_is_the_bots_when_they_cancel() {
    let bench = chat().start().await;
    let thread = taken(&bench).await;
    bench.pass(Duration::from_secs(5));
    bench.rce.engage(&thread, SAM).expect("a thread");
    bench.nadia_writes("Is anybody there?");
    bench.until_quiet().await;
    bench.pass(Duration::from_secs(5));
    bench.rce.cancel(&thread).expect("an open case");
    bench.until_quiet().await;
    assert_eq!(bench.heard_texts(), ["A human, please", "Is anybody there?"]);
    assert_eq!(
        bench.bot.only("handover.completed").data()["cause"],
        "agent_cancelled"
    );
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_agents_left_is_told_before_what_the_person_said_since() {
    let bench = settling().await;
    let thread = waits_for_agents(&bench).await;
    bench.rce.engage(&thread, SAM).expect("a thread");
    let joined = bench.rce.event("intervention.opened", &thread, &json!({}));
    bench.webhook(&[joined]).await;
    bench.until_quiet_by_hand().await;
    for said in ["Is anybody there?", "Hello?"] {
        bench.pass(Duration::from_secs(5));
        writes(&bench, said).await;
        bench.until_quiet_by_hand().await;
    }
    bench.pass(Duration::from_secs(5));
    let cancelled = bench.rce.event("intervention.canceled", &thread, &json!({}));
    bench.rce.cancel(&thread).expect("an open case");
    bench.pass(Duration::from_millis(50));
    writes(&bench, "I am still here").await;
    bench.work().await;
    bench.pass(Duration::from_millis(200));
    bench.webhook(&[cancelled]).await;
    bench.until_quiet_by_hand().await;
    assert_eq!(
        bench.heard_texts(),
        [
            "A human, please",
            "Is anybody there?",
            "Hello?",
            "I am still here"
        ]
    );
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_was_said_after_an_agents_end_is_the_bots_however_late_the_agent_is_heard_of() {
    let bench = chat().by_hand().start().await;
    let thread = waits_for_agents(&bench).await;
    let report = |kind: &str| bench.rce.event(kind, &thread, &json!({"user_id": SAM}));
    bench.rce.take(&thread, SAM).expect("a waiting thread");
    let taken = report("task.taken");
    bench.pass(Duration::from_secs(1));
    bench.rce.reply(&thread, SAM, "Sam here").expect("a reply");
    let replied = report("content.replied");
    bench.pass(Duration::from_secs(1));
    bench.rce.close(&thread).expect("an open case");
    let closed = report("intervention.closed");
    bench.pass(Duration::from_secs(2));
    writes(&bench, "One more thing").await;
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.heard_texts(), ["A human, please"], "agents seem to have it");
    for late in [taken, replied, closed] {
        bench.pass(Duration::from_secs(1));
        bench.webhook(&[late]).await;
        bench.until_quiet_by_hand().await;
    }
    assert_eq!(bench.heard_texts(), ["A human, please", "One more thing"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_is_found_of_before_an_agents_end_is_not_the_bots_whichever_end_it_was() {
    let bench = chat().start().await;
    let thread = bench.nadia_writes("Hello");
    bench.until_quiet().await;
    for turn in ["first", "second"] {
        bench.pass(Duration::from_secs(5));
        bench.rce_reports(false);
        bench.nadia_writes(&format!("To the bot, {turn}"));
        bench.settle().await;
        bench.rce_reports(true);
        bench.asks_for_agent(&thread, json!({})).await;
        bench.until_quiet().await;
        bench.rce.take(&thread, SAM).expect("a waiting thread");
        bench.until_quiet().await;
        bench.pass(Duration::from_secs(5));
        bench.rce_reports(false);
        bench.nadia_writes(&format!("To Sam, {turn}"));
        bench.settle().await;
        bench.rce_reports(true);
        bench.rce.reply(&thread, SAM, "Sam here").expect("a reply");
        bench.until_quiet().await;
        bench.pass(Duration::from_secs(5));
        bench.rce.close(&thread).expect("an open case");
        bench.until_quiet().await;
    }
    bench.pass(Duration::from_mins(1));
    bench.until_quiet().await;
    bench.until_quiet().await;
    assert_eq!(bench.heard_texts(), ["Hello"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_one_agent_closed_is_not_the_bots_when_it_ends_the_next_ones_turn() {
    let bench = chat().by_hand().start().await;
    let thread = waits_for_agents(&bench).await;
    let report = |kind: &str| bench.rce.event(kind, &thread, &json!({"user_id": SAM}));
    bench.rce.take(&thread, SAM).expect("a waiting thread");
    bench.rce.reply(&thread, SAM, "Sam here").expect("a reply");
    let opened = report("intervention.opened");
    bench.webhook(&[opened]).await;
    bench.until_quiet_by_hand().await;
    bench.pass(Duration::from_secs(5));
    writes(&bench, "To Sam").await;
    bench.until_quiet_by_hand().await;
    bench.pass(Duration::from_secs(5));
    bench.rce.close(&thread).expect("an open case");
    let closed = report("intervention.closed");
    bench.pass(Duration::from_secs(5));
    bench.rce.engage(&thread, MIRA).expect("a thread");
    let joined = bench
        .rce
        .event("intervention.opened", &thread, &json!({"user_id": MIRA}));
    bench.webhook(&[joined]).await;
    bench.until_quiet_by_hand().await;
    bench.webhook(&[closed]).await;
    bench.until_quiet_by_hand().await;
    bench.pass(Duration::from_secs(5));
    bench
        .ends_handover(&thread, json!({"cause": "user_cancelled"}))
        .await;
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.heard_texts(), ["A human, please"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn an_end_that_is_dated_in_the_future_takes_no_words_from_the_bot() {
    let bench = chat().by_hand().start().await;
    let thread = waits_for_agents(&bench).await;
    bench.rce.take(&thread, SAM).expect("a waiting thread");
    bench.rce.reply(&thread, SAM, "Sam here").expect("a reply");
    bench.rce.close(&thread).expect("an open case");
    let mut closed = bench
        .rce
        .event("intervention.closed", &thread, &json!({"user_id": SAM}));
    closed["issued_at"] = json!("2126-01-01T00:00:00.000Z");
    bench.webhook(&[closed]).await;
    bench.until_quiet_by_hand().await;
    bench.pass(Duration::from_mins(10));
    writes(&bench, "One more thing").await;
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.heard_texts(), ["A human, please", "One more thing"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_waited_for_agents_is_told_in_its_order_when_the_bot_takes_the_conversation_back() {
    let bench = settling().await;
    let thread = waits_for_agents(&bench).await;
    writes(&bench, "Hello?").await;
    bench.until_quiet_by_hand().await;
    writes(&bench, "Is anybody there?").await;
    bench.pass(Duration::from_millis(200));
    bench
        .ends_handover(&thread, json!({"cause": "user_cancelled"}))
        .await;
    bench.until_quiet_by_hand().await;
    assert_eq!(
        bench.heard_texts(),
        ["A human, please", "Hello?", "Is anybody there?"]
    );
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_was_said_to_an_agent_who_answered_and_closed_is_not_the_bots() {
    let bench = chat().start().await;
    let thread = taken(&bench).await;
    bench.rce.reply(&thread, SAM, "Sam here").expect("a reply");
    bench.until_quiet().await;
    bench.pass(Duration::from_secs(5));
    bench.nadia_writes("Thank you");
    bench.until_quiet().await;
    bench.pass(Duration::from_secs(5));
    bench.rce.close(&thread).expect("an open case");
    bench.until_quiet().await;
    assert_eq!(bench.heard_texts(), ["A human, please"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn the_bot_knows_of_the_end_before_it_is_told_what_the_person_said_then() {
    let bench = settling().await;
    let thread = waits_for_agents(&bench).await;
    sam_answers(&bench, &thread, "task.taken", &json!({"user_id": SAM})).await;
    bench.pass(Duration::from_mins(1));
    bench.rce.close(&thread).expect("an open case");
    let closed = bench.rce.event("intervention.closed", &thread, &json!({}));
    bench.pass(Duration::from_millis(50));
    let (_, content) = bench.customer(NativeMessage::new("nadia", "One more thing"));
    let wrote = bench.imported(&content, &json!({}));
    bench.webhook(&[wrote]).await;
    bench.work().await;
    bench.pass(Duration::from_millis(200));
    bench.webhook(&[closed]).await;
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.heard_texts(), ["A human, please", "One more thing"]);
    let kinds = bench.bot.kinds();
    assert_eq!(
        kinds[kinds.len() - 2..],
        ["handover.completed", "message.created"]
    );
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_the_bot_says_while_the_thread_goes_back_is_said_as_it_was_told() {
    let bench = chat().start().await;
    let thread = taken(&bench).await;
    bench.rce.reply(&thread, SAM, "Sam here").expect("a reply");
    bench.until_quiet().await;
    bench.pass(Duration::from_secs(5));
    bench
        .rce
        .fail_next(FaultTarget::RestCategorize, Fault::Conflict, 1);
    bench.rce.close(&thread).expect("an open case");
    bench.settle().await;
    bench.work().await;
    assert_eq!(bench.handler(&thread).await, "agent", "it is on its way back");
    assert_eq!(bench.answers(&thread, "Back again").await["handler"], "bot");
    bench.until_quiet().await;
    assert_eq!(bench.said(&thread), ["Sam here", "Back again"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_the_person_says_right_after_the_bot_took_the_conversation_back_is_the_bots() {
    let bench = chat().start().await;
    let thread = taken(&bench).await;
    bench.rce.reply(&thread, SAM, "Sam here").expect("a reply");
    bench.until_quiet().await;
    bench.pass(Duration::from_secs(5));
    // RCE is busy: Sam's case stays open for a moment.
    let busy = Fault::Status(503, "busy".to_owned());
    bench.rce.fail_next(FaultTarget::RestAny, busy, 2);
    bench.ends_handover(&thread, json!({})).await;
    bench.work().await;
    bench.nadia_writes("One more thing");
    bench.until_quiet().await;
    assert_eq!(bench.heard_texts(), ["A human, please", "One more thing"]);
    assert_eq!(bench.handler(&thread).await, "bot");
    assert_eq!(handovers(&bench), ["handover.active", "handover.cancelled"]);
    assert_eq!(bench.categories(&thread), ["bot"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_is_said_between_two_reports_of_one_end_is_the_bots() {
    let bench = settling().await;
    let thread = waits_for_agents(&bench).await;
    sam_answers(&bench, &thread, "intervention.opened", &json!({"user_id": SAM})).await;
    bench.pass(Duration::from_mins(1));
    let completed = json!({"metadata": {"action": "closed"}});
    let mut completed = bench.rce.event("task.completed", &thread, &completed);
    let mut closed = bench.rce.event("intervention.closed", &thread, &json!({}));
    completed["resource"]["metadata"]["intervention_id"] = closed["resource"]["id"].clone();
    bench.rce.close(&thread).expect("an open case");
    closed["issued_at"] = json!(bench.clock_now().to_string());
    bench.pass(Duration::from_secs(1));
    let (_, content) = bench.customer(NativeMessage::new("nadia", "One more thing"));
    let wrote = bench.imported(&content, &json!({}));
    bench.pass(Duration::from_millis(500));
    completed["issued_at"] = json!(bench.clock_now().to_string());
    for event in [wrote, closed, completed] {
        bench.webhook(&[event]).await;
    }
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.heard_texts(), ["A human, please", "One more thing"]);
    assert_eq!(bench.handler(&thread).await, "bot");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_is_said_before_we_end_an_intervention_that_nobody_reported_is_the_bots() {
    let bench = chat().by_hand().start().await;
    let thread = waits_for_agents(&bench).await;
    let nameless = json!({"user_id": SAM, "metadata": {"intervention_id": null}});
    sam_answers(&bench, &thread, "task.taken", &nameless).await;
    assert_eq!(bench.status(&thread).await, "active");
    bench.pass(Duration::from_secs(20));
    let mut closed = bench.rce.event("intervention.closed", &thread, &json!({}));
    // The case is closed; what follows takes RCE longer, and its report of the close is quicker.
    let busy = Fault::Status(503, "busy".to_owned());
    bench.rce.fail_next(FaultTarget::RestCategorize, busy, 1);
    bench.ends_handover(&thread, json!({})).await;
    bench.pass(Duration::from_millis(500));
    let (_, content) = bench.customer(NativeMessage::new("nadia", "One more thing"));
    let wrote = bench.imported(&content, &json!({}));
    bench.pass(Duration::from_millis(500));
    bench.work().await;
    closed["issued_at"] = json!(bench.clock_now().to_string());
    bench.webhook(&[closed]).await;
    bench.work().await;
    bench.webhook(&[wrote]).await;
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.heard_texts(), ["A human, please", "One more thing"]);
    assert_eq!(bench.handler(&thread).await, "bot");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_agents_answered_is_not_told_to_the_bot_however_late_it_is_reported() {
    for sam_comes_unasked in [false, true] {
        let bench = chat().by_hand().timers("user_idle = 600").start().await;
        let thread = writes(&bench, "Hello").await;
        bench.until_quiet_by_hand().await;
        if !sam_comes_unasked {
            bench.asks_for_agent(&thread, json!({})).await;
            bench.until_quiet_by_hand().await;
            bench.rce.take(&thread, SAM).expect("a waiting thread");
            let taken = bench.rce.event("task.taken", &thread, &json!({"user_id": SAM}));
            bench.webhook(&[taken]).await;
            bench.until_quiet_by_hand().await;
        }
        let (_, content) = bench.customer(NativeMessage::new("nadia", "Where is it?"));
        let question = bench.imported(&content, &json!({}));
        bench.pass(Duration::from_secs(20));
        let sam = supervisors("It is here");
        let content = bench.rce.reply(&thread, SAM, sam).expect("a reply");
        let replied = bench.rce.event_of("content.replied", &content, &json!({}));
        bench.webhook(&[replied.expect("a content")]).await;
        bench.until_quiet_by_hand().await;
        bench.pass(Duration::from_secs(40));
        bench.webhook(&[question]).await;
        bench.until_quiet_by_hand().await;
        assert_eq!(bench.status(&thread).await, "active");
        // It is the person's turn.
        bench.pass(Duration::from_mins(11));
        bench.until_quiet_by_hand().await;
        let over = bench.bot.only("handover.timed_out");
        assert_eq!(over.data()["cause"], "user_idle", "{sam_comes_unasked}");
        assert_eq!(bench.heard_texts(), ["Hello"], "{sam_comes_unasked}");
        finish(bench, &thread).await;
    }
}
