use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use handover_core::Timestamp;
use handover_core::ports::Clock;

/// Letting time pass for the implementation under test.
#[async_trait]
pub trait TimeTravel: Send + Sync {
    /// Returns when `duration` has passed for it.
    async fn pass(&self, duration: Duration);

    /// Its time.
    fn now(&self) -> Timestamp;
}

/// A clock that stands still until it is told otherwise. Clones show the same time.
#[derive(Clone, Debug)]
pub struct TestClock {
    milliseconds: Arc<AtomicI64>,
}

impl TestClock {
    pub fn at(now: Timestamp) -> Self {
        Self {
            milliseconds: Arc::new(AtomicI64::new(now.as_millisecond())),
        }
    }

    pub fn advance(&self, duration: Duration) {
        let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        self.milliseconds.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

impl Default for TestClock {
    /// 1 January 2026.
    fn default() -> Self {
        Self::at(Timestamp::from_second(1_767_225_600).unwrap_or_default())
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let milliseconds = self.milliseconds.load(Ordering::SeqCst);
        Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MAX)
    }
}

#[async_trait]
impl TimeTravel for TestClock {
    async fn pass(&self, duration: Duration) {
        self.advance(duration);
    }

    fn now(&self) -> Timestamp {
        Clock::now(self)
    }
}
