//! The REST budget of each account: who may call RCE now.
//!
//! RCE throttles an account as a whole (REST API, "Rate limits": 500 requests a minute by default, whoever makes
//! them), so connections of one account share one budget, and the smallest limit that any of them asks for counts.
//! Replies come before handovers, those before housekeeping, and what was begun is finished first. Those who wait with a
//! reply are told one time each, so that who came first goes first. A 429 pauses everybody and slows them down afterwards; several
//! within a minute slow them down once.
//!
//! | module | owns |
//! |---|---|
//! | `process` | [`ProcessBudget`]: exact, for one process that has the account to itself |
//! | `book` | [`AccountBook`]: the same for several processes, which lease places from it |
//! | `holder` | [`LeaseHolder`]: what one of those processes holds and knows |
//! | `brake` | what a 429 does to both |
//! | `room` | how much each [`Urgency`] may take |
//! | `turns` | who waits, and until when |
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
mod room;
mod turns;

pub use book::{AccountBook, Lease};
pub use holder::LeaseHolder;
pub use process::ProcessBudget;

/// The window in which requests are counted.
const WINDOW: Duration = Duration::from_mins(1);
/// RCE counts requests as they arrive: by so much one may be on its way longer than another.
const MARGIN: Duration = Duration::from_secs(1);

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

    /// The same for somebody who comes back then: the next one is told a later time.
    async fn turn(&self, account: &str, limit: u32, now: Timestamp) -> Duration {
        self.wait(account, limit, now).await
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
