use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Timestamp;
use crate::hours::OpeningHours;
use crate::ids::{
    AgentId, CategoryId, ForeignMessageId, ForeignThreadId, InterventionId, MessageId, SourceId, ThreadId,
};
use crate::message::Attachment;
use crate::retry::Disposition;
use crate::settings::{Connection, IdentitySettings};
use crate::signal::AgentNews;

use super::Contents;

/// How soon somebody needs the answer of a REST call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Urgency {
    /// The rest of what was begun: without it the calls before were for nothing.
    Begun,
    /// A person waits for it: replies, and what has to be known of what they wrote.
    Now,
    /// The first call of moving a conversation between bot and agents: it lets replies pass where the budget is nearly
    /// used up.
    Soon,
    /// Housekeeping: only with what nobody else needs, 5 % of the budget at most.
    Idle,
}

/// RingCentral Engage Digital: writing messages into a thread and moving it between bot and agents.
#[async_trait]
pub trait RingCx: Contents + Send + Sync {
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

    /// Finds the newest thread of a person on the connection's source, by what that channel calls them. `None`: they
    /// are unknown there, or have none (yet). For channels of RCE's own, where threads have no id of ours.
    async fn find_thread_of_person(
        &self,
        connection: &Connection,
        person: &str,
    ) -> Result<Option<Thread>, RingCxError> {
        let _ = (connection, person);
        Ok(None)
    }

    async fn thread(
        &self,
        connection: &Connection,
        thread: &ThreadId,
        urgency: Urgency,
    ) -> Result<Thread, RingCxError>;

    /// Opens a thread that was closed ("locked"), where its channel allows that.
    async fn open_thread(&self, connection: &Connection, thread: &ThreadId) -> Result<(), RingCxError> {
        let _ = (connection, thread);
        Ok(())
    }

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
        urgency: Urgency,
    ) -> Result<Vec<Intervention>, RingCxError>;

    /// One intervention. An implementation that does not offer it knows of none.
    async fn intervention(
        &self,
        connection: &Connection,
        intervention: &InterventionId,
        urgency: Urgency,
    ) -> Result<Intervention, RingCxError> {
        let _ = (connection, intervention, urgency);
        Err(RingCxError::NotFound)
    }

    /// The interventions of the account that changed last, newest change first, as they were not longer than
    /// `max_age` ago: one answer of RCE for many conversations. It is housekeeping; an implementation that offers
    /// none only makes it dearer.
    async fn recent_interventions(
        &self,
        connection: &Connection,
        max_age: Duration,
    ) -> Result<Arc<[Intervention]>, RingCxError> {
        let _ = (connection, max_age);
        Ok(Arc::new([]))
    }

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

    /// The agents who are logged in and may take conversations of this connection. `None`: the token may not know.
    async fn agents(&self, connection: &Connection) -> Result<Option<Agents>, RingCxError>;

    /// When the contact centre is open for this connection's source. `None`: RCE does not say, or could not be asked
    /// yet. What was known before goes on to count.
    async fn opening_hours(&self, connection: &Connection) -> Result<Option<Arc<OpeningHours>>, RingCxError> {
        let _ = connection;
        Ok(None)
    }
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
    /// The agent's message that this one answers.
    pub in_reply_to: Option<MessageId>,
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

/// RCE wants a creation date of every identity; the company's faces were always there (2020-01-01).
const COMPANY_SINCE: Timestamp = Timestamp::constant(1_577_836_800, 0);

impl Identity {
    /// One of the identities that speak for the company. Announcing it again changes nothing.
    pub fn company(identity: &IdentitySettings) -> Self {
        Self {
            id: identity.id.clone(),
            screenname: identity.name.clone(),
            since: COMPANY_SINCE,
            puppetizable: true,
            ..Self::default()
        }
    }
}

/// A thread as RCE describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    pub id: ThreadId,
    pub foreign_id: Option<ForeignThreadId>,
    pub source: SourceId,
    /// The categories set on the thread itself: the set that is replaced as a whole.
    pub categories: Vec<CategoryId>,
    /// Nobody can write into it any more ("locked").
    pub closed: bool,
    /// When it last changed, by RCE's clock.
    pub changed_at: Option<Timestamp>,
    /// What RCE's clock showed when it answered a change, in whole seconds.
    pub answered_at: Option<Timestamp>,
}

/// An intervention as RCE describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intervention {
    pub id: InterventionId,
    pub thread: Option<ThreadId>,
    /// Who is in charge.
    pub agent: Option<AgentId>,
    /// By `closed` or `closed_at`, never by the localised status text.
    pub closed: bool,
    /// When it was closed, else when it last changed; by RCE's clock.
    pub as_of: Option<Timestamp>,
    pub agent_replies: u64,
}

/// The agents who are logged in on the channel group of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agents {
    /// The channel group, by which RCE's later news of an agent is read.
    pub channel: String,
    /// Whether each of them could take one more conversation.
    pub room: BTreeMap<AgentId, bool>,
}

impl Agents {
    /// How many could take a conversation.
    pub fn with_room(&self) -> usize {
        self.room.values().filter(|room| **room).count()
    }

    /// Takes note of news. `false`: it is about somebody of whom RCE did not speak, so that only RCE can tell whether
    /// they may take these conversations.
    pub fn hear(&mut self, news: &AgentNews) -> bool {
        let known = self.room.contains_key(&news.agent);
        match news.room.get(&self.channel) {
            Some(room) if known && news.logged_in => {
                self.room.insert(news.agent.clone(), *room);
            }
            _ if known => {
                self.room.remove(&news.agent);
            }
            _ => {}
        }
        known || !news.logged_in || !news.room.contains_key(&self.channel)
    }
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
    /// The Send API does not accept our signature.
    #[error(
        "RingCX does not accept our signature ({status}: {code}); check the realtime access token of this connection"
    )]
    SecretRefused { status: u16, code: String },
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
            Self::NotPermitted { .. } | Self::SecretRefused { .. } => "ringcx_not_permitted",
            Self::NotFound => "ringcx_not_found",
            Self::Conflict => "ringcx_conflict",
            Self::RateLimited { .. } | Self::BudgetUsedUp { .. } => "ringcx_rate_limited",
            Self::Unavailable { .. } | Self::NoAnswer(_) => "ringcx_unavailable",
        }
    }

    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Refused { .. } | Self::NotPermitted { .. } | Self::NotFound => Disposition::Reject,
            Self::SecretRefused { .. } => Disposition::RetryWhileYoung,
            Self::Conflict | Self::Unavailable { .. } | Self::NoAnswer(_) => {
                Disposition::Retry { after: None }
            }
            Self::RateLimited { retry_after } => Disposition::Retry { after: *retry_after },
            Self::BudgetUsedUp { retry_after } => Disposition::Wait { after: *retry_after },
        }
    }
}
