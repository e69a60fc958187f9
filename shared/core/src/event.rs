//! What the bot is told.

use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::Timestamp;
use crate::aftermath::Survey;
use crate::handover::{Agent, Cause, Timer};
use crate::ids::{CategoryId, MessageId};
use crate::message::{AgentMessage, CustomerWords};
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
    /// The person wrote on a channel of RCE's own: the bot's turn.
    CustomerWrote {
        message: Box<CustomerWords>,
    },
    /// They changed what they had written.
    CustomerEdited {
        message: Box<CustomerWords>,
    },
    /// They took it back.
    CustomerTookBack {
        message: MessageId,
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
        #[serde(default, skip_serializing_if = "Option::is_none")]
        summary: Option<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tags: Vec<CategoryId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rating: Option<Number>,
    },
    /// The agent put it aside for a while; the handover goes on.
    HandoverDeferred {
        agent: Option<Agent>,
    },
    /// What a handover was about, heard of after its end was told.
    HandoverSummarised {
        summary: String,
    },
    SurveyImported {
        survey: Survey,
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
            Self::MessageCreated { .. } | Self::CustomerWrote { .. } => "message.created",
            Self::CustomerEdited { .. } => "message.updated",
            Self::CustomerTookBack { .. } => "message.deleted",
            Self::MessageFailed { .. } => "message.failed",
            Self::TypingStarted => "typing.started",
            Self::TypingStopped => "typing.stopped",
            Self::HandoverCompleted { .. } => "handover.completed",
            Self::HandoverDeferred { .. } => "handover.deferred",
            Self::HandoverSummarised { .. } => "handover.summarised",
            Self::SurveyImported { .. } => "survey.imported",
            Self::HandoverCancelled { .. } => "handover.cancelled",
            Self::HandoverFailed { .. } => "handover.failed",
            Self::HandoverTimingOut { .. } => "handover.timing_out",
            Self::HandoverTimedOut { .. } => "handover.timed_out",
        }
    }
}
