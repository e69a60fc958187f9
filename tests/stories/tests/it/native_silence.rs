//! A bot that does not answer strands nobody: the agents get the conversation, once, with a note why.

use std::time::Duration;

use handover_stories::bot::Answer;
use handover_stories::desk::SAM;
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};
use simulated_ringcx::{Fault, FaultTarget, NativeKind};

use crate::native::finish;

fn chat() -> Setup {
    Setup::default()
        .on(NativeKind::WhatsApp)
        .timers("bot_silent = 60\nqueue = 0")
}

/// Time goes by as it does, a few seconds at once.
pub(crate) async fn time_goes_by(bench: &Bench, seconds: u64) {
    for _ in 0..seconds.div_ceil(5) {
        bench.settle().await;
        bench.work().await;
        bench.pass(Duration::from_secs(5));
    }
    bench.settle().await;
    bench.work().await;
}

fn handovers(kinds: &[String]) -> Vec<&str> {
    let handovers = kinds.iter().filter(|kind| kind.starts_with("handover."));
    handovers.map(String::as_str).collect()
}

#[tokio::test]
async fn after_its_time_agents_have_it_once_and_read_why() {
    let bench = chat().start().await;
    let thread = bench.nadia_writes("Where is my parcel?");
    time_goes_by(&bench, 55).await;
    assert_eq!(bench.handler(&thread).await, "bot");
    time_goes_by(&bench, 10).await;
    assert_eq!(bench.status(&thread).await, "queued");
    assert_eq!(bench.categories(&thread), ["agent"]);
    let told = bench.bot.only("handover.queued");
    assert_eq!(told.data()["cause"], "bot_silent");
    bench.rce.take(&thread, SAM).unwrap();
    bench.rce.reply(&thread, SAM, "Sam here").unwrap();
    time_goes_by(&bench, 120).await;
    assert_eq!(
        bench.comments(&thread),
        ["From the bot\nReason: The bot has not answered."]
    );
    bench.rce.close(&thread).unwrap();
    time_goes_by(&bench, 600).await;
    assert_eq!(bench.handler(&thread).await, "bot");
    assert_eq!(
        handovers(&bench.bot.kinds()),
        ["handover.queued", "handover.active", "handover.completed"]
    );
    bench.until_quiet().await;
    finish(bench, &thread).await;
}

