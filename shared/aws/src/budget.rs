//! One REST budget for all functions: an account's book in the one table, from which each instance leases places.
//!
//! The arithmetic is [`AccountBook`]'s; here it is read and written, and never over what somebody else wrote. If an
//! instance dies after it leased places, they are lost for a minute. Nothing else is.
//!
//! Without the table an instance goes on with a small share of its own, because it cannot know what others do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use handover_core::Timestamp;
use handover_core::ids::Ids;
use handover_core::ports::Urgency;
use handover_ringcx::limiter::{AccountBook, LeaseHolder, ProcessBudget, RestBudget};

use crate::dynamodb::schema::{PK, SK, TTL};
use crate::fault::{self, Fault, Thing};

const BUDGET: &str = "budget";
/// The book (S, JSON).
const BOOK: &str = "book";
/// Raised by every write (N).
const VERSION: &str = "v";
/// Which write left it so (S): whose answer was lost finds its own there.
const MARK: &str = "mark";

/// How often a change is tried that others overtake, and how long it waits before the second time; then longer.
const ATTEMPTS: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(10);
/// What is said when others always were faster.
const A_MOMENT: Duration = Duration::from_millis(500);
/// How long the table may take. The book allows for five seconds between a lease and its use, with what clocks differ.
const PATIENCE: Duration = Duration::from_secs(2);
/// When a table is tried again that could not be reached.
const AGAIN: Duration = Duration::from_secs(5);
/// The part of the limit that an instance takes which knows nothing of others.
const ALONE: u32 = 20;

/// The budget in the table.
pub struct TableBudget {
    client: Client,
    table: Arc<str>,
    ids: Arc<dyn Ids>,
    desks: Mutex<HashMap<String, Arc<Desk>>>,
    /// While the table cannot be reached: when to try again.
    away: Mutex<Option<Timestamp>>,
    alone: ProcessBudget,
}

/// An account, as this instance sees it.
#[derive(Default)]
struct Desk {
    holder: Mutex<LeaseHolder>,
    /// Held by whoever asks the book, so that everybody else waits for that one lease.
    asking: tokio::sync::Mutex<()>,
}

/// A book as it was read. Version zero: there is none yet.
struct Read {
    book: AccountBook,
    version: u64,
    /// Of the write that left it so.
    mark: String,
}

impl TableBudget {
    pub fn new(client: Client, table: &str, ids: Arc<dyn Ids>) -> Self {
        Self {
            client,
            table: Arc::from(table),
            ids,
            desks: Mutex::default(),
            away: Mutex::default(),
            alone: ProcessBudget::new(),
        }
    }

    /// A place that is held, or else leased.
    async fn take_shared(
        &self,
        account: &str,
        limit: u32,
        urgency: Urgency,
        now: Timestamp,
    ) -> Result<Result<(), Duration>, Fault> {
        let desk = self.desk(account);
        let held = || lock(&desk.holder).take(limit, urgency, now);
        if let Some(answer) = held() {
            return Ok(answer);
        }
        let _asking = desk.asking.lock().await;
        // Whoever asked before may have brought enough.
        if let Some(answer) = held() {
            return Ok(answer);
        }
        let leased = self
            .change(account, now, |book| {
                lock(&desk.holder).lease(book, limit, urgency, now)
            })
            .await?;
        // If the process dies here, the places are lost until their slot has left the window.
        Ok(leased.map_or(Err(A_MOMENT), |answer| {
            lock(&desk.holder).learn(urgency, answer, now)
        }))
    }

    /// What this instance knows, else what the book says; nothing is written.
    async fn look(&self, account: &str, limit: u32, now: Timestamp) -> Result<Duration, Fault> {
        let desk = self.desk(account);
        let known = lock(&desk.holder).look(limit, now);
        if let Some(wait) = known {
            return Ok(wait);
        }
        let mut book = self.read(account).await?.book;
        let answer = lock(&desk.holder).lease(&mut book, limit, Urgency::Now, now);
        Ok(answer.err().unwrap_or_default())
    }

