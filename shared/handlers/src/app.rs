//! The ports, in one cloneable value.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use handover_core::Timestamp;
use handover_core::ids::{ConnectionId, ForeignThreadId, HandoverId, Ids, JobId};
use handover_core::job::{Job, Outgoing, Work};
use handover_core::ports::{BotPlatform, Clock, JobQueue, Metrics, RingCx, Store, causes};
use handover_core::settings::Connection;

use crate::availability::AvailabilityCache;
use crate::files::Files;
use crate::health::Health;

/// Everything that handlers and workers need.
#[derive(Clone)]
pub struct App {
    pub connections: Arc<dyn Connections>,
    pub store: Arc<dyn Store>,
    pub queue: Arc<dyn JobQueue>,
    pub ringcx: Arc<dyn RingCx>,
    pub bots: Arc<dyn BotPlatform>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub availability: Arc<AvailabilityCache>,
    pub metrics: Arc<dyn Metrics>,
    pub files: Files,
    pub health: Arc<Health>,
}

/// Where connections come from.
#[async_trait]
pub trait Connections: Send + Sync {
    /// `Ok(None)`: there is no such connection. `Err`: it cannot be known now.
    async fn get(&self, id: &ConnectionId) -> Result<Option<Arc<Connection>>, ConnectionsUnavailable>;

    /// All that this process knows of; not every place of settings can be listed.
    fn known(&self) -> Vec<Arc<Connection>> {
        Vec::new()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the connection's settings cannot be read now: {}", causes(&*self.0))]
pub struct ConnectionsUnavailable(pub Box<dyn std::error::Error + Send + Sync>);

/// Connections that were read once, from a file.
#[derive(Debug, Default)]
pub struct FixedConnections(HashMap<ConnectionId, Arc<Connection>>);

impl FixedConnections {
    pub fn new(connections: Vec<Connection>) -> Self {
        Self(
            connections
                .into_iter()
                .map(|c| (c.id.clone(), Arc::new(c)))
                .collect(),
        )
    }
}

#[async_trait]
impl Connections for FixedConnections {
    async fn get(&self, id: &ConnectionId) -> Result<Option<Arc<Connection>>, ConnectionsUnavailable> {
        Ok(self.0.get(id).map(Arc::clone))
    }

    fn known(&self) -> Vec<Arc<Connection>> {
        self.0.values().map(Arc::clone).collect()
    }
}

/// Connections that are read again while the bridge runs. Who was given a connection finishes with it as it was.
#[derive(Debug, Default)]
pub struct ReloadedConnections(RwLock<Arc<FixedConnections>>);

impl ReloadedConnections {
    pub fn new(connections: Vec<Connection>) -> Self {
        let reloaded = Self::default();
        reloaded.replace(connections);
        reloaded
    }

    /// From now on these count, all at once.
    pub fn replace(&self, connections: Vec<Connection>) {
        let next = Arc::new(FixedConnections::new(connections));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = next;
    }

    /// Those that count now, in the order of their names.
    pub fn all(&self) -> Vec<Connection> {
        let mut all: Vec<Connection> = self.current().0.values().map(|one| (**one).clone()).collect();
        all.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
        all
    }

    /// The names of [`Self::all`].
    pub fn names(&self) -> Vec<ConnectionId> {
        self.all().into_iter().map(|connection| connection.id).collect()
    }

    fn current(&self) -> Arc<FixedConnections> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Connections for ReloadedConnections {
    async fn get(&self, id: &ConnectionId) -> Result<Option<Arc<Connection>>, ConnectionsUnavailable> {
        self.current().get(id).await
    }

    fn known(&self) -> Vec<Arc<Connection>> {
        self.current().known()
    }
}

impl App {
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn new_handover_id(&self) -> HandoverId {
        HandoverId::new(format!("ho_{}", self.ids.next()))
    }

    /// A new job for one conversation.
    pub fn job(&self, connection: &ConnectionId, thread: &ForeignThreadId, work: Work) -> Job {
        let (connection, thread) = (connection.clone(), thread.clone());
        Job {
            id: JobId::new(self.ids.next()),
            connection,
            thread,
            accepted_at: self.now(),
            work,
        }
    }

    /// A new job that is unique by itself.
    pub fn outgoing(&self, connection: &ConnectionId, thread: &ForeignThreadId, work: Work) -> Outgoing {
        Outgoing::new(self.job(connection, thread, work))
    }
}
