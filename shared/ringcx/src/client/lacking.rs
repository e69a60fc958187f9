//! What accounts turned out to lack the right to.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use handover_core::ids::ConnectionId;

/// Remembered, so that it is said once and not with every call.
#[derive(Debug, Default)]
pub(super) struct Lacking(Mutex<HashSet<(ConnectionId, &'static str)>>);

impl Lacking {
    pub(super) fn say(&self, connection: &ConnectionId, operation: &'static str) {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if said.insert((connection.clone(), operation)) {
            tracing::warn!(
                %connection, operation,
                "the API token's account may not do this, so the bridge works with less: {}", without(operation)
            );
        }
    }
}

/// What an account without the right to an operation goes without.
fn without(operation: &str) -> &'static str {
    match operation {
        "interventions" => {
            "lost events cannot be made up for, and a task that is gone does not end a handover"
        }
        "available_agents" | "source" => "whether agents are available is unknown",
        "time_sheets" => "opening hours do not count",
        "agent_name" => "agents have the name that they sign with, or none",
        "close_intervention" | "cancel_intervention" => "who leaves is not taken off the agents' list",
        "open_thread" => "a closed thread stays closed",
        "archive" => "who leaves the queue may stay in it until an agent looks",
        _ => "handovers may fail",
    }
}
