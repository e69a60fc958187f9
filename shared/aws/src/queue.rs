//! The queues in SQS FIFO, one message for a job.
//!
//! SQS keeps the order of a group, hides what was received, and drops repeats. What it cannot hold is in the
//! [`Ledger`]: receives that were no attempts, jobs that are too large for a message, and dead letters, which here are
//! a book that can be listed and sent again. Calls to both are ordered so that a process may die between any two of
//! them; what the next attempt finds is said at each such place.
//!
//! | module | owns |
//! |---|---|
//! | `sending` | order and limits of what is sent together |
//! | `message` | jobs as SQS takes them: bodies, legal ids |
//! | `token` | what a receipt says |
//! | `ledger` | what SQS cannot hold, in the table |

mod ledger;
mod message;
mod sending;
mod token;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{Message as SqsMessage, MessageSystemAttributeName, QueueAttributeName};
use handover_core::Timestamp;
use handover_core::ids::JobId;
use handover_core::job::{Job, Outgoing, QueueName};
use handover_core::ports::{Clock, DeadLetter, JobQueue, QueueError, Receipt, Received};

use crate::fault::{self, Fault, Thing};
pub use ledger::Ledger;
use ledger::{KeptFor, StoredLetter};
use message::Pointer;
use sending::Message;
use token::Token;

/// The most messages that SQS gives at once.
const MOST_RECEIVED: usize = 10;
/// SQS hides a message for 12 hours at most, counted from when it was received; this leaves the worker its time.
const LONGEST_HIDDEN: Duration = Duration::from_hours(11);

/// What together is all that a queue holds.
const HELD: [QueueAttributeName; 3] = [
    QueueAttributeName::ApproximateNumberOfMessages,
    QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    QueueAttributeName::ApproximateNumberOfMessagesDelayed,
];

/// Where the queues are.
#[derive(Clone, Debug)]
pub struct QueueUrls {
    pub to_bot: String,
    pub to_ringcx: String,
    pub queue_updates: String,
}

impl QueueUrls {
    fn of(&self, queue: QueueName) -> &str {
        match queue {
            QueueName::ToBot => &self.to_bot,
            QueueName::ToRingcx => &self.to_ringcx,
            QueueName::QueueUpdates => &self.queue_updates,
        }
    }
}

/// Why there is no job in a message.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// No version of ours wrote it, or a newer one did, or the kept part of it is gone.
    #[error("the message is not a job of this version")]
    NotAJob,
    /// The job is there and cannot be had now.
    #[error("the job cannot be read now")]
    NotNow(#[source] QueueError),
}

/// The queues over SQS. Cheap to clone.
#[derive(Clone)]
pub struct SqsQueue {
    client: Client,
    urls: Arc<QueueUrls>,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
}

impl SqsQueue {
    pub fn new(client: Client, urls: QueueUrls, ledger: Ledger, clock: Arc<dyn Clock>) -> Self {
        Self {
            client,
            urls: Arc::new(urls),
            ledger,
            clock,
        }
    }

    /// The job that a message's body holds, or points to.
    pub async fn read(&self, body: &str) -> Result<Job, Unreadable> {
        let Some(pointer) = Pointer::of(body) else {
            return parse(body);
        };
        match self.ledger.kept(&pointer).await {
            Ok(Some(text)) => parse(&text),
            Ok(None) => {
                tracing::error!(
                    kept.id = pointer.kept,
                    "a large job's text is not in the table any more"
                );
                Err(Unreadable::NotAJob)
            }
            Err(fault) => Err(Unreadable::NotNow(fault.into())),
        }
    }

    /// Which attempt this is, of a job that was received `receives` times. The first asks nobody.
    pub async fn attempt(&self, job: &JobId, receives: u32) -> Result<u32, QueueError> {
        if receives <= 1 {
            return Ok(1);
        }
        let uncounted = self.ledger.uncounted(job).await?;
        Ok(receives.saturating_sub(uncounted).max(1))
    }

    /// The right to finish a job whose message has this handle and is hidden until `visible_until`.
    pub fn receipt(&self, queue: QueueName, job: &JobId, handle: &str, visible_until: Timestamp) -> Receipt {
        Receipt {
            queue,
            token: token::write(visible_until, job, handle),
        }
    }

    /// A job's text as a message or a dead letter holds it; too large a one is kept beside.
    async fn body(&self, job: &Job, kept_for: KeptFor) -> Result<String, Fault> {
        let text = message::to_text(job)?;
        if !message::is_large(&text) {
            return Ok(text);
        }
        // If the process dies before the message is sent, nothing points to the text, and it goes when its time
        // is over. The caller, who had no answer, sends again and finds or writes the same.
        let kept = self.ledger.keep(&message::digest(&text), &text, kept_for).await?;
        kept.to_body()
    }

