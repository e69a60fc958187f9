//! Whether the bridge works, from end to end: what RCE's calls tell of it, and who can examine it.
//!
//! The examination itself is another crate's (`shared/doctor`): a stage that has a REST budget to spare brings it along.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use handover_core::Timestamp;
use handover_core::heard::Heard;
use handover_core::ids::ConnectionId;
use handover_core::ports::Commit;
use handover_core::settings::Connection;
use serde_json::{Value, json};
use tokio::sync::Mutex as AsyncMutex;

use crate::App;
use crate::respond::Problem;

/// Longest that a note may delay an answer to RCE.
const PATIENCE: Duration = Duration::from_millis(300);
/// Calls that come all the time are noted once in so long, by each process.
const NOTED_EVERY: Duration = Duration::from_mins(1);
/// An examination takes some 25 calls of the REST budget, so there is one in a minute at most.
const EXAMINED_EVERY: Duration = Duration::from_mins(1);

/// Examines a connection.
#[async_trait]
pub trait Doctor: Send + Sync {
    /// `{checks, worst, at, …}`. With `round_trip` RCE is made to call the bridge.
    async fn examine(&self, app: &App, connection: &Connection, round_trip: bool) -> Value;
}

/// What is remembered about how the bridge fares.
#[derive(Default)]
pub struct Health {
    doctor: Option<Arc<dyn Doctor>>,
    noted: Mutex<HashMap<(ConnectionId, Heard), Timestamp>>,
    reports: AsyncMutex<HashMap<ConnectionId, Arc<AsyncMutex<Option<Examined>>>>>,
}

/// A report, and when it began.
struct Examined {
    at: Timestamp,
    round_trip: bool,
    report: Value,
}

impl Health {
    pub fn with(doctor: Arc<dyn Doctor>) -> Self {
        Self {
            doctor: Some(doctor),
            ..Self::default()
        }
    }

    /// Whether such a call is to be noted now.
    fn is_due(&self, connection: &ConnectionId, what: Heard, now: Timestamp) -> bool {
        let key = (connection.clone(), what);
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let due = noted
            .get(&key)
            .is_none_or(|at| now < *at || *at + NOTED_EVERY <= now);
        if due {
            noted.insert(key, now);
        }
        due
    }
}

/// Notes that RCE called and was believed. Nothing depends on it: what cannot be noted at once is not.
pub(crate) async fn heard(app: &App, connection: &Connection, what: Heard) {
    let now = app.now();
    // A validation is rare, and somebody may wait for it.
    if what != Heard::Validation && !app.health.is_due(&connection.id, what, now) {
        return;
    }
    let note = Commit {
        claims: vec![what.note(&connection.id, now)],
        ..Commit::default()
    };
    match tokio::time::timeout(PATIENCE, app.store.commit(note)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::debug!(connection.id = %connection.id, error = &error as &dyn std::error::Error, "call not noted");
        }
        Err(_) => tracing::debug!(connection.id = %connection.id, "call not noted in time"),
    }
}

/// `/{connection}/operator/doctor`: the last examination, or a new one if that is old. Only what changes something
/// (a `POST`, which makes RCE call the bridge) is a new one for its own sake, and not more than once a minute either. A
/// report with a round trip answers both.
pub(crate) async fn examine(app: &App, connection: &Connection, round_trip: bool) -> Result<Value, Problem> {
    let Some(doctor) = &app.health.doctor else {
        return Err(Problem::NotSupported(
            "this stage does not examine itself; run `engage-handover doctor --stage NAME`",
        ));
    };
    let slot = {
        let mut reports = app.health.reports.lock().await;
        Arc::clone(reports.entry(connection.id.clone()).or_default())
    };
    // Who comes while one is under way waits for it, and gets the same.
    let mut slot = slot.lock().await;
    let now = app.now();
    // One without a round trip does not tell what the other one asks.
    let is_fresh = |known: &&Examined| {
        known.at <= now && now < known.at + EXAMINED_EVERY && (known.round_trip || !round_trip)
    };
    if let Some(known) = slot.as_ref().filter(is_fresh) {
        return Ok(known.report.clone());
    }
    let mut report = doctor.examine(app, connection, round_trip).await;
    if let Some(report) = report.as_object_mut() {
        report.insert("round_trip".to_owned(), json!(round_trip));
    }
    *slot = Some(Examined {
        at: now,
        round_trip,
        report: report.clone(),
    });
    Ok(report)
}
