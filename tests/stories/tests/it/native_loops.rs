//! A program that answers by itself, and does not say so, does not talk with the bot without end.

use std::time::Duration;

use handover_core::job::QueueName;
use handover_handlers::work::VISIBILITY;
use handover_stories::crash::Crash;
use handover_stories::desk::SAM;
use handover_stories::{Bench, Setup};
use serde_json::json;
use simulated_ringcx::{NativeKind, NativeMessage, Speaker};

use crate::native::finish;

/// How many turns an hour may have on a channel of e-mail, and on any other.
const MAIL: usize = 10;
const CHAT: usize = 120;

fn on(kind: NativeKind) -> Setup {
    Setup::default()
        .on(kind)
        .timers("queue = 0\nbot_silent = 0\nreconcile_every = 0")
}

fn with_turns(setup: Setup, most: u32) -> Setup {
    setup.settings(move |connection| connection.ringcx.native.max_turns_per_hour = Some(most))
}

/// The customer's side writes; the bot, if it hears that, answers.
async fn turn(bench: &Bench, number: usize) -> String {
    let heard = bench.heard_texts().len();
    let thread = bench.nadia_writes(&format!("Customer {number}"));
    bench.until_quiet().await;
    if bench.heard_texts().len() > heard {
        bench.answers(&thread, &format!("Bot {number}")).await;
        bench.until_quiet().await;
    }
    thread
}

/// As many of them, the time between two of them apart.
async fn turns(bench: &Bench, numbers: impl IntoIterator<Item = usize>, apart: Duration) -> String {
    let mut thread = String::new();
    for number in numbers {
        thread = turn(bench, number).await;
        bench.pass(apart);
    }
    thread
}

async fn begun(bench: &Bench, thread: &str) -> usize {
    let all = bench.what_happened(thread).await;
    all.iter().filter(|what| *what == "handover.requested").count()
}

fn customers(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(|n| format!("Customer {n}")).collect()
}

fn bots(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(|n| format!("Bot {n}")).collect()
}

