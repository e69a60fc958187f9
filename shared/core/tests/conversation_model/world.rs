//! A conversation beside its model: everything that happens, happens to both.

use std::collections::BTreeSet;
use std::time::Duration;

use handover_core::Timestamp;
use handover_core::conversation::{Conversation, Handler, HandoverDecision, SignalDecision, TimerDecision};
use handover_core::event::BotEvent;
use handover_core::handover::{Cause, HandoverRequest};
use handover_core::ids::{JobId, ThreadId};
use handover_core::settings::Timers;
use handover_core::signal::{Signal, SignalKind};

use crate::Step;
use crate::model::{Effect, Model};
use crate::support::{POLICY, at, conversation, handover_id, signal};

/// How long after everything before it a handover begins.
const GAP: Duration = Duration::from_secs(4);
/// Whoever waits longer than two minutes waits for nobody.
const TIMERS: Timers = Timers {
    queue: Duration::from_mins(2),
    user_idle: Duration::ZERO,
    agent_idle: Duration::ZERO,
    max_age: Duration::from_mins(20),
    warn_before: Duration::from_secs(30),
    reconcile_every: Duration::from_mins(1),
    bot_silent: Duration::ZERO,
    bot_intervention_idle: Duration::ZERO,
};
const TICK: Duration = Duration::from_millis(50);

