//! Delivers to customers on channels of the platform: with delays, and with failures that a test asks for.

use std::sync::Arc;
use std::time::Duration;

use crate::config::IndexLag;
use crate::hub::Hub;
use crate::model::SyncStatus;
use crate::simulated::SimulatedRingcx;
use crate::state::State;

/// Which exports fail, and how.
#[derive(Clone, Debug)]
pub struct FailExports {
    /// Which of them.
    pub which: Which,
    /// What becomes of them: [`SyncStatus::ExportFailure`] or [`SyncStatus::ExportAborted`].
    pub status: SyncStatus,
    /// The content's `synchronization_error`.
    pub error: String,
}

/// Which exports fail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Which {
    /// This many from now on.
    Next(u32),
    /// Every n-th; 0 none.
    Every(u32),
    /// All of them.
    All,
}

impl FailExports {
    /// These fail.
    pub fn new(which: Which) -> Self {
        Self {
            which,
            status: SyncStatus::ExportFailure,
            error: "The channel refused the message".to_owned(),
        }
    }

    /// As given up, rather than as failed.
    #[must_use]
    pub fn aborted(mut self) -> Self {
        self.status = SyncStatus::ExportAborted;
        self
    }
}

impl SimulatedRingcx {
    /// Sets which exports to customers of native channels fail from now on.
    pub fn set_fail_exports(&self, fail: Option<FailExports>) {
        self.hub.change(|state| state.fail_exports = fail);
    }

    /// Sets how long contents are on their way to customers of native channels.
    pub fn set_export_delay(&self, delay: Duration) {
        self.hub.change(|state| state.export_delay = delay);
    }

    /// Sets how long contents that are new from now on stay invisible to `GET /contents`.
    pub fn set_content_index_lag(&self, lag: IndexLag) {
        self.hub.change(|state| state.content_index_lag = lag);
    }
}

impl State {
    /// The channel took the content, or not.
    pub(crate) fn deliver_natively(&mut self, content_id: &str) {
        self.native_exports += 1;
        if let Some(content) = self.contents.get_mut(content_id) {
            content.attempts += 1;
        }
        match self.next_failure() {
            Some(failure) => self.fail_export(content_id, failure.status, failure.error),
            None => self.finish_export(content_id, format!("native-{content_id}")),
        }
    }

    fn next_failure(&mut self) -> Option<FailExports> {
        let count = self.native_exports;
        let failure = self.fail_exports.as_mut()?;
        let fails = match &mut failure.which {
            Which::Next(0) => false,
            Which::Next(left) => {
                *left -= 1;
                true
            }
            Which::Every(n) => *n > 0 && count.is_multiple_of(*n),
            Which::All => true,
        };
        fails.then(|| failure.clone())
    }
}

/// Brings a content to the customer after the time that it takes.
pub(crate) async fn deliver(hub: &Arc<Hub>, content: &str) {
    let delay = hub.read(|state| state.export_delay);
    if hub.pause(delay).await {
        hub.change(|state| state.deliver_natively(content));
    }
}
