//! Summaries, surveys and deferrals: whose they are, in whatever order they come.

mod support;

use handover_core::aftermath::Survey;
use handover_core::conversation::{Conversation, SignalDecision};
use handover_core::event::BotEvent;
use handover_core::handover::{Cause, HandoverRequest};
use handover_core::ids::ThreadId;
use handover_core::signal::{Signal, SignalKind};
use support::{POLICY, agent_message, at, conversation, handover_id, signal};

/// What the bot is told of a signal, with the epoch; "" for nothing.
fn hear(c: &mut Conversation, signal: &Signal, s: i64) -> String {
    let (epoch, event) = match c.signal(signal, POLICY, handover_id(), at(s)) {
        SignalDecision::Tell { epoch, events, .. } => (epoch, events[0].clone()),
        SignalDecision::Ended { epoch, event } => {
            c.resume(epoch);
            (epoch, event)
        }
        SignalDecision::Noted => return String::new(),
        SignalDecision::Ignored(_) => return "ignored".to_owned(),
    };
    let more = match event.clone() {
        BotEvent::HandoverCompleted { summary, rating, .. } => {
            let rating = rating.map(|rating| rating.to_string());
            let both = [summary, rating];
            both.into_iter().flatten().collect::<Vec<_>>().join(" ")
        }
        BotEvent::HandoverSummarised { summary } => summary,
        BotEvent::HandoverDeferred { agent } => agent
            .and_then(|a| a.id)
            .map_or(String::new(), |id| id.to_string()),
        _ => String::new(),
    };
    format!("{epoch} {} {more}", event.name()).trim_end().to_owned()
}

fn said(
    c: &mut Conversation,
    text: &str,
    segment: &str,
    submitted: bool,
    intervention: &str,
    s: i64,
) -> String {
    let kind = SignalKind::Summarised {
        text: text.to_owned(),
        segment: Some(segment.to_owned()),
        submitted,
    };
    hear(c, &signal(kind, intervention, "", at(s)), s)
}

fn rated(c: &mut Conversation, rating: u64, intervention: &str, s: i64) -> String {
    let survey = Survey {
        id: None,
        rating: Some(rating.into()),
        score: None,
        answers: Vec::new(),
        comment: None,
        at: at(s),
    };
    hear(
        c,
        &signal(SignalKind::Surveyed { survey }, intervention, "", at(s)),
        s,
    )
}

fn closed(c: &mut Conversation, intervention: &str, s: i64) -> String {
    hear(c, &signal(SignalKind::Closed, intervention, "", at(s)), s)
}

fn queued(c: &mut Conversation, s: i64) {
    c.request_handover(handover_id(), HandoverRequest::default(), at(s));
    c.handover_started(c.epoch(), ThreadId::new("t-1"), None, at(s + 1));
}

/// A handover that an agent has since second `s + 2`.
fn with_agent(c: &mut Conversation, intervention: &str, s: i64) {
    queued(c, s);
    hear(
        c,
        &signal(SignalKind::AgentJoined, intervention, "a-1", at(s + 2)),
        s + 2,
    );
}

#[test]
fn what_is_known_by_the_end_is_told_with_it_and_once() {
    let mut c = conversation();
    with_agent(&mut c, "i-1", 0);
    assert_eq!(said(&mut c, "generated", "s-1", false, "i-1", 10), "");
    assert_eq!(said(&mut c, "submitted", "s-1", true, "i-1", 11), "");
    assert_eq!(said(&mut c, "generated again", "s-1", false, "i-1", 12), "");
    assert_eq!(rated(&mut c, 4, "i-1", 13), "1 survey.imported");
    assert_eq!(closed(&mut c, "i-1", 20), "1 handover.completed submitted 4");
    assert_eq!(said(&mut c, "submitted", "s-1", true, "i-1", 21), "", "known");
    assert_eq!(said(&mut c, "late and generated", "s-1", false, "i-1", 22), "");
    assert_eq!(
        said(&mut c, "better", "s-1", true, "i-1", 23),
        "1 handover.summarised better"
    );
}

#[test]
fn what_comes_later_names_its_own_handover() {
    let mut c = conversation();
    with_agent(&mut c, "i-1", 0);
    closed(&mut c, "i-1", 20);
    with_agent(&mut c, "i-2", 30);
    assert_eq!(
        said(&mut c, "first", "s-1", false, "i-1", 40),
        "1 handover.summarised first"
    );
    assert_eq!(said(&mut c, "first", "s-1", true, "i-1", 41), "", "the same text");
    assert_eq!(rated(&mut c, 2, "i-1", 42), "1 survey.imported");
    assert_eq!(said(&mut c, "second", "s-2", false, "i-2", 43), "");
    for foreign in ["i-9", ""] {
        assert_eq!(said(&mut c, "foreign", "s-9", true, foreign, 44), "ignored");
        assert_eq!(rated(&mut c, 1, foreign, 45), "ignored");
    }
    assert_eq!(
        closed(&mut c, "i-2", 50),
        "2 handover.completed second",
        "the rating was the first's"
    );
    assert_eq!(rated(&mut c, 5, "i-2", 60), "2 survey.imported");
}

