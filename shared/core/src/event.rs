//! What the bot is told.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::handover::{Agent, Cause, Timer};
use crate::ids::MessageId;
use crate::message::AgentMessage;
use crate::queue_update::QueueUpdate;

/// One event for the bot. Each becomes one `webhook-id` and one `seq`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum BotEvent {
    HandoverQueued {
        update: QueueUpdate,
    },
    /// The request was accepted. Told only to platforms that do something of their own then; the others have the
    /// answer of the request.
    HandoverAccepted,
    /// The thread waits before the agents although the bot did not ask.
    HandoverBegun {
        cause: Cause,
    },
    HandoverActive {
        cause: Cause,
        agent: Option<Agent>,
    },
    AgentChanged {
        agent: Agent,
    },
    MessageCreated {
        message: AgentMessage,
    },
    MessageFailed {
        message: MessageId,
        reason: String,
    },
    TypingStarted,
    TypingStopped,
    HandoverCompleted {
        cause: Cause,
        queued_ms: u64,
        active_ms: u64,
    },
    HandoverCancelled {
        cause: Cause,
    },
    HandoverFailed {
        reason: String,
    },
    /// Soon a timer will end the handover.
    HandoverTimingOut {
        timer: Timer,
        ends_at: Timestamp,
    },
    HandoverTimedOut {
        timer: Timer,
        queued_ms: u64,
        active_ms: u64,
    },
}

impl BotEvent {
    /// Whether the event is worth nothing a moment later: it leaves no line in the timeline when all went well.
    pub fn is_fleeting(&self) -> bool {
        matches!(
            self,
            Self::HandoverQueued { .. } | Self::TypingStarted | Self::TypingStopped
        )
    }

    /// Whether it tells of an end.
    pub fn is_end(&self) -> bool {
        matches!(
            self,
            Self::HandoverCompleted { .. }
                | Self::HandoverCancelled { .. }
                | Self::HandoverFailed { .. }
                | Self::HandoverTimedOut { .. }
        )
    }

    /// The event's type on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::HandoverQueued { .. } | Self::HandoverBegun { .. } => "handover.queued",
            Self::HandoverAccepted => "handover.accepted",
            Self::HandoverActive { .. } => "handover.active",
            Self::AgentChanged { .. } => "agent.changed",
            Self::MessageCreated { .. } => "message.created",
            Self::MessageFailed { .. } => "message.failed",
            Self::TypingStarted => "typing.started",
            Self::TypingStopped => "typing.stopped",
            Self::HandoverCompleted { .. } => "handover.completed",
            Self::HandoverCancelled { .. } => "handover.cancelled",
            Self::HandoverFailed { .. } => "handover.failed",
            Self::HandoverTimingOut { .. } => "handover.timing_out",
            Self::HandoverTimedOut { .. } => "handover.timed_out",
        }
    }
}
