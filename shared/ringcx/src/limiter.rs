//! The REST budget of each account host, shared by everything in the process.
//!
//! RCE throttles an account as a whole (REST API, "Rate limits": 500 requests a minute by default,
//! whoever makes them), so connections of one account share one budget, and the smallest limit that
//! any of them asks for counts.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use handover_core::Timestamp;

/// The window in which requests are counted.
const WINDOW: Duration = Duration::from_mins(1);

/// A request this much older than the window has left it for certain, however a clock rounds.
const MARGIN: Duration = Duration::from_millis(1);

/// How long the limit of a connection counts that makes no more requests.
const LIMIT_REMEMBERED: Duration = Duration::from_hours(1);

/// Pauses after a 429 that names no wait: 5 s, doubling up to 60 s until something succeeds.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The longest pause that RCE may ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(1);

/// Who may ask the REST API now. Pure: the time is passed in.
#[derive(Debug, Default)]
pub struct RestBudget {
    hosts: Mutex<HashMap<String, Account>>,
}

#[derive(Debug, Default)]
struct Account {
    /// When the requests of the last window were made, oldest first.
    log: VecDeque<Timestamp>,
    /// The limits that connections of this host named, and when last.
    limits: BTreeMap<u32, Timestamp>,
    paused_until: Option<Timestamp>,
    /// How many pauses in a row had no success between them.
    pauses: u32,
}

impl RestBudget {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a place for one request to `host`, or tells how long until one may be free.
    ///
    /// `limit` is the requests in any 60 seconds that the asking connection allows itself; zero
    /// counts as one.
    pub fn try_take(&self, host: &str, limit: u32, now: Timestamp) -> Result<(), Duration> {
        let mut hosts = self.lock();
        if !hosts.contains_key(host) {
            hosts.insert(host.to_owned(), Account::default());
        }
        hosts
            .get_mut(host)
            .map_or(Ok(()), |account| account.try_take(limit, now))
    }

    /// No request to `host` before `until`. A shorter pause does not end a longer one.
    pub fn pause(&self, host: &str, until: Timestamp) {
        let mut hosts = self.lock();
        let account = hosts.entry(host.to_owned()).or_default();
        account.paused_until = account.paused_until.max(Some(until));
    }

    /// RCE answered 429: pauses for what it asked, else for a growing while. Returns the wait.
    pub fn limited(&self, host: &str, retry_after: Option<Duration>, now: Timestamp) -> Duration {
        let wait = {
            let mut hosts = self.lock();
            let account = hosts.entry(host.to_owned()).or_default();
            // Requests that were under way together are refused together; that is one refusal.
            if account.paused_until.is_none_or(|until| until <= now) {
                account.pauses = account.pauses.saturating_add(1);
            }
            let growing = FIRST_PAUSE * 2_u32.pow(account.pauses.saturating_sub(1).min(4));
            retry_after.map_or(growing.min(LONGEST_PAUSE), |asked| asked.min(LONGEST_RETRY_AFTER))
        };
        self.pause(host, later(now, wait));
        wait
    }

    /// RCE did what it was asked: the next pause starts small again.
    pub fn succeeded(&self, host: &str) {
        if let Some(account) = self.lock().get_mut(host) {
            account.pauses = 0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Account>> {
        // Every change is complete before the lock is given back, so a poisoned one is still sound.
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    fn try_take(&mut self, limit: u32, now: Timestamp) -> Result<(), Duration> {
        self.limits.insert(limit.max(1), now);
        self.limits
            .retain(|_, named| since(*named, now) <= LIMIT_REMEMBERED);
        if let Some(wait) = self
            .paused_until
            .map(|until| since(now, until))
            .filter(|w| !w.is_zero())
        {
            return Err(wait);
        }
        // A clock that was set back must neither block us for long nor let more through.
        for at in &mut self.log {
            *at = (*at).min(now);
        }
        while self
            .log
            .front()
            .is_some_and(|at| since(*at, now) >= WINDOW + MARGIN)
        {
            self.log.pop_front();
        }
        let limit = self.limits.keys().next().map_or(1, |smallest| *smallest as usize);
        if self.log.len() < limit {
            self.log.push_back(now);
            return Ok(());
        }
        // The request whose leaving makes room for one more.
        let leaving = self.log.get(self.log.len() - limit);
        Err(leaving.map_or(WINDOW, |at| (WINDOW + MARGIN).saturating_sub(since(*at, now))))
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
