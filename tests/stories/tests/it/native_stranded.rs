//! Between a bot that does not answer and agents who have left, or could not be reached, nobody is forgotten.

use std::time::Duration;

use handover_stories::bot::Answer;
use handover_stories::desk::SAM;
use handover_stories::{Bench, Setup};
use serde_json::json;
use simulated_ringcx::{Fault, FaultTarget, NativeKind};

use crate::native::finish;
use crate::native_silence::time_goes_by;

fn chat(timers: &str) -> Setup {
    Setup::default().on(NativeKind::WhatsApp).timers(timers)
}

/// The bot asks for an agent, and the person says something to whoever will come.
async fn says_while_waiting(bench: &Bench, text: &str) -> String {
    let thread = bench.nadia_writes("A human, please");
    bench.until_quiet().await;
    bench.asks_for_agent(&thread, json!({})).await;
    bench.until_quiet().await;
    bench.pass(Duration::from_secs(5));
    bench.nadia_writes(text);
    bench.until_quiet().await;
    thread
}

#[tokio::test]
async fn agents_who_could_not_be_reached_are_tried_again_while_the_bot_is_silent() {
    for refused in [
        Fault::Status(503, "busy".to_owned()),
        Fault::Status(403, "no".to_owned()),
    ] {
        let bench = chat("bot_silent = 60\nqueue = 0").start().await;
        bench
            .rce
            .fail_next(FaultTarget::RestCategorize, refused.clone(), 1_000);
        let thread = bench.nadia_writes("Where is my parcel?");
        time_goes_by(&bench, 300).await;
        assert_eq!(bench.handler(&thread).await, "bot", "{refused:?}");
        let before = bench.asked_rce("PUT /1.0/content_threads/");
        time_goes_by(&bench, 240).await;
        let asked = bench.asked_rce("PUT /1.0/content_threads/") - before;
        assert!(asked <= 1, "RCE is left alone for minutes: {asked}");
        bench.rce.clear_faults();
        time_goes_by(&bench, 600).await;
        assert_eq!(bench.status(&thread).await, "queued", "{refused:?}");
        assert_eq!(bench.categories(&thread), ["agent"], "{refused:?}");
        bench.take_dead_letters().await;
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn what_agents_left_to_a_bot_that_is_down_is_the_agents_again() {
    for down in [Answer::Status(500), Answer::Status(410)] {
        let bench = chat("bot_silent = 60\nqueue = 0").start().await;
        let thread = says_while_waiting(&bench, "Anybody?").await;
        bench.bot.answers(vec![down; 1_000]);
        bench.rce.take(&thread, SAM).expect("a waiting thread");
        bench.rce.cancel(&thread).expect("no reply yet");
        time_goes_by(&bench, 90).await;
        let happened = bench.what_happened(&thread).await;
        assert!(happened.contains(&"bot.resumed".to_owned()), "{down:?}");
        assert_eq!(bench.status(&thread).await, "queued", "{down:?}");
        assert_eq!(bench.categories(&thread), ["agent"], "{down:?}");
        bench.bot.forget_script();
        bench.until_quiet().await;
        bench.take_dead_letters().await;
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn what_agents_left_is_told_first_to_a_bot_that_comes_back_later() {
    let bench = chat("bot_silent = 600\nqueue = 0").start().await;
    let thread = says_while_waiting(&bench, "Anybody?").await;
    bench.bot.answers(vec![Answer::Status(503); 6]);
    bench
        .ends_handover(&thread, json!({"cause": "user_cancelled"}))
        .await;
    time_goes_by(&bench, 10).await;
    bench.nadia_writes("Hello again");
    time_goes_by(&bench, 60).await;
    assert_eq!(
        bench.heard_texts(),
        ["A human, please", "Anybody?", "Hello again"]
    );
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_agents_left_and_rce_does_not_show_is_the_agents_and_delays_nothing() {
    let bench = chat("bot_silent = 0\nqueue = 0").start().await;
    let thread = says_while_waiting(&bench, "Anybody?").await;
    let busy = Fault::Status(503, "busy".to_owned());
    bench.rce.fail_next(FaultTarget::RestContents, busy, 1_000);
    bench
        .ends_handover(&thread, json!({"cause": "user_cancelled"}))
        .await;
    time_goes_by(&bench, 600).await;
    assert_eq!(bench.status(&thread).await, "queued");
    bench.rce.clear_faults();
    bench.ends_handover(&thread, json!({})).await;
    bench.until_quiet().await;
    bench.nadia_writes("Hello again");
    bench.until_quiet().await;
    assert_eq!(
        bench.heard_texts(),
        ["A human, please", "Anybody?", "Hello again"]
    );
    bench.take_dead_letters().await;
    finish(bench, &thread).await;
}

#[tokio::test]
async fn who_writes_again_waits_no_longer_for_a_silent_bot_because_agents_could_not_be_reached() {
    let bench = chat("bot_silent = 60\nqueue = 0").start().await;
    let busy = Fault::Status(503, "busy".to_owned());
    bench.rce.fail_next(FaultTarget::RestCategorize, busy, 1_000);
    let thread = bench.nadia_writes("Where is my parcel?");
    time_goes_by(&bench, 300).await;
    assert_eq!(bench.handler(&thread).await, "bot");
    bench.rce.clear_faults();
    bench.bot.answers(vec![Answer::Status(503); 1_000]);
    bench.nadia_writes("Hello?");
    time_goes_by(&bench, 70).await;
    assert_eq!(bench.status(&thread).await, "queued");
    bench.bot.forget_script();
    bench.until_quiet().await;
    bench.take_dead_letters().await;
    finish(bench, &thread).await;
}
