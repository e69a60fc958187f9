//! Could an agent take a conversation now? Asked of RCE at most once per cache time and connection.

use std::collections::HashMap;
use std::sync::Arc;

use handover_core::Timestamp;
use handover_core::ids::ConnectionId;
use handover_core::settings::Connection;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::App;

/// What is known about the agents of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// The slider is off.
    Disabled,
    Open {
        agents: usize,
    },
    NoAgents,
    /// RCE does not say, or cannot be asked now. Never a reason to refuse a handover.
    Unknown,
}

impl Availability {
    pub fn view(self) -> Value {
        let (available, reason, agents) = match self {
            Self::Disabled => (false, "disabled", None),
            Self::Open { agents } => (true, "open", Some(agents)),
            Self::NoAgents => (false, "no_agents", Some(0)),
            Self::Unknown => (true, "unknown", None),
        };
        json!({"available": available, "reason": reason, "agents": agents})
    }
}

type Slot = Arc<Mutex<Option<(Timestamp, Availability)>>>;

/// Short-lived answers, one for each connection; concurrent questions wait for one call.
#[derive(Debug, Default)]
pub struct AvailabilityCache(Mutex<HashMap<ConnectionId, Slot>>);

impl AvailabilityCache {
    /// The availability of a connection, not older than its cache time.
    pub async fn get(&self, app: &App, connection: &Connection) -> Availability {
        if !connection.enabled {
            return Availability::Disabled;
        }
        let slot = Arc::clone(self.0.lock().await.entry(connection.id.clone()).or_default());
        let mut slot = slot.lock().await;
        let now = app.now();
        if let Some((asked, known)) = *slot
            && now < asked + connection.availability.cache
        {
            return known;
        }
        let known = match app.ringcx.available_agents(connection).await {
            Ok(Some(0)) => Availability::NoAgents,
            Ok(Some(agents)) => Availability::Open { agents },
            Ok(None) => Availability::Unknown,
            Err(error) => {
                tracing::warn!(connection.id = %connection.id, error = &error as &dyn std::error::Error, "availability unknown");
                Availability::Unknown
            }
        };
        *slot = Some((now, known));
        known
    }
}
