//! On a channel of RCE's own the bot may have an intervention. What it opened it also ends; what an agent has is left alone, and
//! nobody speaks beside them.

use std::time::Duration;

use handover_stories::crash::at_every_step;
use handover_stories::desk::SAM;
use handover_stories::{Bench, Setup};
use serde_json::{Value, json};
use simulated_ringcx::{Fault, FaultTarget, NativeKind, NativeMessage};

use crate::native::finish;
use crate::native_agents::{answered, native, supervisors};
use crate::native_crashes::taken_up;
use crate::native_signs::reported;

const VIRTUAL_AGENT: &str = "5f0c00000000000000a9ffff";
const ALWAYS: &str = r#"bot_intervention = "always""#;
const VIRTUAL: &str = "virtual_agent = true";

fn chat() -> Setup {
    Setup::default().on(NativeKind::WhatsApp).rce(|rce| {
        rce.virtual_agent_id = Some(VIRTUAL_AGENT.to_owned());
        rce.cases_reopen_anywhere = true;
    })
}

/// RCE's reports are sent one by one. The customer has written, and the bot was told.
async fn by_hand(lines: &'static str) -> (Bench, String) {
    told(chat(), lines).await
}

async fn told(setup: Setup, lines: &'static str) -> (Bench, String) {
    let bench = native(setup.by_hand(), lines).await;
    let (thread, content) = bench.customer(NativeMessage::new("nadia", "Where is my parcel?"));
    reported(&bench, bench.imported(&content, &json!({}))).await;
    (bench, thread)
}

/// What RCE reports of what Sam wrote.
fn replied(bench: &Bench, content: &str) -> Value {
    let by_sam = json!({"user_id": SAM, "metadata": {"created_from": "interface", "creator_id": SAM}});
    let event = bench.rce.event_of("content.replied", content, &by_sam);
    event.expect("there is such a content")
}

/// Who has the thread's open intervention.
fn owner(bench: &Bench, thread: &str) -> Option<String> {
    bench
        .rce
        .read(|state| state.open_intervention(thread).map(|it| it.user_id.clone()))
}

fn ends_asked_for(bench: &Bench) -> usize {
    let calls = bench.rce.requests();
    let is_end = |what: &str| {
        what.starts_with("PUT /1.0/interventions/")
            || what.starts_with("DELETE /1.0/interventions/")
            || what.starts_with("POST /1.0/bots/handover")
            || what.starts_with("POST /1.0/bots/complete")
    };
    calls.iter().filter(|call| is_end(&call.what)).count()
}

/// The next attempt to open an intervention has no answer.
fn loses_the_engagement(bench: &Bench, lines: &str, fault: Fault) {
    let target = if lines == VIRTUAL {
        FaultTarget::RestBots
    } else {
        FaultTarget::RestInterventions
    };
    bench.rce.fail_next(target, fault, 1);
}

