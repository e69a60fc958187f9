use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use crate::Timestamp;
use crate::ids::{
    AgentId, CategoryId, ForeignMessageId, ForeignThreadId, InterventionId, MessageId, SourceId, ThreadId,
};
use crate::message::Attachment;
use crate::retry::Disposition;
use crate::settings::Connection;

/// RingCentral Engage Digital: writing messages into a thread and moving it between bot and agents.
#[async_trait]
pub trait RingCx: Send + Sync {
    /// Writes one message into a thread; the thread comes into being with its first message. Structured
    /// content that RCE refuses is sent once more as text.
    async fn send_message(
        &self,
        connection: &Connection,
        message: &CustomerMessage,
    ) -> Result<(), RingCxError>;

    /// Creates or refreshes an identity.
    async fn announce(&self, connection: &Connection, identity: &Identity) -> Result<(), RingCxError>;

    /// Shows the agent that the person types. At most one start per thread every two seconds leaves us;
    /// what is too much is dropped.
    async fn typing(
        &self,
        connection: &Connection,
        thread: &ForeignThreadId,
        preview: Option<&str>,
    ) -> Result<(), RingCxError>;

    /// Shows the agent that the person stopped typing; the next start may leave at once.
    async fn typing_stopped(
        &self,
        connection: &Connection,
        thread: &ForeignThreadId,
    ) -> Result<(), RingCxError>;

    /// Marks an agent's message as read, by the id that we answered with.
    async fn mark_as_read(&self, connection: &Connection, message: &MessageId) -> Result<(), RingCxError>;

    /// Finds a thread by our id. `None`: not imported or not indexed yet.
    async fn find_thread(
        &self,
        connection: &Connection,
        thread: &ForeignThreadId,
    ) -> Result<Option<Thread>, RingCxError>;

    async fn thread(&self, connection: &Connection, thread: &ThreadId) -> Result<Thread, RingCxError>;

    /// Replaces the categories set on the thread itself.
    async fn set_categories(
        &self,
        connection: &Connection,
        thread: &ThreadId,
        categories: &[CategoryId],
    ) -> Result<Thread, RingCxError>;

    /// Archives a thread ("ignore"): its waiting tasks disappear.
    async fn archive(&self, connection: &Connection, thread: &ThreadId) -> Result<(), RingCxError>;

    /// All interventions of a thread, newest first.
    async fn interventions(
        &self,
        connection: &Connection,
        thread: &ThreadId,
    ) -> Result<Vec<Intervention>, RingCxError>;

    /// For interventions in which an agent has replied.
    async fn close_intervention(
        &self,
        connection: &Connection,
        intervention: &InterventionId,
    ) -> Result<(), RingCxError>;

    /// For interventions in which no agent has replied.
    async fn cancel_intervention(
        &self,
        connection: &Connection,
        intervention: &InterventionId,
    ) -> Result<(), RingCxError>;

    /// The name that customers may see of an agent. `None`: the token may not know, or there is none. Nothing
    /// depends on it, so an implementation need not offer it.
    async fn agent_name(
        &self,
        connection: &Connection,
        agent: &AgentId,
    ) -> Result<Option<String>, RingCxError> {
        let _ = (connection, agent);
        Ok(None)
    }

    /// How many agents could take a conversation of this connection now. `None`: the token may not know.
    async fn available_agents(&self, connection: &Connection) -> Result<Option<usize>, RingCxError>;
}

/// A message to be written into a thread.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomerMessage {
    pub id: ForeignMessageId,
    pub thread: ForeignThreadId,
    pub author: Identity,
    pub text: Option<String>,
    pub attachments: Vec<Attachment>,
    pub structured: Option<Value>,
    pub payload: Option<String>,
    pub language: Option<String>,
    /// Context data for the thread, keys already legal.
    pub context: BTreeMap<String, Value>,
    pub written_at: Timestamp,
}

/// A face in RCE: the customer, or one that speaks for the company.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identity {
    pub id: String,
    pub screenname: String,
    pub since: Timestamp,
    /// RCE may speak as this identity. True for the company's faces, never for customers.
    pub puppetizable: bool,
    pub firstname: Option<String>,
    pub lastname: Option<String>,
    pub email: Option<String>,
    pub home_phone: Option<String>,
    pub mobile_phone: Option<String>,
    pub avatar_url: Option<String>,
    /// `man` or `woman`; RCE knows no other.
    pub gender: Option<&'static str>,
    pub context_data: BTreeMap<String, Value>,
}

/// A thread as RCE describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    pub id: ThreadId,
    pub foreign_id: Option<ForeignThreadId>,
    pub source: SourceId,
    /// The categories set on the thread itself: the set that is replaced as a whole.
    pub categories: Vec<CategoryId>,
}

/// An intervention as RCE describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intervention {
    pub id: InterventionId,
    /// By `closed` or `closed_at`, never by the localised status text.
    pub closed: bool,
    pub agent_replies: u64,
}

/// How soon somebody needs the answer of a REST call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Urgency {
    /// A person waits for it.
    Now,
    /// Housekeeping: only with what nobody else needs, 5 % of the budget at most.
    Idle,
}

/// Why RCE did not do what it was asked. Carries no message text.
#[derive(Debug, thiserror::Error)]
pub enum RingCxError {
    /// Refused for good. `code` is RCE's own short word for it.
    #[error("refused by RingCX ({status}: {code})")]
    Refused { status: u16, code: String },
    /// The token or the signature is not accepted: a set-up fault.
    #[error(
        "RingCX does not accept our credentials or rights ({status}: {code}); check the tokens of this connection"
    )]
    NotPermitted { status: u16, code: String },
    /// Unknown, or not readable with this token's rights.
    #[error("unknown to RingCX, or the API token's account may not read this source")]
    NotFound,
    /// Somebody else changes the same thing right now.
    #[error("RingCX is already changing this")]
    Conflict,
    /// RCE's limit was hit.
    #[error("RingCX limits our rate")]
    RateLimited { retry_after: Option<Duration> },
    /// Our own limiter says: not now.
    #[error("our own REST budget is used up")]
    BudgetUsedUp { retry_after: Duration },
    /// RCE answered with a fault of its own, or with something that is not its protocol.
    #[error("RingCX is in trouble ({status})")]
    Unavailable { status: u16 },
    /// No answer: unknown whether it was done.
    #[error("no answer from RingCX")]
    NoAnswer(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl RingCxError {
    /// A stable word for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "ringcx_refused",
            Self::NotPermitted { .. } => "ringcx_not_permitted",
            Self::NotFound => "ringcx_not_found",
            Self::Conflict => "ringcx_conflict",
            Self::RateLimited { .. } | Self::BudgetUsedUp { .. } => "ringcx_rate_limited",
            Self::Unavailable { .. } | Self::NoAnswer(_) => "ringcx_unavailable",
        }
    }

    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Refused { .. } | Self::NotPermitted { .. } | Self::NotFound => Disposition::Reject,
            Self::Conflict | Self::Unavailable { .. } | Self::NoAnswer(_) => {
                Disposition::Retry { after: None }
            }
            Self::RateLimited { retry_after } => Disposition::Retry { after: *retry_after },
            Self::BudgetUsedUp { retry_after } => Disposition::Wait { after: *retry_after },
        }
    }
}