pub(crate) struct World {
    pub(crate) conversation: Conversation,
    pub(crate) model: Model,
    pub(crate) now: Timestamp,
    reports: Vec<Signal>,
    /// Epochs whose end was told.
    pub(crate) ends_told: BTreeSet<u32>,
    pub(crate) next_seq: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut conversation = conversation();
        conversation.rce_thread = Some(ThreadId::new("t-1"));
        Self {
            conversation,
            model: Model::default(),
            now: at(0),
            reports: Vec::new(),
            ends_told: BTreeSet::new(),
            next_seq: 1,
        }
    }

    pub(crate) fn happen(&mut self, step: Step) {
        self.now += TICK;
        let bot_answered = !self.model.agent_answers;
        let (events, message) = match step {
            Step::Pass(time) => {
                self.now += time;
                (Vec::new(), false)
            }
            Step::AgentWrites { agent, may_take_over } => self.agent_writes(agent, may_take_over),
            Step::OldWords {
                back,
                moment,
                may_take_over,
                retry,
            } => self.old_words(back, moment, may_take_over, retry),
            other => (self.happen_without_words(other), false),
        };
        self.check(bot_answered, &events);
        self.number(events, message);
    }

    fn happen_without_words(&mut self, step: Step) -> Vec<BotEvent> {
        let c = &mut self.conversation;
        let epoch = |back| self.model.epoch.saturating_sub(back);
        match step {
            Step::BotAsks => {
                self.bot_asks();
                Vec::new()
            }
            Step::CategoryIsSet { back } => {
                let before = c.clone();
                let started = c.handover_started(epoch(back), ThreadId::new("t-1"), None, self.now);
                assert_eq!(started, self.model.under_way && epoch(back) == self.model.epoch);
                assert!(
                    started || *c == before,
                    "an older epoch's category changes nothing"
                );
                Vec::new()
            }
            Step::RceRefuses { back } => {
                let event = c.handover_failed(epoch(back), "refused", self.now);
                let ends = self.model.under_way && epoch(back) == self.model.epoch;
                assert_eq!(event.is_some(), ends);
                if ends {
                    self.model.end(self.now, false);
                }
                event.into_iter().collect()
            }
            Step::Cancel => {
                let event = c.cancel(Cause::UserCancelled, self.now);
                assert_eq!(event.is_some(), self.model.under_way);
                if event.is_some() {
                    self.model.end(self.now, false);
                }
                event.into_iter().collect()
            }
            Step::ThreadIsBack { back } => {
                let resumes = c.resume(epoch(back));
                let ended = self.model.agent_answers && !self.model.under_way;
                assert_eq!(resumes, ended && epoch(back) == self.model.epoch);
                self.model.agent_answers &= !resumes;
                Vec::new()
            }
            Step::CustomerWrites => {
                c.customer_wrote(self.now);
                self.model.agent_answers &= self.model.under_way;
                Vec::new()
            }
            Step::Report {
                kind,
                agent,
                intervention,
                late,
                twice,
            } => self.report(kind, agent, intervention, late, twice),
            Step::OldReport { kind, back, moment } => self.old_report(kind, back, moment),
            Step::Repeat { which } => self.repeat(which),
            Step::CheckTimers => self.check_timers(),
            Step::QueueMoves { position } => self.queue_moves(position),
            Step::AgentTypes { bot_takes_it } => {
                self.agent_types(bot_takes_it);
                Vec::new()
            }
            Step::Pass(_) | Step::AgentWrites { .. } | Step::OldWords { .. } => unreachable!(),
        }
    }

    fn bot_asks(&mut self) {
        self.leave_a_gap();
        let asked = self
            .conversation
            .request_handover(handover_id(), HandoverRequest::default(), self.now);
        if self.model.under_way {
            let epoch = self.model.epoch;
            assert_eq!(asked, HandoverDecision::Running { epoch });
        } else {
            self.model.begin(self.now, self.now);
            let epoch = self.model.epoch;
            assert_eq!(asked, HandoverDecision::Begins { epoch });
        }
    }

    fn check_timers(&mut self) -> Vec<BotEvent> {
        let waits = self.conversation.waits_with(self.model.epoch);
        let decision = self
            .conversation
            .check_timers(self.model.epoch, &TIMERS, self.now);
        let age = Duration::try_from(self.now.duration_since(self.model.heard)).expect("time goes on");
        let too_long = waits && age >= TIMERS.queue || age >= TIMERS.max_age;
        match decision {
            TimerDecision::TimedOut { epoch, event } => {
                assert!(self.model.under_way && too_long && epoch == self.model.epoch);
                self.model.end(self.now, false);
                vec![event]
            }
            TimerDecision::Warn { event, .. } => {
                assert!(self.model.under_way && !too_long);
                vec![event]
            }
            TimerDecision::Nothing => {
                assert!(!self.model.under_way || !too_long);
                Vec::new()
            }
        }
    }

    pub(crate) fn leave_a_gap(&mut self) {
        if !self.model.under_way {
            self.now += GAP;
        }
    }

    fn report(
        &mut self,
        kind: SignalKind,
        agent: u8,
        intervention: u32,
        late: Duration,
        twice: bool,
    ) -> Vec<BotEvent> {
        self.leave_a_gap();
        let earliest = if self.model.under_way {
            self.model.began + TICK
        } else {
            self.model.last_end().unwrap_or(at(0)) + GAP
        };
        let issued = (self.now - late).max(earliest);
        let intervention = match intervention {
            0 => String::new(),
            n => format!("i-{}", n.min(self.model.epoch)),
        };
        let signal = signal(kind, &intervention, &format!("a-{agent}"), issued);
        self.reports.push(signal.clone());
        let events = self.hear(&signal);
        if twice {
            let before = self.conversation.clone();
            assert_eq!(self.hear(&signal), [], "a repeat has no second effect");
            assert_eq!(self.conversation, before, "a repeat has no second effect");
        }
        events
    }

    fn old_report(&mut self, kind: SignalKind, back: usize, moment: u8) -> Vec<BotEvent> {
        let Some((number, issued)) = self.moment_of(back, moment) else {
            return Vec::new();
        };
        let signal = signal(kind, &format!("i-{number}"), "a-9", issued);
        assert_eq!(self.model.effect(&signal), Effect::Nothing, "of the test");
        self.hear(&signal)
    }

    /// Some moment of a handover that is over: its epoch (as an intervention's name) and the time.
    pub(crate) fn moment_of(&self, back: usize, moment: u8) -> Option<(usize, Timestamp)> {
        let index = self.model.over.len().checked_sub(1 + back)?;
        let (began, ended) = self.model.over[index];
        let length = ended.as_millisecond() - began.as_millisecond();
        let into = Duration::from_millis(u64::try_from(length * i64::from(moment) / 255).expect("in range"));
        Some((index + 1, began + into))
    }

    fn repeat(&mut self, which: usize) -> Vec<BotEvent> {
        let count = self.reports.len().max(1);
        let Some(signal) = self.reports.get(which % count).cloned() else {
            return Vec::new();
        };
        let begins = self.model.effect(&signal) == Effect::Begins;
        let unclear = self
            .model
            .last_end()
            .is_some_and(|end| signal.issued_at < end + GAP);
        // Of two things at nearly the same moment nobody can say which came first.
        let before = self.model.began.duration_since(signal.issued_at);
        let at_once = self.model.under_way && !before.is_negative() && before.unsigned_abs() < GAP;
        if (begins && unclear) || at_once {
            return Vec::new();
        }
        self.hear(&signal)
    }

    /// Lets the conversation hear of a signal and holds what it decides to the model.
    fn hear(&mut self, signal: &Signal) -> Vec<BotEvent> {
        let before = self.conversation.clone();
        let effect = self.model.effect(signal);
        let decision = self.conversation.signal(signal, POLICY, handover_id(), self.now);
        match effect {
            Effect::Nothing => {
                assert_eq!(self.conversation, before, "{signal:?}");
                let quiet = matches!(decision, SignalDecision::Ignored(_) | SignalDecision::Noted);
                assert!(quiet, "{decision:?}");
            }
            Effect::Begins => {
                self.model.begin(signal.issued_at, self.now);
                self.model.heard(signal, effect);
            }
            Effect::Ends => {
                self.model.heard(signal, effect);
                self.model.end(signal.issued_at, true);
            }
            Effect::Detail => self.model.heard(signal, effect),
        }
        self.put_back();
        match decision {
            SignalDecision::Tell {
                events,
                begins,
                epoch,
            } => {
                assert_eq!((begins, epoch), (effect == Effect::Begins, self.model.epoch));
                events
            }
            SignalDecision::Ended { event, epoch } => {
                assert_eq!((effect, epoch), (Effect::Ends, self.model.epoch));
                vec![event]
            }
            SignalDecision::Ignored(_) | SignalDecision::Noted => {
                assert!(matches!(effect, Effect::Nothing | Effect::Detail), "{signal:?}");
                Vec::new()
            }
        }
    }

    /// Here RCE puts threads back at once.
    fn put_back(&mut self) {
        if !self.model.under_way {
            self.conversation.tidied_epoch = self.conversation.epoch();
        }
    }

    /// What is true at any time.
    fn check(&mut self, bot_answered: bool, events: &[BotEvent]) {
        self.put_back();
        let (c, model) = (&self.conversation, &self.model);
        let owner = if model.agent_answers {
            Handler::Agent
        } else {
            Handler::Bot
        };
        assert_eq!(c.handler(), owner, "exactly one answers");
        assert_eq!(c.epoch(), model.epoch);
        assert_eq!(c.is_under_way(model.epoch), model.under_way);
        assert!(!c.is_under_way(model.epoch + 1));
        let bot_state = bot_answered && !model.agent_answers;
        assert!(
            !bot_state || events.is_empty(),
            "{events:?}: nothing to tell a bot that answers"
        );
        for event in events {
            assert!(
                !event.is_end() || self.ends_told.insert(self.model.epoch),
                "one end for each epoch"
            );
        }
    }

    /// Numbers what is told: without gaps.
    pub(crate) fn number(&mut self, events: Vec<BotEvent>, then_message: bool) {
        let count = events.len() as u64 + u64::from(then_message);
        if count == 0 {
            return;
        }
        let job = JobId::new((self.next_seq + count).to_string());
        let first = self
            .conversation
            .number(&job, self.model.epoch, events, then_message, self.now)
            .first_seq;
        assert_eq!(first, self.next_seq);
        self.next_seq += count;
        assert_eq!(self.conversation.next_seq, self.next_seq);
    }
}
