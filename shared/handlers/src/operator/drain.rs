//! No new handovers, until those under way are over: before maintenance, or before a connection is taken away.
//!
//! The switch is a record in the store, so it survives restarts and every process sees it. A handover request reads it
//! once; messages never do.

use handover_core::Timestamp;
use handover_core::ids::ConnectionId;
use handover_core::job::QueueName;
use handover_core::ports::{Claim, ClaimKey, Commit, StoreError};
use handover_core::settings::Connection;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Refusal, conversations};
use crate::App;
use crate::view::time;

/// Whoever switches, it is the same switch.
const HOLDER: &str = "operator";
/// Nobody drains for so long.
const ON_FOR: SignedDuration = SignedDuration::from_hours(10 * 365 * 24);
/// Off is remembered until every process has read that it is not on.
const OFF_FOR: SignedDuration = SignedDuration::from_hours(24);

/// What is recorded.
#[derive(Debug, Serialize, Deserialize)]
struct Switch {
    /// `None`: it is off.
    since: Option<Timestamp>,
}

/// Switches draining of a connection on or off, and says since when it is on now. Switching it on again keeps that.
///
/// Where reads lag behind, other processes follow within a second.
pub async fn switch(app: &App, connection: &ConnectionId, on: bool) -> Result<Option<Timestamp>, Refusal> {
    let now = app.now();
    if on && let Some(since) = since(app, connection).await? {
        return Ok(Some(since));
    }
    let (switch, lasts) = if on {
        (Switch { since: Some(now) }, ON_FOR)
    } else {
        (Switch { since: None }, OFF_FOR)
    };
    let claim = Claim {
        key: key(connection),
        holder: HOLDER.to_owned(),
        record: serde_json::to_string(&switch).unwrap_or_default(),
        expires_at: now + lasts,
    };
    let commit = Commit {
        claims: vec![claim],
        ..Commit::default()
    };
    app.store.commit(commit).await?;
    tracing::info!(connection.id = %connection, on, "draining switched by an operator");
    Ok(switch.since)
}

/// Since when a connection is drained, if it is.
pub async fn since(app: &App, connection: &ConnectionId) -> Result<Option<Timestamp>, StoreError> {
    let recorded = app.store.claimed(&key(connection), app.now()).await?;
    let switch = recorded.and_then(|recorded| serde_json::from_str::<Switch>(&recorded.record).ok());
    Ok(switch.and_then(|switch| switch.since))
}

/// Whether new handovers are refused. Where that cannot be known, what comes next fails or not by itself.
pub(crate) async fn is_on(app: &App, connection: &Connection) -> bool {
    match since(app, &connection.id).await {
        Ok(since) => since.is_some(),
        Err(error) => {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(connection.id = %connection.id, error, "not known whether the connection is drained");
            false
        }
    }
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Since when all of the connections are drained; `None`: not all are.
    pub since: Option<Timestamp>,
    /// Their handovers that are under way.
    pub open_handovers: usize,
    /// About how many jobs each queue of the stage holds, whosever they are.
    pub waiting: [(QueueName, u64); 3],
}

impl Progress {
    /// Jobs of all queues.
    pub fn jobs(&self) -> u64 {
        self.waiting.iter().map(|(_, jobs)| jobs).sum()
    }

    pub fn view(&self) -> Value {
        let mut view = json!({
            "draining": self.since.is_some(), "open_handovers": self.open_handovers,
            "waiting": waiting_view(&self.waiting),
        });
        if let Some(since) = self.since {
            view["since"] = json!(time(since));
        }
        view
    }
}

/// How far draining these connections is. The handovers are counted before the jobs, so that a handover which ends
/// meanwhile is seen as one or the other.
pub async fn progress(app: &App, connections: &[&ConnectionId]) -> Result<Progress, Refusal> {
    let mut all = Vec::with_capacity(connections.len());
    for connection in connections {
        all.push(since(app, connection).await?);
    }
    let since = all.into_iter().collect::<Option<Vec<_>>>();
    let under_way = conversations::under_way(app, None).await?;
    let open = under_way
        .iter()
        .filter(|one| connections.contains(&&one.connection));
    Ok(Progress {
        since: since.and_then(|since| since.into_iter().max()),
        open_handovers: open.count(),
        waiting: waiting(app).await?,
    })
}

/// About how many jobs each queue holds.
pub async fn waiting(app: &App) -> Result<[(QueueName, u64); 3], Refusal> {
    let mut waiting = QueueName::ALL.map(|queue| (queue, 0));
    for (queue, jobs) in &mut waiting {
        *jobs = app.queue.waiting(*queue).await?;
    }
    Ok(waiting)
}

pub(super) fn waiting_view(waiting: &[(QueueName, u64); 3]) -> Value {
    let jobs = waiting
        .iter()
        .map(|(queue, jobs)| (queue.as_str().to_owned(), json!(jobs)));
    Value::Object(jobs.collect())
}

fn key(connection: &ConnectionId) -> ClaimKey {
    ClaimKey::apart(format!("drain:{connection}"))
}
