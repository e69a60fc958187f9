//! An [`App`] whose storage costs nothing, or is the real one.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use handover_bots::{Bots, body};
use handover_core::Timestamp;
use handover_core::conversation::Conversation;
use handover_core::handover::HandoverRequest;
use handover_core::ids::{ConnectionId, ConversationId, ForeignThreadId, HandoverId, ThreadId};
use handover_core::job::{Outgoing, QueueName};
use handover_core::message::Message;
use handover_core::ports::{
    BotError, BotPlatform, ClaimKey, Clock as _, Commit, ConversationSummary, DeadLetter, Delivery, Expected,
    JobQueue, NoMetrics, QueueError, Receipt, Received, Recorded, Store, StoreError, ToLookAfter, Told,
    Versioned,
};
use handover_core::settings::{Connection, Endpoint};
use handover_core::timeline::TimelineEntry;
use handover_embedded::Embedded;
use handover_handlers::App;
use handover_handlers::app::FixedConnections;
use handover_handlers::files::Files;
use handover_machine::{RandomIds, SystemClock};
use handover_ringcx::client::RingCxClient;
use handover_ringcx::limiter::ProcessBudget;

use crate::fixtures;

/// A conversation that waits for an agent.
pub fn conversation(id: &str) -> Conversation {
    let now = SystemClock.now();
    let connection = ConnectionId::from(fixtures::CONNECTION);
    let mut conversation = Conversation::new(connection, ConversationId::from(id), now);
    let request = HandoverRequest {
        reason: Some("wants a human".to_owned()),
        ..HandoverRequest::default()
    };
    conversation.request_handover(HandoverId::new("ho_1"), request, now);
    conversation.handover_started(1, ThreadId::new("65d0a1000000000000740001"), None, now);
    conversation
}

/// Storage and bot do nothing; everything else is real.
pub fn stubbed() -> App {
    let nothing = Arc::new(Nothing(Versioned {
        conversation: conversation("conv-0"),
        version: 1,
    }));
    app(Arc::clone(&nothing) as _, Arc::clone(&nothing) as _, nothing)
}

/// With the embedded store in `dir`, in which the conversations `conv-0` and following wait for agents.
pub async fn durable(dir: &Path, conversations: usize) -> anyhow::Result<App> {
    let embedded = Embedded::open(dir, Arc::new(SystemClock))?;
    for number in 0..conversations {
        let write = Some((conversation(&format!("conv-{number}")), Expected::New));
        embedded
            .commit(Commit {
                write,
                ..Commit::default()
            })
            .await?;
    }
    let bots = Arc::new(Bots::new(handover_ringcx::http::client()));
    Ok(app(Arc::new(embedded.clone()), Arc::new(embedded), bots))
}

fn app(store: Arc<dyn Store>, queue: Arc<dyn JobQueue>, bots: Arc<dyn BotPlatform>) -> App {
    let clock = Arc::new(SystemClock);
    let budget = Arc::new(ProcessBudget::new());
    let ringcx = RingCxClient::new(handover_ringcx::http::client(), budget, Arc::clone(&clock) as _);
    App {
        connections: Arc::new(FixedConnections::new(vec![fixtures::connection()])),
        store,
        queue,
        ringcx: Arc::new(ringcx),
        bots,
        clock,
        ids: Arc::new(RandomIds),
        availability: Arc::default(),
        health: Arc::default(),
        metrics: Arc::new(NoMetrics),
        files: Files::none(),
    }
}

/// Knows one conversation, which is everybody's, and forgets whatever it is told.
struct Nothing(Versioned);

#[async_trait]
impl Store for Nothing {
    async fn conversation(
        &self,
        _connection: &ConnectionId,
        _thread: &ForeignThreadId,
    ) -> Result<Option<Versioned>, StoreError> {
        Ok(Some(self.0.clone()))
    }

    async fn thread_owner(
        &self,
        _connection: &ConnectionId,
        _thread: &ThreadId,
    ) -> Result<Option<ForeignThreadId>, StoreError> {
        Ok(Some(self.0.conversation.thread.clone()))
    }

    async fn claimed(&self, _key: &ClaimKey, _now: Timestamp) -> Result<Option<Recorded>, StoreError> {
        Ok(None)
    }

    async fn kept_messages(
        &self,
        _connection: &ConnectionId,
        _thread: &ForeignThreadId,
        _not_before: Timestamp,
    ) -> Result<Vec<Message>, StoreError> {
        Ok(Vec::new())
    }

    async fn commit(&self, _change: Commit) -> Result<(), StoreError> {
        Ok(())
    }

    async fn timeline(
        &self,
        _connection: &ConnectionId,
        _thread: &ForeignThreadId,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        Ok(Vec::new())
    }

    async fn conversations(
        &self,
        _connection: Option<&ConnectionId>,
        _limit: usize,
    ) -> Result<Vec<ConversationSummary>, StoreError> {
        Ok(Vec::new())
    }

    async fn to_look_after(&self, _until: Timestamp, _limit: usize) -> Result<Vec<ToLookAfter>, StoreError> {
        Ok(Vec::new())
    }

    async fn sweep(&self, _now: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl JobQueue for Nothing {
    async fn send(&self, _jobs: Vec<Outgoing>) -> Result<(), QueueError> {
        Ok(())
    }

    async fn receive(
        &self,
        _queue: QueueName,
        _max: usize,
        _visibility: Duration,
    ) -> Result<Vec<Received>, QueueError> {
        Ok(Vec::new())
    }

    async fn delete(&self, _receipt: &Receipt) -> Result<(), QueueError> {
        Ok(())
    }

    async fn retry(&self, _receipt: &Receipt, _after: Duration, _counts: bool) -> Result<(), QueueError> {
        Ok(())
    }

    async fn dead_letter(&self, _received: &Received, _reason: &str) -> Result<(), QueueError> {
        Ok(())
    }

    async fn dead_letters(&self) -> Result<Vec<DeadLetter>, QueueError> {
        Ok(Vec::new())
    }

    async fn replay(&self, _id: &str) -> Result<bool, QueueError> {
        Ok(false)
    }

    async fn discard(&self, _id: &str) -> Result<bool, QueueError> {
        Ok(false)
    }

    async fn waiting(&self, _queue: QueueName) -> Result<u64, QueueError> {
        Ok(0)
    }
}

/// Renders what it is told, as a bot's adapter does, and throws it away.
#[async_trait]
impl BotPlatform for Nothing {
    async fn tell(&self, connection: &Connection, delivery: &Delivery) -> Result<Told, BotError> {
        std::hint::black_box(body::render(connection, delivery));
        Ok(Told { status: 200 })
    }

    async fn tell_subscriber(
        &self,
        connection: &Connection,
        _subscriber: &Endpoint,
        delivery: &Delivery,
    ) -> Result<Told, BotError> {
        self.tell(connection, delivery).await
    }
}
