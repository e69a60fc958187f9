//! Could an agent take a conversation now? The slider, the opening hours, and who is there.
//!
//! Who is there is asked of RCE at most once per cache time and connection. Where RCE reports agents' presence
//! (`push_agent.*` events), its answer is kept in the store and corrected by the events, so that it is live in every
//! process and asked for once in a while only.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use handover_core::Timestamp;
use handover_core::ids::ConnectionId;
use handover_core::ports::{Agents, Claim, ClaimKey, Commit, StoreError};
use handover_core::settings::{Connection, Hours};
use handover_core::signal::AgentNews;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::App;
use crate::operator::drain;

/// How long a bot waits for RCE's answer about agents.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long an answer of RCE counts that its events correct.
const LIVE_FOR: Duration = Duration::from_mins(5);
/// How long it is remembered that RCE reports agents' presence.
const REPORTS_FOR: Duration = Duration::from_hours(24);
/// Everybody writes the same record.
const HOLDER: &str = "availability";

/// What is known about a connection's agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// The slider is off, or an operator drains the connection.
    Disabled,
    /// Outside the opening hours.
    Closed,
    Open {
        agents: usize,
    },
    NoAgents,
    /// RCE does not say, or cannot be asked now. No reason to refuse a handover unless the settings say so.
    Unknown,
}

impl Availability {
    pub fn reason(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Closed => "closed",
            Self::Open { .. } => "open",
            Self::NoAgents => "no_agents",
            Self::Unknown => "unknown",
        }
    }

    pub fn view(self) -> Value {
        let (available, agents) = match self {
            Self::Disabled | Self::Closed => (false, None),
            Self::Open { agents } => (true, Some(agents)),
            Self::NoAgents => (false, Some(0)),
            Self::Unknown => (true, None),
        };
        json!({"available": available, "reason": self.reason(), "agents": agents})
    }

    fn of(agents: Option<&Agents>) -> Self {
        match agents.map(Agents::with_room) {
            Some(0) => Self::NoAgents,
            Some(agents) => Self::Open { agents },
            None => Self::Unknown,
        }
    }
}

type Slot = Arc<Mutex<Option<(Timestamp, Availability)>>>;

/// Short-lived answers, one for each connection; concurrent questions wait for one call.
#[derive(Debug, Default)]
pub struct AvailabilityCache(Mutex<HashMap<ConnectionId, Slot>>);

/// What the store keeps where RCE reports agents' presence.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Live {
    /// RCE's answer, corrected since; `None`: to be asked again.
    agents: Option<Agents>,
    asked_at: Timestamp,
}

impl AvailabilityCache {
    /// The availability of a connection, not older than its cache time.
    pub async fn get(&self, app: &App, connection: &Connection) -> Availability {
        match self.shut(app, connection).await {
            Some(shut) => shut,
            None => self.of_agents(app, connection).await,
        }
    }

    /// Who is there, of a connection that is not shut.
    pub async fn of_agents(&self, app: &App, connection: &Connection) -> Availability {
        let slot = self.slot(connection).await;
        let mut slot = slot.lock().await;
        let now = app.now();
        if let Some((asked, known)) = *slot
            && now < asked + connection.availability.cache
        {
            return known;
        }
        let known = ask(app, connection, now).await;
        *slot = Some((now, known));
        known
    }

    /// Why nobody could take anything, whoever is there: the slider is off, an operator drains it, or it is after
    /// hours.
    pub async fn shut(&self, app: &App, connection: &Connection) -> Option<Availability> {
        if !connection.enabled || drain::is_on(app, connection).await {
            return Some(Availability::Disabled);
        }
        if connection.availability.hours == Hours::None {
            return None;
        }
        // Not knowing them is no reason to be shut.
        let hours = app.ringcx.opening_hours(connection).await.ok().flatten()?;
        (!hours.is_open(app.now())).then_some(Availability::Closed)
    }

    /// What was found out lately; asks nobody.
    pub async fn known(&self, app: &App, connection: &Connection) -> Availability {
        let slot = self.slot(connection).await;
        let known = *slot.lock().await;
        known
            .filter(|(asked, _)| app.now() < *asked + connection.availability.cache)
            .map_or(Availability::Unknown, |(_, known)| known)
    }

    /// RCE reports that agents came, went, or have room or none.
    pub async fn hear(
        &self,
        app: &App,
        connection: &Connection,
        news: &[AgentNews],
    ) -> Result<(), StoreError> {
        if news.is_empty() {
            return Ok(());
        }
        let now = app.now();
        let mut live = live(app, connection, now).await?.unwrap_or_default();
        for news in news {
            live.agents = live
                .agents
                .take()
                .and_then(|mut agents| agents.hear(news).then_some(agents));
        }
        keep(app, connection, &live, now).await?;
        // What this process knows is corrected too, or forgotten.
        let corrected = live
            .agents
            .as_ref()
            .map(|agents| (now, Availability::of(Some(agents))));
        *self.slot(connection).await.lock().await = corrected;
        Ok(())
    }

    async fn slot(&self, connection: &Connection) -> Slot {
        Arc::clone(self.0.lock().await.entry(connection.id.clone()).or_default())
    }
}

/// How long a reply or the start of a handover would wait now, because the account's REST budget is used up.
pub async fn delay(app: &App, connection: &Connection) -> Duration {
    let asked = app.ringcx.rest_delay(connection);
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or_default()
}

async fn ask(app: &App, connection: &Connection, now: Timestamp) -> Availability {
    let live = live(app, connection, now).await.unwrap_or_default();
    if let Some(agents) = live
        .as_ref()
        .and_then(|live| live.agents.as_ref().filter(|_| now < live.asked_at + LIVE_FOR))
    {
        return Availability::of(Some(agents));
    }
    match tokio::time::timeout(PATIENCE, app.ringcx.agents(connection)).await {
        Ok(Ok(agents)) => {
            let known = Availability::of(agents.as_ref());
            if live.is_some() {
                let live = Live {
                    agents,
                    asked_at: now,
                };
                if let Err(error) = keep(app, connection, &live, now).await {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "agents' presence not stored"
                    );
                }
            }
            known
        }
        Ok(Err(error)) => {
            tracing::warn!(connection.id = %connection.id, error = &error as &dyn std::error::Error, "availability unknown");
            Availability::Unknown
        }
        Err(_) => {
            tracing::warn!(connection.id = %connection.id, "availability unknown: RingCX takes too long to answer");
            Availability::Unknown
        }
    }
}

/// `None`: RCE does not report agents' presence to this connection.
async fn live(app: &App, connection: &Connection, now: Timestamp) -> Result<Option<Live>, StoreError> {
    let recorded = app.store.claimed(&key(connection), now).await?;
    Ok(recorded.and_then(|recorded| serde_json::from_str(&recorded.record).ok()))
}

/// Two processes that hear different news at the same moment may lose one of the two, until RCE is asked again.
async fn keep(app: &App, connection: &Connection, live: &Live, now: Timestamp) -> Result<(), StoreError> {
    let claim = Claim {
        key: key(connection),
        holder: HOLDER.to_owned(),
        record: serde_json::to_string(live).unwrap_or_default(),
        expires_at: now + REPORTS_FOR,
    };
    let commit = Commit {
        claims: vec![claim],
        ..Commit::default()
    };
    app.store.commit(commit).await
}

fn key(connection: &Connection) -> ClaimKey {
    ClaimKey::apart(format!("availability:{}", connection.id))
}
