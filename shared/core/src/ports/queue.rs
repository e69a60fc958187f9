use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::ids::{ConnectionId, ForeignThreadId};
use crate::job::{Job, Outgoing, QueueName};

use super::causes;

/// Durable queues with ordered groups.
///
/// What every implementation keeps (and the conformance suite checks): a job is delivered at least
/// once; within a group jobs come in the order of sending and the next one only after the one before
/// was deleted or dead-lettered; a received job that is neither comes back after its visibility timeout;
/// a second job with the same deduplication id in the same group within five minutes is dropped.
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Stores jobs durably, all or (after an error) possibly some. The order within a group is the
    /// order of the list.
    async fn send(&self, jobs: Vec<Outgoing>) -> Result<(), QueueError>;

    /// Takes up to `max` jobs; returns at once, possibly with none. Nobody else gets them, nor later jobs of
    /// their groups, for `visibility`. Several jobs of one group come in their order, if at all.
    async fn receive(
        &self,
        queue: QueueName,
        max: usize,
        visibility: Duration,
    ) -> Result<Vec<Received>, QueueError>;

    /// Done: the job is gone and the next of its group may come.
    async fn delete(&self, receipt: &Receipt) -> Result<(), QueueError>;

    /// Not done: it comes back after `after`, before everything else of its group. `counts` tells whether
    /// this was an attempt (it is not when our own limiter held it back).
    async fn retry(&self, receipt: &Receipt, after: Duration, counts: bool) -> Result<(), QueueError>;

    /// Put aside for good, with a reason for people; the next of its group may come.
    async fn dead_letter(&self, received: &Received, reason: &str) -> Result<(), QueueError>;

    /// The dead letters, oldest first.
    async fn dead_letters(&self) -> Result<Vec<DeadLetter>, QueueError>;

    /// Sends a dead letter again, at the end of its group, and removes it. `false`: there is none.
    async fn replay(&self, id: &str) -> Result<bool, QueueError>;

    /// Removes a dead letter. `false`: there is none.
    async fn discard(&self, id: &str) -> Result<bool, QueueError>;

    /// Removes the dead letters of a conversation and, where a queue can be looked into, its jobs; how many there were. A job
    /// in work may end up as a dead letter afterwards.
    async fn erase(&self, connection: &ConnectionId, thread: &ForeignThreadId) -> Result<usize, QueueError> {
        let mut gone = 0;
        for letter in self.dead_letters().await? {
            if letter.job.connection == *connection && letter.job.thread == *thread {
                gone += usize::from(self.discard(&letter.id).await?);
            }
        }
        Ok(gone)
    }

    /// About how many jobs a queue holds, those in work included. Without traffic it is exact within a minute.
    async fn waiting(&self, queue: QueueName) -> Result<u64, QueueError>;
}

/// A job that was taken from a queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    pub job: Job,
    pub receipt: Receipt,
    /// This attempt's number, from 1.
    pub attempt: u32,
    /// A later job of the same group is known that makes this one pointless: a newer place in the queue.
    pub superseded: bool,
}

/// The right to finish a received job. Worthless once the job was received again by somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub queue: QueueName,
    pub token: String,
}

/// A job that was put aside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    pub id: String,
    pub queue: QueueName,
    pub reason: String,
    pub attempts: u32,
    pub at: Timestamp,
    pub job: Job,
}

#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The queue cannot be reached or written; the same call may succeed later.
    #[error("queue unavailable: {}", causes(&**.0))]
    Unavailable(Box<dyn std::error::Error + Send + Sync>),
    /// The visibility timeout ran out and somebody else has the job now.
    #[error("receipt is no longer valid")]
    StaleReceipt,
}
