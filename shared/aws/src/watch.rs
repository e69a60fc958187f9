//! A schedule's tick → somebody is sent to each handover whose time has come.
//!
//! An invocation may fail, come late or twice: a handover is due until somebody looked after it, and who is sent
//! twice is dropped as a repeat.

use std::sync::Arc;
use std::time::Duration;

use handover_core::Timestamp;
use handover_handlers::App;
use handover_handlers::watch::{self, AT_ONCE};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::de::IgnoredAny;
use serde_json::json;

use crate::metrics::Emf;

/// Left of the function's time to say what went wrong.
const TIME_TO_CONCLUDE: Duration = Duration::from_secs(5);
/// Before more are sent for than fit into one go, the first are given time: until then the same would be found again.
const PAUSE: Duration = Duration::from_secs(5);
/// What so many take, at the pace of a slow queue.
const TIME_FOR_ALL: Duration = Duration::from_secs(20);

/// Runs the function that a schedule invokes.
pub(crate) async fn run(app: App, metrics: Arc<Emf>) -> Result<(), Error> {
    // What the schedule says of itself is not needed: that it is time, it says by coming.
    lambda_runtime::run(service_fn(move |event: LambdaEvent<IgnoredAny>| {
        let (app, metrics) = (app.clone(), Arc::clone(&metrics));
        async move {
            let deadline = i64::try_from(event.context.deadline).unwrap_or(i64::MAX);
            let deadline = Timestamp::from_millisecond(deadline).unwrap_or(Timestamp::MAX);
            let limit = left(&app, deadline).saturating_sub(TIME_TO_CONCLUDE);
            let looked = tokio::time::timeout(limit, look_after_all(&app, deadline)).await;
            metrics.flush(app.now(), &mut std::io::stdout().lock());
            let sent =
                looked.map_err(|_| "not finished in the function's time; the next minute goes on")??;
            Ok::<_, Error>(json!({ "sent": sent }))
        }
    }))
    .await
}

/// Sends for all that are due, as many at once as can be held at once. Returns how many.
async fn look_after_all(app: &App, deadline: Timestamp) -> Result<usize, Error> {
    let mut all = 0;
    loop {
        let sent = watch::dispatch(app).await.inspect_err(|error| {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, "cannot look after handovers; the next minute does");
        })?;
        all += sent;
        tracing::info!(handovers = sent, "sent to look after handovers");
        if !is_there_more(sent, left(app, deadline)) {
            return Ok(all);
        }
        pause().await;
    }
}

/// Whether there are more than were sent for, and time for them. Otherwise the next minute goes on.
fn is_there_more(sent: usize, left: Duration) -> bool {
    sent >= AT_ONCE && left >= PAUSE + TIME_FOR_ALL + TIME_TO_CONCLUDE
}

fn left(app: &App, deadline: Timestamp) -> Duration {
    Duration::try_from(deadline.duration_since(app.now())).unwrap_or_default()
}

#[expect(
    clippy::disallowed_methods,
    reason = "nothing waits for us: what is due stays due if the process dies here"
)]
async fn pause() {
    tokio::time::sleep(PAUSE).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_while_there_is_more_and_time_for_it() {
        let minute = Duration::from_mins(1);
        assert!(is_there_more(AT_ONCE, minute));
        assert!(!is_there_more(AT_ONCE - 1, minute), "those were all");
        assert!(!is_there_more(AT_ONCE, minute / 3), "the next minute has time");
    }
}
