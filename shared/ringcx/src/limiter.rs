//! The REST budget of each account: who may call RCE now.
//!
//! RCE throttles an account as a whole (REST API, "Rate limits": 500 requests a minute by default, whoever makes
//! them), so connections of one account share one budget, and the smallest limit that any of them asks for counts.
//! Those for whom a person waits come first; the idle get a small share of what is left. A 429 pauses everybody
//! and slows them down afterwards.
//!
//! | module | owns |
//! |---|---|
//! | `process` | [`ProcessBudget`]: exact, for one process that has the account to itself |
//! | `book` | [`AccountBook`]: the same for several processes, which lease places from it |
//! | `holder` | [`LeaseHolder`]: what one of those processes holds and knows |
//! | `brake` | what a 429 does to both |
//! | `limits` | the limits that connections ask for |
//!
//! All of it is pure: the time is passed in, and where a book is kept is somebody else's concern.

use std::time::Duration;

use async_trait::async_trait;
use handover_core::Timestamp;
use handover_core::ports::Urgency;

mod book;
mod brake;
mod holder;
mod limits;
mod process;

pub use book::{AccountBook, Lease};
pub use holder::LeaseHolder;
pub use process::ProcessBudget;

/// The window in which requests are counted.
const WINDOW: Duration = Duration::from_mins(1);

/// Who may call the REST API now, for each account.
#[async_trait]
pub trait RestBudget: Send + Sync {
    /// Takes a place for one request, or tells how long until one may be free.
    ///
    /// `limit` is the requests in any 60 seconds that the asking connection allows its account; zero counts as one.
    async fn take(&self, account: &str, limit: u32, urgency: Urgency, now: Timestamp)
    -> Result<(), Duration>;

    /// RCE answered 429: nobody calls for what it asked, else for a growing while. Returns the wait.
    async fn limited(&self, account: &str, retry_after: Option<Duration>, now: Timestamp) -> Duration;

    /// RCE did what it was asked: the next pause starts small again.
    async fn succeeded(&self, account: &str, now: Timestamp);

    /// How long a request for which a person waits would have to wait now. Takes no place.
    async fn wait(&self, account: &str, limit: u32, now: Timestamp) -> Duration {
        let _ = (account, limit, now);
        Duration::ZERO
    }
}

/// How many places may be taken already, in a window, when one more is asked for.
#[derive(Clone, Copy, Debug)]
struct Room {
    all: u32,
    idle: u32,
}

impl Room {
    /// The idle have a twentieth, at least one place, and none while less than a fifth is free.
    fn of(limit: u32, urgency: Urgency) -> Self {
        match urgency {
            Urgency::Now => Self {
                all: limit.saturating_sub(1),
                idle: u32::MAX,
            },
            Urgency::Idle => Self {
                all: limit - limit.div_ceil(5),
                idle: (limit / 20).saturating_sub(1),
            },
        }
    }
}

/// The time from `earlier` to `now`; zero if it is the other way round.
fn since(earlier: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(earlier)).unwrap_or_default()
}

fn later(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
