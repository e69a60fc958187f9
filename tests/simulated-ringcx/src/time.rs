//! The platform's spellings of time.

use std::time::Duration;

use jiff::Timestamp;

use crate::state::State;

/// The clock of the machine, by which the logs of a test go.
#[expect(
    clippy::disallowed_methods,
    reason = "a simulator of another company's service has a clock of its own"
)]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// Waits, as the platform does between its attempts.
#[expect(
    clippy::disallowed_methods,
    reason = "the platform's own waiting times are part of what is simulated"
)]
pub(crate) async fn sleep(time: Duration) {
    tokio::time::sleep(time).await;
}

/// ISO 8601 with seconds.
pub(crate) fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// RFC 3339 with milliseconds, as in `issued_at`.
pub(crate) fn millis(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// As in HTTP's `Date`.
pub(crate) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// The day.
pub(crate) fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

impl State {
    /// What the platform's clock shows, which need not be what the machine's does.
    pub(crate) fn now(&self) -> Timestamp {
        let machine = now();
        machine.checked_add(self.clock_ahead).unwrap_or(machine)
    }

    /// Whole milliseconds that passed since `then`, never negative.
    pub(crate) fn elapsed_ms(&self, then: Timestamp) -> u64 {
        u64::try_from(self.now().as_millisecond() - then.as_millisecond()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_spelled_as_documented() {
        let at = Timestamp::from_millisecond(1_770_113_465_120).expect("in range");
        assert_eq!(seconds(at), "2026-02-03T10:11:05Z");
        assert_eq!(millis(at), "2026-02-03T10:11:05.120Z");
        assert_eq!(date(at), "2026-02-03");
        assert_eq!(http_date(at), "Tue, 03 Feb 2026 10:11:05 GMT");
    }
}