    /// Changes a book and says what the change said. `None`: others always were faster.
    async fn change<T>(
        &self,
        account: &str,
        now: Timestamp,
        mut change: impl FnMut(&mut AccountBook) -> T,
    ) -> Result<Option<T>, Fault> {
        let mut refused: Option<(String, T)> = None;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                wait(self.some_of(FIRST_WAIT * 2_u32.pow(attempt))).await;
            }
            let read = self.read(account).await?;
            // If the answer to a write is lost, the client repeats it, and that is refused because of the first.
            if let Some((_, answer)) = refused.take_if(|(mark, _)| *mark == read.mark) {
                return Ok(Some(answer));
            }
            let mut book = read.book.clone();
            let answer = change(&mut book);
            let mark = self.ids.next();
            if book == read.book || self.write(account, &book, read.version, &mark, now).await? {
                return Ok(Some(answer));
            }
            refused = Some((mark, answer));
        }
        tracing::debug!(account, "others always wrote the REST budget first");
        Ok(None)
    }

    async fn read(&self, account: &str) -> Result<Read, Fault> {
        const ACTION: &str = "dynamodb:GetItem";
        let found = self
            .client
            .get_item()
            .table_name(&*self.table)
            .key(PK, partition(account))
            .key(SK, AttributeValue::S(BUDGET.to_owned()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| Fault::of(ACTION, self.thing(), &error))?;
        let Some(item) = found.item else {
            return Ok(Read {
                book: AccountBook::default(),
                version: 0,
                mark: String::new(),
            });
        };
        let book = item.get(BOOK).and_then(|book| book.as_s().ok());
        let version = item.get(VERSION).and_then(|version| version.as_n().ok());
        let book = book.and_then(|book| serde_json::from_str(book).ok());
        let version = version.and_then(|version| version.parse().ok());
        let mark = item.get(MARK).and_then(|mark| mark.as_s().ok());
        let mark = mark.cloned().unwrap_or_default();
        let read = book
            .zip(version)
            .map(|(book, version)| Read { book, version, mark });
        read.ok_or_else(|| self.failed(ACTION, "the REST budget is not one of this version"))
    }

    /// `false`: somebody else wrote since.
    async fn write(
        &self,
        account: &str,
        book: &AccountBook,
        version: u64,
        mark: &str,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        const ACTION: &str = "dynamodb:PutItem";
        let json = serde_json::to_string(book)
            .map_err(|_| self.failed(ACTION, "the REST budget cannot be written as JSON"))?;
        let kept = i64::try_from(AccountBook::KEPT.as_secs()).unwrap_or(i64::MAX);
        let put = self
            .client
            .put_item()
            .table_name(&*self.table)
            .item(PK, partition(account))
            .item(SK, AttributeValue::S(BUDGET.to_owned()))
            .item(BOOK, AttributeValue::S(json))
            .item(VERSION, number(version + 1))
            .item(MARK, AttributeValue::S(mark.to_owned()))
            .item(TTL, number(now.as_second().saturating_add(kept)));
        let put = if version == 0 {
            put.condition_expression("attribute_not_exists(#v)")
        } else {
            put.condition_expression("#v = :read")
                .expression_attribute_values(":read", number(version))
        };
        match put.expression_attribute_names("#v", VERSION).send().await {
            Ok(_) => Ok(true),
            Err(error) if fault::code(&error) == "ConditionalCheckFailedException" => Ok(false),
            Err(error) => Err(Fault::of(ACTION, self.thing(), &error)),
        }
    }

    fn desk(&self, account: &str) -> Arc<Desk> {
        let mut desks = lock(&self.desks);
        if let Some(desk) = desks.get(account) {
            return Arc::clone(desk);
        }
        Arc::clone(desks.entry(account.to_owned()).or_default())
    }

    /// Asks the table, unless it was away a moment ago. `None`: it is.
    async fn ask<T>(
        &self,
        now: Timestamp,
        asked: impl Future<Output = Result<T, Fault>> + Send,
    ) -> Option<T> {
        let is_soon = |again: Timestamp| {
            let rest = Duration::try_from(again.duration_since(now));
            rest.is_ok_and(|rest| !rest.is_zero() && rest <= AGAIN)
        };
        if lock(&self.away).is_some_and(is_soon) {
            return None;
        }
        let answer = tokio::time::timeout(PATIENCE, asked).await;
        match answer.unwrap_or_else(|_| Err(self.failed("dynamodb:GetItem or PutItem", "no answer in time")))
        {
            Ok(answer) => {
                if lock(&self.away).take().is_some() {
                    tracing::info!("the REST budget is shared again");
                }
                Some(answer)
            }
            Err(fault) => {
                if lock(&self.away).replace(again_after(now)).is_none() {
                    let error: &dyn std::error::Error = &fault;
                    tracing::error!(
                        error,
                        "the REST budget cannot be shared; going on with a small part of it"
                    );
                }
                None
            }
        }
    }

    /// A random part of a time, so that those who collided do not collide again.
    fn some_of(&self, time: Duration) -> Duration {
        let id = self.ids.next();
        let chance = id
            .bytes()
            .rev()
            .take(2)
            .fold(0, |sum, byte| sum * 32 + u32::from(byte % 32));
        time * (chance + 1) / 1024
    }

    fn failed(&self, action: &'static str, detail: &str) -> Fault {
        Fault::Failed {
            action,
            thing: self.thing(),
            detail: detail.to_owned(),
        }
    }

    fn thing(&self) -> Thing {
        Thing::Table(self.table.to_string())
    }
}

