//! What agents do, as RCE tells it: they write, take over, change, close, reopen.

use crate::Timestamp;
use crate::event::BotEvent;
use crate::handover::{Agent, Cause, Handover, HandoverRequest, HandoverStatus};
use crate::ids::HandoverId;
use crate::message::AgentMessage;
use crate::signal::{Signal, SignalKind};

use super::{
    AgentMessageDecision, CLOCK_SKEW, Control, Conversation, LATE_MESSAGE_SKEW, SignalDecision, cause_name,
    is_before,
};

impl Conversation {
    /// An agent wrote. `id` names the handover that begins if the agent takes the conversation over.
    pub fn agent_message(
        &mut self,
        message: &AgentMessage,
        takeover: bool,
        id: HandoverId,
        now: Timestamp,
    ) -> AgentMessageDecision {
        let name = message.agent_name.clone();
        let before = match self.control {
            _ if self.is_late(message) => Vec::new(),
            Control::Requested | Control::Queued => vec![self.agent_joined(Agent { id: None, name }, now)],
            Control::Active => self.agent_named(name).into_iter().collect(),
            Control::Ended => Vec::new(),
            Control::Bot if takeover => {
                let began = message.written_at.map_or(now, |written| written.min(now));
                self.begin(id, HandoverRequest::default(), Cause::Agent, began);
                let joined = self.agent_joined(Agent { id: None, name }, began);
                return AgentMessageDecision::Deliver {
                    epoch: self.epoch(),
                    before: vec![joined],
                    begins: true,
                };
            }
            Control::Bot => return AgentMessageDecision::Refuse,
        };
        AgentMessageDecision::Deliver {
            epoch: self.epoch(),
            before,
            begins: false,
        }
    }

    /// Whether an agent's message would be refused. For an answer that cannot wait for the worker.
    pub fn refuses_agents(&self, message: &AgentMessage, takeover: bool) -> bool {
        self.control == Control::Bot && !takeover && !self.is_late(message)
    }

    /// Whether an agent wrote this before an end that we heard of first. It is delivered, but whoever has the
    /// conversation now keeps it. RCE's message times have whole seconds; a time from before the conversation
    /// tells nothing.
    fn is_late(&self, message: &AgentMessage) -> bool {
        let (Some(end), Some(written)) = (self.last_end, message.written_at) else {
            return false;
        };
        let meant = !is_before(written, self.started_at, LATE_MESSAGE_SKEW);
        let surely_before_end = written.as_second() < end.as_second();
        meant && (surely_before_end || (message.retry && written <= end))
    }

    /// RCE reported something. `id` names the handover that begins if an agent reopened it.
    pub fn signal(&mut self, signal: &Signal, id: HandoverId, now: Timestamp) -> SignalDecision {
        if let SignalKind::Reopened { by_agent } = signal.kind {
            return self.reopened(signal, by_agent, id, now);
        }
        if !self.in_handover() {
            return match signal.kind {
                SignalKind::Note | SignalKind::ExportFailed { .. } => SignalDecision::Noted,
                _ => SignalDecision::Ignored("the bot has the conversation"),
            };
        }
        if self.is_old_news(signal) {
            return SignalDecision::Ignored("it is about an earlier handover");
        }
        if let (Some(handover), Some(intervention)) = (self.handover.as_mut(), &signal.intervention) {
            handover.intervention = Some(intervention.clone());
        }
        match &signal.kind {
            SignalKind::Waiting => {
                self.waits(now);
                SignalDecision::Noted
            }
            SignalKind::AgentJoined => {
                if self.control == Control::Active {
                    self.agent_known(signal);
                    return SignalDecision::Noted;
                }
                let event = self.agent_joined(
                    Agent {
                        id: signal.agent.clone(),
                        name: None,
                    },
                    now,
                );
                SignalDecision::Tell {
                    epoch: self.epoch(),
                    events: vec![event],
                    begins: false,
                }
            }
            SignalKind::AgentChanged => match self.agent_known(signal) {
                Some(event) => SignalDecision::Tell {
                    epoch: self.epoch(),
                    events: vec![event],
                    begins: false,
                },
                None => SignalDecision::Noted,
            },
            SignalKind::Closed => self.ended(signal, Cause::AgentClosed, now),
            SignalKind::Cancelled => self.ended(signal, Cause::AgentCancelled, now),
            SignalKind::TaskDestroyed
            | SignalKind::ExportFailed { .. }
            | SignalKind::Note
            | SignalKind::Reopened { .. } => SignalDecision::Noted,
        }
    }

    fn ended(&mut self, signal: &Signal, cause: Cause, now: Timestamp) -> SignalDecision {
        self.control = Control::Ended;
        self.finish(
            HandoverStatus::Completed,
            cause_name(cause),
            now,
            // A clock that is far ahead must not make everything after it look like old news.
            signal.issued_at.min(now + CLOCK_SKEW),
        );
        let (queued_ms, active_ms) = self.handover.as_ref().map_or((0, 0), Handover::durations_ms);
        SignalDecision::Ended {
            epoch: self.epoch(),
            event: BotEvent::HandoverCompleted {
                cause,
                queued_ms,
                active_ms,
            },
        }
    }

