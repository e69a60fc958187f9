//! Which of RCE's news is about an earlier handover. RCE promises no order, repeats for hours, and has a clock of
//! its own; everything here is by that clock.

use std::ops::RangeInclusive;

use jiff::SignedDuration;

use crate::Timestamp;
use crate::ids::InterventionId;
use crate::message::AgentMessage;
use crate::signal::Signal;

use super::{Control, Conversation};

/// How far RCE's clock may be behind what we think it is before news of a fresh handover looks old.
pub(super) const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(2);
/// A difference of clocks that is not worth knowing: an answer takes its time too.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_secs(5);
/// How long after an end RCE may still report of it by other events, which are dated later than it was.
const ECHOES_FOR: SignedDuration = SignedDuration::from_secs(30);
/// What is written just now is dated no further off than this by a clock that is right.
const FAR_OFF: SignedDuration = SignedDuration::from_mins(10);
/// What whole seconds leave out.
const ROUNDED_OFF: RangeInclusive<SignedDuration> = SignedDuration::ZERO..=SignedDuration::from_secs(1);
/// No clock is so wrong.
const CLOCK_NONSENSE: SignedDuration = SignedDuration::from_hours(48);

impl Conversation {
    /// A time of ours as RCE would say it.
    pub fn by_ringcx_clock(&self, ours: Timestamp) -> Timestamp {
        ours.saturating_add(self.ringcx_ahead).unwrap_or(ours)
    }

    /// An agent's message is on its way for moments only, unless RCE says that it tries again. One that is dated far
    /// off shows that the clocks differ.
    pub(super) fn learn_clock_from(&mut self, message: &AgentMessage, now: Timestamp) {
        if let Some(written) = message.written_at.filter(|_| !message.retry) {
            let off = written.duration_since(self.by_ringcx_clock(now)).abs();
            if off > FAR_OFF {
                self.learn_clock(written, now);
            }
        }
    }

    /// RCE reports nothing from its future. What we know of a clock that is off came from whole seconds, so it may be up
    /// to one behind; news says better.
    pub(super) fn refine_clock(&mut self, said: Timestamp, now: Timestamp) {
        let ahead = said.duration_since(now);
        if !self.ringcx_ahead.is_zero() && ROUNDED_OFF.contains(&(ahead - self.ringcx_ahead)) {
            self.ringcx_ahead = ahead;
        }
    }

    /// RCE did something just now and says when that was. Returns that time if it can be believed.
    pub(super) fn learn_clock(&mut self, said: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let ahead = said.duration_since(now);
        if ahead.abs() > CLOCK_NONSENSE {
            return None;
        }
        if ahead.abs() <= CLOCK_TOLERANCE {
            self.ringcx_ahead = SignedDuration::ZERO;
        } else if !ROUNDED_OFF.contains(&(self.ringcx_ahead - ahead)) {
            self.ringcx_ahead = ahead;
        }
        Some(said)
    }

    /// We ended an intervention at RCE, tidying up after a handover. What RCE reports of that is no news.
    pub fn ended_by_us(&mut self, id: InterventionId, epoch: u32, now: Timestamp) {
        let at = self.by_ringcx_clock(now);
        let unheard_of = !self.was_over_before(Some(&id));
        let ended = self.intervention_ended(id, at.saturating_add(CLOCK_SKEW).unwrap_or(at));
        ended.epoch = ended.epoch.or(Some(epoch));
        // Where an agent had ended it, that stays theirs.
        ended.by_us |= unheard_of;
    }

    /// Whether an end that RCE reports shows that an agent had read what the person said by then. It does not if we ended the
    /// intervention ourselves, or if it is another word for an end that we know.
    pub fn is_agents_end(&self, signal: &Signal) -> bool {
        let mut ended = self.ended_interventions.iter();
        let known = ended.find(|ended| signal.intervention.as_ref() == Some(&ended.id));
        known.is_none_or(|known| {
            let is_ours = known.by_us && (!self.in_handover() || self.is_old_news(signal));
            !is_ours && !is_echo(signal.issued_at, known.at)
        })
    }

