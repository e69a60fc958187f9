//! One handover inside a conversation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::Timestamp;
use crate::aftermath::Summary;
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
    /// An agent wrote, took the thread, moved it to the agents, or reopened, unasked.
    Agent,
    /// The person's message reopened it.
    User,
    AgentClosed,
    AgentCancelled,
    UserCancelled,
    BotEnded,
    /// An operator gave it back to the bot by hand.
    Operator,
    /// The bot has not answered the person for too long.
    BotSilent,
    /// The bot could not be told what the person said.
    BotUnreachable,
    /// RCE does not take what the bot says to the person.
    ReplyRefused,
    /// The person and the bot answer each other faster than people do: a program may be answering.
    Loop,
}

impl Cause {
    /// The bot failed the person.
    pub fn is_bots_failure(self) -> bool {
        matches!(self, Self::BotSilent | Self::BotUnreachable | Self::ReplyRefused)
    }

    /// The cause as the bot API shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Agent => "agent",
            Self::User => "user",
            Self::AgentClosed => "agent_closed",
            Self::AgentCancelled => "agent_cancelled",
            Self::UserCancelled => "user_cancelled",
            Self::BotEnded => "bot_ended",
            Self::Operator => "operator",
            Self::BotSilent => "bot_silent",
            Self::BotUnreachable => "bot_unreachable",
            Self::ReplyRefused => "reply_refused",
            Self::Loop => "loop",
        }
    }
}

/// What ends a handover that nobody ends. Named as its setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timer {
    /// Nobody took it.
    Queue,
    /// The person is silent.
    UserIdle,
    /// The agent is silent.
    AgentIdle,
    /// It is too old.
    MaxAge,
}

impl Timer {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::UserIdle => "user_idle",
            Self::AgentIdle => "agent_idle",
            Self::MaxAge => "max_age",
        }
    }
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
    /// When it began by RCE's clock, if somebody there began it. News from before is about an earlier one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began_at_ringcx: Option<Timestamp>,
    /// When the thread came before the agents by RCE's clock, if its answer showed that: no end is from before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at_ringcx: Option<Timestamp>,
    /// Our own work has put the thread before the agents. That it waits there may be heard, or wrongly said, before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub moved: bool,
    /// When it began to wait before agents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_at: Option<Timestamp>,
    /// Profile and transcript are with RCE.
    #[serde(default)]
    pub briefed: bool,
    /// On a channel of RCE's own: the agents can read why they have it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub noted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How it ended: a cause, or the reason of a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Agent>,
    /// When RCE's newest word on whose conversation it is was issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_as_of: Option<Timestamp>,
    /// When the agent last said something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_spoke_at: Option<Timestamp>,
    /// Since when something that the person said waits for an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unanswered_since: Option<Timestamp>,
    /// The deadline of which the bot was warned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warned_of: Option<Timestamp>,
    /// When somebody last looked after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_at: Option<Timestamp>,
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
    /// When an agent last put it aside, and when it last came back, by RCE's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deferred_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reactivated_at: Option<Timestamp>,
    /// What it is about, until that is told with the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// What the customer thinks of it, if they said so before its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<Number>,
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
