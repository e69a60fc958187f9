//! Lambda's event source mapping: takes messages from a queue, invokes the function, deletes what was done.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use handover_emulators::{Message, Queue, REGION};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::function::Function;

/// How many batches are in hand at once.
const CONCURRENCY: usize = 3;

/// A queue and the function that works it off.
pub struct EventSource {
    queue: Queue,
    function: Arc<Function>,
    memory: Arc<Memory>,
    pause: watch::Sender<bool>,
    pollers: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Memory {
    /// So many batches will be processed, and come again all the same.
    again: AtomicUsize,
    came_again: AtomicUsize,
    failed: AtomicUsize,
}

impl Drop for EventSource {
    fn drop(&mut self) {
        for poller in &self.pollers {
            poller.abort();
        }
    }
}

impl EventSource {
    pub fn new(queue: Queue, function: Arc<Function>) -> Self {
        let mut source = Self {
            queue,
            function,
            memory: Arc::default(),
            pause: watch::Sender::new(true),
            pollers: Vec::new(),
        };
        source.resume();
        source
    }

    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Nothing is taken from the queue until [`resume`](Self::resume). What is in hand is finished first.
    pub async fn pause(&mut self) {
        self.pause.send_replace(true);
        for poller in self.pollers.drain(..) {
            let _ = poller.await;
        }
    }

    pub fn resume(&mut self) {
        if !self.pause.send_replace(false) {
            return;
        }
        for _ in 0..CONCURRENCY {
            let (queue, function) = (self.queue.clone(), Arc::clone(&self.function));
            let (memory, paused) = (Arc::clone(&self.memory), self.pause.subscribe());
            self.pollers
                .push(tokio::spawn(poll(queue, function, memory, paused)));
        }
    }

    /// The next batches are processed, and then come again, as after a lost deletion.
    pub fn deliver_again(&self, batches: usize) {
        self.memory.again.fetch_add(batches, Ordering::Relaxed);
    }

    /// How many batches came again although they were processed.
    pub fn came_again(&self) -> usize {
        self.memory.came_again.load(Ordering::Relaxed)
    }

    /// How many invocations had no answer.
    pub fn failed(&self) -> usize {
        self.memory.failed.load(Ordering::Relaxed)
    }
}

async fn poll(queue: Queue, function: Arc<Function>, memory: Arc<Memory>, paused: watch::Receiver<bool>) {
    let mut unreachable = tokio::time::interval(std::time::Duration::from_millis(100));
    while !*paused.borrow() {
        match queue.receive(1).await {
            Ok(batch) if !batch.is_empty() => process(&queue, &function, &memory, batch).await,
            Ok(_) => {}
            Err(_) => drop(unreachable.tick().await),
        }
    }
}

async fn process(queue: &Queue, function: &Function, memory: &Memory, batch: Vec<Message>) {
    let failures = match function.invoke(&event(queue, &batch)).await {
        Ok(answer) => failures(&answer),
        Err(_) => None,
    };
    let lose = |value: usize| value.checked_sub(1);
    let deletions_lost = memory
        .again
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, lose)
        .is_ok();
    let Some(failures) = failures.filter(|_| !deletions_lost) else {
        let counter = if deletions_lost {
            &memory.came_again
        } else {
            &memory.failed
        };
        counter.fetch_add(1, Ordering::Relaxed);
        // On AWS they come again after their visibility timeout; nobody wants to wait for that.
        for message in batch.iter().rev() {
            let _ = queue.show_again(message, 0).await;
        }
        return;
    };
    for message in batch.iter().filter(|message| !failures.contains(&message.id)) {
        let _ = queue.delete(message).await;
    }
}

/// The messages that the function hands back; `None` if its answer counts as a failure of the whole batch.
fn failures(answer: &Value) -> Option<HashSet<String>> {
    let Some(failures) = answer["batchItemFailures"].as_array() else {
        return answer.is_null().then(HashSet::new);
    };
    let id = |failure: &Value| {
        let id = failure["itemIdentifier"].as_str().filter(|id| !id.is_empty());
        id.map(str::to_owned)
    };
    failures.iter().map(id).collect()
}

fn event(queue: &Queue, batch: &[Message]) -> Value {
    let records: Vec<Value> = batch
        .iter()
        .map(|message| {
            json!({
                "messageId": message.id,
                "receiptHandle": message.receipt,
                "body": message.body,
                "attributes": message.attributes,
                "messageAttributes": if message.message_attributes.is_null() {
                    json!({})
                } else {
                    message.message_attributes.clone()
                },
                "md5OfBody": message.md5,
                "eventSource": "aws:sqs",
                "eventSourceARN": queue.arn,
                "awsRegion": REGION,
            })
        })
        .collect();
    json!({"Records": records})
}
