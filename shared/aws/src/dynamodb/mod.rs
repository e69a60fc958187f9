//! The state of conversations in one DynamoDB table.
//!
//! A commit is one conditional write, or one transaction if it touches several items. Jobs cannot be part of it,
//! because the queue is another service. So a commit stores them with the conversation, sends them, and takes
//! them off again. Whoever reads a conversation that still has jobs sends them first; what was sent already the
//! queue drops as a repeat. A process may die between any two of these calls: the caller repeats (it had no
//! answer), or the queue brings the caller's own job back, and either reads the conversation again.
//!
//! | module | owns |
//! |---|---|
//! | [`schema`] | names of keys, attributes and indexes |
//! | `item` | values ↔ attributes |
//! | `commit` | a commit as writes with conditions |
//! | `write` | running them: repeats, what a refusal means |
//! | `read` | conversations, claims, kept messages, timelines, listings |
//! | `erase` | removing a conversation with all that is kept with it |
//! | `fault` | what went wrong, in words that name the table |

mod commit;
mod erase;
mod fault;
mod item;
mod read;
pub mod schema;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use handover_core::Timestamp;
use handover_core::ids::{ConnectionId, ForeignThreadId, Ids, ThreadId};
use handover_core::message::Message;
use handover_core::ports::{
    ClaimKey, Clock, Commit, ConversationSummary, JobQueue, Recorded, Store, StoreError, ToLookAfter,
    Versioned,
};
use handover_core::timeline::TimelineEntry;

/// The store over one table. Cheap to clone.
#[derive(Clone)]
pub struct DynamoStore {
    client: Client,
    table: Arc<str>,
    queue: Arc<dyn JobQueue>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl DynamoStore {
    /// `queue` gets the jobs of commits.
    pub fn new(
        client: Client,
        table: &str,
        queue: Arc<dyn JobQueue>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        Self {
            client,
            table: Arc::from(table),
            queue,
            clock,
            ids,
        }
    }
}

#[async_trait]
impl Store for DynamoStore {
    async fn conversation(
        &self,
        connection: &ConnectionId,
        thread: &ForeignThreadId,
    ) -> Result<Option<Versioned>, StoreError> {
        self.read_conversation(connection, thread, true).await
    }

    async fn glance(
        &self,
        connection: &ConnectionId,
        thread: &ForeignThreadId,
    ) -> Result<Option<Versioned>, StoreError> {
        self.read_conversation(connection, thread, false).await
    }

    async fn thread_owner(
        &self,
        connection: &ConnectionId,
        thread: &ThreadId,
    ) -> Result<Option<ForeignThreadId>, StoreError> {
        Ok(self.read_thread_owner(connection, thread).await?)
    }

    async fn claimed(&self, key: &ClaimKey, now: Timestamp) -> Result<Option<Recorded>, StoreError> {
        self.read_claim(key, now).await
    }

    async fn kept_messages(
        &self,
        connection: &ConnectionId,
        thread: &ForeignThreadId,
        not_before: Timestamp,
    ) -> Result<Vec<Message>, StoreError> {
        Ok(self.read_kept(connection, thread, not_before).await?)
    }

    async fn commit(&self, change: Commit) -> Result<(), StoreError> {
        self.write_commit(change).await
    }

    async fn timeline(
        &self,
        connection: &ConnectionId,
        thread: &ForeignThreadId,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        Ok(self.read_timeline(connection, thread).await?)
    }

    async fn conversations(
        &self,
        connection: Option<&ConnectionId>,
        limit: usize,
    ) -> Result<Vec<ConversationSummary>, StoreError> {
        Ok(self.read_conversations(connection, limit).await?)
    }

    async fn to_look_after(&self, until: Timestamp, limit: usize) -> Result<Vec<ToLookAfter>, StoreError> {
        Ok(self.read_to_look_after(until, limit).await?)
    }

    async fn erase(&self, connection: &ConnectionId, thread: &ForeignThreadId) -> Result<bool, StoreError> {
        Ok(self.erase_conversation(connection, thread).await?)
    }

    /// DynamoDB removes by itself what has expired.
    async fn sweep(&self, _: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }
}