#[tokio::test]
async fn zero_seconds_are_never() {
    let bench = Setup::default()
        .on(NativeKind::WhatsApp)
        .timers("bot_silent = 0")
        .start()
        .await;
    let thread = bench.nadia_writes("Where is my parcel?");
    bench.until_quiet().await;
    bench.pass(Duration::from_hours(5));
    bench.until_quiet().await;
    assert_eq!(bench.handler(&thread).await, "bot");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn an_answer_at_the_last_moment_is_one() {
    let bench = chat().start().await;
    let thread = bench.nadia_writes("Where is my parcel?");
    time_goes_by(&bench, 55).await;
    bench.answers(&thread, "On its way").await;
    time_goes_by(&bench, 300).await;
    assert_eq!(bench.handler(&thread).await, "bot");
    assert_eq!(bench.said(&thread), ["On its way"]);
    bench.until_quiet().await;
    finish(bench, &thread).await;
}

#[tokio::test]
async fn an_answer_a_moment_too_late_is_not_said_and_the_bot_knows() {
    let bench = chat().start().await;
    let thread = bench.nadia_writes("Where is my parcel?");
    time_goes_by(&bench, 70).await;
    let told = bench.answers(&thread, "On its way").await;
    assert_eq!(told["handler"], "agent");
    bench.until_quiet().await;
    assert!(bench.said(&thread).is_empty());
    finish(bench, &thread).await;
}

#[tokio::test]
async fn typing_and_reading_keep_a_slow_bots_turn() {
    let bench = chat().start().await;
    let thread = bench.nadia_writes("Where is my parcel?");
    bench.until_quiet().await;
    let typing = format!("/conversations/{thread}/typing");
    for _ in 0..4 {
        time_goes_by(&bench, 50).await;
        bench
            .call("POST", &typing, &json!({"state": "start"}))
            .await
            .expect(202);
    }
    assert_eq!(bench.handler(&thread).await, "bot");
    let message = bench.bot.only("message.created").data()["message"]["id"].clone();
    let read = format!("/conversations/{thread}/read");
    bench
        .call("POST", &read, &json!({"message_id": message}))
        .await
        .expect(202);
    time_goes_by(&bench, 600).await;
    assert_eq!(bench.handler(&thread).await, "bot", "there was nothing to answer");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn an_answer_to_the_first_message_does_not_count_for_the_second() {
    let bench = chat().start().await;
    let thread = bench.nadia_writes("Where is my parcel?");
    bench.until_quiet().await;
    bench.nadia_writes("And what does it cost?");
    bench.settle().await;
    // The second one is known, but not to the bot yet.
    bench.answers(&thread, "On its way").await;
    bench.until_quiet().await;
    time_goes_by(&bench, 70).await;
    assert_eq!(bench.status(&thread).await, "queued");
    bench.until_quiet().await;
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_bot_that_is_down_loses_the_conversation_once_and_its_late_answer_is_not_heard() {
    for down in [Answer::Status(500), Answer::Drop, Answer::Status(404)] {
        let bench = chat().start().await;
        bench.bot.answers(vec![down; 200]);
        let thread = bench.nadia_writes("Where is my parcel?");
        time_goes_by(&bench, 70).await;
        assert_eq!(bench.status(&thread).await, "queued", "{down:?}");
        bench.rce.take(&thread, SAM).unwrap();
        bench.rce.reply(&thread, SAM, "Sam here").unwrap();
        time_goes_by(&bench, 60).await;
        // It is back, and gets what it missed.
        bench.bot.forget_script();
        bench.until_quiet().await;
        let told = bench.answers(&thread, "On its way").await;
        assert_eq!(told["handler"], "agent");
        bench.until_quiet().await;
        assert_eq!(bench.said(&thread), ["Sam here"]);
        let begun = bench.what_happened(&thread).await;
        let begun = begun.iter().filter(|what| *what == "handover.requested").count();
        assert_eq!(begun, 1, "{down:?}");
        assert_eq!(bench.comments(&thread).len(), 1, "{down:?}");
        for letter in bench.take_dead_letters().await {
            assert!(matches!(down, Answer::Status(404)), "{letter:?}");
        }
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn words_of_the_company_start_no_timer() {
    let bench = chat().start().await;
    let thread = bench.nadia_writes("Hello");
    bench.until_quiet().await;
    bench.answers(&thread, "Hello Nadia").await;
    bench.until_quiet().await;
    bench
        .rce
        .automatic_message(&thread, "We are closed", true)
        .unwrap();
    bench
        .rce
        .automatic_message(&thread, "We are closed now", false)
        .unwrap();
    bench
        .rce
        .post_outside(&thread, "Written on the telephone")
        .unwrap();
    bench.rce.survey_invitation(&thread).unwrap();
    time_goes_by(&bench, 300).await;
    assert_eq!(bench.handler(&thread).await, "bot");
    assert_eq!(bench.heard_texts(), ["Hello"]);
    bench.until_quiet().await;
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_agents_answered_meanwhile_is_not_missing_from_the_bot_afterwards() {
    // An agent takes it over while the bot thinks, and closes it much later: nobody waits for the bot then.
    let bench = chat().start().await;
    let thread = bench.nadia_writes("Where is my parcel?");
    time_goes_by(&bench, 10).await;
    bench.rce.move_to_agents(&thread, SAM).unwrap();
    bench.rce.take(&thread, SAM).unwrap();
    bench.rce.reply(&thread, SAM, "Sam here").unwrap();
    time_goes_by(&bench, 200).await;
    assert_eq!(bench.status(&thread).await, "active");
    bench.rce.close(&thread).unwrap();
    time_goes_by(&bench, 300).await;
    assert_eq!(bench.handler(&thread).await, "bot");
    let begun = bench.what_happened(&thread).await;
    let begun = begun.iter().filter(|what| *what == "handover.requested").count();
    assert!(begun <= 1, "{begun}");
    assert_eq!(bench.categories(&thread), ["bot"]);
    bench.until_quiet().await;
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_reply_that_rce_refuses_for_good_is_reported_and_the_agents_get_the_conversation_once() {
    let refusals = [
        (403, r#"{"error":"forbidden","message":"no","status":403}"#),
        (422, r#"{"error":"validation_error","message":"no","status":422}"#),
        (404, r#"{"error":"not_found","message":"no","status":404}"#),
    ];
    for (status, body) in refusals {
        let bench = chat().start().await;
        let thread = bench.nadia_writes("Where is my parcel?");
        bench.until_quiet().await;
        let refusal = Fault::Status(status, body.to_owned());
        bench.rce.fail_next(FaultTarget::RestCreateContent, refusal, 20);
        let said = bench.answers(&thread, "On its way").await;
        let second = bench.answers(&thread, "Soon").await;
        bench.until_quiet().await;
        let failed: Vec<Value> = bench
            .bot
            .taken()
            .iter()
            .filter(|heard| heard.kind() == "message.failed")
            .map(|heard| heard.data()["message"]["id"].clone())
            .collect();
        assert_eq!(failed, [said["id"].clone(), second["id"].clone()], "{status}");
        assert_eq!(bench.status(&thread).await, "queued", "{status}");
        assert_eq!(bench.categories(&thread), ["agent"]);
        assert_eq!(handovers(&bench.bot.kinds()), ["handover.queued"], "{status}");
        assert_eq!(bench.take_dead_letters().await.len(), 1, "{status}");
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn a_closed_thread_is_opened_for_the_answer_or_the_bot_is_told() {
    for may_open in [true, false] {
        let setup = Setup::default().on(NativeKind::Messenger);
        let bench = setup.timers("bot_silent = 60\nqueue = 0").start().await;
        let thread = bench.nadia_writes("Where is my parcel?");
        bench.until_quiet().await;
        bench.rce.close_thread(&thread).unwrap();
        bench.until_quiet().await;
        if !may_open {
            let closed = r#"{"error":"cant_reply_to_closed_thread","message":"no","status":403}"#;
            let refusal = Fault::Status(403, closed.to_owned());
            bench.rce.fail_next(FaultTarget::RestCreateContent, refusal, 5);
        }
        bench.answers(&thread, "On its way").await;
        bench.until_quiet().await;
        if may_open {
            assert_eq!(bench.said(&thread), ["On its way"]);
        } else {
            assert_eq!(bench.bot.only("message.failed").data()["reason"], "thread_closed");
            assert_eq!(bench.take_dead_letters().await.len(), 1);
        }
        assert_eq!(bench.handler(&thread).await, "bot");
        finish(bench, &thread).await;
    }
}
