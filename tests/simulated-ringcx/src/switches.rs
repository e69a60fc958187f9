//! What a test or a soak changes while the account runs.

use jiff::SignedDuration;

use crate::config::{Rights, WebhookBehaviour, WebhookCounts};
use crate::model::TimeSheet;
use crate::simulated::SimulatedRingcx;

impl SimulatedRingcx {
    /// Sets what the REST token may do, as an administrator does in the console.
    pub fn set_rights(&self, rights: Rights) {
        self.hub.change(|state| state.rights = rights);
    }

    /// Replaces the business hours.
    pub fn set_time_sheets(&self, sheets: Vec<TimeSheet>) {
        self.hub.change(|state| state.time_sheets = sheets);
    }

    /// Sets how webhooks misbehave from now on.
    pub fn set_webhooks(&self, behaviour: WebhookBehaviour) {
        self.hub.change(|state| state.webhook_behaviour = behaviour);
    }

    /// What became of the events so far.
    pub fn webhook_counts(&self) -> WebhookCounts {
        self.read(|state| state.webhook_counts)
    }

    /// Sets the platform's clock: what it dates from now on is this far ahead of the machine, or behind it.
    pub fn set_clock_ahead(&self, ahead: SignedDuration) {
        self.hub.change(|state| state.clock_ahead = ahead);
    }
}
