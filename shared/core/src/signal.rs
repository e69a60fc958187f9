//! What RCE reports about agents' work, in our words.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::aftermath::Survey;
use crate::ids::{AgentId, CategoryId, ContentId, EventId, InterventionId, SourceId, ThreadId};

/// One webhook event of RCE, as far as the bridge cares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    pub event: EventId,
    /// RCE's name of it, for the timeline.
    pub name: String,
    pub kind: SignalKind,
    pub source: Option<SourceId>,
    pub thread: Option<ThreadId>,
    pub intervention: Option<InterventionId>,
    /// The agent in charge, where the event names one.
    pub agent: Option<AgentId>,
    /// When it happened by RCE's clock: the order of events, whatever the order of arrival.
    pub issued_at: Timestamp,
    /// The handover that it is about, where we asked RCE ourselves: of another one it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u32>,
    /// What an intervention that ended was about: its categories, without those that say who has the thread.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<CategoryId>,
}

/// What RCE reports about an agent's presence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentNews {
    pub agent: AgentId,
    /// Whether they could take one more conversation, by channel group.
    pub room: BTreeMap<String, bool>,
    pub logged_in: bool,
}

/// What a signal means for a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum SignalKind {
    /// The thread waits for an agent (`task.created`, back from a workbin).
    Waiting,
    /// Categories changed; RCE does not say to what (`task.recategorized`, `intervention.recategorized`).
    Recategorised,
    /// The thread is in the Agent category; read from RCE because of one of the two above.
    MovedToAgents,
    /// An agent took it (`task.taken`, `task.supervisor_assigned`, `intervention.opened`).
    AgentJoined,
    /// Another agent has it now (`intervention.user_updated`).
    AgentChanged,
    /// An agent closed it (`intervention.closed`, `task.completed` with `closed`).
    Closed,
    /// An agent cancelled it (`intervention.canceled`).
    Cancelled,
    /// The task is gone; only the interventions tell whether that is an end (`task.destroyed`).
    TaskDestroyed,
    /// The intervention is open again. Only by an agent does it change who has the conversation.
    Reopened { by_agent: bool },
    /// An agent's message did not leave RCE (`content.exported` with a failure).
    ExportFailed { content: ContentId },
    /// A message left RCE (`content.exported` with a success).
    Exported {
        content: ContentId,
        /// An agent wrote it in RCE's console, for certain. It may have left much later.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_hand: bool,
    },
    /// An agent answered on a channel of RCE's own (`content.replied`).
    AgentWrote {
        content: ContentId,
        /// In RCE's console, for certain: whoever's account it was.
        #[serde(default)]
        by_hand: bool,
    },
    /// Something was written on such a channel by an interface of RCE's: by the bridge, or by another program.
    ProgramWrote { content: ContentId },
    /// RCE put a reply of the bot's under an intervention of which nothing is known: agents may have the conversation.
    UnderIntervention,
    /// It was put aside for a while (`intervention.deferred`). Not an end.
    Deferred,
    /// It is back (`intervention.reactivated`).
    Reactivated,
    /// What it was about (`intervention_segment.summary_generated`, `.summary_submitted`).
    Summarised {
        text: String,
        segment: Option<String>,
        submitted: bool,
    },
    /// What the customer thought of it (`survey_response.imported`).
    Surveyed { survey: Survey },
    /// Worth a line in the timeline, no more (transferred, completed, …).
    Note,
}

impl SignalKind {
    /// Whether it reports an end.
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Closed | Self::Cancelled)
    }

    /// Whether it may end a handover, or bring an agent: what must not get lost while a handover looks for its thread.
    pub fn decides_who_has_it(&self) -> bool {
        self.is_end()
            || matches!(
                self,
                Self::TaskDestroyed | Self::AgentJoined | Self::Reopened { .. }
            )
    }

    /// Whether the conversation must be found even at the price of a REST call.
    pub fn matters_without_mapping(&self) -> bool {
        !matches!(
            self,
            Self::Note
                | Self::ExportFailed { .. }
                | Self::Exported { .. }
                | Self::AgentWrote { .. }
                | Self::ProgramWrote { .. }
                | Self::UnderIntervention
                | Self::Deferred
                | Self::Reactivated
        )
    }

    /// The message that it is about, where it is about one.
    pub fn content(&self) -> Option<&ContentId> {
        match self {
            Self::ExportFailed { content }
            | Self::ProgramWrote { content }
            | Self::Exported { content, .. }
            | Self::AgentWrote { content, .. } => Some(content),
            _ => None,
        }
    }

    /// Whether it may show that an agent has a conversation on a channel of RCE's own.
    pub fn may_bring_agent(&self) -> bool {
        matches!(
            self,
            Self::AgentJoined
                | Self::AgentWrote { .. }
                | Self::Exported { by_hand: true, .. }
                | Self::UnderIntervention
        )
    }

    /// Whether it is about what was, not about who has the conversation: nobody waits for it, and it may come long
    /// after the end.
    pub fn is_aftermath(&self) -> bool {
        matches!(self, Self::Summarised { .. } | Self::Surveyed { .. })
    }
}