#[test]
fn a_handover_whose_intervention_is_not_known_yet_takes_news_of_its_own_time() {
    let mut c = conversation();
    queued(&mut c, 0);
    assert_eq!(said(&mut c, "early", "s-1", false, "i-1", 10), "");
    assert_eq!(closed(&mut c, "i-1", 20), "1 handover.completed early");
    queued(&mut c, 100);
    let old = SignalKind::Summarised {
        text: "of another time".to_owned(),
        segment: None,
        submitted: true,
    };
    assert_eq!(hear(&mut c, &signal(old, "i-0", "", at(50)), 110), "ignored");
    assert_eq!(
        said(&mut c, "corrected", "s-1", true, "i-1", 110),
        "1 handover.summarised corrected"
    );
    assert_eq!(closed(&mut c, "i-2", 120), "2 handover.completed");
}

#[test]
fn a_reopened_intervention_is_part_of_two_handovers() {
    let mut c = conversation();
    with_agent(&mut c, "i-1", 0);
    closed(&mut c, "i-1", 20);
    let reopened = SignalKind::Reopened { by_agent: true };
    hear(&mut c, &signal(reopened, "i-1", "a-1", at(60)), 60);
    assert_eq!(c.epoch(), 2);
    let late = SignalKind::Summarised {
        text: "first part".to_owned(),
        segment: Some("s-1".to_owned()),
        submitted: false,
    };
    let late = signal(late, "i-1", "", at(25));
    assert_eq!(hear(&mut c, &late, 61), "1 handover.summarised first part");
    assert_eq!(said(&mut c, "second part", "s-2", false, "i-1", 70), "");
    assert_eq!(closed(&mut c, "i-1", 80), "2 handover.completed second part");
    assert_eq!(hear(&mut c, &late, 81), "", "the first part is no news");
}

#[test]
fn a_handover_that_we_ended_may_be_summarised() {
    let mut c = conversation();
    with_agent(&mut c, "i-1", 0);
    assert_eq!(said(&mut c, "so far", "s-1", false, "i-1", 5), "");
    c.cancel(Cause::UserCancelled, at(10));
    c.ended_by_us("i-1".into(), 1, at(11));
    assert_eq!(
        said(&mut c, "so far", "s-1", true, "i-1", 12),
        "1 handover.summarised so far"
    );
    // One of which nobody had told before we ended it.
    queued(&mut c, 100);
    c.cancel(Cause::BotEnded, at(110));
    queued(&mut c, 111);
    c.ended_by_us("i-2".into(), 2, at(112));
    c.ended_by_us("i-1".into(), 2, at(112));
    assert_eq!(rated(&mut c, 3, "i-2", 113), "2 survey.imported");
    assert_eq!(rated(&mut c, 3, "i-1", 113), "1 survey.imported");
}

#[test]
fn a_deferral_is_told_once_until_the_agent_is_back() {
    let mut c = conversation();
    with_agent(&mut c, "i-1", 0);
    let mut deferred = |issued: i64, agent: &str, intervention: &str| {
        hear(
            &mut c,
            &signal(SignalKind::Deferred, intervention, agent, at(issued)),
            100,
        )
    };
    assert_eq!(deferred(10, "a-2", "i-1"), "1 handover.deferred a-2");
    assert_eq!(deferred(11, "a-2", "i-1"), "", "still aside");
    assert_eq!(deferred(12, "a-2", "i-9"), "", "another intervention");
    let back =
        |c: &mut Conversation, issued| hear(c, &signal(SignalKind::Reactivated, "i-1", "", at(issued)), 100);
    assert_eq!(back(&mut c, 20), "");
    let mut deferred = |issued: i64| hear(&mut c, &signal(SignalKind::Deferred, "i-1", "", at(issued)), 100);
    assert_eq!(deferred(15), "", "before it was back");
    assert_eq!(deferred(30), "1 handover.deferred a-1");
    closed(&mut c, "i-1", 110);
    assert_eq!(
        hear(&mut c, &signal(SignalKind::Deferred, "i-1", "", at(120)), 120),
        "ignored"
    );
    assert_eq!(back(&mut c, 121), "ignored");
}

#[test]
fn who_put_it_aside_keeps_the_name_that_they_signed_with() {
    let mut c = conversation();
    queued(&mut c, 0);
    c.agent_message(&agent_message("Ada", at(5)), true, handover_id(), at(5));
    let deferred = signal(SignalKind::Deferred, "i-1", "a-1", at(10));
    let SignalDecision::Tell { events, .. } = c.signal(&deferred, POLICY, handover_id(), at(10)) else {
        panic!("a deferral is told");
    };
    let [BotEvent::HandoverDeferred { agent: Some(agent) }] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(agent.name.as_deref(), Some("Ada"));
    assert_eq!(agent.id.as_ref().map(ToString::to_string).as_deref(), Some("a-1"));
}

#[test]
fn conversations_of_before_are_still_read() {
    let old = r#"{"connection":"shop","id":"c-1","thread":"c-1","started_at":"2026-11-20T09:00:00Z","control":"bot",
        "ended_interventions":[{"id":"i-0","at":"2026-11-20T09:20:00Z"}],"next_seq":5}"#;
    let mut c: Conversation = serde_json::from_str(old).expect("a conversation");
    assert_eq!(said(&mut c, "whose?", "s-1", true, "i-0", 0), "ignored");
}
