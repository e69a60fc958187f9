//! What a 429 does: a pause for everybody, and less than the limit for a while.

use std::time::Duration;

use handover_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::{WINDOW, later, since};

/// Pauses after a 429 that names no wait: 5 s, doubling up to 60 s until something succeeds.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The longest pause that RCE may ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(1);

/// Parts of the limit are counted in thousandths.
const ALL: u32 = 1_000;
/// What is never taken away, and what comes back in each minute without a 429.
const TENTH: u32 = 100;
const MINUTE: Duration = Duration::from_mins(1);

/// What the 429s of an account left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Brake {
    /// Kept when it is over: the limit grows back from then on.
    paused_until: Option<Timestamp>,
    /// How many pauses in a row had no success between them.
    pauses: u32,
    /// Thousandths of the limit that were withheld at the end of the pause.
    withheld: u32,
    /// When the limit was halved last.
    halved_at: Option<Timestamp>,
}

impl Brake {
    /// A 429. Returns how long everybody pauses.
    pub(super) fn limited(&mut self, retry_after: Option<Duration>, now: Timestamp) -> Duration {
        // Requests that were under way together are refused together; that is one refusal.
        if self.pause(now).is_none() {
            self.pauses = self.pauses.saturating_add(1);
            self.withheld = self.withheld(now);
            // What a halving does is seen when all requests that RCE counts were made under it; until then the pauses do.
            if self.halved_at.is_none_or(|at| since(at, now) >= WINDOW) {
                self.withheld = ALL - ((ALL - self.withheld) / 2).max(TENTH);
                self.halved_at = Some(now);
            }
        }
        let growing = FIRST_PAUSE * 2_u32.pow(self.pauses.saturating_sub(1).min(4));
        let wait = retry_after.map_or(growing.min(LONGEST_PAUSE), |asked| asked.min(LONGEST_RETRY_AFTER));
        // A shorter pause does not end a longer one.
        self.paused_until = self.paused_until.max(Some(later(now, wait)));
        wait
    }

    /// RCE did what it was asked. What it did during a pause was asked before, and says nothing.
    pub(super) fn succeeded(&mut self, now: Timestamp) {
        if self.pause(now).is_none() {
            self.pauses = 0;
        }
    }

    /// The rest of a pause.
    pub(super) fn pause(&self, now: Timestamp) -> Option<Duration> {
        self.paused_until
            .map(|until| since(now, until))
            .filter(|rest| !rest.is_zero())
    }

    /// Whether the next pause would be a longer one.
    pub(super) fn is_wary(&self) -> bool {
        self.pauses > 0
    }

    /// What is left of a limit.
    pub(super) fn slow(&self, limit: u32, now: Timestamp) -> u32 {
        let left = u64::from(limit) * u64::from(ALL - self.withheld(now)) / u64::from(ALL);
        u32::try_from(left).unwrap_or(limit).max(1)
    }

    fn withheld(&self, now: Timestamp) -> u32 {
        let quiet = self
            .paused_until
            .map_or(Duration::ZERO, |until| since(until, now));
        let minutes = u32::try_from(quiet.as_secs() / MINUTE.as_secs()).unwrap_or(u32::MAX);
        self.withheld
            .saturating_sub(minutes.saturating_mul(TENTH))
            .min(ALL - TENTH)
    }
}