    /// Only an agent who reopens takes the conversation; a customer's message that reopens an
    /// intervention by RCE's rules does not silence the bot.
    fn reopened(
        &mut self,
        signal: &Signal,
        by_agent: bool,
        id: HandoverId,
        now: Timestamp,
    ) -> SignalDecision {
        if self.in_handover() {
            return SignalDecision::Noted;
        }
        if !by_agent {
            return SignalDecision::Ignored("a customer's message reopened it");
        }
        if self.last_end.is_some_and(|end| signal.issued_at <= end) {
            return SignalDecision::Ignored("it is about an earlier handover");
        }
        let began = signal.issued_at.min(now);
        self.begin(id, HandoverRequest::default(), Cause::Agent, began);
        let event = self.agent_joined(
            Agent {
                id: signal.agent.clone(),
                name: None,
            },
            began,
        );
        if let Some(handover) = self.handover.as_mut() {
            handover.intervention.clone_from(&signal.intervention);
        }
        SignalDecision::Tell {
            epoch: self.epoch(),
            events: vec![event],
            begins: true,
        }
    }

    /// Whether a signal speaks of a time before the current handover.
    fn is_old_news(&self, signal: &Signal) -> bool {
        let Some(handover) = &self.handover else {
            return true;
        };
        let known = signal
            .intervention
            .as_ref()
            .and_then(|id| self.ended_interventions.iter().find(|e| e.id == *id));
        match known {
            Some(ended) => signal.issued_at <= ended.at.max(handover.requested_at),
            None => {
                is_before(signal.issued_at, handover.requested_at, CLOCK_SKEW)
                    || self.is_echo_of_last_end(signal)
            }
        }
    }

    /// RCE reports one end by several events. One that names an intervention which we never heard of, shortly after
    /// the last end, is not about a handover that has not even reached the agents. Both times are RCE's.
    fn is_echo_of_last_end(&self, signal: &Signal) -> bool {
        let ends = matches!(signal.kind, SignalKind::Closed | SignalKind::Cancelled);
        let soon = |end| signal.issued_at.duration_since(end) <= CLOCK_SKEW;
        ends && self.control == Control::Requested && self.last_end.is_some_and(soon)
    }

    fn agent_joined(&mut self, agent: Agent, now: Timestamp) -> BotEvent {
        self.control = Control::Active;
        let agent = (agent != Agent::default()).then_some(agent);
        let mut cause = Cause::Bot;
        if let Some(handover) = self.handover.as_mut() {
            handover.agent_signed_as = agent.as_ref().and_then(|agent| agent.name.clone());
            handover.status = HandoverStatus::Active;
            handover.accepted_at = Some(now);
            handover.agent.clone_from(&agent);
            cause = handover.cause;
        }
        BotEvent::HandoverActive { cause, agent }
    }

    /// A message carries the agent's display name. Another name than before is another agent.
    fn agent_named(&mut self, name: Option<String>) -> Option<BotEvent> {
        let name = name?;
        let handover = self.handover.as_mut()?;
        let agent = handover.agent.get_or_insert_default();
        // A name that was looked up need not be the one that the agent signs with.
        let signed_before = handover.agent_signed_as.replace(name.clone());
        let changed = signed_before.is_some_and(|known| known != name);
        if changed {
            // Whose account it is becomes known with the next webhook event.
            agent.id = None;
        }
        agent.name = Some(name);
        changed.then(|| BotEvent::AgentChanged { agent: agent.clone() })
    }

    /// A webhook event names the agent's account. Another account than before is another agent, if the event
    /// says so: that an agent joined is also reported again, late, and ahead of a change.
    fn agent_known(&mut self, signal: &Signal) -> Option<BotEvent> {
        let id = signal.agent.clone()?;
        let handover = self.handover.as_mut()?;
        let agent = handover.agent.get_or_insert_default();
        let another = agent.id.as_ref().is_some_and(|known| *known != id);
        if another && signal.kind != SignalKind::AgentChanged {
            return None;
        }
        agent.id = Some(id);
        if another {
            agent.name = None;
            handover.agent_signed_as = None;
        }
        another.then(|| BotEvent::AgentChanged { agent: agent.clone() })
    }

    /// The name of the agent, looked up because the events of a webhook carry none. Goes into `events` too.
    pub fn introduce_agent(&mut self, name: &str, events: &mut [BotEvent]) {
        if let Some(agent) = self
            .handover
            .as_mut()
            .and_then(|handover| handover.agent.as_mut())
        {
            agent.name = Some(name.to_owned());
        }
        for event in events {
            match event {
                BotEvent::HandoverActive {
                    agent: Some(agent), ..
                }
                | BotEvent::AgentChanged { agent } => {
                    agent.name = Some(name.to_owned());
                }
                _ => {}
            }
        }
    }
}
