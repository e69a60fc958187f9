//! Ends that nobody brings about, and when somebody must look after a handover.
//!
//! A timer counts from what is stored, so it survives a restart, and it fires in the conversation's own order, so it
//! fires once. Whose turn it is decides which silence counts: the person's after the agent spoke, else the agent's.

use std::time::Duration;

use crate::Timestamp;
use crate::event::BotEvent;
use crate::handover::{Handover, HandoverStatus, Timer};
use crate::settings::Timers;

use super::{Control, Conversation};

/// How long a check of the timers may be on its way.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// When somebody looks after a handover that no timer ends and that is not reconciled: in the year 9999. A few hours
/// before the last moment that there is, because milliseconds cannot express that one.
pub const NOBODY_LOOKS: Timestamp = Timestamp::constant(253_402_128_000, 0);

/// What the timers ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum TimerDecision {
    Nothing,
    /// Warn the bot.
    Warn {
        epoch: u32,
        event: BotEvent,
    },
    /// The handover is over, the bot has the conversation: tidy up at RCE, then tell the bot.
    TimedOut {
        epoch: u32,
        event: BotEvent,
    },
}

impl Conversation {
    /// Warns of the next timer, or ends the handover by it, if its time has come.
    pub fn check_timers(&mut self, epoch: u32, timers: &Timers, now: Timestamp) -> TimerDecision {
        if !self.is_under_way(epoch) {
            return TimerDecision::Nothing;
        }
        // What was planned is being done.
        self.look_at = None;
        let Some((timer, ends_at)) = self.next_timer(timers) else {
            return TimerDecision::Nothing;
        };
        if ends_at <= now {
            self.end_here(HandoverStatus::TimedOut, timer.as_str(), now);
            let (queued_ms, active_ms) = self.durations_ms();
            let event = BotEvent::HandoverTimedOut {
                timer,
                queued_ms,
                active_ms,
            };
            return TimerDecision::TimedOut { epoch, event };
        }
        let due = self
            .warning_of(timer, ends_at, timers)
            .is_some_and(|at| at <= now);
        let Some(handover) = self.handover.as_mut().filter(|_| due) else {
            return TimerDecision::Nothing;
        };
        handover.warned_of = Some(ends_at);
        let event = BotEvent::HandoverTimingOut { timer, ends_at };
        TimerDecision::Warn { epoch, event }
    }

    /// Notes when somebody must look after the handover next. To be called before every write.
    ///
    /// It may be earlier than necessary, because moving it with every message would cost a write of an index; who
    /// looks too early only looks again.
    pub fn plan_look(&mut self, timers: &Timers) {
        let next = self.next_look(timers);
        self.look_at = match (self.look_at, next) {
            (Some(planned), Some(next)) => Some(planned.min(next)),
            (_, next) => next,
        };
    }

    /// Somebody looks after it now. Returns whether a timer is to be checked.
    pub fn looked(&mut self, timers: &Timers, now: Timestamp) -> bool {
        if let Some(handover) = self.handover.as_mut() {
            handover.looked_at = Some(now);
        }
        let check = self.next_timer_moment(timers).is_some_and(|at| at <= now);
        // The check plans anew. Should it get lost, this is when it is made up for.
        let again = now.saturating_add(LOOK_AGAIN).unwrap_or(now);
        let next = self.next_look(timers);
        self.look_at = next.map(|next| if check { next.max(again) } else { next });
        check
    }

    /// Whether it is time to ask RCE how the handover stands.
    pub fn is_to_be_reconciled(&self, timers: &Timers, now: Timestamp) -> bool {
        self.next_reconciliation(timers).is_some_and(|at| at <= now)
    }

    /// Whether a timer ends the handover by now.
    pub fn runs_out(&self, timers: &Timers, now: Timestamp) -> bool {
        self.next_timer(timers).is_some_and(|(_, ends_at)| ends_at <= now)
    }

    /// Every handover has one, however far away: that is how those that are under way are found.
    fn next_look(&self, timers: &Timers) -> Option<Timestamp> {
        let moments = [
            self.next_timer_moment(timers),
            self.next_reconciliation(timers),
            self.silent_at(timers),
            self.quiet_at(timers),
            self.lands_at(),
        ];
        let next = moments.into_iter().flatten().min();
        next.or_else(|| self.in_handover().then_some(NOBODY_LOOKS))
    }

    /// When a timer warns or ends the handover next.
    fn next_timer_moment(&self, timers: &Timers) -> Option<Timestamp> {
        let (timer, ends_at) = self.next_timer(timers)?;
        Some(self.warning_of(timer, ends_at, timers).unwrap_or(ends_at))
    }

    /// The timer that runs out first.
    fn next_timer(&self, timers: &Timers) -> Option<(Timer, Timestamp)> {
        let handover = self.handover.as_ref().filter(|_| self.in_handover())?;
        let requested = handover.requested_at;
        let mut running = vec![(Timer::MaxAge, requested, timers.max_age)];
        if self.control == Control::Active {
            running.push(whose_turn(handover, timers));
        } else {
            running.push((Timer::Queue, requested, timers.queue));
        }
        let ends = running.into_iter().filter(|(_, _, after)| !after.is_zero());
        ends.filter_map(|(timer, since, after)| Some((timer, since.checked_add(after).ok()?)))
            .min_by_key(|(_, ends_at)| *ends_at)
    }

    /// When to warn of a timer; `None`: never, or it was done. Half of a short timer passes before its warning.
    fn warning_of(&self, timer: Timer, ends_at: Timestamp, timers: &Timers) -> Option<Timestamp> {
        let warned = self.handover.as_ref().and_then(|handover| handover.warned_of);
        if timers.warn_before.is_zero() || warned == Some(ends_at) {
            return None;
        }
        let whole = match timer {
            Timer::Queue => timers.queue,
            Timer::UserIdle => timers.user_idle,
            Timer::AgentIdle => timers.agent_idle,
            Timer::MaxAge => timers.max_age,
        };
        ends_at.checked_sub(timers.warn_before.min(whole / 2)).ok()
    }

    /// All conversations of a stage are asked about at the same moments, so that one answer of RCE serves many.
    fn next_reconciliation(&self, timers: &Timers) -> Option<Timestamp> {
        let handover = self.handover.as_ref().filter(|_| self.in_handover())?;
        let since = handover.looked_at.unwrap_or(handover.requested_at);
        next_multiple(timers.reconcile_every, since)
    }
}

/// Which silence counts, since when. The agent's counts even in the person's turn if the person's is not limited:
/// then both are silent.
fn whose_turn(handover: &Handover, timers: &Timers) -> (Timer, Timestamp, Duration) {
    let joined = handover.accepted_at.unwrap_or(handover.requested_at);
    match (handover.unanswered_since, handover.agent_spoke_at) {
        (Some(since), _) => (Timer::AgentIdle, since.max(joined), timers.agent_idle),
        (None, Some(spoke)) if !timers.user_idle.is_zero() => (Timer::UserIdle, spoke, timers.user_idle),
        (None, spoke) => (Timer::AgentIdle, spoke.unwrap_or(joined), timers.agent_idle),
    }
}

/// The first multiple of `every` after a time, counted from 1970.
fn next_multiple(every: Duration, after: Timestamp) -> Option<Timestamp> {
    let every = i64::try_from(every.as_millis()).ok().filter(|every| *every > 0)?;
    let multiple = after.as_millisecond().div_euclid(every).checked_add(1)?;
    Timestamp::from_millisecond(multiple.checked_mul(every)?).ok()
}
