//! A conversation and what happens to it, in few words. Times are seconds after ten o'clock.

use handover_core::Timestamp;
use handover_core::conversation::{Conversation, SignalPolicy};
use handover_core::ids::{AgentId, ConversationId, EventId, HandoverId, InterventionId, MessageId};
use handover_core::message::AgentMessage;
use handover_core::signal::{Signal, SignalKind};

/// Agents may take over; customers' messages do not call them back.
pub(crate) const POLICY: SignalPolicy = SignalPolicy {
    agent_takeover: true,
    customer_reopens: false,
};

const TEN_O_CLOCK: i64 = 1_767_261_600;

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(TEN_O_CLOCK + seconds).expect("a time")
}

pub(crate) fn conversation() -> Conversation {
    Conversation::new("acme".into(), ConversationId::new("c-1"), at(0))
}

pub(crate) fn handover_id() -> HandoverId {
    HandoverId::new("ho_1")
}

/// What RCE reports, with the intervention and the agent that it names (empty: none).
pub(crate) fn signal(kind: SignalKind, intervention: &str, agent: &str, issued_at: Timestamp) -> Signal {
    let named = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Signal {
        event: EventId::new("e-1"),
        name: format!("{kind:?}"),
        kind,
        source: None,
        thread: None,
        intervention: named(intervention).map(InterventionId::new),
        agent: named(agent).map(AgentId::new),
        issued_at,
        epoch: None,
        tags: Vec::new(),
    }
}

pub(crate) fn agent_message(agent: &str, written_at: Timestamp) -> AgentMessage {
    AgentMessage {
        id: MessageId::new("rcx-1"),
        content: None,
        text: Some("Good morning".to_owned()),
        attachments: Vec::new(),
        structured: None,
        agent_name: Some(agent.to_owned()),
        written_at: Some(written_at),
        retry: false,
    }
}
