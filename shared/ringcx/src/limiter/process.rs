//! The budget of a process that has its accounts to itself.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use handover_core::Timestamp;
use handover_core::ports::Urgency;

use super::brake::Brake;
use super::limits::Limits;
use super::{RestBudget, Room, WINDOW, since};

/// A request this much older than the window has left it for certain, however a clock rounds.
const MARGIN: Duration = Duration::from_millis(1);

/// Counts every request, so that all of the limit can be used.
#[derive(Debug, Default)]
pub struct ProcessBudget {
    accounts: Mutex<HashMap<String, Account>>,
}

#[derive(Clone, Debug, Default)]
struct Account {
    /// The requests of the last window, oldest first.
    log: VecDeque<Request>,
    limits: Limits,
    brake: Brake,
}

#[derive(Clone, Copy, Debug)]
struct Request {
    at: Timestamp,
    urgency: Urgency,
}

impl ProcessBudget {
    pub fn new() -> Self {
        Self::default()
    }

    /// How many requests the account may still make now, if `limit` counts for it. None during a pause.
    pub fn left(&self, account: &str, limit: u32, now: Timestamp) -> u32 {
        let mut accounts = self.lock();
        let Some(account) = accounts.get_mut(account) else {
            return limit;
        };
        if account.brake.pause(now).is_some() {
            return 0;
        }
        account.forget(now);
        let made = u32::try_from(account.log.len()).unwrap_or(u32::MAX);
        account.brake.slow(limit, now).saturating_sub(made)
    }

    pub(super) fn try_take(
        &self,
        account: &str,
        limit: u32,
        urgency: Urgency,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let mut accounts = self.lock();
        if let Some(known) = accounts.get_mut(account) {
            return known.take(limit, urgency, now);
        }
        let new = accounts.entry(account.to_owned()).or_default();
        new.take(limit, urgency, now)
    }

    /// What [`Self::try_take`] would say to whom a person waits for, without taking a place.
    pub(super) fn look(&self, account: &str, limit: u32, now: Timestamp) -> Duration {
        let mut copy = self.lock().get(account).cloned().unwrap_or_default();
        let answer = copy.take(limit, Urgency::Now, now);
        answer.err().unwrap_or_default()
    }

    pub(super) fn note_limited(
        &self,
        account: &str,
        retry_after: Option<Duration>,
        now: Timestamp,
    ) -> Duration {
        let mut accounts = self.lock();
        let account = accounts.entry(account.to_owned()).or_default();
        account.brake.limited(retry_after, now)
    }

    pub(super) fn note_succeeded(&self, account: &str, now: Timestamp) {
        if let Some(account) = self.lock().get_mut(account) {
            account.brake.succeeded(now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Account>> {
        // Every change is complete before the lock is given back, so a poisoned one is still sound.
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl RestBudget for ProcessBudget {
    async fn take(
        &self,
        account: &str,
        limit: u32,
        urgency: Urgency,
        now: Timestamp,
    ) -> Result<(), Duration> {
        self.try_take(account, limit, urgency, now)
    }

    async fn limited(&self, account: &str, retry_after: Option<Duration>, now: Timestamp) -> Duration {
        self.note_limited(account, retry_after, now)
    }

    async fn succeeded(&self, account: &str, now: Timestamp) {
        self.note_succeeded(account, now);
    }

    async fn wait(&self, account: &str, limit: u32, now: Timestamp) -> Duration {
        self.look(account, limit, now)
    }
}

impl Account {
    fn take(&mut self, limit: u32, urgency: Urgency, now: Timestamp) -> Result<(), Duration> {
        let limit = self.limits.ask(limit, now);
        if let Some(rest) = self.brake.pause(now) {
            return Err(rest);
        }
        self.forget(now);
        let room = Room::of(self.brake.slow(limit, now), urgency);
        let all = self.log.iter();
        let idle = all.clone().filter(|request| request.urgency == Urgency::Idle);
        let wait = until_left(all, room.all, now).max(until_left(idle, room.idle, now));
        if let Some(wait) = wait {
            return Err(wait);
        }
        self.log.push_back(Request { at: now, urgency });
        Ok(())
    }

    /// Forgets what has left the window.
    fn forget(&mut self, now: Timestamp) {
        // A clock that was set back must neither block us for long nor let more through.
        for request in &mut self.log {
            request.at = request.at.min(now);
        }
        let is_over = |request: &Request| since(request.at, now) >= WINDOW + MARGIN;
        while self.log.front().is_some_and(is_over) {
            self.log.pop_front();
        }
    }
}

/// How long until no more than `most` of these requests are in the window; `None`: they are no more.
fn until_left<'a>(
    requests: impl DoubleEndedIterator<Item = &'a Request>,
    most: u32,
    now: Timestamp,
) -> Option<Duration> {
    let leaving = requests.rev().nth(usize::try_from(most).ok()?)?;
    Some((WINDOW + MARGIN).saturating_sub(since(leaving.at, now)))
}
