//! What RCE does not report is found within about a minute; what is not the bot's business is left alone.

use std::time::Duration;

use handover_stories::desk::SAM;
use handover_stories::{Bench, Setup};
use simulated_ringcx::{NativeKind, NativeMessage, Reply};

use crate::native::finish;

/// RCE's events get lost.
async fn unheard(setup: Setup) -> (Bench, String) {
    let bench = setup.start().await;
    let thread = bench.nadia_writes("Hello");
    bench.until_quiet().await;
    bench.answers(&thread, "Hello Nadia").await;
    bench.until_quiet().await;
    bench.rce_reports(false);
    (bench, thread)
}

fn chat() -> Setup {
    Setup::default().on(NativeKind::WhatsApp).timers("bot_silent = 0")
}

async fn minutes(bench: &Bench, minutes: u64) {
    for _ in 0..minutes * 4 {
        bench.pass(Duration::from_secs(15));
        bench.settle().await;
        bench.work().await;
    }
}

#[tokio::test]
async fn lost_reports_are_made_up_for_within_about_a_minute_in_order_and_once() {
    let (bench, thread) = unheard(chat()).await;
    for text in ["one", "two", "three"] {
        bench.nadia_writes(text);
        bench.pass(Duration::from_secs(2));
    }
    minutes(&bench, 2).await;
    assert_eq!(bench.heard_texts(), ["Hello", "one", "two", "three"]);
    minutes(&bench, 10).await;
    bench.rce_reports(true);
    bench.answers(&thread, "All three").await;
    bench.until_quiet().await;
    assert_eq!(bench.heard_texts().len(), 4);
    assert_eq!(bench.said(&thread), ["Hello Nadia", "All three"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_new_thread_whose_first_words_were_not_reported_is_found() {
    let (bench, first) = unheard(chat()).await;
    let (thread, _) = bench.customer(NativeMessage::new("omar", "Is this on?"));
    minutes(&bench, 2).await;
    assert_eq!(bench.heard_texts(), ["Hello", "Is this on?"]);
    bench.answers(&thread, "Yes").await;
    bench.until_quiet().await;
    assert_eq!(bench.said(&thread), ["Yes"]);
    finish(bench, &first).await;
}

#[tokio::test]
async fn history_before_the_first_look_is_the_agents() {
    let bench = chat().by_hand().start().await;
    let (thread, _) = bench.customer(NativeMessage::new("nadia", "Long ago"));
    bench.pass(Duration::from_hours(1));
    minutes(&bench, 3).await;
    assert!(bench.heard_texts().is_empty());
    bench.customer(NativeMessage::new("nadia", "Now"));
    minutes(&bench, 2).await;
    assert_eq!(bench.heard_texts(), ["Now"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_agents_attend_to_is_left_to_them() {
    let (bench, thread) = unheard(chat()).await;
    bench.nadia_writes("A human?");
    let reply = Reply {
        as_supervisor: true,
        ..Reply::from("Sam here")
    };
    bench.rce.reply(&thread, SAM, reply).unwrap();
    minutes(&bench, 3).await;
    assert_eq!(bench.heard_texts(), ["Hello"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn words_of_the_company_are_not_found_to_be_the_customers() {
    let (bench, thread) = unheard(chat()).await;
    bench.rce.automatic_message(&thread, "Closed", true).unwrap();
    bench.rce.automatic_message(&thread, "Closed too", false).unwrap();
    bench.rce.post_outside(&thread, "By telephone").unwrap();
    bench.rce.survey_invitation(&thread).unwrap();
    bench.customer(NativeMessage::new("nadia", "Spam").ignored());
    bench.answers(&thread, "The bot's own").await;
    minutes(&bench, 3).await;
    assert_eq!(bench.heard_texts(), ["Hello"]);
    bench.until_quiet().await;
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_deletion_that_was_not_reported_is_found() {
    let (bench, thread) = unheard(chat()).await;
    let content = bench.rce.contents(&thread)[0].id.clone();
    bench.rce.delete_message(&content).unwrap();
    minutes(&bench, 3).await;
    bench.bot.only("message.deleted");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn what_is_reported_late_after_it_was_found_is_told_once() {
    let bench = chat().by_hand().start().await;
    minutes(&bench, 1).await;
    let (thread, content) = bench.customer(NativeMessage::new("nadia", "Hello"));
    let event = bench.imported(&content, &serde_json::json!({}));
    minutes(&bench, 2).await;
    assert_eq!(bench.heard_texts(), ["Hello"]);
    assert_eq!(bench.webhook(&[event]).await, 200);
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.bot.kinds(), ["message.created"]);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_lost_takeover_is_found_before_the_bot_speaks_beside_the_agent() {
    let (bench, thread) = unheard(chat()).await;
    bench.rce.move_to_agents(&thread, SAM).unwrap();
    bench.rce.take(&thread, SAM).unwrap();
    bench.rce.reply(&thread, SAM, "Sam here").unwrap();
    bench.rce_reports(true);
    bench.pass(Duration::from_mins(1));
    bench.nadia_writes("Hello Sam");
    bench.until_quiet().await;
    assert_eq!(bench.heard_texts(), ["Hello"]);
    assert_eq!(bench.handler(&thread).await, "agent");
    finish(bench, &thread).await;
}

/// Many people write, each a thread of their own; those who wrote first are listed first.
fn crowd(bench: &Bench, people: usize) -> Vec<String> {
    let words = (0..people).map(|number| {
        let text = format!("I am number {number}");
        bench.customer(NativeMessage::new(format!("person-{number}"), text.clone()));
        bench.pass(Duration::from_secs(1));
        text
    });
    words.collect()
}

/// The texts that were heard, sorted, without the greeting.
fn heard_of_crowd(bench: &Bench) -> Vec<String> {
    let mut heard: Vec<String> = bench.heard_texts();
    heard.retain(|text| text.starts_with("I am"));
    heard.sort();
    heard
}

#[tokio::test]
async fn of_a_crowd_that_was_not_reported_everybody_is_heard_once() {
    let (bench, thread) = unheard(chat().ringcx("requests_per_minute = 2000")).await;
    let mut words = crowd(&bench, 260);
    words.sort();
    minutes(&bench, 2).await;
    assert_eq!(heard_of_crowd(&bench), words);
    minutes(&bench, 3).await;
    assert_eq!(heard_of_crowd(&bench).len(), 260);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_sweep_for_which_the_budget_is_too_small_goes_on_with_the_next() {
    // A twentieth is for sweeps: two pages a minute.
    let (bench, thread) = unheard(chat().ringcx("requests_per_minute = 40")).await;
    let mut words = crowd(&bench, 420);
    words.sort();
    let is_read = |offset: &str| {
        let asked = bench.rce.requests();
        let mut asked = asked.iter().filter(|request| request.status == 200);
        asked.any(|request| request.body["offset"] == offset)
    };
    while !is_read("140") {
        minutes(&bench, 1).await;
    }
    assert!(!is_read("280"), "the budget has no room for it");
    // Whoever was found is asked who they are, which takes many minutes of that budget.
    minutes(&bench, 25).await;
    assert!(is_read("280"));
    assert_eq!(heard_of_crowd(&bench), words);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn a_message_of_the_second_in_which_a_source_was_first_swept_is_heard() {
    let bench = chat().by_hand().start().await;
    bench.pass(Duration::from_millis(700));
    let (thread, _) = bench.customer(NativeMessage::new("nadia", "Just in time"));
    bench.pass(Duration::from_millis(200));
    bench.settle().await;
    bench.work().await;
    minutes(&bench, 3).await;
    assert_eq!(bench.heard_texts(), ["Just in time"]);
    finish(bench, &thread).await;
}
