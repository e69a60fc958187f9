use std::time::Duration;

use async_trait::async_trait;

use crate::Timestamp;
use crate::conversation::Conversation;
use crate::ids::{ConnectionId, ConversationId, ForeignThreadId, ThreadId};
use crate::job::Outgoing;
use crate::message::Message;
use crate::queue_update::QueueUpdate;
use crate::settings::Timers;
use crate::timeline::TimelineEntry;

use super::causes;

/// Durable state of conversations.
///
/// What every implementation keeps: a commit happens whole or, where the queue is another service, in an
/// order that makes repeating it harmless (state and claims first, jobs after); nothing is overwritten
/// that was not read; after `Ok` a crash of the process loses none of it.
#[async_trait]
pub trait Store: Send + Sync {
    async fn conversation(
        &self,
        connection: &ConnectionId,
        thread: &ForeignThreadId,
    ) -> Result<Option<Versioned>, StoreError>;

    /// The conversation as it was a moment ago: for decisions that a worker makes again, and that are not final.
    /// What was stored within the last second may be missing. Cheaper where that makes a difference.
    async fn glance(
        &self,
        connection: &ConnectionId,
        thread: &ForeignThreadId,
    ) -> Result<Option<Versioned>, StoreError> {
        self.conversation(connection, thread).await
    }

    /// The conversation of a thread that RCE named by its own id.
    async fn thread_owner(
        &self,
        connection: &ConnectionId,
        thread: &ThreadId,
    ) -> Result<Option<ForeignThreadId>, StoreError>;

    /// What was recorded under a claim, if it has not expired. A claim that was made a moment ago by another
    /// process may not be seen yet; a commit always sees it.
    async fn claimed(&self, key: &ClaimKey, now: Timestamp) -> Result<Option<Recorded>, StoreError>;

    /// Messages kept for a later handover, oldest first, none that was sent before `not_before`.
    async fn kept_messages(
        &self,
        connection: &ConnectionId,
        thread: &ForeignThreadId,
        not_before: Timestamp,
    ) -> Result<Vec<Message>, StoreError>;

    /// Applies a change; see [`Commit`].
    async fn commit(&self, change: Commit) -> Result<(), StoreError>;

    /// A conversation's timeline, oldest first.
    async fn timeline(
        &self,
        connection: &ConnectionId,
        thread: &ForeignThreadId,
    ) -> Result<Vec<TimelineEntry>, StoreError>;

    /// Conversations, of one connection or of all, most recently changed first, at most `limit`. What counts as a
    /// change is at least that one began and that its handover came to another status.
    async fn conversations(
        &self,
        connection: Option<&ConnectionId>,
        limit: usize,
    ) -> Result<Vec<ConversationSummary>, StoreError>;

    /// Handovers that somebody should have looked after by `until` ([`Conversation::look_at`]), longest overdue
    /// first, at most `limit`. One whose plan changed a moment ago may be missing, or still be there. Every handover
    /// that is under way has such a moment, so `until` the end of time finds them all.
    async fn to_look_after(&self, until: Timestamp, limit: usize) -> Result<Vec<ToLookAfter>, StoreError>;

    /// Removes a conversation, its timeline, its kept messages and its claims with their answers; `false`: there was nothing.
    /// Cut short, a repeat removes the rest. Jobs are the queue's ([`super::JobQueue::erase`]).
    async fn erase(&self, connection: &ConnectionId, thread: &ForeignThreadId) -> Result<bool, StoreError> {
        let _ = (connection, thread);
        Err(StoreError::Unavailable("this store cannot erase".into()))
    }

    /// Removes what has expired. Harmless at any time.
    async fn sweep(&self, now: Timestamp) -> Result<(), StoreError>;
}

/// A conversation with the version that a later commit must still find.
#[derive(Clone, Debug, PartialEq)]
pub struct Versioned {
    pub conversation: Conversation,
    pub version: u64,
}

/// What a commit expects of the stored conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It does not exist yet.
    New,
    /// It still has this version.
    Version(u64),
}

/// One change: everything in it, or nothing.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// Write this conversation, expecting what is said. The RCE thread id in it becomes findable.
    pub write: Option<(Conversation, Expected)>,
    /// Only make sure that a conversation still has a version.
    pub check: Option<(ConnectionId, ForeignThreadId, u64)>,
    /// What all of this is noted of. If it was erased while a worker had it in hand, nothing is noted, which is a success. A
    /// store where that would cost a transaction for every line may note it all the same; the next [`Store::erase`] takes it.
    pub known: Option<(ConnectionId, ForeignThreadId)>,
    /// Claims; each must be free, expired, or held by the same holder.
    pub claims: Vec<Claim>,
    /// Messages to keep for a later handover of the conversation (written, or checked, above).
    pub keep: Vec<Message>,
    /// Forget all kept messages of this conversation.
    pub forget_kept: Option<(ConnectionId, ForeignThreadId)>,
    /// Where the queue is another service, jobs are kept with the conversation (written, or checked, above) until
    /// they are sent. A commit that names none is repeated by its maker if it is cut short.
    pub jobs: Vec<Outgoing>,
    pub timeline: Vec<(ConnectionId, ForeignThreadId, TimelineEntry)>,
}

