//! A bridge without disk, network or clock: ports that remember as much as the answers need.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use handover_core::Timestamp;
use handover_core::conversation::Conversation;
use handover_core::ids::{
    CategoryId, ConnectionId, ForeignThreadId, Ids, InterventionId, MessageId, ThreadId,
};
use handover_core::job::{Outgoing, QueueName, Work};
use handover_core::message::Message;
use handover_core::ports::{
    Agents, BotError, BotPlatform, ClaimKey, Clock, Commit, Contents, ConversationSummary, CustomerMessage,
    DeadLetter, Delivery, Expected, Identity, Intervention, JobQueue, NoMetrics, QueueError, Receipt,
    Received, Recorded, RingCx, RingCxError, Store, StoreError, Thread, ToLookAfter, Told, Urgency,
    Versioned,
};
use handover_core::settings::{Connection, Endpoint};
use handover_core::timeline::TimelineEntry;
use handover_handlers::App;
use handover_handlers::app::{Connections, FixedConnections};
use handover_handlers::config::{Lookup, parse};
use handover_handlers::files::Files;

pub const BOT_KEY: &str = "literal-key-of-the-bot";
pub const SOURCE_TOKEN: &str = "literal-source-token";
pub const WEBHOOK_SECRET: &str = "literal-webhook-secret";
pub const NOW: &str = "2026-11-20T10:10:00Z";

/// Where references of the configuration lead.
pub struct References;

impl Lookup for References {
    fn env(&self, name: &str) -> Option<String> {
        (name == "KEY").then(|| "value-of-the-variable".to_owned())
    }

    fn file(&self, path: &str) -> Result<String, std::io::Error> {
        match path {
            "/token" => Ok("content-of-the-file\n".to_owned()),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        }
    }
}

static CONNECTIONS: LazyLock<Arc<FixedConnections>> = LazyLock::new(|| {
    let settings = include_str!("../seeds/config/full.toml");
    Arc::new(FixedConnections::new(
        parse(settings, &References).expect("the seed is valid"),
    ))
});

/// The time that never passes.
pub struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        NOW.parse().expect("a time")
    }
}

#[derive(Default)]
struct Counted(AtomicU64);

