//! `messaging.queuing_update`: seconds become milliseconds.

use std::time::Duration;

use handover_core::Timestamp;
use handover_core::queue_update::QueueUpdate;
use serde_json::{Map, Value};

use crate::json;

/// Reads a place in the queue. RCE tells the wait in seconds, possibly with a fraction; what is
/// missing, negative or no number stays unknown, which is not the same as zero.
pub(super) fn read(params: &Map<String, Value>, received_at: Timestamp) -> QueueUpdate {
    QueueUpdate {
        position: json::count(params.get("position")),
        estimated_wait_ms: params
            .get("estimated_wait_time")
            .and_then(Value::as_f64)
            .and_then(milliseconds),
        at: received_at,
    }
}

fn milliseconds(seconds: f64) -> Option<u64> {
    let wait = Duration::try_from_secs_f64(seconds).ok()?;
    let rounded = wait.checked_add(Duration::from_micros(500))?;
    rounded.as_millis().try_into().ok()
}
