//! Agents who write, join and change.

use jiff::SignedDuration;

use crate::Timestamp;
use crate::event::BotEvent;
use crate::handover::{Agent, Cause, HandoverRequest, HandoverStatus};
use crate::ids::HandoverId;
use crate::message::AgentMessage;
use crate::signal::{Signal, SignalKind};

use super::news::is_before;
use super::{AgentMessageDecision, Control, Conversation};

/// How far RCE's clock may be behind when an agent's message is matched to the conversation that it belongs to.
const LATE_MESSAGE_SKEW: SignedDuration = SignedDuration::from_mins(1);

impl Conversation {
    /// An agent wrote. `id` names the handover that begins if the agent takes the conversation over.
    pub fn agent_message(
        &mut self,
        message: &AgentMessage,
        takeover: bool,
        id: HandoverId,
        now: Timestamp,
    ) -> AgentMessageDecision {
        if !self.is_late(message) {
            self.learn_clock_from(message, now);
        }
        let name = message.agent_name.clone();
        let before = match self.control {
            _ if self.is_late(message) => Vec::new(),
            Control::Requested | Control::Queued => vec![self.agent_joined(Agent { id: None, name }, now)],
            Control::Active => self.agent_named(name).into_iter().collect(),
            Control::Ended => Vec::new(),
            Control::Bot if takeover => {
                let current = self.by_ringcx_clock(now);
                let began = message.written_at.map_or(current, |written| written.min(current));
                self.begin(id, HandoverRequest::default(), Cause::Agent, Some(began), now);
                let joined = self.agent_joined(Agent { id: None, name }, now);
                self.agent_spoke(now);
                return AgentMessageDecision::Deliver {
                    epoch: self.epoch(),
                    before: vec![joined],
                    begins: true,
                };
            }
            Control::Bot => return AgentMessageDecision::Refuse,
        };
        if self.control == Control::Active && !self.is_late(message) {
            self.agent_spoke(now);
        }
        AgentMessageDecision::Deliver {
            epoch: self.epoch(),
            before,
            begins: false,
        }
    }

    pub(super) fn agent_spoke(&mut self, now: Timestamp) {
        if let Some(handover) = self.handover.as_mut() {
            handover.agent_spoke_at = Some(now);
            handover.unanswered_since = None;
        }
    }

    /// Whether an agent's message would be refused. For an answer that cannot wait for the worker.
    pub fn refuses_agents(&self, message: &AgentMessage, takeover: bool) -> bool {
        self.control == Control::Bot && !takeover && !self.is_late(message)
    }

    /// Whether an agent wrote this before an end that we heard of first. It is delivered, but whoever has the
    /// conversation now keeps it. RCE's message times have whole seconds: words of the second of the end are taken for
    /// the last ones, because who goes on after closing reopens, which is reported. A time from before the conversation
    /// tells nothing.
    fn is_late(&self, message: &AgentMessage) -> bool {
        let (Some(end), Some(written)) = (self.last_end, message.written_at) else {
            return false;
        };
        let began = self.by_ringcx_clock(self.started_at);
        let meant = !is_before(written, began, LATE_MESSAGE_SKEW);
        meant && written.as_second() <= end.as_second()
    }

    pub(super) fn agent_joined(&mut self, agent: Agent, now: Timestamp) -> BotEvent {
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

    /// A webhook event names the agent's account. Another account than before is another agent, unless the event
    /// is older than what we know: that an agent joined is also reported again, and late.
    pub(super) fn agent_known(&mut self, signal: &Signal) -> Option<BotEvent> {
        let id = signal.agent.clone()?;
        let handover = self.handover.as_mut()?;
        let known_as_of = handover.agent_as_of;
        let agent = handover.agent.get_or_insert_default();
        let another = agent.id.as_ref().is_some_and(|known| *known != id);
        let newer = match known_as_of {
            Some(known) => {
                signal.issued_at > known
                    || signal.kind == SignalKind::AgentChanged && signal.issued_at == known
            }
            None => signal.kind == SignalKind::AgentChanged,
        };
        if another && !newer {
            return None;
        }
        agent.id = Some(id);
        if another {
            agent.name = None;
            handover.agent_signed_as = None;
        }
        let told = another.then(|| BotEvent::AgentChanged { agent: agent.clone() });
        self.note_agent_as_of(signal);
        told
    }

    /// Remembers how new our knowledge of the agent is.
    pub(super) fn note_agent_as_of(&mut self, signal: &Signal) {
        if let Some(handover) = self.handover.as_mut().filter(|_| signal.agent.is_some()) {
            handover.agent_as_of = handover.agent_as_of.max(Some(signal.issued_at));
        }
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
