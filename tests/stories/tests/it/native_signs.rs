//! Signs of an agent that come late, or instead of the usual ones, on a channel of RCE's own.

use std::time::Duration;

use handover_stories::desk::SAM;
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};
use simulated_ringcx::{NativeKind, NativeMessage, SimulatedAgent};

use crate::native::finish;
use crate::native_agents::supervisors;

const BOTS_ACCOUNT: &str = "5f0c00000000000000a9b0b0";

/// RCE's reports are sent one by one.
async fn by_hand() -> Bench {
    Setup::default().on(NativeKind::WhatsApp).by_hand().start().await
}

/// A customer's word, and RCE's report of it as of now.
pub(crate) fn writes(bench: &Bench, text: &str) -> (String, Value) {
    let (thread, content) = bench.customer(NativeMessage::new("nadia", text));
    (thread, bench.imported(&content, &json!({})))
}

pub(crate) async fn reported(bench: &Bench, event: Value) {
    bench.webhook(&[event]).await;
    bench.until_quiet_by_hand().await;
}

/// What an agent does, and what RCE reports of it at once.
type Way = fn(&Bench, &str) -> Value;

const FIRST: [(&str, Way); 3] = [
    ("engages", |bench, thread| {
        bench.rce.engage(thread, SAM).expect("RCE agrees");
        bench.rce.event("intervention.opened", thread, &json!({}))
    }),
    ("only takes it", |bench, thread| {
        bench.rce.move_to_agents(thread, SAM).expect("RCE agrees");
        bench.rce.take(thread, SAM).expect("RCE agrees");
        bench.rce.event("task.taken", thread, &json!({"user_id": SAM}))
    }),
    ("writes", |bench, thread| {
        bench
            .rce
            .reply(thread, SAM, supervisors("Sam here"))
            .expect("RCE agrees");
        bench.rce.event("content.replied", thread, &by_sam("replied-1"))
    }),
];

fn by_sam(content: &str) -> Value {
    json!({"user_id": SAM, "metadata": {"created_from": "interface", "creator_id": SAM, "id": content}})
}

