//! What the bot says on a channel of RCE's own is read once, whatever happens to the request that brings it.

use std::time::Duration;

use handover_stories::native::CHAT;
use handover_stories::{Bench, Setup};
use serde_json::json;
use simulated_ringcx::{Fault, FaultTarget, IndexLag, NativeKind, NativeMessage, NativeSource};

use crate::native::{finish, sentences};

fn chat() -> Setup {
    Setup::default().on(NativeKind::WhatsApp)
}

async fn asked(setup: Setup) -> (Bench, String) {
    let bench = setup.start().await;
    let thread = bench.nadia_writes("Where is my parcel?");
    bench.until_quiet().await;
    (bench, thread)
}

/// What may happen to one request.
fn faults() -> Vec<Fault> {
    let mut faults = vec![
        Fault::Drop,
        Fault::LoseAnswer,
        Fault::DelayedLoss(Duration::from_millis(50)),
        Fault::RateLimit,
        Fault::Conflict,
    ];
    for status in [500, 502, 503, 504] {
        faults.push(Fault::Status(status, "busy".to_owned()));
        faults.push(Fault::StatusAfterEffect(status));
    }
    faults
}

#[tokio::test]
async fn a_reply_whose_request_fails_is_read_once() {
    for fault in faults() {
        let (bench, thread) = asked(chat()).await;
        bench
            .rce
            .fail_next(FaultTarget::RestCreateContent, fault.clone(), 1);
        bench.answers(&thread, "On its way").await;
        bench.answers(&thread, "Anything else?").await;
        bench.until_quiet().await;
        assert_eq!(bench.said(&thread), ["On its way", "Anything else?"], "{fault:?}");
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn a_reply_is_read_once_while_what_was_said_is_found_late() {
    for lag in [IndexLag::Searches(1), IndexLag::Searches(2)] {
        for fault in faults() {
            if lag == IndexLag::Searches(2) && matches!(fault, Fault::StatusAfterEffect(503)) {
                // Whoever says that it does not take anything now is believed sooner.
                continue;
            }
            let (bench, thread) = asked(chat()).await;
            bench.rce.set_content_index_lag(lag);
            bench
                .rce
                .fail_next(FaultTarget::RestCreateContent, fault.clone(), 1);
            bench.answers(&thread, "On its way").await;
            bench.until_quiet().await;
            assert_eq!(bench.said(&thread), ["On its way"], "{fault:?}, {lag:?}");
            finish(bench, &thread).await;
        }
    }
}

#[tokio::test]
async fn a_request_that_has_its_effect_after_the_first_look_is_not_repeated() {
    for fault in [
        Fault::DelayedLoss(Duration::from_millis(300)),
        Fault::DelayedLoss(Duration::from_secs(1)),
    ] {
        let (bench, thread) = asked(chat()).await;
        bench
            .rce
            .fail_next(FaultTarget::RestCreateContent, fault.clone(), 1);
        bench.answers(&thread, "On its way").await;
        bench.work().await;
        bench.pass(Duration::from_secs(3));
        bench.work().await;
        assert!(bench.said(&thread).is_empty(), "it is on its way");
        bench.until_quiet().await;
        assert_eq!(bench.said(&thread), ["On its way"], "{fault:?}");
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn the_same_words_said_twice_on_purpose_are_read_twice() {
    for fault in faults() {
        for place in 0..2 {
            let (bench, thread) = asked(chat()).await;
            for number in 0..2 {
                if number == place {
                    bench
                        .rce
                        .fail_next(FaultTarget::RestCreateContent, fault.clone(), 1);
                }
                bench.answers(&thread, "OK").await;
            }
            bench.until_quiet().await;
            assert_eq!(bench.said(&thread), ["OK", "OK"], "{fault:?} at {place}");
            // RCE cannot know that the second one was meant.
            let violations = bench.rce.violations();
            assert!(violations.iter().all(|it| it.rule == "repeated-reply"));
            assert!(bench.dead_letters().await.is_empty() && bench.has_no_jobs().await);
            bench.bot.check();
        }
    }
}

#[tokio::test]
async fn rce_with_another_clock_is_searched_where_the_reply_is() {
    for ahead in [-7200, -90, 90, 7200] {
        let (bench, thread) = asked(chat().rce_ahead(ahead)).await;
        bench
            .rce
            .fail_next(FaultTarget::RestCreateContent, Fault::LoseAnswer, 1);
        bench.answers(&thread, "On its way").await;
        bench.until_quiet().await;
        assert_eq!(bench.said(&thread), ["On its way"], "{ahead}");
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn a_long_text_in_several_parts_is_read_whole_and_once_wherever_a_request_fails() {
    let text = sentences(400);
    for fault in [Fault::LoseAnswer, Fault::Drop, Fault::Status(503, String::new())] {
        for part in 0..3 {
            let (bench, thread) = asked(Setup::default().on(NativeKind::Messenger)).await;
            bench.answers(&thread, &text).await;
            for _ in 0..part {
                // One part for each request.
                bench
                    .rce
                    .fail_next(FaultTarget::RestCreateContent, Fault::Delay(Duration::ZERO), 1);
            }
            bench
                .rce
                .fail_next(FaultTarget::RestCreateContent, fault.clone(), 1);
            bench.until_quiet().await;
            let words = |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
            let said = bench.said(&thread);
            assert!(said.len() > 3, "{}", said.len());
            assert!(words(&said.join(" ")) == words(&text), "{fault:?} at {part}");
            finish(bench, &thread).await;
        }
    }
}

#[tokio::test]
async fn an_outage_of_half_a_minute_delays_a_reply_and_loses_nothing() {
    let (bench, thread) = asked(chat()).await;
    bench
        .rce
        .fail_next(FaultTarget::RestAny, Fault::Status(503, String::new()), 20);
    bench.answers(&thread, "one").await;
    bench.answers(&thread, "two").await;
    bench.until_quiet().await;
    assert_eq!(bench.said(&thread), ["one", "two"]);
    assert_eq!(bench.handler(&thread).await, "bot");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn words_with_signs_of_html_are_recognised_in_mail() {
    let (bench, thread) = asked(Setup::default().on(NativeKind::Email)).await;
    bench
        .rce
        .fail_next(FaultTarget::RestCreateContent, Fault::LoseAnswer, 1);
    bench
        .answers(
            &thread,
            "If a < b & c > d:\n\n  say \"so\"\n\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}",
        )
        .await;
    bench.until_quiet().await;
    assert_eq!(bench.said(&thread).len(), 1);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_lost_answer_of_structured_content_is_no_reason_to_show_it_twice() {
    for fault in [Fault::LoseAnswer, Fault::StatusAfterEffect(500), Fault::Drop] {
        let (bench, thread) = asked(chat()).await;
        bench
            .rce
            .fail_next(FaultTarget::RestCreateContent, fault.clone(), 1);
        let items = json!([{"title": "Yes", "payload": "y"}, {"title": "No", "payload": "n"}]);
        let body = json!({"id": "m1", "from": "bot", "text": "Was that helpful?",
            "structured": {"type": "select", "items": items}});
        bench.message(&thread, body).await;
        bench.until_quiet().await;
        let seen = bench.seen(&thread);
        assert_eq!(seen.len(), 1, "{fault:?}");
        assert_eq!(seen[0].structured_type(), Some("select"));
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn a_bot_that_repeats_its_call_is_heard_once() {
    let (bench, thread) = asked(chat()).await;
    let body = json!({"id": "m1", "from": "bot", "text": "Once"});
    for _ in 0..3 {
        bench.message(&thread, body.clone()).await;
    }
    bench.until_quiet().await;
    bench.message(&thread, body).await;
    bench.until_quiet().await;
    assert_eq!(bench.said(&thread), ["Once"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn private_replies_stay_private_and_the_mark_is_left_out_where_it_means_nothing() {
    for kind in [NativeKind::PrivateMessages, NativeKind::WhatsApp] {
        for setting in ["like_customer", "always"] {
            let source = NativeSource::new(CHAT, "Chat", kind);
            let bench = Setup::default()
                .native(vec![source])
                .start_with(move |text| {
                    text.replace(
                        "settle_ms = 0",
                        &format!("settle_ms = 0\nprivate_replies = \"{setting}\""),
                    )
                })
                .await;
            let (thread, _) = bench.customer(NativeMessage::new("nadia", "Between us"));
            bench.until_quiet().await;
            bench.answers(&thread, "Between us").await;
            bench.until_quiet().await;
            assert!(bench.seen(&thread)[0].private);
            finish(bench, &thread).await;
        }
    }
}
