//! Sends somebody to look after the handovers whose time has come: timers, and what RCE may know.
//!
//! Called again and again, by a worker of the one-machine stage or on a schedule. Nothing is remembered here: a
//! handover is due until somebody looked after it, and who is sent twice is dropped as a repeat.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

use handover_core::job::{Outgoing, Work};
use handover_core::ports::{QueueError, StoreError, ToLookAfter};

use crate::App;
use crate::app::ConnectionsUnavailable;
use crate::work;

/// How many are looked after at once; more are for the next call.
pub const AT_ONCE: usize = 5_000;
/// Jobs sent in one go.
const BATCH: usize = 100;

#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Connections(#[from] ConnectionsUnavailable),
}

/// Sends a job for each handover that is due, and for sources of RCE's own that are to be swept. Returns how many
/// handovers.
pub async fn dispatch(app: &App) -> Result<usize, WatchError> {
    for connection in app.connections.known() {
        work::sweep(app, &connection).await?;
    }
    let mut due = app.store.to_look_after(app.now(), AT_ONCE).await?;
    // RCE may not let us ask about all of them; so that it is not always the same ones, the order is another each time.
    due.sort_by_cached_key(shuffled);
    let mut jobs = Vec::with_capacity(due.len());
    for due in due {
        // What belongs to nobody any more is left alone.
        if app.connections.get(&due.connection).await?.is_some() {
            jobs.push(look_after(app, &due));
        }
    }
    let count = jobs.len();
    while !jobs.is_empty() {
        let rest = jobs.split_off(jobs.len().min(BATCH));
        app.queue.send(std::mem::replace(&mut jobs, rest)).await?;
    }
    if count > 0 {
        tracing::debug!(handovers = count, "looking after");
    }
    Ok(count)
}

fn look_after(app: &App, due: &ToLookAfter) -> Outgoing {
    let job = app.job(&due.connection, &due.thread, Work::LookAfter);
    let once = format!(
        "look:{}:{}:{}",
        due.connection,
        due.thread,
        due.at.as_millisecond()
    );
    Outgoing::deduplicated(job, once)
}

fn shuffled(due: &ToLookAfter) -> u64 {
    let mut hasher = DefaultHasher::new();
    (due.thread.as_str(), due.at.as_millisecond()).hash(&mut hasher);
    hasher.finish()
}