    async fn message(&self, outgoing: Outgoing) -> Result<Message, Fault> {
        Ok(Message {
            group: message::legal_id(&outgoing.job.group()).into_owned(),
            deduplication_id: message::legal_id(&outgoing.deduplication_id).into_owned(),
            body: self.body(&outgoing.job, KeptFor::Queue).await?,
        })
    }

    fn held<'a>(&self, receipt: &'a Receipt) -> Result<Token<'a>, QueueError> {
        token::read(receipt, self.clock.now())
    }

    async fn delete_message(&self, queue: QueueName, handle: &str) -> Result<(), QueueError> {
        let url = self.urls.of(queue);
        let call = self.client.delete_message().queue_url(url).receipt_handle(handle);
        let deleted = call.send().await;
        deleted.map_err(|error| on_receipt("sqs:DeleteMessage", url, &error))?;
        Ok(())
    }

    /// A message as a job. One that cannot be read stays hidden, comes again after its visibility timeout, and its
    /// group waits.
    async fn received(
        &self,
        queue: QueueName,
        message: &SqsMessage,
        visible_until: Timestamp,
    ) -> Result<Option<Received>, QueueError> {
        let job = match self.read(message.body().unwrap_or_default()).await {
            Ok(job) => job,
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(
                    queue = queue.as_str(),
                    message.id = message.message_id(),
                    error,
                    "job not read"
                );
                return Ok(None);
            }
        };
        let receives = attribute(message, &MessageSystemAttributeName::ApproximateReceiveCount);
        let attempt = self.attempt(&job.id, receives.parse().unwrap_or(1)).await?;
        let handle = message.receipt_handle().unwrap_or_default();
        Ok(Some(Received {
            receipt: self.receipt(queue, &job.id, handle, visible_until),
            job,
            attempt,
            superseded: false,
        }))
    }

    async fn letter(&self, id: &str, stored: StoredLetter) -> Result<Option<DeadLetter>, QueueError> {
        let job = match self.read(&stored.job).await {
            Ok(job) => job,
            Err(Unreadable::NotNow(error)) => return Err(error),
            Err(Unreadable::NotAJob) => return Ok(None),
        };
        Ok(Some(DeadLetter {
            id: id.to_owned(),
            queue: stored.queue,
            reason: stored.reason,
            attempts: stored.attempts,
            at: stored.at,
            job,
        }))
    }
}

#[async_trait]
impl JobQueue for SqsQueue {
    async fn send(&self, jobs: Vec<Outgoing>) -> Result<(), QueueError> {
        let mut by_queue = QueueName::ALL.map(|queue| (queue, Vec::new()));
        for outgoing in jobs {
            let queue = outgoing.job.work.queue();
            let message = self.message(outgoing).await?;
            if let Some((_, messages)) = by_queue.iter_mut().find(|(name, _)| *name == queue) {
                messages.push(message);
            }
        }
        for (queue, messages) in by_queue {
            // If the process dies on the way, the caller sends all again, and SQS drops what it has.
            sending::send(&self.client, self.urls.of(queue), messages).await?;
        }
        Ok(())
    }

