//! One handover inside a conversation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Timestamp;
use crate::ids::{AgentId, CategoryId, HandoverId, InterventionId};
use crate::queue_update::QueueUpdate;

/// Where a handover stands, as the bot API shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandoverStatus {
    /// Accepted; RCE is being told.
    Requested,
    /// In the Agent category, waiting for an agent.
    Queued,
    /// An agent has it.
    Active,
    Completed,
    Cancelled,
    Failed,
    TimedOut,
}

impl HandoverStatus {
    pub fn is_over(self) -> bool {
        matches!(
            self,
            Self::Completed | Self::Cancelled | Self::Failed | Self::TimedOut
        )
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Queued => "queued",
            Self::Active => "active",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
        }
    }
}

/// Why a handover began or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The bot asked.
    Bot,
    /// An agent wrote, or reopened, unasked.
    Agent,
    AgentClosed,
    AgentCancelled,
    UserCancelled,
    BotEnded,
}

/// The agent, as far as RCE told us.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<AgentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What the bot says when it asks for a human.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HandoverRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Categories that the thread gets besides the Agent category, and keeps afterwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub category_ids: Vec<CategoryId>,
    /// Context data for the thread, keys already legal.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// One handover: the current one or the last one of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Handover {
    pub id: HandoverId,
    /// Number of the handover within its conversation, from 1.
    pub epoch: u32,
    pub status: HandoverStatus,
    pub cause: Cause,
    pub request: HandoverRequest,
    pub requested_at: Timestamp,
    /// When it began to wait before agents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_at: Option<Timestamp>,
    /// Profile and transcript are with RCE.
    #[serde(default)]
    pub briefed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How it ended: a cause, or the reason of a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Agent>,
    /// The name under which the agent's last message came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_signed_as: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intervention: Option<InterventionId>,
    /// Newest known place in the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueUpdate>,
    /// The figures that the bot was told last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_told: Option<QueueUpdate>,
}

impl Handover {
    /// How long it was waited and how long it was talked, in milliseconds.
    pub fn durations_ms(&self) -> (u64, u64) {
        let end = self.ended_at.unwrap_or(self.requested_at);
        let accepted = self.accepted_at.unwrap_or(end);
        (
            millis_between(self.requested_at, accepted),
            millis_between(accepted, end),
        )
    }
}

fn millis_between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.as_millisecond() - from.as_millisecond()).unwrap_or(0)
}
