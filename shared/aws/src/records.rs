//! What SQS knows about its records besides the port: the worker's shell asks here.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use handover_core::ids::JobId;
use handover_core::job::{Job, QueueName};
use handover_core::ports::{Clock, QueueError, Receipt};
use handover_handlers::work::VISIBILITY;

use crate::fault::{Fault, Thing};
use crate::queue::{SqsQueue, Unreadable};

/// What the worker's shell asks of SQS.
#[async_trait]
pub trait Records: Send + Sync {
    /// The job that a record's body holds, or points to.
    async fn job(&self, body: &str) -> Result<Job, Unreadable>;

    /// Which attempt this is, of a job that was received so often.
    async fn attempt(&self, job: &JobId, receives: u32) -> Result<u32, QueueError>;

    /// The right to finish the job of a record.
    fn receipt(&self, queue: QueueName, job: &JobId, handle: &str) -> Receipt;

    /// Puts a record aside as it is. Done twice, it is there once.
    async fn set_aside(&self, id: &str, group: &str, body: &str) -> Result<(), QueueError>;
}

/// Records of one queue.
pub struct SqsRecords {
    queue: Arc<SqsQueue>,
    client: Client,
    dead_letters_url: String,
    clock: Arc<dyn Clock>,
}

impl SqsRecords {
    pub fn new(
        queue: Arc<SqsQueue>,
        client: Client,
        dead_letters_url: String,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            queue,
            client,
            dead_letters_url,
            clock,
        }
    }
}

#[async_trait]
impl Records for SqsRecords {
    async fn job(&self, body: &str) -> Result<Job, Unreadable> {
        self.queue.read(body).await
    }

    async fn attempt(&self, job: &JobId, receives: u32) -> Result<u32, QueueError> {
        self.queue.attempt(job, receives).await
    }

    /// The record is ours for the queue's visibility timeout, which is longer than the function may run.
    fn receipt(&self, queue: QueueName, job: &JobId, handle: &str) -> Receipt {
        self.queue
            .receipt(queue, job, handle, self.clock.now() + VISIBILITY)
    }

    async fn set_aside(&self, id: &str, group: &str, body: &str) -> Result<(), QueueError> {
        let url = &self.dead_letters_url;
        let sent = self
            .client
            .send_message()
            .queue_url(url)
            .message_group_id(group)
            // If the process dies before the record is gone, SQS drops the second one.
            .message_deduplication_id(id)
            .message_body(body)
            .send()
            .await;
        sent.map_err(|error| Fault::of("sqs:SendMessage", Thing::Queue(url.clone()), &error))?;
        Ok(())
    }
}
