//! The limits that an account's connections ask for.

use std::collections::BTreeMap;
use std::time::Duration;

use handover_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::since;

/// How long the limit of a connection counts that makes no more requests.
const REMEMBERED: Duration = Duration::from_hours(1);
/// How often it is noted that a limit is still asked for.
const NOTED: Duration = Duration::from_mins(10);

/// Each limit, and when it was last noted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Limits(BTreeMap<u32, Timestamp>);

impl Limits {
    /// Notes a limit and returns the smallest, which counts for all.
    pub(super) fn ask(&mut self, limit: u32, now: Timestamp) -> u32 {
        let limit = limit.max(1);
        self.0.retain(|_, noted| since(*noted, now) <= REMEMBERED);
        let is_noted = |noted: &Timestamp| since(*noted, now) < NOTED;
        if !self.0.get(&limit).is_some_and(is_noted) {
            self.0.insert(limit, now);
        }
        self.0.keys().next().copied().unwrap_or(limit)
    }
}
