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
        "reply" => "the bot cannot answer people on this channel",
        "engage" => "the bot opens no interventions, and cannot answer where RingCentral demands one",
        "person" => "the bot does not know who writes",
        "own_account" => "what the bot's account does may be taken for an agent's doing",
        "upload" => "the bot's files and pictures do not reach people on this channel",
        "content" | "thread_contents" => {
            "whether a reply arrived cannot be looked up before it is sent again"
        }
        "recent_contents" => "messages whose events were lost are not made up for",
        "comment" => "agents find no note on the intervention",
        _ => "handovers may fail",
    }
}