impl Ids for Counted {
    fn next(&self) -> String {
        format!("id-{}", self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// Conversations, claims and the work of jobs in memory. Nobody does it.
#[derive(Default)]
pub struct Memory(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    conversations: HashMap<(ConnectionId, ForeignThreadId), Versioned>,
    claims: HashMap<ClaimKey, Recorded>,
    jobs: Vec<Work>,
    job_ids: HashSet<String>,
}

impl Kept {
    fn send(&mut self, jobs: Vec<Outgoing>) {
        for job in jobs {
            if self.job_ids.insert(job.deduplication_id) {
                self.jobs.push(job.job.work);
            }
        }
    }
}

impl Memory {
    pub fn jobs(&self) -> usize {
        self.kept().jobs.len()
    }

    /// What was to be done so far.
    pub fn works(&self) -> Vec<Work> {
        self.kept().jobs.clone()
    }

    /// Every conversation.
    pub fn all(&self) -> Vec<Conversation> {
        let kept = self.kept();
        kept.conversations
            .values()
            .map(|found| found.conversation.clone())
            .collect()
    }

    /// Somebody else changes every conversation.
    pub fn change(&self, change: impl Fn(&mut Conversation)) {
        for found in self.kept().conversations.values_mut() {
            change(&mut found.conversation);
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for Memory {
    async fn conversation(
        &self,
        connection: &ConnectionId,
        thread: &ForeignThreadId,
    ) -> Result<Option<Versioned>, StoreError> {
        let key = (connection.clone(), thread.clone());
        Ok(self.kept().conversations.get(&key).cloned())
    }

    async fn thread_owner(
        &self,
        _: &ConnectionId,
        _: &ThreadId,
    ) -> Result<Option<ForeignThreadId>, StoreError> {
        Ok(Some("c-1".into()))
    }

    async fn claimed(&self, key: &ClaimKey, _: Timestamp) -> Result<Option<Recorded>, StoreError> {
        Ok(self.kept().claims.get(key).cloned())
    }

    async fn kept_messages(
        &self,
        _: &ConnectionId,
        _: &ForeignThreadId,
        _: Timestamp,
    ) -> Result<Vec<Message>, StoreError> {
        Ok(Vec::new())
    }

    async fn commit(&self, change: Commit) -> Result<(), StoreError> {
        let mut kept = self.kept();
        if let Some(claim) = change.claims.iter().find_map(|claim| kept.claims.get(&claim.key)) {
            return Err(StoreError::Claimed(claim.clone()));
        }
        if let Some((conversation, expected)) = change.write {
            let key = (conversation.connection.clone(), conversation.thread.clone());
            let found = kept
                .conversations
                .get(&key)
                .map_or(Expected::New, |v| Expected::Version(v.version));
            assert_eq!(found, expected, "nobody else writes here");
            let version = match expected {
                Expected::New => 1,
                Expected::Version(version) => version + 1,
            };
            kept.conversations.insert(
                key,
                Versioned {
                    conversation,
                    version,
                },
            );
        }
        for claim in change.claims {
            let (holder, record) = (claim.holder, claim.record);
            kept.claims.insert(claim.key, Recorded { holder, record });
        }
        kept.send(change.jobs);
        Ok(())
    }

    async fn timeline(
        &self,
        _: &ConnectionId,
        _: &ForeignThreadId,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        Ok(Vec::new())
    }

    async fn conversations(
        &self,
        _: Option<&ConnectionId>,
        _: usize,
    ) -> Result<Vec<ConversationSummary>, StoreError> {
        Ok(Vec::new())
    }

    async fn to_look_after(&self, _: Timestamp, _: usize) -> Result<Vec<ToLookAfter>, StoreError> {
        Ok(Vec::new())
    }
    async fn sweep(&self, _: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl JobQueue for Memory {
    async fn send(&self, jobs: Vec<Outgoing>) -> Result<(), QueueError> {
        self.kept().send(jobs);
        Ok(())
    }
    async fn receive(&self, _: QueueName, _: usize, _: Duration) -> Result<Vec<Received>, QueueError> {
        Ok(Vec::new())
    }
    async fn delete(&self, _: &Receipt) -> Result<(), QueueError> {
        Ok(())
    }
    async fn retry(&self, _: &Receipt, _: Duration, _: bool) -> Result<(), QueueError> {
        Ok(())
    }
    async fn dead_letter(&self, _: &Received, _: &str) -> Result<(), QueueError> {
        Ok(())
    }
    async fn dead_letters(&self) -> Result<Vec<DeadLetter>, QueueError> {
        Ok(Vec::new())
    }
    async fn replay(&self, _: &str) -> Result<bool, QueueError> {
        Ok(false)
    }
    async fn discard(&self, _: &str) -> Result<bool, QueueError> {
        Ok(false)
    }
    async fn waiting(&self, _: QueueName) -> Result<u64, QueueError> {
        Ok(0)
    }
}

/// Nobody is there, on either side.
struct Nobody;

impl Contents for Nobody {}

#[async_trait]
impl RingCx for Nobody {
    async fn send_message(&self, _: &Connection, _: &CustomerMessage) -> Result<(), RingCxError> {
        Ok(())
    }
    async fn announce(&self, _: &Connection, _: &Identity) -> Result<(), RingCxError> {
        Ok(())
    }
    async fn typing(&self, _: &Connection, _: &ForeignThreadId, _: Option<&str>) -> Result<(), RingCxError> {
        Ok(())
    }
    async fn typing_stopped(&self, _: &Connection, _: &ForeignThreadId) -> Result<(), RingCxError> {
        Ok(())
    }
    async fn mark_as_read(&self, _: &Connection, _: &MessageId) -> Result<(), RingCxError> {
        Ok(())
    }
    async fn find_thread(&self, _: &Connection, _: &ForeignThreadId) -> Result<Option<Thread>, RingCxError> {
        Ok(None)
    }
    async fn thread(&self, _: &Connection, _: &ThreadId, _: Urgency) -> Result<Thread, RingCxError> {
        Err(RingCxError::NotFound)
    }
    async fn set_categories(
        &self,
        _: &Connection,
        _: &ThreadId,
        _: &[CategoryId],
    ) -> Result<Thread, RingCxError> {
        Err(RingCxError::NotFound)
    }
    async fn archive(&self, _: &Connection, _: &ThreadId) -> Result<(), RingCxError> {
        Ok(())
    }
    async fn interventions(
        &self,
        _: &Connection,
        _: &ThreadId,
        _: Urgency,
    ) -> Result<Vec<Intervention>, RingCxError> {
        Ok(Vec::new())
    }
    async fn close_intervention(&self, _: &Connection, _: &InterventionId) -> Result<(), RingCxError> {
        Ok(())
    }
    async fn cancel_intervention(&self, _: &Connection, _: &InterventionId) -> Result<(), RingCxError> {
        Ok(())
    }
    async fn agents(&self, _: &Connection) -> Result<Option<Agents>, RingCxError> {
        Ok(Some(Agents::default()))
    }
}

#[async_trait]
impl BotPlatform for Nobody {
    async fn tell(&self, _: &Connection, _: &Delivery) -> Result<Told, BotError> {
        Err(BotError::Gone)
    }
    async fn tell_subscriber(&self, _: &Connection, _: &Endpoint, _: &Delivery) -> Result<Told, BotError> {
        Err(BotError::Gone)
    }
}

/// A bridge with one connection, `shop`, and its memory.
pub fn bridge() -> (App, Arc<Memory>) {
    let memory = Arc::new(Memory::default());
    let app = App {
        connections: Arc::clone(&*CONNECTIONS) as _,
        store: Arc::clone(&memory) as _,
        queue: Arc::clone(&memory) as _,
        ringcx: Arc::new(Nobody),
        bots: Arc::new(Nobody),
        clock: Arc::new(Stopped),
        ids: Arc::new(Counted::default()),
        availability: Arc::default(),
        health: Arc::default(),
        metrics: Arc::new(NoMetrics),
        files: Files::none(),
    };
    (app, memory)
}

/// The connection `shop`.
///
/// # Panics
///
/// Never: the seed has one.
pub fn connection() -> Arc<Connection> {
    let found = block_on(CONNECTIONS.get(&ConnectionId::from("shop")));
    found.ok().flatten().expect("the seed has it")
}

static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime")
});

/// Waits for a future; nothing here ever sleeps.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}
