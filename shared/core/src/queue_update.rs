//! Place in the queue and waiting time.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Where a person stands in RCE's queue. RCE reports seconds, everything of ours is milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueUpdate {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// Unknown waits are absent, never zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_wait_ms: Option<u64>,
    /// When we received it.
    pub at: Timestamp,
}

impl QueueUpdate {
    /// Whether this is news compared to `known`: received later and different.
    pub fn supersedes(&self, known: Option<&Self>) -> bool {
        known.is_none_or(|known| self.at > known.at && !self.same_figures(known))
    }

    pub fn same_figures(&self, other: &Self) -> bool {
        self.position == other.position && self.estimated_wait_ms == other.estimated_wait_ms
    }
}