impl Commit {
    /// Writes a conversation, and plans when to look after it.
    pub fn writing(mut conversation: Conversation, expected: Expected, timers: &Timers) -> Self {
        conversation.plan_look(timers);
        Self {
            write: Some((conversation, expected)),
            ..Self::default()
        }
    }
}

/// What can be claimed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClaimKey {
    /// The conversation that it is kept with; `None` if it belongs to none.
    pub conversation: Option<(ConnectionId, ForeignThreadId)>,
    /// Unique by itself.
    pub name: String,
}

impl ClaimKey {
    /// Something that happens once in a conversation.
    pub fn of(connection: &ConnectionId, thread: &ForeignThreadId, name: impl Into<String>) -> Self {
        Self {
            conversation: Some((connection.clone(), thread.clone())),
            name: name.into(),
        }
    }

    /// Something that belongs to no conversation.
    pub fn apart(name: impl Into<String>) -> Self {
        Self {
            conversation: None,
            name: name.into(),
        }
    }
}

/// Something that may happen once: an idempotency key, a webhook event, an agent's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub key: ClaimKey,
    pub holder: String,
    /// What to remember with it (a stored answer), empty if nothing.
    pub record: String,
    pub expires_at: Timestamp,
}

/// A claim as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub holder: String,
    pub record: String,
}

/// A handover that somebody should look after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToLookAfter {
    pub connection: ConnectionId,
    pub thread: ForeignThreadId,
    /// Since when.
    pub at: Timestamp,
}

/// One line of a listing.
#[derive(Clone, Debug, PartialEq)]
pub struct ConversationSummary {
    pub connection: ConnectionId,
    pub id: ConversationId,
    pub thread: ForeignThreadId,
    /// `bot` or `agent`.
    pub handler: &'static str,
    /// Status of the current or last handover.
    pub status: &'static str,
    pub epoch: u32,
    pub changed_at: Timestamp,
    pub requested_at: Option<Timestamp>,
    pub accepted_at: Option<Timestamp>,
    /// The newest known place in the queue, while the handover waits.
    pub queue: Option<QueueUpdate>,
    /// The name of the agent who has it.
    pub agent: Option<String>,
}

impl ConversationSummary {
    pub fn of(conversation: Conversation, changed_at: Timestamp) -> Self {
        let handover = conversation.handover.as_deref();
        let running = handover.filter(|handover| !handover.status.is_over());
        Self {
            requested_at: handover.map(|handover| handover.requested_at),
            accepted_at: handover.and_then(|handover| handover.accepted_at),
            queue: running.and_then(|handover| handover.queue),
            agent: running.and_then(|handover| handover.agent.as_ref()?.name.clone()),
            handler: conversation.handler().as_str(),
            status: handover.map_or("none", |handover| handover.status.as_str()),
            epoch: conversation.epoch(),
            connection: conversation.connection,
            id: conversation.id,
            thread: conversation.thread,
            changed_at,
        }
    }
}

/// How many messages are kept for a later handover, and for how long.
pub const KEPT_MESSAGES: usize = 200;
/// See [`KEPT_MESSAGES`]. Claims live as long.
pub const KEPT_FOR: Duration = Duration::from_hours(72);

/// What RCE says is taken for so long after the time that it bears: nothing in it says whether somebody sends it anew who saw
/// it once. Its own repeats end after a day; an agent may have a message sent again by hand.
pub const NEWS_TAKEN_FOR: Duration = Duration::from_hours(7 * 24);
/// How long it is remembered, so that whatever is still taken is known: longer by as much as RCE's clock may be off.
pub const NEWS_KNOWN_FOR: Duration = Duration::from_hours(9 * 24);

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else changed the conversation first: read again, decide again.
    #[error("conversation was changed by somebody else")]
    Conflict,
    /// A claim is held by another holder: this was done already.
    #[error("already claimed")]
    Claimed(Recorded),
    /// The store cannot be reached or written; the same call may succeed later.
    #[error("store unavailable: {}", causes(&**.0))]
    Unavailable(Box<dyn std::error::Error + Send + Sync>),
}
