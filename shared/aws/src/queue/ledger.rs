//! What SQS cannot hold, in the table: receives that were no attempts, jobs too large for a message, dead letters.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use handover_core::Timestamp;
use handover_core::ids::JobId;
use handover_core::job::{Job, QueueName};
use handover_core::ports::Clock;
use serde::{Deserialize, Serialize};

use super::message::Pointer;
use crate::dynamodb::schema::{PK, SK, TTL};
use crate::fault::{Fault, Thing};

/// Longer than any job is waited with.
const UNCOUNTED_KEPT: Duration = Duration::from_hours(24);
/// How long a dead letter can be sent again.
const DEAD_KEPT: Duration = Duration::from_hours(90 * 24);

/// Items have 400 KiB.
const PART_BYTES: usize = 300 * 1024;
/// DynamoDB's limit for a sort key.
const LONGEST_KEY: usize = 1024;

const DEAD: &str = "dead";
const ATTEMPT: &str = "attempt";
/// How many receives were no attempts (N).
const UNCOUNTED: &str = "n";
/// A part of a job's text (S).
const PART: &str = "part";
/// A dead letter (S, JSON).
const LETTER: &str = "letter";

type Item = HashMap<String, AttributeValue>;

/// For whom a job's text is kept. Each has its own copy, so that the one's end is not the other's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeptFor {
    /// A message: longer than the queue (14 days) and then its dead-letter queue (14 days) hold it.
    Queue,
    /// A dead letter: longer than the letter itself.
    DeadLetter,
}

impl KeptFor {
    fn prefix(self) -> &'static str {
        match self {
            Self::Queue => "",
            Self::DeadLetter => "dead-",
        }
    }

    fn time(self) -> Duration {
        match self {
            Self::Queue => Duration::from_hours(30 * 24),
            Self::DeadLetter => Duration::from_hours(100 * 24),
        }
    }
}

/// A dead letter as it is stored. The job is the text of a message: itself, or a pointer to what is kept.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredLetter {
    pub(super) queue: QueueName,
    pub(super) reason: String,
    pub(super) attempts: u32,
    pub(super) at: Timestamp,
    pub(super) job: String,
}

/// The queue's book in the one table. Cheap to clone.
#[derive(Clone)]
pub struct Ledger {
    client: Client,
    table: Arc<str>,
    clock: Arc<dyn Clock>,
}

impl Ledger {
    pub fn new(client: Client, table: &str, clock: Arc<dyn Clock>) -> Self {
        Self {
            client,
            table: Arc::from(table),
            clock,
        }
    }