    async fn receive(
        &self,
        queue: QueueName,
        max: usize,
        visibility: Duration,
    ) -> Result<Vec<Received>, QueueError> {
        if max == 0 {
            return Ok(Vec::new());
        }
        let url = self.urls.of(queue);
        // Counted from before the call: what we hold for too short a time is only received again.
        let visible_until = self.clock.now().checked_add(visibility).unwrap_or(Timestamp::MAX);
        let answer = self
            .client
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(i32::try_from(max.min(MOST_RECEIVED)).unwrap_or(1))
            .visibility_timeout(seconds(visibility))
            .wait_time_seconds(0)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::MessageGroupId)
            .send()
            .await
            .map_err(|error| Fault::of("sqs:ReceiveMessage", Thing::Queue(url.to_owned()), &error))?;
        let mut received = Vec::new();
        let mut held_up = HashSet::new();
        for message in answer.messages() {
            let group = attribute(message, &MessageSystemAttributeName::MessageGroupId);
            // Behind a job that could not be read nothing of its group may overtake.
            if held_up.contains(group) {
                continue;
            }
            match self.received(queue, message, visible_until).await? {
                Some(job) => received.push(job),
                None => {
                    held_up.insert(group);
                }
            }
        }
        mark_superseded(&mut received);
        Ok(received)
    }

    async fn delete(&self, receipt: &Receipt) -> Result<(), QueueError> {
        let token = self.held(receipt)?;
        // If the process dies before this, the job comes back, and its claim or the conversation's state says that
        // there is nothing to do.
        self.delete_message(receipt.queue, token.handle).await
    }

    async fn retry(&self, receipt: &Receipt, after: Duration, counts: bool) -> Result<(), QueueError> {
        let token = self.held(receipt)?;
        if !counts {
            self.ledger.add_uncounted(&token.job).await?;
        }
        // If the process dies here, the job comes back after its visibility timeout instead. At worst it has one
        // attempt more than others.
        let url = self.urls.of(receipt.queue);
        let call = self
            .client
            .change_message_visibility()
            .queue_url(url)
            .receipt_handle(token.handle)
            .visibility_timeout(seconds(after.min(LONGEST_HIDDEN)));
        let changed = call.send().await;
        changed.map_err(|error| on_receipt("sqs:ChangeMessageVisibility", url, &error))?;
        Ok(())
    }

    async fn dead_letter(&self, received: &Received, reason: &str) -> Result<(), QueueError> {
        let token = self.held(&received.receipt)?;
        let job = &received.job;
        let letter = StoredLetter {
            queue: received.receipt.queue,
            reason: reason.to_owned(),
            attempts: received.attempt,
            at: self.clock.now(),
            job: self.body(job, KeptFor::DeadLetter).await?,
        };
        self.ledger.put_dead(&Ledger::dead_id(job), &letter).await?;
        // If the process dies here, the job comes back. It is given up again, which writes the same letter, or
        // it is done after all; then the letter stays, and sending it again does what was done once more, under the
        // same ids.
        self.delete_message(received.receipt.queue, token.handle).await
    }

    async fn dead_letters(&self) -> Result<Vec<DeadLetter>, QueueError> {
        let mut letters = Vec::new();
        for (id, stored) in self.ledger.all_dead().await? {
            let letter = match stored {
                Some(stored) => self.letter(&id, stored).await?,
                None => None,
            };
            if letter.is_none() {
                tracing::warn!(dead_letter = id, "cannot be read by this version");
            }
            letters.extend(letter);
        }
        letters.sort_by_key(|letter| letter.at);
        Ok(letters)
    }

    async fn replay(&self, id: &str) -> Result<bool, QueueError> {
        let Some(stored) = self.ledger.dead(id).await? else {
            return Ok(false);
        };
        let Some(DeadLetter { mut job, .. }) = self.letter(id, stored).await? else {
            return Ok(false);
        };
        job.accepted_at = self.clock.now();
        self.ledger.forget_uncounted(&job.id).await?;
        // Another id than the original's, which SQS may still remember; the same if this is done again.
        let again = Outgoing::deduplicated(job, format!("replay-{id}"));
        self.send(vec![again]).await?;
        // If the process dies here, the letter is still there, and somebody sends it again: SQS drops that within
        // five minutes; later the job is done twice, under the same ids.
        self.ledger.remove_dead(id).await?;
        Ok(true)
    }

    async fn discard(&self, id: &str) -> Result<bool, QueueError> {
        Ok(self.ledger.remove_dead(id).await?)
    }

    async fn waiting(&self, queue: QueueName) -> Result<u64, QueueError> {
        let url = self.urls.of(queue);
        let mut call = self.client.get_queue_attributes().queue_url(url);
        for name in HELD {
            call = call.attribute_names(name);
        }
        let answer = call
            .send()
            .await
            .map_err(|error| Fault::of("sqs:GetQueueAttributes", Thing::Queue(url.to_owned()), &error))?;
        let held = |name| answer.attributes()?.get(&name)?.parse::<u64>().ok();
        Ok(HELD.into_iter().filter_map(held).sum())
    }
}

fn parse(text: &str) -> Result<Job, Unreadable> {
    serde_json::from_str(text).map_err(|error| {
        // The parser's own words may quote what people wrote.
        tracing::warn!(
            line = error.line(),
            column = error.column(),
            "not a job of this version"
        );
        Unreadable::NotAJob
    })
}

/// What a later job of the same group makes pointless.
fn mark_superseded(received: &mut [Received]) {
    for n in 0..received.len() {
        let (job, mut later) = (&received[n].job, received[n + 1..].iter().map(|later| &later.job));
        received[n].superseded =
            later.any(|later| later.group() == job.group() && job.work.is_superseded_by(&later.work));
    }
}

fn attribute<'a>(message: &'a SqsMessage, name: &MessageSystemAttributeName) -> &'a str {
    let found = message.attributes().and_then(|attributes| attributes.get(name));
    found.map_or("", String::as_str)
}

/// Whole seconds, no earlier than asked for.
fn seconds(duration: Duration) -> i32 {
    let begun = u64::from(duration.subsec_nanos() > 0);
    i32::try_from(duration.as_secs().saturating_add(begun)).unwrap_or(i32::MAX)
}

/// What SQS said about a handle: expired and unknown ones have several codes.
fn on_receipt<E, R>(action: &'static str, url: &str, error: &SdkError<E, R>) -> QueueError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let about_handle = || fault::message(error).is_some_and(|message| message.contains("ReceiptHandle"));
    match fault::code(error) {
        "ReceiptHandleIsInvalid" | "MessageNotInflight" => QueueError::StaleReceipt,
        code if code.starts_with("InvalidParameterValue") && about_handle() => QueueError::StaleReceipt,
        _ => Fault::of(action, Thing::Queue(url.to_owned()), error).into(),
    }
}