#[tokio::test]
async fn an_agent_who_is_reported_before_the_first_word_of_a_thread_is_alone_with_the_customer() {
    for (name, comes) in FIRST {
        let bench = by_hand().await;
        let (thread, wrote) = writes(&bench, "Hello?");
        bench.pass(Duration::from_secs(1));
        let came = comes(&bench, &thread);
        reported(&bench, came.clone()).await;
        let path = format!("/conversations/{thread}");
        bench.call("GET", &path, &Value::Null).await.expect(404);
        reported(&bench, came).await;
        bench.pass(Duration::from_secs(3));
        reported(&bench, wrote).await;
        assert!(bench.heard_texts().is_empty(), "{name}");
        assert_eq!(bench.status(&thread).await, "active", "{name}");
        let active = bench.bot.only("handover.active");
        assert_eq!(active.data()["cause"], "agent", "{name}");
        assert_eq!(active.data()["agent"]["name"], "Sam", "{name}");
        bench
            .rce
            .reply(&thread, SAM, supervisors("How can I help?"))
            .unwrap();
        bench.pass(Duration::from_mins(1));
        bench.rce.close(&thread).unwrap();
        reported(
            &bench,
            bench.rce.event("intervention.closed", &thread, &json!({})),
        )
        .await;
        assert_eq!(bench.handler(&thread).await, "bot", "{name}");
        bench.pass(Duration::from_secs(5));
        let (_, wrote) = writes(&bench, "Hello bot");
        reported(&bench, wrote).await;
        assert_eq!(bench.heard_texts(), ["Hello bot"], "{name}");
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn an_agent_who_came_and_went_before_the_first_word_is_reported_takes_nothing_from_the_bot() {
    let bench = by_hand().await;
    let (thread, wrote) = writes(&bench, "Hello?");
    bench.rce.reply(&thread, SAM, supervisors("Sam here")).unwrap();
    reported(
        &bench,
        bench.rce.event("intervention.opened", &thread, &json!({})),
    )
    .await;
    bench.rce.close(&thread).unwrap();
    bench.pass(Duration::from_secs(3));
    reported(&bench, wrote).await;
    assert_eq!(bench.heard_texts(), ["Hello?"]);
    assert_eq!(bench.handler(&thread).await, "bot");
    finish(bench, &thread).await;
}

/// A conversation that the bot has, whose agents nobody reports.
pub(crate) async fn with_bot(setup: Setup) -> (Bench, String) {
    let bench = setup.by_hand().start().await;
    let (thread, wrote) = writes(&bench, "Where is my parcel?");
    reported(&bench, wrote).await;
    bench.answers(&thread, "On its way").await;
    bench.until_quiet_by_hand().await;
    bench.pass(Duration::from_secs(20));
    (bench, thread)
}

pub(crate) fn chat() -> Setup {
    Setup::default().on(NativeKind::WhatsApp)
}

/// An agent writes; what RCE reports once the channel has it.
fn sam_writes(bench: &Bench, thread: &str) -> (String, Value) {
    let content = bench
        .rce
        .reply(thread, SAM, supervisors("Sam here"))
        .expect("RCE agrees");
    let event = exported(bench, &content, &json!({}));
    (content, event)
}

pub(crate) fn exported(bench: &Bench, content: &str, changes: &Value) -> Value {
    let metadata = json!({"metadata": {"synchronization_status": "success"}});
    let mut event = bench
        .rce
        .event_of("content.exported", content, &metadata)
        .expect("there is such a content");
    for (key, value) in changes.as_object().into_iter().flatten() {
        event["resource"]["metadata"][key] = value.clone();
    }
    event
}

fn assert_sam_came(bench: &Bench) {
    let active = bench.bot.only("handover.active");
    assert_eq!(active.data()["cause"], "agent");
    assert_eq!(active.data()["agent"], json!({"id": SAM, "name": "Sam"}));
}

#[tokio::test]
async fn whoever_is_noticed_by_what_they_wrote_is_told_by_name() {
    let (bench, thread) = with_bot(chat()).await;
    let (content, _) = sam_writes(&bench, &thread);
    let replied = bench
        .rce
        .event_of("content.replied", &content, &json!({}))
        .unwrap();
    reported(&bench, replied).await;
    assert_sam_came(&bench);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn that_an_agents_answer_left_is_enough_to_silence_the_bot() {
    let (bench, thread) = with_bot(chat()).await;
    // The bot thinks, then says all of it.
    let (content, left) = sam_writes(&bench, &thread);
    bench.webhook(&[left]).await;
    for text in ["Two", "voices"] {
        bench.answers(&thread, text).await;
    }
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.said(&thread), ["On its way", "Sam here"]);
    assert_eq!(bench.status(&thread).await, "active");
    // The usual reports come late.
    reported(
        &bench,
        bench.rce.event("intervention.opened", &thread, &json!({})),
    )
    .await;
    let replied = bench
        .rce
        .event_of("content.replied", &content, &json!({}))
        .unwrap();
    reported(&bench, replied).await;
    assert_sam_came(&bench);
    bench.pass(Duration::from_mins(1));
    bench.rce.close(&thread).unwrap();
    reported(
        &bench,
        bench.rce.event("intervention.closed", &thread, &json!({})),
    )
    .await;
    assert_eq!(bench.handler(&thread).await, "bot");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn an_agents_last_words_take_nothing_back_although_they_leave_after_the_end() {
    for end_reported in [true, false] {
        let (bench, thread) = with_bot(chat()).await;
        let (content, _) = sam_writes(&bench, &thread);
        if end_reported {
            reported(
                &bench,
                bench.rce.event("intervention.opened", &thread, &json!({})),
            )
            .await;
            assert_eq!(bench.status(&thread).await, "active");
        }
        bench.pass(Duration::from_secs(5));
        bench.rce.close(&thread).unwrap();
        if end_reported {
            reported(
                &bench,
                bench.rce.event("intervention.closed", &thread, &json!({})),
            )
            .await;
        }
        bench.pass(Duration::from_secs(5));
        let asked = bench.asked_rce("GET /1.0/interventions");
        reported(&bench, exported(&bench, &content, &json!({}))).await;
        reported(&bench, exported(&bench, &content, &json!({}))).await;
        let asked = bench.asked_rce("GET /1.0/interventions") - asked;
        assert_eq!(asked, usize::from(!end_reported), "RCE is asked once at most");
        assert_eq!(bench.handler(&thread).await, "bot", "{end_reported}");
        bench.answers(&thread, "Anything else?").await;
        bench.until_quiet_by_hand().await;
        let said = bench.said(&thread);
        assert_eq!(said.last().unwrap(), "Anything else?", "{end_reported}");
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn what_nobody_wrote_by_hand_takes_nothing_from_the_bot() {
    for changes in [
        json!({"created_from": "api"}),
        json!({"created_from": "synchronizer"}),
        json!({"created_from": null}),
        json!({"creator_id": null}),
        json!({"creator_id": BOTS_ACCOUNT}),
        json!({"auto_submitted": true}),
        json!({"intervention_id": null}),
    ] {
        let (bench, thread) = with_bot(chat()).await;
        let (content, _) = sam_writes(&bench, &thread);
        reported(&bench, exported(&bench, &content, &changes)).await;
        assert_eq!(bench.handler(&thread).await, "bot", "{changes}");
        assert_eq!(bench.bot.kinds(), ["message.created"], "{changes}");
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn while_somebody_waits_an_answer_that_left_shows_that_an_agent_is_there() {
    let (bench, thread) = with_bot(chat()).await;
    bench.asks_for_agent(&thread, json!({})).await;
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.status(&thread).await, "queued");
    let (_, left) = sam_writes(&bench, &thread);
    reported(&bench, left).await;
    assert_eq!(bench.status(&thread).await, "active");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn where_nothing_is_reported_the_answer_to_the_bots_own_words_shows_the_agent() {
    let (bench, thread) = with_bot(chat()).await;
    bench.rce.reply(&thread, SAM, supervisors("Sam here")).unwrap();
    let long = "word ".repeat(2_000);
    for text in [long.as_str(), "Two", "voices"] {
        bench.answers(&thread, text).await;
    }
    bench.until_quiet_by_hand().await;
    let said = bench.said(&thread);
    assert_eq!(said.len(), 3, "one word of the bot's after the agent's: {said:?}");
    assert_eq!(bench.status(&thread).await, "active");
    assert_sam_came(&bench);
    assert_eq!(
        bench
            .bot
            .kinds()
            .iter()
            .filter(|kind| *kind == "message.failed")
            .count(),
        3
    );
    bench.pass(Duration::from_mins(1));
    bench.rce.close(&thread).unwrap();
    reported(
        &bench,
        bench.rce.event("intervention.closed", &thread, &json!({})),
    )
    .await;
    bench.pass(Duration::from_secs(5));
    bench.answers(&thread, "Here I am again").await;
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.said(&thread).last().unwrap(), "Here I am again");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn an_intervention_of_the_bots_account_is_asked_about_once() {
    let setup = chat().rce(|rce| {
        let bot = SimulatedAgent::available(BOTS_ACCOUNT, "The bot");
        rce.agents.push(bot);
    });
    let (bench, thread) = with_bot(setup).await;
    bench.rce.engage(&thread, BOTS_ACCOUNT).unwrap();
    for text in ["One", "two", "three"] {
        bench.answers(&thread, text).await;
        bench.until_quiet_by_hand().await;
    }
    assert_eq!(bench.said(&thread), ["On its way", "One", "two", "three"]);
    assert_eq!(bench.asked_rce("GET /1.0/interventions"), 1);
    assert_eq!(bench.handler(&thread).await, "bot");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn where_agents_may_not_take_over_their_words_change_nothing() {
    let (bench, thread) = with_bot(chat().ringcx("agent_takeover = false")).await;
    let (_, left) = sam_writes(&bench, &thread);
    reported(&bench, left).await;
    bench.answers(&thread, "Still me").await;
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.said(&thread), ["On its way", "Sam here", "Still me"]);
    assert_eq!(bench.asked_rce("GET /1.0/interventions"), 0);
    finish(bench, &thread).await;
}
