//! Workers over the embedded queue: one loop for each queue, many jobs at a time, one of each group.

use std::sync::Arc;
use std::time::Duration;

use handover_core::job::QueueName;
use handover_core::ports::{Clock as _, JobQueue as _, QueueError, Received, Store as _};
use handover_embedded::Embedded;
use handover_handlers::App;
use handover_handlers::work::{self, Outcome, VISIBILITY};
use handover_machine::SystemClock;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

/// Jobs of one queue in hand at the same time. They mostly wait for bots and for RCE.
const IN_HAND: usize = 1024;
/// Jobs taken at once.
const BATCH: usize = 64;
/// How long an idle worker sleeps at most: another process (the command line) may add jobs.
const IDLE: Duration = Duration::from_secs(1);
/// How exact timers are.
const WATCH_EVERY: Duration = Duration::from_secs(1);
const SWEEP_EVERY: Duration = Duration::from_mins(1);
/// An expired file is not shown any more; how soon its space is free again matters little.
const SWEEP_FILES_EVERY: Duration = Duration::from_hours(1);

pub(crate) fn spawn(app: &App, embedded: &Embedded, stopped: &watch::Receiver<bool>) -> Vec<JoinHandle<()>> {
    let mut tasks: Vec<JoinHandle<()>> = QueueName::ALL
        .into_iter()
        .map(|queue| tokio::spawn(work_off(app.clone(), embedded.clone(), queue, stopped.clone())))
        .collect();
    tasks.push(tokio::spawn(sweep(embedded.clone(), stopped.clone())));
    tasks.push(tokio::spawn(sweep_files(app.clone(), stopped.clone())));
    tasks.push(tokio::spawn(look_after(app.clone(), stopped.clone())));
    tasks
}

async fn work_off(app: App, embedded: Embedded, queue: QueueName, mut stopped: watch::Receiver<bool>) {
    let in_hand = Arc::new(Semaphore::new(IN_HAND));
    while !*stopped.borrow() {
        tokio::select! {
            // With its hands full, the worker looks again when the first job is finished.
            room = in_hand.acquire() => drop(room),
            _ = stopped.wait_for(|stopped| *stopped) => break,
        }
        // Asked for before looking, so that nothing that comes in between is missed.
        let woken = embedded.woken(queue);
        let free = in_hand.available_permits().min(BATCH);
        let received = match embedded.receive(queue, free, VISIBILITY).await {
            Ok(received) => received,
            Err(error) => {
                tracing::error!(
                    queue = queue.as_str(),
                    error = &error as &dyn std::error::Error,
                    "cannot receive jobs"
                );
                Vec::new()
            }
        };
        // Fewer than asked for: there are no more. Looking again would be a transaction for nothing.
        let idle = received.len() < free || free == 0;
        for job in received {
            let Ok(permit) = Arc::clone(&in_hand).acquire_owned().await else {
                return;
            };
            let (app, embedded) = (app.clone(), embedded.clone());
            tokio::spawn(async move {
                do_job(&app, &embedded, job).await;
                drop(permit);
            });
        }
        if idle {
            let wait = until_next(&embedded, queue).await;
            tokio::select! {
                () = woken => {}
                () = wait_for(wait) => {}
                _ = stopped.wait_for(|stopped| *stopped) => {}
            }
        }
    }
    // All permits back means that every job in hand is finished.
    let all = u32::try_from(IN_HAND).unwrap_or(u32::MAX);
    let _ = in_hand.acquire_many(all).await;
}

#[expect(
    clippy::disallowed_methods,
    reason = "the stage's own idling; nothing is lost if the process dies here"
)]
pub(crate) async fn wait_for(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Until the next job of the queue becomes visible, at most [`IDLE`].
async fn until_next(embedded: &Embedded, queue: QueueName) -> Duration {
    match embedded.next_visible_at(queue).await {
        Ok(Some(at)) => {
            let wait = at.duration_since(SystemClock.now());
            Duration::try_from(wait)
                .unwrap_or(Duration::ZERO)
                .clamp(Duration::from_millis(1), IDLE)
        }
        Ok(None) | Err(_) => IDLE,
    }
}

async fn do_job(app: &App, embedded: &Embedded, received: Received) {
    let job = &received.job;
    let outcome = work::run(app, &received).await;
    let receipt = &received.receipt;
    let applied = match outcome {
        Outcome::Done => embedded.delete(receipt).await,
        Outcome::Retry { after } => embedded.retry(receipt, after, true).await,
        Outcome::Wait { after } => embedded.retry(receipt, after, false).await,
        Outcome::Reject { reason } => embedded.dead_letter(&received, &reason).await,
    };
    match applied {
        Ok(()) => {}
        // Its visibility ran out and somebody else has it: they will finish it.
        Err(QueueError::StaleReceipt) => {
            tracing::warn!(job.id = %job.id, "job took longer than its visibility");
        }
        Err(error) => {
            tracing::error!(job.id = %job.id, error = &error as &dyn std::error::Error, "job's outcome not stored; it will come back");
        }
    }
}

async fn sweep(embedded: Embedded, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        if let Err(error) = embedded.sweep(SystemClock.now()).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "cannot sweep");
        }
        tokio::select! {
            () = wait_for(SWEEP_EVERY) => {}
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
    }
}

async fn sweep_files(app: App, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        if let Err(error) = app.files.store.sweep(app.now()).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "cannot sweep files");
        }
        tokio::select! {
            () = wait_for(SWEEP_FILES_EVERY) => {}
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
    }
}

async fn look_after(app: App, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        if let Err(error) = handover_handlers::watch::dispatch(&app).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "cannot look after handovers"
            );
        }
        tokio::select! {
            () = wait_for(WATCH_EVERY) => {}
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
    }
}
