//! `typing.start` and `typing.stop`: worthless when late, so never queued and never retried.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use handover_core::Timestamp;
use handover_core::ids::{ConnectionId, ForeignThreadId};
use handover_core::message::BODY_MAX_CHARS;
use handover_core::ports::RingCxError;
use handover_core::settings::Connection;

use super::RingCxClient;
use super::wire::Typing;

/// RCE takes one start per thread in this time; a stop resets it (Send API, "Limits").
const INTERVAL: Duration = Duration::from_secs(2);

/// Threads that are remembered at most; beyond it, news of more typing is dropped.
const THREADS_MAX: usize = 10_000;

/// RCE requires a preview. The person's bot may not know one.
const NO_PREVIEW: &str = "…";

/// When the last start left, per thread.
#[derive(Default)]
pub(super) struct Throttle {
    started: Mutex<HashMap<(ConnectionId, ForeignThreadId), Timestamp>>,
}

impl Throttle {
    /// Whether a start may leave now; if so it is taken note of.
    fn may_start(&self, connection: &ConnectionId, thread: &ForeignThreadId, now: Timestamp) -> bool {
        let mut started = self.lock();
        let key = (connection.clone(), thread.clone());
        if started.get(&key).is_some_and(|last| is_recent(*last, now)) {
            return false;
        }
        if started.len() >= THREADS_MAX {
            started.retain(|_, last| is_recent(*last, now));
        }
        if started.len() >= THREADS_MAX {
            return false;
        }
        started.insert(key, now);
        true
    }

    fn stopped(&self, connection: &ConnectionId, thread: &ForeignThreadId) {
        self.lock().remove(&(connection.clone(), thread.clone()));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(ConnectionId, ForeignThreadId), Timestamp>> {
        // A map of times is sound after any panic.
        self.started.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A clock that was set back makes nothing recent.
fn is_recent(last: Timestamp, now: Timestamp) -> bool {
    Duration::try_from(now.duration_since(last)).is_ok_and(|elapsed| elapsed < INTERVAL)
}

impl RingCxClient {
    pub(super) async fn start_typing(
        &self,
        connection: &Connection,
        thread: &ForeignThreadId,
        preview: Option<&str>,
    ) -> Result<(), RingCxError> {
        if !self.typing.may_start(&connection.id, thread, self.clock.now()) {
            return Ok(());
        }
        let preview = preview.filter(|text| !text.is_empty()).unwrap_or(NO_PREVIEW);
        let end = preview
            .char_indices()
            .nth(BODY_MAX_CHARS)
            .map_or(preview.len(), |(at, _)| at);
        let typing = Typing {
            thread_id: thread.as_str(),
            preview: Some(&preview[..end]),
        };
        drop_if_limited(self.call_send_api(connection, "typing.start", &typing).await)
    }

    pub(super) async fn stop_typing(
        &self,
        connection: &Connection,
        thread: &ForeignThreadId,
    ) -> Result<(), RingCxError> {
        self.typing.stopped(&connection.id, thread);
        let typing = Typing {
            thread_id: thread.as_str(),
            preview: None,
        };
        drop_if_limited(self.call_send_api(connection, "typing.stop", &typing).await)
    }
}

fn drop_if_limited(outcome: Result<(), RingCxError>) -> Result<(), RingCxError> {
    match outcome {
        Err(RingCxError::RateLimited { .. }) => Ok(()),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn br_039_the_memory_of_typing_is_bounded() {
        let throttle = Throttle::default();
        let connection = ConnectionId::new("c");
        let thread = |n: usize| ForeignThreadId::new(format!("t{n}"));
        let now = Timestamp::UNIX_EPOCH;
        for n in 0..THREADS_MAX {
            assert!(throttle.may_start(&connection, &thread(n), now));
        }
        assert!(
            !throttle.may_start(&connection, &thread(THREADS_MAX), now),
            "full"
        );
        let later = now + INTERVAL;
        assert!(
            throttle.may_start(&connection, &thread(THREADS_MAX), later),
            "forgotten"
        );
        assert_eq!(throttle.lock().len(), 1);
    }
}
