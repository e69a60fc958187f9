//! The objects of the platform.

use std::time::Instant;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::config::{AgentStatus, IndexLag};

/// Who wrote a content.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AuthorKind {
    /// A customer.
    Customer,
    /// The bot's puppet identity.
    Bot,
    /// An agent, or the agents' puppet identity.
    Agent,
}

impl AuthorKind {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Bot => "bot",
            Self::Agent => "agent",
        }
    }
}

/// Whether a content reached the bridge.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SyncStatus {
    /// It came from the bridge, or the bridge took it.
    Success,
    /// It is on its way.
    ExportPending,
    /// All attempts failed, or the bridge refused it for good.
    ExportFailure,
    /// The export was given up before it was tried to the end.
    ExportAborted,
}

impl SyncStatus {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::ExportPending => "export_pending",
            Self::ExportFailure => "export_failure",
            Self::ExportAborted => "export_aborted",
        }
    }
}

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

/// One message.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a member of its own, as in the API"
)]
pub struct Content {
    /// The platform's id.
    pub id: String,
    /// The bridge's id: its own for imports, the returned one for agents' messages.
    pub foreign_id: Option<String>,
    /// The platform's id of the thread.
    pub thread_id: String,
    /// The identity that speaks.
    pub author_id: String,
    /// Who speaks.
    pub author_kind: AuthorKind,
    /// The name a reader sees.
    pub author_name: String,
    /// The agent account behind it.
    pub creator_id: Option<String>,
    /// The text.
    pub body: Option<String>,
    /// `text` or `html`.
    pub format: String,
    /// Attachments as sent.
    pub attachments: Vec<Value>,
    /// Buttons, cards and the like.
    pub structured_content: Option<Value>,
    /// The platform's id of the content it answers.
    pub in_reply_to_id: Option<String>,
    /// The params as they arrived; null for agents' messages.
    pub params: Value,
    /// `synchronizer`, `interface` or `api`.
    pub created_from: &'static str,
    /// `new`, `replied`, `user_reply`, `user_initiated` or `ignored`.
    pub status: &'static str,
    /// The intervention it belongs to.
    pub intervention_id: Option<String>,
    /// When it was written, by its author's word.
    pub created_at: Timestamp,
    /// When the platform got it.
    pub imported_at: Timestamp,
    /// Written well before it was imported: part of a transcript.
    pub history: bool,
    /// Whether it reached the bridge.
    pub synchronization_status: SyncStatus,
    /// Why it did not.
    pub synchronization_error: Option<String>,
    /// How often it was sent to the bridge.
    pub attempts: u32,
    /// How often the bridge sent it again.
    pub repeats: u32,
    /// Whether the customer read it.
    pub read: bool,
    /// Sent by itself, not by a person.
    pub auto_submitted: bool,
    /// Not for everybody to read.
    pub private: bool,
    /// Its author deleted it on the channel.
    pub remotely_deleted: bool,
    /// The payload of the button that was pressed.
    pub structured_reply_payload: Option<String>,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// Counts what reached customers, in the order in which it did.
    pub(crate) seen: Option<u64>,
    pub(crate) lag: Lag,
}

impl Content {
    /// A content without anything in it: a customer's, imported at this moment.
    pub(crate) fn new(
        id: String,
        thread_id: &str,
        author: (String, AuthorKind, String),
        now: Timestamp,
    ) -> Self {
        let (author_id, author_kind, author_name) = author;
        Self {
            id,
            foreign_id: None,
            thread_id: thread_id.to_owned(),
            author_id,
            author_kind,
            author_name,
            creator_id: None,
            body: None,
            format: "text".to_owned(),
            attachments: Vec::new(),
            structured_content: None,
            in_reply_to_id: None,
            params: Value::Null,
            created_from: "synchronizer",
            status: "new",
            intervention_id: None,
            created_at: now,
            imported_at: now,
            history: false,
            synchronization_status: SyncStatus::Success,
            synchronization_error: None,
            attempts: 0,
            repeats: 0,
            read: false,
            auto_submitted: false,
            private: false,
            remotely_deleted: false,
            structured_reply_payload: None,
            updated_at: now,
            seen: None,
            lag: Lag::default(),
        }
    }
}

/// How long something stays invisible to searches.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lag {
    pub(crate) searches_to_miss: u32,
    pub(crate) visible_at: Option<Instant>,
}

impl Lag {
    pub(crate) fn new(lag: IndexLag) -> Self {
        match lag {
            IndexLag::None => Self::default(),
            IndexLag::Searches(searches_to_miss) => Self {
                searches_to_miss,
                visible_at: None,
            },
            IndexLag::For(time) => Self {
                searches_to_miss: 0,
                visible_at: Some(Instant::now() + time),
            },
        }
    }

    /// Whether a search finds it; counts as one.
    pub(crate) fn is_over(&mut self) -> bool {
        if self.searches_to_miss > 0 {
            self.searches_to_miss -= 1;
            return false;
        }
        self.visible_at.is_none_or(|at| Instant::now() >= at)
    }
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