#[tokio::test]
async fn a_loop_of_mails_ends_with_the_agents_after_ten_answers_and_they_read_why() {
    let bench = on(NativeKind::Email).start().await;
    // The first mail is no answer to the bot, ten are, the eleventh is one too many.
    let thread = turns(&bench, 0..=30, Duration::from_secs(5)).await;
    assert_eq!(bench.heard_texts(), customers(0..=MAIL));
    assert_eq!(bench.said(&thread), bots(0..=MAIL));
    assert_eq!(bench.status(&thread).await, "queued");
    assert_eq!(bench.categories(&thread), ["agent"]);
    assert_eq!(bench.bot.only("handover.queued").data()["cause"], "loop");
    assert_eq!(begun(&bench, &thread).await, 1);

    bench.rce.take(&thread, SAM).unwrap();
    bench.until_quiet().await;
    assert_eq!(bench.bot.only("handover.active").data()["cause"], "loop");
    bench.rce.reply(&thread, SAM, "Is anybody there?").unwrap();
    bench.until_quiet().await;
    let why = "The customer and the bot have answered each other more often within an hour than people do. A program may \
               be answering the bot.";
    assert_eq!(bench.comments(&thread), [format!("From the bot\nReason: {why}")]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_the_bot_says_too_late_does_not_feed_the_loop() {
    let bench = on(NativeKind::Email).start().await;
    let thread = turns(&bench, 0..=MAIL, Duration::from_secs(5)).await;
    bench.nadia_writes("One too many");
    bench.until_quiet().await;
    let told = bench.answers(&thread, "And another thing").await;
    assert_eq!(told["handler"], "agent");
    bench.until_quiet().await;
    assert_eq!(bench.said(&thread), bots(0..=MAIL));
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_lively_chat_is_never_stopped_but_a_loop_is() {
    let bench = on(NativeKind::WhatsApp).start().await;
    // Somebody taps a button every minute for more than an hour, and then every ten seconds.
    let thread = turns(&bench, 0..100, Duration::from_mins(1)).await;
    let thread_of_bursts = turns(&bench, 100..150, Duration::from_secs(10)).await;
    assert_eq!(thread, thread_of_bursts);
    assert_eq!(bench.heard_texts(), customers(0..150));
    assert_eq!(bench.handler(&thread).await, "bot");
    bench.pass(Duration::from_hours(1));
    turns(&bench, 150..300, Duration::from_secs(1)).await;
    assert_eq!(bench.heard_texts(), customers(0..150 + CHAT));
    assert_eq!(bench.status(&thread).await, "queued");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn slow_correspondence_is_never_stopped() {
    let bench = on(NativeKind::Email).start().await;
    let thread = turns(&bench, 0..40, Duration::from_mins(7)).await;
    assert_eq!(bench.heard_texts(), customers(0..40));
    assert_eq!(bench.handler(&thread).await, "bot");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn zero_turns_are_as_many_as_they_like() {
    let bench = with_turns(on(NativeKind::Email), 0).start().await;
    let thread = turns(&bench, 0..40, Duration::from_secs(1)).await;
    assert_eq!(bench.said(&thread), bots(0..40));
    assert_eq!(bench.handler(&thread).await, "bot");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn many_messages_between_two_answers_are_one_turn() {
    let bench = with_turns(on(NativeKind::WhatsApp), 2).start().await;
    let mut thread = turn(&bench, 0).await;
    for _ in 0..5 {
        for text in ["I", "write", "short", "messages"] {
            thread = bench.nadia_writes(text);
            bench.pass(Duration::from_secs(1));
        }
        bench.until_quiet().await;
        bench.pass(Duration::from_mins(40));
        bench.answers(&thread, "All right").await;
        bench.until_quiet().await;
    }
    assert_eq!(bench.heard_texts().len(), 21);
    assert_eq!(bench.handler(&thread).await, "bot");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_the_sweep_makes_up_for_at_once_is_no_loop() {
    // Somebody writes again and again while RCE's events are lost; then all are found, and the bot answers each.
    for ahead in [0, 50, -50] {
        let bench = on(NativeKind::Email).rce_ahead(ahead).start().await;
        let thread = turn(&bench, 0).await;
        bench.pass(Duration::from_mins(5));
        bench.rce_reports(false);
        let mut heard = bench.heard_texts().len();
        for number in 1..=3 * MAIL {
            bench.nadia_writes(&format!("Customer {number}"));
            bench.pass(Duration::from_secs(2));
        }
        // The bot answers each before it is told the next one.
        for _ in 0..20 * MAIL {
            bench.pass(Duration::from_secs(1));
            bench.look_after().await;
            bench.work_on(QueueName::ToBot).await;
            while heard < bench.heard_texts().len() {
                heard += 1;
                bench.answers(&thread, &format!("Bot {heard}")).await;
            }
            while bench.work_on(QueueName::ToRingcx).await > 0 {}
        }
        assert_eq!(bench.heard_texts(), customers(0..=3 * MAIL), "{ahead}");
        assert_eq!(bench.said(&thread), bots([0].into_iter().chain(2..=3 * MAIL + 1)));
        assert_eq!(bench.handler(&thread).await, "bot", "{ahead}");
        bench.rce_reports(true);
        bench.until_quiet().await;
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn a_loop_that_only_the_sweep_sees_ends_too() {
    let bench = on(NativeKind::Email).start().await;
    let thread = turn(&bench, 0).await;
    bench.rce_reports(false);
    for number in 1..=20 {
        bench.nadia_writes(&format!("Customer {number}"));
        let heard = bench.heard_texts().len();
        for _ in 0..8 {
            bench.pass(Duration::from_secs(10));
            bench.settle().await;
            bench.work().await;
        }
        if bench.heard_texts().len() > heard {
            bench.answers(&thread, &format!("Bot {number}")).await;
            bench.work().await;
        }
    }
    assert_eq!(bench.heard_texts(), customers(0..=MAIL));
    bench.rce_reports(true);
    bench.until_quiet().await;
    assert_eq!(bench.status(&thread).await, "queued");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn after_the_agents_it_begins_anew() {
    let bench = with_turns(on(NativeKind::WhatsApp), 3).start().await;
    let thread = turns(&bench, 0..=4, Duration::from_secs(5)).await;
    assert_eq!(bench.status(&thread).await, "queued");
    bench.rce.take(&thread, SAM).unwrap();
    bench.rce.reply(&thread, SAM, "I am Sam").unwrap();
    bench.until_quiet().await;
    bench.pass(Duration::from_secs(5));
    bench.rce.close(&thread).unwrap();
    bench.until_quiet().await;
    bench.pass(Duration::from_secs(5));
    // The first one is no answer to the bot.
    turns(&bench, 5..=8, Duration::from_secs(5)).await;
    assert_eq!(bench.handler(&thread).await, "bot");
    turn(&bench, 9).await;
    assert_eq!(bench.status(&thread).await, "queued");
    assert_eq!(begun(&bench, &thread).await, 2);
    assert_eq!(bench.heard_texts(), customers((0..=3).chain(5..=8)));
    finish(bench, &thread).await;
}

#[tokio::test]
async fn an_agent_who_helped_in_between_is_as_good() {
    let bench = with_turns(on(NativeKind::WhatsApp), 3).start().await;
    let thread = turns(&bench, 0..=3, Duration::from_secs(5)).await;
    bench.asks_for_agent(&thread, json!({"reason": "parcel"})).await;
    bench.until_quiet().await;
    bench.rce.take(&thread, SAM).unwrap();
    bench.rce.reply(&thread, SAM, "I am Sam").unwrap();
    bench.until_quiet().await;
    bench.pass(Duration::from_secs(5));
    bench.rce.close(&thread).unwrap();
    bench.until_quiet().await;
    bench.pass(Duration::from_secs(5));
    turns(&bench, 4..=7, Duration::from_secs(5)).await;
    assert_eq!(bench.handler(&thread).await, "bot");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn where_no_agent_came_it_does_not_begin_anew_and_the_bot_is_not_told_what_would_feed_it() {
    let timers = "queue = 60\nwarn_before = 0\nbot_silent = 0\nreconcile_every = 0";
    let setup = Setup::default().on(NativeKind::WhatsApp).timers(timers);
    let bench = with_turns(setup, 3).start().await;
    let thread = turns(&bench, 0..=4, Duration::from_secs(5)).await;
    assert_eq!(bench.status(&thread).await, "queued");
    bench.pass(Duration::from_mins(1));
    bench.until_quiet().await;
    assert_eq!(bench.status(&thread).await, "timed_out");
    assert_eq!(bench.heard_texts(), customers(0..=3));
    // The bot says so; the program answers once more, and that is that.
    bench.answers(&thread, "Nobody is there").await;
    bench.until_quiet().await;
    turn(&bench, 5).await;
    assert_eq!(bench.status(&thread).await, "queued");
    assert_eq!(bench.heard_texts(), customers(0..=3));
    bench.pass(Duration::from_mins(1));
    bench.until_quiet().await;
    // Who writes although the bot said nothing is no program that answers it.
    turn(&bench, 6).await;
    assert_eq!(bench.handler(&thread).await, "bot");
    assert_eq!(bench.said(&thread).last().map(String::as_str), Some("Bot 6"));
    finish(bench, &thread).await;
}

#[tokio::test]
async fn reports_that_come_twice_or_in_another_order_neither_add_turns_nor_hide_them() {
    let bench = with_turns(on(NativeKind::WhatsApp).by_hand(), 3).start().await;
    let mut thread = String::new();
    let mut before = None;
    for number in 0..=4 {
        let message = NativeMessage::new("nadia", format!("Customer {number}"));
        let (id, content) = bench.customer(message.named("Nadia"));
        let event = bench.imported(&content, &json!({}));
        // Once more what was said before, and each three times.
        let events = [before.clone(), Some(event.clone()), Some(event.clone())];
        bench
            .insist_webhook(&events.into_iter().flatten().collect::<Vec<_>>())
            .await;
        bench.until_quiet_by_hand().await;
        bench.insist_webhook(std::slice::from_ref(&event)).await;
        bench.until_quiet_by_hand().await;
        assert_eq!(bench.handler(&id).await, if number < 4 { "bot" } else { "agent" });
        if number < 4 {
            bench.answers(&id, &format!("Bot {number}")).await;
            bench.until_quiet_by_hand().await;
        }
        bench.pass(Duration::from_secs(2));
        (thread, before) = (id, Some(event));
    }
    assert_eq!(bench.heard_texts(), customers(0..=3));
    assert_eq!(begun(&bench, &thread).await, 1);
    finish(bench, &thread).await;
}

/// Whatever breaks while the last turns are taken in: the agents have it once, after as many turns.
#[tokio::test]
async fn a_crash_at_any_step_neither_doubles_nor_forgets_it() {
    let (mut steps, mut number) = (usize::MAX, 0);
    while number <= steps {
        for crash in [
            Crash::AnswerLost,
            Crash::DeadAfter,
            Crash::DeadBefore,
            Crash::TakenForConflict,
        ] {
            let bench = with_turns(on(NativeKind::WhatsApp).by_hand(), 1).start().await;
            let mut thread = String::new();
            for turn in 0..=2 {
                if turn == 2 && number == 0 {
                    bench.steps.count();
                } else if turn == 2 {
                    bench.steps.break_at(number, crash);
                }
                let message = NativeMessage::new("nadia", format!("Customer {turn}"));
                let (id, content) = bench.customer(message.named("Nadia"));
                let event = bench.imported(&content, &json!({}));
                bench.insist_webhook(std::slice::from_ref(&event)).await;
                bench.work().await;
                bench.pass(VISIBILITY + Duration::from_secs(1));
                bench.until_quiet_by_hand().await;
                bench.insist_webhook(std::slice::from_ref(&event)).await;
                bench.until_quiet_by_hand().await;
                if turn < 2 {
                    bench.answers(&id, &format!("Bot {turn}")).await;
                    bench.until_quiet_by_hand().await;
                }
                thread = id;
            }
            let what = format!("{crash:?} at step {number} of {steps}");
            if number == 0 {
                steps = bench.steps.taken();
            } else {
                assert!(bench.steps.broke(), "{what} was never reached");
            }
            assert_eq!(bench.heard_texts(), customers(0..=1), "{what}");
            assert_eq!(bench.said(&thread), bots(0..=1), "{what}");
            assert_eq!(bench.handler(&thread).await, "agent", "{what}");
            assert_eq!(bench.categories(&thread), ["agent"], "{what}");
            assert_eq!(
                bench.bot.only("handover.queued").data()["cause"],
                "loop",
                "{what}"
            );
            assert_eq!(begun(&bench, &thread).await, 1, "{what}");
            finish(bench, &thread).await;
            if number == 0 {
                break;
            }
        }
        number += 1;
    }
    assert!(steps > 5, "{steps} steps");
}

#[tokio::test]
async fn an_agents_words_and_the_companys_are_no_turns() {
    let bench = with_turns(on(NativeKind::WhatsApp), 1).start().await;
    let thread = turn(&bench, 0).await;
    for text in ["We are closed", "We are open"] {
        bench.rce.automatic_message(&thread, text, true).unwrap();
        bench.rce.post_outside(&thread, text).unwrap();
        bench.until_quiet().await;
        bench.answers(&thread, &format!("{text}. Anything else?")).await;
        bench.until_quiet().await;
    }
    turn(&bench, 1).await;
    assert_eq!(bench.handler(&thread).await, "bot");
    let spoke = |speaker: Speaker| {
        let read = bench.read_by_customer(&thread);
        read.iter().filter(|it| it.0 == speaker).count()
    };
    assert_eq!(spoke(Speaker::Bot), 4);
    finish(bench, &thread).await;
}