#[async_trait]
impl RestBudget for TableBudget {
    async fn take(
        &self,
        account: &str,
        limit: u32,
        urgency: Urgency,
        now: Timestamp,
    ) -> Result<(), Duration> {
        match self
            .ask(now, self.take_shared(account, limit, urgency, now))
            .await
        {
            Some(answer) => answer,
            None => self.alone.take(account, limit / ALONE, urgency, now).await,
        }
    }

    async fn limited(&self, account: &str, retry_after: Option<Duration>, now: Timestamp) -> Duration {
        // What we are told while the table is there, we know when it is not.
        let alone = self.alone.limited(account, retry_after, now).await;
        let noted = self.change(account, now, |book| book.limited(retry_after, now));
        let wait = self.ask(now, noted).await.flatten().unwrap_or(alone);
        lock(&self.desk(account).holder).limited(wait, now);
        wait
    }

    async fn succeeded(&self, account: &str, now: Timestamp) {
        self.alone.succeeded(account, now).await;
        if lock(&self.desk(account).holder).succeeded(now) {
            // If this is lost, the next pause is longer than it need be.
            let noted = self.change(account, now, |book| book.succeeded(now));
            self.ask(now, noted).await;
        }
    }

    async fn turn(&self, account: &str, limit: u32, now: Timestamp) -> Duration {
        let turn = lock(&self.desk(account).holder).turn(limit, now);
        match turn {
            Some(turn) => turn,
            None => self.wait(account, limit, now).await,
        }
    }

    async fn wait(&self, account: &str, limit: u32, now: Timestamp) -> Duration {
        match self.ask(now, self.look(account, limit, now)).await {
            Some(wait) => wait,
            None => self.alone.wait(account, limit / ALONE, now).await,
        }
    }
}

fn partition(account: &str) -> AttributeValue {
    AttributeValue::S(format!("{BUDGET}#{account}"))
}

fn number(value: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn again_after(now: Timestamp) -> Timestamp {
    now.checked_add(AGAIN).unwrap_or(Timestamp::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change is complete before the lock is given back, so a poisoned one is still sound.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(
    clippy::disallowed_methods,
    reason = "milliseconds between two attempts of one call; nothing is lost if the process dies"
)]
async fn wait(time: Duration) {
    tokio::time::sleep(time).await;
}
