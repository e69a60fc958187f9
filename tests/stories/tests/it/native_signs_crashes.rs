//! Something breaks at every step of noticing an agent by a sign that comes late, or instead of the usual ones. There is one
//! voice all the same.

use std::time::Duration;

use handover_handlers::work::VISIBILITY;
use handover_stories::Bench;
use handover_stories::crash::Crash;
use handover_stories::desk::SAM;
use serde_json::json;

use crate::native_signs::{chat, exported, sam, with_bot, writes};

/// What breaks at a step.
fn crashes(number: usize) -> [Crash; 3] {
    let harmless = [Crash::Refused, Crash::DeadBefore, Crash::TakenForConflict];
    [Crash::AnswerLost, Crash::DeadAfter, harmless[number % 3]]
}

/// From now on step `number` breaks; 0: none.
fn breaks(bench: &Bench, number: usize, crash: Crash) {
    match number {
        0 => bench.steps.count(),
        _ => bench.steps.break_at(number, crash),
    }
}

async fn taken_up(bench: &Bench) {
    bench.work().await;
    bench.pass(VISIBILITY + Duration::from_secs(1));
    bench.until_quiet_by_hand().await;
}

async fn says(bench: &Bench, thread: &str, text: &str) {
    let path = format!("/conversations/{thread}/messages");
    let body = json!({"id": text, "from": "bot", "text": text});
    bench.insist("POST", &path, &body).await;
}

#[tokio::test]
async fn an_agent_before_the_first_word_is_remembered_whatever_breaks() {
    let (mut number, mut steps) = (0, usize::MAX);
    while number <= steps {
        for crash in crashes(number) {
            let bench = chat().by_hand().start().await;
            let (thread, wrote) = writes(&bench, "Hello?");
            bench.rce.reply(&thread, SAM, sam("Sam here")).unwrap();
            let came = bench.rce.event("intervention.opened", &thread, &json!({}));
            breaks(&bench, number, crash);
            bench.insist_webhook(&[came]).await;
            taken_up(&bench).await;
            bench.insist_webhook(&[wrote]).await;
            taken_up(&bench).await;
            if number == 0 {
                steps = bench.steps.taken();
            }
            let what = format!("{crash:?} at step {number}");
            assert!(bench.heard_texts().is_empty(), "{what}");
            assert_eq!(bench.status(&thread).await, "active", "{what}");
            assert_eq!(bench.categories(&thread), ["agent"], "{what}");
        }
        number += 1;
    }
    assert!(steps > 5, "{steps} steps");
}

#[tokio::test]
async fn an_answer_that_left_silences_the_bot_whatever_breaks() {
    let (mut number, mut steps) = (0, usize::MAX);
    while number <= steps {
        for crash in crashes(number) {
            let (bench, thread) = with_bot(chat()).await;
            let content = bench.rce.reply(&thread, SAM, sam("Sam here")).unwrap();
            let left = exported(&bench, &content, &json!({}));
            breaks(&bench, number, crash);
            bench.insist_webhook(&[left]).await;
            says(&bench, &thread, "Two voices").await;
            taken_up(&bench).await;
            if number == 0 {
                steps = bench.steps.taken();
            }
            let what = format!("{crash:?} at step {number}");
            assert_eq!(bench.said(&thread), ["On its way", "Sam here"], "{what}");
            assert_eq!(bench.status(&thread).await, "active", "{what}");
            assert_eq!(bench.categories(&thread), ["agent"], "{what}");
        }
        number += 1;
    }
    assert!(steps > 5, "{steps} steps");
}

#[tokio::test]
async fn one_word_at_most_is_said_beside_an_agent_whom_nobody_reports_whatever_breaks() {
    let (mut number, mut steps) = (0, usize::MAX);
    while number <= steps {
        for crash in crashes(number) {
            let (bench, thread) = with_bot(chat()).await;
            bench.rce.reply(&thread, SAM, sam("Sam here")).unwrap();
            breaks(&bench, number, crash);
            for text in ["One", "two", "three"] {
                says(&bench, &thread, text).await;
            }
            taken_up(&bench).await;
            if number == 0 {
                steps = bench.steps.taken();
            }
            let what = format!("{crash:?} at step {number}");
            assert_eq!(bench.said(&thread), ["On its way", "Sam here", "One"], "{what}");
            assert_eq!(bench.status(&thread).await, "active", "{what}");
            assert_eq!(bench.categories(&thread), ["agent"], "{what}");
        }
        number += 1;
    }
    assert!(steps > 5, "{steps} steps");
}
