//! Something breaks at every step of noticing an agent by a sign that comes late, or instead of the usual ones. There is one
//! voice all the same.

use handover_stories::Bench;
use handover_stories::crash::at_every_step;
use handover_stories::desk::SAM;
use serde_json::json;

use crate::native_agents::supervisors;
use crate::native_crashes::taken_up;
use crate::native_signs::{chat, exported, with_bot, writes};

async fn says(bench: &Bench, thread: &str, text: &str) {
    let path = format!("/conversations/{thread}/messages");
    let body = json!({"id": text, "from": "bot", "text": text});
    bench.insist("POST", &path, &body).await;
}

#[tokio::test]
async fn an_agent_before_the_first_word_is_remembered_whatever_breaks() {
    at_every_step(async |breaks| {
        let bench = chat().by_hand().start().await;
        let (thread, wrote) = writes(&bench, "Hello?");
        bench.rce.reply(&thread, SAM, supervisors("Sam here")).unwrap();
        let came = bench.rce.event("intervention.opened", &thread, &json!({}));
        breaks.arm(&bench.steps);
        bench.insist_webhook(&[came]).await;
        taken_up(&bench).await;
        bench.insist_webhook(&[wrote]).await;
        taken_up(&bench).await;
        let steps = bench.steps.taken();
        assert!(bench.heard_texts().is_empty(), "{breaks:?}");
        assert_eq!(bench.status(&thread).await, "active", "{breaks:?}");
        assert_eq!(bench.categories(&thread), ["agent"], "{breaks:?}");
        steps
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_left_silences_the_bot_whatever_breaks() {
    at_every_step(async |breaks| {
        let (bench, thread) = with_bot(chat()).await;
        let content = bench.rce.reply(&thread, SAM, supervisors("Sam here")).unwrap();
        let left = exported(&bench, &content, &json!({}));
        breaks.arm(&bench.steps);
        bench.insist_webhook(&[left]).await;
        says(&bench, &thread, "Two voices").await;
        taken_up(&bench).await;
        let steps = bench.steps.taken();
        assert_eq!(bench.said(&thread), ["On its way", "Sam here"], "{breaks:?}");
        assert_eq!(bench.status(&thread).await, "active", "{breaks:?}");
        assert_eq!(bench.categories(&thread), ["agent"], "{breaks:?}");
        steps
    })
    .await;
}

#[tokio::test]
async fn one_word_at_most_is_said_beside_an_agent_whom_nobody_reports_whatever_breaks() {
    at_every_step(async |breaks| {
        let (bench, thread) = with_bot(chat()).await;
        bench.rce.reply(&thread, SAM, supervisors("Sam here")).unwrap();
        breaks.arm(&bench.steps);
        for text in ["One", "two", "three"] {
            says(&bench, &thread, text).await;
        }
        taken_up(&bench).await;
        let steps = bench.steps.taken();
        assert_eq!(
            bench.said(&thread),
            ["On its way", "Sam here", "One"],
            "{breaks:?}"
        );
        assert_eq!(bench.status(&thread).await, "active", "{breaks:?}");
        assert_eq!(bench.categories(&thread), ["agent"], "{breaks:?}");
        steps
    })
    .await;
}
