//! What RCE reports by webhooks: what is an end, what is a takeover, and what only RCE itself can say.
//!
//! Deferred, transferred, reassigned, recategorised and expired are no ends. Each of the reports of an end is enough.

use crate::Timestamp;
use crate::aftermath::Summary;
use crate::event::BotEvent;
use crate::handover::{Agent, Cause, HandoverRequest, HandoverStatus};
use crate::ids::{HandoverId, InterventionId};
use crate::signal::{Signal, SignalKind};

use super::{Control, Conversation};

/// What a connection allows agents and customers to do by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalPolicy {
    /// See [`agent_takeover`](crate::settings::RingCxSettings::agent_takeover).
    pub agent_takeover: bool,
    /// See [`customer_reopens`](crate::settings::RingCxSettings::customer_reopens).
    pub customer_reopens: bool,
}

/// What a signal changed.
#[derive(Clone, Debug, PartialEq)]
pub enum SignalDecision {
    /// Nothing; why, in a few words for the timeline.
    Ignored(&'static str),
    /// A line in the timeline, maybe a state, nothing to tell.
    Noted,
    /// Tell the bot.
    Tell {
        epoch: u32,
        events: Vec<BotEvent>,
        begins: bool,
    },
    /// The handover is over: put the thread back, then tell the bot.
    Ended { epoch: u32, event: BotEvent },
}

/// What must be read from RCE before a signal means anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// A task is gone, another intervention than ours is over, or an agent joined since: is any left open?
    IsItOver,
    /// Something waits, or categories changed, while the bot has the conversation: did somebody move the thread to
    /// the agents?
    IsItWithAgents,
    /// A content is an agent's, or under somebody's intervention: is that still open, and an agent's?
    IsItAgents,
}

impl Conversation {
    /// What cannot be decided from the signal alone.
    pub fn doubt(&self, signal: &Signal, policy: SignalPolicy) -> Option<Doubt> {
        if self.is_old_news(signal) {
            return None;
        }
        match signal.kind {
            SignalKind::TaskDestroyed if self.in_handover() => Some(Doubt::IsItOver),
            _ if signal.kind.is_end()
                && self.in_handover()
                && (self.is_about_another(signal)
                    || self.is_overtaken(signal)
                    || self.is_about_earlier(signal)) =>
            {
                Some(Doubt::IsItOver)
            }
            SignalKind::Waiting | SignalKind::Recategorised
                if self.control == Control::Bot && policy.agent_takeover && self.is_tidy() =>
            {
                Some(Doubt::IsItWithAgents)
            }
            SignalKind::Exported { by_hand: true, .. } | SignalKind::UnderIntervention
                if (self.in_handover() || policy.agent_takeover) && self.is_news_of_agents(signal) =>
            {
                Some(Doubt::IsItAgents)
            }
            _ => None,
        }
    }

    /// Whether a signal names another intervention than the one of the current handover.
    pub(super) fn is_about_another(&self, signal: &Signal) -> bool {
        let ours = self.handover.as_ref().and_then(|h| h.intervention.as_ref());
        matches!((ours, &signal.intervention), (Some(ours), Some(theirs)) if ours != theirs)
    }

    /// Whether a signal names an intervention of an earlier handover that we have not heard of in this one.
    fn is_about_earlier(&self, signal: &Signal) -> bool {
        let ours = self.handover.as_ref().and_then(|h| h.intervention.as_ref());
        ours.is_none() && self.was_over_before(signal.intervention.as_ref())
    }

    /// Whether an intervention was over when an earlier handover ended. RCE reports one end by several events, some of them
    /// seconds later; or it was opened again and is over again.
    pub fn was_over_before(&self, intervention: Option<&InterventionId>) -> bool {
        intervention.is_some_and(|id| self.ended_interventions.iter().any(|ended| ended.id == *id))
    }

    /// Whether an agent joined after this, as far as we heard: what ended before need not be what they have now.
    fn is_overtaken(&self, signal: &Signal) -> bool {
        let joined = self.handover.as_ref().and_then(|h| h.agent_as_of);
        joined.is_some_and(|joined| signal.issued_at < joined)
    }

