//! The state machine as a table: in this state, when this happens, then that state, and the bot is told this.

mod support;

use std::time::Duration;

use handover_core::Timestamp;
use handover_core::conversation::{
    AgentMessageDecision, Control, Conversation, Handler, HandoverDecision, SignalDecision,
};
use handover_core::event::BotEvent;
use handover_core::handover::{Cause, HandoverRequest, HandoverStatus};
use handover_core::ids::{JobId, ThreadId};
use handover_core::queue_update::QueueUpdate;
use handover_core::settings::Timers;
use handover_core::signal::SignalKind;
use support::{POLICY, agent_message, at, conversation, handover_id, signal};

/// What happens.
#[derive(Clone, Copy, Debug)]
enum When {
    BotAsks,
    CategoryIsSet,
    RceRefuses,
    UserCancels,
    CustomerWrites,
    AgentWrites,
    AgentWritesWithoutRight,
    QueueMoves,
    ThreadIsBack,
    Rce(&'static str),
}
use When::{
    AgentWrites, AgentWritesWithoutRight, BotAsks, CategoryIsSet, CustomerWrites, QueueMoves, Rce,
    RceRefuses, ThreadIsBack, UserCancels,
};

fn kind(name: &str) -> SignalKind {
    match name {
        "waiting" => SignalKind::Waiting,
        "moved" => SignalKind::MovedToAgents,
        "recategorised" => SignalKind::Recategorised,
        "joined" => SignalKind::AgentJoined,
        "changed" => SignalKind::AgentChanged,
        "closed" => SignalKind::Closed,
        "cancelled" => SignalKind::Cancelled,
        "destroyed" => SignalKind::TaskDestroyed,
        "reopened by agent" => SignalKind::Reopened { by_agent: true },
        "reopened by customer" => SignalKind::Reopened { by_agent: false },
        "deferred" => SignalKind::Note,
        other => panic!("no signal is called {other}"),
    }
}

/// Lets it happen at second `s`; answers what the bot is told.
fn happen(c: &mut Conversation, when: When, s: i64) -> String {
    let events = match when {
        BotAsks => {
            c.request_handover(handover_id(), HandoverRequest::default(), at(s));
            Vec::new()
        }
        CategoryIsSet => {
            c.handover_started(c.epoch(), ThreadId::new("t-1"), None, at(s));
            Vec::new()
        }
        RceRefuses => c
            .handover_failed(c.epoch(), "refused", at(s))
            .into_iter()
            .collect(),
        UserCancels => c.cancel(Cause::UserCancelled, at(s)).into_iter().collect(),
        CustomerWrites => {
            c.customer_wrote(at(s));
            Vec::new()
        }
        AgentWrites | AgentWritesWithoutRight => {
            let may = matches!(when, AgentWrites);
            match c.agent_message(&agent_message("Ada", at(s)), may, handover_id(), at(s)) {
                AgentMessageDecision::Deliver { before, .. } => {
                    let told = before.iter().map(BotEvent::name);
                    return told.chain(["message.created"]).collect::<Vec<_>>().join(", ");
                }
                AgentMessageDecision::Refuse => return "the agent is refused".to_owned(),
            }
        }
        QueueMoves => {
            let update = QueueUpdate {
                position: Some(3),
                estimated_wait_ms: None,
                at: at(s),
            };
            let epoch = c.queue_update(update);
            let told = epoch.is_some_and(|epoch| c.tell_queue(epoch, update, at(s)));
            told.then_some(BotEvent::HandoverQueued { update })
                .into_iter()
                .collect()
        }
        ThreadIsBack => {
            c.resume(c.epoch());
            Vec::new()
        }
        Rce(name) => match c.signal(
            &signal(kind(name), "i-1", "a-1", at(s)),
            POLICY,
            handover_id(),
            at(s),
        ) {
            SignalDecision::Tell { events, .. } => events,
            SignalDecision::Ended { event, .. } => vec![event],
            SignalDecision::Ignored(_) | SignalDecision::Noted => Vec::new(),
        },
    };
    events.iter().map(BotEvent::name).collect::<Vec<_>>().join(", ")
}

/// A conversation in a state, reached the usual way; nothing in it is younger than second 40.
fn in_state(control: Control) -> Conversation {
    let mut c = conversation();
    let way = [
        (Control::Requested, BotAsks),
        (Control::Queued, CategoryIsSet),
        (Control::Active, Rce("joined")),
        (Control::Ended, Rce("closed")),
    ];
    for ((state, step), s) in way.into_iter().zip([10, 20, 30, 40]) {
        if c.control != control {
            happen(&mut c, step, s);
            assert_eq!(c.control, state);
        }
    }
    c
}

#[test]
fn every_transition() {
    use Control::{Active, Bot, Ended, Queued, Requested};
    let table = [
        (Bot, BotAsks, Requested, ""),
        (Bot, CategoryIsSet, Bot, ""),
        (Bot, RceRefuses, Bot, ""),
        (Bot, UserCancels, Bot, ""),
        (Bot, CustomerWrites, Bot, ""),
        (Bot, AgentWrites, Active, "handover.active, message.created"),
        (Bot, AgentWritesWithoutRight, Bot, "the agent is refused"),
        (Bot, QueueMoves, Bot, ""),
        (Bot, ThreadIsBack, Bot, ""),
        (Bot, Rce("joined"), Active, "handover.active"),
        (Bot, Rce("waiting"), Bot, ""),
        (Bot, Rce("moved"), Queued, "handover.queued"),
        (Bot, Rce("recategorised"), Bot, ""),
        (Bot, Rce("closed"), Bot, ""),
        (Bot, Rce("reopened by customer"), Bot, ""),
        (Bot, Rce("reopened by agent"), Active, "handover.active"),
        (Requested, BotAsks, Requested, ""),
        (Requested, CategoryIsSet, Queued, ""),
        (Requested, RceRefuses, Bot, "handover.failed"),
        (Requested, UserCancels, Bot, "handover.cancelled"),
        (Requested, CustomerWrites, Requested, ""),
        (Requested, AgentWrites, Active, "handover.active, message.created"),
        (Requested, QueueMoves, Queued, "handover.queued"),
        (Requested, ThreadIsBack, Requested, ""),
        (Requested, Rce("waiting"), Queued, ""),
        (Requested, Rce("joined"), Active, "handover.active"),
        (Requested, Rce("closed"), Ended, "handover.completed"),
        (Queued, BotAsks, Queued, ""),
        (Queued, CategoryIsSet, Queued, ""),
        (Queued, RceRefuses, Bot, "handover.failed"),
        (Queued, UserCancels, Bot, "handover.cancelled"),
        (Queued, CustomerWrites, Queued, ""),
        (Queued, AgentWrites, Active, "handover.active, message.created"),
        (
            Queued,
            AgentWritesWithoutRight,
            Active,
            "handover.active, message.created",
        ),
        (Queued, QueueMoves, Queued, "handover.queued"),
        (Queued, Rce("waiting"), Queued, ""),
        (Queued, Rce("joined"), Active, "handover.active"),
        (Queued, Rce("deferred"), Queued, ""),
        (Queued, Rce("recategorised"), Queued, ""),
        (Queued, Rce("destroyed"), Queued, ""),
        (Queued, Rce("closed"), Ended, "handover.completed"),
        (Queued, Rce("cancelled"), Ended, "handover.completed"),
        (Active, BotAsks, Active, ""),
        (Active, CategoryIsSet, Active, ""),
        (Active, UserCancels, Bot, "handover.cancelled"),
        (Active, CustomerWrites, Active, ""),
        (Active, AgentWrites, Active, "message.created"),
        (Active, QueueMoves, Active, ""),
        (Active, ThreadIsBack, Active, ""),
        (Active, Rce("waiting"), Active, ""),
        (Active, Rce("joined"), Active, ""),
        (Active, Rce("changed"), Active, ""),
        (Active, Rce("deferred"), Active, ""),
        (Active, Rce("recategorised"), Active, ""),
        (Active, Rce("destroyed"), Active, ""),
        (Active, Rce("reopened by agent"), Active, ""),
        (Active, Rce("reopened by customer"), Active, ""),
        (Active, Rce("closed"), Ended, "handover.completed"),
        (Active, Rce("cancelled"), Ended, "handover.completed"),
        (Ended, BotAsks, Requested, ""),
        (Ended, CategoryIsSet, Ended, ""),
        (Ended, RceRefuses, Ended, ""),
        (Ended, UserCancels, Ended, ""),
        (Ended, CustomerWrites, Bot, ""),
        (Ended, AgentWrites, Ended, "message.created"),
        (Ended, QueueMoves, Ended, ""),
        (Ended, ThreadIsBack, Bot, ""),
        (Ended, Rce("joined"), Active, "handover.active"),
        (Ended, Rce("closed"), Ended, ""),
        (Ended, Rce("reopened by customer"), Ended, ""),
        (Ended, Rce("reopened by agent"), Active, "handover.active"),
    ];
    for (from, when, to, told) in table {
        let mut c = in_state(from);
        assert_eq!(happen(&mut c, when, 50), told, "{from:?}: {when:?}");
        assert_eq!(c.control, to, "{from:?}: {when:?}");
        let handler = if to == Bot { Handler::Bot } else { Handler::Agent };
        assert_eq!(c.handler(), handler, "{from:?}: {when:?}");
    }
}

#[test]
fn an_unbroken_story_counts_its_epochs_and_keeps_its_outcomes() {
    let mut c = conversation();
    assert_eq!((c.epoch(), c.handler()), (0, Handler::Bot));
    for epoch in 1..=3 {
        let s = 100 * i64::from(epoch);
        let asked = c.request_handover(handover_id(), HandoverRequest::default(), at(s));
        assert_eq!(asked, HandoverDecision::Begins { epoch });
        let again = c.request_handover(handover_id(), HandoverRequest::default(), at(s + 1));
        assert_eq!(again, HandoverDecision::Running { epoch });
        assert_eq!(happen(&mut c, Rce("joined"), s + 10), "handover.active");
        assert_eq!(happen(&mut c, Rce("closed"), s + 40), "handover.completed");
        let handover = c.handover.as_ref().unwrap();
        assert_eq!(handover.status, HandoverStatus::Completed);
        assert_eq!(handover.outcome.as_deref(), Some("agent_closed"));
        assert_eq!(handover.durations_ms(), (10_000, 30_000));
        happen(&mut c, ThreadIsBack, s + 41);
    }
}

#[test]
fn another_agent_is_told_once_whether_the_event_or_their_message_comes_first() {
    let joined = signal(SignalKind::AgentJoined, "i-1", "a-1", at(20));
    let changed = signal(SignalKind::AgentChanged, "i-1", "a-2", at(30));
    let mut c = in_state(Control::Queued);
    c.signal(&joined, POLICY, handover_id(), at(20));
    let told = c.signal(&changed, POLICY, handover_id(), at(30));
    assert!(matches!(&told, SignalDecision::Tell { events, .. } if events[0].name() == "agent.changed"));
    assert_eq!(
        c.signal(&changed, POLICY, handover_id(), at(31)),
        SignalDecision::Noted
    );

    let mut c = in_state(Control::Queued);
    happen(&mut c, AgentWrites, 20);
    let message = agent_message("Grace", at(30));
    let AgentMessageDecision::Deliver { before, .. } = c.agent_message(&message, true, handover_id(), at(30))
    else {
        panic!("refused")
    };
    assert_eq!(before[0].name(), "agent.changed");
    assert_eq!(
        c.signal(&changed, POLICY, handover_id(), at(31)),
        SignalDecision::Noted
    );
}

#[test]
fn a_transfer_is_told_although_the_new_agent_s_task_is_reported_first() {
    let mut c = in_state(Control::Active);
    let taken = signal(SignalKind::AgentJoined, "i-1", "a-2", at(50));
    let told = c.signal(&taken, POLICY, handover_id(), at(50));
    assert!(matches!(&told, SignalDecision::Tell { events, .. } if events[0].name() == "agent.changed"));
    let changed = signal(SignalKind::AgentChanged, "i-1", "a-2", at(50));
    let again = c.signal(&changed, POLICY, handover_id(), at(51));
    assert_eq!(again, SignalDecision::Noted, "once");
    let late = signal(SignalKind::AgentJoined, "i-1", "a-1", at(29));
    let again = c.signal(&late, POLICY, handover_id(), at(52));
    assert_eq!(again, SignalDecision::Noted, "an older report changes nothing");
}

#[test]
fn a_close_right_after_an_agent_s_reopening_ends_it_however_late_both_are_heard_of() {
    let mut c = in_state(Control::Ended);
    c.resume(1);
    let reopened = signal(SignalKind::Reopened { by_agent: true }, "i-1", "a-1", at(50));
    c.signal(&reopened, POLICY, handover_id(), at(300));
    assert_eq!((c.control, c.epoch()), (Control::Active, 2));
    let closed = signal(SignalKind::Closed, "i-1", "a-1", at(60));
    c.signal(&closed, POLICY, handover_id(), at(300));
    assert_eq!(c.control, Control::Ended);
}

#[test]
fn a_close_right_after_an_agent_s_takeover_ends_it_however_late_both_are_heard_of() {
    let mut c = conversation();
    c.agent_message(&agent_message("Ada", at(50)), true, handover_id(), at(300));
    assert_eq!((c.control, c.epoch()), (Control::Active, 1));
    let closed = signal(SignalKind::Closed, "i-1", "a-1", at(60));
    c.signal(&closed, POLICY, handover_id(), at(300));
    assert_eq!(c.control, Control::Ended);
}

#[test]
fn an_agent_s_late_words_are_delivered_and_neither_begin_nor_join_a_handover() {
    let late = agent_message("Ada", at(35));
    let arrives = |mut c: Conversation, s| {
        let before = c.control;
        let decision = c.agent_message(&late, true, handover_id(), at(s));
        assert!(
            matches!(decision, AgentMessageDecision::Deliver { before, begins: false, .. } if before.is_empty())
        );
        assert_eq!(c.control, before);
    };
    let mut c = in_state(Control::Ended);
    arrives(c.clone(), 41);
    c.resume(1);
    arrives(c.clone(), 42);
    happen(&mut c, BotAsks, 200);
    arrives(c.clone(), 201);
    happen(&mut c, UserCancels, 300);
    arrives(c, 301);
}

#[test]
fn times_at_the_ends_of_time_break_nothing() {
    for time in [Timestamp::MIN, Timestamp::MAX] {
        for control in [Control::Bot, Control::Queued, Control::Active, Control::Ended] {
            let mut c = in_state(control);
            c.agent_message(&agent_message("Ada", time), true, handover_id(), at(50));
            for kind in [SignalKind::AgentJoined, SignalKind::Closed] {
                c.signal(&signal(kind, "", "a-1", time), POLICY, handover_id(), at(50));
                let reopened = SignalKind::Reopened { by_agent: true };
                c.signal(&signal(reopened, "", "a-1", time), POLICY, handover_id(), at(50));
            }
        }
    }
}

#[test]
fn a_clock_far_ahead_does_not_spoil_the_next_handover() {
    let mut c = in_state(Control::Active);
    let closed = signal(SignalKind::Closed, "", "a-1", Timestamp::MAX);
    c.signal(&closed, POLICY, handover_id(), at(50));
    c.resume(1);
    happen(&mut c, BotAsks, 60);
    assert_eq!(
        happen(&mut c, AgentWrites, 70),
        "handover.active, message.created"
    );
}

#[test]
fn a_number_that_nobody_took_is_used_again() {
    let mut c = in_state(Control::Active);
    let [typing, message] = ["typing", "message"].map(JobId::new);
    c.number(&typing, 1, vec![BotEvent::TypingStarted], false, at(0));
    c.give_number_back(&typing);
    assert_eq!(c.number(&message, 1, Vec::new(), true, at(0)).first_seq, 1);
    c.give_number_back(&typing);
    assert_eq!(c.next_seq, 2, "another job's number stays taken");
}

/// RCE tells of one end by a task and by its intervention. The second names what nobody had heard of, while the next
/// handover is requested already.
#[test]
fn a_second_report_of_an_end_does_not_end_the_next_handover() {
    let mut c = in_state(Control::Ended);
    c.resume(1);
    let end = c.last_end.expect("it ended");
    happen(&mut c, BotAsks, end.as_second() - at(0).as_second() + 1);
    assert_eq!((c.control, c.epoch()), (Control::Requested, 2));
    let requested = end + Duration::from_secs(1);
    let echo = signal(
        SignalKind::Closed,
        "i-unheard-of",
        "a-1",
        end + Duration::from_millis(50),
    );
    let ignored = c.signal(&echo, POLICY, handover_id(), requested);
    assert!(matches!(ignored, SignalDecision::Ignored(_)), "{ignored:?}");
    assert_eq!(c.control, Control::Requested);

    happen(&mut c, CategoryIsSet, 500);
    let real = signal(SignalKind::Closed, "i-2", "a-1", at(600));
    c.signal(&real, POLICY, handover_id(), at(600));
    assert_eq!(c.control, Control::Ended, "its own end ends it");
}

/// What RCE says of its time has whole seconds here, its events have milliseconds.
#[test]
fn a_clock_that_is_off_is_known_better_with_each_report() {
    let hour = 3_600_000;
    let rce = |ms: i64| Timestamp::from_millisecond(ms - hour).expect("in range");
    let ours = |ms: i64| Timestamp::from_millisecond(ms).expect("in range");
    let mut c = conversation();
    c.request_handover(handover_id(), HandoverRequest::default(), ours(10_900));
    // It said 10 s where it was 10.95 s.
    let moved = Some(rce(10_000));
    assert!(c.handover_started(1, ThreadId::new("t-1"), moved, ours(10_950)));
    for (kind, ms) in [(SignalKind::AgentJoined, 12_000), (SignalKind::Closed, 13_000)] {
        let report = signal(kind, "i-1", "a-1", rce(ms));
        c.signal(&report, POLICY, handover_id(), ours(ms));
    }
    assert_eq!(c.control, Control::Ended);
    c.resume(1);
    c.request_handover(handover_id(), HandoverRequest::default(), ours(13_600));
    assert!(c.handover_started(2, ThreadId::new("t-1"), Some(rce(13_000)), ours(13_650)));
    // Half a second before the second handover, something more is said of the first one's case.
    let late = signal(SignalKind::Closed, "i-1", "a-1", rce(13_100));
    c.signal(&late, POLICY, handover_id(), ours(13_700));
    assert_eq!(c.control, Control::Queued);
}

/// Who is looking when it ends leaves the plan alone, and nobody is sent to look at the same time twice.
#[test]
fn what_was_planned_for_a_handover_ends_with_it() {
    let timers = Timers {
        reconcile_every: Duration::from_secs(5),
        ..Timers::default()
    };
    let mut c = conversation();
    happen(&mut c, BotAsks, 0);
    happen(&mut c, CategoryIsSet, 1);
    c.may_move_late(at(1));
    c.plan_look(&timers);
    let planned = c.look_at;
    happen(&mut c, UserCancels, 6);
    c.plan_look(&timers);
    assert_eq!((planned, c.look_at), (Some(at(5)), Some(at(31))));
}
