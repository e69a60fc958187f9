//! What a test or a soak changes while the account runs.

use jiff::SignedDuration;

use crate::simulated::SimulatedRingcx;

impl SimulatedRingcx {
    /// Sets the platform's clock: what it dates from now on is this far ahead of the machine, or behind it.
    pub fn set_clock_ahead(&self, ahead: SignedDuration) {
        self.hub.change(|state| state.clock_ahead = ahead);
    }
}