    /// RCE reported something. `id` names the handover that begins if somebody at RCE began one.
    pub fn signal(
        &mut self,
        signal: &Signal,
        policy: SignalPolicy,
        id: HandoverId,
        now: Timestamp,
    ) -> SignalDecision {
        if matches!(
            signal.kind,
            SignalKind::Note
                | SignalKind::ExportFailed { .. }
                | SignalKind::Exported { .. }
                | SignalKind::ProgramWrote { .. }
                | SignalKind::UnderIntervention
        ) {
            return SignalDecision::Noted;
        }
        self.refine_clock(signal.issued_at, now);
        match &signal.kind {
            SignalKind::Summarised {
                text,
                segment,
                submitted,
            } => {
                let summary = Summary::new(text, segment.clone(), *submitted, signal.issued_at);
                return self.summarised(signal, summary);
            }
            SignalKind::Surveyed { survey } => return self.surveyed(signal, survey),
            _ => {}
        }
        if self.is_old_news(signal) {
            return SignalDecision::Ignored("it is about an earlier handover");
        }
        if self.in_handover() {
            self.signal_in_handover(signal, policy, now)
        } else {
            self.signal_with_bot(signal, policy, id, now)
        }
    }

    fn signal_in_handover(
        &mut self,
        signal: &Signal,
        policy: SignalPolicy,
        now: Timestamp,
    ) -> SignalDecision {
        match &signal.kind {
            SignalKind::Closed => self.ended(signal, Cause::AgentClosed, now),
            SignalKind::Cancelled => self.ended(signal, Cause::AgentCancelled, now),
            SignalKind::Waiting | SignalKind::MovedToAgents => {
                self.waits(now);
                SignalDecision::Noted
            }
            SignalKind::AgentWrote { .. } if self.control == Control::Active => {
                self.agent_spoke(now);
                self.agents_answered(signal.issued_at, now);
                if !self.is_overtaken(signal) && !self.was_over_before(signal.intervention.as_ref()) {
                    self.learn_intervention(signal);
                }
                match self.agent_known(signal) {
                    Some(event) => self.tell(vec![event], false),
                    None => SignalDecision::Noted,
                }
            }
            SignalKind::AgentJoined | SignalKind::AgentWrote { .. } if self.control != Control::Active => {
                self.learn_intervention(signal);
                let event = self.joined_as_said(signal, now);
                self.tell(vec![event], false)
            }
            SignalKind::AgentJoined | SignalKind::AgentChanged => {
                self.learn_intervention(signal);
                match self.agent_known(signal) {
                    Some(event) => self.tell(vec![event], false),
                    None => SignalDecision::Noted,
                }
            }
            SignalKind::Reopened { by_agent } => {
                self.learn_intervention(signal);
                if *by_agent || policy.customer_reopens {
                    // Its close may be heard of only now.
                    self.over_before(signal, now);
                }
                SignalDecision::Noted
            }
            SignalKind::Deferred => match self.deferred(signal) {
                Some(event) => self.tell(vec![event], false),
                None => SignalDecision::Noted,
            },
            SignalKind::Reactivated => {
                self.reactivated(signal);
                SignalDecision::Noted
            }
            SignalKind::Summarised { .. }
            | SignalKind::Surveyed { .. }
            | SignalKind::TaskDestroyed
            | SignalKind::Recategorised
            | SignalKind::ExportFailed { .. }
            | SignalKind::Exported { .. }
            | SignalKind::AgentWrote { .. }
            | SignalKind::ProgramWrote { .. }
            | SignalKind::UnderIntervention
            | SignalKind::Note => SignalDecision::Noted,
        }
    }

