//! The objects of the platform.

use std::time::Instant;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::config::AgentStatus;
pub(crate) use crate::content::Lag;
pub use crate::content::{AuthorKind, Content, SyncStatus};

/// A person or puppet on the bridge's side.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The platform's id.
    pub id: String,
    /// The bridge's id, or on a native channel the channel's.
    pub foreign_id: String,
    /// The native source that it belongs to; `None` is the bridge's own channel.
    pub source_id: Option<String>,
    /// The display name.
    pub screenname: String,
    /// Whether the platform may speak as this identity.
    pub puppetizable: bool,
    /// The newest profile, as sent.
    pub profile: Map<String, Value>,
    /// First and last import.
    pub created_at: Timestamp,
    /// Last import.
    pub updated_at: Timestamp,
}

/// A conversation.
#[derive(Clone, Debug)]
pub struct Thread {
    /// The platform's id.
    pub id: String,
    /// The bridge's id, or on a native channel the channel's.
    pub foreign_id: String,
    /// The source that it came by.
    pub source_id: String,
    /// The beginning of the first content.
    pub title: String,
    /// The categories set on the thread.
    pub category_ids: Vec<String>,
    /// The merged `context_data` of its contents.
    pub context_data: Map<String, Value>,
    /// The customer's identity, once one wrote.
    pub customer_id: Option<String>,
    /// Whether all contents were ignored.
    pub archived: bool,
    /// Whether it is locked: the platform writes nothing into it until it is opened.
    pub closed: bool,
    /// The platform's ids of its contents, in order of import.
    pub content_ids: Vec<String>,
    /// The interventions, oldest first; cancelled ones are gone.
    pub intervention_ids: Vec<String>,
    /// The tasks, oldest first; destroyed ones are gone.
    pub task_ids: Vec<String>,
    /// What the customer is typing.
    pub typing: Option<Typing>,
    /// When the thread came into being.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    pub(crate) last_typing: Option<Instant>,
    pub(crate) lag: Lag,
}

/// A customer who is typing.
#[derive(Clone, Debug)]
pub struct Typing {
    /// What is written so far.
    pub preview: String,
    /// Since when.
    pub since: Timestamp,
}

/// The case between a customer and an agent.
#[derive(Clone, Debug)]
pub struct Intervention {
    /// The platform's id.
    pub id: String,
    /// The platform's id of the thread.
    pub thread_id: String,
    /// The content it began with.
    pub content_id: String,
    /// The customer.
    pub identity_id: Option<String>,
    /// The agent in charge.
    pub user_id: String,
    /// The thread's categories when it was opened, or when they changed last while it was open.
    pub category_ids: Vec<String>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// When it was closed, unless it is open.
    pub closed_at: Option<Timestamp>,
    /// Until when it is put aside, if it is.
    pub deferred_at: Option<Timestamp>,
    /// The part of it that is under way: each agent who has it, and each reopening, begins another.
    pub segment_id: String,
    /// How many replies agents gave.
    pub replies: u32,
    /// The first of them.
    pub first_reply: Option<(String, Timestamp)>,
    /// What agents and integrations noted, oldest first. Customers never see it.
    pub comments: Vec<Comment>,
    /// Since when the agent is in charge.
    pub(crate) owned_since: Timestamp,
}

/// A note beside an intervention.
#[derive(Clone, Debug)]
pub struct Comment {
    /// The platform's id.
    pub id: String,
    /// The text.
    pub body: String,
    /// Whose it is.
    pub user_id: String,
    /// When it was written.
    pub created_at: Timestamp,
}

/// Where a task is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TaskQueue {
    /// Waiting for an agent.
    Global,
    /// With this agent.
    Workbin(String),
    /// Done.
    History,
    /// Nobody could take it.
    Undelivered,
}

impl TaskQueue {
    /// The name in JSON.
    pub fn name(&self) -> String {
        match self {
            Self::Global => "global".to_owned(),
            Self::Workbin(agent) => format!("workbin_{agent}"),
            Self::History => "history".to_owned(),
            Self::Undelivered => "undelivered".to_owned(),
        }
    }
}

/// A work item of the routing.
#[derive(Clone, Debug)]
pub struct Task {
    /// The platform's id.
    pub id: String,
    /// The platform's id of the thread.
    pub thread_id: String,
    /// The content that waits for an answer.
    pub content_id: Option<String>,
    /// The intervention, once there is one.
    pub intervention_id: Option<String>,
    /// Who it was proposed to, or who has it.
    pub agent_ids: Vec<String>,
    /// Where it is.
    pub queue: TaskQueue,
    /// Counts the agents' parts of an intervention, from 1.
    pub segment_index: u32,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// When an agent took it.
    pub accepted_at: Option<Timestamp>,
    /// When it was transferred.
    pub transferred_at: Option<Timestamp>,
    /// When it was done.
    pub completed_at: Option<Timestamp>,
}

impl Task {
    /// Waiting or with an agent.
    pub fn is_open(&self) -> bool {
        self.queue != TaskQueue::History
    }
}

/// An agent at work.
#[derive(Clone, Debug)]
pub struct Agent {
    /// The account id.
    pub id: String,
    /// The display name.
    pub name: String,
    /// Ready for work or not.
    pub status: AgentStatus,
}

/// Business hours of some channels.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TimeSheet {
    /// The platform's id.
    pub id: String,
    /// The name an administrator gave it.
    pub label: String,
    /// Whether it is in force.
    pub active: bool,
    /// The sources it is for.
    pub source_ids: Vec<String>,
    /// The time zone of its hours and days, as an IANA name.
    pub timezone: String,
    /// The hours of each day, Monday first: `a-b,c-d` in seconds of the day, empty for a closed day.
    pub hours: [String; 7],
    /// The days on which nobody works, whatever the hours say.
    pub holidays: Vec<Holiday>,
}

impl TimeSheet {
    /// An active sheet with the same hours on every day, in UTC.
    pub fn daily(id: impl Into<String>, source_id: impl Into<String>, hours: &str) -> Self {
        Self {
            id: id.into(),
            label: "Simulated hours".to_owned(),
            active: true,
            source_ids: vec![source_id.into()],
            timezone: "UTC".to_owned(),
            hours: [(); 7].map(|()| hours.to_owned()),
            holidays: Vec::new(),
        }
    }
}

/// A day on which nobody works.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Holiday {
    /// What the day is called.
    pub name: String,
    /// The day. RCE documents no format but that of the account's language, so any string will do.
    pub date: String,
}

/// Where events go.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The platform's id.
    pub id: String,
    /// The API token that it belongs to, by its id.
    pub token_id: String,
    /// The name an administrator gave it.
    pub name: String,
    /// The receiver.
    pub url: String,
    /// Whether it is switched on.
    pub active: bool,
    /// The token of the validation request.
    pub verify_token: String,
    /// The value of `X-Dimelo-Secret`.
    pub secret: String,
    /// The events it gets.
    pub registered_events: Vec<String>,
    /// Whether the receiver passed the validation.
    pub state: WebhookState,
}

/// Whether a webhook's receiver passed the validation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WebhookState {
    /// Not yet asked; events wait.
    Pending,
    /// Passed.
    Enabled,
    /// Failed; events are lost.
    Disabled,
}

impl WebhookState {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
        }
    }
}
