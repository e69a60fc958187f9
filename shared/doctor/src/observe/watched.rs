//! What an examination takes of the REST budget, counted whoever of its clients calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use handover_core::Timestamp;
use handover_core::ports::Urgency;
use handover_ringcx::RestBudget;

/// A budget that counts.
pub(super) struct Watched {
    budget: Arc<dyn RestBudget>,
    called: AtomicU32,
    limited: AtomicU32,
    held: AtomicU32,
}

/// How many calls there were, how many of them RCE refused with 429, and how many our own limiter held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) called: u32,
    pub(super) limited: u32,
    pub(super) held: u32,
}

impl Watched {
    pub(super) fn new(budget: Arc<dyn RestBudget>) -> Self {
        Self {
            budget,
            called: AtomicU32::new(0),
            limited: AtomicU32::new(0),
            held: AtomicU32::new(0),
        }
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            called: self.called.load(Ordering::Relaxed),
            limited: self.limited.load(Ordering::Relaxed),
            held: self.held.load(Ordering::Relaxed),
        }
    }
}

#[async_trait]
impl RestBudget for Watched {
    async fn take(
        &self,
        account: &str,
        limit: u32,
        urgency: Urgency,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let taken = self.budget.take(account, limit, urgency, now).await;
        let count = if taken.is_ok() { &self.called } else { &self.held };
        count.fetch_add(1, Ordering::Relaxed);
        taken
    }

    async fn limited(&self, account: &str, retry_after: Option<Duration>, now: Timestamp) -> Duration {
        self.limited.fetch_add(1, Ordering::Relaxed);
        self.budget.limited(account, retry_after, now).await
    }

    async fn succeeded(&self, account: &str, now: Timestamp) {
        self.budget.succeeded(account, now).await;
    }
}