    /// With the bot, or on the way back to it.
    fn signal_with_bot(
        &mut self,
        signal: &Signal,
        policy: SignalPolicy,
        id: HandoverId,
        now: Timestamp,
    ) -> SignalDecision {
        match signal.kind {
            SignalKind::Reopened { by_agent: true } => {
                self.over_before(signal, now);
                self.taken_over(signal, id, now)
            }
            SignalKind::AgentJoined | SignalKind::AgentWrote { .. } if policy.agent_takeover => {
                self.taken_over(signal, id, now)
            }
            SignalKind::MovedToAgents if policy.agent_takeover && self.is_tidy() => {
                self.begins_to_wait(signal, Cause::Agent, id, now)
            }
            SignalKind::Reopened { by_agent: false } if policy.customer_reopens => {
                self.over_before(signal, now);
                self.begins_to_wait(signal, Cause::User, id, now)
            }
            // Remembered, because what came before may be heard of only now: an agent's words as well.
            SignalKind::Closed | SignalKind::Cancelled => {
                self.over_before(signal, now);
                let over = self.no_later_than_now(signal.issued_at, now);
                self.last_end = self.last_end.max(Some(over));
                SignalDecision::Noted
            }
            SignalKind::Reopened { by_agent: false } => {
                self.over_before(signal, now);
                SignalDecision::Noted
            }
            _ => SignalDecision::Ignored("the bot has the conversation"),
        }
    }

    /// An agent has the conversation, unasked.
    fn taken_over(&mut self, signal: &Signal, id: HandoverId, now: Timestamp) -> SignalDecision {
        self.begins_unasked(signal, Cause::Agent, id, now);
        let event = self.joined_as_said(signal, now);
        self.tell(vec![event], true)
    }

    /// The thread waits before the agents, and the bot did not ask.
    fn begins_to_wait(
        &mut self,
        signal: &Signal,
        cause: Cause,
        id: HandoverId,
        now: Timestamp,
    ) -> SignalDecision {
        self.begins_unasked(signal, cause, id, now);
        self.waits(now);
        self.tell(vec![BotEvent::HandoverBegun { cause }], true)
    }

    fn begins_unasked(&mut self, signal: &Signal, cause: Cause, id: HandoverId, now: Timestamp) {
        let began = self.no_later_than_now(signal.issued_at, now);
        self.begin(id, HandoverRequest::default(), cause, Some(began), now);
        self.learn_intervention(signal);
    }

    fn joined_as_said(&mut self, signal: &Signal, now: Timestamp) -> BotEvent {
        let agent = Agent {
            id: signal.agent.clone(),
            name: None,
        };
        let event = self.agent_joined(agent, now);
        self.note_agent_as_of(signal);
        if matches!(signal.kind, SignalKind::AgentWrote { .. }) {
            self.agent_spoke(now);
            self.agents_answered(signal.issued_at, now);
        }
        event
    }

    fn tell(&self, events: Vec<BotEvent>, begins: bool) -> SignalDecision {
        SignalDecision::Tell {
            epoch: self.epoch(),
            events,
            begins,
        }
    }

    fn learn_intervention(&mut self, signal: &Signal) {
        if let (Some(handover), Some(intervention)) = (self.handover.as_mut(), &signal.intervention) {
            handover.intervention = Some(intervention.clone());
        }
    }

    /// What is said of the signal's intervention up to now is old.
    fn over_before(&mut self, signal: &Signal, now: Timestamp) {
        if let Some(intervention) = signal.intervention.clone() {
            self.intervention_ended(intervention, Self::unless_nonsense(signal.issued_at, now));
        }
    }

    fn ended(&mut self, signal: &Signal, cause: Cause, now: Timestamp) -> SignalDecision {
        self.learn_intervention(signal);
        self.control = Control::Ended;
        let at_ringcx = self.no_later_than_now(signal.issued_at, now);
        let (summary, rating) = self.known_of_it();
        self.finish(HandoverStatus::Completed, cause.as_str(), now, at_ringcx);
        self.over_before(signal, now);
        let summary = summary.map(|summary| self.tells_summary(summary));
        let (queued_ms, active_ms) = self.durations_ms();
        SignalDecision::Ended {
            epoch: self.epoch(),
            event: BotEvent::HandoverCompleted {
                cause,
                queued_ms,
                active_ms,
                summary,
                tags: signal.tags.clone(),
                rating,
            },
        }
    }
}