    /// A time that RCE names, unless it is nonsense. For what is compared with news of the same thing only.
    pub(super) fn unless_nonsense(said: Timestamp, now: Timestamp) -> Timestamp {
        said.min(now.saturating_add(CLOCK_NONSENSE).unwrap_or(now))
    }

    /// A time that RCE names, but not in the future: a clock that is far ahead must not make everything after it
    /// look like old news.
    pub(in crate::conversation) fn no_later_than_now(&self, said: Timestamp, now: Timestamp) -> Timestamp {
        said.min(
            self.by_ringcx_clock(now)
                .saturating_add(CLOCK_SKEW)
                .unwrap_or(now),
        )
    }

    /// Whether a signal speaks of a time before the current handover; with the bot, of one before its last end.
    pub fn is_old_news(&self, signal: &Signal) -> bool {
        if signal.epoch.is_some_and(|epoch| !self.is_under_way(epoch)) {
            return true;
        }
        let said = signal.issued_at;
        let began = self.began_at_ringcx().filter(|_| self.in_handover());
        let over = signal
            .intervention
            .as_ref()
            .and_then(|id| self.ended_interventions.iter().find(|ended| ended.id == *id));
        if let Some(over) = over {
            return Some(said) <= Some(over.at).max(began.or(self.last_end));
        }
        let Some(began) = began else {
            return self.last_end.is_some_and(|end| said <= end);
        };
        let started = self.handover.as_ref().and_then(|h| h.started_at_ringcx);
        match started.filter(|_| signal.kind.is_end() && self.control == Control::Queued) {
            Some(started) => said < started,
            None => is_before(said, began, CLOCK_SKEW) || self.is_echo_of_last_end(signal),
        }
    }

    pub(super) fn began_at_ringcx(&self) -> Option<Timestamp> {
        let handover = self.handover.as_ref()?;
        let began = handover.began_at_ringcx;
        Some(began.unwrap_or_else(|| self.by_ringcx_clock(handover.requested_at)))
    }

    /// RCE reports one end by several events. One that names an intervention which we never heard of, shortly after
    /// the last end, is not about a handover that has not even reached the agents.
    fn is_echo_of_last_end(&self, signal: &Signal) -> bool {
        let soon = |end| signal.issued_at.duration_since(end) <= CLOCK_SKEW;
        signal.kind.is_end() && self.control == Control::Requested && self.last_end.is_some_and(soon)
    }

    /// Whether what does not say which handover it is about may be another word for the last end.
    pub fn may_echo_last_end(&self, said: Timestamp) -> bool {
        let soon = |end| said.duration_since(end) <= ECHOES_FOR;
        self.last_end.is_some_and(soon)
    }

    /// Whether the current handover was before agents when RCE said this.
    pub fn was_before_agents_at(&self, said: Timestamp) -> bool {
        let handover = self.handover.as_ref();
        let since = handover.and_then(|handover| {
            let ours = handover.queued_at.map(|at| self.by_ringcx_clock(at));
            handover.started_at_ringcx.or(ours)
        });
        matches!(self.control, Control::Queued | Control::Active) && since.is_some_and(|since| since < said)
    }
}

/// RCE reports one end by several events, which it dates later. Only within a second that was all we knew it says more exactly when
/// it was.
fn is_echo(said: Timestamp, ended: Timestamp) -> bool {
    let later = said.duration_since(ended);
    let is_exact = ended.subsec_nanosecond() == 0 && ROUNDED_OFF.contains(&later);
    !is_exact && later > SignedDuration::ZERO && later <= ECHOES_FOR
}

/// Whether one time is before another by more than `skew`. RCE's times come from outside: to the ends of time
/// nothing can be added.
pub(super) fn is_before(earlier: Timestamp, later: Timestamp, skew: SignedDuration) -> bool {
    later.duration_since(earlier) > skew
}