    /// Notes that a receive of this job was no attempt.
    pub(super) async fn add_uncounted(&self, job: &JobId) -> Result<(), Fault> {
        self.client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(attempt_key(job)))
            .update_expression("ADD #n :one SET #ttl = :ttl")
            .expression_attribute_names("#n", UNCOUNTED)
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .expression_attribute_values(":ttl", self.expiry(UNCOUNTED_KEPT))
            .send()
            .await
            .map_err(|error| Fault::of("dynamodb:UpdateItem", self.thing(), &error))?;
        Ok(())
    }

    /// How many receives of this job were no attempts.
    pub(super) async fn uncounted(&self, job: &JobId) -> Result<u32, Fault> {
        let found = self.get(attempt_key(job)).await?;
        let count = found.as_ref().and_then(|item| item.get(UNCOUNTED)?.as_n().ok());
        Ok(count.and_then(|count| count.parse().ok()).unwrap_or(0))
    }

    pub(super) async fn forget_uncounted(&self, job: &JobId) -> Result<(), Fault> {
        self.remove(attempt_key(job)).await.map(drop)
    }

    /// Keeps the text of a large job. Its name is its digest: done twice, it is there once.
    pub(super) async fn keep(&self, digest: &str, text: &str, kept_for: KeptFor) -> Result<Pointer, Fault> {
        let kept = format!("{}{digest}", kept_for.prefix());
        let ttl = self.expiry(kept_for.time());
        let mut parts = 0;
        for part in in_parts(text) {
            let mut item = key(kept_key(&kept), part_key(parts));
            item.insert(PART.to_owned(), AttributeValue::S(part.to_owned()));
            item.insert(TTL.to_owned(), ttl.clone());
            self.put(item).await?;
            parts += 1;
        }
        Ok(Pointer { kept, parts })
    }

    /// The kept text; `None`: it is not there, or not all of it.
    pub(super) async fn kept(&self, pointer: &Pointer) -> Result<Option<String>, Fault> {
        let items = self.partition(&kept_key(&pointer.kept)).await?;
        let text_of = |item: &Item, n: usize| {
            let part = text(item, SK).filter(|found| **found == part_key(n));
            part.and(text(item, PART)).cloned()
        };
        let parts = items.iter().enumerate().map(|(n, item)| text_of(item, n));
        let parts: Option<Vec<String>> = parts.take(pointer.parts).collect();
        Ok(parts
            .filter(|parts| parts.len() == pointer.parts)
            .map(|parts| parts.concat()))
    }

    /// The id under which a job is put aside: the same if it is done again, another after a replay, which accepts
    /// the job anew.
    pub(super) fn dead_id(job: &Job) -> String {
        format!("{:015}-{}", job.accepted_at.as_millisecond().max(0), job.id)
    }

    pub(super) async fn put_dead(&self, id: &str, letter: &StoredLetter) -> Result<(), Fault> {
        let mut item = key(DEAD, id);
        let letter = serde_json::to_string(letter).map_err(Fault::Unwritable)?;
        item.insert(LETTER.to_owned(), AttributeValue::S(letter));
        item.insert(TTL.to_owned(), self.expiry(DEAD_KEPT));
        self.put(item).await
    }

    /// `None`: there is none, or it is not readable by this version.
    pub(super) async fn dead(&self, id: &str) -> Result<Option<StoredLetter>, Fault> {
        if !can_be_key(id) {
            return Ok(None);
        }
        Ok(self.get(key(DEAD, id)).await?.as_ref().and_then(letter))
    }

    /// All of them with their ids; one that this version cannot read has none of its content.
    pub(super) async fn all_dead(&self) -> Result<Vec<(String, Option<StoredLetter>)>, Fault> {
        let items = self.partition(DEAD).await?;
        let ids = items
            .iter()
            .map(|item| (text(item, SK).cloned().unwrap_or_default(), letter(item)));
        Ok(ids.collect())
    }

    /// `false`: there is none.
    pub(super) async fn remove_dead(&self, id: &str) -> Result<bool, Fault> {
        if !can_be_key(id) {
            return Ok(false);
        }
        self.remove(key(DEAD, id)).await
    }

    async fn get(&self, key: Item) -> Result<Option<Item>, Fault> {
        let found = self
            .client
            .get_item()
            .table_name(&*self.table)
            .set_key(Some(key))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| Fault::of("dynamodb:GetItem", self.thing(), &error))?;
        Ok(found.item)
    }

    async fn put(&self, item: Item) -> Result<(), Fault> {
        self.client
            .put_item()
            .table_name(&*self.table)
            .set_item(Some(item))
            .send()
            .await
            .map_err(|error| Fault::of("dynamodb:PutItem", self.thing(), &error))?;
        Ok(())
    }

    /// Whether it was there.
    async fn remove(&self, key: Item) -> Result<bool, Fault> {
        let removed = self
            .client
            .delete_item()
            .table_name(&*self.table)
            .set_key(Some(key))
            .return_values(ReturnValue::AllOld)
            .send()
            .await
            .map_err(|error| Fault::of("dynamodb:DeleteItem", self.thing(), &error))?;
        Ok(removed.attributes.is_some_and(|item| !item.is_empty()))
    }

    /// All items of a partition, in the order of their keys.
    async fn partition(&self, partition: &str) -> Result<Vec<Item>, Fault> {
        let mut items = Vec::new();
        let mut after = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(&*self.table)
                .consistent_read(true)
                .key_condition_expression("#pk = :pk")
                .expression_attribute_names("#pk", PK)
                .expression_attribute_values(":pk", AttributeValue::S(partition.to_owned()))
                .set_exclusive_start_key(after)
                .send()
                .await
                .map_err(|error| Fault::of("dynamodb:Query", self.thing(), &error))?;
            items.extend(page.items.unwrap_or_default());
            after = page.last_evaluated_key;
            if after.is_none() {
                return Ok(items);
            }
        }
    }

    fn thing(&self) -> Thing {
        Thing::Table(self.table.to_string())
    }

    fn expiry(&self, after: Duration) -> AttributeValue {
        let after = i64::try_from(after.as_secs()).unwrap_or(i64::MAX);
        AttributeValue::N(self.clock.now().as_second().saturating_add(after).to_string())
    }
}

fn attempt_key(job: &JobId) -> Item {
    key(format!("{ATTEMPT}#{job}"), ATTEMPT)
}

fn kept_key(kept: &str) -> String {
    format!("kept#{kept}")
}

fn part_key(n: usize) -> String {
    format!("{n:04}")
}

fn key(partition: impl Into<String>, sort: impl Into<String>) -> Item {
    HashMap::from([
        (PK.to_owned(), AttributeValue::S(partition.into())),
        (SK.to_owned(), AttributeValue::S(sort.into())),
    ])
}

fn can_be_key(id: &str) -> bool {
    (1..=LONGEST_KEY).contains(&id.len())
}

fn text<'a>(item: &'a Item, name: &str) -> Option<&'a String> {
    item.get(name)?.as_s().ok()
}

fn letter(item: &Item) -> Option<StoredLetter> {
    serde_json::from_str(text(item, LETTER)?).ok()
}

/// Pieces that an item can hold.
fn in_parts(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        if text.is_empty() {
            return None;
        }
        let (part, rest) = text.split_at(text.floor_char_boundary(PART_BYTES));
        text = rest;
        Some(part)
    })
}