#[tokio::test]
async fn an_agent_who_answers_in_the_bots_intervention_keeps_it_although_only_the_answer_is_reported() {
    for lines in [ALWAYS, VIRTUAL] {
        let (bench, thread) = by_hand(lines).await;
        bench.answers(&thread, "On its way").await;
        bench.until_quiet_by_hand().await;
        bench.pass(Duration::from_secs(20));
        let content = bench.rce.reply(&thread, SAM, supervisors("Sam here")).unwrap();
        reported(&bench, replied(&bench, &content)).await;
        assert_eq!(bench.status(&thread).await, "active", "{lines}");
        assert_eq!(bench.categories(&thread), ["agent"], "{lines}");
        assert_eq!(owner(&bench, &thread).as_deref(), Some(SAM), "{lines}");
        assert_eq!(ends_asked_for(&bench), 0, "{lines}");
        // What RCE says besides, late.
        let taken = bench
            .rce
            .event("intervention.user_updated", &thread, &json!({"user_id": SAM}));
        reported(&bench, taken).await;
        assert_eq!(bench.status(&thread).await, "active", "{lines}");
        bench.pass(Duration::from_mins(1));
        bench.rce.close(&thread).unwrap();
        let closed = bench
            .rce
            .event("intervention.closed", &thread, &json!({"user_id": SAM}));
        reported(&bench, closed).await;
        assert_eq!(bench.handler(&thread).await, "bot", "{lines}");
        assert_eq!(bench.said(&thread), ["On its way", "Sam here"], "{lines}");
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn an_agents_own_words_tell_whose_intervention_it_is_where_rce_does_not_say() {
    let (bench, thread) = by_hand(ALWAYS).await;
    bench.answers(&thread, "On its way").await;
    bench.until_quiet_by_hand().await;
    bench.pass(Duration::from_secs(20));
    let wrote = writes(&bench, &thread);
    refuses_once(&bench);
    reported(&bench, wrote).await;
    assert_eq!(bench.status(&thread).await, "active");
    assert_eq!(owner(&bench, &thread).as_deref(), Some(SAM));
    assert_eq!(ends_asked_for(&bench), 0);
    finish(bench, &thread).await;
}

/// RCE refuses the next look at an intervention.
fn refuses_once(bench: &Bench) {
    let refusal = r#"{"error":"forbidden","message":"no","status":403}"#;
    let fault = Fault::Status(403, refusal.to_owned());
    bench.rce.fail_next(FaultTarget::RestInterventions, fault, 1);
}

#[tokio::test]
async fn a_handover_leaves_an_agent_alone_who_has_the_bots_intervention_although_nobody_reported_that() {
    for lines in [ALWAYS, VIRTUAL] {
        let (bench, thread) = by_hand(lines).await;
        bench.answers(&thread, "On its way").await;
        bench.until_quiet_by_hand().await;
        bench.pass(Duration::from_secs(20));
        bench.rce.reply(&thread, SAM, supervisors("Sam here")).unwrap();
        bench.asks_for_agent(&thread, json!({"reason": "help"})).await;
        bench.until_quiet_by_hand().await;
        assert_eq!(bench.categories(&thread), ["agent"], "{lines}");
        assert_eq!(owner(&bench, &thread).as_deref(), Some(SAM), "{lines}");
        assert_eq!(ends_asked_for(&bench), 0, "{lines}");
        assert_eq!(bench.comments(&thread), ["From the bot\nReason: help"], "{lines}");
        finish(bench, &thread).await;
    }
}

/// How an agent comes while it is not known yet whether the bot has an intervention, and what RCE reports of that.
type Way = fn(&Bench, &str) -> Value;

const WAYS: [(&str, Fault, Way); 3] = [
    ("answers in the bot's", Fault::LoseAnswer, writes),
    ("answers in one of their own", Fault::Drop, writes),
    ("opens one", Fault::Drop, |bench, thread| {
        bench.rce.engage(thread, SAM).expect("RCE agrees");
        bench.rce.event("intervention.opened", thread, &json!({}))
    }),
];

fn writes(bench: &Bench, thread: &str) -> Value {
    let content = bench.rce.reply(thread, SAM, supervisors("Sam here"));
    replied(bench, &content.expect("RCE agrees"))
}

#[tokio::test]
async fn an_agent_who_comes_while_the_bot_opens_its_intervention_is_alone_with_the_customer() {
    for (name, fault, comes) in WAYS {
        // The bot's next attempt is before, or after, what is reported.
        for wait in [Duration::ZERO, Duration::from_secs(10)] {
            let (bench, thread) = by_hand(ALWAYS).await;
            loses_the_engagement(&bench, ALWAYS, fault.clone());
            bench.answers(&thread, "Two voices").await;
            bench.work().await;
            let came = comes(&bench, &thread);
            bench.pass(wait);
            reported(&bench, came).await;
            let said = bench.said(&thread);
            assert!(
                !said.contains(&"Two voices".to_owned()),
                "{name} {wait:?}: {said:?}"
            );
            assert_eq!(bench.status(&thread).await, "active", "{name} {wait:?}");
            assert_eq!(owner(&bench, &thread).as_deref(), Some(SAM), "{name} {wait:?}");
            assert_eq!(ends_asked_for(&bench), 0, "{name} {wait:?}");
            let failed = bench.bot.only("message.failed");
            assert_eq!(failed.data()["reason"], "agents_have_it", "{name} {wait:?}");
            finish(bench, &thread).await;
        }
    }
}

#[tokio::test]
async fn what_the_bot_opened_without_hearing_of_it_is_its_own_and_begins_nothing() {
    for lines in [ALWAYS, VIRTUAL] {
        let (bench, thread) = by_hand(lines).await;
        loses_the_engagement(&bench, lines, Fault::LoseAnswer);
        bench.answers(&thread, "On its way").await;
        bench.work().await;
        let opened = bench.rce.event("intervention.opened", &thread, &json!({}));
        reported(&bench, opened).await;
        assert_eq!(bench.said(&thread), ["On its way"], "{lines}");
        assert_eq!(bench.handler(&thread).await, "bot", "{lines}");
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn agents_get_the_thread_also_if_the_bot_never_heard_of_its_own_intervention() {
    for lines in [ALWAYS, VIRTUAL] {
        let (bench, thread) = by_hand(lines).await;
        loses_the_engagement(&bench, lines, Fault::LoseAnswer);
        bench.answers(&thread, "Never said").await;
        bench.work().await;
        bench.rce.move_to_agents(&thread, SAM).unwrap();
        let waits = bench.rce.event("task.created", &thread, &json!({}));
        reported(&bench, waits).await;
        assert_eq!(bench.status(&thread).await, "queued", "{lines}");
        // A virtual agent's intervention is given on, any other is ended.
        assert_eq!(ends_asked_for(&bench), 1, "{lines}");
        assert_eq!(owner(&bench, &thread).is_some(), lines == VIRTUAL, "{lines}");
        assert!(bench.said(&thread).is_empty(), "{lines}");
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn an_agents_unanswered_intervention_is_not_taken_for_one_that_the_bot_opened() {
    let (bench, thread) = by_hand(VIRTUAL).await;
    loses_the_engagement(&bench, VIRTUAL, Fault::Drop);
    bench.answers(&thread, "Two voices").await;
    bench.work().await;
    bench.rce.engage(&thread, SAM).unwrap();
    let opened = bench.rce.event("intervention.opened", &thread, &json!({}));
    bench.pass(Duration::from_secs(31));
    reported(&bench, opened).await;
    assert_eq!(bench.status(&thread).await, "active");
    assert_eq!(owner(&bench, &thread).as_deref(), Some(SAM));
    assert_eq!(ends_asked_for(&bench), 0);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn an_agent_is_noticed_at_once_also_after_the_bot_could_not_open_its_intervention() {
    let (bench, thread) = by_hand(ALWAYS).await;
    loses_the_engagement(&bench, ALWAYS, Fault::Drop);
    bench.answers(&thread, "Never said").await;
    bench.work().await;
    // Meanwhile somebody moves it to the agents, and back.
    bench.rce.move_to_agents(&thread, SAM).unwrap();
    let waits = bench.rce.event("task.created", &thread, &json!({}));
    reported(&bench, waits).await;
    assert_eq!(bench.status(&thread).await, "queued");
    bench.ends_handover(&thread, json!({})).await;
    bench.until_quiet_by_hand().await;
    assert_eq!(bench.handler(&thread).await, "bot");
    bench.pass(Duration::from_mins(5));

    bench.answers(&thread, "Two voices").await;
    let content = bench.rce.reply(&thread, SAM, supervisors("Sam here")).unwrap();
    reported(&bench, replied(&bench, &content)).await;
    assert_eq!(bench.said(&thread), ["Sam here"]);
    assert_eq!(bench.status(&thread).await, "active");
    finish(bench, &thread).await;
}

#[tokio::test]
async fn the_bots_intervention_ends_with_a_handover_also_if_nobody_reported_that_it_is_open_again() {
    for lines in [ALWAYS, VIRTUAL] {
        let (bench, thread) = by_hand(lines).await;
        bench.answers(&thread, "On its way").await;
        bench.until_quiet_by_hand().await;
        bench.pass(Duration::from_mins(31));
        bench.until_quiet_by_hand().await;
        assert_eq!(owner(&bench, &thread), None, "{lines}");
        let (_, content) = bench.customer(NativeMessage::new("nadia", "A human, please"));
        reported(&bench, bench.imported(&content, &json!({}))).await;
        assert!(owner(&bench, &thread).is_some(), "{lines}");
        let before = ends_asked_for(&bench);
        bench.asks_for_agent(&thread, json!({})).await;
        bench.until_quiet_by_hand().await;
        assert_eq!(bench.categories(&thread), ["agent"], "{lines}");
        assert_eq!(ends_asked_for(&bench), before + 1, "{lines}");
        assert_eq!(owner(&bench, &thread).is_some(), lines == VIRTUAL, "{lines}");
        finish(bench, &thread).await;
    }
}

#[tokio::test]
async fn a_handover_goes_on_where_rce_does_not_say_who_has_the_bots_intervention() {
    let bench = native(chat(), ALWAYS).await;
    let thread = answered(&bench).await;
    refuses_once(&bench);
    bench.asks_for_agent(&thread, json!({})).await;
    bench.until_quiet().await;
    assert_eq!(bench.categories(&thread), ["agent"]);
    assert_eq!(owner(&bench, &thread), None);
    finish(bench, &thread).await;
}

#[tokio::test]
async fn an_agent_keeps_the_bots_intervention_whatever_breaks() {
    at_every_step(async |breaks| {
        let (bench, thread) = by_hand(ALWAYS).await;
        bench.answers(&thread, "On its way").await;
        bench.until_quiet_by_hand().await;
        bench.pass(Duration::from_secs(20));
        let wrote = writes(&bench, &thread);
        breaks.arm(&bench.steps);
        bench.insist_webhook(&[wrote]).await;
        taken_up(&bench).await;
        let steps = bench.steps.taken();
        assert_eq!(owner(&bench, &thread).as_deref(), Some(SAM), "{breaks:?}");
        assert_eq!(bench.status(&thread).await, "active", "{breaks:?}");
        assert_eq!(bench.categories(&thread), ["agent"], "{breaks:?}");
        steps
    })
    .await;
}

#[tokio::test]
async fn an_intervention_of_which_the_bot_never_heard_ends_whatever_breaks() {
    for lines in [ALWAYS, VIRTUAL] {
        at_every_step(async |breaks| {
            // Nobody looks meanwhile.
            let (bench, thread) = told(chat().timers("reconcile_every = 0"), lines).await;
            loses_the_engagement(&bench, lines, Fault::LoseAnswer);
            bench.answers(&thread, "Never said").await;
            bench.work().await;
            bench.rce.move_to_agents(&thread, SAM).unwrap();
            let waits = bench.rce.event("task.created", &thread, &json!({}));
            breaks.arm(&bench.steps);
            bench.insist_webhook(&[waits]).await;
            bench.work().await;
            taken_up(&bench).await;
            let steps = bench.steps.taken();
            let open = owner(&bench, &thread).is_some();
            let said = bench.said(&thread);
            if said.is_empty() {
                assert_eq!(bench.status(&thread).await, "queued", "{lines} {breaks:?}");
                assert_eq!(open, lines == VIRTUAL, "{lines} {breaks:?}");
            } else {
                // What broke was the report: the bot went on.
                assert_eq!(bench.handler(&thread).await, "bot", "{lines} {breaks:?}");
            }
            steps
        })
        .await;
    }
}
